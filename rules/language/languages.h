/*
 * languages: how often runs of letters stand in languages, out of the file `languages` that
 * SpamAssassin's TextCat.pm brings: the runs ("n-grams", 1 to 5 bytes; a NUL is a word's edge) of a
 * language, one a line, the most frequent first, then "0 en" with its name. Cavnar and Trenkle,
 * "N-Gram-Based Text Categorization" (1994), say how a text is told by them: facts/language.h.
 * Made once, never changed.
 */
#ifndef POTERNE_RULES_LANGUAGE_LANGUAGES_H
#define POTERNE_RULES_LANGUAGE_LANGUAGES_H

#include "base/err.h"
#include "base/pool.h"

#define LANGUAGES_FILE     "languages"       /* its name, in a folder of rules */
#define LANGUAGES_FILE_MAX (4 * 1024 * 1024) /* SpamAssassin's has 134 KB */
#define LANGUAGES_MAX      1000              /* SpamAssassin's has 96 */
#define LANGUAGES_RANK_MAX UINT16_MAX        /* n-grams of a language */
#define LANGUAGES_NAME_MAX 40
#define NGRAM_MAX          5 /* bytes */

/* An n-gram as a number that sorts as its bytes do: they come first, then how many they are. */
typedef uint64_t ngram;

static inline ngram ngram_of(struct str bytes)
{
    ngram made = bytes.n;
    for (size_t i = 0; i < bytes.n && i < NGRAM_MAX; i++)
        made |= (ngram)(unsigned char)bytes.s[i] << (56 - 8 * i);
    return made;
}

/* Where in a table of that many slots, a power of two, the search for it begins. */
static inline size_t ngram_slot(ngram x, size_t slots)
{
    uint64_t mixed = (x ^ (x >> 32)) * 0x9e3779b97f4a7c15u;
    return (size_t)(mixed >> 32) & (slots - 1);
}

struct language_model {
    struct str name; /* "zh.big5"; without ".utf8", of which there is another beside it */
    struct str code; /* "zh" */
};

/* A language that has an n-gram, and where in its list, from 1 on. */
struct language_rank {
    uint16_t model, rank;
};

struct languages {
    struct language_model *list;
    size_t n;
    struct language_rank *ranks; /* those of one n-gram stand together */
    struct ngram_entry {
        ngram key;
        uint32_t first, n; /* n is 0: the slot is free */
    } * table;
    size_t slots;
};

/* Everything is made in the pool. -1 with the line (0: the file as a whole): not understood. */
int languages_parse(struct pool *pool, struct str text, struct languages **languages,
                    unsigned *line, struct err *err);
/* The languages that have the n-gram; NULL when there are none. */
const struct language_rank *languages_find(const struct languages *languages, ngram key, size_t *n);

#endif
