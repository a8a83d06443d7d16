/* login_name: whose name somebody typed, as the gateway counts and freezes it
 * (gateway/gate/senders.h).
 */
#ifndef POTERNE_TOOLS_LOGIN_NAME_H
#define POTERNE_TOOLS_LOGIN_NAME_H

#include "base/conf.h"
#include "directory/address.h"

enum account_found {
    ACCOUNT_KNOWN,   /* the directory says that this is who logs in by that name */
    ACCOUNT_UNKNOWN, /* it knows nobody who does */
    ACCOUNT_UNASKED  /* it could not be asked: err says why */
};

/* With the domain that a login without one gets, in the form in which addresses are compared.
 * False: it is no address. */
bool account_normal(const struct conf *conf, const char *name, struct address *account);
/* The account of who logs in by that name, which may be one of its other addresses, as the running
 * gateway's directory says; where that does not know, *account stays as it is. */
enum account_found account_find(const struct conf *conf, struct address *account, struct err *err);

#endif
