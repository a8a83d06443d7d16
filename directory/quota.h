/*
 * quota: a service that says whether a mailbox is full, asked by the policy protocol of Postfix
 * (SMTPD_POLICY_README): Dovecot's quota-status, or another. The ops of source.h; it knows nobody,
 * and what is full is a YES whose quota is used up.
 *
 * The action it answers with is about quota where it carries the code 552, 452 or 422, or the
 * enhanced code 5.2.2 or 4.2.2 (RFC 3463 3.3); any other (OK, DUNNO, an unknown user) is room.
 */
#ifndef POTERNE_DIRECTORY_QUOTA_H
#define POTERNE_DIRECTORY_QUOTA_H

#include "directory/source.h"

#define QUOTA_REPLY_MAX 4096

extern const struct source_ops quota_ops;

/* Does an action such as "552 5.2.2 Mailbox is full" say that? */
bool quota_is_full(struct str action);

#endif
