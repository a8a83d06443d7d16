/*
 * parts: the MIME tree as SpamAssassin makes it (Message.pm, Message/Node.pm, Util.pm of 4.0.1),
 * which is not quite the one of mail/message.h: the last Content-Type counts, a line is a field or
 * not by other signs, text subtypes become text/plain, a name that ends in .html makes HTML.
 * Limits: PARTS_DEPTH_MAX, PARTS_SIBLINGS_MAX (SpamAssassin's) and PARTS_MAX (ours).
 * Bytes are copied only where a transfer encoding, a CR or an overlong line asks for it.
 */
#ifndef POTERNE_RULES_PARTS_H
#define POTERNE_RULES_PARTS_H

#include "rules/facts/facts.h"

#define PARTS_DEPTH_MAX    20   /* multiparts and messages inside one another */
#define PARTS_SIBLINGS_MAX 1000 /* of one multipart; SpamAssassin reads none beyond */
#define PARTS_MAX          5000 /* of the message */
#define PARTS_LINE_MAX     2048 /* bytes; a longer line of a multipart's part is cut */

struct fact_field {
    struct str name;  /* as written, without blanks before the colon */
    struct str value; /* raw: folds included, its final line end too */
};

struct fact_part {
    struct fact_part *parent;
    struct fact_part *child; /* first of a multipart or message/rfc822 */
    struct fact_part *next;
    struct fact_field *fields; /* those of the root are at most 8192 bytes each */
    size_t n_fields;
    struct str type;      /* "text/plain": lower case, never empty */
    struct str effective; /* as type, but text/html where the name says so */
    struct str charset;   /* as written; .s NULL: none given */
    struct str name;      /* of the file; may be empty */
    struct str boundary;  /* .s NULL: none */
    struct str raw;       /* body with its transfer encoding; none for a part with children */
    struct str decoded;   /* ask part_decoded() */
    bool is_decoded;
    bool leaf;
    unsigned depth;
    unsigned index; /* in parts.list */
};

struct fact_parts {
    struct fact_part *root;
    struct fact_part **list; /* depth first, in the order of the text; [0] == root */
    size_t n;
    struct str body;     /* all behind the root's header, as received */
    size_t header_lines; /* of the root's header, the empty one too */
    bool crlf;           /* line ends are CR LF and read as LF */
    bool bad_headers;    /* missing_head_body_separator */
    bool missing_mime_headers;
    bool missing_mime_separator; /* missing_mime_head_body_separator */
    bool epilogue;               /* something behind a multipart's end */
    bool unclosed;               /* some boundary has no end */
    bool limited;                /* a limit was hit; some parts were not told apart */
};

const struct fact_parts *facts_parts(struct facts *facts);

/* The last field of that name (any case), decoded and unfolded; .s NULL: there is none, or the
 * pool is used up. */
struct str fact_field(struct facts *facts, const struct fact_part *part, struct str name);
/* The last field of that name as it was written; .s NULL: there is none. */
struct str fact_field_raw(const struct fact_part *part, struct str name);
/* The part's body without its transfer encoding; .s NULL: it has children, or no memory. */
struct str fact_part_decoded(struct facts *facts, struct fact_part *part);

#endif
