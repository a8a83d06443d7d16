#include "rules/facts/images.h"

#include "mail/transfer.h"
#include "rules/facts/parts.h"

static bool kind_of(struct str type, enum image_kind *kind)
{
    static const struct {
        const char *type;
        enum image_kind kind;
    } kinds[] = {
        {"image/gif", IMAGE_GIF},
        {"image/jpeg", IMAGE_JPEG},
        {"image/jpg", IMAGE_JPEG},
        {"image/png", IMAGE_PNG},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (str_eq(type, str_of(kinds[i].type))) {
            *kind = kinds[i].kind;
            return true;
        }
    }
    return false;
}

/* Tries the first `max` decoded bytes; *used is how many there were. -1: no memory. */
static int look(struct str base64, struct image *image, size_t max, size_t *used)
{
    struct buf head = BUF_INIT(max);
    transfer_base64(base64, &head);
    bool ok = buf_ok(&head);
    *used = head.n;
    if (!ok || !image_size_read(image->kind, buf_str(&head), &image->size))
        image->size = (struct image_size){0};
    buf_release(&head);
    return ok ? 0 : -1;
}

/* Decodes as little as tells the size; `left` is what all images together may still cost. */
static int measure(struct str base64, struct image *image, size_t *left)
{
    size_t used;
    if (look(base64, image, IMAGES_HEAD_FIRST, &used) < 0)
        return -1;
    if (image->size.width || used + 3 < IMAGES_HEAD_FIRST || *left <= IMAGES_HEAD_FIRST)
        return 0;
    if (look(base64, image, *left, &used) < 0)
        return -1;
    *left -= used;
    return 0;
}

static int add(struct facts *facts, struct images *images, const struct fact_part *part,
               size_t *left)
{
    struct image *image = &images->list[images->n];
    struct str encoding = fact_field(facts, part, STR("content-transfer-encoding"));
    if (!str_ieq(encoding, STR("base64")) || !kind_of(part->type, &image->kind))
        return 0;
    images->n++;
    image->name = part->name;
    return measure(part->raw, image, left);
}

const struct images *facts_images(struct facts *facts)
{
    const struct fact_parts *parts;
    struct images *images = facts->made[FACT_IMAGES];
    size_t left = IMAGES_HEAD_MAX;
    if (images)
        return images;
    if ((parts = facts_parts(facts)) == NULL ||
        (images = POOL_NEW(facts->pool, struct images)) == NULL ||
        (images->list = POOL_ARRAY(facts->pool, parts->n, struct image)) == NULL)
        return NULL;
    for (size_t i = 0; i < parts->n; i++) {
        if (parts->list[i]->leaf && add(facts, images, parts->list[i], &left) < 0)
            return NULL;
    }
    return facts->made[FACT_IMAGES] = images;
}
