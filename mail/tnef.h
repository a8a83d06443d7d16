/*
 * tnef: what is attached inside of winmail.dat (application/ms-tnef), in which Outlook and Exchange
 * put a message's attachments. Format: [MS-OXTNEF], 2.1.2 (the stream), 2.1.3.3 (attributes),
 * 2.1.3.4 (encapsulated properties).
 *
 * A message attached to a message is a TNEF stream of its own, whose bytes are no mail any more:
 * whoever wants what is attached to it reads it in turn, with a limit of its own for depth.
 *
 * Nothing is left out for being wrong in a way that another reader would put up with: checksums are
 * only looked at, an attachment whose bytes stand in two places is listed twice, and what was read
 * before the damage is listed.
 */
#ifndef POTERNE_MAIL_TNEF_H
#define POTERNE_MAIL_TNEF_H

#include "base/err.h"
#include "base/pool.h"
#include "base/str.h"

#define TNEF_ATTACHMENTS_MAX 1000
#define TNEF_ATTRIBUTES_MAX  100000 /* of one stream */
#define TNEF_PROPERTIES_MAX  10000  /* of one attachment */
#define TNEF_NAME_MAX        1000   /* bytes of a name, UTF-8; longer ones are cut: damaged */
#define TNEF_NAMES_MAX       16     /* of one attachment, by which it is called; more: damaged */

enum tnef_kind {
    TNEF_FILE,
    TNEF_MESSAGE, /* data: a TNEF stream */
    TNEF_OBJECT   /* an OLE object */
};

struct tnef_attachment {
    enum tnef_kind kind;
    struct str name;         /* the best one; UTF-8, in the pool; may be empty */
    struct str data;         /* in the stream */
    const struct str *names; /* all that are given: programs differ in which they show */
    size_t n_names;
};

struct tnef {
    struct tnef_attachment *list; /* in the pool */
    size_t n;
    /* it ends too early, makes no sense from some place on, or gives names that are left out */
    bool damaged;
    bool more;    /* a limit was reached: not all that is there is listed */
    bool changed; /* a checksum is wrong */
};

/* Does it begin as one? */
bool tnef_is(struct str stream);
/* -1 with err: out of memory. What is no TNEF is damaged and has no attachments. */
int tnef_read(struct pool *pool, struct str stream, struct tnef *tnef, struct err *err);

#endif
