#include "antivirus/outside/icap_response.h"

#define STATUS_DIGITS 3

/* What a step makes of what is there. */
enum step { STEP_ON, STEP_MORE, STEP_WHOLE, STEP_BAD };

void icap_response_init(struct icap_response *r)
{
    *r = (struct icap_response){.head = BUF_INIT(ICAP_HEAD_MAX), .http = BUF_INIT(ICAP_HEAD_MAX)};
    icap_response_clear(r, STR_EMPTY);
}

void icap_response_release(struct icap_response *r)
{
    buf_release(&r->head);
    buf_release(&r->http);
}

void icap_response_clear(struct icap_response *r, struct str sent)
{
    struct buf head = r->head, http = r->http;
    buf_clear(&head);
    buf_clear(&http);
    *r = (struct icap_response){
        .head = head, .http = http, .same = true, .sent = sent, .http_response = STR_NONE};
}

static enum step bad(struct err *err, const char *why)
{
    err_set(err, "%s", why);
    return STEP_BAD;
}

/* --- fields --- */

/* The next line with what is folded onto it, without its end. */
static bool next_field(struct str *rest, struct str *field)
{
    struct str line;
    if (!str_next_line(rest, &line))
        return false;
    *field = line;
    while (rest->n > 0 && (rest->s[0] == ' ' || rest->s[0] == '\t')) {
        str_next_line(rest, &line);
        field->n = (size_t)(line.s + line.n - field->s);
    }
    return true;
}

static size_t count_fields(struct str head, const char *name)
{
    struct str field;
    size_t n = 0;
    while (next_field(&head, &field))
        n += str_ieq(str_sub(field, 0, str_chr(field, ':')), str_of(name)) &&
             str_chr(field, ':') != STR_NONE;
    return n;
}

bool icap_next_field(struct str *head, const char *name, struct str *value)
{
    struct str field;
    while (next_field(head, &field)) {
        size_t colon = str_chr(field, ':');
        if (colon == STR_NONE || !str_ieq(str_sub(field, 0, colon), str_of(name)))
            continue;
        *value = str_trim(str_from(field, colon + 1));
        return true;
    }
    return false;
}

bool icap_field(struct str head, const char *name, struct str *value)
{
    return icap_next_field(&head, name, value);
}

/* "ICAP/1.0 200 OK" or "HTTP/1.1 403 Forbidden"; 0: it is none. */
static unsigned status_of(struct str head, const char *protocol)
{
    struct str line;
    uint64_t status;
    if (!str_next_line(&head, &line) || !str_starts(line, str_of(protocol)))
        return 0;
    struct str rest = str_from(line, strlen(protocol));
    if (rest.n < STATUS_DIGITS + 2 || rest.s[1] != ' ' ||
        (rest.n > STATUS_DIGITS + 2 && rest.s[STATUS_DIGITS + 2] != ' ') ||
        !str_to_u64(str_sub(rest, 2, STATUS_DIGITS + 2), 999, &status))
        return 0;
    return (unsigned)status;
}

struct str icap_reason(const struct icap_response *r)
{
    struct str head = buf_str(&r->head), line;
    if (!str_next_line(&head, &line))
        return STR_EMPTY;
    size_t from = strlen("ICAP/1.0 200 ");
    return str_trim(str_from(line, from));
}

/* --- head --- */

/* Where the empty line ends; `head` is what stands before it. STR_NONE: it has not come. */
static size_t end_of_head(struct str bytes, struct str *head)
{
    size_t at = 0;
    for (size_t end; (end = str_chr(str_from(bytes, at), '\n')) != STR_NONE;) {
        struct str line = str_sub(bytes, at, at + end);
        if (line.n == 0 || (line.n == 1 && line.s[0] == '\r')) {
            *head = str_sub(bytes, 0, at);
            return at + end + 1;
        }
        at += end + 1;
    }
    return STR_NONE;
}

