#include "rules/network/naming.h"

#include "base/ascii.h"
#include "rules/facts/header.h"
#include "rules/facts/ip.h"
#include "rules/facts/relays.h"
#include "rules/network/links.h"
#include "sender/dns.h"

#define HEADER_MARK "HEADER("

typedef void fact_values_of(struct facts *facts, const char *query, struct naming_names *out);

/* Once. */
static void add(struct naming_names *out, struct str text)
{
    for (size_t i = 0; i < out->n; i++) {
        if (str_eq(out->list[i], text))
            return;
    }
    if (text.n == 0)
        return;
    if (out->n == NAMING_NAMES_MAX)
        out->truncated = true;
    else
        out->list[out->n++] = text;
}

static void all_of(struct facts *facts, const char *query, struct naming_names *out)
{
    const struct fact_values *values = facts_get_all(facts, query);
    for (size_t i = 0; i < values->n; i++)
        add(out, values->list[i]);
}

static void one_of(struct facts *facts, const char *query, struct naming_names *out)
{
    add(out, str_trim(facts_get(facts, query)));
}

static void signers(struct facts *facts, const char *query, struct naming_names *out)
{
    const struct rules_network *network = facts->input->network;
    for (size_t i = 0; network && i < network->n_signatures; i++) {
        if (network->signatures[i].pass && !network->signatures[i].arc)
            add(out, network->signatures[i].domain);
    }
}

static void link_names(struct facts *facts, const char *query, struct naming_names *out)
{
    bool hosts = query != NULL;
    const struct links *links = network_links(facts);
    for (size_t i = 0; links && i < links->n; i++)
        add(out, hosts ? links->list[i].host : links->list[i].domain);
    out->no_memory |= links == NULL;
}

static struct str reversed(struct facts *facts, struct str ip)
{
    char text[80];
    return pool_str(facts->pool, ip_reverse(ip, text));
}

static const struct relay *last_external(struct facts *facts)
{
    const struct relays *relays = facts_relays(facts);
    return relays && relays->external.n ? relays->external.list[0] : NULL;
}

/* The oldest of those that are trusted. */
static const struct relay *first_trusted(struct facts *facts)
{
    const struct relays *relays = facts_relays(facts);
    return relays && relays->trusted.n ? relays->trusted.list[relays->trusted.n - 1] : NULL;
}

#define OF_RELAY(name, relay_of, what)                                                             \
    static void name(struct facts *facts, const char *query, struct naming_names *out)             \
    {                                                                                              \
        const struct relay *relay = relay_of(facts);                                               \
        if (relay)                                                                                 \
            add(out, what);                                                                        \
    }

OF_RELAY(last_ip, last_external, relay->ip)
OF_RELAY(last_reverse, last_external, reversed(facts, relay->ip))
OF_RELAY(last_rdns, last_external, relay->rdns)
OF_RELAY(last_helo, last_external, relay->helo)
OF_RELAY(first_ip, first_trusted, relay->ip)
OF_RELAY(first_reverse, first_trusted, reversed(facts, relay->ip))

static void add_public(struct facts *facts, const struct relay_list *list, struct naming_names *out)
{
    for (size_t i = 0; i < list->n; i++) {
        if (!list->list[i]->ip_private)
            add(out, reversed(facts, list->list[i]->ip));
    }
}

#define OF_RELAYS(name, which)                                                                     \
    static void name(struct facts *facts, const char *query, struct naming_names *out)             \
    {                                                                                              \
        const struct relays *relays = facts_relays(facts);                                         \
        if (relays)                                                                                \
            add_public(facts, &relays->which, out);                                                \
    }

OF_RELAYS(trusted_reverse, trusted)
OF_RELAYS(untrusted_reverse, untrusted)
OF_RELAYS(internal_reverse, internal)
OF_RELAYS(external_reverse, external)

static const struct {
    const char *name;
    fact_values_of *values;
    const char *query;
} known[] = {
    {"AUTHORDOMAIN", all_of, "From:addr:host"},
    {"DKIMDOMAIN", signers, NULL},
    {"FIRSTTRUSTEDIP", first_ip, NULL},
    {"FIRSTTRUSTEDREVIP", first_reverse, NULL},
    {"LASTEXTERNALHELO", last_helo, NULL},
    {"LASTEXTERNALIP", last_ip, NULL},
    {"LASTEXTERNALRDNS", last_rdns, NULL},
    {"LASTEXTERNALREVIP", last_reverse, NULL},
    {"RELAYSEXTERNALREVIP", external_reverse, NULL},
    {"RELAYSINTERNALREVIP", internal_reverse, NULL},
    {"RELAYSTRUSTEDREVIP", trusted_reverse, NULL},
    {"RELAYSUNTRUSTEDREVIP", untrusted_reverse, NULL},
    {"SENDERDOMAIN", one_of, "EnvelopeFrom:first:addr:host"},
    {"URIDOMAINS", link_names, NULL},
    {"URIHOSTS", link_names, "hosts"},
    {HEADER_MARK, one_of, NULL},
};

