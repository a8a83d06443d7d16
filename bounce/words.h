/*
 * words: what a bounce says to people, in each language: one table. UTF-8; lines end with LF.
 */
#ifndef POTERNE_BOUNCE_WORDS_H
#define POTERNE_BOUNCE_WORDS_H

#include "base/conf.h"
#include "bounce/reason.h"

struct bounce_words {
    const char *from;     /* who writes: a name beside the address */
    const char *subject;  /* the message's own stands behind it */
    const char *greeting; /* the gateway's name stands behind it */
    const char *opening;
    const char *what[REASON_KINDS]; /* what happened, and what to do next */
    const char *answer;             /* before a server's words */
    const char *reason;             /* … before ours */
    const char *message;            /* before the facts of the message */
    const char *field_subject, *field_time;
    const char *whole, *header; /* is attached */
    const char *help;           /* an address stands behind it */
};

/* Never NULL for a language that there are words in. */
const struct bounce_words *bounce_words(enum conf_language language);

#endif
