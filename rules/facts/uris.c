#include "rules/facts/uris.h"

#include "base/ascii.h"
#include "rules/facts/body.h"
#include "rules/facts/pdfs.h"
#include "rules/facts/registry.h"
#include "rules/facts/rendered.h"
#include "rules/facts/uri_clean.h"
#include "rules/facts/uri_text.h"

#define SLOTS_FIRST 64 /* of the hash tables: a power of two */

struct slot {
    uint32_t hash;
    uint32_t number; /* + 1; 0: free */
};

/* Numbers of an array's elements by their text; at most half of the slots are taken. */
struct index {
    struct slot *slots;
    size_t n_slots, n;
};

struct gather {
    struct facts *facts;
    struct pool *pool;
    struct fact_uris *uris;
    struct uri_forms forms;
    struct index by_raw;  /* of uris->list */
    struct index by_text; /* of seen */
    struct str *seen;     /* what stood in the text, before it was looked at */
    size_t n_seen, seen_cap, list_cap;
    size_t bytes; /* of raw forms that were looked at */
    bool no_memory;
};

const char *fact_uri_type_name(unsigned bit)
{
    static const char *const names[URI_TYPES] = {
        "a",      "area",    "link",   "img",        "frame",    "iframe",     "embed",
        "script", "bgsound", "form",   "base",       "meta",     "body",       "table",
        "tr",     "td",      "parsed", "domainkeys", "unlinked", "schemeless",
    };
    return bit < URI_TYPES ? names[bit] : NULL;
}

/* Where a search for the hash begins. */
static struct slot *slot_of(const struct index *index, uint32_t hash)
{
    return &index->slots[hash & (index->n_slots - 1)];
}

static struct slot *next_slot(const struct index *index, struct slot *slot)
{
    return ++slot == index->slots + index->n_slots ? index->slots : slot;
}

/* Makes room for one more; false: no memory. */
static bool make_room(struct pool *pool, struct index *index)
{
    if (index->n * 2 < index->n_slots)
        return true;
    struct index bigger = {.n_slots = index->n_slots ? index->n_slots * 2 : SLOTS_FIRST,
                           .n = index->n};
    bigger.slots = POOL_ARRAY(pool, bigger.n_slots, struct slot);
    if (bigger.slots == NULL)
        return false;
    for (size_t i = 0; i < index->n_slots; i++) {
        if (index->slots[i].number == 0)
            continue;
        struct slot *slot = slot_of(&bigger, index->slots[i].hash);
        while (slot->number)
            slot = next_slot(&bigger, slot);
        *slot = index->slots[i];
    }
    *index = bigger;
    return true;
}

/* The link with that raw form, made if need be; NULL: there is no room. */
static struct fact_uri *find_uri(struct gather *g, struct str raw)
{
    uint32_t hash = (uint32_t)str_hash(raw);
    if (!make_room(g->pool, &g->by_raw)) {
        g->no_memory = true;
        return NULL;
    }
    struct slot *slot = slot_of(&g->by_raw, hash);
    for (; slot->number; slot = next_slot(&g->by_raw, slot)) {
        if (slot->hash == hash && str_eq(g->uris->list[slot->number - 1].raw, raw))
            return &g->uris->list[slot->number - 1];
    }
    if (g->uris->n == FACT_URIS_MAX) {
        g->uris->truncated = true;
        return NULL;
    }
    struct fact_uri *list =
        pool_grow(g->pool, g->uris->list, g->uris->n, &g->list_cap, sizeof *list);
    if (list == NULL) {
        g->no_memory = true;
        return NULL;
    }
    g->uris->list = list;
    list[g->uris->n] = (struct fact_uri){.raw = raw};
    *slot = (struct slot){hash, (uint32_t)g->uris->n + 1};
    g->by_raw.n++;
    return &list[g->uris->n++];
}

/* False when it was there before, or there is no room for more. */
static bool see(struct gather *g, struct str text)
{
    uint32_t hash = (uint32_t)str_hash(text);
    struct str *seen = pool_grow(g->pool, g->seen, g->n_seen, &g->seen_cap, sizeof *seen);
    if (seen == NULL || !make_room(g->pool, &g->by_text)) {
        g->no_memory = true;
        return false;
    }
    g->seen = seen;
    struct slot *slot = slot_of(&g->by_text, hash);
    for (; slot->number; slot = next_slot(&g->by_text, slot)) {
        if (slot->hash == hash && str_eq(g->seen[slot->number - 1], text))
            return false;
    }
    if (g->n_seen == FACT_URIS_MAX) {
        g->uris->truncated = true;
        return false;
    }
    seen[g->n_seen++] = text;
    *slot = (struct slot){hash, (uint32_t)g->n_seen};
    g->by_text.n++;
    return true;
}

