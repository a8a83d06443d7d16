/*
 * spf_macro: macro strings of SPF (RFC 7208 7): their syntax, and what they expand to.
 */
#ifndef POTERNE_SENDER_SPF_MACRO_H
#define POTERNE_SENDER_SPF_MACRO_H

#include "base/buf.h"
#include "base/pool.h"

/* domain-spec, macro-string, and the text of an explanation (blanks, and the letters c, r, t). */
bool spf_macro_is_domain(struct str text);
bool spf_macro_is_string(struct str text);
bool spf_macro_is_explanation(struct str text);
/* Whether %{p} stands in it, which itself has to be asked for; or %{l} or %{s}. */
bool spf_macro_asks_client(struct str text);
bool spf_macro_names_sender(struct str text);
/* Whether it comes out differently for each client or sender: anything but %{d} and %{o}. */
bool spf_macro_varies(struct str text);

struct spf_macro_values {
    struct str sender, local, sender_domain; /* s l o */
    struct str domain;                       /* d */
    struct str client, client_readable;      /* i c */
    struct str client_name;    /* p; .s NULL: not asked for, so must not stand there */
    struct str version;        /* v: "in-addr" or "ip6" */
    struct str helo, hostname; /* h r */
    int64_t now;               /* t */
};

/* Appends what a text with good syntax expands to. What does not fit makes the buf fail. */
void spf_macro_expand(struct str text, const struct spf_macro_values *values, struct buf *out);

#endif
