/* body: SpamAssassin's BodyEval.pm. Where not said otherwise (MIN, MAX) are both included. */
#ifndef POTERNE_RULES_EVAL_BODY_H
#define POTERNE_RULES_EVAL_BODY_H

#include "rules/eval/eval.h"

/* (MIN, MAX, LINES): percent of empty lines, MIN itself left out unless 0, of at least LINES */
eval_function eval_check_blank_line_ratio;
/* (MAX): bytes behind the header, as received */
eval_function eval_check_body_length;
/* (MIN): different "Symbol: …" lines of share spam in the first plain text */
eval_function eval_check_stock_info;
/* (MIN, MAX): percent of the HTML's words that the plain text beside it lacks, MIN itself left out
 * unless 0; MAX may be "undef" */
eval_function eval_multipart_alternative_difference;
/* (RATIO, WORDS): more than WORDS different words in the HTML, and RATIO times as many in the
 * plain text */
eval_function eval_multipart_alternative_difference_count;
/* (MIN, MAX): bytes of the first plain text before its "-- " line */
eval_function eval_plaintext_body_length;
/* (MIN, MAX): those before by those behind */
eval_function eval_plaintext_body_sig_ratio;
/* (MIN, MAX): those behind it */
eval_function eval_plaintext_sig_length;
/* (MIN, MAX): percent of spaces in a paragraph by its other bytes, the highest; MAX left out */
eval_function eval_tvd_vertical_words;

#endif
