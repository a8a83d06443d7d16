/*
 * message: the structure of one mail as it was received (RFC 5322, 2045-2049, 2231, 2183).
 * Parsing never fails on bad mail: whatever the bytes are, there is a message, and what was odd
 * about it stands in `anomalies`. Nothing is copied that can be pointed to: raw must outlive the
 * message. Line ends may be CR LF or LF.
 * Limits (struct mail_limits) bound depth, parts, headers and header size; what lies beyond
 * stays raw data in the innermost part that fitted and sets MAIL_ANOMALY_LIMIT.
 */
#ifndef POTERNE_MAIL_MESSAGE_H
#define POTERNE_MAIL_MESSAGE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/pool.h"

struct mail_limits {
    unsigned depth;     /* multiparts and messages inside one another: 50 */
    unsigned parts;     /* 1000 */
    unsigned headers;   /* fields of one part: 2000 */
    size_t header_size; /* bytes of one part's header: 1 MiB */
};
extern const struct mail_limits mail_limits_default;

struct header {
    struct str name; /* as written, without spaces before the colon */
    struct str
        value; /* raw: after the colon, folds and leading blank included, no final line end */
    size_t at; /* whole field in message.raw: [at, end), line end included */
    size_t end;
};

struct param {
    struct str name;  /* lower case */
    struct str value; /* unquoted, RFC 2231 joined and decoded to UTF-8; else as written */
};

enum encoding { ENC_7BIT, ENC_8BIT, ENC_BINARY, ENC_QP, ENC_BASE64, ENC_UUENCODE, ENC_UNKNOWN };

enum mail_anomaly {
    MAIL_ANOMALY_LIMIT = 1 << 0,
    MAIL_ANOMALY_BAD_HEADER = 1 << 1,   /* a line in a header that is no field */
    MAIL_ANOMALY_NO_BOUNDARY = 1 << 2,  /* multipart without (usable) boundary */
    MAIL_ANOMALY_UNCLOSED = 1 << 3,     /* no closing boundary */
    MAIL_ANOMALY_TWICE = 1 << 4,        /* Content-Type, -Encoding … more than once */
    MAIL_ANOMALY_BAD_ENCODING = 1 << 5, /* unknown transfer encoding, or one on a multipart */
    MAIL_ANOMALY_NUL = 1 << 6,          /* NUL bytes */
    MAIL_ANOMALY_BARE_CR = 1 << 7,
    MAIL_ANOMALY_8BIT_HEADER = 1 << 8,
    MAIL_ANOMALY_NO_BLANK_LINE = 1 << 9, /* body without an empty line before it */
};

struct part {
    struct part *parent;
    struct part *child; /* first inside (multipart, message/rfc822) */
    struct part *next;  /* next sibling */
    struct header *headers;
    size_t n_headers;
    struct str head;      /* raw header bytes */
    struct str body;      /* raw body bytes, still transfer-encoded */
    struct str type;      /* "text/plain": lower case, defaulted by RFC 2045 5.2 */
    struct param *params; /* of Content-Type */
    size_t n_params;
    struct str charset;     /* lower case; empty: none given */
    struct str disposition; /* "attachment", "inline", or empty; lower case */
    struct str filename;    /* decoded to UTF-8, from Content-Disposition or Content-Type name */
    enum encoding encoding;
    unsigned depth;
    unsigned index; /* in message.parts */
    /* It stands in the decoded text of an encoded message/rfc822 or multipart, not in message.raw:
     * what its headers' at and end count in is that text. */
    bool unpacked;
    struct str unpacked_text; /* of an encoded one whose parts stand in it: its decoded body */
    unsigned anomalies;
};

struct message {
    struct str raw;
    struct part *root;   /* the message's own header and body */
    struct part **parts; /* all, in the order of the text, unpacked ones last; [0] == root */
    size_t n_parts;
    unsigned anomalies; /* of all parts together */
};

/* -1 only when the pool is used up. */
int message_parse(struct pool *pool, struct str raw, const struct mail_limits *limits,
                  struct message **message, struct err *err);

/* The first field of that name at or after *from in the part's header; *from is moved behind
 * it. NULL when there is no more. Start with *from = 0. */
const struct header *part_header(const struct part *part, struct str name, size_t *from);
static inline const struct header *message_header(const struct message *m, struct str name)
{
    size_t from = 0;
    return part_header(m->root, name, &from);
}
struct str part_param(const struct part *part, struct str name);

/* Unfolded value with encoded words (RFC 2047) decoded to UTF-8, trimmed. .s NULL: no memory. */
struct str header_text(struct pool *pool, const struct header *header);
/* Unfolded raw value, trimmed, nothing decoded. */
struct str header_unfold(struct pool *pool, const struct header *header);

/* Body with the transfer encoding undone, appended to out (whose maximum bounds it: a body cut
 * there is no error, and leaves out->failed false). Broken coding is decoded as readers do. */
void part_decode(const struct part *part, struct buf *out);
/* As part_decode, then from the part's charset (or a guess) to valid UTF-8. */
void part_text(const struct part *part, struct buf *out);

/*
 * Loads all that converting charsets needs from files and keeps it: call it once, before a
 * sandbox takes the file system away and before threads start.
 */
int mail_preload(struct err *err);

#endif
