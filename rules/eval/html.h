/*
 * html: SpamAssassin's HTMLEval.pm. Each asks whether one of the message's HTML parts is so.
 * EXPR is a comparison with a number: "!= 0", "> 1". MIN itself is left out, MAX may be "inf".
 */
#ifndef POTERNE_RULES_EVAL_HTML_H
#define POTERNE_RULES_EVAL_HTML_H

#include "rules/eval/eval.h"

/* a link is the source of an <iframe> */
eval_function eval_check_iframe_src;
/* ('length', EXPR): a number of html_facts.h */
eval_function eval_html_eval;
/* (MIN, MAX): there are images, and the source has so many characters */
eval_function eval_html_image_only;
/* (MIN, MAX): characters of text by square pixels of images */
eval_function eval_html_image_ratio;
/* ('max_size', MIN, MAX) */
eval_function eval_html_range;
/* ('body', EXPR): how often the element stays open */
eval_function eval_html_tag_balance;
/* ('bgsound') */
eval_function eval_html_tag_exists;
/* ('embeds'): a number is not 0, or there is such a text */
eval_function eval_html_test;
/* ('title', PATTERN): a text of that kind matches */
eval_function eval_html_text_match;
/* ('title', PATTERN): a text of that kind does not match */
eval_function eval_html_text_not_match;
/* (RATIO): length of the title by that of the subject is above it */
eval_function eval_html_title_subject_ratio;

#endif
