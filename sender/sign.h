/*
 * sign: puts DKIM signatures on a message of ours (RFC 6376) with libopendkim, as its bytes come:
 * relaxed/relaxed over the whole body (no l=). An RSA signature is what everybody can check; an
 * Ed25519 one may stand beside it (sign_twin.h).
 *
 * Signed is what a reader sees and what says how to show it; of SIGN_OVERSIGNED one field more than
 * there is, so that none can be added (RFC 6376 8.15). Trace fields, which every server adds to,
 * are not looked at.
 */
#ifndef POTERNE_SENDER_SIGN_H
#define POTERNE_SENDER_SIGN_H

#include "sender/sign_private.h"

#define SIGN_FIELDS_MAX 50           /* fields that are signed; of each there is one by RFC 5322 */
#define SIGN_FIELD_MAX  (512 * 1024) /* bytes of one: a To of ten thousand addresses */
#define SIGN_ANSWER_MAX (16 * 1024)  /* bytes of all signatures of a message */

struct sign_library;
/* Once, before a sandbox. expire: seconds that signatures hold (x=); 0: no such tag. */
struct sign_library *sign_library_new(unsigned expire, struct err *err);
void sign_library_free(struct sign_library **library);

struct sign_with {
    const struct sign_private *key;
    const char *selector;
};

enum sign_result {
    SIGN_DONE,
    SIGN_UNFIT, /* it will never do: err says what is wrong with the message */
    SIGN_FAILED /* for now */
};

struct sign_message;
/* ed25519 may be NULL. What it is given must outlive it. NULL with err set: the key can't be used,
 * or there is no memory. */
struct sign_message *sign_begin(struct sign_library *library, const char *domain,
                                const struct sign_with *rsa, const struct sign_with *ed25519,
                                struct err *err);
void sign_free(struct sign_message **message);

/* The whole header once, which must live until the end; then the body in any pieces. Every line
 * ends with CR LF, the last one of the body, too. */
enum sign_result sign_header(struct sign_message *message, struct str header, struct err *err);
enum sign_result sign_body(struct sign_message *message, struct str bytes, struct err *err);
/* Adds the fields, "DKIM-Signature: …" with CR LF at each line's end. */
enum sign_result sign_end(struct sign_message *message, struct buf *fields, struct err *err);

#endif
