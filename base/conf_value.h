/*
 * conf_value: one value as written, made into the C value that its row of the table asks for.
 */
#ifndef POTERNE_BASE_CONF_VALUE_H
#define POTERNE_BASE_CONF_VALUE_H

#include "base/conf_syntax.h"
#include "base/conf_table.h"

/* Stores into `field`; texts live in pool. -1: err says what was expected, without the place. */
int conf_value_store(const struct conf_setting *setting, const struct conf_value *value,
                     struct pool *pool, void *field, struct err *err);

/* Letters, digits, - and _, at most 24: a user, a scanner. */
bool conf_value_is_name(struct str text);

#endif
