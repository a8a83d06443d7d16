/*
 * status: what the antivirus process that serves says of itself: its engines with their
 * signatures, what they take of memory, and what they answered since they were loaded. A request
 * on antivirus.sock beside those of scan.h: STATUS_REQUEST, without a descriptor.
 */
#ifndef POTERNE_GATEWAY_ANTIVIRUS_STATUS_H
#define POTERNE_GATEWAY_ANTIVIRUS_STATUS_H

#include "antivirus/engine.h"
#include "base/buf.h"

#define STATUS_REQUEST  "poterne antivirus status"
#define STATUS_RESULTS  8 /* room for enum av_result */
#define STATUS_NAME_MAX 32
#define STATUS_TEXT_MAX 64

struct av_engine_status {
    char name[STATUS_NAME_MAX];
    char version[STATUS_TEXT_MAX];
    uint64_t signatures;
    int64_t made;                      /* of the newest, seconds since 1970; 0: not known */
    uint64_t answered[STATUS_RESULTS]; /* messages, by enum av_result */
    uint64_t microseconds;             /* all of them together took */
};

struct av_status {
    uint32_t generation;
    uint64_t fingerprint; /* antivirus/signature_files.h: what was there before it was loaded */
    int64_t loaded;       /* seconds since 1970 */
    uint32_t load_ms;
    uint64_t memory, memory_peak, memory_limit; /* bytes: now, while loading, all generations */
    uint32_t pid;                               /* the leader of the workers */
    struct av_engine_status engines[AV_ENGINES_MAX];
    size_t n;
};

void av_status_put(struct buf *out, const struct av_status *status);
bool av_status_get(struct str message, struct av_status *status);

/* Asks the one that serves. All its workers may be busy: it waits so long at most. */
int av_status_ask(const char *run_dir, int wait_ms, struct av_status *status, struct err *err);

#endif
