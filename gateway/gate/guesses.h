/*
 * guesses: who tries passwords, over all sessions. Failed logins are counted in sliding windows
 * (windows.h), from the moment that a password is asked about, so that many sessions at once get no
 * more than one after the other would; one that was right is taken back. Who is at a limit only
 * because of passwords that are being asked about waits for these. Above a limit nobody is asked
 * for a while: submission.guesses_network for all that comes from a network (IPv4 /24, IPv6
 * /64; not for webmail servers, where everybody logs in from one), guesses_account for a user name,
 * from wherever.
 *
 * Nobody is locked out by that where he was before: from a network from which a user name has
 * logged in within OWNERS_LIFETIME only its own failures from there count, up to guesses_account.
 * So whoever guesses from elsewhere, at him or at others, does not keep him out there, as long as
 * he goes on from where he is known; somebody in his own network (IPv4 /24) who guesses at him
 * does.
 */
#ifndef POTERNE_GATEWAY_GATE_GUESSES_H
#define POTERNE_GATEWAY_GATE_GUESSES_H

#include "gateway/gate/classes.h"
#include "gateway/gate/table.h"
#include "gateway/gate/windows.h"

#define GUESSES_TABLE   "guesses"
#define GUESSES_ENTRIES 16384 /* networks and names; who guessed longest ago makes room */
#define OWNERS_TABLE    "owners"
#define OWNERS_ENTRIES  65536 /* who logged in from where */
#define OWNERS_LIFETIME (35u * 24 * 3600)

struct guesses {
    const struct conf_submission *conf;
    const char *domain; /* of a name without one; NULL: it stays so */
    struct windows *windows;
    struct gate_table *owners;
    struct guess *open; /* all that were begun, and not ended */
};

/* -1 with err set: out of memory. */
int guesses_open(struct guesses *guesses, const struct conf *conf, struct err *err);
void guesses_close(struct guesses *guesses);

/* A password that is being asked about; from begin to end it stays where it is. */
struct guess {
    struct guess *before, *behind;
    struct windows_who who[2];
    size_t n;
    int64_t when;
    char place[GATE_NETWORK_SIZE]; /* where; empty: that makes nobody known */
    struct gate_key owner;         /* who, there */
};

enum guess_turn {
    GUESS_ASK,   /* it may be asked, and counts; guesses_end() must follow */
    GUESS_WAIT,  /* perhaps when one has ended that is being asked about */
    GUESS_LATER, /* in *seconds */
};
/* Of which user name, as it is typed, from which network (NULL: nobody knows) and class. */
enum guess_turn guesses_begin(struct guesses *guesses, struct str user,
                              const struct gate_key *network, enum network_class network_class,
                              int64_t now, struct guess *guess, unsigned *seconds);

/* The same of a token, which nobody finds out by trying: what is wrong counts for the network alone
 * (or for its owner there), and not against the name, which stands beside it unproved. Where
 * neither is counted guess->n stays 0, and guesses_end() must not follow. */
enum guess_turn guesses_begin_token(struct guesses *guesses, struct str user,
                                    const struct gate_key *network,
                                    enum network_class network_class, int64_t now,
                                    struct guess *guess, unsigned *seconds);

enum guess_result {
    GUESS_RIGHT,  /* it is known there from now on */
    GUESS_WRONG,  /* or nobody waited for the answer */
    GUESS_NEITHER /* nobody could tell, or it would have been right */
};
/* Before the end: whose name that is (his official address), or was. False: he is at his limit, and
 * who asks is to be told to come again in *seconds, whatever the result is; it is WRONG then. */
bool guesses_account(struct guesses *guesses, const struct guess *guess, struct str account,
                     enum guess_result result, int64_t now, unsigned *seconds);
void guesses_end(struct guesses *guesses, struct guess *guess, enum guess_result result,
                 int64_t now);

#endif
