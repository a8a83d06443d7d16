/*
 * writers: those who may write to a group, where the directory names them by their entries: each is
 * looked up, and all its addresses may write. An entry that has gone, or that has no address, adds
 * nobody; a group among them (its members might be meant) neither.
 */
#ifndef POTERNE_DIRECTORY_LDAP_WRITERS_H
#define POTERNE_DIRECTORY_LDAP_WRITERS_H

#include "directory/ldap/session.h"

/* Adds them to who->person.writers, in pool (PERSON_CUT where there is no room). Asks one question
 * an entry over the session: not between two pages of another search. -1: err. */
int ldap_writers_find(struct ldap_session *session, struct ldap_who *who, struct pool *pool,
                      struct err *err);

#endif
