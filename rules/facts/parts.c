#include "rules/facts/parts.h"

#include "base/ascii.h"
#include "rules/facts/content_type.h"
#include "rules/facts/decode.h"
#include "rules/facts/header.h"
#include "rules/facts/parts_lines.h"

#define HEADER_ERRORS_MAX 3   /* lines that are no field; the next one begins the body */
#define FIELD_NAME_MAX    256 /* bytes; of the message's own header */
#define FIELD_VALUE_MAX   8192

struct parse {
    struct facts *facts;
    struct pool *pool;
    struct fact_parts *parts;
    size_t list_cap;
    bool no_memory;
};

/* The text of a multipart, read line by line. */
struct cursor {
    struct str text;
    size_t at;   /* the line that was read begins here */
    size_t next; /* and the next one here */
};

static bool next_line(struct cursor *cursor, struct str *line)
{
    if (cursor->next >= cursor->text.n)
        return false;
    cursor->at = cursor->next;
    cursor->next = line_after(cursor->text, cursor->at);
    *line = str_sub(cursor->text, cursor->at, cursor->next);
    return true;
}

static struct fact_part *new_part(struct parse *parse, struct fact_part *parent)
{
    struct fact_parts *parts = parse->parts;
    struct fact_part *part = POOL_NEW(parse->pool, struct fact_part);
    struct fact_part **list =
        pool_grow(parse->pool, parts->list, parts->n, &parse->list_cap, sizeof(struct fact_part *));
    if (part == NULL || list == NULL) {
        parse->no_memory = true;
        return NULL;
    }
    part->parent = parent;
    part->depth = parent ? parent->depth + 1 : 0;
    part->index = (unsigned)parts->n;
    part->leaf = true;
    parts->list = list;
    list[parts->n++] = part;
    return part;
}

static void add_field(struct parse *parse, struct fact_part *part, struct str name,
                      struct str value, size_t *cap)
{
    struct fact_field *fields =
        pool_grow(parse->pool, part->fields, part->n_fields, cap, sizeof(struct fact_field));
    if (fields == NULL) {
        parse->no_memory = true;
        return;
    }
    part->fields = fields;
    fields[part->n_fields++] = (struct fact_field){name, value};
}

/* A field of the message's own header, blanks before the colon left out. */
static void add_message_field(struct parse *parse, struct fact_part *part, struct str field,
                              size_t *cap)
{
    size_t colon = str_chr(field, ':');
    if (colon == STR_NONE)
        return;
    parse->facts->truncated |= colon > FIELD_NAME_MAX || field.n - colon - 1 > FIELD_VALUE_MAX;
    struct str name = str_sub(field, 0, colon);
    while (name.n && (name.s[name.n - 1] == ' ' || name.s[name.n - 1] == '\t'))
        name.n--;
    add_field(parse, part, str_sub(name, 0, FIELD_NAME_MAX),
              str_sub(field, colon + 1, colon + 1 + FIELD_VALUE_MAX), cap);
}

/* A field of a part's header: blanks before the colon stay, those behind it don't. */
static void add_part_field(struct parse *parse, struct fact_part *part, struct str field,
                           size_t *cap)
{
    size_t colon = str_chr(field, ':');
    size_t at = colon + 1;
    while (at < field.n && ascii_is_space(field.s[at]))
        at++;
    add_field(parse, part, str_sub(field, 0, colon), str_from(field, at), cap);
}

/* Reads the header at the text's start; returns the body. */
static struct str read_header(struct parse *parse, struct fact_part *part, struct str text,
                              bool *bad)
{
    struct cursor cursor = {.text = text};
    struct str line;
    size_t from = STR_NONE, cap = 0;
    unsigned errors = 0;
    while (next_line(&cursor, &line)) {
        if (line.s[0] == ' ' || line.s[0] == '\t') {
            from = from == STR_NONE ? cursor.at : from;
            continue;
        }
        if (from != STR_NONE)
            add_message_field(parse, part, str_sub(text, from, cursor.at), &cap);
        if (str_eq(line, STR("\n")))
            return str_from(text, cursor.next);
        if (str_starts(line, STR("--")) ||
            (!lines_is_field(line, true) && ++errors > HEADER_ERRORS_MAX)) {
            *bad = true;
            return str_from(text, cursor.at);
        }
        from = cursor.at;
    }
    if (from != STR_NONE)
        add_message_field(parse, part, str_from(text, from), &cap);
    *bad = true;
    return STR_EMPTY;
}

