/*
 * uri_detail: rules on what is known of one link: "uri_detail NAME text =~ /bank/ domain !~
 * /bank/". A link makes the rule hit when it meets all conditions; of a condition's several texts
 * (a link may have many anchors) one must fit. A key named twice counts as it was said last.
 */
#ifndef POTERNE_RULES_URI_DETAIL_H
#define POTERNE_RULES_URI_DETAIL_H

#include "rules/facts/facts.h"
#include "rules/match/regex.h"

struct uri_detail;

/* Lives in the pool, but for its patterns: uri_detail_release(). NULL with err: not understood. */
struct uri_detail *uri_detail_parse(struct pool *pool, struct str text, struct err *err);
void uri_detail_release(struct uri_detail *detail);

/* REGEX_YES with the raw link in *text; -1 when the pool is used up. */
int uri_detail_run(const struct uri_detail *detail, struct facts *facts,
                   struct regex_runner *runner, struct str *text);

#endif
