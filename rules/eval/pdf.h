/* pdf: SpamAssassin's PDFInfo.pm; bounds are included, a missing MAX is no bound. */
#ifndef POTERNE_RULES_EVAL_PDF_H
#define POTERNE_RULES_EVAL_PDF_H

#include "rules/eval/eval.h"

/* (MIN, MAX): attached PDF files, by their names */
eval_function eval_pdf_count;
/* (MIN, MAX): images in them */
eval_function eval_pdf_image_count;
/* (HEIGHT, WIDTH): of an image, or of all images of a file together */
eval_function eval_pdf_image_size_exact;
/* (MIN_HEIGHT, MIN_WIDTH, MAX_HEIGHT, MAX_WIDTH) */
eval_function eval_pdf_image_size_range;
/* (MIN, MAX): bytes of text for each pixel, MAX itself left out */
eval_function eval_pdf_image_to_text_ratio;
/* (BYTES): there is a PDF, and at most so much text beside the subject */
eval_function eval_pdf_is_empty_body;
eval_function eval_pdf_is_encrypted;
/* ('producer', PATTERN): a property matches */
eval_function eval_pdf_match_details;
/* (MD5): of the first lines, or of the names with which lines begin */
eval_function eval_pdf_match_fuzzy_md5;
/* (MD5) */
eval_function eval_pdf_match_md5;
/* (PATTERN) */
eval_function eval_pdf_name_regex;
/* (NAME) */
eval_function eval_pdf_named;
/* (MIN, MAX): pixels of the images of the last file that has some */
eval_function eval_pdf_pixel_coverage;

#endif
