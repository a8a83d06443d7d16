/* A message taken apart for the engines: within its limits, every part there to be read. */
#include <stdlib.h>

#include "gateway/antivirus/content.h"

#define DECODED_MAX ((size_t)4 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct av_content *content = av_content_new(DECODED_MAX);
    struct av_message message;
    size_t total = 0;
    unsigned sum = 0;
    if (!content)
        return 0;
    av_content_make(content, str_n((const char *)data, size), &message);
    if (message.n_parts > AV_PARTS_MAX)
        abort();
    for (size_t i = 0; i < message.n_parts; i++) {
        const struct av_part *part = &message.parts[i];
        if (!part->as_it_stands)
            total += part->bytes.n;
        for (size_t k = 0; k < part->bytes.n; k++)
            sum += (unsigned char)part->bytes.s[k];
    }
    if (total > DECODED_MAX || (sum == 1 && size == 0))
        abort();
    av_content_free(&content);
    return 0;
}
