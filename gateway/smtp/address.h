/*
 * address: the path of MAIL and RCPT (RFC 5321 4.1.2, RFC 6531 3.3).
 *
 * Accepted: dot strings, quoted strings, domains, address literals, a source route (dropped),
 * <> and a local part alone (its caller allows only <postmaster>).
 * More than the grammar: empty atoms in a local part ("a..b@", in use at Japanese providers), '_'
 * in domains, and local parts beyond 64 bytes (VERP), since refusing them loses real mail and
 * guards nothing.
 * "jean.toto"@x is the same mailbox as jean.toto@x (4.1.2) and is written the second way.
 */
#ifndef POTERNE_GATEWAY_SMTP_ADDRESS_H
#define POTERNE_GATEWAY_SMTP_ADDRESS_H

#include "base/str.h"

#define SMTP_ADDRESS_MAX 319 /* directory_answer.address holds it with its NUL */
#define SMTP_DOMAIN_MAX  255 /* RFC 5321 4.5.3.1.2 */
#define SMTP_LABEL_MAX   63  /* RFC 1035 2.3.4; bytes, also of a U-label */

struct smtp_address {
    char text[SMTP_ADDRESS_MAX + 1];
    size_t n; /* 0: the null sender <> */
    bool has_domain;
    bool utf8;
};

/* Takes "<path>" off the front of *rest; false when malformed (then *rest is undefined). */
bool smtp_address_parse(struct str *rest, struct smtp_address *address);

/* The argument of HELO and EHLO: a host name or address literal; real clients send names with
 * '_' and such, so every printable character that can't confuse a Received field is let in. */
bool smtp_helo_name_valid(struct str name);

static inline struct str smtp_address_str(const struct smtp_address *address)
{
    return str_n(address->text, address->n);
}

#endif
