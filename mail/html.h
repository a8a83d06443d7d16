/*
 * html: what a reader sees of an HTML part, and what is hidden from him, in the manner of a mail
 * program: no scripts, no remote content, styles as far as they hide text. Time is linear in the
 * input; elements open at once, style rules and links are bounded.
 */
#ifndef POTERNE_MAIL_HTML_H
#define POTERNE_MAIL_HTML_H

#include "mail/flow.h"
#include "mail/text.h"
#include "mail/uri.h"

#define HTML_DEPTH_MAX 256 /* open elements that are told apart; deeper ones look like these */

struct html_sinks {
    struct pool *pool;
    struct flow visible;
    struct flow invisible;
    struct uris *uris;
    struct html_facts *facts;
};

/* html: valid UTF-8, which must outlive the call only. -1: the pool is used up. */
int html_render(struct html_sinks *sinks, struct str html, struct err *err);

#endif
