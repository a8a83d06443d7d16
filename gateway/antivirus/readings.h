/*
 * readings: broken encodings are read differently by different mail programs: one drops what
 * does not fill four characters on each line, another skips stray padding, a third takes an
 * encoding whose frame is missing. A body whose coding is regular has one reading; for one that
 * is not, these are the others.
 */
#ifndef POTERNE_GATEWAY_ANTIVIRUS_READINGS_H
#define POTERNE_GATEWAY_ANTIVIRUS_READINGS_H

#include "base/buf.h"
#include "mail/message.h"

#define AV_SCRATCH_RATIO 2 /* " ", LF is read as "=20", LF */

struct av_reading {
    enum encoding encoding; /* of which it is a reading */
    /* Does it say anything else than the plain one? */
    bool (*differs)(struct str coded);
    /* Appends to out, at most coded.n + 3 bytes. `scratch` is empty and has room for
     * AV_SCRATCH_RATIO * coded.n bytes and a few more. */
    void (*decode)(struct str coded, struct buf *scratch, struct buf *out);
};

extern const struct av_reading av_readings[];
extern const size_t n_av_readings;

#endif
