/*
 * absent: functions of SpamAssassin's plugins that are known here and never run, and why. A rule
 * that asks one is right, and never hits.
 */
#ifndef POTERNE_RULES_EVAL_ABSENT_H
#define POTERNE_RULES_EVAL_ABSENT_H

#include "base/str.h"

/* Why it is not run, as a half sentence; NULL: it is none of them. */
const char *eval_absent_reason(struct str name);

#endif
