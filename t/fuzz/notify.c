/* What clients say on the socket for freshclam: what was unknown stays so, whatever follows. */
#include <stdint.h>
#include <stdlib.h>

#include "gateway/signatures/notify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char end;
    size_t n = size < NOTIFY_WORD_MAX ? size : NOTIFY_WORD_MAX;
    enum notify_word before = NOTIFY_MORE;
    for (size_t i = 0; i <= n; i++) {
        enum notify_word word = notify_read(str_n((const char *)data, i), &end);
        if (word > NOTIFY_VERSION || (end != '\n' && end != '\0'))
            abort();
        if (before == NOTIFY_UNKNOWN && word != NOTIFY_UNKNOWN)
            abort();
        before = word;
    }
    return 0;
}
