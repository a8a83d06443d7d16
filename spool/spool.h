/*
 * spool: messages on disk. One file a message: its name is the message's id and the folder is its
 * state; only rename moves it.
 *
 *   incoming/ID    S0  being received; removed at start
 *   queue/ID       S1  owed: 250 was said
 *   quarantine/ID  S2  held: 250 was said
 *   kept/ID            delivered, and kept for a while to be scanned again (no promise)
 *   corrupt/ID         set aside because it could not be read; never deleted by us
 *   corrupt/ID.unsaid  … because the disk failed while it was stored: 250 was not said
 *
 * The file: header (64 bytes: magic, version, length and CRC of the message), the message exactly
 * as received, then records that are only ever appended (kind, length, CRC each): first the
 * envelope, then what became of each recipient. A torn last record is no record, nor are those
 * behind a sector that a cut of power left out; another bad record with a good one behind it is
 * damage. spool/format.h has the bytes.
 *
 * Writers: edge (mail from outside) and reports (mail of our own) make a file, in incoming/, and
 * move it once; from then on only the delivery process appends to it, moves it or removes it (tools
 * ask it to, spool/notice.h). Who writes in incoming/ holds a shared lock (flock) on that folder
 * meanwhile: an edge that starts and gets it alone removes what lies there.
 * Every function returns 0, or -1 with err set, unless it says otherwise.
 */
#ifndef POTERNE_SPOOL_SPOOL_H
#define POTERNE_SPOOL_SPOOL_H

#include "base/err.h"
#include "base/pool.h"
#include "mail/dsn.h"
#include "mail/edit.h"

#define SPOOL_ID_LEN 26 /* ULID: 48 bits of milliseconds, 80 random bits, Crockford base 32 */

#define SPOOL_ENVELOPE_MAX (4 * 1024 * 1024) /* bytes of the envelope's record */
/* Of these for the recipients, who are kept to it at RCPT (SMTP_RECIPIENTS_BYTES) and where one
 * redirects to others; all else in an envelope is bounded by what its makers say in one message. */
#define SPOOL_RECIPIENTS_BYTES (3 * 1024 * 1024)
#define SPOOL_RECORDS_MAX      (64 * 1024 * 1024) /* bytes of all records of a file */
/* Of these for the end: tries that failed may not take all that what becomes of it needs. */
#define SPOOL_RECORDS_RESERVE (24 * 1024 * 1024)
#define SPOOL_RECIPIENTS_MAX  10000
#define SPOOL_ACCOUNT_MAX     320 /* bytes of an account's name */
#define SPOOL_DETAIL_MAX      500 /* bytes kept of an answer or a reason; more is cut off */
#define SPOOL_UNSAID_MAX                                                                           \
    16 /* files that one process sets aside in corrupt/ since they can't be stored */
#define SPOOL_LIST_MAX (4 * 1000 * 1000) /* names that spool_each() takes at once */

enum spool_state { SPOOL_QUEUE, SPOOL_QUARANTINE, SPOOL_KEPT };
#define SPOOL_STATES 3

/* What is remembered of notices to the sender, beside the state. */
enum spool_note {
    SPOOL_NOTE_FINAL = 0,   /* neither RELAYED nor PASSED, if that was said before */
    SPOOL_NOTE_DELAY = 1,   /* he was told that it waits */
    SPOOL_NOTE_RELAYED = 2, /* said before it is delivered: to a server that tells nobody */
    SPOOL_NOTE_PASSED = 4,  /* likewise: to a server that was asked to tell him */
    SPOOL_NOTE_SUCCESS = 8  /* he was told that it got there */
};
#define SPOOL_NOTES 15u /* all of them */

/* What a person has ordered about all that is still owed of a message in the queue. The numbers
 * stand in files: they never change. */
enum spool_order_kind {
    SPOOL_HOLD = 1,     /* it waits until SPOOL_RESUME */
    SPOOL_RESUME = 2,   /* it goes on */
    SPOOL_THAW = 3,     /* likewise, since the account that sent it is no longer frozen */
    SPOOL_REQUEUE = 4,  /* as if it had just come: tries and lifetime begin anew */
    SPOOL_DROP = 5,     /* whoever is still owed gets nothing */
    SPOOL_DROP_TELL = 6 /* likewise, and its sender is told */
};
#define SPOOL_ORDER_LAST SPOOL_DROP_TELL

