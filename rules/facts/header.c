#include "rules/facts/header.h"

#include "rules/facts/address.h"

/* The text of one query, being put together. */
struct finding {
    struct pool *pool;
    const struct query *query;
    struct str *values; /* texts to be joined */
    size_t n, cap;
    bool no_memory;
};

static void add_value(struct finding *f, struct str value)
{
    struct str *values = pool_grow(f->pool, f->values, f->n, &f->cap, sizeof *values);
    if (values == NULL) {
        f->no_memory = true;
        return;
    }
    f->values = values;
    values[f->n++] = value;
}

/* As it stands, but for the blank before it and the CR of line ends. .s NULL: no memory. */
static struct str raw_value(struct pool *pool, struct str value)
{
    while (value.n && (value.s[0] == ' ' || value.s[0] == '\t'))
        value = str_from(value, 1);
    char *copy = pool_cstr(pool, value);
    size_t n = 0;
    if (copy == NULL)
        return STR_EMPTY;
    for (size_t i = 0; i < value.n; i++) {
        if (value.s[i] != '\r' || i + 1 == value.n || value.s[i + 1] != '\n')
            copy[n++] = value.s[i];
    }
    return str_n(copy, n);
}

/* Can the value hold an encoded word, or letters that must be made to UTF-8? Most can't. */
static bool needs_decoding(struct str value)
{
    unsigned char bits = 0;
    for (size_t i = 0; i < value.n; i++)
        bits |= (unsigned char)value.s[i];
    return bits >= 0x80 || str_find(value, STR("=?")) != STR_NONE;
}

static struct str decoded_value(struct pool *pool, const struct header *header)
{
    return needs_decoding(header->value) ? header_text(pool, header) : header_unfold(pool, header);
}

static struct str field_value(struct finding *f, const struct header *header)
{
    struct str text =
        f->query->raw ? raw_value(f->pool, header->value) : decoded_value(f->pool, header);
    f->no_memory |= text.s == NULL;
    return text;
}

/* Addresses are cut out of the undecoded value, since an encoded word can hold commas and '@'. */
static void add_mailboxes(struct finding *f, const struct header *header)
{
    struct str rest = header_unfold(f->pool, header);
    struct address address;
    if (rest.s == NULL) {
        f->no_memory = true;
        return;
    }
    while (address_next(&rest, &address)) {
        struct str found = f->query->what == QUERY_ADDR ? address.address : address.name;
        if (f->query->what == QUERY_NAME && !f->query->raw) {
            struct header name = {.name = header->name, .value = found};
            found = decoded_value(f->pool, &name);
            f->no_memory |= found.s == NULL;
        }
        if (found.n)
            add_value(f, found);
    }
}

static void add_fields(struct finding *f, const struct part *part, struct str name)
{
    size_t from = 0;
    const struct header *header, *last = NULL;
    while ((header = part_header(part, name, &from)) != NULL) {
        last = header;
        if (f->query->which == QUERY_LAST)
            continue;
        if (f->query->what == QUERY_VALUE)
            add_value(f, field_value(f, header));
        else
            add_mailboxes(f, header);
        if (f->query->which == QUERY_FIRST)
            return;
    }
    if (f->query->which == QUERY_LAST && last && f->query->what == QUERY_VALUE)
        add_value(f, field_value(f, last));
    else if (f->query->which == QUERY_LAST && last)
        add_mailboxes(f, last);
}

/* "Name: value" for every field, up to about HEADER_TEXT_MAX. */
static void add_all(struct finding *f, const struct part *part, bool *truncated)
{
    size_t size = 0;
    for (size_t i = 0; i < part->n_headers; i++) {
        const struct header *header = &part->headers[i];
        if (size > HEADER_TEXT_MAX || header->value.n > HEADER_TEXT_MAX) {
            *truncated = true;
            return;
        }
        struct str value = field_value(f, header);
        struct str line = pool_strf(f->pool, "%.*s: %.*s", STR_ARG(header->name), STR_ARG(value));
        f->no_memory |= line.s == NULL;
        size += line.n;
        add_value(f, line);
    }
}

/* What the client said, or for a message out of a file what its last hop wrote down. */
static void add_envelope_from(struct finding *f, const struct part *part,
                              const struct rules_input *input)
{
    if (input->envelope_from.s) {
        add_value(f, input->envelope_from);
        return;
    }
    static const struct query return_path = {.what = QUERY_ADDR, .which = QUERY_FIRST};
    const struct query *asked = f->query;
    f->query = &return_path;
    add_fields(f, part, STR("Return-Path"));
    f->query = asked;
}

static struct str join(struct finding *f, bool *truncated)
{
    size_t size = 0;
    for (size_t i = 0; i < f->n; i++)
        size += f->values[i].n + 1;
    size_t room = size > HEADER_TEXT_MAX ? HEADER_TEXT_MAX : size;
    char *text = pool_alloc(f->pool, room + 1);
    size_t n = 0;
    if (text == NULL)
        return STR_EMPTY;
    *truncated |= size > room;
    for (size_t i = 0; i < f->n && n < room; i++) {
        struct str value = str_sub(f->values[i], 0, room - n);
        if (value.n)
            memcpy(text + n, value.s, value.n);
        n += value.n;
        if (n < room && (n == 0 || text[n - 1] != '\n'))
            text[n++] = '\n';
    }
    return str_n(text, n);
}

int header_find(struct facts *facts, const struct part *part, const struct query *query,
                struct str *text, bool *truncated)
{
    static const char *const message_ids[] = {"X-Message-Id", "Resent-Message-Id",
                                              "X-Original-Message-ID", "Message-Id"};
    struct finding f = {.pool = facts->pool, .query = query};
    *text = STR_EMPTY;
    switch (query->source) {
    case QUERY_ALL:
        add_all(&f, part, truncated);
        break;
    case QUERY_TO_CC:
        add_fields(&f, part, STR("To"));
        add_fields(&f, part, STR("Cc"));
        break;
    case QUERY_MESSAGE_ID:
        for (size_t i = 0; i < sizeof message_ids / sizeof *message_ids; i++)
            add_fields(&f, part, str_of(message_ids[i]));
        break;
    case QUERY_ENVELOPE_FROM:
        add_envelope_from(&f, part, facts->input);
        break;
    case QUERY_FIELD:
        add_fields(&f, part, query->name);
        break;
    }
    if (f.n && !f.no_memory)
        *text = join(&f, truncated);
    return f.no_memory || (f.n && text->s == NULL) ? -1 : 0;
}
