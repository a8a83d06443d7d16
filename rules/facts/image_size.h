/*
 * image_size: how large an image is, from the head of its file. Sources: GIF89a 18, PNG 5.3 and
 * 11.2.2, JPEG (ITU T.81) B.1.1.3, B.2.2. Every byte is looked at once at most.
 */
#ifndef POTERNE_RULES_FACTS_IMAGE_SIZE_H
#define POTERNE_RULES_FACTS_IMAGE_SIZE_H

#include "base/str.h"

enum image_kind { IMAGE_GIF, IMAGE_JPEG, IMAGE_PNG, IMAGE_KINDS };

struct image_size {
    uint32_t width, height; /* both above 0 */
};

/* False when the bytes do not say, or are no such image. */
bool image_size_read(enum image_kind kind, struct str bytes, struct image_size *size);

#endif
