/*
 * image: SpamAssassin's ImageInfo.pm. TYPE is "gif", "jpeg", "png" or "all"; bounds are included; a
 * missing MAX is no bound.
 */
#ifndef POTERNE_RULES_EVAL_IMAGE_H
#define POTERNE_RULES_EVAL_IMAGE_H

#include "rules/eval/eval.h"

/* (PATTERN) */
eval_function eval_image_name_regex;

#endif
