/* freemail: FreeMail.pm of SpamAssassin 4.0.1; its patterns are tried on addresses in lower case.
 */
#ifndef POTERNE_RULES_EVAL_FREEMAIL_H
#define POTERNE_RULES_EVAL_FREEMAIL_H

#include "rules/eval/eval.h"

eval_function eval_freemail_header; /* (HEADER, PATTERN): a freemail address stands in the field */
eval_function eval_freemail_from;   /* (PATTERN) */
eval_function eval_freemail_body;   /* (PATTERN) */

#endif