/* What the part's header says of it. `boundary` is that of the multipart around it. */
static void interpret(struct parse *parse, struct fact_part *part, struct str boundary)
{
    struct content_type type;
    struct str value = fact_field(parse->facts, part, STR("content-type"));
    struct str disposition = fact_field(parse->facts, part, STR("content-disposition"));
    if (!content_type_read(parse->pool, value, &type)) {
        parse->no_memory = true;
        type = (struct content_type){.type = STR("text/plain")};
    }
    part->boundary = type.boundary.n ? type.boundary : boundary;
    part->charset = type.charset;
    part->type = type.type;
    bool digest = part->parent && str_eq(part->parent->type, STR("multipart/digest"));
    if (type.missing && digest)
        part->type = STR("message/rfc822");
    if (part->boundary.s == NULL && str_starts(part->type, STR("multipart/")))
        part->type = STR("text/plain");
    part->name = disposition_name(disposition);
    if (part->name.n == 0)
        part->name = type.name;
    bool html = str_iends(part->name, STR(".htm")) || str_iends(part->name, STR(".html")) ||
                str_iends(part->name, STR(".shtm")) || str_iends(part->name, STR(".shtml"));
    part->effective = html ? STR("text/html") : part->type;
}

static void parse_body(struct parse *parse, struct fact_part *part, unsigned levels, bool blank);

/* A message inside: its header and body become the one child. */
static void parse_inner(struct parse *parse, struct fact_part *part, unsigned levels)
{
    struct str text = fact_part_decoded(parse->facts, part);
    bool bad = false;
    if (text.n == 0 || parse->no_memory)
        return;
    struct fact_part *child = new_part(parse, part);
    if (child == NULL)
        return;
    part->child = child;
    part->leaf = false;
    if (lines_is_crlf(text))
        text = decode_crlf(parse->pool, text);
    struct str body = read_header(parse, child, lines_without_mailbox(text), &bad);
    child->raw = lines_squeeze(parse->pool, body);
    if (body.n && child->raw.s == NULL)
        parse->no_memory = true;
    interpret(parse, child, STR_EMPTY);
    parse_body(parse, child, levels, true);
}

/* One part of a multipart while it is read. */
struct reading {
    struct fact_part *part;
    size_t field; /* the field that is being read began here, or STR_NONE */
    size_t body;  /* the body began here, or STR_NONE */
    size_t cap;
    bool nested; /* it names the same boundary as the multipart around it */
};

static void end_field(struct parse *parse, struct reading *reading, struct str text, size_t end)
{
    if (reading->field == STR_NONE)
        return;
    add_part_field(parse, reading->part, str_sub(text, reading->field, end), &reading->cap);
    reading->field = STR_NONE;
}

/* A line of a part that is no delimiter. */
static void read_line(struct parse *parse, struct reading *reading, const struct cursor *cursor,
                      struct str line, struct str boundary)
{
    if (reading->body != STR_NONE)
        return;
    if (lines_is_field(line, true)) {
        end_field(parse, reading, cursor->text, cursor->at);
        reading->field = cursor->at;
        return;
    }
    if (reading->field != STR_NONE && (line.s[0] == ' ' || line.s[0] == '\t'))
        return;
    struct str last = str_sub(cursor->text, reading->field, cursor->at);
    bool type = reading->field != STR_NONE && str_istarts(last, STR("content-type:"));
    end_field(parse, reading, cursor->text, cursor->at);
    if (type) {
        struct content_type own;
        if (content_type_read(parse->pool,
                              fact_field(parse->facts, reading->part, STR("content-type")), &own))
            reading->nested |= own.boundary.n && str_eq(own.boundary, boundary);
    }
    reading->body = cursor->at;
    if (str_eq(line, STR("\n")) || str_eq(line, STR("\r\n")))
        reading->body = cursor->next;
    else
        parse->parts->missing_mime_separator = true;
}

