/*
 * sign_twin: an Ed25519 signature (RFC 8463) beside the RSA one of the same message, out of what
 * that says: the same fields, the same hash of the body. Made here, since libopendkim 2.11 keeps
 * about half a kilobyte of memory for each Ed25519 signature that it makes.
 */
#ifndef POTERNE_SENDER_SIGN_TWIN_H
#define POTERNE_SENDER_SIGN_TWIN_H

#include "sender/sign.h"

/* rsa: the value of the other's field, c=relaxed/relaxed; fields: all of the message that it may
 * name, each whole without its last line end, in their order. Adds the field. -1: OpenSSL fails, or
 * there is no memory. */
int sign_twin(const struct sign_with *with, struct str rsa, const struct str *fields, size_t n,
              struct buf *out, struct err *err);

#endif
