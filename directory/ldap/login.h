/*
 * login: is that the password of somebody in an LDAP directory? The entry is looked for as
 * ourselves (ldap NAME { login }), then a bind is made in its name, with the password policy
 * control (draft-behera-ldap-password-policy), and the connection is closed: no search is ever made
 * in somebody else's name. Active Directory says in words what others say by the control.
 *
 * A bind with an empty name or an empty password is anonymous and succeeds (RFC 4513 5.1.1, 5.1.2):
 * it is never made. Several entries with that user name are nobody's.
 */
#ifndef POTERNE_DIRECTORY_LDAP_LOGIN_H
#define POTERNE_DIRECTORY_LDAP_LOGIN_H

#include "directory/attempt.h"
#include "directory/ldap/session.h"

struct ldap_login;

/* One thread's. NULL with err. */
struct ldap_login *ldap_login_open(const struct conf_ldap *conf, struct err *err);
void ldap_login_close(struct ldap_login **login);
/* False: no such entry here, which is another directory's to answer. Else `answer` is it. Without a
 * password (NULL, not "") the entry alone is looked at. */
bool ldap_login_check(struct ldap_login *login, const struct address *user,
                      const struct attempt *attempt, struct login_answer *answer);

/* What the answer to a bind means: the server's code, its words, and the error of the password
 * policy control (PP_noError: none). */
enum login_result ldap_login_result(int code, const char *words, LDAPPasswordPolicyError policy);

#endif
