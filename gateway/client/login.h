/*
 * login: what is said to a server that we log in at (RFC 4954): PLAIN (RFC 4616), or LOGIN where
 * that alone is offered. Only over TLS: that is up to who calls.
 */
#ifndef POTERNE_GATEWAY_CLIENT_LOGIN_H
#define POTERNE_GATEWAY_CLIENT_LOGIN_H

#include "base/buf.h"

#define LOGIN_PASSWORD_MAX 500 /* bytes */

struct login {
    const char *user, *password;
};

struct login_offers {
    bool plain, login;
};

/* The words behind AUTH in a line of the answer to EHLO. */
void login_read_offers(struct str words, struct login_offers *offers);
/* The command; false: nothing that we can is offered. */
bool login_begin(const struct login *login, const struct login_offers *offers, struct buf *out);
/* The answer to the server's challenge number `step`, from 0 on; false: it asks for more than there
 * is. */
bool login_go_on(const struct login *login, const struct login_offers *offers, unsigned step,
                 struct buf *out);

#endif