/* A text into a list that has room, unless it stands there. */
static void add_once(struct str *list, size_t *n, struct str text)
{
    for (size_t i = 0; i < *n; i++) {
        if (str_eq(list[i], text))
            return;
    }
    list[(*n)++] = text;
}

static void merge_cleaned(struct gather *g, struct fact_uri *uri)
{
    struct str *list = POOL_ARRAY(g->pool, uri->n_cleaned + g->forms.n, struct str);
    if (list == NULL) {
        g->no_memory = true;
        return;
    }
    if (uri->n_cleaned)
        memcpy(list, uri->cleaned, uri->n_cleaned * sizeof *list);
    for (size_t i = 0; i < g->forms.n; i++)
        add_once(list, &uri->n_cleaned, g->forms.list[i]);
    uri->cleaned = list;
}

static void merge_hosts(struct gather *g, struct fact_uri *uri, const struct fact_host *hosts,
                        size_t n)
{
    if (n == 0)
        return;
    struct fact_host *list = POOL_ARRAY(g->pool, uri->n_hosts + n, struct fact_host);
    if (list == NULL) {
        g->no_memory = true;
        return;
    }
    if (uri->n_hosts)
        memcpy(list, uri->hosts, uri->n_hosts * sizeof *list);
    for (size_t i = 0; i < n; i++) {
        size_t j = 0;
        while (j < uri->n_hosts && !str_eq(list[j].host, hosts[i].host))
            j++;
        if (j == uri->n_hosts)
            list[uri->n_hosts++] = hosts[i];
    }
    uri->hosts = list;
}

/* Takes the link in with all its forms; with `must_exist` only when one of them has a host. */
static struct fact_uri *add_uri(struct gather *g, struct str raw, unsigned types, bool must_exist)
{
    struct fact_host hosts[FACT_CLEANED_MAX];
    size_t n = 0;
    if (g->uris->n == FACT_URIS_MAX || g->bytes + raw.n > FACT_URI_BYTES_MAX) {
        g->uris->truncated = true;
        return NULL;
    }
    g->bytes += raw.n;
    if (types & URI_TYPE_DOMAINKEYS) {
        g->forms.n = 1;
        g->forms.list[0] = raw;
    } else {
        uri_clean(&g->forms, raw);
    }
    for (size_t i = 0; i < g->forms.n; i++) {
        struct str *form = &g->forms.list[i];
        g->uris->truncated |= form->n > FACT_URI_MAX;
        *form = str_sub(*form, 0, FACT_URI_MAX);
        n += uri_to_host(g->facts, *form, &hosts[n].host, &hosts[n].domain);
    }
    if (must_exist && n == 0)
        return NULL;
    struct fact_uri *uri = find_uri(g, raw);
    if (uri == NULL)
        return NULL;
    uri->types |= types;
    if (!(types & URI_TYPE_DOMAINKEYS))
        merge_cleaned(g, uri);
    merge_hosts(g, uri, hosts, n);
    return uri;
}

static struct str prefix(struct gather *g, const char *scheme, struct str text)
{
    struct str made = pool_strf(g->pool, "%s%.*s", scheme, STR_ARG(text));
    g->no_memory |= made.s == NULL;
    return made;
}

static bool is_numbered(struct str x, struct str name, unsigned digits_max)
{
    size_t n = name.n;
    while (n < x.n && n < name.n + digits_max && x.s[n] >= '0' && x.s[n] <= '9')
        n++;
    return str_istarts(x, name) && n < x.n && x.s[n] == '.';
}

/* Without "email:" and the like in front of an address. */
static struct str without_label(struct str x)
{
    static const struct str labels[] = {
        {"skype", 5}, {"e-mail", 6}, {"email", 5}, {"-mail", 5}, {"mail", 4}};
    struct str rest = x;
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        if (str_istarts(x, labels[i]) && x.n > labels[i].n && x.s[labels[i].n] == ':') {
            rest = str_from(x, labels[i].n);
            break;
        }
    }
    while (rest.n && rest.s[0] == ':')
        rest = str_from(rest, 1);
    return rest;
}

/* An '@', and a dot behind something behind it. */
static bool is_address(struct str x)
{
    size_t sign = str_chr(x, '@');
    struct str host = str_from(x, sign == STR_NONE ? x.n : sign + 2);
    return str_chr(host, '.') != STR_NONE && str_find(x, STR("&nbsp;")) == STR_NONE;
}