struct spool_recipient {
    struct str address; /* as given at RCPT */
    struct str how;     /* what the directory said of it */
    struct str orcpt;   /* ORCPT as it was said (mail/dsn.h), or empty */
    unsigned notify;    /* NOTIFY likewise: DSN_ bits */
    struct str sender; /* its own envelope sender, where mail is redirected; empty: the message's */
    struct str fields; /* header lines on top of its copy alone, each with CR LF */
    unsigned state;    /* enum recipient_state: owed (0) or what came of it */
    /* What the last mark said; all empty until there was one. Not written by spool_commit(). */
    int64_t state_time_us;
    struct str relay;
    struct str detail;
    unsigned notes;         /* spool_note bits */
    struct str begun;       /* id of the last notice about it that was begun, and … */
    unsigned begun_about;   /* … what for: the caller's of spool_begin_notice() */
    unsigned marks;         /* how many there were */
    unsigned tries;         /* failed ones since it came, or was released */
    int64_t released_us;    /* when it was released from quarantine; 0: never */
    bool ordered;           /* he was owed when the last order came that is no SPOOL_THAW, … */
    unsigned ordered_state; /* … and behind it had that state */
};

struct envelope {
    struct str id;
    int64_t time_us;
    struct str client_ip, client_name, helo;
    struct str protocol; /* "ESMTPS" … for Received */
    struct str sender;   /* "" is the null sender */
    struct spool_recipient *recipients;
    size_t n_recipients;
    struct str
        account; /* who has logged in and sent it, as the directory names him; empty: nobody */
    bool smtputf8;
    bool eightbit;
    struct str subject, message_id;
    struct str verdict;
    double global, heuristics, bayes;
    struct str held;  /* reason when it goes to quarantine */
    bool proved;      /* SPF lets the client send for the sender; told where a notice may need it */
    struct str envid; /* ENVID as it was said, or empty */
    unsigned ret;     /* enum dsn_ret */
    bool requiretls;  /* RFC 8689: it goes over TLS that is proved to be the right server's */
    bool tls_waived;  /* TLS-Required: No (RFC 8689 3): rather without proof than not at all */
    bool held_later;  /* not by edge: it could not be delivered. Not written by spool_commit() */
    /* What spool_order() said since. Not written by spool_commit() either. */
    int64_t hold_us;      /* since then it waits for SPOOL_RESUME; 0: it does not */
    int64_t ordered_us;   /* when the last order came; 0: none did */
    int64_t requeued_us;  /* when it was requeued last; 0: never */
    int64_t uncounted_us; /* time of waiting that is not part of its lifetime */
    bool dropped;         /* whoever is still owed gets nothing … */
    bool drop_told;       /* … and its sender is told */
    /* The last order that is no SPOOL_THAW: by whom, which (spool_order_kind; 0: none), and when.
     */
    struct str ordered_by;
    unsigned ordered_kind;
    int64_t ordered_kind_us;
    struct str evidence; /* JSON */
    struct edits edits;  /* sorted, apart, inside the message: checked on commit and load */
};

/* Who its copy is from. */
static inline struct str spool_sender(const struct envelope *envelope,
                                      const struct spool_recipient *recipient)
{
    return recipient->sender.n ? recipient->sender : envelope->sender;
}

/* That it takes in the envelope, at most. */
static inline size_t spool_recipient_bytes(const struct spool_recipient *recipient)
{
    return 7 * sizeof(uint32_t) + recipient->address.n + recipient->how.n + recipient->orcpt.n +
           recipient->sender.n + recipient->fields.n;
}

struct spool;
/* root is the state folder; makes the folders that are missing (mode 2770: the processes share a
 * group). One may be shared by threads. NULL with err set. */
struct spool *spool_open(const char *root, struct err *err);
/* The same for who only puts into the queue what it made itself, and may open no other folder:
 * spool_receive() and spool_commit() to SPOOL_QUEUE. */
struct spool *spool_open_outgoing(const char *root, struct err *err);
void spool_close(struct spool **spool);

void spool_id_make(char id[SPOOL_ID_LEN + 1]);
bool spool_id_valid(struct str id);

