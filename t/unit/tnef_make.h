/* Makes winmail.dat, attribute by attribute ([MS-OXTNEF]). */
#ifndef POTERNE_T_UNIT_TNEF_MAKE_H
#define POTERNE_T_UNIT_TNEF_MAKE_H

#include "base/wire.h"

#define make_iid_message "\x07\x03\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46"

static inline void make_u16(struct buf *out, unsigned v)
{
    wire_u8(out, (uint8_t)v);
    wire_u8(out, (uint8_t)(v >> 8));
}

static inline void make_begin(struct buf *out)
{
    wire_u32(out, 0x223e9f78);
    make_u16(out, 1);
}

static inline void make_attribute(struct buf *out, uint8_t level, uint32_t id, struct str data)
{
    unsigned sum = 0;
    wire_u8(out, level);
    wire_u32(out, id);
    wire_str(out, data); /* a length and the bytes, as here */
    for (size_t i = 0; i < data.n; i++)
        sum += (unsigned char)data.s[i];
    make_u16(out, sum);
}

static inline void make_codepage(struct buf *out, uint32_t page)
{
    char bytes[8];
    struct buf data = BUF_OVER(bytes);
    wire_u32(&data, page);
    wire_u32(&data, 0);
    make_attribute(out, 1, 0x00069007, buf_str(&data));
}

/* Rendering data, title, bytes. */
static inline void make_file(struct buf *out, const char *title, struct str data)
{
    make_attribute(out, 2, 0x00069002, STR("rendering data"));
    make_attribute(out, 2, 0x00018010, str_n(title, strlen(title) + 1));
    make_attribute(out, 2, 0x0006800f, data);
}

static inline void make_padding(struct buf *out, size_t n)
{
    for (; n % 4; n++)
        buf_addc(out, '\0');
}

static inline void make_sized(struct buf *out, struct str value)
{
    wire_str(out, value);
    make_padding(out, value.n);
}

/* Numbers are given as they stand; of one of several (0x1000), and of what has a size, the count
 * comes first. */
static inline void make_value(struct buf *out, unsigned type, unsigned id, struct str value)
{
    bool sized = type == 0x001e || type == 0x001f || type == 0x0102;
    make_u16(out, type);
    make_u16(out, id);
    if (sized || (type & 0x1000))
        wire_u32(out, 1);
    if (sized)
        make_sized(out, value);
    else
        buf_add(out, value);
}

static inline void make_named(struct buf *out, unsigned type, unsigned id, struct str value)
{
    make_u16(out, type);
    make_u16(out, id);
    buf_add(out, STR("a GUID, 16 bytes"));
    wire_u32(out, 1);
    make_sized(out, STR("n\0a\0m\0e\0\0\0"));
    wire_u32(out, 1);
    make_sized(out, value);
}

static inline void make_object(struct buf *out, const char *iid, struct str data)
{
    make_u16(out, 0x000d);
    make_u16(out, 0x3701);
    wire_u32(out, 1);
    wire_u32(out, (uint32_t)(16 + data.n));
    buf_add(out, str_n(iid, 16));
    buf_add(out, data);
    make_padding(out, data.n);
}

#endif
