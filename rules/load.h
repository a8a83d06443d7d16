/*
 * load: rule files and folders → book. ruleset_load_with() compiles it; tools that show rules, and
 * those that no score needs, look at it.
 */
#ifndef POTERNE_RULES_LOAD_H
#define POTERNE_RULES_LOAD_H

#include "rules/language/book.h"

/* As ruleset_load_with(). *digest: of all bytes that were read. */
struct book *load_book(const struct ruleset_options *options, const char *const *paths,
                       size_t n_paths, rules_report *report, void *data, uint64_t *digest,
                       struct err *err);

#endif
