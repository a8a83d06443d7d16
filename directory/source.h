/*
 * source: the seam to whatever knows recipients. A source answers from memory (a file, the snapshot
 * of an LDAP directory: a table in sources.h), or must be asked (LDAP, SQLite, the next hop), or
 * both: who is not in its table is asked for. Asking may take as long as its settings allow; it is
 * done by threads of the directory process, never by its loop (gateway/directory/askers.h).
 */
#ifndef POTERNE_DIRECTORY_SOURCE_H
#define POTERNE_DIRECTORY_SOURCE_H

#include "base/conf.h"
#include "directory/address.h"
#include "directory/person.h"

#define FINDING_NOTE_SIZE 256

enum source_said {
    SAID_YES,
    SAID_NO,
    SAID_AWAY /* nothing can be said now */
};

/* An answer, with room for its texts. */
struct finding {
    enum source_said said;
    bool broken; /* the source itself can't be reached: it is left in peace a while */
    char note[FINDING_NOTE_SIZE]; /* for people: "alias of …", "cannot connect to …"; or empty */
    size_t n;                     /* of a YES: person_put()'s bytes */
    char bytes[PERSON_BYTES_MAX];
};

/* YES, and who it is. */
void finding_yes(struct finding *finding, const struct person *person);
void finding_no(struct finding *finding);
/* For now only: the note says why. */
void finding_away(struct finding *finding, bool broken, const char *why);
/* Of a YES. */
bool finding_person(const struct finding *finding, struct person *person);

/* The settings of one source. */
struct source_place {
    const struct conf *conf;
    struct conf_source source;        /* which section it is */
    const struct conf_domain *domain; /* of a call-ahead: whose next hop; else NULL */
};

struct source_ops {
    /* One who asks: a connection, an open database, kept from question to question and used by one
     * thread. NULL with err: out of memory, a setting that can't be used. Does not connect. */
    void *(*open)(const struct source_place *place, struct err *err);
    void (*ask)(void *asker, struct str address, struct finding *finding);
    void (*close)(void *asker);
    /* How many may ask at once. */
    unsigned (*askers)(const struct source_place *place);
    bool catch_all; /* "@example.org" is asked too */
    bool quota;     /* does not know who is there, but whose mailbox is full */
};

#endif