/* The text with the scheme that it lacks; .s NULL: it is no link. */
static struct str with_scheme(struct gather *g, struct str text, unsigned *types)
{
    size_t slash = str_chr(text, '/'), sign = str_rchr(text, '@');
    static const struct str schemes[] = {{"http:", 5}, {"https:", 6}, {"ftp:", 4}, {"mailto:", 7}};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (str_istarts(text, schemes[i]))
            return text;
    }
    *types |= URI_TYPE_SCHEMELESS;
    if (str_istarts(text, STR("ftp.")))
        return prefix(g, "ftp://", text);
    if (is_numbered(text, STR("www"), 2) ||
        (sign != STR_NONE && slash != STR_NONE && sign > slash + 1))
        return prefix(g, "http://", text);
    if (sign != STR_NONE)
        return is_address(text) ? prefix(g, "mailto:", without_label(text)) : STR_EMPTY;
    if (str_chr(text, '.') == STR_NONE)
        return STR_EMPTY;
    *types |= URI_TYPE_UNLINKED;
    return prefix(g, "http://", text);
}

/* Does an address's host exist? */
static bool has_host(struct gather *g, struct str uri)
{
    size_t sign = str_chr(uri, '@'), n = 0;
    struct str host = str_from(uri, sign == STR_NONE ? uri.n : sign + 1);
    while (n < host.n && !memchr("?&>", host.s[n], 3))
        n++;
    host.n = n;
    while (str_ends(host, STR("%20")))
        host.n -= 3;
    return sign != STR_NONE && registry_is_valid(g->facts->settings, host);
}

/* "word:" with at most two slashes and nothing behind. */
static bool is_empty_scheme(struct str x)
{
    size_t n = 0;
    while (n < x.n && ascii_is_word(x.s[n]))
        n++;
    struct str rest = str_from(x, n);
    return n > 0 && rest.n <= 3 && str_starts(STR("://"), rest) && rest.n > 0;
}

static void add_text(struct gather *g, const struct uri_text *found)
{
    struct str text = uri_text_trim(found->text);
    unsigned types = URI_TYPE_PARSED;
    char host[REGISTRY_HOST_MAX + 1];
    if (!see(g, text) || (found->kind == URI_TEXT_MAIL && str_chr(text, '@') == STR_NONE))
        return;
    if (found->kind == URI_TEXT_SCHEMELESS) {
        if (found->host.n > REGISTRY_HOST_MAX)
            return;
        for (size_t i = 0; i < found->host.n; i++)
            host[i] = str_lower_char(found->host.s[i]);
        if (!registry_is_name(str_n(host, found->host.n)))
            return;
    }
    if (str_istarts(text, STR("cid:")) || str_istarts(text, STR("mid:")) || is_empty_scheme(text))
        return;
    struct str uri = with_scheme(g, text, &types);
    if (str_istarts(uri, STR("mailto:"))) {
        if (uri_has_escape(uri))
            uri = uri_unescape(g->pool, uri);
        if (!has_host(g, uri))
            return;
    }
    if (uri.n)
        add_uri(g, uri, types, true);
}

static void gather_text(struct gather *g)
{
    const struct fact_texts *body = facts_body(g->facts, BODY_RENDERED);
    g->no_memory |= body == NULL;
    for (size_t i = 0; body && i < body->n && !g->no_memory; i++) {
        struct uri_text found;
        size_t at = 0;
        while (!g->no_memory && uri_text_next(g->facts->settings, body->list[i], &at, &found))
            add_text(g, &found);
    }
}

static void add_anchors(struct gather *g, struct fact_uri *uri, const struct html_doc *doc,
                        const struct html_link *link)
{
    struct str *list = POOL_ARRAY(g->pool, uri->n_anchors + link->n_anchors, struct str);
    size_t before = uri->n_anchors, n = 0;
    if (list == NULL) {
        g->no_memory = true;
        return;
    }
    if (before)
        memcpy(list, uri->anchors, before * sizeof *list);
    for (size_t i = 0; i < link->n_anchors && i < FACT_CLEANED_MAX; i++) {
        if (link->anchors[i] < doc->n_texts[HTML_ANCHORS])
            add_once(list + before, &n, doc->texts[HTML_ANCHORS][link->anchors[i]]);
    }
    uri->anchors = list;
    uri->n_anchors = before + n;
}

static void gather_html(struct gather *g)
{
    const struct html_docs *docs = facts_html(g->facts);
    g->no_memory |= docs == NULL;
    for (size_t i = 0; docs && i < docs->n; i++) {
        const struct html_doc *doc = &docs->list[i];
        g->uris->truncated |= doc->defined[HTML_URI_TRUNCATED];
        for (size_t j = 0; j < doc->n_links && !g->no_memory; j++) {
            const struct html_link *link = &doc->links[j];
            unsigned types = link->types ? link->types : URI_TYPE_PARSED;
            struct fact_uri *uri = add_uri(g, link->uri, types, false);
            if (uri && link->n_anchors)
                add_anchors(g, uri, doc, link);
        }
    }
}

