/* mime: SpamAssassin's MIMEEval.pm: encodings, charsets and the structure of parts. */
#ifndef POTERNE_RULES_EVAL_MIME_H
#define POTERNE_RULES_EVAL_MIME_H

#include "rules/eval/eval.h"

/* (RATIO): "&#x0123;" in text/plain parts by their other bytes is at least so */
eval_function eval_check_abundant_unicode_ratio;
/* (MIN, MAX): of the longest line of parts in base64 */
eval_function eval_check_base64_length;
/* a text/plain part in ASCII has NUL, CR or 8-bit bytes */
eval_function eval_check_for_ascii_text_illegal;
/* Content-Type names a charset that ok_locales does not, and the text is mostly 8-bit */
eval_function eval_check_for_faraway_charset;
/* ('mime_qp_count'): one of the plugin's counts is not 0 */
eval_function eval_check_for_mime;
/* some part is HTML */
eval_function eval_check_for_mime_html;
/* some text part is HTML, and none is not */
eval_function eval_check_for_mime_html_only;
/* (MIN, MAX): percent of capitals among the body's letters and digits, MIN itself left out */
eval_function eval_check_for_uppercase;
/* a multipart/alternative holds what is no text */
eval_function eval_check_ma_non_text;
/* (MIN, MAX): text/plain by text/html bytes, MAX itself left out */
eval_function eval_check_mime_multipart_ratio;
/* ('missing_mime_headers'): something odd was met while the message was parsed */
eval_function eval_check_msg_parse_flags;
/* (MIN): characters encoded in quoted-printable without need by all its bytes */
eval_function eval_check_qp_ratio;

#endif
