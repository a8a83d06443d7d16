#include "rules/eval/image.h"

#include "rules/facts/images.h"

static bool is_of_type(const struct image *image, struct str type)
{
    static const char *const names[IMAGE_KINDS] = {
        [IMAGE_GIF] = "gif", [IMAGE_JPEG] = "jpeg", [IMAGE_PNG] = "png"};
    return str_eq(type, STR("all")) || str_eq(type, str_of(names[image->kind]));
}

static bool size_is_known(const struct image *image)
{
    return image->size.width > 0;
}

static double pixels(const struct images *images, struct str type)
{
    double sum = 0;
    for (size_t i = 0; i < images->n; i++) {
        const struct image *image = &images->list[i];
        if (is_of_type(image, type))
            sum += (double)image->size.width * image->size.height;
    }
    return sum;
}

/* (TYPE, MIN, MAX): images of that type */
static double image_count(struct eval_context *c)
{
    const struct images *images = facts_images(c->facts);
    size_t count = 0;
    if (images == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < images->n; i++)
        count += is_of_type(&images->list[i], c->a[0].text);
    return eval_in_bounds((double)count, c->a, c->n, 1);
}

/* (NAME): an image of known size has that file name */
static double image_named(struct eval_context *c)
{
    const struct images *images = facts_images(c->facts);
    if (images == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < images->n; i++) {
        const struct image *image = &images->list[i];
        if (size_is_known(image) && image->name.n && str_eq(image->name, c->a[0].text))
            return 1;
    }
    return 0;
}

double eval_image_name_regex(struct eval_context *c)
{
    const struct images *images = facts_images(c->facts);
    if (images == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < images->n; i++) {
        const struct image *image = &images->list[i];
        if (size_is_known(image) && image->name.n && eval_matches(c, 0, image->name)) {
            c->text = image->name;
            return 1;
        }
    }
    return 0;
}

/* (TYPE, HEIGHT, WIDTH) */
static double image_size_exact(struct eval_context *c)
{
    const struct images *images = facts_images(c->facts);
    if (images == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < images->n; i++) {
        const struct image *image = &images->list[i];
        if (size_is_known(image) && is_of_type(image, c->a[0].text) &&
            image->size.height == c->a[1].number && image->size.width == c->a[2].number)
            return 1;
    }
    return 0;
}

/* (TYPE, MIN_HEIGHT, MIN_WIDTH, MAX_HEIGHT, MAX_WIDTH) */
static double image_size_range(struct eval_context *c)
{
    const struct images *images = facts_images(c->facts);
    if (images == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < images->n; i++) {
        const struct image *image = &images->list[i];
        double height = image->size.height, width = image->size.width;
        if (size_is_known(image) && is_of_type(image, c->a[0].text) && height >= c->a[1].number &&
            width >= c->a[2].number && (c->n <= 3 || height <= c->a[3].number) &&
            (c->n <= 4 || width <= c->a[4].number))
            return 1;
    }
    return 0;
}

/* (TYPE, MIN, MAX): bytes of text for each pixel; MAX itself is left out */
static double image_to_text_ratio(struct eval_context *c)
{
    const struct images *images = facts_images(c->facts);
    if (images == NULL)
        return EVAL_NO_MEMORY;
    size_t text;
    double area = pixels(images, c->a[0].text);
    if (!eval_text_length(c, &text))
        return EVAL_NO_MEMORY;
    if (text == 0 || area == 0)
        return 0;
    return (double)text / area >= c->a[1].number && (double)text / area < c->a[2].number;
}

/* (TYPE, MIN, MAX): pixels of all images of that type */
static double pixel_coverage(struct eval_context *c)
{
    const struct images *images = facts_images(c->facts);
    if (images == NULL)
        return EVAL_NO_MEMORY;
    return eval_in_bounds(pixels(images, c->a[0].text), c->a, c->n, 1);
}

const struct eval_entry eval_image[] = {
    {"image_count", image_count, 2, 3},
    {"image_name_regex", eval_image_name_regex, 1, 1},
    {"image_named", image_named, 1, 1},
    {"image_size_exact", image_size_exact, 3, 3},
    {"image_size_range", image_size_range, 3, 5},
    {"image_to_text_ratio", image_to_text_ratio, 3, 3},
    {"pixel_coverage", pixel_coverage, 2, 3},
    {0},
};
