/*
 * notify: the words of clamd that freshclam's NotifyClamd and monitors use, on a Unix socket of the
 * stream kind: RELOAD, PING and VERSION, bare, or as nWORD ended by a newline or zWORD ended by a
 * NUL (clamd(8), COMMANDS); what is bare may be ended by either. One word a connection; anything
 * else gets "UNKNOWN COMMAND" and the connection is closed. Nobody is trusted: NOTIFY_CLIENTS_MAX
 * connections of NOTIFY_SECONDS each.
 */
#ifndef POTERNE_GATEWAY_SIGNATURES_NOTIFY_H
#define POTERNE_GATEWAY_SIGNATURES_NOTIFY_H

#include <poll.h>

#include "base/err.h"
#include "base/str.h"

#define NOTIFY_CLIENTS_MAX 8
#define NOTIFY_SECONDS     5
#define NOTIFY_WORD_MAX    32

enum notify_word { NOTIFY_MORE, NOTIFY_UNKNOWN, NOTIFY_PING, NOTIFY_RELOAD, NOTIFY_VERSION };

/* What a client has said so far; *end: what ends its answer. NOTIFY_MORE: not yet to be told. */
enum notify_word notify_read(struct str said, char *end);

struct notify_client {
    int fd; /* -1: free */
    int64_t until;
    char said[NOTIFY_WORD_MAX];
    size_t n;
};

struct notify {
    int fd; /* -1: not wanted */
    struct notify_client clients[NOTIFY_CLIENTS_MAX];
};

/* Listens; path NULL or "" is none. A socket that somebody left there is replaced, nothing else is.
 */
int notify_open(struct notify *notify, const char *path, struct err *err);
void notify_close(struct notify *notify);

#define NOTIFY_POLL_MAX (1 + NOTIFY_CLIENTS_MAX)
/* Fills in what to wait for; the number of entries. */
size_t notify_poll(const struct notify *notify, struct pollfd *p);
/* After waiting: answers, and ends who takes too long. True: somebody said RELOAD. */
bool notify_serve(struct notify *notify, const char *version);

#endif
