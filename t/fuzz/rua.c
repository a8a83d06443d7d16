/* Records that say to whom reports go: what is taken out of one can stand in a header and in an
 * envelope as it is. */
#include <stdlib.h>

#include "tally/rua.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct rua *rua)
{
    struct str target = str_of(rua->target);
    if (target.n == 0 || rua->host[0] == '\0')
        abort();
    for (size_t i = 0; i < target.n; i++)
        if (target.s[i] <= ' ' || target.s[i] >= 127)
            abort();
    if (rua->way == RUA_MAILTO && (str_chr(target, '<') != STR_NONE ||
                                   str_chr(target, ',') != STR_NONE || target.n > RUA_ADDRESS_MAX))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str record = str_n((const char *)data, size);
    struct rua_list list;
    for (enum tally_kind kind = TALLY_DMARC; kind <= TALLY_TLS; kind++) {
        if (rua_read(kind, record, &list) != rua_is_record(kind, record))
            abort();
        for (size_t i = 0; i < list.n; i++)
            check(&list.list[i]);
    }
    return 0;
}