/* --- receiving (edge) --- */
#define SPOOL_HEADER_SIZE 64
struct spool_writer;
struct spool_writer *spool_receive(struct spool *spool, const char *id, struct err *err);
int spool_write(struct spool_writer *writer, struct str bytes, struct err *err);
uint64_t spool_size(const struct spool_writer *writer);
/* A read-only descriptor of the file for the scanners: the message stands at SPOOL_HEADER_SIZE.
 * Flushes what was buffered. The caller closes it. -1 on error. */
int spool_reader_fd(struct spool_writer *writer, struct err *err);
/*
 * Header and envelope written, file fsync'd, renamed, folder fsync'd: after 0 it is owed. Blocks:
 * called from a thread; one fsync of the folder serves all commits that renamed before it began.
 * The writer is gone afterwards, whatever the result. After -1 the file is in no folder that is
 * delivered from: a failed fsync is not tried again, since the kernel may have dropped the bytes.
 */
int spool_commit(struct spool_writer **writer, const struct envelope *envelope,
                 enum spool_state state, struct err *err);
void spool_abort(struct spool_writer **writer);
/*
 * The same in two steps, for what must be owed exactly if something else has happened between them:
 * spool_stage() leaves the file whole and on the disk in incoming/ (as long as somebody holds the
 * lock on that folder), spool_publish() moves it to queue/, where it is owed, and may be said
 * again, also after a crash. 1: it was moved; 0: it is not there (any more); -1: err. Who gives it
 * up removes it.
 */
int spool_stage(struct spool_writer **writer, const struct envelope *envelope, struct err *err);
int spool_publish(struct spool *spool, const char *id, struct err *err);
void spool_unstage(struct spool *spool, const char *id);

/* --- reading (delivery, quarantine, tools) --- */
struct spool_file {
    struct envelope envelope;
    uint64_t size; /* of the message */
    int fd;        /* message at SPOOL_HEADER_SIZE */
    enum spool_state state;
    bool journaled;    /* spool_note_journaled() was called after the last change */
    bool records_lost; /* power was cut: good records behind a hole do not count, and … */
    uint64_t
        records_end; /* … the next one cuts them off: where it goes, behind the last good one */
};

/* Texts live in pool. -1: unreadable; `*corrupt` says whether the file itself is damaged; errno is
 * ENOENT when it is not there, ENOTSUP when a later poterne wrote it: that one is to be left alone.
 * Reads the message once to check it. */
int spool_load(struct spool *spool, enum spool_state state, const char *id, struct pool *pool,
               struct spool_file **file, bool *corrupt, struct err *err);
/* The same without reading the message: for lists. */
int spool_peek(struct spool *spool, enum spool_state state, const char *id, struct pool *pool,
               struct spool_file **file, bool *corrupt, struct err *err);
/* As spool_peek(), for who may only read: nothing can be appended to it. */
int spool_look(struct spool *spool, enum spool_state state, const char *id, struct pool *pool,
               struct spool_file **file, bool *corrupt, struct err *err);
void spool_unload(struct spool_file **file);
/* A read-only descriptor of the file, for another process: the message stands at SPOOL_HEADER_SIZE.
 * The caller closes it. -1 on error. */
int spool_open_message(struct spool *spool, enum spool_state state, const char *id,
                       struct err *err);
/* When the last record was appended, in seconds since 1970; -1 as below. */
int64_t spool_file_time(struct spool *spool, enum spool_state state, const char *id);
/* Bytes of the whole file, records and all; -1: it is not there (ENOENT), or can't be looked at. */
int64_t spool_file_size(struct spool *spool, enum spool_state state, const char *id);
/* What a mark means for the recipient in memory; spool_mark() does it too. The mark's texts are
 * then the recipient's. */
struct spool_mark;
void spool_apply_mark(struct spool_recipient *recipient, const struct spool_mark *mark);

/* --- what becomes of it (delivery only) --- */
struct spool_mark {
    unsigned state; /* enum recipient_state */
    int64_t time_us;
    struct str relay;
    struct str detail;
};
/*
 * Appends that these recipients now have that state, and changes `file` likewise (whose texts are
 * then the mark's own: they must live as long). In the page cache when it returns (a killed process
 * loses nothing), on the disk after spool_sync().
 */
