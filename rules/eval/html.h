/*
 * html: SpamAssassin's HTMLEval.pm. Each asks whether one of the message's HTML parts is so.
 * EXPR is a comparison with a number: "!= 0", "> 1". MIN itself is left out, MAX may be "inf".
 */
#ifndef POTERNE_RULES_EVAL_HTML_H
#define POTERNE_RULES_EVAL_HTML_H

#include "rules/eval/eval.h"

/* ('title', PATTERN): a text of that kind matches */
eval_function eval_html_text_match;
/* ('title', PATTERN): a text of that kind does not match */
eval_function eval_html_text_not_match;

#endif
