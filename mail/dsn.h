/*
 * dsn: what a sender asks for with a message (RFC 3461 4): whom to be told of (NOTIFY), how much is
 * to come back (RET), by which name he knows the message (ENVID) and the recipient (ORCPT; RFC 6533
 * 3 for addresses beyond ASCII). Values are kept and handed on as they were said: xtext, which is
 * ASCII without blanks, '+' and '=', each other byte as '+' and two hexadecimal digits.
 */
#ifndef POTERNE_MAIL_DSN_H
#define POTERNE_MAIL_DSN_H

#include "base/buf.h"

#define DSN_ENVID_MAX 100 /* bytes as they are said (RFC 3461 4.4) */
#define DSN_ORCPT_MAX 500 /* likewise (4.2) */

/* Bits of NOTIFY; none: it was not said, which is FAILURE and DELAY (4.1). */
#define DSN_NEVER   1u /* stands alone */
#define DSN_SUCCESS 2u
#define DSN_FAILURE 4u
#define DSN_DELAY   8u
#define DSN_NOTIFY  15u /* all of them */

enum dsn_ret { DSN_RET_UNSAID, DSN_RET_FULL, DSN_RET_HDRS };
#define DSN_RETS 3

/* "SUCCESS,DELAY"; false: malformed */
bool dsn_notify_read(struct str text, unsigned *notify);
/* The same text again; nothing for none. */
void dsn_notify_put(unsigned notify, struct buf *out);
/* One of the bits that `notify` says, or implies where it says nothing. */
bool dsn_wants(unsigned notify, unsigned what);

/* What is left of it where nobody is told of success: DSN_NEVER where that alone was said. */
unsigned dsn_without_success(unsigned notify);

bool dsn_ret_read(struct str text, enum dsn_ret *ret);

/* Printable ASCII as xtext, 1 to DSN_ENVID_MAX bytes. */
bool dsn_envid_valid(struct str text);
/* "rfc822;jean+2Btoto@a.example", "utf-8;ren\x{E9}@a.example"; with `utf8` the last one also with
 * the character itself. 1 to DSN_ORCPT_MAX bytes. */
bool dsn_orcpt_valid(struct str text, bool utf8);

/* A valid one again; without `utf8` what is beyond ASCII as \x{…}. */
void dsn_orcpt_put(struct str orcpt, bool utf8, struct buf *out);
/* Before and behind the ";" of a valid one. */
void dsn_orcpt_split(struct str orcpt, struct str *type, struct str *address);
/* Appends what valid xtext stands for. */
void dsn_xtext_decode(struct str text, struct buf *out);

#endif