/* Where PDFInfo is on, what attached PDF files link to. */
static void gather_pdfs(struct gather *g)
{
    if (g->facts->settings == NULL || !settings_reads_pdf(g->facts->settings))
        return;
    const struct pdfs *pdfs = facts_pdfs(g->facts);
    g->no_memory |= pdfs == NULL;
    for (size_t i = 0; pdfs && i < pdfs->n; i++) {
        const struct pdf *pdf = pdfs->list[i].pdf;
        for (size_t k = 0; k < pdf->n_links && !g->no_memory; k++)
            add_uri(g, pdf->links[k], URI_TYPE_PARSED, false);
    }
}

/* The domains ("d=") of a signature. */
static void add_signer(struct gather *g, struct str value)
{
    for (size_t at = 0; at < value.n; at++) {
        size_t from = at + 1, n = 0;
        if (value.s[at] != 'd' || (at > 0 && ascii_is_word(value.s[at - 1])))
            continue;
        while (from < value.n && ascii_is_space(value.s[from]))
            from++;
        if (from >= value.n || value.s[from] != '=')
            continue;
        struct str domain = str_from(value, from + 1);
        domain = str_sub(domain, 0, str_chr(domain, ';'));
        struct str raw = prefix(g, "domainkeys:", domain);
        char *p = (char *)raw.s;
        for (size_t i = 0; i < raw.n; i++) {
            if (!ascii_is_space(p[i]))
                p[n++] = p[i];
        }
        if (domain.n)
            add_uri(g, str_n(p, n), URI_TYPE_DOMAINKEYS, true);
        at = (size_t)(domain.s - value.s) + domain.n;
    }
}

static void gather_signers(struct gather *g)
{
    const struct rules_settings *settings = g->facts->settings;
    const struct fact_parts *parts = facts_parts(g->facts);
    g->no_memory |= parts == NULL;
    if (parts == NULL || settings == NULL ||
        settings_number(settings, SETTINGS_PARSE_DKIM_URIS) == 0)
        return;
    for (size_t i = 0; i < parts->root->n_fields; i++) {
        const struct fact_field *field = &parts->root->fields[i];
        if (str_ieq(field->name, STR("DomainKey-Signature")) ||
            str_ieq(field->name, STR("DKIM-Signature")))
            add_signer(g, field->value);
    }
}

/* All cleaned forms in one buffer, each once, a line end behind each. */
static bool lay_out(struct gather *g)
{
    struct fact_uris *uris = g->uris;
    size_t n = 0, bytes = 0, n_slots = 64;
    for (size_t i = 0; i < uris->n; i++) {
        for (size_t j = 0; j < uris->list[i].n_cleaned; j++, n++)
            bytes += uris->list[i].cleaned[j].n + 1;
    }
    while (n_slots < n * 2)
        n_slots *= 2;
    char *out = pool_alloc(g->pool, bytes + 1);
    uint32_t *slots = POOL_ARRAY(g->pool, n_slots, uint32_t);
    uris->cleaned = POOL_ARRAY(g->pool, n + 1, struct str);
    if (out == NULL || slots == NULL || uris->cleaned == NULL)
        return false;
    for (size_t i = 0; i < uris->n; i++) {
        for (size_t j = 0; j < uris->list[i].n_cleaned; j++) {
            struct str form = uris->list[i].cleaned[j];
            size_t at = str_hash(form) & (n_slots - 1);
            while (slots[at] && !str_eq(uris->cleaned[slots[at] - 1], form))
                at = (at + 1) & (n_slots - 1);
            if (slots[at])
                continue;
            memcpy(out, form.s, form.n);
            out[form.n] = '\n';
            uris->cleaned[uris->n_cleaned++] = str_n(out, form.n);
            slots[at] = (uint32_t)uris->n_cleaned;
            out += form.n + 1;
        }
    }
    return true;
}

static struct fact_uris *make_uris(struct facts *facts)
{
    struct gather g = {.facts = facts, .pool = facts->pool, .forms = {.facts = facts}};
    g.uris = POOL_NEW(g.pool, struct fact_uris);
    if (g.uris == NULL)
        return NULL;
    gather_text(&g);
    gather_html(&g);
    gather_pdfs(&g);
    gather_signers(&g);
    g.uris->truncated |= g.forms.truncated;
    if (g.no_memory || g.forms.no_memory || !lay_out(&g))
        return NULL;
    return g.uris;
}

const struct fact_uris *facts_uris(struct facts *facts)
{
    if (facts->made[FACT_URIS] == NULL)
        facts->made[FACT_URIS] = make_uris(facts);
    const struct fact_uris *uris = facts->made[FACT_URIS];
    facts->truncated |= uris && uris->truncated;
    return uris;
}
