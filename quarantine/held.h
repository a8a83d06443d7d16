/*
 * held: what is known of a held message, taken together from its envelope, the marks behind it and
 * the engines' answers in its evidence. The index keeps this and nothing else, so that it can be
 * made anew from the files.
 */
#ifndef POTERNE_QUARANTINE_HELD_H
#define POTERNE_QUARANTINE_HELD_H

#include "base/conf.h"
#include "spool/spool.h"

/* Why it is held. The numbers stand in the index: a change of them is a new version of it. */
enum held_class {
    HELD_VIRUS,        /* an engine found a signature */
    HELD_BANNED,       /* a file that the policy forbids */
    HELD_UNSCANNABLE,  /* part of it could not be looked at */
    HELD_POLICY,       /* whatever else edge held it for */
    HELD_UNDELIVERABLE /* the next hop refused it, or it was not reached in time */
};
#define HELD_CLASSES 5

#define HELD_ANSWERS_MAX 32

const char *held_class_name(enum held_class class);
/* False: no class has that name. */
bool held_class_find(struct str name, enum held_class *class);

struct held_answer {
    struct str engine;
    struct str result; /* "infected" … as in the evidence */
    struct str name;   /* signature, or the reason; empty when clean */
};

struct held_recipient {
    struct str address;
    unsigned state; /* enum recipient_state; held where it is said nowhere */
};

struct held {
    struct str id;
    int64_t time_us;  /* received */
    int64_t since_us; /* held since: where several recipients are, the last of them */
    enum held_class class;
    struct str reason;
    struct str sender, client_ip, client_name, helo, subject, message_id, verdict;
    uint64_t size;      /* of the message */
    uint64_t file_size; /* … with its records: any other size, and this is out of date */
    bool journaled;
    struct held_recipient *recipients;
    size_t n_recipients;
    struct held_answer *answers; /* but for what was clean; at most HELD_ANSWERS_MAX */
    size_t n_answers;
};

/* Seconds that what is held for that is kept; 0: until somebody decides. */
unsigned held_keep(const struct conf *conf, enum held_class class);

/* Texts point into the file's envelope or live in pool. -1: out of memory. Evidence that can't be
 * read gives no answers. */
int held_read(const struct spool_file *file, struct pool *pool, struct held *held, struct err *err);

/* What an engine said that made it held: the first that found something, or NULL. */
const struct held_answer *held_finding(const struct held *held);

#endif
