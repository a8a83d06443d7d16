#include "bayes/features/grams.h"

#include "base/ascii.h"
#include "bayes/features/features.h"
#include "bayes/features/field.h"

#define GRAM      4
#define WORD_BITS 64u
#define WORDS     (GRAM_WEIGHTS / WORD_BITS)
#define BITS      20 /* of a position */
#define NAME_MAX  24 /* as in a token's place */

_Static_assert(GRAM_WEIGHTS >> BITS == 1, "a position is one of them");

/* Stored in ledgers, as sums: to change it makes all weights worthless. */
static uint32_t gram_position(const char *bytes)
{
    uint32_t gram;
    memcpy(&gram, bytes, sizeof gram);
    return (gram * 0x9e3779b1u) >> (32 - BITS);
}

/* The lowest bit of *bits that is set, which it clears. */
static size_t take_bit(uint64_t *bits)
{
    size_t bit = (size_t)__builtin_ctzll(*bits);
    *bits &= *bits - 1;
    return bit;
}

/* A bit for each position, a bit in `used` for each word of these. */
size_t grams_of(struct str bytes, uint32_t *grams)
{
    uint64_t seen[WORDS] = {0}, used[WORDS / WORD_BITS] = {0};
    size_t n = 0;
    bytes = str_sub(bytes, 0, GRAMS_MAX);
    for (size_t i = 0; i + GRAM <= bytes.n; i++) {
        uint32_t position = gram_position(bytes.s + i), word = position / WORD_BITS;
        seen[word] |= UINT64_C(1) << (position % WORD_BITS);
        used[word / WORD_BITS] |= UINT64_C(1) << (word % WORD_BITS);
    }
    for (size_t i = 0; i < WORDS / WORD_BITS; i++)
        while (used[i]) {
            size_t word = i * WORD_BITS + take_bit(&used[i]);
            while (seen[word])
                grams[n++] = (uint32_t)(word * WORD_BITS + take_bit(&seen[word]));
        }
    return n;
}

/* The bytes that grams are made of. */
struct head {
    char bytes[GRAMS_MAX];
    size_t n;
};

static void head_add(struct head *head, struct str text)
{
    while (text.n && head->n < sizeof head->bytes) {
        size_t end = str_chr(text, '\r');
        struct str piece = str_sub(text, 0, end);
        piece = str_sub(piece, 0, sizeof head->bytes - head->n);
        if (piece.n)
            memcpy(head->bytes + head->n, piece.s, piece.n);
        head->n += piece.n;
        text = end == STR_NONE ? STR_EMPTY : str_from(text, end + 1);
    }
}

static enum field_kind kind_of(struct str name)
{
    char lower[NAME_MAX];
    size_t n = name.n < sizeof lower ? name.n : sizeof lower;
    for (size_t i = 0; i < n; i++)
        lower[i] = str_lower_char(name.s[i]);
    return field_kind(str_n(lower, n));
}

static void head_add_field(struct head *head, const struct message *message,
                           const struct header *header)
{
    if (kind_of(header->name) == FIELD_SKIP)
        return;
    if (!str_ieq(header->name, STR("Subject"))) {
        head_add(head, str_sub(message->raw, header->at, header->end));
        return;
    }
    head_add(head, STR("Subject: "));
    head_add(head, features_subject(header->value));
    head_add(head, STR("\n"));
}

int features_grams(struct pool *pool, const struct message *message, struct features *features,
                   struct err *err)
{
    struct head head;
    uint32_t grams[GRAMS_MAX];
    const struct part *root = message->root;
    head.n = 0;
    for (size_t i = 0; i < root->n_headers && head.n < GRAMS_MAX; i++)
        head_add_field(&head, message, &root->headers[i]);
    head_add(&head, STR("\n"));
    head_add(&head, root->body);
    features->n_grams = grams_of(str_n(head.bytes, head.n), grams);
    features->grams = POOL_ARRAY(pool, features->n_grams + 1, uint32_t);
    if (features->grams == NULL)
        return err_set(err, "out of memory for the grams of one message");
    memcpy(features->grams, grams, features->n_grams * sizeof grams[0]);
    return 0;
}
