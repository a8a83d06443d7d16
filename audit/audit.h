/*
 * audit: does every 250 that was ever said have, for each recipient, one outcome, or is it owed?
 * Reads the journal (journal/walk.h) and the folders of the spool side by side, both sorted by id,
 * changes nothing, and may run while the gateway does.
 *
 * What is on its way is no finding. A file goes only after the journal has committed that all its
 * recipients are settled; so the folders are read first, the journal after them, and a message that
 * is in neither is missing. A list of a folder is no proof, though (folders.h), nor is the
 * journal's snapshot, which may be older than a file that came since: so whatever doesn't add up is
 * looked at again by itself, its file first, then a snapshot of now, then the file's recipients,
 * and is told only if it doesn't add up then. There is no grace time: none is needed, and it would
 * only hide.
 *
 * What it can't see: a message whose acceptance never reached the journal (journal/event.h) and
 * whose file was removed before delivery saw it; what was forgotten after journal.keep; what a
 * journal knew that was damaged and replaced (FINDING_JOURNAL until it is moved away); and, of an
 * earlier poterne that kept no acceptances, a file that vanished before delivery told of it. Mail
 * of our own has no acceptance either, for nobody said 250: a bounce that vanished is missed by the
 * message that it is about (FINDING_BOUNCE_GONE), a digest or report by nobody.
 */
#ifndef POTERNE_AUDIT_AUDIT_H
#define POTERNE_AUDIT_AUDIT_H

#include "audit/judge.h"

#define AUDIT_STALE_SECONDS 86400 /* in incoming/ */

struct audit_wish {
    const char *state_dir;
    int64_t now_us;
    int64_t since_us, until_us; /* of messages that came then; 0: open */
    struct str only;            /* what is named so, and nothing else; empty: all */
    bool quick;                 /* without the outcomes' words and the files' inside */
    bool closed_too;            /* what was closed is told as well */
    void (*found)(void *data, const struct finding *finding);
    void (*progress)(void *data, uint64_t done, uint64_t total); /* may be NULL */
    void *data;
};

struct audit_result {
    uint64_t messages;
    uint64_t unrecorded; /* owed or held, and nobody told that they were accepted: no finding */
    uint64_t closed;     /* findings that people have closed (journal/event.h): in no other count */
    struct audit_sums sums;
};

/* 0: it was done, and sums.findings says how it went; -1: it could not be done. */
int audit_run(const struct audit_wish *wish, struct audit_result *result, struct err *err);

#endif
