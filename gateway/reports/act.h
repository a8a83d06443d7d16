/*
 * act: one report being acted on, for the act*.c files only.
 *
 *   act.c         each original: learned, kept or refused
 *   act_learn.c   what a manager teaches goes to the learner
 *   act_mail.c    what goes back by mail; answers to digests
 *   act_words.c   what became of it, in words
 */
#ifndef POTERNE_GATEWAY_REPORTS_ACT_H
#define POTERNE_GATEWAY_REPORTS_ACT_H

#include "gateway/reports/desk.h"
#include "gateway/reports/findings.h"

/* What became of one original. */
enum fate {
    FATE_OPEN,
    FATE_LEARNED,
    FATE_KNOWN,   /* learned so before */
    FATE_CAPPED,  /* its source has taught its share: learned later */
    FATE_WAITS,   /* for a manager */
    FATE_JOINED,  /* waits already */
    FATE_NO_ROOM, /* a limit of what waits */
    FATE_FORGED,
    FATE_UNCLEAR,
    FATE_FAILED /* try later */
};
struct acting {
    struct desk *desk;
    const struct report_request *request;
    struct buf found; /* what the findings' texts point into */
    struct pool *pool;
    struct findings *findings;
    struct who who;
    char reporter[WHO_TEXT_MAX + 1];
    int64_t now_us;
    enum fate fates[ORIGINALS_MAX];
    enum learn_class classes[ORIGINALS_MAX];
    bool wanted[ORIGINALS_MAX];      /* for the learner */
    bool proposed[ORIGINALS_MAX];    /* for a manager */
    uint64_t numbers[ORIGINALS_MAX]; /* of what waits */
    struct err err;                  /* of what failed */
};

/* An answer to a digest, if it is one: done, and said in text. -1: try later. */
int act_on_digest(struct acting *a, struct buf *text);
/* The polite answer, if it is due: sent if it may be, and said in text. */
void act_answer(struct acting *a, const char *answer_id, struct buf *text);
/* Appends what became of the originals. */
void act_say(const struct acting *a, struct buf *text);

#endif
