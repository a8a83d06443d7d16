/* images: the GIF, JPEG and PNG images that are attached to a message, as ImageInfo.pm counts. */
#ifndef POTERNE_RULES_FACTS_IMAGES_H
#define POTERNE_RULES_FACTS_IMAGES_H

#include "rules/facts/facts.h"
#include "rules/facts/image_size.h"

#define IMAGES_HEAD_FIRST 2048 /* decoded bytes that nearly always tell the size */
#define IMAGES_HEAD_MAX                                                                            \
    (4 * 1024 * 1024) /* looked at when they do not, for all images together                       \
                       */

struct image {
    enum image_kind kind;
    struct image_size size; /* 0 by 0: not known */
    struct str name;        /* may be empty */
};

struct images {
    struct image *list;
    size_t n;
};

const struct images *facts_images(struct facts *facts);

#endif
