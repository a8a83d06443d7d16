/*
 * answer: what a rule wants of an answer of the DNS, as URIDNSBL.pm, AskDNS.pm and DNSEval.pm of
 * SpamAssassin write it.
 */
#ifndef POTERNE_RULES_LANGUAGE_ANSWER_H
#define POTERNE_RULES_LANGUAGE_ANSWER_H

#include "base/err.h"
#include "base/pool.h"

enum answer_kind {
    ANSWER_ANY,     /* whatever it is */
    ANSWER_BITS,    /* an address in 127/8 with one of these bits */
    ANSWER_RANGE,   /* an address from..to */
    ANSWER_MASKED,  /* an address that is `from` in the bits of `to` */
    ANSWER_TEXT,    /* that text */
    ANSWER_PATTERN, /* the pattern is somewhere in it */
    ANSWER_CODES,   /* response codes (RFC 1035 4.1.1), a bit each */
};

#define ANSWER_CODE_NONE (1u << 0) /* NOERROR */
#define ANSWER_CODE_NAME (1u << 3) /* NXDOMAIN */
#define ANSWER_CODES_KNOW                                                                          \
    (ANSWER_CODE_NONE | ANSWER_CODE_NAME) /* those that a source tells apart */

struct answer {
    enum answer_kind kind;
    uint32_t from, to; /* ANSWER_BITS and ANSWER_CODES: `from` */
    struct str text;   /* of the rule file; or the pattern as written, with delimiters or without */
};

/* "8", "0x10", "127.0.0.2", "FROM-TO", "VALUE/MASK". */
int answer_parse_number(struct str text, struct answer *answer, struct err *err);
/* As above, or "text", 'text', /pattern/, [NXDOMAIN,0]. A pattern is looked at, not compiled. */
int answer_parse(struct str text, struct answer *answer, struct err *err);
/* Of check_rbl and its kind: bits as a number, an address as text, else a pattern without
 * delimiters. */
struct answer answer_of_list(struct str text);

/* Does an IPv4 address, in host order, fit? Not for texts, patterns and codes. */
bool answer_fits_address(const struct answer *answer, uint32_t address);

#endif
