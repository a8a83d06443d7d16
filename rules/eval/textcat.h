/* textcat: SpamAssassin's TextCat.pm, without its guess at the language (absent.h). */
#ifndef POTERNE_RULES_EVAL_TEXTCAT_H
#define POTERNE_RULES_EVAL_TEXTCAT_H

#include "rules/eval/eval.h"

/* eight bytes above ASCII stand together though ok_languages names none that would need them */
eval_function eval_check_body_8bits;

#endif
