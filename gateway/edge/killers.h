/*
 * killers: which contents have ended a worker. A worker may die of its own troubles,
 * so a content is guilty only when it has ended two, and the step had answered others in between.
 * A bounded table: the oldest entry makes room.
 */
#ifndef POTERNE_GATEWAY_EDGE_KILLERS_H
#define POTERNE_GATEWAY_EDGE_KILLERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KILLERS_MAX   256
#define KILLER_DIGEST 32 /* SHA-256 */

struct killer {
    unsigned char digest[KILLER_DIGEST];
    unsigned step;
    uint64_t answered; /* how many the step had answered when this one first ended it */
    bool guilty;
};

struct killers {
    struct killer list[KILLERS_MAX];
    size_t n;
    size_t next; /* entry to be overwritten when it is full */
};

/* A worker of that step has died of it; `answered`: how many others the step has answered since
 * this process began. True: it is guilty. */
bool killers_note(struct killers *killers, const unsigned char digest[KILLER_DIGEST], unsigned step,
                  uint64_t answered);
bool killers_guilty(const struct killers *killers, const unsigned char digest[KILLER_DIGEST]);

#endif
