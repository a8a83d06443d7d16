/*
 * words: what a bounce says to people, in each language: one table. UTF-8; lines end with LF.
 */
#ifndef POTERNE_BOUNCE_WORDS_H
#define POTERNE_BOUNCE_WORDS_H

#include "bounce/compose.h"
#include "bounce/reason.h"

struct bounce_words {
    const char *from;                   /* who writes: a name beside the address */
    const char *subject[BOUNCE_EVENTS]; /* the message's own stands behind it */
    const char *redacted_subject;
    const char *greeting; /* the gateway's name stands behind it */
    const char *opening[BOUNCE_EVENTS];
    const char *redacted;                  /* in its place */
    const char *reference;                 /* an id stands below it */
    const char *what[REASON_KINDS];        /* what happened, and what to do next */
    const char *got_there[BOUNCE_ACTIONS]; /* how; of those of BOUNCE_SUCCESS */
    const char *until;                     /* it is tried: a time stands behind it */
    const char *answer;                    /* before a server's words */
    const char *reason;                    /* … before ours */
    const char *message;                   /* before the facts of the message */
    const char *field_subject, *field_time;
    const char *whole, *header; /* is attached */
    const char *help;           /* an address stands behind it */
};

/* Never NULL for a language that there are words in. */
const struct bounce_words *bounce_words(enum conf_language language);
/* "23.11.2026, 07:05 Uhr UTC": of a year of four digits, else nothing */
void bounce_put_time(enum conf_language language, int64_t time_s, struct buf *out);

#endif
