/*
 * words_differ: how far the HTML and the plain text of each multipart/alternative differ, in
 * words (SpamAssassin's BodyEval.pm). A word is what stands between white space and has a letter
 * or digit.
 */
#ifndef POTERNE_RULES_FACTS_WORDS_DIFFER_H
#define POTERNE_RULES_FACTS_WORDS_DIFFER_H

#include "rules/facts/facts.h"

struct words_differ {
    double percent;    /* of the HTML's different words that the text lacks; the highest */
    size_t html, text; /* different words in the last one */
};

const struct words_differ *facts_words_differ(struct facts *facts);

#endif
