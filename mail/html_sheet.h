/*
 * html_sheet: the rules of <style> elements that select by one name: "p", ".class", "#id",
 * "p.class". Others (descendants, pseudo classes, inside @media) are left out, which makes text
 * count as seen. The texts of the sheets must outlive it.
 */
#ifndef POTERNE_MAIL_HTML_SHEET_H
#define POTERNE_MAIL_HTML_SHEET_H

#include "base/pool.h"
#include "mail/html_look.h"

#define SHEET_RULES_MAX 512 /* more are left out */
#define SHEET_BUCKETS   128
#define SHEET_WORK_MAX  (8 * 1024 * 1024) /* bytes of rules tried in one part, then no more */

struct sheet_rule {
    struct sheet_rule *next;
    struct str key; /* "p", ".class" or "#id"; the more telling half of "p.class" */
    struct str tag; /* of "p.class"; else empty */
    struct str declarations;
};

struct sheet {
    struct pool *pool;
    struct sheet_rule *buckets[SHEET_BUCKETS];
    struct sheet_rule **ends[SHEET_BUCKETS];
    unsigned n;
    size_t work;
    bool no_memory;
};

void sheet_add(struct sheet *sheet, struct str css);
/* Applies what selects the element, in the order of CSS: by tag, class, id. */
void sheet_apply(struct sheet *sheet, struct look *look, const struct look *parent, struct str tag,
                 struct str classes, struct str id);

#endif
