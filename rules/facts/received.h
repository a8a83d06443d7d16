/*
 * received: one Received field read as SpamAssassin 4.0.1 reads it (Message/Metadata/Received.pm):
 * what it knows of each mail server's way to write one, tried in the same order. For relays.c.
 */
#ifndef POTERNE_RULES_RECEIVED_H
#define POTERNE_RULES_RECEIVED_H

#include "rules/facts/relays.h"

enum received_kind {
    RECEIVED_READ,
    RECEIVED_SKIPPED,    /* handed over inside one machine: counts for nothing */
    RECEIVED_FETCHED,    /* as above, by a program that fetches mail from a mailbox */
    RECEIVED_UNREADABLE, /* no address or no server's name in it */
};

struct received_reader {
    struct pool *pool;
    size_t work;       /* steps left; at 0 every field is unreadable */
    struct str sender; /* qmail-scanner's, for the field behind; .s NULL: none */
    bool no_memory;
};

/* Fills the relay's fields, but for text, internal and msa, of RECEIVED_READ. */
enum received_kind received_read(struct received_reader *reader, struct str value,
                                 struct relay *relay);

/* Ways to write the field, in the order in which they are tried. */

/* Some ways are tried only on fields of one family of servers, whose name stands in the field. */
enum received_family {
    FAMILY_ANY,
    FAMILY_SMTPSVC,
    FAMILY_EXCHANGE,
    FAMILY_XMAIL,
    FAMILY_ECELERITY,
    FAMILY_EXIM,
    FAMILY_POSTFIX,
    FAMILY_SCALIX,
    FAMILY_DOMINO,
};

enum received_flag {
    LOOKED_UP = 1 << 0,     /* this server always looks for the client's name */
    SKIPPED = 1 << 1,       /* RECEIVED_SKIPPED */
    FETCHED = 1 << 2,       /* RECEIVED_FETCHED */
    ANYWHERE = 1 << 3,      /* the shape need not stand at the beginning */
    NO_ID = 1 << 4,         /* what stands behind "id" is none */
    HELO_IS_RDNS = 1 << 5,  /* said nothing else than its name */
    IDENT_IN_RDNS = 1 << 6, /* "IDENT:user@host" */
    IN_COMMENT = 1 << 7,    /* field s holds "helo=…" and "ident=…" */
    MUST_HAVE_DOT = 1 << 8, /* inside of rdns */
    SOFT_ERROR = 1 << 9,    /* couriertcpd writes "softdnserr" where the search for a name failed */
    CLAIMED = 1 << 10,      /* HELO only when it differs; "UNKNOWN" when no name was found */
    SAYS_SENDER = 1 << 11,  /* keeps the envelope's sender for the next field */
};

struct received_shape {
    const char *shape; /* fields h r b d n i s: helo rdns by id ident ip, comment (shape.h) */
    unsigned flags;
    enum received_family family;
    const char *needs;       /* stands somewhere in the field; NULL: nothing asked */
    const char *unless;      /* a shape that must not stand in it */
    const char *server_ends; /* what `by` must end with */
};

struct received_family_mark {
    enum received_family family;
    const char *shape;
};

extern const struct received_family_mark received_families[]; /* ended by FAMILY_ANY */
/* Up to, and behind, those whose fields follow no single shape; ended by a NULL shape. */
extern const struct received_shape received_first[];
extern const struct received_shape received_before_qmail[];
extern const struct received_shape received_qmail[];
extern const struct received_shape received_rest[];

#endif
