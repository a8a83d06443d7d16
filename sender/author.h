/*
 * author: in whose name a message is written, as it is asked of somebody who submits it (RFC 6409
 * 6.1, 8): the fields From and Sender must be such that each reader shows the same, and every
 * address that any reader may show must be allowed. Pure.
 *
 * Refused as malformed is what mail programs read in different ways: a mailbox that is none, two
 * addresses in one, a group without members. Addresses that only look like the author's (in display
 * names and comments, also behind the coding of RFC 2047) are asked for like those that are. In a
 * charset that is no extension of ASCII they are not seen.
 */
#ifndef POTERNE_SENDER_AUTHOR_H
#define POTERNE_SENDER_AUTHOR_H

#include "base/buf.h"

#define AUTHOR_FIELD_MAX   (16 * 1024) /* bytes of From, and of Sender; RFC 5322 has 998 a line */
#define AUTHOR_ADDRESS_MAX 320         /* of one that is only looked like; 64 @ 255 */

enum author_result {
    AUTHOR_FINE,
    AUTHOR_MISSING,   /* RFC 5322 3.6: From is needed, once */
    AUTHOR_TWICE,     /* From or Sender */
    AUTHOR_MALFORMED, /* one of them */
    AUTHOR_DENIED,    /* `shown` is the address */
    AUTHOR_NO_MEMORY,
};

/* May he write in that name? The address is as it is written. */
typedef bool author_allowed(void *data, struct str address);

/* header: as it came, with its empty line or without. shown: empty, and stays so but of
 * AUTHOR_DENIED; of an address that is too long its beginning. */
enum author_result author_check(struct str header, author_allowed *allowed, void *data,
                                struct buf *shown);

#endif
