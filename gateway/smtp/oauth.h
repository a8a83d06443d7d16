/*
 * oauth: the messages of the two SASL mechanisms that carry a bearer token, OAUTHBEARER (RFC 7628)
 * and XOAUTH2, which Google's and Microsoft's mail programs speak. Pure; whose token it is is asked
 * elsewhere.
 *
 *     OAUTHBEARER   "n,a=" NAME "," 1 [ KEY "=" VALUE 1 ]* "auth=Bearer " TOKEN 1 1
 *     XOAUTH2       "user=" NAME 1 "auth=Bearer " TOKEN 1 1             (1 is the byte %x01)
 */
#ifndef POTERNE_GATEWAY_SMTP_OAUTH_H
#define POTERNE_GATEWAY_SMTP_OAUTH_H

#include "base/buf.h"
#include "base/conf.h"

/* So that the line of the reply stays below 512 bytes. */
#define OAUTH_ERROR_MAX 372

struct oauth_message {
    struct str user;  /* who wants to log in, as it stands there (=2C and =3D included); or empty */
    struct str token; /* points into the message; empty: it asks what is wanted here */
};

/* False: malformed, or it wants a channel binding. */
bool oauth_read_bearer(struct str message, struct oauth_message *out);
bool oauth_read_xoauth2(struct str message, struct oauth_message *out);
/* The name of an authzid (RFC 5801 4: =2C is a comma, =3D an equals sign); false: malformed, or
 * longer than size. */
bool oauth_user(struct str name, char *out, size_t size);

enum oauth_error { OAUTH_INVALID_TOKEN, OAUTH_INSUFFICIENT_SCOPE };

/* The challenge in base64 that tells why (RFC 7628 3.2.2), and where a better token is had; what
 * does not fit into OAUTH_ERROR_MAX bytes is left out. */
void oauth_error_put(struct buf *out, const struct conf_oauth *conf, bool xoauth2,
                     enum oauth_error error);

#endif
