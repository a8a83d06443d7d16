/* uri: SpamAssassin's URIEval.pm, HTTPSMismatch.pm and the local part of DecodeShortURLs.pm. */
#ifndef POTERNE_RULES_EVAL_URI_H
#define POTERNE_RULES_EVAL_URI_H

#include "rules/eval/eval.h"

/* a link holds another one that leads to another domain */
eval_function eval_check_for_http_redirector;
/* (MIN, MAX): a link to one domain shows "https://" and another; so many links with text, MAX
 * itself left out */
eval_function eval_check_https_http_mismatch;
/* a link to an address shows "https:" and no address */
eval_function eval_check_https_ip_mismatch;
/* a link was longer than what is looked at */
eval_function eval_check_uri_truncated;
/* a link leads to one of the url_shortener hosts */
eval_function eval_short_url;

#endif
