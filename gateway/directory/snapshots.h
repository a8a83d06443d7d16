/*
 * snapshots: a thread for each LDAP directory that has one, which reads it anew every so often
 * (ldap NAME { snapshot = … }), writes it down, and hands it to the loop. On a failure the old one
 * serves on, and the next try comes sooner.
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
/* Gives the sources what has come, and tells those that are out of date. */
void snapshots_collect(struct snapshots *snapshots);
/* What was wrong with the last try of a source's snapshot; "": nothing. False: it has none. */
bool snapshots_trouble(struct snapshots *snapshots, const struct source *source,
                       char out[FINDING_NOTE_SIZE]);

#endif