int spool_mark(struct spool_file *file, const uint32_t *indexes, size_t n,
               const struct spool_mark *mark, struct err *err);
/*
 * Appends that a notice with that id is made about these recipients, before it is made: who finds
 * it in the queue after a crash knows of whom it tells. `about`: 0 to 255. In memory likewise; the
 * id must live as long as `file`.
 */
int spool_begin_notice(struct spool_file *file, const uint32_t *indexes, size_t n, unsigned about,
                       struct str id, int64_t time_us, struct err *err);
/* What a note means for the recipient in memory: the later of RELAYED, PASSED and FINAL holds. */
void spool_apply_note(struct spool_recipient *recipient, unsigned note);
/* Appends a note on these recipients, and changes `file` likewise. */
int spool_add_note(struct spool_file *file, const uint32_t *indexes, size_t n, enum spool_note note,
                   int64_t time_us, struct err *err);
/*
 * Appends another recipient, who has the mark's state from the beginning; the file in memory does
 * not get it: it is there when the file is read again. More than SPOOL_RECIPIENTS_MAX is refused.
 */
int spool_add_recipient(struct spool_file *file, struct str address, struct str how,
                        const struct spool_mark *mark, struct err *err);
struct spool_order {
    enum spool_order_kind kind;
    int64_t time_us;
    int64_t uncounted_us; /* that it waited until now without its lifetime passing */
    struct str by;        /* by whom; at most SPOOL_DETAIL_MAX are kept */
};
/*
 * Appends the order, and changes `file` likewise (whose text is then the order's own: it must live
 * as long). SPOOL_REQUEUE makes owed of who is deferred. Where somebody is released from quarantine
 * later, no order before that holds any more. A poterne that does not know the record
 * leaves the file alone: it does not deliver what is held.
 */
int spool_order(struct spool_file *file, const struct spool_order *order, struct err *err);
/* What an order means for the envelope in memory; spool_order() does it too. */
void spool_apply_order(struct envelope *envelope, const struct spool_order *order);
/* When somebody was released from quarantine last; 0: nobody was. */
int64_t spool_last_release(const struct envelope *envelope);
/* From when on its lifetime counts: it came, was released or requeued, and what is not counted. */
int64_t spool_counts_from(const struct envelope *envelope);
/* Appends why the whole message is held now; envelope.held is that from here on. */
int spool_mark_held(struct spool_file *file, struct str reason, struct err *err);
/* Appends that the journal has all that stands before. */
int spool_note_journaled(struct spool_file *file, struct err *err);
/* The file's bytes onto the disk; not to be called again after it failed. */
int spool_sync(struct spool_file *file, struct err *err);

/* Rename, then fsync of both folders. */
int spool_move(struct spool *spool, const char *id, enum spool_state from, enum spool_state to,
               struct err *err);
/* Rename alone; the folders are not fsync'd: spool_sync_folder(). */
int spool_rename(struct spool *spool, const char *id, enum spool_state from, enum spool_state to,
                 struct err *err);
/* Unlinks; the folder is not fsync'd: spool_sync_folder(). */
int spool_remove(struct spool *spool, enum spool_state state, const char *id, struct err *err);
int spool_sync_folder(struct spool *spool, enum spool_state state, struct err *err);
/* All bytes of all files onto the disk (syncfs): one for many records. */
int spool_sync_all(struct spool *spool, struct err *err);
int spool_set_aside(struct spool *spool, enum spool_state state, const char *id, struct err *err);

/* Calls back for each id in that state (order of names: oldest first); stops at non-zero, which it
 * returns. */
int spool_each(struct spool *spool, enum spool_state state, int (*each)(void *data, const char *id),
               void *data, struct err *err);
/* At start: removes what is left in incoming/; returns how many, or -1. */
int spool_recover(struct spool *spool, struct err *err);
/* What the file system of incoming/ has room for. */
struct spool_room {
    uint64_t bytes;
    uint64_t files; /* UINT64_MAX where it has no limit of its own */
};
int spool_room(struct spool *spool, struct spool_room *room, struct err *err);
/* … that of a descriptor, O_PATH will do; path is for err. */
int spool_room_of(int fd, const char *path, struct spool_room *room, struct err *err);

#endif
