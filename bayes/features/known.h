/*
 * known: whom the own users write to, and the Message-IDs of what they sent, so that answers to it
 * and mail from people they know count for ham. It is evidence and no pass: what is known becomes
 * tokens ("known:reply"), and the model learns what they are worth. A From can be forged; a
 * Message-ID that answers name can't be guessed, and is therefore a token of its own.
 *
 *   FOLDER/known   a table of KNOWN_BUCKETS buckets of 8 slots (known_table.h): a salted hash
 * (SipHash; the salt is made with the file), the day it was last sent, how often. No address can be
 *                  read out of it. A full bucket forgets what is oldest; so it never grows.
 *
 * One process writes (whoever holds the ledger's lock) and others have the file mapped: what is
 * noted counts at once, in all of them, and no generation has to be built. A damaged slot is an
 * address that is not known any more, nothing worse.
 */
#ifndef POTERNE_BAYES_FEATURES_KNOWN_H
#define POTERNE_BAYES_FEATURES_KNOWN_H

#include "base/conf.h"
#include "mail/message.h"

#define KNOWN_BUCKETS        (1u << 19) /* 64 MiB when full; the file has holes until then */
#define KNOWN_RECIPIENTS_MAX 50         /* a message to more is a circular: it makes nobody known */
#define KNOWN_LOOK_MAX       20         /* own addresses, and ids, that a message is looked up by */
#define KNOWN_KEYS_MAX       (2 * KNOWN_RECIPIENTS_MAX + 1)

struct known;

/* For reading; the fd may be closed afterwards. NULL: it is no such file. */
struct known *known_open(int fd, const char *path, struct err *err);
/* That of the installation; *known is NULL where there is none yet. */
int known_open_state(const struct conf *conf, struct known **known, struct err *err);
/* For writing too; made when it is not there (*made). What was there and is no such file is set
 * aside as known.damaged. The caller holds the ledger's lock. */
struct known *known_open_writer(const char *folder, bool *made, struct err *err);
void known_close(struct known **known);

/* What is known of a message that comes in. */
struct known_facts {
    bool from;  /* one of the own users has written to its From */
    bool pair;  /* one of those in its To and Cc has */
    bool reply; /* it answers a message that one of them sent */
};
/* known may be NULL: nothing is. -1: the pool is used up. */
int known_look(const struct known *known, const struct message *message, struct pool *pool,
               struct known_facts *facts, struct err *err);

/* What a message that an own user sent makes known: keys of the table, rising, each once. */
struct known_keys {
    uint64_t list[KNOWN_KEYS_MAX];
    size_t n;
};
/*
 * The door for all mail that own users send: whose From lies in one of our domains. Nothing comes
 * of what a machine answers (RFC 3834), of circulars, and of those recipients that are own
 * addresses: colleagues are forged more than anybody. -1: the pool is used up.
 */
int known_keys_of(const struct known *known, const struct conf *conf, const struct message *message,
                  struct pool *pool, struct known_keys *keys, struct err *err);
/* Of seconds since 1970; 0, or a time to come, is now. */
uint32_t known_day(int64_t when);
/* Returns how many of them were not known before. `day`: since 1970, when the message was sent. */
size_t known_note(struct known *known, const uint64_t *keys, size_t n, uint32_t day);
/* What was noted is on disk. */
int known_sync(struct known *known, struct err *err);

#endif
