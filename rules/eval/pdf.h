/* pdf: SpamAssassin's PDFInfo.pm; bounds are included, a missing MAX is no bound. */
#ifndef POTERNE_RULES_EVAL_PDF_H
#define POTERNE_RULES_EVAL_PDF_H

#include "rules/eval/eval.h"

/* ('producer', PATTERN): a property matches */
eval_function eval_pdf_match_details;
/* (PATTERN) */
eval_function eval_pdf_name_regex;

#endif
