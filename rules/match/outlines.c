#include "rules/match/outlines.h"

#define CHUNK     4096
#define ROWS      (1 + OUTLINE_BYTES)
#define ROWS_SOON 4 /* after so many rows hardly a place still fits */
#define LANE_BITS 128

/* The bits of 128 outlines, which every processor can take together. */
typedef uint64_t lane __attribute__((vector_size(LANE_BITS / 8)));

struct block {
    lane rows[ROWS][256];
    uint32_t numbers[LANE_BITS];
};

struct outlines {
    struct block *blocks;
    size_t n;
};

static void set_bit(lane *bits, size_t i)
{
    (*bits)[i / 64] |= 1ull << (i % 64);
}

static void add(struct block *block, size_t i, const struct outlines_entry *entry)
{
    block->numbers[i] = entry->number;
    for (size_t row = 0; row < ROWS; row++) {
        for (unsigned c = 0; c < 256; c++) {
            if (byteset_has(&entry->outline->at[row], (unsigned char)c))
                set_bit(&block->rows[row][c], i);
        }
    }
}

struct outlines *outlines_new(struct pool *pool, const struct outlines_entry *list, size_t n)
{
    struct outlines *outlines = POOL_NEW(pool, struct outlines);
    if (outlines == NULL)
        return NULL;
    outlines->n = (n + LANE_BITS - 1) / LANE_BITS;
    outlines->blocks = POOL_ARRAY(pool, outlines->n, struct block);
    if (outlines->blocks == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++)
        add(&outlines->blocks[i / LANE_BITS], i % LANE_BITS, &list[i]);
    return outlines;
}

static bool none(lane bits)
{
    return (bits[0] | bits[1]) == 0;
}

/* What fits where window[1] is the first byte, window[0] the one before. */
static inline lane fitting(const struct block *block, const unsigned char *window)
{
    lane bits = block->rows[0][window[0]];
    for (size_t row = 1; row < ROWS_SOON; row++)
        bits &= block->rows[row][window[row]];
    if (none(bits))
        return bits;
    for (size_t row = ROWS_SOON; row < ROWS; row++)
        bits &= block->rows[row][window[row]];
    return bits;
}

static bool report(const struct block *block, lane bits, size_t at, outlines_found *found,
                   void *data)
{
    for (size_t half = 0; half < LANE_BITS / 64; half++) {
        for (uint64_t left = bits[half]; left; left &= left - 1) {
            size_t i = half * 64 + (size_t)__builtin_ctzll(left);
            if (!found(data, block->numbers[i], at))
                return false;
        }
    }
    return true;
}

/* The bytes of a chunk, with the one before it and those that a window may reach behind it. */
struct chunk {
    unsigned char bytes[1 + CHUNK + OUTLINE_BYTES];
    size_t n; /* places where a window may begin */
};

/* Behind the text's end stand zeros, which only windows take that reach beyond a match's end. */
static void fill(struct chunk *chunk, struct str text, size_t at)
{
    struct str piece = str_sub(text, at, at + CHUNK + OUTLINE_BYTES);
    size_t behind = CHUNK + OUTLINE_BYTES - piece.n;
    chunk->bytes[0] = at ? (unsigned char)text.s[at - 1] : '\n';
    memcpy(chunk->bytes + 1, piece.s, piece.n);
    memset(chunk->bytes + 1 + piece.n, 0, behind < OUTLINE_BYTES ? behind : OUTLINE_BYTES);
    chunk->n = piece.n < CHUNK ? piece.n : CHUNK;
}

void outlines_search(const struct outlines *outlines, struct str text, outlines_found *found,
                     void *data)
{
    struct chunk chunk;
    if (outlines->n == 0)
        return;
    for (size_t at = 0; at < text.n; at += CHUNK) {
        fill(&chunk, text, at);
        for (size_t i = 0; i < chunk.n; i++) {
            for (size_t b = 0; b < outlines->n; b++) {
                lane bits = fitting(&outlines->blocks[b], chunk.bytes + i);
                if (!none(bits) && !report(&outlines->blocks[b], bits, at + i, found, data))
                    return;
            }
        }
    }
}
