/* date: the moment that a field of ours names (RFC 5322 3.3). */
#ifndef POTERNE_MAIL_DATE_H
#define POTERNE_MAIL_DATE_H

#include "base/buf.h"

/* "Sun, 22 Nov 2026 04:47:26 +0000"; nothing for a year that no calendar has. */
void mail_date_put(struct buf *out, int64_t seconds);

#endif
