#include "rules/facts/header.h"

#include "base/ascii.h"
#include "rules/facts/header_cut.h"
#include "rules/facts/language.h"
#include "rules/facts/mailbox.h"
#include "rules/facts/parts.h"
#include "rules/facts/relays.h"

/* The values of one query, being put together. */
struct finding {
    struct facts *facts;
    const struct query *query;
    struct header_fields fields;
    struct fact_values values;
    size_t cap;
    bool no_memory;
};

static void add(struct finding *f, struct str value)
{
    if (value.s == NULL) {
        f->no_memory = true;
        return;
    }
    if (f->values.n == HEADER_VALUES_MAX) {
        f->values.truncated = f->facts->truncated = true;
        return;
    }
    struct str *list =
        pool_grow(f->facts->pool, f->values.list, f->values.n, &f->cap, sizeof *list);
    if (list == NULL) {
        f->no_memory = true;
        return;
    }
    f->values.list = list;
    list[f->values.n++] = value;
}

/* Folds of a raw value made to one blank, its last line end kept. */
static struct str unfolded(struct pool *pool, struct str raw)
{
    char *to = pool_cstr(pool, raw);
    size_t n = 0;
    if (to == NULL)
        return STR_EMPTY;
    for (size_t i = 0; i < raw.n; i++) {
        bool fold = raw.s[i] == '\n' && i + 1 < raw.n && ascii_is_space(raw.s[i + 1]);
        if (!fold) {
            to[n++] = raw.s[i];
            continue;
        }
        while (i + 1 < raw.n && ascii_is_space(raw.s[i + 1]))
            i++;
        to[n++] = ' ';
    }
    return str_n(to, n);
}

/* Made once for a field. .s NULL: no memory. */
static struct str decoded_line(struct pool *pool, struct header_field *field)
{
    if (field->line.s)
        return field->line;
    struct str value = header_decode(pool, field->name, field->value);
    if (value.s == NULL)
        return value;
    const struct str texts[] = {value, STR("\n")};
    field->line = pool_join(pool, texts, sizeof texts / sizeof *texts);
    return field->line;
}

enum form { FORM_DECODED, FORM_RAW, FORM_UNFOLDED };

static void add_fields(struct finding *f, struct str name, enum form form)
{
    struct pool *pool = f->facts->pool;
    uint32_t key = header_key(name);
    for (size_t i = 0; i < f->fields.n && !f->no_memory; i++) {
        struct header_field *field = &f->fields.list[i];
        if (field->key != key || field->hidden || !str_ieq(field->name, name))
            continue;
        add(f, form == FORM_RAW        ? field->value
               : form == FORM_UNFOLDED ? unfolded(pool, field->value)
                                       : decoded_line(pool, field));
    }
}

/* Does the field stand in the part of the header that the query asks for? `received` counts the
 * Received fields from the top, from 0; it is -1 above the first. */
static bool in_range(const struct finding *f, const struct relays *relays, long received,
                     bool is_received)
{
    switch (f->query->source) {
    case QUERY_ALL_TRUSTED:
        return received < relays->last_trusted + 1 ||
               (received == relays->last_trusted + 1 && is_received);
    case QUERY_ALL_INTERNAL:
        return received < relays->last_internal + 1 ||
               (received == relays->last_internal + 1 && is_received);
    case QUERY_ALL_UNTRUSTED:
        return received >= relays->last_trusted + 1;
    case QUERY_ALL_EXTERNAL:
        return received >= relays->last_internal + 1;
    default:
        return true;
    }
}

static struct str whole_line(struct finding *f, struct header_field *field)
{
    if (f->query->raw && field->whole.s)
        return header_line_ends(f->facts->pool, field->whole);
    if (field->hidden)
        return STR("");
    struct str line = decoded_line(f->facts->pool, field);
    const struct str texts[] = {field->name, STR(": "), line};
    return line.s ? pool_join(f->facts->pool, texts, sizeof texts / sizeof *texts) : line;
}

/* "Name: value" for each field. */
static void add_all(struct finding *f)
{
    const struct relays *relays = NULL;
    long received = -1;
    size_t size = 0;
    if (f->query->source != QUERY_ALL && (relays = facts_relays(f->facts)) == NULL) {
        f->no_memory = true;
        return;
    }
    for (size_t i = 0; i < f->fields.n && !f->no_memory; i++) {
        struct header_field *field = &f->fields.list[i];
        bool is_received = str_ieq(field->name, STR("Received"));
        received += is_received;
        if (relays && !in_range(f, relays, received, is_received))
            continue;
        struct str line = whole_line(f, field);
        if (line.s && line.n == 0)
            continue;
        size += line.n;
        if (size > HEADER_ALL_MAX) {
            f->values.truncated = f->facts->truncated = true;
            return;
        }
        add(f, line);
    }
}

