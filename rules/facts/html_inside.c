#include "rules/facts/html_inside.h"

#define N_SLOTS 1024
#define NAME_TEXT_MAX                                                                              \
    256 /* bytes of a name; one that is longer is like all others of its start                     \
         */

_Static_assert(HTML_FACTS_TAGS_MAX * 2 <= N_SLOTS, "the hash table must not fill up");

void html_inside_init(struct html_inside_table *table, struct pool *pool)
{
    *table = (struct html_inside_table){.pool = pool};
}

static struct inside_entry *add(struct html_inside_table *table, struct str name)
{
    struct inside_entry *list =
        pool_grow(table->pool, table->list, table->n, &table->cap, sizeof *list);
    name = pool_str(table->pool, name);
    if (list == NULL || name.s == NULL) {
        table->no_memory = true;
        return NULL;
    }
    const struct html_name *known = html_name_find(name);
    bool office = html_name_is_office(name);
    table->list = list;
    struct inside_entry *entry = &list[table->n++];
    *entry = (struct inside_entry){.inside.name = name, .known = office ? NULL : known};
    entry->element = office || (known && known->flags & NAME_ELEMENT);
    if (known && known->id != ID_OTHER)
        table->by_id[known->id] = (uint32_t)table->n;
    return entry;
}

/* *seen: it was there before. NULL: there is no place for it. */
static struct inside_entry *find(struct html_inside_table *table, struct str name, bool *seen)
{
    size_t at = str_hash(name) % N_SLOTS;
    for (; table->slots[at]; at = (at + 1) % N_SLOTS) {
        struct inside_entry *entry = &table->list[table->slots[at] - 1];
        *seen = true;
        if (str_eq(entry->inside.name, name))
            return entry;
    }
    *seen = false;
    if (table->n == HTML_FACTS_TAGS_MAX) {
        table->truncated = true;
        return NULL;
    }
    struct inside_entry *entry = add(table, name);
    if (entry)
        table->slots[at] = (uint32_t)table->n;
    return entry;
}

static struct str lower(struct str name, char *to)
{
    if (name.n > NAME_TEXT_MAX)
        name.n = NAME_TEXT_MAX;
    for (size_t i = 0; i < name.n; i++)
        to[i] = str_lower_char(name.s[i]);
    return str_n(to, name.n);
}

const struct html_name *html_inside_count(struct html_inside_table *table, struct str name,
                                          int step)
{
    char text[NAME_TEXT_MAX];
    bool seen;
    struct inside_entry *entry = find(table, lower(name, text), &seen);
    table->tags++;
    table->tags_seen += !seen;
    if (entry == NULL)
        return NULL;
    table->elements += entry->element;
    table->elements_seen += entry->element && !seen;
    entry->inside.open += step;
    if (entry->inside.open < 0) {
        entry->inside.open = 0;
        table->closed_extra++;
    }
    return entry->known;
}

void html_inside_declare(struct html_inside_table *table)
{
    bool seen;
    struct inside_entry *entry = find(table, STR("!doctype"), &seen);
    table->tags++;
    table->elements++;
    if (entry)
        entry->inside.open = 0;
}

long html_inside_open(const struct html_inside_table *table, unsigned id)
{
    return table->by_id[id] ? table->list[table->by_id[id] - 1].inside.open : 0;
}

static void set(struct html_doc *doc, enum html_number number, size_t part, size_t whole)
{
    doc->numbers[number] = (double)part / (double)whole;
    doc->defined[number] = true;
}

void html_inside_finish(const struct html_inside_table *table, struct html_doc *doc)
{
    struct html_inside *list = POOL_ARRAY(table->pool, table->n, struct html_inside);
    for (size_t i = 0; list && i < table->n; i++)
        list[i] = table->list[i].inside;
    doc->inside = list;
    doc->n_inside = list ? table->n : 0;
    if (table->tags)
        set(doc, HTML_CLOSED_EXTRA_RATIO, table->closed_extra, table->tags);
    if (table->tags && table->elements)
        set(doc, HTML_BAD_TAG_RATIO, table->tags - table->elements, table->tags);
    if (table->tags_seen && table->elements_seen)
        set(doc, HTML_NON_ELEMENT_RATIO, table->tags_seen - table->elements_seen, table->tags_seen);
}
