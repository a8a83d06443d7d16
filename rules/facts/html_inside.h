/* html_inside: how often each element is open, and how many tags are of known elements. */
#ifndef POTERNE_RULES_HTML_INSIDE_H
#define POTERNE_RULES_HTML_INSIDE_H

#include "rules/facts/html_facts.h"
#include "rules/facts/html_names.h"

struct inside_entry {
    struct html_inside inside;
    const struct html_name *known; /* NULL: no element, or one of an office program */
    bool element;
};

struct html_inside_table {
    struct pool *pool;
    struct inside_entry *list;
    size_t n, cap;
    uint32_t slots[1024];     /* hash table of number + 1 */
    uint32_t by_id[ID_COUNT]; /* the same for elements with an id */
    size_t tags, elements, tags_seen, elements_seen, closed_extra;
    bool truncated; /* more names than HTML_FACTS_TAGS_MAX */
    bool no_memory;
};

void html_inside_init(struct html_inside_table *table, struct pool *pool);
/* Counts a tag: `step` is 1 or -1. What is to be done for it, or NULL for nothing. */
const struct html_name *html_inside_count(struct html_inside_table *table, struct str name,
                                          int step);
/* A "<!DOCTYPE". */
void html_inside_declare(struct html_inside_table *table);
long html_inside_open(const struct html_inside_table *table, unsigned id);
void html_inside_finish(const struct html_inside_table *table, struct html_doc *doc);

#endif
