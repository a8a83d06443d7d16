/*
 * conf_number: numbers with units: 20M, 64k, 15min, 5d.
 */
#ifndef POTERNE_BASE_CONF_NUMBER_H
#define POTERNE_BASE_CONF_NUMBER_H

#include "base/err.h"
#include "base/str.h"

/* A list of these ends with name NULL; the name "" is of numbers without unit. */
struct conf_unit {
    const char *name;
    uint64_t factor;
};

extern const struct conf_unit conf_size_units[]; /* bytes */
extern const struct conf_unit conf_time_units[]; /* seconds */
extern const struct conf_unit conf_no_units[];

/* -1: err says "expected WHAT from MIN to MAX". */
int conf_number(struct str text, const struct conf_unit *units, const char *what, uint64_t min,
                uint64_t max, uint64_t *n, struct err *err);

#endif
