/*
 * campaign: one number that near-identical messages share: of the words of the text that a
 * sender of many is least likely to vary (lower case, letters only, as words look), the
 * CAMPAIGN_WORDS with the smallest hashes (A. Broder, "On the resemblance and containment of
 * documents", 1997). A word that is not among them may change without effect. Whoever wants each of
 * his messages to be a campaign of its own can have that; what is asked of it is that no campaign
 * that is one counts as many because of a name or a number.
 */
#ifndef POTERNE_BAYES_FEATURES_CAMPAIGN_H
#define POTERNE_BAYES_FEATURES_CAMPAIGN_H

#include "mail/text.h"

#define CAMPAIGN_WORDS 4

/* The smallest hashes of a set, rising, each once. */
struct campaign_least {
    uint64_t hashes[CAMPAIGN_WORDS];
    size_t n;    /* of these */
    size_t seen; /* words, repetitions included */
};

struct campaign {
    struct campaign_least steady; /* words that are not likely to vary */
    struct campaign_least words;  /* all words of letters, for texts with few of those */
};

/* One word: as it was written, and in lower case. */
void campaign_word(struct campaign *campaign, struct str written, struct str lower);
/* Each word of a text (words.c). */
void campaign_words(struct campaign *campaign, struct str text);

/* Messages without words have their attachments in common, if anything. */
uint64_t campaign_of(const struct message *message, const struct mail_text *text);

#endif
