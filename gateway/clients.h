/*
 * clients: the lasting connections of a process that serves others (directory, journal). One
 * message that could not be sent yet is kept for each; a client that breaks the rules or goes away
 * costs its connection and nothing else.
 */
#ifndef POTERNE_GATEWAY_CLIENTS_H
#define POTERNE_GATEWAY_CLIENTS_H

#include "base/ipc.h"
#include "base/role.h"

#define CLIENTS_MAX 64 /* further ones wait in the socket's line */

struct client {
    int fd;            /* -1: free */
    bool readable;     /* after clients_wait() */
    struct buf unsent; /* a message for which there was no room */
    uint64_t mark;     /* the owner's own */
};

struct clients {
    struct client list[CLIENTS_MAX];
    struct buf message; /* what clients_receive() got */
    int wake_fd;        /* the owner's: clients_wait() ends when it is readable; -1: none */
};

void clients_init(struct clients *clients);
void clients_release(struct clients *clients);

/*
 * Waits until there is something to do, at most timeout_ms (-1: for ever): accepts, sends what was
 * kept, and says which clients are readable (none when not `reading`). 1 go on, 0 drain was asked,
 * -1 err.
 */
int clients_wait(struct clients *clients, const struct role_env *env, bool reading, int timeout_ms,
                 struct err *err);
/* 1: a message is in clients->message; 0: none now, or the client has gone. */
int clients_receive(struct clients *clients, struct client *client);
/* Now, or as soon as there is room; a message that is still kept is replaced. */
void clients_send(struct client *client, struct str message);
/* Closes it and says why in the log. */
void clients_cut_off(struct client *client, const char *why);

#endif
