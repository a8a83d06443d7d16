/*
 * sent: what became of the reports of a day, FOLDER/2026-11-22.dmarc (or .tls): lines of
 *     state TAB domain TAB detail
 * that are only appended, each fsync'd. The last line about a domain holds. A report is noted as
 * begun before its mail goes into the queue: one whose maker died in between may or may not have
 * gone, and is never made again, since no receiver should have it twice.
 */
#ifndef POTERNE_TALLY_SENT_H
#define POTERNE_TALLY_SENT_H

#include "base/err.h"
#include "base/pool.h"
#include "tally/maker.h"

#define SENT_DETAIL_MAX 6144 /* RUA_MAX of the longest, and why */

enum sent_state {
    SENT_NOT,      /* nothing is noted */
    SENT_BEGUN,    /* detail: the ids of its messages */
    SENT_WAITING,  /* to whom it went, and who did not take it yet */
    SENT_DONE,     /* … to whom it went */
    SENT_UNWANTED, /* nobody asks for it, or who is named does not want it; detail: why */
    SENT_GIVEN_UP, /* detail: why */
};
#define SENT_STATES 6

/* How the pieces of a detail begin, which semicolons part, but for mails: "ID to ADDRESS". */
#define SENT_POSTED "posted to "
#define SENT_WAITS  "waits for "
#define SENT_NOT_TO "not to "
const char *sent_state_name(enum sent_state state); /* "not sent", "sent" … */

struct sent_line {
    struct str domain;
    enum sent_state state;
    struct str detail;
};

struct sent_book {
    int fd;                  /* -1: only to look */
    struct sent_line *lines; /* ordered by domain, one for each; in the pool */
    size_t n;
};

/* Reads what is there; `writing`: makes the file, and lines can be noted. Texts live in the pool.
 */
int sent_open(struct sent_book *book, const char *folder, enum tally_kind kind, int64_t day,
              bool writing, struct pool *pool, struct err *err);
void sent_close(struct sent_book *book);
/* As it was when the book was opened. */
struct sent_line sent_find(const struct sent_book *book, struct str domain);
/* On the disk when it returns 0. */
int sent_note(const struct sent_book *book, enum sent_state state, struct str domain,
              struct str detail, struct err *err);
/* Removes the books of days before that one. */
int sent_sweep(const char *folder, int64_t day, struct err *err);

#endif
