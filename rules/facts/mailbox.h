/*
 * mailbox: the addresses and names in a raw From, To or Cc value as SpamAssassin 4.0.1 takes them
 * out (parse_header_addresses of Util.pm, the parser that needs no module), its oddities included:
 * comments don't nest, a name that looks like an address is one. Bounded: MAILBOXES_MAX of one
 * value, and MAILBOX_TRIES_MAX places where one address may end.
 */
#ifndef POTERNE_RULES_MAILBOX_H
#define POTERNE_RULES_MAILBOX_H

#include "base/pool.h"

#define MAILBOXES_MAX     1000
#define MAILBOX_TRIES_MAX 16

struct mailbox {
    struct str name;    /* phrase, else the comment; encoded words as they are; .s NULL: none */
    struct str address; /* .s NULL: none, or not a likely one */
};

struct mailboxes {
    struct mailbox *list;
    size_t n;
};

/* -1: the pool is used up. */
int mailboxes_read(struct pool *pool, struct str value, struct mailboxes *mailboxes);

/* Is it a host name with a dot, of labels that DNS can have (is_fqdn_valid)? */
bool mailbox_host_is_valid(struct str host);

#endif
