/*
 * features: the parts of the work of features_extract(), each about one side of a message. All
 * add to the same set of tokens, within the share that features.c allows them.
 */
#ifndef POTERNE_BAYES_FEATURES_FEATURES_H
#define POTERNE_BAYES_FEATURES_FEATURES_H

#include "bayes/features/tokens.h"

/* Header fields: by name what they hold, in what order and form they stand. Fields that filters
 * and mailboxes add behind the sender's back (ours among them) are left out. */
void features_header(struct tokens *tokens, const struct part *root);

/* Types, charsets, transfer encodings, attachment names, what was odd about the structure. */
void features_structure(struct tokens *tokens, const struct message *message);

/* Hosts, domains, path words of links; "ip", "port", "user", "misleading" and the like. */
void features_links(struct tokens *tokens, const struct mail_text *text);

/* How the HTML is made. */
void features_html(struct tokens *tokens, const struct html_facts *html);

/* A tag that a filter put in front of the subject says what that filter thought. */
struct str features_subject(struct str subject);

/*
 * 64 bits of a SHA-256 of From, To, Date, Message-ID and the decoded parts (mail/contents.h). The
 * same mail gives the same, however it was encoded anew, and without what is added on the way
 * (Received, our header fields, the subject's tag). Nobody can make another message that the ledger
 * would take for this one; two of his own he may, with 2^32 tries, and has gained nothing.
 */
int features_digest(struct pool *pool, const struct message *message, uint64_t *digest,
                    struct err *err);

#endif
