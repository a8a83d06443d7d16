#include "base/ascii.h"
#include "mail/transfer.h"
#include "mail/uri.h"
#include "mail/utf8.h"

/*
 * Links in running text. Text is cut at what no link holds (white space, quotes, brackets); in
 * a piece, a link starts at a scheme, or is a host name with a top-level domain that exists.
 */

/* White space and control characters, and what stands around links: one look-up for each byte. */
static const bool ends_piece[256] = {
    [0 ... ' '] = true, ['<'] = true, ['>'] = true, ['"'] = true, ['`'] = true,
    ['{'] = true,       ['}'] = true, ['|'] = true, ['^'] = true, [0x7f] = true,
};

static bool in_host(char c)
{
    return ascii_is_alnum(c) || c == '-' || c == '.' || c == '_' || (unsigned char)c >= 0x80;
}

static bool in_local_part(char c)
{
    return ascii_is_alnum(c) || (c && strchr("!#$%&'*+-/=?^_.~", c));
}

/* Punctuation at the end is the sentence's, not the link's; so is a bracket that the link did
 * not open. */
static struct str trim_end(struct str x)
{
    while (x.n) {
        char last = x.s[x.n - 1];
        bool bracket = last == ')' || last == ']';
        if (bracket && str_chr(x, last == ')' ? '(' : '[') != STR_NONE)
            break;
        if (!bracket && !strchr(".,;:!?'*_~\\", last))
            break;
        x.n--;
    }
    return x;
}

/* Text outside ASCII behind the host part ends the link: scripts without spaces follow on. */
static struct str cut_foreign(struct str x, size_t host_end)
{
    size_t end = utf8_ascii_end(x, host_end < x.n ? host_end : x.n);
    return str_sub(x, 0, end);
}

static size_t host_span(struct str x, size_t from)
{
    while (from < x.n && in_host(x.s[from]))
        from++;
    return from;
}

/* Last label names that files have as well: alone they make no link. */
static bool like_file(struct str host)
{
    static const char *const names[] = {"md", "py", "sh",  "pl",  "rs", "cc",
                                        "so", "ps", "zip", "mov", "pm", "java"};
    size_t dot = str_rchr(host, '.');
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_ieq(str_from(host, dot + 1), str_of(names[i])))
            return true;
    return false;
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

/* "the end.Next one": a space was forgotten, or lost with a tag. */
static bool like_sentence(struct str run)
{
    size_t dot = str_rchr(run, '.');
    return dot != STR_NONE && dot + 2 < run.n && is_lower(run.s[0]) && run.s[dot + 1] >= 'A' &&
           run.s[dot + 1] <= 'Z' && is_lower(run.s[dot + 2]);
}

typedef void found(void *data, struct str link, const char *prefix);

struct finder {
    found *found;
    void *data;
    unsigned *tries; /* names looked up so far */
};

/* Is the run of host characters a name with an existing top-level domain? */
static bool real_host(const struct finder *f, struct str run, bool path_follows)
{
    char host[HOST_MAX + 1];
    size_t n;
    if (run.n < 4 || run.n > 4 * HOST_MAX || *f->tries >= URI_TRIES_MAX)
        return false;
    ++*f->tries;
    if (!uri_host(run, host, &n))
        return false;
    struct str name = str_n(host, n);
    if (str_chr(name, '.') == STR_NONE || !uri_tld_exists(host))
        return false;
    bool www = str_starts(name, STR("www."));
    return www || path_follows || (!like_file(name) && !like_sentence(run));
}

/* The part of a run without ASCII neighbours that is the host: all of it, or what is ASCII. */
static struct str narrow(const struct finder *f, struct str run, size_t dot, bool path_follows)
{
    if (utf8_ascii_end(run, 0) == run.n || real_host(f, run, path_follows))
        return run;
    size_t from = dot, to = utf8_ascii_end(run, dot);
    while (from && (unsigned char)run.s[from - 1] < 0x80)
        from--;
    return str_sub(run, from, to);
}

static bool known_scheme(struct str x, size_t colon, size_t *start)
{
    static const char *const names[] = {"https", "http", "ftp"};
    for (size_t i = 0; i < 3; i++) {
        struct str name = str_of(names[i]);
        if (colon >= name.n && str_ieq(str_sub(x, colon - name.n, colon), name)) {
            *start = colon - name.n;
            return true;
        }
    }
    return false;
}

/* A link with "://" at `colon`; returns where to look on. One of another scheme ("hxxp") is
 * stepped over: it is not meant to be a link. */
