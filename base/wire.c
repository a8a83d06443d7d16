#include "base/wire.h"

#include <endian.h>

void wire_u8(struct buf *out, uint8_t v)
{
    buf_addc(out, (char)v);
}

void wire_u32(struct buf *out, uint32_t v)
{
    v = htole32(v);
    buf_addn(out, &v, sizeof v);
}

void wire_u64(struct buf *out, uint64_t v)
{
    v = htole64(v);
    buf_addn(out, &v, sizeof v);
}

void wire_i64(struct buf *out, int64_t v)
{
    wire_u64(out, (uint64_t)v);
}

void wire_f64(struct buf *out, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    wire_u64(out, bits);
}

void wire_str(struct buf *out, struct str v)
{
    if (v.n > UINT32_MAX) {
        out->failed = true;
        return;
    }
    wire_u32(out, (uint32_t)v.n);
    buf_add(out, v);
}

static void take(struct wire *w, void *to, size_t n)
{
    memset(to, 0, n);
    if (w->bad || w->in.n < n) {
        w->bad = true;
        return;
    }
    memcpy(to, w->in.s, n);
    w->in = str_from(w->in, n);
}

uint8_t wire_get_u8(struct wire *w)
{
    uint8_t v;
    take(w, &v, sizeof v);
    return v;
}

uint32_t wire_get_u32(struct wire *w)
{
    uint32_t v;
    take(w, &v, sizeof v);
    return le32toh(v);
}

uint64_t wire_get_u64(struct wire *w)
{
    uint64_t v;
    take(w, &v, sizeof v);
    return le64toh(v);
}

int64_t wire_get_i64(struct wire *w)
{
    return (int64_t)wire_get_u64(w);
}

double wire_get_f64(struct wire *w)
{
    uint64_t bits = wire_get_u64(w);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

struct str wire_get_str(struct wire *w)
{
    size_t n = wire_get_u32(w);
    if (w->bad || w->in.n < n) {
        w->bad = true;
        return STR_EMPTY;
    }
    struct str v = str_sub(w->in, 0, n);
    w->in = str_from(w->in, n);
    return v;
}

bool wire_done(const struct wire *w)
{
    return !w->bad && w->in.n == 0;
}