/* The line end before a delimiter belongs to the delimiter. */
static void end_part(struct parse *parse, struct reading *reading, struct str text, size_t end,
                     bool delimited, struct str boundary)
{
    struct fact_part *part = reading->part;
    if (reading->body != STR_NONE && end > reading->body) {
        part->raw = str_sub(text, reading->body, end);
        if (delimited && part->raw.s[part->raw.n - 1] == '\n')
            part->raw.n--;
    }
    interpret(parse, part, boundary);
}

/* Position behind the opening delimiter; 0 when there is none. */
static size_t skip_preamble(struct parse *parse, struct str text, struct str boundary, bool *found)
{
    struct cursor cursor = {.text = text};
    struct str line;
    bool closing;
    *found = false;
    while (next_line(&cursor, &line)) {
        if (!lines_is_delimiter(line, boundary, &closing) || closing)
            continue;
        *found = true;
        struct str after = str_sub(text, cursor.next, line_after(text, cursor.next));
        if (after.n && !lines_is_field(after, false))
            parse->parts->missing_mime_headers = true;
        return cursor.next;
    }
    return 0;
}

static void note_epilogue(struct parse *parse, struct str text)
{
    for (size_t i = 0; i < text.n && !parse->parts->epilogue; i++)
        parse->parts->epilogue = text.s[i] != '.' && !ascii_is_space(text.s[i]);
}

/* Links a new part in behind the one before it; NULL at a limit. */
static struct fact_part *begin_part(struct parse *parse, struct fact_part *parent,
                                    struct fact_part **last, unsigned n)
{
    if (n == PARTS_SIBLINGS_MAX || parse->parts->n >= PARTS_MAX) {
        parse->parts->limited = true;
        parse->facts->truncated = true;
        return NULL;
    }
    struct fact_part *part = new_part(parse, parent);
    if (part && *last)
        (*last)->next = part;
    else if (part)
        parent->child = part;
    *last = part;
    return part;
}

static void parse_children(struct parse *parse, struct fact_part *parent, unsigned levels)
{
    for (struct fact_part *part = parent->child; part && !parse->no_memory; part = part->next)
        parse_body(parse, part, levels, false);
}

/*
 * Cuts a multipart's text into its parts. As SpamAssassin has it, a last line that is no delimiter
 * belongs to the body even where the header did not end.
 */
static void parse_multipart(struct parse *parse, struct fact_part *parent, bool blank)
{
    struct str text = parent->raw, line;
    struct fact_part *last = NULL;
    bool opened, closing = false, nested = false;
    struct cursor cursor = {.text = text};
    cursor.next = skip_preamble(parse, text, parent->boundary, &opened);
    struct reading reading = {.field = STR_NONE, .body = STR_NONE};
    if (!opened && blank && !lines_is_blank(str_sub(text, 0, line_after(text, 0))))
        reading.body = 0;
    for (unsigned n = 0; next_line(&cursor, &line) && !parse->no_memory;) {
        if (reading.part == NULL && (reading.part = begin_part(parse, parent, &last, n)) == NULL)
            break;
        bool delimiter = lines_is_delimiter(line, parent->boundary, &closing);
        if (delimiter && nested) {
            nested = !closing;
            delimiter = false;
        }
        bool ends = cursor.next >= text.n;
        if (!delimiter && ends && reading.body == STR_NONE)
            reading.body = cursor.at;
        if (!delimiter && !ends) {
            read_line(parse, &reading, &cursor, line, parent->boundary);
            nested |= reading.nested;
            reading.nested = false;
            continue;
        }
        end_part(parse, &reading, text, delimiter ? cursor.at : cursor.next, delimiter,
                 parent->boundary);
        if (delimiter && closing) {
            note_epilogue(parse, str_from(text, cursor.next));
            break;
        }
        struct str after = str_sub(text, cursor.next, line_after(text, cursor.next));
        if (after.n && !lines_is_field(after, false))
            parse->parts->missing_mime_headers = true;
        reading = (struct reading){.field = STR_NONE, .body = STR_NONE};
        n++;
    }
    parse->parts->unclosed |= opened && !closing;
    parent->leaf = false;
    parent->raw = parent->charset = parent->name = STR_EMPTY;
    parent->effective = parent->type;
}

/* Lines of a multipart's part are at most PARTS_LINE_MAX bytes: what is longer is cut, once for
 * each multipart around it. */
