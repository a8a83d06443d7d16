/*
 * address: mail addresses in the one form that is compared: local part in lower case (ASCII only,
 * so that UTF-8 stays as it is), quoted only where RFC 5321 4.1.2 needs it, domain as A-labels.
 */
#ifndef POTERNE_DIRECTORY_ADDRESS_H
#define POTERNE_DIRECTORY_ADDRESS_H

#include "base/str.h"

#define ADDRESS_MAX       254 /* RFC 5321 4.5.3.1.3: a path of 256 with its brackets */
#define ADDRESS_LOCAL_MAX 64  /* RFC 5321 4.5.3.1.1; here without quotes and escapes */

struct address {
    char text[ADDRESS_MAX + 1];
    size_t local_n; /* bytes before the @ */
};

static inline struct str address_domain(const struct address *address)
{
    return str_of(address->text + address->local_n + 1);
}

/* false: not a mail address. The local part may be empty only where `catch_all` is. */
bool address_normal(struct str text, bool catch_all, struct address *out);
/* To write to, not to compare: the letters of the local part stay as they are, since they may be
 * told apart where it goes (RFC 5321 2.4). */
bool address_written(struct str text, struct address *out);

#endif
