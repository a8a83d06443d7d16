/* date: RFC 5322 3.3 dates with their obsolete forms (4.3), as real mail writes them. */
#ifndef POTERNE_RULES_DATE_H
#define POTERNE_RULES_DATE_H

#include "base/str.h"

/* Seconds since 1970 UTC; false when it is no date. A zone that is not known counts as UTC. */
bool date_parse(struct str text, int64_t *seconds);

#endif
