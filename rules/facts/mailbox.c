#include "rules/facts/mailbox.h"

#include "base/ascii.h"

#define LABEL_MAX 63
#define HOST_MAX  253

/* One mailbox as it stands in the value. */
struct spans {
    struct str phrase, address, comment; /* .s NULL: none */
    bool enclosed;                       /* the address stood in <> */
};

struct reading {
    struct pool *pool;
    struct mailboxes *out;
    size_t cap;
    bool no_memory;
};

static size_t blanks(struct str x, size_t at)
{
    while (at < x.n && ascii_is_space(x.s[at]))
        at++;
    return at;
}

static bool one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* Position behind a quoted string or comment that begins at `at`; `at` when it has no end. */
static size_t behind(struct str x, size_t at, char close)
{
    for (size_t i = at + 1; i < x.n; i++) {
        if (x.s[i] == close)
            return i + 1;
        if (x.s[i] == '\\')
            i++;
        else if (close == ')' && x.s[i] == '(')
            return at;
    }
    return at;
}

/* *quoted is set behind its last quoted string. */
static size_t phrase_end(struct str x, size_t at, size_t *quoted)
{
    *quoted = at;
    while (at < x.n) {
        if (x.s[at] == '"') {
            size_t end = behind(x, at, '"');
            if (end == at)
                return at;
            *quoted = at = end;
        } else if (one_of(x.s[at], ",;<")) {
            return at;
        } else {
            at++;
        }
    }
    return at;
}

/* Position behind "user@host" at `at`; `at` when there is none. */
static size_t mail_end(struct str x, size_t at)
{
    size_t i = at;
    if (i < x.n && x.s[i] == '"')
        i = behind(x, i, '"');
    if (i == at || i >= x.n || x.s[i] != '@') {
        for (i = at; i < x.n && !ascii_is_space(x.s[i]) && !one_of(x.s[i], "@<>()[],:;"); i++)
            ;
    }
    if (i == at || i >= x.n || x.s[i] != '@')
        return at;
    size_t host = ++i;
    while (i < x.n && !ascii_is_space(x.s[i]) && !one_of(x.s[i], "\"<>()[],:;"))
        i++;
    if (i > host)
        return i;
    if (i >= x.n || x.s[i] != '[')
        return at;
    for (i++; i < x.n && ((x.s[i] >= '0' && x.s[i] <= '9') || one_of(x.s[i], ":.")); i++)
        ;
    return i > host + 1 && i < x.n && x.s[i] == ']' ? i + 1 : at;
}

/* Position behind the comma or the end that must follow a mailbox; STR_NONE: something else. */
static size_t finish_end(struct str x, size_t at)
{
    at = blanks(x, at);
    if (at == x.n)
        return at;
    return one_of(x.s[at], ",;") ? at + 1 : STR_NONE;
}

static size_t rest_end(struct str x, size_t at, struct spans *spans)
{
    size_t open = blanks(x, at);
    if (open < x.n && x.s[open] == '(') {
        size_t close = behind(x, open, ')');
        size_t end = close > open ? finish_end(x, close) : STR_NONE;
        if (end != STR_NONE) {
            spans->comment = str_sub(x, open + 1, close - 1);
            return end;
        }
    }
    return finish_end(x, at);
}

/* Behind further "<…>" that repeat the address. */
static size_t skip_repeated(struct str x, size_t at)
{
    for (;;) {
        size_t open = blanks(x, at);
        if (open >= x.n || x.s[open] != '<')
            return at;
        size_t from = blanks(x, open + 1), i = from;
        if (i < x.n && x.s[i] == '"')
            i = behind(x, i, '"');
        while (i < x.n && !ascii_is_space(x.s[i]))
            i++;
        i = blanks(x, i);
        size_t close = i < x.n && x.s[i] == '>' ? i : str_rchr(str_sub(x, 0, i), '>');
        if (close == STR_NONE || close < from)
            return at;
        at = close + 1;
    }
}

