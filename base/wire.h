/*
 * wire: the bytes of a typed message between processes of one machine: little-endian numbers and
 * length-prefixed texts, in the order in which the message's own header names them.
 * Writing goes into a buf (its maximum bounds the message). Reading never goes past the end: the
 * first shortage sets `bad`, and everything after it reads as 0 or empty; ask wire_done() last.
 */
#ifndef POTERNE_BASE_WIRE_H
#define POTERNE_BASE_WIRE_H

#include "base/buf.h"

void wire_u8(struct buf *out, uint8_t v);
void wire_u32(struct buf *out, uint32_t v);
void wire_u64(struct buf *out, uint64_t v);
void wire_i64(struct buf *out, int64_t v);
void wire_f64(struct buf *out, double v);
void wire_str(struct buf *out, struct str v);

struct wire {
    struct str in;
    bool bad;
};

static inline struct wire wire_of(struct str message)
{
    return (struct wire){message, false};
}

uint8_t wire_get_u8(struct wire *w);
uint32_t wire_get_u32(struct wire *w);
uint64_t wire_get_u64(struct wire *w);
int64_t wire_get_i64(struct wire *w);
double wire_get_f64(struct wire *w);
/* The text points into the message. */
struct str wire_get_str(struct wire *w);
/* True when everything was there and nothing is left over. */
bool wire_done(const struct wire *w);

#endif
