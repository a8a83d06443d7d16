/*
 * signature: the field X-Poterne-Id, which says which message this is and proves it:
 *
 *     X-Poterne-Id: 01JD8Z3V5M7K9Q2R4T6W8X0Y1Z; s=Jd8fKq0s…; m=di
 *
 * s is HMAC-SHA256 (RFC 2104) over id, verdict and fingerprint, cut to 16 bytes, in base64url
 * (RFC 4648 5) without padding: 22 characters, so that the field fits in a line that nobody folds.
 * m names the fields that the message was without, if any: f(rom), t(o), d(ate), i(d). A server
 * behind us may have added them, and restore.h takes them out again; it needs no signature, since
 * the fingerprint is another with them or without.
 */
#ifndef POTERNE_REPORTS_SIGNATURE_H
#define POTERNE_REPORTS_SIGNATURE_H

#include "base/buf.h"
#include "reports/fingerprint.h"
#include "reports/key.h"

#define SIGNATURE_FIELD "X-Poterne-Id"
#define SIGNATURE_SIZE  16
#define SIGNATURE_CHARS 22

struct signature {
    struct str id; /* not empty */
    bool spam;     /* what we judged: the Subject was tagged */
    struct fingerprint fingerprint;
};

/* Adds the whole line with CR LF; without a key or a fingerprint (NULL) only the id is written. -1:
 * OpenSSL failed, and nothing was added. */
int signature_put(struct buf *out, const struct keys *keys, struct str id, bool spam,
                  const struct fingerprint *fingerprint, struct err *err);

struct signature_field {
    struct str id;
    struct str text;  /* empty: it is not signed */
    unsigned missing; /* enum missing_field */
};

/* The parts of the field's value; false: not of that shape. */
bool signature_parse(struct str value, struct signature_field *field);

/* Loads what OpenSSL would load late: once, before a sandbox closes. */
int signature_load(struct err *err);

enum signature_result { SIGNATURE_BAD, SIGNATURE_GOOD_HAM, SIGNATURE_GOOD_SPAM };
/* Is it what one of the keys makes of this id and fingerprint, and with which verdict? Compares in
 * constant time. -1: OpenSSL failed. */
int signature_check(const struct keys *keys, struct str id, struct str text,
                    const struct fingerprint *fingerprint, enum signature_result *result,
                    struct err *err);

#endif
