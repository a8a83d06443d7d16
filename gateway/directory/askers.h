/*
 * askers: the threads that ask one source (directory/source.h), so that whoever waits for its
 * answers waits alone. Their number and the line before them are bounded. Everything here is called
 * by the loop's thread; answers are told over an eventfd and picked up by askers_collect().
 *
 * A source that can't be reached is left in peace for a while, longer each time: then nothing is
 * asked but one question, now and then, to see whether it is back.
 */
#ifndef POTERNE_GATEWAY_DIRECTORY_ASKERS_H
#define POTERNE_GATEWAY_DIRECTORY_ASKERS_H

#include "directory/sources.h"

#define ASKERS_LINE_MAX   1000 /* questions that wait for a thread */
#define ASKERS_REST_FIRST 1000 /* milliseconds */
#define ASKERS_REST_MAX   30000
#define ASKERS_STACK      ((size_t)512 * 1024)

struct asking {
    struct asking *next;
    void *owner; /* whose question it is; NULL: nobody waits for it */
    int64_t since_us;
    int64_t took_us; /* once it is answered */
    char key[ADDRESS_MAX + 1];
    struct finding finding;
};

struct askers;

/* Opens what the threads need, before the sandbox closes. NULL with err. */
struct askers *askers_new(const struct source *source, struct err *err);
/* Starts the threads; wake_fd is written to when there is something to collect. */
int askers_start(struct askers *askers, int wake_fd, struct err *err);
/* False: a thread is still within a question; nothing was freed, and the process has to end. */
bool askers_stop(struct askers **askers);

/* Is the source to be asked now? */
bool askers_willing(const struct askers *askers);
/* NULL: the line is full, or out of memory. */
struct asking *askers_ask(struct askers *askers, struct str key, void *owner);
/* Nobody waits for it any more. `wanted`: its answer is still good to know; otherwise it is not
 * asked if it still stands in line. */
void askers_leave(struct asking *asking, bool wanted);
/* What was answered, one after the other, to be freed; NULL: no more. */
struct asking *askers_collect(struct askers *askers);

const struct source *askers_source(const struct askers *askers);

struct askers_state {
    unsigned threads;
    size_t open; /* questions in line and being asked */
    uint64_t asked, failed;
    bool resting;
    time_t trouble_since;            /* 0: it answers */
    char trouble[FINDING_NOTE_SIZE]; /* what the last failure was; "" since it answers */
};
void askers_state(const struct askers *askers, struct askers_state *state);

#endif
