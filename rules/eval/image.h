/*
 * image: SpamAssassin's ImageInfo.pm. TYPE is "gif", "jpeg", "png" or "all"; bounds are included; a
 * missing MAX is no bound.
 */
#ifndef POTERNE_RULES_EVAL_IMAGE_H
#define POTERNE_RULES_EVAL_IMAGE_H

#include "rules/eval/eval.h"

/* (TYPE, MIN, MAX): images of that type */
eval_function eval_image_count;
/* (NAME): an image of known size has that file name */
eval_function eval_image_named;
/* (PATTERN) */
eval_function eval_image_name_regex;
/* (TYPE, HEIGHT, WIDTH) */
eval_function eval_image_size_exact;
/* (TYPE, MIN_HEIGHT, MIN_WIDTH, MAX_HEIGHT, MAX_WIDTH) */
eval_function eval_image_size_range;
/* (TYPE, MIN, MAX): bytes of text for each pixel; MAX itself is left out */
eval_function eval_image_to_text_ratio;
/* (TYPE, MIN, MAX): pixels of all images of that type */
eval_function eval_pixel_coverage;

#endif
