/*
 * tokens: the set of a message's features while it is collected: each once, bounded, in a pool.
 * A token is a text at a place ("subject", "from", "u" for links; the empty place is the body);
 * its hash covers both, its text reads "place:text".
 */
#ifndef POTERNE_BAYES_FEATURES_TOKENS_H
#define POTERNE_BAYES_FEATURES_TOKENS_H

#include "bayes/bayes.h"

/* A longer word is not kept as such: what it begins with and how long it is take its place. */
#define TOKEN_TEXT_MAX  40
#define TOKEN_PLACE_MAX 40 /* bytes of a place that count */
#define TOKEN_MAX       (TOKEN_PLACE_MAX + 1 + TOKEN_TEXT_MAX)
/* Bytes behind a token in the making that can be read, whatever they are: so it is read and copied
 * in wide steps, which for the few bytes of a word is most of the work. */
#define TOKEN_PAD 16

struct tokens {
    struct pool *pool;
    struct feature *list; /* in the order of their first sight */
    size_t n;
    size_t cap;
    size_t limit;    /* of n, for the part of the message that is being read */
    uint32_t *slots; /* hash set: positions in list, counted from 1 */
    size_t n_slots;  /* a power of two */
    uint64_t salt;
    char *texts; /* room for the next ones */
    size_t texts_left;
    bool failed; /* the pool is used up */
};

void tokens_init(struct tokens *tokens, struct pool *pool);
/* At most so many new tokens from here on, so that no part of a message crowds out the others. */
void tokens_allow(struct tokens *tokens, size_t more);
static inline bool tokens_full(const struct tokens *tokens)
{
    return tokens->failed || tokens->n >= tokens->limit;
}

uint64_t tokens_hash(struct str text);

/* Writes "place:", or nothing for the empty place, into room for TOKEN_PLACE_MAX + 1; returns how
 * many bytes. */
size_t token_begin(char *whole, struct str place);
/* A token as its text reads, of at most TOKEN_MAX bytes; TOKEN_PAD more can be read behind them. */
void tokens_put(struct tokens *tokens, struct str whole);

/* The text as it is; cut to TOKEN_TEXT_MAX. */
void tokens_add(struct tokens *tokens, struct str place, struct str text);
void tokens_addf(struct tokens *tokens, struct str place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Letters as a, capitals as A, digits as 0, each run once: what made the text shows in its shape.
 */
void tokens_shape(struct tokens *tokens, struct str place, struct str text);

/* Each word of UTF-8 text, in lower case; of scripts that put no blanks between words, each pair
 * of characters. */
void tokens_words(struct tokens *tokens, struct str place, struct str text);

/* Sorts; -1 when the pool is used up. */
int tokens_finish(struct tokens *tokens, struct features *features, struct err *err);

#endif
