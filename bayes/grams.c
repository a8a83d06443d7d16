#include "bayes/grams.h"

#include "base/ascii.h"
#include "bayes/features.h"
#include "bayes/field.h"

#define GRAM       4
#define DIGIT_BITS 10 /* of a position, sorted by at once: two digits make it */
#define DIGITS     (1u << DIGIT_BITS)
#define NAME_MAX   24 /* as in a token's place */

_Static_assert(GRAM_WEIGHTS == 1u << (2 * DIGIT_BITS), "a position has two digits");

/* Stored in ledgers, as sums: to change it makes all weights worthless. */
static uint32_t gram_position(const char *bytes)
{
    uint32_t gram;
    memcpy(&gram, bytes, sizeof gram);
    return (gram * 0x9e3779b1u) >> (32 - 2 * DIGIT_BITS);
}

/* One pass of a radix sort. */
static void sort_by(const uint32_t *from, uint32_t *to, size_t n, unsigned shift)
{
    uint32_t starts[DIGITS] = {0}, sum = 0;
    for (size_t i = 0; i < n; i++)
        starts[(from[i] >> shift) & (DIGITS - 1)]++;
    for (size_t i = 0; i < DIGITS; i++) {
        uint32_t count = starts[i];
        starts[i] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++)
        to[starts[(from[i] >> shift) & (DIGITS - 1)]++] = from[i];
}

size_t grams_of(struct str bytes, uint32_t *grams)
{
    uint32_t beside[GRAMS_MAX];
    size_t n = 0, kept = 0;
    bytes = str_sub(bytes, 0, GRAMS_MAX);
    for (; n + GRAM <= bytes.n; n++)
        grams[n] = gram_position(bytes.s + n);
    sort_by(grams, beside, n, 0);
    sort_by(beside, grams, n, DIGIT_BITS);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || grams[kept - 1] != grams[i])
            grams[kept++] = grams[i];
    return kept;
}

/* The bytes that grams are made of. */
struct head {
    char bytes[GRAMS_MAX];
    size_t n;
};

static void head_add(struct head *head, struct str text)
{
    for (size_t i = 0; i < text.n && head->n < sizeof head->bytes; i++)
        if (text.s[i] != '\r')
            head->bytes[head->n++] = text.s[i];
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
    struct head head = {.n = 0};
    const struct part *root = message->root;
    features->grams = POOL_ARRAY(pool, GRAMS_MAX, uint32_t);
    if (features->grams == NULL)
        return err_set(err, "out of memory for the grams of one message");
    for (size_t i = 0; i < root->n_headers && head.n < GRAMS_MAX; i++)
        head_add_field(&head, message, &root->headers[i]);
    head_add(&head, STR("\n"));
    head_add(&head, root->body);
    features->n_grams = grams_of(str_n(head.bytes, head.n), features->grams);
    return 0;
}
