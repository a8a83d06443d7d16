/*
 * query: what the journal knows, for people and tools. Opens the journal read-only beside its
 * writer. Everything is found over an index; texts and arrays live in the caller's pool.
 */
#ifndef POTERNE_JOURNAL_QUERY_H
#define POTERNE_JOURNAL_QUERY_H

#include "base/err.h"
#include "base/pool.h"
#include "journal/event.h"

#define JOURNAL_LIMIT_MAX 10000

struct journal_filter {
    struct str id;          /* of a message, or the beginning of one; empty: any */
    struct str address;     /* sender or recipient, without case; empty: any */
    struct str client_ip;   /* empty: any */
    int64_t from_us, to_us; /* since 1970, `to` excluded; 0: open */
    size_t limit;           /* the newest so many messages, and so many refusals; 0: the maximum */
};

/* One thing that happened to a recipient. */
struct journal_outcome {
    int64_t time_us;
    enum recipient_state state;
    struct str relay, detail;
};

struct journal_recipient {
    uint32_t index;
    struct str address, how;
    enum recipient_state state;       /* what counts */
    int64_t time_us;                  /* since when */
    struct journal_outcome *outcomes; /* in the order of time */
    size_t n_outcomes;
};

struct journal_message {
    bool complete; /* false: only recipients are known (yet); event has but the id */
    struct event_message event;
    struct journal_recipient *recipients; /* in the order of the envelope */
    size_t n_recipients;
};

struct journal_found {
    struct journal_message *messages; /* in the order of time */
    size_t n_messages;
    struct event_refused *refusals;
    size_t n_refusals;
    bool more; /* the limit was reached: there may be older ones */
};

struct journal;
/* folder is STATE_DIR/journal. */
struct journal *journal_open(const char *folder, struct err *err);
/* That of a gateway whose state is there. */
struct journal *journal_open_state(const char *state_dir, struct err *err);
void journal_close(struct journal **journal);
int journal_search(struct journal *journal, const struct journal_filter *filter, struct pool *pool,
                   struct journal_found *found, struct err *err);

/* Messages that 250 was said for and whose recipients are not all settled yet (held ones among
 * them), and all there are: what `poterne audit` and statistics begin with. */
struct journal_totals {
    uint64_t messages, refusals, recipients;
    uint64_t recipients_in[RECIPIENT_STATES];
};
int journal_totals(struct journal *journal, struct journal_totals *totals, struct err *err);

/* How the last audit ended, its texts in pool: 1; 0: there was none; -1. */
int journal_last_audit(struct journal *journal, struct pool *pool, struct event_audit *audit,
                       struct err *err);
/* Recipients that are owed, deferred, held, released (over an index of those). */
int journal_open_recipients(struct journal *journal, uint64_t in[RECIPIENT_STATES],
                            struct err *err);

#define JOURNAL_COUNTS_MAX 20 /* of each kind */

struct journal_count {
    struct str what, who;
    uint64_t n;
};

/* What the managers are told of viruses; most first, texts in the pool. */
struct journal_viruses {
    struct journal_count held[JOURNAL_COUNTS_MAX]; /* now, in quarantine: what: the verdict */
    size_t n_held;
    struct journal_count found[JOURNAL_COUNTS_MAX]; /* accepted since then: what: the reason */
    size_t n_found;
    struct journal_count clients[JOURNAL_COUNTS_MAX]; /* sent since then: what: IP, who: sender */
    size_t n_clients;
};
/* Infected mail since a time, and what is held now. `wanted` chooses the clients. */
int journal_viruses(struct journal *journal, int64_t since_us,
                    bool (*wanted)(void *data, struct str client_ip), void *data, struct pool *pool,
                    struct journal_viruses *viruses, struct err *err);

/* To whom mail was refused since a time because the mailbox was full (552 5.2.2); most first. */
struct journal_mailboxes {
    struct journal_count list[JOURNAL_COUNTS_MAX]; /* what: the address; n: refusals */
    size_t n;
    uint64_t all; /* addresses, those beyond the list too */
};
int journal_full_mailboxes(struct journal *journal, int64_t since_us, struct pool *pool,
                           struct journal_mailboxes *mailboxes, struct err *err);
/* Whose mail was not redirected, or refused for that, since a time: who: why; n: messages. */
int journal_redirections(struct journal *journal, int64_t since_us, struct pool *pool,
                         struct journal_mailboxes *mailboxes, struct err *err);

#endif
