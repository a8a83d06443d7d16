#include "rules/language/query.h"

static const struct {
    const char *name;
    enum query_source source;
    bool exact; /* letters as written; else any case */
} sources[] = {
    {"ALL", QUERY_ALL, true},
    {"MESSAGEID", QUERY_MESSAGE_ID, true},
    {"ToCc", QUERY_TO_CC, false},
    {"EnvelopeFrom", QUERY_ENVELOPE_FROM, false},
};

static enum query_source source_of(struct str name)
{
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        struct str known = str_of(sources[i].name);
        if (sources[i].exact ? str_eq(name, known) : str_ieq(name, known))
            return sources[i].source;
    }
    return QUERY_FIELD;
}

static bool is_field_name(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        if (name.s[i] <= ' ' || name.s[i] == ':' || (unsigned char)name.s[i] >= 127)
            return false;
    }
    return name.n > 0;
}

static int add_modifier(struct query *query, struct str word, struct err *err)
{
    if (str_eq(word, STR("raw")))
        query->raw = true;
    else if (str_eq(word, STR("addr")))
        query->what = QUERY_ADDR;
    else if (str_eq(word, STR("name")))
        query->what = QUERY_NAME;
    else if (str_eq(word, STR("first")))
        query->which = QUERY_FIRST;
    else if (str_eq(word, STR("last")))
        query->which = QUERY_LAST;
    else
        return err_set(err,
                       "':%.*s' behind a header name is not known here; known are :raw, "
                       ":addr, :name, :first and :last",
                       STR_ARG(str_sub(word, 0, 40)));
    return 0;
}

int query_parse(struct pool *pool, struct str text, struct query *query, struct err *err)
{
    struct str rest = text;
    struct str name, word;
    if (!str_next(&rest, ':', &name) || !is_field_name(name))
        return err_set(err, "'%.*s' is no header name", STR_ARG(str_sub(text, 0, 60)));
    *query = (struct query){.source = source_of(name)};
    char *lower = pool_cstr(pool, name);
    if (lower == NULL)
        return err_set(err, "out of memory");
    for (size_t i = 0; i < name.n; i++)
        lower[i] = str_lower_char(lower[i]);
    query->name = str_n(lower, name.n);
    while (str_next(&rest, ':', &word)) {
        if (word.n && add_modifier(query, word, err) < 0)
            return -1;
    }
    return 0;
}

bool query_same(const struct query *a, const struct query *b)
{
    return a->source == b->source && a->what == b->what && a->which == b->which &&
           a->raw == b->raw && str_eq(a->name, b->name);
}
