/*
 * spool: messages on disk. One file a message: its name is the message's id and the folder is its
 * state; only rename moves it.
 *
 *   incoming/ID    S0  being received; removed at start
 *   queue/ID       S1  owed: 250 was said
 *   quarantine/ID  S2  held: 250 was said
 *   corrupt/ID         set aside because it could not be read; never deleted by us
 *
 * The file: header (64 bytes: magic, version, length and CRC of the message), the message exactly
 * as received, then records that are only ever appended (kind, length, CRC each): first the
 * envelope, then what became of each recipient. A torn last record is no record.
 */
#ifndef POTERNE_SPOOL_SPOOL_H
#define POTERNE_SPOOL_SPOOL_H

#include "base/err.h"
#include "base/pool.h"
#include "mail/edit.h"

#define SPOOL_ID_LEN 26 /* ULID: 48 bits of milliseconds, 80 random bits, Crockford base 32 */

enum spool_state { SPOOL_QUEUE, SPOOL_QUARANTINE };

struct spool_recipient {
    struct str address; /* as given at RCPT */
    struct str how;     /* what the directory said of it */
    struct str orcpt;   /* DSN parameter, later */
    unsigned state;     /* enum recipient_state of journal/event.h: owed or final */
};

struct envelope {
    struct str id;
    int64_t time_us;
    struct str client_ip, client_name, helo;
    struct str protocol; /* "ESMTPS" … for Received */
    struct str sender;   /* "" is the null sender */
    struct spool_recipient *recipients;
    size_t n_recipients;
    bool smtputf8;
    bool eightbit;
    struct str subject, message_id;
    struct str verdict;
    double global, heuristics, bayes;
    struct str held;     /* reason when it goes to quarantine */
    struct str evidence; /* JSON */
    struct edits edits;
};

struct spool;
/* root is the state folder; makes the folders that are missing. One may be shared by threads. */
struct spool *spool_open(const char *root, struct err *err);
void spool_close(struct spool **spool);

void spool_id_make(char id[SPOOL_ID_LEN + 1]);
bool spool_id_valid(struct str id);

/* --- receiving (edge) --- */
struct spool_writer;
struct spool_writer *spool_receive(struct spool *spool, const char *id, struct err *err);
int spool_write(struct spool_writer *writer, struct str bytes, struct err *err);
uint64_t spool_size(const struct spool_writer *writer);
/* A read-only descriptor of the file for the scanners: the message stands at SPOOL_HEADER_SIZE.
 * Flushes what was buffered. The caller closes it. -1 on error. */
int spool_reader_fd(struct spool_writer *writer, struct err *err);
#define SPOOL_HEADER_SIZE 64
/* Header and envelope written, file fsync'd, renamed, folder fsync'd: after 0 it is owed. Blocks:
 * called from a thread. The writer is gone afterwards, whatever the result. */
int spool_commit(struct spool_writer **writer, const struct envelope *envelope,
                 enum spool_state state, struct err *err);
void spool_abort(struct spool_writer **writer);

/* --- reading (delivery, quarantine, tools) --- */
struct spool_file {
    struct envelope envelope;
    uint64_t size; /* of the message */
    int fd;        /* message at SPOOL_HEADER_SIZE */
    enum spool_state state;
};
/* Texts live in pool. -1: unreadable; `*corrupt` says whether the file itself is damaged. */
int spool_load(struct spool *spool, enum spool_state state, const char *id, struct pool *pool,
               struct spool_file **file, bool *corrupt, struct err *err);
void spool_unload(struct spool_file **file);
/* Appends that recipient `index` now has that state; durable when it returns. */
int spool_mark(struct spool *spool, struct spool_file *file, size_t index, unsigned state,
               int64_t time_us, struct str detail, struct err *err);
int spool_move(struct spool *spool, const char *id, enum spool_state from, enum spool_state to,
               struct err *err);
int spool_remove(struct spool *spool, enum spool_state state, const char *id, struct err *err);
int spool_set_aside(struct spool *spool, enum spool_state state, const char *id, struct err *err);
/* Calls back for each id in that state (order of names: oldest first); stops at non-zero. */
int spool_each(struct spool *spool, enum spool_state state, int (*each)(void *data, const char *id),
               void *data, struct err *err);
/* At start: removes what is left in incoming/; returns how many. */
int spool_recover(struct spool *spool, struct err *err);
/* free bytes of the file system */
int spool_free_space(struct spool *spool, uint64_t *bytes, struct err *err);

#endif
