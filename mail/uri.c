#include "mail/uri.h"

#include "mail/transfer.h"
#include "mail/utf8.h"

#define SLOTS         (TEXT_URIS_MAX * 4) /* at most a quarter full */
#define OTHER_MAX     256                 /* bytes kept of "data:", "javascript:" and the like */
#define REDIRECTS_MAX 4                   /* links inside one link that are added */
#define SCHEME_MAX    32
#define DRAFT_SIZE    (URI_BYTES_MAX + HOST_MAX + SCHEME_MAX)

/* The clean form while it is made, and where its host stands in it. */
struct draft {
    char text[DRAFT_SIZE];
    size_t n;
    char host[HOST_MAX + 1];
    size_t rest; /* where path, query and fragment start */
};

static void draft_add(struct draft *d, struct str x)
{
    size_t room = sizeof d->text - d->n;
    if (x.n > room)
        x.n = room;
    if (x.n)
        memcpy(d->text + d->n, x.s, x.n);
    d->n += x.n;
}

/* Signs that %XX only hides are shown; what would not print stays as it is. */
static void draft_add_decoded(struct draft *d, struct str x)
{
    for (size_t i = 0; i < x.n && d->n < sizeof d->text; i++) {
        int byte = x.s[i] == '%' ? hex_byte(x, i + 1) : -1;
        bool shown = byte > 32 && byte < 127 && byte != '%';
        d->text[d->n++] = shown ? (char)byte : x.s[i];
        i += shown ? 2 : 0;
    }
}

/* What browsers do first: control characters and blanks at the ends go, tabs and line ends
 * everywhere. */
static struct str strip(struct str text, char out[URI_BYTES_MAX])
{
    size_t n = 0;
    while (text.n && (unsigned char)text.s[0] <= ' ')
        text = str_from(text, 1);
    text = utf8_head(text, URI_BYTES_MAX);
    for (size_t i = 0; i < text.n; i++)
        if (text.s[i] != '\t' && text.s[i] != '\r' && text.s[i] != '\n')
            out[n++] = text.s[i];
    while (n && (unsigned char)out[n - 1] <= ' ')
        n--;
    return str_n(out, n);
}

/* Length of the scheme in front, its colon not counted; 0: none. One with a '.' is a host. */
static size_t scheme_of(struct str x)
{
    size_t n = 0;
    while (n < x.n && n < SCHEME_MAX) {
        char c = str_lower_char(x.s[n]);
        bool letter = c >= 'a' && c <= 'z';
        if (!letter && (n == 0 || !((c >= '0' && c <= '9') || c == '+' || c == '-')))
            break;
        n++;
    }
    return n < x.n && x.s[n] == ':' ? n : 0;
}

static size_t span_of(struct str x, const char *set)
{
    size_t n = 0;
    while (n < x.n && x.s[n] && strchr(set, x.s[n]))
        n++;
    return n;
}

static size_t span_not(struct str x, const char *set)
{
    size_t n = 0;
    while (n < x.n && !(x.s[n] && strchr(set, x.s[n])))
        n++;
    return n;
}

static void add_lower(struct draft *d, struct str x)
{
    size_t from = d->n;
    draft_add(d, x);
    for (size_t i = from; i < d->n; i++)
        d->text[i] = str_lower_char(d->text[i]);
}

static bool is_usual_port(struct str scheme, struct str port)
{
    return str_eq(port, STR("")) || (str_eq(scheme, STR("http")) && str_eq(port, STR("80"))) ||
           (str_eq(scheme, STR("https")) && str_eq(port, STR("443")));
}

/* The port in an authority, without its colon; empty: none. */
static struct str port_of(struct str authority)
{
    size_t colon = str_rchr(authority, ':');
    struct str port = colon == STR_NONE ? STR_EMPTY : str_from(authority, colon + 1);
    return span_of(port, "0123456789") == port.n ? port : STR_EMPTY;
}

/* "scheme:" and then anything of "/" and "\", as browsers read it; the rest is decoded. */
static bool draft_web(struct draft *d, struct str scheme, struct str after)
{
    size_t host_n;
    after = str_from(after, span_of(after, "/\\"));
    struct str authority = str_sub(after, 0, span_not(after, "/\\?#"));
    if (!uri_host(authority, d->host, &host_n))
        return false;
    add_lower(d, scheme);
    struct str name = str_n(d->text, d->n);
    draft_add(d, STR("://"));
    size_t at = str_rchr(authority, '@');
    if (at != STR_NONE)
        draft_add_decoded(d, str_sub(authority, 0, at + 1));
    draft_add(d, str_n(d->host, host_n));
    struct str port = port_of(str_from(authority, at == STR_NONE ? 0 : at + 1));
    if (!is_usual_port(name, port)) {
        draft_add(d, STR(":"));
        draft_add(d, port);
    }
    d->rest = d->n;
    struct str rest = str_from(after, authority.n);
    if (rest.n && rest.s[0] == '\\') {
        draft_add(d, STR("/"));
        rest = str_from(rest, 1);
    }
    draft_add_decoded(d, rest);
    return true;
}

/* The host is that of the first address. */
static bool draft_mailto(struct draft *d, struct str after)
{
    draft_add(d, STR("mailto:"));
    size_t from = d->n, n;
    draft_add_decoded(d, after);
    struct str address = str_n(d->text + from, d->n - from);
    address = str_sub(address, 0, span_not(address, ",?;"));
    size_t at = str_rchr(address, '@');
    if (at != STR_NONE && !uri_host(str_from(address, at + 1), d->host, &n))
        d->host[0] = '\0';
    d->rest = d->n;
    return address.n > 0;
}

