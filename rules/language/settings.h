/*
 * settings: what rule files say beside rules: lists of domains and addresses, networks, patterns,
 * numbers. Made while files are read, never changed afterwards, part of the ruleset. Both spellings
 * of a directive (whitelist_from, welcomelist_from) fill one list.
 */
#ifndef POTERNE_RULES_LANGUAGE_SETTINGS_H
#define POTERNE_RULES_LANGUAGE_SETTINGS_H

#include "base/err.h"
#include "base/pool.h"

struct rules_settings {
    struct pool *pool; /* the ruleset's */
};

#endif
