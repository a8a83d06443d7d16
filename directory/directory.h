/*
 * directory: who is a recipient. Each domain names its sources, in order (source.h); the first that
 * knows an address answers for it.
 *
 * File format: one entry a line, `#` comments:
 *     jean.toto@univ.example                       an address
 *     jtoto@univ.example: jean.toto@univ.example   an alias (delivered under its own name)
 *     @univ.example                                catch-all for the domain (off unless written)
 *     j.roy@univ.example -> roy@lab.example        its mail is redirected (redirect.h); behind it
 *                                                  keep=yes or keep=no: the mailbox keeps a copy
 * Local parts are compared without case (ASCII); domains as A-labels, without case.
 *
 * A source that can't be read or asked leaves what it said last in service: who was known still is,
 * and whoever is not found is DIRECTORY_UNAVAILABLE, since the source might know him by now.
 *
 * postmaster@ each domain of ours is always known and takes mail, and so does `postmaster` alone,
 * as RFC 5321 4.5.1 demands; where the sources do not list it, it goes to the domain's next hop
 * like any other.
 *
 * The messages between edge and the directory process (wire.h):
 *     request: u32 number, u8 enum directory_wish, str address, str sender (or password),
 *              u8 second factor
 *
 *     reply: u32 number, u8 enum directory_result, str canonical address, str how it was found,
 *            u8 rewrite, u64 quota used, u64 quota limit, str redirect, u8 keep, str identities,
 *            str rule, u8 hops of the redirection, of each: str address, str person, u8 keep
 *
 * Replies come in any order. What `poterne directory` asks for is answered in JSON (u32 number,
 * str).
 */
#ifndef POTERNE_DIRECTORY_DIRECTORY_H
#define POTERNE_DIRECTORY_DIRECTORY_H

#include "base/conf.h"
#include "base/wire.h"
#include "directory/address.h"
#include "directory/source.h"

#define DIRECTORY_ADDRESS_SIZE 320
#define DIRECTORY_HOW_SIZE     512
#define DIRECTORY_TEST_MS      5000 /* that WISH_TEST waits for one source */
#define DIRECTORY_PATIENCE_MS  8000 /* for all: below edge's RECIPIENTS_TIMEOUT */

enum directory_wish {
    WISH_RECIPIENT, /* is that a recipient, for mail from this sender? */
    WISH_TEST,      /* what does each source say of it, now? */
    WISH_FORGET,    /* the cache forgets it; an empty address: everything */
    WISH_STATUS,
    WISH_ACCEPT, /* what the LDAP directory of that name has lost is gone (ldap/shrink.h) */
    WISH_LOGIN,  /* is that the password of that user? (login.h) */
    WISH_USER,   /* is there such a user? for whom another has already vouched (login.h) */
};

enum directory_result {
    DIRECTORY_KNOWN,
    DIRECTORY_UNKNOWN,     /* our domain, no such address: 550 5.1.1 */
    DIRECTORY_NOT_OURS,    /* not a domain of ours: 550 5.7.1 relaying denied */
    DIRECTORY_UNAVAILABLE, /* a source of the domain can't be asked: 451 4.3.0 */
    DIRECTORY_DISABLED,    /* known, but takes no mail: 550 5.2.1 */
    DIRECTORY_FULL,        /* known, but there is no room: 552 5.2.2 */
    DIRECTORY_CLOSED,      /* a group that this sender may not write to: 550 5.7.1 */
    DIRECTORY_NO_REDIRECT, /* its redirection is forbidden, and so is its mail: 550 5.7.1; why */
};

/*
 * Where redirected mail goes (redirect.h): the recipient, whom it redirects to, … Each but the last
 * is one of ours; the last has it, and of the others who keeps a copy.
 */
#define REDIRECT_HOPS_MAX  6 /* the recipient, and five redirections behind one another */
#define REDIRECT_RULE_SIZE 400

struct redirect_hop {
    char address[ADDRESS_MAX + 1]; /* that its copy is delivered to */
    char person[ADDRESS_MAX + 1];  /* whose it is: the official address, for Delivered-To */
    bool keep;
};

struct redirect_way {
    size_t n; /* 0: not redirected */
    struct redirect_hop hops[REDIRECT_HOPS_MAX];
    char rule[REDIRECT_RULE_SIZE]; /* what allows it, or of DIRECTORY_NO_REDIRECT forbids it */
};

struct directory_answer {
    enum directory_result result;
    char address[DIRECTORY_ADDRESS_SIZE]; /* canonical */
    char how[DIRECTORY_HOW_SIZE];         /* "file functional, alias of jean.toto@…" */
    bool rewrite;                         /* deliver to `address`, whatever name was asked for */
    uint64_t quota_used, quota_limit;     /* bytes; limit 0: not told */
    char redirect[ADDRESS_MAX + 1];       /* where its source redirects it to; "": nowhere */
    bool keep;                            /* … and the mailbox keeps a copy */
    struct redirect_way way;              /* what comes of that; for WISH_RECIPIENT and WISH_TEST */
    char identities[PERSON_LIST_MAX + 1]; /* what it may send from, a blank between two */
};

struct directory_request {
    uint32_t number;
    enum directory_wish wish;
    struct str address;
    struct str sender;   /* empty: the null sender */
    struct str password; /* of WISH_LOGIN, in the place of the sender */
    bool factor;         /* likewise: a second factor is asked, if any is */
};

void directory_request_put(struct buf *out, const struct directory_request *request);
/* Texts point into the message. */
bool directory_request_get(struct str message, struct directory_request *request);
void redirect_way_put(struct buf *out, const struct redirect_way *way);
/* False: malformed. */
bool redirect_way_get(struct wire *wire, struct redirect_way *way);
void directory_reply_put(struct buf *out, uint32_t number, const struct directory_answer *answer);
bool directory_reply_get(struct str message, uint32_t *number, struct directory_answer *answer);

struct directory;
/*
 * `ops` are those of each kind of source, by enum conf_source_kind; NULL: nobody here can ask it
 * (then it is as if it were away). A file that is missing or unreadable is a warning in the log;
 * one that is wrong is an error.
 */
struct directory *directory_open(const struct conf *conf,
                                 const struct source_ops *const ops[CONF_SOURCE_KINDS],
                                 struct err *err);
void directory_close(struct directory **directory);
/* Looks whether a file has changed and loads it beside the old; on a mistake the old serves on
 * (err says file:line; -1; the same mistake is told again once a minute). 1: something new serves;
 * 0: nothing has changed. A changed file is read when two calls have found it the same, so that one
 * that is being written is left in peace: call this twice a second or so. */
int directory_refresh(struct directory *directory, struct err *err);
/* Can this process read what it will have to read again? -1: err names the first that it can't. */
int directory_readable(const struct directory *directory, struct err *err);
/* Calls back with the path of each file that the settings name; one may come more than once. */
void directory_each_path(const struct conf *conf, void (*each)(void *data, const char *path),
                         void *data);

#endif
