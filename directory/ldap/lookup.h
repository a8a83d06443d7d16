/*
 * lookup: one address asked for in an LDAP directory: the ops of source.h.
 */
#ifndef POTERNE_DIRECTORY_LDAP_LOOKUP_H
#define POTERNE_DIRECTORY_LDAP_LOOKUP_H

#include "directory/source.h"

extern const struct source_ops ldap_ops;

/* What entries' values may take of memory while one question, one page of a snapshot's entries … */
#define LDAP_ENTRY_MAX ((size_t)16 * 1024 * 1024)

#endif
