/*
 * clamav_common: what holds for ClamAV whether it runs in this process or is asked over clamd.
 */
#ifndef POTERNE_ANTIVIRUS_CLAMAV_COMMON_H
#define POTERNE_ANTIVIRUS_CLAMAV_COMMON_H

#include "base/str.h"

/* libclamav takes a file for a mail only if it begins with one of the header names that it knows;
 * with this line in front it always does. */
#define CLAMAV_MAIL_MARK "Received: from poterne\r\n"

/* Names that it gives as if they were signatures, but which say that something was not looked at: a
 * limit, a password, a bomb. */
bool clamav_means_unscannable(struct str name);

#endif