static void cut_lines(struct parse *parse, struct fact_part *part)
{
    unsigned times = 0;
    for (const struct fact_part *p = part->parent; p; p = p->parent) {
        if (!str_starts(p->type, STR("multipart/")))
            break;
        times++;
    }
    struct str cut = lines_cut(parse->pool, part->raw, PARTS_LINE_MAX, times);
    if (part->raw.n && cut.s == NULL)
        parse->no_memory = true;
    part->raw = cut;
}

/* `blank`: the body stands for itself, behind a header with an empty line. */
static void parse_body(struct parse *parse, struct fact_part *part, unsigned levels, bool blank)
{
    if (str_starts(part->type, STR("multipart/")) && part->boundary.s && levels > 0) {
        parse_multipart(parse, part, blank);
        parse_children(parse, part, levels - 1);
        return;
    }
    cut_lines(parse, part);
    bool message =
        str_eq(part->type, STR("message/rfc822")) || str_eq(part->type, STR("message/global"));
    if (message && levels > 0 && parse->parts->n < PARTS_MAX)
        parse_inner(parse, part, levels - 1);
}

/* The list in the order of the text: parts are made level by level. */
static void put_in_order(struct fact_parts *parts)
{
    struct fact_part *part = parts->root;
    size_t n = 0;
    while (part) {
        part->index = (unsigned)n;
        parts->list[n++] = part;
        if (part->child) {
            part = part->child;
            continue;
        }
        while (part && part->next == NULL)
            part = part->parent;
        part = part ? part->next : NULL;
    }
    parts->n = n;
}

static struct fact_parts *make_parts(struct facts *facts)
{
    struct pool *pool = facts->pool;
    struct fact_parts *parts = POOL_NEW(pool, struct fact_parts);
    struct str text = lines_without_mailbox(facts->input->message->raw);
    struct parse parse = {.facts = facts, .pool = pool, .parts = parts};
    if (parts == NULL || (parts->root = new_part(&parse, NULL)) == NULL)
        return NULL;
    parts->crlf = lines_is_crlf(text);
    struct str lf = parts->crlf ? decode_crlf(pool, text) : text;
    parts->body = read_header(&parse, parts->root, lf, &parts->bad_headers);
    parts->header_lines = lines_count(str_sub(lf, 0, lf.n - parts->body.n));
    parts->root->raw = lines_squeeze(pool, parts->body);
    if (parts->body.n && parts->root->raw.s == NULL)
        return NULL;
    interpret(&parse, parts->root, STR_EMPTY);
    parse_body(&parse, parts->root, PARTS_DEPTH_MAX, true);
    put_in_order(parts);
    return parse.no_memory ? NULL : parts;
}

const struct fact_parts *facts_parts(struct facts *facts)
{
    if (facts->made[FACT_PARTS] == NULL)
        facts->made[FACT_PARTS] = make_parts(facts);
    return facts->made[FACT_PARTS];
}

struct str fact_field_raw(const struct fact_part *part, struct str name)
{
    for (size_t i = part->n_fields; i > 0; i--) {
        if (str_ieq(part->fields[i - 1].name, name))
            return part->fields[i - 1].value;
    }
    return STR_EMPTY;
}

struct str fact_field(struct facts *facts, const struct fact_part *part, struct str name)
{
    struct str raw = fact_field_raw(part, name);
    return raw.s ? header_decode(facts->pool, name, raw) : STR_EMPTY;
}

struct str fact_part_decoded(struct facts *facts, struct fact_part *part)
{
    if (part->is_decoded || !part->leaf)
        return part->decoded;
    struct str encoding = fact_field(facts, part, STR("content-transfer-encoding"));
    part->decoded = part->raw.s ? part->raw : STR("");
    if (str_ieq(encoding, STR("quoted-printable"))) {
        part->decoded = decode_qp(facts->pool, part->raw);
    } else if (str_ieq(encoding, STR("base64"))) {
        part->decoded = decode_base64(facts->pool, part->raw);
        bool text = str_starts(part->type, STR("text")) || str_starts(part->type, STR("message"));
        if (part->decoded.s && text)
            part->decoded = decode_crlf(facts->pool, part->decoded);
    }
    part->is_decoded = true;
    return part->decoded;
}
