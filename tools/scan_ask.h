/*
 * scan_ask: has a message of the spool scanned by the running gateway's engines, as edge does, one
 * at a time.
 */
#ifndef POTERNE_TOOLS_SCAN_ASK_H
#define POTERNE_TOOLS_SCAN_ASK_H

#include "gateway/scan.h"
#include "spool/spool.h"

struct scan_said {
    struct av_answer answers[AV_ENGINES_MAX];
    size_t n; /* 0: no engine is configured */
};

/* -1: an engine that is configured gave no answer at all, err says why. */
int scan_ask(const struct conf *conf, struct spool *spool, const struct spool_file *file,
             struct scan_said *said, struct err *err);
/* The first answer of that kind, or NULL. */
const struct av_answer *scan_said_find(const struct scan_said *said, enum av_result result);

#endif
