/*
 * canon: the forms in which DKIM and ARC sign header fields and bodies (RFC 6376 3.4).
 */
#ifndef POTERNE_SENDER_CANON_H
#define POTERNE_SENDER_CANON_H

#include "base/buf.h"
#include "base/sha256.h"

enum canon { CANON_SIMPLE, CANON_RELAXED };

#define CANON_DIGEST SHA256_SIZE

/* "header/body" of a tag c=; empty: simple for both. False: no such forms. */
bool canon_read(struct str text, enum canon *header, enum canon *body);

/* The bytes as they must have been signed: every line end CR LF. A view of raw where they are so
 * already, else of *out. False: out of memory. */
bool canon_crlf(struct str raw, struct buf *out, struct str *bytes);

/* One field, "Name: value" with its folds and without its final line end; nor is one added. */
void canon_field(enum canon form, struct str field, struct buf *out);

/* SHA-256 of the body, whose line ends are CR LF. False: OpenSSL fails. */
bool canon_body(enum canon form, struct str body, unsigned char digest[CANON_DIGEST]);

#endif