/* "<address>" at `at`, as far to the right as what follows allows. */
static size_t enclosed_end(struct str x, size_t at, struct spans *spans)
{
    size_t from = blanks(x, at + 1), last = from;
    while (last < x.n && !one_of(x.s[last], ">@"))
        last++;
    while (last < x.n && !ascii_is_space(x.s[last]))
        last++;
    last = blanks(x, last);
    last = last < x.n && x.s[last] == '>' ? last + 1 : last;
    for (size_t tries = 0; tries < MAILBOX_TRIES_MAX; tries++) {
        size_t close = str_rchr(str_sub(x, 0, last), '>');
        if (close == STR_NONE || close < from)
            break;
        struct str inside = str_trim(str_sub(x, from, close));
        size_t end = rest_end(x, skip_repeated(x, close + 1), spans);
        if (end == STR_NONE)
            end = rest_end(x, close + 1, spans);
        if (end != STR_NONE) {
            spans->address = inside.s ? inside : STR("");
            spans->enclosed = true;
            return end;
        }
        last = close;
    }
    return STR_NONE;
}

/* Takes one mailbox; returns the position behind it, STR_NONE when there is none. */
static size_t take(struct str x, struct spans *spans)
{
    size_t from = blanks(x, 0), quoted;
    size_t phrase = phrase_end(x, from, &quoted);
    *spans = (struct spans){.enclosed = false};
    if (phrase < x.n && x.s[phrase] == '<') {
        size_t end = enclosed_end(x, phrase, spans);
        if (end != STR_NONE) {
            if (phrase > from)
                spans->phrase = str_sub(x, from, phrase);
            return end;
        }
        *spans = (struct spans){.enclosed = false};
    }
    size_t mail = mail_end(x, from);
    size_t end = mail > from ? rest_end(x, mail, spans) : STR_NONE;
    if (end != STR_NONE) {
        spans->address = str_sub(x, from, mail);
        return end;
    }
    *spans = (struct spans){.enclosed = false};
    end = phrase > from ? rest_end(x, phrase, spans) : STR_NONE;
    if (end == STR_NONE && quoted > from) { /* `"name" (comment)` */
        phrase = quoted;
        end = rest_end(x, phrase, spans);
    }
    if (end != STR_NONE)
        spans->phrase = str_sub(x, from, phrase);
    return end;
}

/* Without comments, and with `quoted` what stands in quotes taken out of them. .s NULL: no
 * memory. */
static struct str plain(struct pool *pool, struct str x, bool quoted)
{
    char *to = pool_alloc(pool, x.n + 1);
    size_t n = 0;
    if (to == NULL)
        return STR_EMPTY;
    for (size_t i = 0; i < x.n;) {
        size_t end = i;
        if (quoted && x.s[i] == '"')
            end = behind(x, i, '"');
        if (end > i) {
            for (size_t k = i + 1; k + 1 < end; k++) {
                if (x.s[k] != '\\')
                    to[n++] = x.s[k];
            }
            i = end;
            continue;
        }
        if (x.s[i] == '(')
            end = behind(x, i, ')');
        if (end > i)
            i = end;
        else
            to[n++] = x.s[i++];
    }
    return str_n(to, n);
}

static bool address_is_likely(struct str address)
{
    size_t quotes = 0;
    for (size_t i = 0; i < address.n; i++)
        quotes += address.s[i] == '"';
    return quotes != 1 && !str_starts(address, STR("\"\"@"));
}

static bool label_is_valid(struct str label, size_t left)
{
    if (label.n == 0 || label.n > LABEL_MAX || label.s[0] == '-' || label.s[label.n - 1] == '-')
        return false;
    for (size_t i = 0; i < label.n; i++) {
        char c = label.s[i];
        bool letter = ascii_is_alnum(c) || c == '-';
        if (!letter && (c != '_' || left <= 2))
            return false;
    }
    return true;
}

bool mailbox_host_is_valid(struct str host)
{
    size_t dots = 0;
    struct str label;
    while (host.n && host.s[host.n - 1] == '.')
        host.n--;
    for (size_t i = 0; i < host.n; i++)
        dots += host.s[i] == '.';
    if (dots == 0 || host.n > HOST_MAX)
        return false;
    for (size_t left = dots + 1; str_next(&host, '.', &label); left--) {
        if (!label_is_valid(label, left))
            return false;
    }
    return true;
}

/* "a@b@c" is a@b. */
static struct str first_address(struct str address)
{
    size_t at = str_chr(address, '@');
    if (at == STR_NONE)
        return address;
    size_t next = str_chr(str_from(address, at + 1), '@');
    return next == STR_NONE ? address : str_sub(address, 0, at + 1 + next);
}

