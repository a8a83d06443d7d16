/*
 * conf_suggest: for a name that nothing knows, the known one that was probably meant. Both fill
 * err and return -1.
 */
#ifndef POTERNE_BASE_CONF_SUGGEST_H
#define POTERNE_BASE_CONF_SUGGEST_H

#include "base/err.h"

int conf_suggest_section(const char *section, struct err *err);
int conf_suggest_setting(const char *section, const char *name, struct err *err);

#endif