/* One item of Encapsulated: "res-hdr=137" (RFC 3507 4.4.1). */
static bool take_part(struct icap_response *r, struct str item, size_t *before, bool *last)
{
    static const char *const headers[] = {"req-hdr", "res-hdr"};
    static const char *const bodies[] = {"req-body", "res-body", "opt-body", "null-body"};
    uint64_t at;
    size_t equals = str_chr(item, '=');
    struct str name = str_trim(str_sub(item, 0, equals));
    if (*last || equals == STR_NONE ||
        !str_to_u64(str_trim(str_from(item, equals + 1)), ICAP_HEAD_MAX, &at) || at < *before)
        return false;
    *before = (size_t)at;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        if (str_ieq(name, str_of(bodies[i]))) {
            *last = true;
            r->http_size = (size_t)at;
            r->has_body = strcmp(bodies[i], "null-body") != 0;
            return true;
        }
    if (str_ieq(name, str_of(headers[1])) && r->http_response == STR_NONE) {
        r->http_response = (size_t)at;
        return true;
    }
    return str_ieq(name, str_of(headers[0]));
}

static bool read_encapsulated(struct icap_response *r, struct str value)
{
    struct str item;
    size_t before = 0;
    bool last = false;
    while (str_next(&value, ',', &item))
        if (!take_part(r, item, &before, &last))
            return false;
    return last;
}

static enum step take_head(struct icap_response *r, struct buf *in, struct err *err)
{
    struct str head, value;
    size_t end = end_of_head(str_sub(buf_str(in), 0, ICAP_HEAD_MAX), &head);
    if (end == STR_NONE)
        return in->n < ICAP_HEAD_MAX ? STEP_MORE : bad(err, "a head that does not end");
    if (str_chr(head, '\0') != STR_NONE)
        return bad(err, "NUL in its head");
    buf_add(&r->head, head);
    buf_eat(in, end);
    if (!buf_ok(&r->head))
        return bad(err, "out of memory");
    r->status = status_of(buf_str(&r->head), "ICAP/1.");
    if (r->status == 0)
        return bad(err, "no status line of ICAP/1.0");
    bool encapsulates = icap_field(buf_str(&r->head), "Encapsulated", &value);
    if (encapsulates &&
        (count_fields(buf_str(&r->head), "Encapsulated") > 1 || !read_encapsulated(r, value)))
        return bad(err, "a field Encapsulated that can't be understood");
    r->state = r->http_size > 0 ? ICAP_IN_HTTP : r->has_body ? ICAP_IN_SIZE : ICAP_AT_END;
    return STEP_ON;
}

static enum step take_http(struct icap_response *r, struct buf *in, struct err *err)
{
    size_t missing = r->http_size - r->http.n;
    struct str some = str_sub(buf_str(in), 0, missing);
    buf_add(&r->http, some);
    buf_eat(in, some.n);
    if (!buf_ok(&r->http))
        return bad(err, "out of memory");
    if (some.n < missing)
        return STEP_MORE;
    if (r->http_response != STR_NONE)
        r->http_status = status_of(str_from(buf_str(&r->http), r->http_response), "HTTP/1.");
    if (r->http_response != STR_NONE && r->http_status == 0)
        return bad(err, "encapsulated headers that are no HTTP response");
    r->state = r->has_body ? ICAP_IN_SIZE : ICAP_AT_END;
    return STEP_ON;
}

/* --- body (RFC 2616 3.6.1) --- */

/* A line, with CR LF or LF at its end, off the front; STEP_ON: it is there. */
static enum step take_line(struct buf *in, char *line, struct err *err)
{
    struct str text = str_sub(buf_str(in), 0, ICAP_LINE_MAX);
    size_t end = str_chr(text, '\n');
    if (end == STR_NONE)
        return in->n < ICAP_LINE_MAX ? STEP_MORE : bad(err, "a line in its body is too long");
    if (!str_copy(str_trim(str_sub(text, 0, end)), line, ICAP_LINE_MAX))
        return bad(err, "NUL in a line of its body");
    buf_eat(in, end + 1);
    return STEP_ON;
}

