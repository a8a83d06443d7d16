/*
 * mime_counts: what SpamAssassin's MIMEEval.pm counts over all parts of a message: encodings,
 * charsets, lines. One pass over the raw bodies.
 */
#ifndef POTERNE_RULES_FACTS_MIME_COUNTS_H
#define POTERNE_RULES_FACTS_MIME_COUNTS_H

#include "rules/facts/parts.h"

struct mime_counts {
    size_t base64;     /* parts that say so in any way */
    size_t qp;         /* as base64; when some text is in it: characters encoded without need */
    size_t html, text; /* parts, containers included */
    size_t attachments;
    bool base64_text;      /* a text part in base64 though its charset is ASCII */
    bool bad_iso_charset;  /* "iso-x-y" that does not exist */
    bool faraway_charset;  /* one that ok_locales does not allow */
    bool some_charset;     /* some part names one */
    bool caps_are_usual;   /* a charset whose bytes look like capitals */
    bool alternative;      /* there is a multipart/alternative */
    double text_to_html;   /* bytes of the last text/plain by those of the last text/html; 1 */
    bool qp_long_line;     /* above 78 characters */
    size_t qp_bytes;       /* of bodies in quoted-printable */
    double qp_ratio;       /* needlessly encoded characters by qp_bytes */
    size_t illegal_ascii;  /* text/plain parts in ASCII with NUL, CR or 8-bit bytes */
    double unicode_ratio;  /* "&#x0123;" in text/plain by its other bytes */
    size_t base64_longest; /* line of a base64 leaf, with its line end */
};

const struct mime_counts *facts_mime_counts(struct facts *facts);

/* Do capitals in a text of this charset (koi8-r, gb2312 …) prove nothing? */
bool charset_looks_like_capitals(struct str charset);

#endif
