/*
 * tnef: winmail.dat, and the messages embedded in it. What is checked beyond memory: all that is
 * listed lies in the stream, names are valid UTF-8, limits hold.
 */
#include <stdlib.h>

#include "mail/tnef.h"
#include "mail/utf8.h"

#define POOL_MAX  (64 * 1024 * 1024)
#define DEPTH_MAX 5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check(struct pool *pool, struct str stream, unsigned depth)
{
    struct tnef tnef;
    struct err err;
    must(tnef_read(pool, stream, &tnef, &err) == 0);
    must(tnef.n <= TNEF_ATTACHMENTS_MAX);
    must(tnef.damaged || tnef_is(stream));
    for (size_t i = 0; i < tnef.n; i++) {
        const struct tnef_attachment *a = &tnef.list[i];
        must(a->data.n == 0 ||
             (a->data.s >= stream.s && a->data.s + a->data.n <= stream.s + stream.n));
        must(a->name.n <= TNEF_NAME_MAX && utf8_valid_end(a->name) == a->name.n);
        if (a->kind == TNEF_MESSAGE && depth < DEPTH_MAX)
            check(pool, a->data, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pool *pool = pool_new(POOL_MAX);
    must(pool != NULL);
    check(pool, str_n((const char *)data, size), 0);
    pool_free(&pool);
    return 0;
}
