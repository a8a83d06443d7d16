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
    {"ALL-TRUSTED", QUERY_ALL_TRUSTED, true},
    {"ALL-INTERNAL", QUERY_ALL_INTERNAL, true},
    {"ALL-UNTRUSTED", QUERY_ALL_UNTRUSTED, true},
    {"ALL-EXTERNAL", QUERY_ALL_EXTERNAL, true},
    {"X-Spam-Relays-Trusted", QUERY_RELAYS_TRUSTED, false},
    {"X-Spam-Relays-Internal", QUERY_RELAYS_INTERNAL, false},
    {"X-Spam-Relays-Untrusted", QUERY_RELAYS_UNTRUSTED, false},
    {"X-Spam-Relays-External", QUERY_RELAYS_EXTERNAL, false},
    {"X-SenderDomain", QUERY_SENDER_DOMAIN, false},
    {"X-AuthorDomain", QUERY_AUTHOR_DOMAIN, false},
    {"X-Languages", QUERY_LANGUAGES, false},
    {"X-Languages-Length", QUERY_LANGUAGES_LENGTH, false},
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

static const struct {
    const char *word;
    struct query sets; /* what is not 0 in it */
} modifiers[] = {
    {"raw", {.raw = true}},
    {"addr", {.what = QUERY_ADDR}},
    {"name", {.what = QUERY_NAME}},
    {"first", {.which = QUERY_FIRST}},
    {"last", {.which = QUERY_LAST}},
    {"host", {.cut = QUERY_HOST}},
    {"domain", {.cut = QUERY_DOMAIN}},
    {"ip", {.cut = QUERY_IP}},
    {"revip", {.cut = QUERY_REVERSE_IP}},
};

/* Of :host and :domain, or :ip and :revip, the one that cuts more counts, in any order. */
static int add_modifier(struct query *query, struct str word, struct err *err)
{
    for (size_t i = 0; i < sizeof modifiers / sizeof *modifiers; i++) {
        const struct query *sets = &modifiers[i].sets;
        if (!str_eq(word, str_of(modifiers[i].word)))
            continue;
        query->raw |= sets->raw;
        if (sets->what)
            query->what = sets->what;
        if (sets->which)
            query->which = sets->which;
        if (sets->cut > query->cut)
            query->cut = sets->cut;
        return 0;
    }
    return err_set(err,
                   "':%.*s' behind a header name is not known here; known are :raw, :addr, "
                   ":name, :host, :domain, :ip, :revip, :first and :last",
                   STR_ARG(str_sub(word, 0, 40)));
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
           a->cut == b->cut && a->raw == b->raw && str_eq(a->name, b->name);
}
