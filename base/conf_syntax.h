/*
 * conf_syntax: the settings file as text, cut into entries; what the names mean is conf.c's.
 *
 *     # comment
 *     name = value            a value is a word or "a text" (\" \\ \n \t inside)
 *     name = { a, file "b" }  a list; words side by side are one item: `file b`
 *     section { name = value; name = value }
 *     section title { … }
 *
 * A setting ends with its line, with `;` or before `}`. A word holds anything but spaces and
 * `{ } , ; "`, so that URLs and addresses need no quotes. Sections do not nest.
 *
 * libconfuse is not used for this. Tried with 3.3: `;` becomes part of an unquoted value or is
 * "no such option ';'", the line in an error counts on from the file read before, `${X}` in a
 * value is replaced from the environment, and the line of an accepted value is lost (`poterne
 * config show` names it, and so do all checks that come after parsing).
 */
#ifndef POTERNE_BASE_CONF_SYNTAX_H
#define POTERNE_BASE_CONF_SYNTAX_H

#include "base/err.h"
#include "base/pool.h"

#define CONF_WORD_MAX    4096
#define CONF_ITEMS_MAX   4096
#define CONF_ENTRIES_MAX 100000

struct conf_value {
    struct str *items; /* NUL-terminated, without NUL inside */
    size_t n;
    bool list; /* written with braces */
};

struct conf_entry {
    const char *section; /* "" outside of all sections */
    const char *title;   /* NULL: none */
    const char *name;    /* NULL: a section begins here */
    struct conf_value value;
    const char *file;
    unsigned line;
};

struct conf_entries {
    struct conf_entry *items;
    size_t n;
    size_t cap;
};

/* Adds the text's entries behind those that are there. All texts live in pool; `file` is kept. */
int conf_syntax_parse(struct str text, const char *file, struct pool *pool,
                      struct conf_entries *entries, struct err *err);

/* One value and nothing else, as it would stand behind `=`. */
int conf_syntax_value(struct str text, struct pool *pool, struct conf_value *value,
                      struct err *err);

/* The value in this syntax, quoted where it must be. */
struct buf;
void conf_syntax_print(const struct conf_value *value, struct buf *out);

#endif