static void add_message_ids(struct finding *f, enum form form)
{
    static const char *const names[] = {"X-Message-Id", "Resent-Message-Id",
                                        "X-Original-Message-ID", "Message-Id"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        add_fields(f, str_of(names[i]), form);
}

static void add_relays(struct finding *f)
{
    const struct relays *relays = facts_relays(f->facts);
    if (relays == NULL) {
        f->no_memory = true;
        return;
    }
    add(f, f->query->source == QUERY_RELAYS_TRUSTED     ? relays->trusted.text
           : f->query->source == QUERY_RELAYS_UNTRUSTED ? relays->untrusted.text
           : f->query->source == QUERY_RELAYS_INTERNAL  ? relays->internal.text
                                                        : relays->external.text);
}

/* The domains of From, or of the envelope's sender, where no field of the message says so. */
static void add_domains(struct finding *f)
{
    bool author = f->query->source == QUERY_AUTHOR_DOMAIN;
    add_fields(f, f->query->name, f->query->raw || f->query->what ? FORM_RAW : FORM_DECODED);
    if (f->values.n)
        return;
    const struct fact_values *hosts =
        facts_get_all(f->facts, author ? "From:addr:host" : "EnvelopeFrom:first:addr:host");
    struct str text = STR_EMPTY;
    for (size_t i = 0; i < hosts->n && (author || i == 0); i++) {
        bool seen = false;
        for (size_t k = 0; k < i && !seen; k++)
            seen = str_eq(hosts->list[k], hosts->list[i]);
        if (!seen)
            text = pool_strf(f->facts->pool, "%.*s%s%.*s", STR_ARG(text), text.n ? " " : "",
                             STR_ARG(hosts->list[i]));
    }
    if (hosts->n)
        add(f, pool_lower(f->facts->pool, text));
}

/* What was guessed of the text, where TextCat is on and no field of the message says so. */
static void add_languages(struct finding *f)
{
    add_fields(f, f->query->name, f->query->raw || f->query->what ? FORM_RAW : FORM_DECODED);
    if (f->values.n || f->facts->settings == NULL || !settings_languages(f->facts->settings))
        return;
    const struct fact_language *language = facts_language(f->facts);
    f->no_memory |= language == NULL;
    if (language)
        add(f, f->query->source == QUERY_LANGUAGES ? language->joined : language->length);
}

static void add_source(struct finding *f)
{
    const struct query *query = f->query;
    enum form joined = query->raw ? FORM_UNFOLDED : FORM_DECODED;
    switch (query->source) {
    case QUERY_ALL:
    case QUERY_ALL_TRUSTED:
    case QUERY_ALL_INTERNAL:
    case QUERY_ALL_UNTRUSTED:
    case QUERY_ALL_EXTERNAL:
        add_all(f);
        break;
    case QUERY_TO_CC:
        add_fields(f, STR("To"), joined);
        add_fields(f, STR("Cc"), joined);
        break;
    case QUERY_MESSAGE_ID:
        add_message_ids(f, joined);
        break;
    case QUERY_ENVELOPE_FROM: {
        struct str sender = facts_envelope_from(f->facts);
        if (sender.s)
            add(f, sender);
        break;
    }
    case QUERY_RELAYS_TRUSTED:
    case QUERY_RELAYS_INTERNAL:
    case QUERY_RELAYS_UNTRUSTED:
    case QUERY_RELAYS_EXTERNAL:
        add_relays(f);
        break;
    case QUERY_SENDER_DOMAIN:
    case QUERY_AUTHOR_DOMAIN:
        add_domains(f);
        break;
    case QUERY_LANGUAGES:
    case QUERY_LANGUAGES_LENGTH:
        add_languages(f);
        break;
    case QUERY_FIELD:
        add_fields(f, query->name, query->raw || query->what ? FORM_RAW : FORM_DECODED);
        break;
    }
}

/* Is it one that a whole header is no value of? Modifiers mean nothing there but :raw. */
static bool is_all(const struct query *query)
{
    return query->source == QUERY_ALL || query->source == QUERY_ALL_TRUSTED ||
           query->source == QUERY_ALL_INTERNAL || query->source == QUERY_ALL_UNTRUSTED ||
           query->source == QUERY_ALL_EXTERNAL;
}

static struct str clean_name(struct pool *pool, struct str name)
{
    struct str text = header_decode(pool, STR("From"), name);
    struct str trimmed = str_trim(text);
    if (trimmed.n == 0)
        return text.s ? name : text;
    char *to = pool_cstr(pool, trimmed);
    size_t n = 0;
    if (to == NULL)
        return STR_EMPTY;
    for (size_t i = 0; i < trimmed.n; i++) {
        if (!ascii_is_space(to[i]))
            to[n++] = to[i];
        else if (n && to[n - 1] != ' ')
            to[n++] = ' ';
    }
    bool quoted = n >= 2 && to[0] == '\'' && to[n - 1] == '\'';
    return quoted ? str_n(to + 1, n - 2) : str_n(to, n);
}

/* Each value gives way to the addresses, or names, in it. */
static void take_mailboxes(struct finding *f)
{
    struct fact_values whole = f->values;
    struct pool *pool = f->facts->pool;
    f->values = (struct fact_values){.truncated = whole.truncated};
    f->cap = 0;
    for (size_t i = 0; i < whole.n; i++) {
        struct mailboxes mailboxes;
        if (mailboxes_read(pool, whole.list[i], &mailboxes) < 0) {
            f->no_memory = true;
            return;
        }
        for (size_t k = 0; k < mailboxes.n; k++) {
            const struct mailbox *mailbox = &mailboxes.list[k];
            if (f->query->what == QUERY_ADDR && mailbox->address.s)
                add(f, mailbox->address);
            else if (f->query->what == QUERY_NAME && mailbox->name.s)
                add(f, f->query->raw ? mailbox->name : clean_name(pool, mailbox->name));
        }
    }
}

static void take_cut(struct finding *f)
{
    struct fact_values whole = f->values;
    f->values = (struct fact_values){.truncated = whole.truncated};
    f->cap = 0;
    for (size_t i = 0; i < whole.n; i++) {
        struct str found = header_cut(f->facts, f->query, whole.list[i]);
        if (found.s)
            add(f, found);
    }
}

static int find(struct finding *f)
{
    add_source(f);
    if (is_all(f->query) || f->values.n == 0)
        return f->no_memory ? -1 : 0;
    if (f->query->which == QUERY_LAST)
        f->values.list[0] = f->values.list[f->values.n - 1];
    if (f->query->which != QUERY_EVERY)
        f->values.n = 1;
    if (f->query->what != QUERY_VALUE)
        take_mailboxes(f);
    if (f->query->cut != QUERY_WHOLE)
        take_cut(f);
    return f->no_memory ? -1 : 0;
}

const struct fact_values *facts_header(struct facts *facts, const struct query *query)
{
    struct finding f = {.facts = facts, .query = query};
    struct fact_values *values = POOL_NEW(facts->pool, struct fact_values);
    if (values == NULL || header_fields(facts, &f.fields) < 0 || find(&f) < 0) {
        facts->no_memory = true;
        return NULL;
    }
    *values = f.values;
    return values;
}

/* As header rules see them: a line end between them unless each has its own. */
static struct str join(struct pool *pool, const struct fact_values *values, bool *truncated)
{
    size_t size = 0, n = 0;
    if (values->n == 1 && values->list[0].n <= HEADER_TEXT_MAX)
        return values->list[0];
    bool own_end = str_ends(values->list[0], STR("\n"));
    for (size_t i = 0; i < values->n; i++)
        size += values->list[i].n + 1;
    size_t room = size > HEADER_TEXT_MAX ? HEADER_TEXT_MAX : size;
    char *text = pool_alloc(pool, room + 1);
    if (text == NULL)
        return STR_EMPTY;
    *truncated |= size > room;
    for (size_t i = 0; i < values->n && n < room; i++) {
        struct str value = str_sub(values->list[i], 0, room - n);
        if (value.n)
            memcpy(text + n, value.s, value.n);
        n += value.n;
        if (!own_end && i + 1 < values->n && n < room)
            text[n++] = '\n';
    }
    return str_n(text, n);
}

static int joined(struct facts *facts, const struct fact_values *values, struct str *text,
                  bool *truncated)
{
    *text = STR_EMPTY;
    if (values->n == 0)
        return 0;
    *truncated |= values->truncated;
    *text = join(facts->pool, values, truncated);
    return text->s ? 0 : -1;
}

int header_find(struct facts *facts, const struct query *query, struct str *text, bool *truncated)
{
    const struct fact_values *values = facts_header(facts, query);
    return values ? joined(facts, values, text, truncated) : -1;
}

static void copy_field(const struct fact_field *from, struct header_fields *fields)
{
    fields->list[fields->n++] =
        (struct header_field){.name = from->name,
                              .key = header_key(from->name),
                              .value = str_sub(from->value, 0, HEADER_VALUE_MAX)};
}

/* As many fields as ALL can show; else the last of that name, the one that counts. */
static int fields_of_part(struct finding *f, const struct fact_part *part)
{
    size_t n = !is_all(f->query)                 ? 1
               : part->n_fields < HEADER_ALL_MAX ? part->n_fields
                                                 : HEADER_ALL_MAX;
    f->fields.list = POOL_ARRAY(f->facts->pool, n, struct header_field);
    if (f->fields.list == NULL)
        return -1;
    for (size_t i = 0; is_all(f->query) && i < n; i++)
        copy_field(&part->fields[i], &f->fields);
    for (size_t i = part->n_fields; f->fields.n == 0 && i > 0; i--) {
        if (str_ieq(part->fields[i - 1].name, f->query->name))
            copy_field(&part->fields[i - 1], &f->fields);
    }
    return 0;
}

int header_find_in_part(struct facts *facts, const struct fact_part *part,
                        const struct query *query, struct str *text, bool *truncated)
{
    struct finding f = {.facts = facts, .query = query};
    int result = part->parent ? fields_of_part(&f, part) : header_fields(facts, &f.fields);
    if (result < 0 || find(&f) < 0)
        return -1;
    if (f.values.n && !is_all(query)) {
        f.values.list[0] = f.values.list[f.values.n - 1];
        f.values.n = 1;
    }
    if (joined(facts, &f.values, text, truncated) < 0)
        return -1;
    if (text->s == NULL && query->raw) /* raw_header() finds an empty value then */
        *text = STR("");
    return 0;
}
