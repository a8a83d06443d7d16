/*
 * The PROXY header from any bytes. Beyond not crashing: what is read does not depend on where TCP
 * cut it: a header that is whole is the same with more behind it, each shorter piece asks for more,
 * and what is bad stays bad.
 */
#include "gateway/gate/proxy.h"

#include <stdlib.h>

static void require(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct sockaddr_storage source, again;
    struct str in = str_n((const char *)data, n);
    size_t used, other;
    memset(&source, 0, sizeof source);
    enum proxy_result whole = proxy_read(in, &source, &used);
    require(used <= n && used <= PROXY_MAX);
    require(whole != PROXY_MORE || n < PROXY_MAX);
    for (size_t i = 0; i < n && i < PROXY_MAX; i++) {
        memset(&again, 0, sizeof again);
        enum proxy_result piece = proxy_read(str_sub(in, 0, i), &again, &other);
        if (piece == PROXY_MORE) {
            require(i < used || used == 0);
            continue;
        }
        require(piece == whole);
        require(piece == PROXY_BAD ||
                (other == used && memcmp(&again, &source, sizeof again) == 0));
        return 0;
    }
    return 0;
}
