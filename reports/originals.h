/*
 * originals: the messages that a report mail brings along. A report is a mail with one or many
 * originals attached, as mail programs do it: message/rfc822 parts (encoded ones too, and those of
 * a multipart/digest), files named *.eml of whatever type, the same in a zip file or in Outlook's
 * winmail.dat, and the message in an abuse report (ARF, RFC 5965). Only the outermost count: an
 * original that has mails attached is one original. Whatever looks like an original and can't be
 * taken is told in `left_out`: nothing is dropped silently.
 *
 * A bounce (RFC 3464) or a receipt (RFC 8098) holds the reporter's own mail, or somebody's: no
 * original is taken from it.
 */
#ifndef POTERNE_REPORTS_ORIGINALS_H
#define POTERNE_REPORTS_ORIGINALS_H

#include "mail/message.h"

#define ORIGINALS_MAX       100                /* in one report */
#define ORIGINALS_BYTES_MAX (20 * 1024 * 1024) /* of all of them together, decoded and unpacked */
#define ORIGINALS_LEFT_MAX  200                /* told one by one; more are counted */
#define ARCHIVE_ENTRIES_MAX 1000               /* of one zip file */
#define ARCHIVES_MAX        10                 /* of one report */
#define ARCHIVE_RATIO_MAX   100 /* unpacked to packed, above ARCHIVE_SMALL bytes unpacked */
#define ARCHIVE_SMALL       (1024 * 1024)

enum original_kind {
    ORIGINAL_PART,    /* message/rfc822 */
    ORIGINAL_FILE,    /* an attached file */
    ORIGINAL_ARCHIVED /* a file in a zip file */
};

struct original {
    enum original_kind kind;
    struct str raw;  /* the message's bytes; in the report or in the pool */
    struct str name; /* of the file, UTF-8; may be empty */
};

enum left_why {
    LEFT_TOO_MANY,     /* ORIGINALS_MAX, ARCHIVE_ENTRIES_MAX, ARCHIVES_MAX */
    LEFT_TOO_LARGE,    /* ORIGINALS_BYTES_MAX, ARCHIVE_RATIO_MAX */
    LEFT_TOO_DEEP,     /* the report has more parts or levels than report_limits */
    LEFT_ENCRYPTED,    /* in a zip file with a password */
    LEFT_DAMAGED,      /* a zip file or a winmail.dat that can't be read, or not to its end */
    LEFT_NESTED,       /* a zip file in a zip file */
    LEFT_OUTLOOK,      /* Outlook's own formats: .msg, and a message taken apart in winmail.dat */
    LEFT_HEADERS_ONLY, /* text/rfc822-headers: there is no body to learn from */
    LEFT_NOT_MAIL      /* named *.eml, but no mail: no field of a sender in it */
};
#define LEFT_WHYS 9
const char *left_why_name(enum left_why why); /* "too many" … */

struct left_out {
    enum left_why why;
    struct str name; /* as in struct original */
};

/* What an abuse report says of its message (RFC 5965 7.3, RFC 6430). */
enum feedback { FEEDBACK_NONE, FEEDBACK_SPAM, FEEDBACK_HAM };

struct originals {
    struct original *list;
    size_t n;
    struct left_out *left_out; /* at most ORIGINALS_LEFT_MAX */
    size_t n_left_out;         /* in the list */
    size_t n_left_more;        /* not in it */
    enum feedback feedback;
    bool bounce; /* a bounce or a receipt: no originals are taken */
};

/* Reports are parsed with these: many parts, since those of all originals count, but no deeper than
 * mail programs put originals. */
extern const struct mail_limits report_limits;

/* report: parsed with report_limits. pool needs room for ORIGINALS_BYTES_MAX beside the report. -1:
 * out of memory. */
int originals_find(struct pool *pool, const struct message *report, struct originals *originals,
                   struct err *err);

#endif
