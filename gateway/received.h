/*
 * received: the trace field that every message gets (RFC 5321 4.4, RFC 3848): edge writes it,
 * content shows the rules what edge will write.
 */
#ifndef POTERNE_GATEWAY_RECEIVED_H
#define POTERNE_GATEWAY_RECEIVED_H

#include "base/buf.h"

struct received {
    struct str helo, client_name; /* empty: unknown */
    struct str client_ip;
    struct str tls; /* "TLSv1.3 with cipher X", or empty */
    struct str hostname;
    struct str protocol;
    struct str id;        /* may be empty */
    struct str recipient; /* may be empty */
    int64_t time;         /* seconds since 1970 */
    bool smtputf8;        /* else only ASCII is written: other names are left out */
};

/* Adds " from …; date", the field without its name, `line_end` at the end of each line. */
void received_put(struct buf *out, const struct received *hop, const char *line_end);

#endif
