/*
 * header: HeaderEval.pm of SpamAssassin 4.0.1: dates, subjects, recipients, and headers that say
 * that they come from where they don't.
 */
#ifndef POTERNE_RULES_EVAL_HEADER_H
#define POTERNE_RULES_EVAL_HEADER_H

#include "rules/eval/look.h"

/* header_forged.c: a sender's domain, and Received fields that its servers would not write */
eval_function eval_fake_aol_relay;
eval_function eval_forged_hotmail;
eval_function eval_no_hotmail;
eval_function eval_msn_groups;
eval_function eval_forged_eudoramail;
eval_function eval_forged_yahoo;
eval_function eval_forged_juno;
eval_function eval_forged_gmail;
eval_function eval_forged_gw05;
eval_function eval_gated_through_remover; /* some list software removes Received */

/* header_dates.c */
eval_function eval_shifted_date;    /* (MIN, MAX) hours between Date and Received, or undef */
eval_function eval_received_within; /* (MIN, MAX) months ago */
eval_function eval_outlook_message_id;

/* header_fields.c */
eval_function eval_faraway_charset_in_headers;
eval_function eval_never;         /* what SpamAssassin keeps the name of only */
eval_function eval_illegal_chars; /* (HEADER, RATIO, COUNT) */
eval_function eval_subject_all_caps;
eval_function eval_to_in_subject; /* ('address' or 'user') */
eval_function eval_missing_to;
eval_function eval_message_id_not_usable;
eval_function eval_header_count_range; /* (HEADER, MIN, MAX) */
eval_function eval_unresolved_template;

/* header_senders.c */
eval_function eval_envelope_matches_from;
eval_function eval_sorted_recipients;
eval_function eval_similar_recipients; /* (MIN, MAX) or undef */
eval_function eval_ratware_name_id;
eval_function eval_ratware_envelope_from;
eval_function eval_equal_from_domains;

#endif
