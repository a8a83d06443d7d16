#include "bayes/features/tokens.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "bayes/features/bytes8.h"
#include "mail/utf8.h"

#define SLOTS_FIRST 2048u
#define LIST_FIRST  512
#define TEXTS_BLOCK 4096 /* bytes for texts, taken of the pool at once */
#define HEAP_MAX    32   /* what is sorted by insertion */

static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Stored in ledgers: to change it is to make all that was learned worthless. Folded
 * multiplication of 8 bytes at a time (the construction of W. Yi's wyhash). */
static const uint64_t k0 = 0x2d358dccaa6c78a5u, k1 = 0x8bb84b93962eacc9u;

static uint64_t hash_eights(const char *p, size_t n)
{
    uint64_t h = k0 ^ n;
    for (; n >= 8; n -= 8, p += 8)
        h = mix(h ^ bytes8_get(p), k1);
    return h;
}

static uint64_t hash_end(uint64_t h, uint64_t last, size_t n)
{
    return mix(mix(h ^ last, k1), k0 ^ n);
}

uint64_t tokens_hash(struct str text)
{
    size_t more = text.n % 8;
    char last[8] = {0};
    if (more)
        memcpy(last, text.s + text.n - more, more);
    return hash_end(hash_eights(text.s, text.n), bytes8_get(last), text.n);
}

/* The same of a text with TOKEN_PAD behind it. */
static uint64_t hash_padded(struct str whole)
{
    size_t more = whole.n % 8;
    uint64_t last = bytes8_head(whole.s + whole.n - more, more);
    return hash_end(hash_eights(whole.s, whole.n), last, whole.n);
}

void tokens_init(struct tokens *tokens, struct pool *pool)
{
    *tokens = (struct tokens){.pool = pool, .limit = FEATURES_MAX, .n_slots = SLOTS_FIRST};
    tokens->slots = POOL_ARRAY(pool, tokens->n_slots, uint32_t);
    tokens->list = POOL_ARRAY(pool, LIST_FIRST, struct feature);
    tokens->cap = LIST_FIRST;
    /* Without a secret, a mail could be made of words that all want the same slot. */
    random_fill(&tokens->salt, sizeof tokens->salt);
    tokens->failed = tokens->slots == NULL || tokens->list == NULL;
}

void tokens_allow(struct tokens *tokens, size_t more)
{
    tokens->limit = more < FEATURES_MAX - tokens->n ? tokens->n + more : FEATURES_MAX;
}

/* The slot that holds the hash, or the empty one where it belongs. */
static uint32_t *slot_find(const struct tokens *tokens, uint64_t hash)
{
    size_t mask = tokens->n_slots - 1;
    size_t at = (size_t)mix(hash ^ tokens->salt, 0x9e3779b97f4a7c15u) & mask;
    while (tokens->slots[at] && tokens->list[tokens->slots[at] - 1].hash != hash)
        at = (at + 1) & mask;
    return &tokens->slots[at];
}

static void slots_grow(struct tokens *tokens)
{
    uint32_t *slots = POOL_ARRAY(tokens->pool, tokens->n_slots * 4, uint32_t);
    if (slots == NULL) {
        tokens->failed = true;
        return;
    }
    tokens->slots = slots;
    tokens->n_slots *= 4;
    for (size_t i = 0; i < tokens->n; i++)
        *slot_find(tokens, tokens->list[i].hash) = (uint32_t)i + 1;
}

/* For people to read: whatever is no character, or a control character, shows as '?'. */
static void make_readable(char *to, struct str copy)
{
    for (size_t at = 0; at < copy.n;) {
        size_t from = at;
        uint32_t c = utf8_next(copy, &at);
        if (c == UTF8_BAD || c < ' ' || (c >= 0x7f && c < 0xa0))
            memset(to + from, '?', at - from);
    }
}

static bool is_printable(struct str whole)
{
    uint64_t plain = BYTES8_EACH(0x80);
    size_t at = 0;
    for (; at + 8 <= whole.n; at += 8)
        plain &= bytes8_within(bytes8_get(whole.s + at), ' ', '~');
    uint64_t last = bytes8_head(whole.s + at, whole.n - at);
    uint64_t behind = BYTES8_EACH(0x80) << (8 * (whole.n - at));
    return (plain & (bytes8_within(last, ' ', '~') | behind)) == BYTES8_EACH(0x80);
}

/* .s NULL: the pool is used up. */
static struct str readable_copy(struct tokens *tokens, struct str whole)
{
    if (tokens->texts_left < whole.n + TOKEN_PAD) {
        tokens->texts = pool_alloc(tokens->pool, TEXTS_BLOCK);
        tokens->texts_left = tokens->texts ? TEXTS_BLOCK : 0;
    }
    struct str copy = str_n(tokens->texts, whole.n);
    if (tokens->texts == NULL)
        return copy;
    for (size_t at = 0; at < whole.n; at += TOKEN_PAD)
        memcpy(tokens->texts + at, whole.s + at, TOKEN_PAD);
    if (!is_printable(whole))
        make_readable(tokens->texts, copy);
    tokens->texts += whole.n;
    tokens->texts_left -= whole.n;
    return copy;
}

void tokens_put(struct tokens *tokens, struct str whole)
{
    if (tokens_full(tokens))
        return;
    uint64_t hash = hash_padded(whole);
    uint32_t *slot = slot_find(tokens, hash);
    if (*slot)
        return;
    if (tokens->n == tokens->cap) {
        struct feature *list =
            pool_grow(tokens->pool, tokens->list, tokens->n, &tokens->cap, sizeof *list);
        if (list)
            tokens->list = list;
        tokens->failed = list == NULL;
    }
    struct str copy = tokens->failed ? STR_EMPTY : readable_copy(tokens, whole);
    if (copy.s == NULL) {
        tokens->failed = true;
        return;
    }
    tokens->list[tokens->n++] = (struct feature){hash, copy};
    *slot = (uint32_t)tokens->n;
    if (tokens->n * 2 > tokens->n_slots)
        slots_grow(tokens);
}

size_t token_begin(char *whole, struct str place)
{
    place = str_sub(place, 0, TOKEN_PLACE_MAX);
    if (place.n == 0)
        return 0;
    memcpy(whole, place.s, place.n);
    whole[place.n] = ':';
    return place.n + 1;
}

void tokens_add(struct tokens *tokens, struct str place, struct str text)
{
    char whole[TOKEN_MAX + TOKEN_PAD];
    size_t n = token_begin(whole, place);
    text = str_sub(text, 0, TOKEN_TEXT_MAX);
    if (text.n)
        memcpy(whole + n, text.s, text.n);
    tokens_put(tokens, str_n(whole, n + text.n));
}

void tokens_addf(struct tokens *tokens, struct str place, const char *format, ...)
{
    char text[TOKEN_TEXT_MAX * 2];
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (n > 0)
        tokens_add(tokens, place, str_of(text));
}

void tokens_shape(struct tokens *tokens, struct str place, struct str text)
{
    char shape[TOKEN_TEXT_MAX];
    size_t n = 0;
    for (size_t i = 0; i < text.n && n < sizeof shape; i++) {
        char c = text.s[i];
        char kind = c >= '0' && c <= '9'   ? '0'
                    : c >= 'a' && c <= 'z' ? 'a'
                    : c >= 'A' && c <= 'Z' ? 'A'
                                           : c;
        if (n == 0 || shape[n - 1] != kind)
            shape[n++] = kind;
    }
    tokens_add(tokens, place, str_n(shape, n));
}

static int feature_order(const void *a, const void *b)
{
    uint64_t x = ((const struct feature *)a)->hash;
    uint64_t y = ((const struct feature *)b)->hash;
    return x < y ? -1 : x > y;
}

static void sort_nearly_sorted(struct feature *list, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct feature moved = list[i];
        size_t at = i;
        for (; at > 0 && list[at - 1].hash > moved.hash; at--)
            list[at] = list[at - 1];
        list[at] = moved;
    }
}

/* By the first byte, then within each of these heaps: hashes are spread evenly, unless there are
 * very many, or somebody takes great pains. */
static struct feature *sorted(struct pool *pool, const struct feature *list, size_t n)
{
    size_t starts[257] = {0}, at[256];
    struct feature *out = POOL_ARRAY(pool, n + 1, struct feature);
    if (out == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++)
        starts[(list[i].hash >> 56) + 1]++;
    for (size_t i = 1; i < 257; i++)
        starts[i] += starts[i - 1];
    memcpy(at, starts, sizeof at);
    for (size_t i = 0; i < n; i++)
        out[at[list[i].hash >> 56]++] = list[i];
    for (size_t i = 0; i < 256; i++)
        if (starts[i + 1] - starts[i] > HEAP_MAX)
            qsort(out + starts[i], starts[i + 1] - starts[i], sizeof *out, feature_order);
    sort_nearly_sorted(out, n);
    return out;
}

int tokens_finish(struct tokens *tokens, struct features *features, struct err *err)
{
    features->n = tokens->n;
    features->list = tokens->failed ? NULL : sorted(tokens->pool, tokens->list, tokens->n);
    if (features->list == NULL)
        return err_set(err, "out of memory for the tokens of one message");
    return 0;
}