static bool read_hex(const char *line, uint64_t *n)
{
    size_t digits = 0;
    *n = 0;
    for (; digits < 16; digits++) {
        char c = str_lower_char(line[digits]);
        if (c >= '0' && c <= '9')
            *n = *n * 16 + (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            *n = *n * 16 + (uint64_t)(c - 'a' + 10);
        else
            break;
    }
    char next = line[digits];
    return digits > 0 && (next == '\0' || next == ';' || next == ' ' || next == '\t');
}

static enum step take_size(struct icap_response *r, struct buf *in, struct err *err)
{
    char line[ICAP_LINE_MAX];
    enum step step = take_line(in, line, err);
    if (step != STEP_ON)
        return step;
    if (!read_hex(line, &r->chunk))
        return bad(err, "a chunk without a size");
    if (r->chunk > r->sent.n + ICAP_EXTRA_MAX - r->body)
        return bad(err, "a body much longer than what was sent");
    r->state = r->chunk > 0 ? ICAP_IN_CHUNK : ICAP_IN_TRAILER;
    return STEP_ON;
}

static enum step take_chunk(struct icap_response *r, struct buf *in)
{
    size_t n = r->chunk < in->n ? (size_t)r->chunk : in->n;
    if (n == 0)
        return STEP_MORE;
    struct str as_sent = str_sub(r->sent, (size_t)r->body, (size_t)r->body + n);
    r->same = r->same && str_eq(as_sent, str_sub(buf_str(in), 0, n));
    r->body += n;
    r->chunk -= n;
    buf_eat(in, n);
    if (r->chunk == 0)
        r->state = ICAP_IN_CHUNK_END;
    return STEP_ON;
}

static enum step take_chunk_end(struct icap_response *r, struct buf *in, struct err *err)
{
    char line[ICAP_LINE_MAX];
    enum step step = take_line(in, line, err);
    if (step != STEP_ON)
        return step;
    r->state = ICAP_IN_SIZE;
    return line[0] == '\0' ? STEP_ON : bad(err, "a chunk that is longer than it says");
}

static enum step take_trailer(struct icap_response *r, struct buf *in, struct err *err)
{
    char line[ICAP_LINE_MAX];
    enum step step = take_line(in, line, err);
    if (step != STEP_ON)
        return step;
    if (line[0] == '\0')
        r->state = ICAP_AT_END;
    r->trailers += strlen(line) + 1;
    return r->trailers < ICAP_HEAD_MAX ? STEP_ON : bad(err, "trailers that do not end");
}

static enum step take(struct icap_response *r, struct buf *in, struct err *err)
{
    switch (r->state) {
    case ICAP_IN_HEAD:
        return take_head(r, in, err);
    case ICAP_IN_HTTP:
        return take_http(r, in, err);
    case ICAP_IN_SIZE:
        return take_size(r, in, err);
    case ICAP_IN_CHUNK:
        return take_chunk(r, in);
    case ICAP_IN_CHUNK_END:
        return take_chunk_end(r, in, err);
    case ICAP_IN_TRAILER:
        return take_trailer(r, in, err);
    case ICAP_AT_END:
        break;
    }
    return STEP_WHOLE;
}

enum icap_read icap_response_read(struct icap_response *r, struct buf *in, struct err *err)
{
    enum step step;
    do
        step = take(r, in, err);
    while (step == STEP_ON);
    return step == STEP_WHOLE ? ICAP_WHOLE : step == STEP_MORE ? ICAP_MORE : ICAP_BAD;
}

bool icap_response_echoes(const struct icap_response *r)
{
    return r->state == ICAP_AT_END && r->has_body && r->same && r->body == r->sent.n;
}
