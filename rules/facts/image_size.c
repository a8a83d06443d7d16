#include "rules/facts/image_size.h"

static uint32_t byte_at(struct str bytes, size_t at)
{
    return (unsigned char)bytes.s[at];
}

static uint32_t big16(struct str bytes, size_t at)
{
    return byte_at(bytes, at) << 8 | byte_at(bytes, at + 1);
}

static uint32_t big32(struct str bytes, size_t at)
{
    return big16(bytes, at) << 16 | big16(bytes, at + 2);
}

static uint32_t little16(struct str bytes, size_t at)
{
    return byte_at(bytes, at + 1) << 8 | byte_at(bytes, at);
}

#define GIF_SIZE_END 10 /* signature, width, height */

static bool read_gif(struct str bytes, struct image_size *size)
{
    if (bytes.n < GIF_SIZE_END ||
        (!str_starts(bytes, STR("GIF87a")) && !str_starts(bytes, STR("GIF89a"))))
        return false;
    *size = (struct image_size){little16(bytes, 6), little16(bytes, 8)};
    return true;
}

#define PNG_STEP     8 /* of a chunk's length and type */
#define PNG_IHDR_LEN 13

/* IHDR must be the first chunk; like SpamAssassin, look for it in steps of a chunk's head where it
 * is not. */
static bool read_png(struct str bytes, struct image_size *size)
{
    if (!str_starts(bytes, STR("\x89PNG\r\n\x1a\n")))
        return false;
    for (size_t at = PNG_STEP; bytes.n - at >= 2 * PNG_STEP; at += PNG_STEP) {
        struct str type = str_sub(bytes, at + 4, at + 8);
        if (str_eq(type, STR("IEND")))
            return false;
        if (str_eq(type, STR("IHDR")) && big32(bytes, at) == PNG_IHDR_LEN) {
            *size = (struct image_size){big32(bytes, at + 8), big32(bytes, at + 12)};
            return true;
        }
    }
    return false;
}

/* Start of frame, of whatever coding: C0 to CF without DHT, JPG and DAC. */
static bool is_frame(uint32_t marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

static bool read_jpeg(struct str bytes, struct image_size *size)
{
    const uint32_t scan = 0xda, end = 0xd9;
    if (!str_starts(bytes, STR("\xff\xd8")))
        return false;
    size_t at = 2;
    while (at < bytes.n && bytes.n - at >= 4) {
        uint32_t marker = byte_at(bytes, at + 1), length = big16(bytes, at + 2);
        if (byte_at(bytes, at) != 0xff || marker == scan || marker == end || length < 2)
            return false;
        if (is_frame(marker)) {
            if (length < 7 || bytes.n - at < 9)
                return false;
            *size = (struct image_size){big16(bytes, at + 7), big16(bytes, at + 5)};
            return true;
        }
        at += 2 + length;
    }
    return false;
}

bool image_size_read(enum image_kind kind, struct str bytes, struct image_size *size)
{
    bool read = kind == IMAGE_GIF    ? read_gif(bytes, size)
                : kind == IMAGE_JPEG ? read_jpeg(bytes, size)
                                     : read_png(bytes, size);
    return read && size->width && size->height;
}
