/*
 * generations: the models of a folder, what is known of each, and which one serves.
 *
 *   FOLDER/model-N       a model
 *   FOLDER/model-N.note  of what and when it was built, what the guard said, what became of it
 *   FOLDER/current       symbolic link to the one in service
 *   FOLDER/trial         how the one in service does (struct trial)
 *
 * The notes and the trial are text (note.h). A note is written before its model gets its name, so
 * that a refused model is never taken for one that served. Only who holds the ledger's lock writes
 * here; reading needs no lock.
 */
#ifndef POTERNE_BAYES_PUBLISH_GENERATIONS_H
#define POTERNE_BAYES_PUBLISH_GENERATIONS_H

#include "bayes/bayes.h"
#include "bayes/publish/guard.h"

#define GENERATIONS_MAX     10000 /* that a folder's list may hold */
#define GENERATION_WHY_MAX  480
#define GENERATIONS_NEWEST  5   /* models kept that have been in service */
#define GENERATIONS_DAYS    7   /* and the last one of each of so many days before */
#define GENERATIONS_REFUSED 2   /* and of the refused or rolled back ones */
#define GENERATIONS_NOTES   100 /* notes kept */

enum generation_state {
    GENERATION_UNKNOWN,     /* no note: of an older program; or, why says so, it is damaged */
    GENERATION_ACCEPTED,    /* the guard let it go live, and nothing has taken it back */
    GENERATION_FORCED,      /* it went live on an administrator's word */
    GENERATION_REFUSED,     /* it never served */
    GENERATION_ROLLED_BACK, /* it served and was taken out of service */
};

struct generation {
    uint64_t number;
    enum generation_state state;
    uint64_t built; /* seconds since 1970 */
    uint64_t spam;  /* learned messages in it */
    uint64_t ham;
    uint64_t tokens;
    uint64_t compared_with; /* the one that was in service; 0: there was none */
    struct guard_report held;
    char why[GENERATION_WHY_MAX]; /* of its state, for people */
    bool kept;                    /* its model is there */
    bool in_service;
};

/* "in service", "former", "refused" … */
const char *generation_word(const struct generation *generation);

/* Newest first, those of which only the note is left included; the caller frees *list. */
int generations_read(const char *folder, struct generation **list, size_t *n, struct err *err);
/* 1, or 0 when nothing is there of that number. */
int generation_read(const char *folder, uint64_t number, struct generation *generation,
                    struct err *err);
int generation_note(const char *folder, const struct generation *generation, struct err *err);

/* The one that `current` names; 0: there is none. */
uint64_t generation_current(const char *folder);
/* One more than any that was there; above `least` too. */
int generation_next(const char *folder, uint64_t least, uint64_t *next, struct err *err);
/* Names in the folder: model-N and, what became of it, model-N.note. */
#define GENERATION_PREFIX    "model-"
#define GENERATION_NOTE      ".note"
#define GENERATION_NAME_SIZE 40
int generation_path(const char *folder, uint64_t number, char *out, size_t size, struct err *err);
/* NULL: it can't be used, or is not of that number. */
struct model *generation_open(const char *folder, uint64_t number, struct err *err);
/* The newest below `below` that served, was not taken back, and can be used; 0: none. */
uint64_t generation_fallback(const char *folder, uint64_t below);
/* `current` names it from here on: one rename, durable. */
int generation_switch(const char *folder, uint64_t number, struct err *err);
/* Removes what is not to be kept; that of `proved` and the one in service are. A failure costs
 * only space, and is logged. */
void generations_expire(const char *folder, uint64_t proved);

/*
 * The model in service is on trial against the last one that has proved itself (guard.h). It is
 * one trial over all models that follow that one, for each may serve for seconds only.
 */
struct trial {
    uint64_t
        proved; /* the first that knew both classes, at first; 0: none, nothing to go back to */
    struct guard_watch watch;
    /* After a rollback nothing goes live by itself until TRIAL_HELD more messages are learned, or
     * some of the held_at messages in the ledger are taken back. */
    bool held;
    uint64_t held_at;
};
#define TRIAL_HELD 20

/* All 0 when there is none. */
int trial_read(const char *folder, struct trial *trial, struct err *err);
int trial_write(const char *folder, const struct trial *trial, struct err *err);

#endif
