#include "bayes/features/grams.h"

#include "base/ascii.h"
#include "bayes/features/features.h"
#include "bayes/features/field.h"

#define GRAM       4
#define WORD_BITS  64u
#define BITS       20         /* of a position */
#define DIGIT_BITS (BITS / 2) /* that positions are sorted by at once */
#define DIGITS     (1u << DIGIT_BITS)
#define NAME_MAX   24 /* as in a token's place */

_Static_assert(GRAM_WEIGHTS >> BITS == 1, "a position is one of them");

/* Stored in ledgers, as sums: to change it makes all weights worthless. */
static uint32_t gram_position(const char *bytes)
{
    uint32_t gram;
    memcpy(&gram, bytes, sizeof gram);
    return (gram * 0x9e3779b1u) >> (32 - BITS);
}

/* A position that was seen before is written too, and then written over: whether it was can't be
 * foretold, so a branch would cost more. */
size_t grams_of(struct str bytes, uint32_t *grams)
{
    uint64_t seen[GRAM_WEIGHTS / WORD_BITS] = {0};
    size_t n = 0;
    bytes = str_sub(bytes, 0, GRAMS_MAX);
    for (size_t i = 0; i + GRAM <= bytes.n; i++) {
        uint32_t position = gram_position(bytes.s + i);
        uint64_t *word = &seen[position / WORD_BITS];
        grams[n] = position;
        n += !(*word >> (position % WORD_BITS) & 1);
        *word |= UINT64_C(1) << (position % WORD_BITS);
    }
    return n;
}

static uint32_t digit_of(uint32_t position, unsigned shift)
{
    return (position >> shift) & (DIGITS - 1);
}

/* By one digit; what has the same keeps its order. */
static void sort_by(const uint32_t *from, uint32_t *to, size_t n, unsigned shift)
{
    uint32_t at[DIGITS] = {0}, before = 0;
    for (size_t i = 0; i < n; i++)
        at[digit_of(from[i], shift)]++;
    for (size_t i = 0; i < DIGITS; i++) {
        uint32_t count = at[i];
        at[i] = before;
        before += count;
    }
    for (size_t i = 0; i < n; i++)
        to[at[digit_of(from[i], shift)]++] = from[i];
}

void grams_sort(uint32_t *grams, size_t n)
{
    uint32_t half[GRAMS_MAX];
    sort_by(grams, half, n, 0);
    sort_by(half, grams, n, DIGIT_BITS);
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
