/*
 * mailboxes: what the managers' digest says of mailboxes that were full, and of redirections that
 * were not followed.
 */
#ifndef POTERNE_GATEWAY_REPORTS_MAILBOXES_H
#define POTERNE_GATEWAY_REPORTS_MAILBOXES_H

#include "base/conf.h"
#include "base/pool.h"

#define MAILBOX_LINES_MAX 21

/* Lines in pool, from the journal; none when no mail was turned away for it since then. A journal
 * that can't be read gives none, which is logged. */
size_t mailbox_lines(const struct conf *conf, int64_t since_us, struct pool *pool,
                     struct str lines[MAILBOX_LINES_MAX]);

/* Likewise, of mail that was not redirected, and why. */
size_t redirection_lines(const struct conf *conf, int64_t since_us, struct pool *pool,
                         struct str lines[MAILBOX_LINES_MAX]);

#endif
