/*
 * facts: one message as SpamAssassin's rule language sees it. Each fact is made when it is first
 * asked for, once, and lives in the pool. What a mail program shows (mail/text.h) is something
 * else: there a reader's eye counts, here that twenty years of rules find the text that they were
 * written for. A function that gives a pointer gives NULL only when the pool is used up.
 */
#ifndef POTERNE_RULES_FACTS_FACTS_H
#define POTERNE_RULES_FACTS_FACTS_H

#include "rules/language/settings.h"
#include "rules/rules.h"

/* Where each family keeps what it has made. */
enum fact_slot {
    FACT_PARTS,
    FACT_RENDERED,
    FACT_BODY,
    FACT_BODY_VISIBLE,
    FACT_BODY_INVISIBLE,
    FACT_RAWBODY,
    FACT_URIS,
    FACT_FIELDS,
    FACT_HEADERS,
    FACT_LANGUAGE,
    FACT_RELAYS,
    FACT_SENDERS,
    FACT_TIMES,
    FACT_IMAGES,
    FACT_MIME_COUNTS,
    FACT_PDFS,
    FACT_STOCK_INFO,
    FACT_WORDS_DIFFER,
    FACT_LETTERS,
    FACT_SHOWN,
    FACT_LINKS, /* rules/network/links.h */
    FACT_SLOTS
};

struct regex_runner;

struct facts {
    struct pool *pool;
    const struct rules_input *input;
    const struct rules_settings *settings; /* NULL: nothing was said */
    struct regex_runner *runner;           /* for patterns of the settings; NULL: don't try them */
    /* made so far; ask the functions, not these */
    void *made[FACT_SLOTS];
    bool truncated; /* some fact is not whole: a limit (*_MAX, *_SCAN) was hit while it was made */
    bool no_memory; /* the pool was used up while some fact was made: the answers are not to be used
                     */
};

void facts_init(struct facts *facts, struct pool *pool, const struct rules_input *input,
                const struct rules_settings *settings);

/* -1, and err says that the pool was used up. */
int facts_no_memory(struct err *err);

#endif
