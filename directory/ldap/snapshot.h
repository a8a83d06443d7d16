/*
 * snapshot: everybody in an LDAP directory, read page by page (RFC 2696) into a table, and the same
 * on disk, so that a restart while the directory is away serves. Only whole snapshots count: one
 * that breaks off, takes too long, or in which nobody is, is a failure, and so is one with an entry
 * that can't be read whole (larger than LDAP_ENTRY_MAX, malformed, no memory): whoever is passed
 * over would be gone.
 *
 * The file: magic, u64 identity of the source and its settings, i64 when it was read, what shrink.h
 * keeps (u64 most, i64 most_at, i64 held_since, u64 held_n), the texts of the table, u32 CRC32C of
 * all that. One of other settings, or damaged, is passed over.
 */
#ifndef POTERNE_DIRECTORY_LDAP_SNAPSHOT_H
#define POTERNE_DIRECTORY_LDAP_SNAPSHOT_H

#include <time.h>

#include "directory/ldap/session.h"
#include "directory/ldap/shrink.h"
#include "directory/table.h"

#define SNAPSHOT_PAGES_MAX   200000
#define SNAPSHOT_SECONDS_MAX (4 * 3600)
#define SNAPSHOT_WAITING_MAX (64u * 1024 * 1024) /* of the groups that name writers by entries */
#define SNAPSHOT_FILE_MAX    ((size_t)4 * 1024 * 1024 * 1024)

struct ldap_snapshot {
    struct table *table;
    time_t when; /* it was begun */
    struct shrink shrink;
    size_t entries;
    size_t twice; /* addresses that two entries claim: the first has them */
    char twice_example[ADDRESS_MAX + 1];
};

/* Addresses in domains that are not ours are left out. *stop is looked at between pages. -1: err,
 * no table. */
int ldap_snapshot_read(struct ldap_session *session, const struct conf *conf, const bool *stop,
                       struct ldap_snapshot *snapshot, struct err *err);

int ldap_snapshot_save(const char *path, uint64_t identity, const struct ldap_snapshot *snapshot,
                       struct err *err);
/* 1 read; 0: there is none that can be used, `err` says why; -1: out of memory */
int ldap_snapshot_load(const char *path, uint64_t identity, struct ldap_snapshot *snapshot,
                       struct err *err);

#endif
