/*
 * srs: the Sender Rewriting Scheme (draft-mengwong-sender-rewrite), by which a message that is sent
 * on has an envelope sender in the domain of who sends it on, so that SPF holds, and a bounce still
 * finds its way back:
 *
 *   jean@a.example sent on by b.example   SRS0=HASH=TT=a.example=jean@b.example
 *   … and from there by c.example         SRS1=HASH=b.example==HASH=TT=a.example=jean@c.example
 *
 * HASH is the beginning of HMAC-SHA1 in base64 over what follows it in lower case, TT the day in
 * base 32. Everything is compared without case, since servers on the way fold it, and the hash in
 * constant time. The bytes are those that Mail::SRS (Perl) writes with HashLength 6.
 *
 * An address is made when the message comes, and the message may be held before it goes out: what
 * is released on the last day must still be able to come back. So it is good for SRS_DAYS behind
 * the longest time that mail is held, and not made anew at its release: delivery, which does that,
 * has no key. A long life gives away little: the bounces that somebody who has seen it can send to
 * that one sender.
 *
 * It is our own since libsrs2, which Debian has, has had no upkeep since 2004, cuts what is too
 * long without a word, and ends the process that gives it what it does not expect.
 */
#ifndef POTERNE_SENDER_SRS_H
#define POTERNE_SENDER_SRS_H

#include "base/err.h"
#include "base/str.h"

#define SRS_KEY_SIZE     32
#define SRS_KEYS_MAX     2
#define SRS_HASH_CHARS   6    /* 31 bits without case: a guess costs a RCPT, and buys one bounce */
#define SRS_DAYS         21   /* on the way out and back, in queues */
#define SRS_DAYS_MAX     1000 /* days have two characters, and come again after 1024 */
#define SRS_LOCAL_MAX    64   /* RFC 5321 4.5.3.1.1, quotes and escapes included */
#define SRS_ADDRESS_MAX  254  /* RFC 5321 4.5.3.1.3 without the brackets */
#define SRS_ADDRESS_SIZE (SRS_ADDRESS_MAX + 1)

/* The first makes addresses; each of them is good for the way back. */
struct srs_keys {
    size_t n;
    unsigned char bytes[SRS_KEYS_MAX][SRS_KEY_SIZE];
    unsigned held_days; /* that mail may be held before it goes out */
};

/* One more, worked out of a secret of ours so that neither says anything of the other. */
int srs_key_add(struct srs_keys *keys, const unsigned char *secret, size_t n, struct err *err);

/*
 * The sender under which `domain` sends on what `sender` (with an @, not the null sender) wrote;
 * `now` in seconds since 1970. False (and out empty): it does not fit into an address.
 */
bool srs_forward(const struct srs_keys *keys, struct str sender, struct str domain, int64_t now,
                 char out[SRS_ADDRESS_SIZE]);

/* Does the local part begin as one of these addresses does? */
bool srs_looks_like(struct str address);

enum srs_result {
    SRS_GOOD,
    SRS_FORGED, /* not made with one of the keys, or malformed */
    SRS_EXPIRED
};
/* To whom a bounce to `address` goes. Of an SRS1, whose time its first server checks, that is its
 * SRS0. out is empty unless SRS_GOOD. */
enum srs_result srs_back(const struct srs_keys *keys, struct str address, int64_t now,
                         char out[SRS_ADDRESS_SIZE]);

#endif
