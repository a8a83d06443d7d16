/*
 * state: what an LDAP entry says of its account that a bind would show, for who logs in without one
 * (an application password): closed by a manager (pwdAccountLockedTime without a time of
 * draft-behera-ldap-password-policy 5.3.3, nsAccountLock of 389 Directory Server), or over
 * (shadowExpire, Active Directory's accountExpires). A lock that is there because somebody guessed
 * at the password, and goes by itself, does not matter to another one; when a password expires no
 * attribute says.
 */
#ifndef POTERNE_DIRECTORY_LDAP_STATE_H
#define POTERNE_DIRECTORY_LDAP_STATE_H

#include "directory/ldap/entry.h"
#include "directory/login.h"

/* What must be asked for; ends with NULL. */
extern const char *const ldap_state_attributes[];

/* LOGIN_OK: nothing is said against it; else *why, for the log. What is not understood is as if it
 * were said. */
enum login_result ldap_state_read(const struct ldap_entry *entry, int64_t now, const char **why);

#endif
