/*
 * shrink: is a snapshot with fewer people to be believed?
 *
 * A right that was taken away, a base that was moved or a job that deletes everybody looks like
 * people who left. What a directory loses is measured against the most it had within shrink_hold,
 * so that losing little each time is no way around it. Beyond shrink_limit the loss is held: those
 * who are gone serve on, until shrink_hold is over or a manager says that they are gone. Whoever is
 * new, and what has changed, is taken up meanwhile.
 */
#ifndef POTERNE_DIRECTORY_LDAP_SHRINK_H
#define POTERNE_DIRECTORY_LDAP_SHRINK_H

#include <time.h>

#include "base/conf.h"

/* Kept with the snapshot on disk: a restart is no way around it either. */
struct shrink {
    uint64_t most; /* addresses that it is measured against; 0: none yet */
    time_t most_at;
    time_t held_since; /* 0: nothing is held */
    uint64_t held_n;   /* how many the last one had that is held */
};

/* A snapshot of n addresses has come. True: hold what it lost. */
bool shrink_holds(struct shrink *shrink, const struct conf_ldap *conf, uint64_t n, time_t now);
/* A manager's word: so few there are. False: nothing is held. */
bool shrink_accept(struct shrink *shrink, time_t now);
/* Until when it is held; 0: until a manager says so. */
time_t shrink_until(const struct shrink *shrink, const struct conf_ldap *conf);

#endif
