/*
 * address: the mailboxes in a From, To or Cc value (RFC 5322 3.4), read as generously as mail
 * programs do: groups, comments, quoted and bare names, a missing bracket, a missing comma
 * ("<a@b> <c@d>" are two). One pass, no copy.
 */
#ifndef POTERNE_MAIL_ADDRESS_H
#define POTERNE_MAIL_ADDRESS_H

#include "base/str.h"

struct mail_address {
    struct str name;    /* display name without its quotes, or the comment; may be empty */
    struct str address; /* without brackets; may be empty for a name alone */
};

/* Takes the next mailbox off the front of *rest; false at the end. */
bool mail_address_next(struct str *rest, struct mail_address *address);

#endif
