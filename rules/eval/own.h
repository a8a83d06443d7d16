/*
 * own: the functions that poterne brings beside SpamAssassin's. (MIN, MAX) arguments are both
 * included; a missing MAX is no bound.
 */
#ifndef POTERNE_RULES_EVAL_OWN_H
#define POTERNE_RULES_EVAL_OWN_H

#include "rules/eval/eval.h"

/* the structure: own_mime.c */

/* ('exe,scr,js'): an attachment's name ends so, case ignored */
eval_function eval_attachment_ext;
/* "invoice.pdf.exe", "photo.jpg        .scr" */
eval_function eval_attachment_double_ext;
/* ('no_boundary'): names as in mail/message.h, lower case */
eval_function eval_mime_anomaly;
/* ('image/', MIN, MAX): parts whose type begins so */
eval_function eval_parts;

/* the header: own_header.c */

/* (MIN, MAX): hours by which Date lies behind (above 0) the newest Received; ahead is below 0 */
eval_function eval_date_gap_hours;
/* From's display name shows an address in another domain than the real one */
eval_function eval_from_name_other_domain;
eval_function eval_message_id_other_domain;
eval_function eval_reply_to_other_domain;
/* (MIN, MAX): Received fields */
eval_function eval_received_hops;
/* (MIN, MAX): addresses in To and Cc */
eval_function eval_recipients;
/* (PERCENT): at least so many of ten or more letters are capitals */
eval_function eval_subject_capitals;
/* the first address in To, or the four or more bytes before its '@', stands in the subject */
eval_function eval_subject_has_recipient;
/* the first address in To is the one in From */
eval_function eval_to_is_from;

/* what a reader sees: own_text.c */

/* (MIN, MAX): visible text without the subject */
eval_function eval_body_bytes;
/* (PERCENT): of at least 100 letters */
eval_function eval_body_capitals;
/* ('images', MIN, MAX): a number of struct html_facts by its name */
eval_function eval_html;
/* (BYTES, PERCENT): at least so much text is hidden, and so much of all text */
eval_function eval_html_hidden;
/* (MIN, MAX): different hosts of http links */
eval_function eval_link_hosts;
/* (MIN, MAX): http links */
eval_function eval_links;
/* there are http links, and none leads to From's own domain */
eval_function eval_links_all_foreign;
/* (COUNT): a paragraph of 40 bytes or more stands there so often */
eval_function eval_text_repeats;

#endif
