/*
 * rua: to whom a domain wants its reports sent: the tag rua= of a DMARC record (RFC 9989 4.7) or of
 * a TLSRPT record (RFC 8460 3).
 */
#ifndef POTERNE_TALLY_RUA_H
#define POTERNE_TALLY_RUA_H

#include "base/domain.h"
#include "journal/tally.h"

#define RUA_MAX         4   /* of a record: those behind are not served */
#define RUA_ADDRESS_MAX 254 /* bytes of an address (RFC 5321 4.5.3.1.3, without <>) */
#define RUA_URI_MAX     1024

enum rua_way { RUA_MAILTO, RUA_HTTPS };

struct rua {
    enum rua_way way;
    char target[RUA_URI_MAX + 1]; /* an address, or a whole URI; printable ASCII */
    char host[DOMAIN_SIZE];       /* normal form */
    uint64_t size_max;            /* bytes of a report ("!10m", RFC 7489 6.3); 0: any */
};

struct rua_list {
    struct rua list[RUA_MAX];
    size_t n;
    size_t passed_over; /* URIs that can't be read or used, or are beyond RUA_MAX */
};

/* Is the text a record of that kind? Only then is it one of what RFC 8460 3 counts. */
bool rua_is_record(enum tally_kind kind, struct str record);
/* What a record asks for; false: it is none of that kind. A DMARC record's https URIs are passed
 * over, since RFC 9990 knows mail only. */
bool rua_read(enum tally_kind kind, struct str record, struct rua_list *list);

#endif
