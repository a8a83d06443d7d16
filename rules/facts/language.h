/*
 * language: which languages a message's text may be in, as SpamAssassin's TextCat.pm guesses: its
 * most frequent n-grams (ngrams.h) are compared with those of each language by how far apart their
 * places are (Cavnar and Trenkle 1994); the language that is nearest is named, and those nearly as
 * near. Of a text too short, or near to too many, nothing is said.
 */
#ifndef POTERNE_RULES_FACTS_LANGUAGE_H
#define POTERNE_RULES_FACTS_LANGUAGE_H

#include "rules/facts/facts.h"
#include "rules/facts/ngrams.h"

#define LANGUAGE_TEXT_MIN 256 /* bytes; SpamAssassin's */

struct fact_language {
    struct str *list; /* "en", "zh.big5": the nearest first */
    size_t n;
    struct str joined; /* "en sco": the header X-Languages */
    struct str length; /* "2048": X-Languages-Length */
    size_t bytes;      /* of the text that was looked at */
};

/* Nothing was guessed (list empty) where the settings have no languages. */
const struct fact_language *facts_language(struct facts *facts);

/* For tests: a body without links, addresses and "Re: " at its beginning, cut to NGRAMS_TEXT_MAX.
 * .s NULL: the pool is used up. */
struct str language_text(struct pool *pool, struct str body);

#endif
