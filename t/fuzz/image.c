/* The head of an image file; the first byte says of what kind. */
#include <stdlib.h>

#include "rules/facts/image_size.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct image_size read;
    if (size == 0)
        return 0;
    struct str bytes = str_n((const char *)data + 1, size - 1);
    if (image_size_read((enum image_kind)(data[0] % IMAGE_KINDS), bytes, &read) &&
        (read.width == 0 || read.height == 0))
        abort();
    return 0;
}