static bool draft_other(struct draft *d, struct str scheme, struct str after)
{
    add_lower(d, scheme);
    draft_add(d, STR(":"));
    draft_add(d, utf8_head(after, OTHER_MAX));
    d->rest = d->n;
    return after.n > 0;
}

static bool is_web(struct str scheme)
{
    return str_ieq(scheme, STR("http")) || str_ieq(scheme, STR("https")) ||
           str_ieq(scheme, STR("ftp"));
}

/* "www.example.com/x" in a link: mail programs open it although browsers would not. */
static bool draft_bare(struct draft *d, struct str text)
{
    if (text.n == 0 || strchr("/?#.", text.s[0]))
        return false;
    return draft_web(d, STR("http"), text) && uri_tld_exists(d->host);
}

static bool draft_make(struct draft *d, struct str text)
{
    size_t n = scheme_of(text);
    struct str scheme = str_sub(text, 0, n), after = str_from(text, n + 1);
    d->n = d->rest = 0;
    d->host[0] = '\0';
    if (str_starts(text, STR("//")))
        return draft_web(d, STR("http"), text);
    if (n == 0)
        return draft_bare(d, text);
    if (is_web(scheme))
        return draft_web(d, scheme, after);
    if (str_ieq(scheme, STR("mailto")))
        return draft_mailto(d, after);
    return draft_other(d, scheme, after);
}

/* The slot of that clean form: where it is, or where it would go. */
static uint16_t *slot_of(const struct uris *uris, struct str clean)
{
    size_t at = str_hash(clean) % SLOTS;
    while (uris->slots[at] && !str_eq(uris->list[uris->slots[at] - 1].clean, clean))
        at = (at + 1) % SLOTS;
    return &uris->slots[at];
}

static bool out_of_memory(struct uris *uris)
{
    uris->no_memory = true;
    return false;
}

static bool fill(struct uris *uris, struct uri *uri, const struct draft *d, struct str text)
{
    uri->text = pool_str(uris->pool, utf8_head(text, URI_BYTES_MAX));
    uri->clean = pool_str(uris->pool, str_n(d->text, d->n));
    uri->host = pool_str(uris->pool, str_of(d->host));
    if (uri->text.s == NULL || uri->clean.s == NULL || uri->host.s == NULL)
        return out_of_memory(uris);
    uri->domain = uri_domain(uri->host.s);
    return true;
}

static bool make_room(struct uris *uris)
{
    struct uri *list = pool_grow(uris->pool, uris->list, uris->n, &uris->cap, sizeof *list);
    if (list == NULL)
        return out_of_memory(uris);
    uris->list = list;
    if (uris->slots == NULL)
        uris->slots = POOL_ARRAY(uris->pool, SLOTS, uint16_t);
    return uris->slots ? true : out_of_memory(uris);
}

static size_t add_draft(struct uris *uris, const struct draft *d, struct str text,
                        enum uri_source source)
{
    if (!make_room(uris))
        return STR_NONE;
    uint16_t *slot = slot_of(uris, str_n(d->text, d->n));
    if (*slot)
        return *slot - 1u;
    if (uris->n == TEXT_URIS_MAX) {
        uris->full = true;
        return STR_NONE;
    }
    struct uri *uri = &uris->list[uris->n];
    uri->source = source;
    if (!fill(uris, uri, d, text))
        return STR_NONE;
    *slot = (uint16_t)++uris->n;
    return uris->n - 1u;
}

static void add_redirects(struct uris *uris, const struct draft *d)
{
    struct draft inner;
    struct str rest = str_n(d->text + d->rest, d->n - d->rest);
    for (unsigned i = 0; i < REDIRECTS_MAX; i++) {
        size_t at = str_ifind(rest, STR("http"));
        if (at == STR_NONE)
            return;
        rest = str_from(rest, at);
        size_t n = str_istarts(rest, STR("https")) ? 5 : 4;
        if (str_starts(str_from(rest, n), STR("://")) && draft_make(&inner, rest) &&
            uri_tld_exists(inner.host))
            add_draft(uris, &inner, rest, URI_OTHER);
        rest = str_from(rest, n);
    }
}

/* The URI that `text` means where `base` is the page's own. */
static struct str resolve(struct str text, struct str base, struct buf *out)
{
    size_t n = scheme_of(base) + 1;
    size_t origin = n + span_of(str_from(base, n), "/");
    origin += span_not(str_from(base, origin), "/?#");
    size_t keep = origin;
    if (str_starts(text, STR("//")))
        keep = n;
    else if (!str_starts(text, STR("/")) && str_rchr(base, '/') + 1 > origin)
        keep = str_rchr(base, '/') + 1;
    buf_add(out, str_sub(base, 0, keep));
    if (keep == origin && text.n && text.s[0] != '/')
        buf_addc(out, '/');
    buf_add(out, text);
    return utf8_head(buf_str(out), URI_BYTES_MAX);
}

size_t uris_add(struct uris *uris, struct str text, struct str base, enum uri_source source)
{
    char stripped[URI_BYTES_MAX], joined[2 * URI_BYTES_MAX + 2];
    struct buf whole = BUF_OVER(joined);
    struct draft draft;
    if (uris->no_memory || ++uris->tries > URI_TRIES_MAX) {
        uris->full = true;
        return STR_NONE;
    }
    struct str plain = strip(text, stripped);
    if (scheme_of(base) && scheme_of(plain) == 0 && plain.n && plain.s[0] != '#')
        plain = resolve(plain, utf8_head(base, URI_BYTES_MAX), &whole);
    if (!draft_make(&draft, plain))
        return STR_NONE;
    size_t index = add_draft(uris, &draft, text, source);
    add_redirects(uris, &draft);
    return index;
}