static size_t with_scheme(const struct finder *f, struct str piece, size_t colon)
{
    size_t start;
    size_t host = colon + 3;
    size_t at = host;
    while (at < piece.n && (in_host(piece.s[at]) || strchr("@:[]%", piece.s[at])))
        at++;
    struct str rest = cut_foreign(piece, at);
    if (at < piece.n && !strchr("/?#\\", piece.s[at]))
        rest.n = at;
    if (!known_scheme(piece, colon, &start))
        return rest.n;
    struct str name = str_sub(piece, host, host_span(piece, host));
    if (utf8_ascii_end(name, 0) < name.n && !real_host(f, name, true))
        rest.n = host + utf8_ascii_end(name, 0);
    f->found(f->data, trim_end(str_from(rest, start)), "");
    return rest.n;
}

/* The name around the dot, not before *least; returns where to look on. *least is moved behind what
 * was used up. */
static size_t around_dot(const struct finder *f, struct str piece, size_t *least, size_t dot)
{
    size_t from = *least, start = dot;
    while (start > from && in_host(piece.s[start - 1]))
        start--;
    size_t end = host_span(piece, dot);
    if (end < piece.n && piece.s[end] == '@')
        return end;
    *least = end;
    bool address = start > from && piece.s[start - 1] == '@';
    bool path = end < piece.n && (piece.s[end] == '/' || piece.s[end] == '?');
    struct str run = trim_end(str_sub(piece, start, end));
    if (dot >= start + run.n)
        return end;
    struct str host = narrow(f, run, dot - start, path);
    if (!real_host(f, host, path || address))
        return end;
    size_t host_at = (size_t)(host.s - piece.s);
    if (address) {
        size_t local = start - 1;
        while (local > from && in_local_part(piece.s[local - 1]))
            local--;
        if (local < start - 1)
            f->found(f->data, str_sub(piece, local, host_at + host.n), "mailto:");
        return end;
    }
    bool more = host_at + host.n == end && end < piece.n && strchr("/?:#", piece.s[end]);
    struct str link = more ? trim_end(cut_foreign(str_from(piece, host_at), host.n)) : host;
    f->found(f->data, link, "http://");
    if (host_at + link.n > end)
        *least = host_at + link.n;
    return *least;
}

static void look_through(const struct finder *f, struct str piece)
{
    size_t at = 0, from = 0;
    while (at < piece.n) {
        if (piece.s[at] == ':' && str_starts(str_from(piece, at), STR("://")))
            at = from = with_scheme(f, piece, at);
        else if (piece.s[at] == '.' && at > from && in_host(piece.s[at - 1]))
            at = around_dot(f, piece, &from, at);
        else
            at++;
    }
}

/* Runs over the text once; only pieces with a dot or "://" are looked into. */
static void find_links(const struct finder *f, struct str text)
{
    size_t start = 0;
    bool candidate = false;
    for (size_t at = 0; at <= text.n; at++) {
        if (at < text.n && !ends_piece[(unsigned char)text.s[at]]) {
            candidate |= text.s[at] == '.' || text.s[at] == ':';
            continue;
        }
        if (candidate)
            look_through(f, str_sub(text, start, at));
        candidate = false;
        start = at + 1;
    }
}

static void add_link(void *data, struct str link, const char *prefix)
{
    char text[URI_BYTES_MAX];
    struct buf b = BUF_OVER(text);
    buf_add(&b, str_of(prefix));
    buf_add(&b, utf8_head(link, b.max - b.n));
    uris_add(data, buf_str(&b), STR_EMPTY, URI_TEXT);
}

void uris_find(struct uris *uris, struct str text)
{
    struct finder f = {add_link, uris, &uris->tries};
    find_links(&f, text);
}

struct shown {
    char *out;
    size_t n;
};

static void first_host(void *data, struct str link, const char *prefix)
{
    struct shown *shown = data;
    if (shown->n || str_eq(str_of(prefix), STR("mailto:")))
        return;
    size_t scheme = str_find(link, STR("://"));
    struct str after = scheme == STR_NONE ? link : str_from(link, scheme + 3);
    size_t end = 0;
    while (end < after.n && !strchr("/?#\\", after.s[end]))
        end++;
    if (!uri_host(str_sub(after, 0, end), shown->out, &shown->n) || !uri_tld_exists(shown->out))
        shown->n = 0;
}

#define SHOWN_LOOK 1024 /* bytes of a link's text that are looked at */

struct str uri_shown_host(struct str text, char *out)
{
    struct shown shown = {out, 0};
    unsigned tries = 0;
    struct finder f = {first_host, &shown, &tries};
    find_links(&f, str_sub(text, 0, SHOWN_LOOK));
    return str_n(out, shown.n);
}