#define KNOWN (sizeof known / sizeof *known)

static bool is_mark_char(char c, bool first)
{
    return (c >= 'A' && c <= 'Z') || (!first && (ascii_is_digit(c) || c == '_'));
}

/* The first mark at or behind `at`: _NAME_ or _NAME(argument)_, in capitals. */
static bool next_mark(struct str text, size_t at, struct str *mark)
{
    for (; at < text.n; at++) {
        size_t n = at + 1;
        if (text.s[at] != '_' || n == text.n || !is_mark_char(text.s[n], true))
            continue;
        while (n < text.n && is_mark_char(text.s[n], false))
            n++;
        if (n < text.n && text.s[n] == '(') {
            size_t close = str_chr(str_from(text, n), ')');
            n = close == STR_NONE ? text.n : n + close + 1;
            n += n < text.n && text.s[n] == '_';
        }
        *mark = str_sub(text, at, n);
        if (mark->n > 2 && str_ends(*mark, STR("_")))
            return true;
    }
    return false;
}

static int take_header(struct pool *pool, struct str name, struct naming_mark *mark,
                       struct err *err)
{
    struct query query;
    struct str inside = str_sub(name, sizeof HEADER_MARK - 1, name.n - 1);
    if (query_parse(pool, inside, &query, err) < 0)
        return -1;
    mark->query = pool_cstr(pool, inside);
    return mark->query ? 0 : err_set(err, "out of memory");
}

static int take_mark(struct pool *pool, struct naming_mark *mark, struct err *err)
{
    struct str name = str_sub(mark->text, 1, mark->text.n - 1);
    for (mark->fact = 0; mark->fact < KNOWN; mark->fact++) {
        mark->query = known[mark->fact].query;
        if (str_eq(name, str_of(known[mark->fact].name)))
            return 0;
        if (known[mark->fact].values == one_of && mark->query == NULL &&
            str_starts(name, STR(HEADER_MARK)))
            return take_header(pool, name, mark, err);
    }
    err_set(err, "%.*s stands for nothing that is known here", STR_ARG(str_sub(mark->text, 0, 60)));
    return 0;
}

static bool has_mark(const struct naming *naming, struct str text)
{
    size_t i = 0;
    while (i < naming->n && !str_eq(naming->marks[i].text, text))
        i++;
    return i < naming->n;
}

int naming_parse(struct pool *pool, struct str text, struct naming *naming, struct err *err)
{
    struct str mark;
    *naming = (struct naming){.text = pool_str(pool, text)};
    err->text[0] = '\0';
    if (naming->text.s == NULL)
        return err_set(err, "out of memory");
    for (size_t at = 0; next_mark(naming->text, at, &mark);) {
        at = (size_t)(mark.s - naming->text.s) + mark.n;
        if (has_mark(naming, mark))
            continue;
        if (naming->n == NAMING_MARKS_MAX)
            return err_set(err, "more than %d marks are in one name", NAMING_MARKS_MAX);
        naming->marks[naming->n].text = mark;
        if (take_mark(pool, &naming->marks[naming->n++], err) < 0)
            return -1;
    }
    return 0;
}

/* The text with each `mark` replaced; .s NULL: it is no name any more. */
static struct str replace(struct pool *pool, struct str text, struct str mark, struct str value)
{
    char out[2 * DNS_NAME_MAX];
    size_t n = 0;
    while (text.n) {
        size_t at = str_find(text, mark);
        struct str before = str_sub(text, 0, at);
        struct str put = at == STR_NONE ? STR_EMPTY : value;
        if (before.n + put.n > sizeof out - n)
            return STR_EMPTY;
        memcpy(out + n, before.s, before.n);
        n += before.n;
        if (put.n)
            memcpy(out + n, put.s, put.n);
        n += put.n;
        text = str_from(text, before.n + (at == STR_NONE ? 0 : mark.n));
    }
    return pool_str(pool, str_n(out, n));
}

/* Each of `before` with each of the values in the mark's place. */
static void multiply(struct pool *pool, const struct naming_mark *mark,
                     const struct naming_names *before, const struct naming_names *values,
                     struct naming_names *names)
{
    *names = (struct naming_names){.n = 0};
    for (size_t k = 0; k < before->n; k++) {
        for (size_t v = 0; v < values->n && !names->truncated; v++)
            add(names, replace(pool, before->list[k], mark->text, values->list[v]));
    }
    names->truncated |= before->truncated || values->truncated;
    names->no_memory |= before->no_memory || values->no_memory;
}

void naming_fill(const struct naming *naming, struct facts *facts, struct naming_names *names)
{
    *names = (struct naming_names){.list = {naming->text}, .n = 1};
    for (size_t i = 0; i < naming->n && names->n; i++) {
        const struct naming_mark *mark = &naming->marks[i];
        const struct naming_names before = *names;
        struct naming_names values = {.n = 0};
        known[mark->fact].values(facts, mark->query, &values);
        multiply(facts->pool, mark, &before, &values, names);
    }
}
