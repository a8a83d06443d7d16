/*
 * sasl: what a client says between AUTH and our answer (RFC 4954): PLAIN (RFC 4616), and LOGIN,
 * which no RFC has but every mail program knows; and those with a token (oauth.h). Pure: lines in,
 * a name and a password, or a token, out; who they belong to is asked elsewhere.
 *
 * Base64 is taken strictly (RFC 4648 3.2, 3.3, 3.5). What was said is wiped by sasl_wipe().
 */
#ifndef POTERNE_GATEWAY_SMTP_SASL_H
#define POTERNE_GATEWAY_SMTP_SASL_H

#include "base/str.h"

#define SASL_OFFER        "PLAIN LOGIN"
#define SASL_OFFER_TOKENS "PLAIN LOGIN OAUTHBEARER XOAUTH2"
#define SASL_LINE_MAX     12288 /* RFC 4954 4.3: bytes of a line with CR LF */
#define SASL_USER_MAX     254
#define SASL_PASSWORD_MAX 1024
#define SASL_TOKEN_MAX    8192

struct sasl {
    enum { SASL_PLAIN, SASL_LOGIN_USER, SASL_LOGIN_PASSWORD, SASL_OAUTHBEARER, SASL_XOAUTH2 } step;
    char user[SASL_USER_MAX + 1];
    char password[SASL_TOKEN_MAX + 1]; /* or the token; a password is at most SASL_PASSWORD_MAX */
};

enum sasl_next {
    SASL_ASK,       /* say sasl_challenge() and take another line */
    SASL_READY,     /* user and password are there; either may be empty */
    SASL_MALFORMED, /* no base64, no message of that mechanism, or longer than there is room for */
    SASL_FOR_OTHERS /* PLAIN: it wants to act for somebody else (RFC 4616 2: authzid) */
};

/* False: not a mechanism of ours. `tokens`: those that take one are. */
bool sasl_begin(struct sasl *sasl, struct str mechanism, bool tokens);
/* It is a token that is given, and not a password. */
bool sasl_has_token(const struct sasl *sasl);
/* What we say before the next line, in base64; may be empty. */
struct str sasl_challenge(const struct sasl *sasl);
/* A line without CR LF, or the initial response, where "=" is an empty one. */
enum sasl_next sasl_take(struct sasl *sasl, struct str line);
/* Which mechanism it is stays known. */
void sasl_wipe(struct sasl *sasl);

/* Bytes that nobody may read any more, wherever they stand. */
void sasl_wipe_bytes(struct str bytes);

#endif