static bool is_address(struct str x)
{
    if (x.n == 0 || mail_end(x, 0) != x.n || !address_is_likely(x))
        return false;
    return mailbox_host_is_valid(str_from(first_address(x), str_chr(x, '@') + 1));
}

static void add(struct reading *r, struct mailbox mailbox)
{
    struct mailbox *list = pool_grow(r->pool, r->out->list, r->out->n, &r->cap, sizeof *list);
    if (list == NULL) {
        r->no_memory = true;
        return;
    }
    r->out->list = list;
    list[r->out->n++] = mailbox;
}

static struct str checked_address(struct reading *r, const struct spans *spans)
{
    struct str address = spans->address;
    if (address.s && spans->enclosed) {
        address = str_chr(address, '(') == STR_NONE ? address : plain(r->pool, address, false);
        r->no_memory |= address.s == NULL;
        if (address.n == 0 || mail_end(address, 0) != address.n)
            return STR_EMPTY;
    }
    return address.s && address_is_likely(address) ? address : STR_EMPTY;
}

static void add_spans(struct reading *r, const struct spans *spans)
{
    struct mailbox mailbox = {.address = checked_address(r, spans)};
    if (spans->phrase.s) {
        mailbox.name = plain(r->pool, spans->phrase, true);
        r->no_memory |= mailbox.name.s == NULL;
        if (mailbox.address.s == NULL && is_address(mailbox.name)) {
            mailbox.address = mailbox.name;
            mailbox.name = STR_EMPTY;
        } else if (mailbox.name.n == 0 ||
                   (mailbox.address.s && str_eq(mailbox.name, mailbox.address))) {
            mailbox.name = STR_EMPTY;
        }
    }
    if (mailbox.name.s == NULL)
        mailbox.name = spans->comment;
    if (mailbox.address.s)
        mailbox.address = first_address(mailbox.address);
    add(r, mailbox);
}

/* What nothing could be made of may hold "<user@host>" all the same. */
static void add_leftovers(struct reading *r, struct str rest)
{
    for (size_t i = 0; i < rest.n && r->out->n < MAILBOXES_MAX; i++) {
        if (rest.s[i] != '<')
            continue;
        size_t end = mail_end(rest, i + 1);
        struct str address = str_sub(rest, i + 1, end);
        if (end == i + 1 || end >= rest.n || rest.s[end] != '>')
            continue;
        if (address_is_likely(address))
            add(r, (struct mailbox){.address = first_address(address)});
        i = end;
    }
}

/* "group: a, b;" without the group's name, and without pairs of backslashes. */
static struct str without_group(struct pool *pool, struct str value)
{
    char *to = pool_alloc(pool, value.n + 1);
    size_t n = 0, colon = 0;
    if (to == NULL)
        return STR_EMPTY;
    while (value.n && ascii_is_space(value.s[value.n - 1]))
        value.n--;
    for (size_t i = 0; i < value.n; i++) {
        if (value.s[i] == '\\' && i + 1 < value.n && value.s[i + 1] == '\\')
            i++;
        else
            to[n++] = value.s[i];
    }
    for (size_t i = 0; i < n && !one_of(to[i], "\"()<>"); i++) {
        if (to[i] == ':' && i > 0)
            colon = i + 1;
    }
    if (colon == 0)
        return str_n(to, n);
    size_t from = blanks(str_n(to, n), colon);
    return from < n && to[from] == ';' ? STR("") : str_n(to + from, n - from);
}

int mailboxes_read(struct pool *pool, struct str value, struct mailboxes *mailboxes)
{
    struct reading r = {.pool = pool, .out = mailboxes};
    struct str rest = without_group(pool, value);
    *mailboxes = (struct mailboxes){.n = 0};
    if (rest.s == NULL)
        return -1;
    while (blanks(rest, 0) < rest.n && mailboxes->n < MAILBOXES_MAX) {
        struct spans spans;
        size_t end = take(rest, &spans);
        if (end == STR_NONE)
            break;
        add_spans(&r, &spans);
        rest = str_from(rest, end);
    }
    add_leftovers(&r, rest);
    return r.no_memory ? -1 : 0;
}
