/*
 * conf_rows: what the tables of settings (conf_table.c, conf_titled.c) are written with. A row is
 * section, name, type and field, default, bounds, words, explanation.
 */
#ifndef POTERNE_BASE_CONF_ROWS_H
#define POTERNE_BASE_CONF_ROWS_H

#include "base/conf_table.h"

#define KIB    ((uint64_t)1024)
#define MIB    (1024 * KIB)
#define GIB    (1024 * MIB)
#define MINUTE 60
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* The offset of a field, and an error at compile time where it has not the type that is stored. */
#define IN(holder, field, type)                                                                    \
    (offsetof(holder, field) +                                                                     \
     0 * sizeof(                                                                                   \
             char[__builtin_types_compatible_p(__typeof__(((holder *)0)->field), type) ? 1 : -1]))
#define AT(field, type) IN(struct conf, field, type)

#define TEXT(field)       CONF_TEXT, AT(field, const char *)
#define WORD(field)       CONF_WORD, AT(field, const char *)
#define NAME(field)       CONF_NAME, AT(field, const char *)
#define HOST(field)       CONF_HOST, AT(field, const char *)
#define PATH(field)       CONF_PATH, AT(field, const char *)
#define ADDRESS(field)    CONF_ADDRESS, AT(field, const char *)
#define BOOL(field)       CONF_BOOL, AT(field, bool)
#define COUNT(field)      CONF_COUNT, AT(field, unsigned)
#define SIZE(field)       CONF_SIZE, AT(field, size_t)
#define TIME(field)       CONF_TIME, AT(field, unsigned)
#define SCORE(field)      CONF_SCORE, AT(field, double)
#define ACTION(field)     CONF_ACTION, AT(field, enum conf_action)
#define LIST(kind, field) kind, AT(field, struct conf_list)

#endif
