/*
 * introspection: what a token's issuer says of it (RFC 7662 2.2), in JSON. Pure. The server is one
 * that the settings name, and still may say anything: too deep, twice the same, of another type.
 */
#ifndef POTERNE_GATEWAY_EDGE_INTROSPECTION_H
#define POTERNE_GATEWAY_EDGE_INTROSPECTION_H

#include "base/conf.h"

#define INTROSPECTION_MAX      (32 * 1024) /* bytes of an answer */
#define INTROSPECTION_USER_MAX 254
#define INTROSPECTION_SKEW     30 /* seconds that its clock may be ahead of ours (nbf) */

enum token_result {
    TOKEN_GOOD,
    TOKEN_WRONG,
    TOKEN_SCOPE, /* it holds, but not for this (scope, aud) */
    TOKEN_AWAY   /* nobody can say now */
};

struct introspection {
    char user[INTROSPECTION_USER_MAX + 1]; /* of TOKEN_GOOD: oauth.account */
    int64_t expires;                       /* … seconds since 1970; 0: it does not say */
    const char *why;                       /* not TOKEN_GOOD: for the log; constant text */
};

/* An answer that is not understood is TOKEN_AWAY: the server is not what we take it for. */
enum token_result introspection_read(struct str json, const struct conf_oauth *conf, int64_t now,
                                     struct introspection *out);

#endif
