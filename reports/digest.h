/*
 * digest: what waits, told to the managers once a day, and what they answer.
 *
 * A digest is a mail whose lines are numbered from 1: each a group of proposals (store.h). Its
 * token stands in the subject and the text: 80 random bits, kept with the digest's lines in
 * FOLDER/digests/TOKEN, so that who does not have the mail can't answer it, a number means what it
 * meant in that digest (not what came into the group since), and nothing else. Answers are taken
 * for DIGEST_ANSWER_DAYS. Whether an answer comes from a manager is for the caller to know.
 */
#ifndef POTERNE_REPORTS_DIGEST_H
#define POTERNE_REPORTS_DIGEST_H

#include "reports/store.h"

#define DIGEST_LINES_MAX    100 /* groups named in one digest; the others are counted */
#define DIGEST_ANSWER_DAYS  7
#define DIGEST_TOKEN_LEN    16 /* base 32 */
#define DIGEST_TEXT_MAX     ((size_t)256 * 1024)
#define DIGEST_MISTAKES_MAX 10
#define DIGEST_MISTAKE_SIZE 80

/* --- making --- */

/* What the caller knows and the store does not. */
struct digest_news {
    struct str hostname;
    const struct str *guard; /* lines about models that the guard refused or took back */
    size_t n_guard;
    const struct str *viruses; /* lines about infected mail and what is held */
    size_t n_viruses;
    const struct str *mailboxes; /* lines about mailboxes that were full */
    size_t n_mailboxes;
    const struct str *redirections; /* lines about mail that was not redirected */
    size_t n_redirections;
    const struct str *sources; /* lines about sources of recipients that are not well */
    size_t n_sources;
    const struct str *frozen; /* lines about accounts that may send nothing */
    size_t n_frozen;
    const struct str *audit; /* lines about mail that does not add up */
    size_t n_audit;
};

/*
 * 1: subject and text are made (UTF-8, lines of at most 78 columns with LF) and the token's lines
 * are on disk; 0: nothing waits and there is nothing to tell; -1 with err.
 */
int digest_make(struct proposals *store, const struct digest_news *news, int64_t now_us,
                struct buf *subject, struct buf *text, struct err *err);

/* When the next is due: the first time that it is `hour` o'clock, local time, after the last was
 * made or found to be needless (0: never, then after now). */
int64_t digest_next_us(int64_t last_us, int64_t now_us, unsigned hour);
/* When the last one was made; 0: none is known. */
int digest_last_us(struct proposals *store, int64_t *made_us, struct err *err);
/* Forgets digests that can't be answered any more. */
int digest_sweep(struct proposals *store, int64_t now_us, struct err *err);

/* --- answering --- */

/* DIGEST_LEFT: two things were said of it, so nothing is done, whatever `all` says. */
enum digest_word { DIGEST_NOTHING, DIGEST_ACCEPT, DIGEST_REJECT, DIGEST_LEFT };

struct digest_answer {
    char token[DIGEST_TOKEN_LEN + 1];             /* "": there is none */
    enum digest_word words[DIGEST_LINES_MAX + 1]; /* by number; [0] unused */
    enum digest_word others;                      /* of `all`: numbers without a word */
    bool any;                                     /* one of the above says something */
    /* Lines that begin as a decision and can't be read as one, cut: of these nothing is done. */
    char mistakes[DIGEST_MISTAKES_MAX][DIGEST_MISTAKE_SIZE];
    size_t n_mistakes;
};

/*
 * Decoded subject and text of an answer. Lines such as "accept 3 5-9", "reject 4", "accept all",
 * "accepter 3", "refuser tout"; quoted lines and all that stands below the digest's first line are
 * left out. A number that is accepted and rejected is a mistake, and nothing is done about it.
 */
void digest_answer_parse(struct str subject, struct str text, struct digest_answer *answer);

/*
 * Does what a manager answered; what it says of many becomes orders (order.h), to be carried out by
 * the caller. 1: done, and reply tells in words what was (for a mail back to the
 * manager); 0: nothing could be, and reply tells why (an unknown or old token, no decision in it);
 * -1 with err: try later.
 */
int digest_answer_apply(struct proposals *store, const struct digest_answer *answer,
                        struct str manager, int64_t now_us, struct buf *reply, struct err *err);

#endif
