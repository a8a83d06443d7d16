/*
 * snapshots: a thread for each LDAP directory that has one, which reads it anew every so often
 * (ldap NAME { snapshot = … }), writes it down, and hands it to the loop. On a failure the old one
 * serves on, and the next try comes sooner. Where the directory has lost too many people
 * (directory/ldap/shrink.h), those who are gone serve on beside the others.
 */
#ifndef POTERNE_GATEWAY_DIRECTORY_SNAPSHOTS_H
#define POTERNE_GATEWAY_DIRECTORY_SNAPSHOTS_H

#include "directory/sources.h"

#define SNAPSHOTS_RETRY 60 /* seconds, or the interval where that is shorter */

struct snapshots;

/* Takes up what lies in `folder` for the directory's sources; before the sandbox closes. */
struct snapshots *snapshots_new(struct directory *directory, const char *folder, struct err *err);
int snapshots_start(struct snapshots *snapshots, int wake_fd, struct err *err);
/* False: one of the threads is still within a search; nothing was freed. */
bool snapshots_stop(struct snapshots **snapshots);
/* So many seconds after it was read a snapshot is out of date. */
static inline int64_t snapshots_late(const struct conf_ldap *conf)
{
    return 2 * (int64_t)conf->snapshot + SNAPSHOTS_RETRY;
}
/* Gives the sources what has come, and tells those that are out of date. */
void snapshots_collect(struct snapshots *snapshots);

struct snapshot_state {
    time_t tried_at; /* 0: not yet */
    size_t held;     /* addresses that were lost and serve on (directory/ldap/shrink.h) */
    time_t held_since;
    time_t held_until;               /* 0: until a manager accepts it */
    time_t trouble_since;            /* the first try that failed since one that did not */
    char trouble[FINDING_NOTE_SIZE]; /* what was wrong with the last try; "": nothing */
};
/* False: the source has no snapshot. */
bool snapshots_state(struct snapshots *snapshots, const struct source *source,
                     struct snapshot_state *state);
/* A manager's word that what section ldap `name` lost is gone; it is read anew at once. False:
 * nothing of it is held. */
bool snapshots_accept(struct snapshots *snapshots, struct str name, size_t *n);

#endif
