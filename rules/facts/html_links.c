#include "rules/facts/html_links.h"

#include "base/ascii.h"
#include "rules/facts/uris.h"

#define TARGET_MAX (2 * 8192 + 16)

#define SLOTS_FIRST 64

/* The pieces of a URI (RFC 3986 appendix B). .s NULL: not there. */
struct pieces {
    struct str scheme, authority, path, query, fragment;
};

/* A blank, also U+00A0, at the text's start or end: its bytes, or 0. */
static size_t blank_first(struct str x)
{
    return x.n && ascii_is_space(x.s[0]) ? 1 : str_starts(x, STR("\xc2\xa0")) ? 2 : 0;
}

static size_t blank_last(struct str x)
{
    return x.n && ascii_is_space(x.s[x.n - 1]) ? 1 : str_ends(x, STR("\xc2\xa0")) ? 2 : 0;
}

struct str html_link_trim(struct html_links *links, struct str uri)
{
    size_t n;
    while ((n = blank_first(uri)) > 0)
        uri = str_from(uri, n);
    while ((n = blank_last(uri)) > 0)
        uri.n -= n;
    if (uri.n > FACT_URI_MAX) {
        links->truncated = true;
        uri.n = FACT_URI_MAX;
    }
    return uri;
}

static size_t span(struct str x, const char *stops)
{
    size_t n = 0;
    while (n < x.n && (x.s[n] == '\0' || strchr(stops, x.s[n]) == NULL))
        n++;
    return n;
}

static struct pieces cut(struct str x)
{
    struct pieces p = {.path = STR_EMPTY};
    size_t n = span(x, ":/?#");
    if (n > 0 && n < x.n && x.s[n] == ':') {
        p.scheme = str_sub(x, 0, n);
        x = str_from(x, n + 1);
    }
    if (str_starts(x, STR("//"))) {
        n = 2 + span(str_from(x, 2), "/?#");
        p.authority = str_sub(x, 2, n);
        x = str_from(x, n);
    }
    n = span(x, "?#");
    p.path = str_sub(x, 0, n);
    x = str_from(x, n);
    if (x.n && x.s[0] == '?') {
        n = span(x, "#");
        p.query = str_sub(x, 1, n);
        x = str_from(x, n);
    }
    if (x.n && x.s[0] == '#')
        p.fragment = str_sub(x, 1, str_chr(x, '\n'));
    return p;
}

/* "." and ".." taken out, in `to`, which has room for the path (RFC 3986 5.2.4). */
static struct str without_dots(struct str path, char *to)
{
    size_t n = 0;
    if (str_starts(path, STR("./")))
        path = str_from(path, 1);
    else if (str_starts(path, STR("../")))
        path = str_from(path, 2);
    while (path.n) {
        bool one = str_starts(path, STR("/./")) || str_eq(path, STR("/."));
        bool two = str_starts(path, STR("/../")) || str_eq(path, STR("/.."));
        if (one || two) {
            while (two && n && to[--n] != '/')
                ;
            path = path.n > (one ? 2u : 3u) ? str_from(path, one ? 2 : 3) : STR("/");
            continue;
        }
        size_t end = str_chr(str_from(path, 1), '/');
        end = end == STR_NONE ? path.n : end + 1;
        memcpy(to + n, path.s, end);
        n += end;
        path = str_from(path, end);
    }
    return str_n(to, n);
}

/* The path of `r` behind the folder of the base's path. */
static struct str merge(const struct pieces *base, struct str path, char *to)
{
    size_t n = 0;
    if (base->authority.s && base->path.n == 0) {
        to[n++] = '/';
    } else {
        size_t slash = str_rchr(base->path, '/');
        n = slash == STR_NONE ? 0 : slash + 1;
        if (n)
            memcpy(to, base->path.s, n);
    }
    if (path.n)
        memcpy(to + n, path.s, path.n);
    return str_n(to, n + path.n);
}

static void add(char *to, size_t *n, struct str x)
{
    if (x.n)
        memcpy(to + *n, x.s, x.n);
    *n += x.n;
}

static bool is_numbered(struct str host, struct str name)
{
    if (!str_istarts(host, name))
        return false;
    host = str_from(host, name.n);
    while (host.n && host.s[0] >= '0' && host.s[0] <= '9')
        host = str_from(host, 1);
    return str_starts(host, STR("."));
}

static struct str join(const struct pieces *t, char *to)
{
    size_t n = 0;
    if (t->scheme.n) {
        add(to, &n, t->scheme);
        add(to, &n, STR(":"));
    } else if (is_numbered(t->authority, STR("www"))) {
        add(to, &n, STR("http:"));
    } else if (is_numbered(t->authority, STR("ftp"))) {
        add(to, &n, STR("ftp:"));
    }
    if (t->authority.s) {
        add(to, &n, STR("//"));
        add(to, &n, t->authority);
    }
    add(to, &n, t->path);
    if (t->query.s) {
        add(to, &n, STR("?"));
        add(to, &n, t->query);
    }
    if (t->fragment.s) {
        add(to, &n, STR("#"));
        add(to, &n, t->fragment);
    }
    return str_n(to, n);
}

/* `uri` relative to `base`, each of at most 8192 bytes, in `to`; base may be empty. */
static struct str target_of(struct str base, struct str uri, char to[TARGET_MAX])
{
    struct pieces b = cut(base), r = cut(uri), t = {.fragment = r.fragment, .query = r.query};
    char merged[TARGET_MAX], path[TARGET_MAX];
    if (r.scheme.s && b.scheme.s && str_eq(r.scheme, b.scheme))
        r.scheme = STR_EMPTY;
    t.scheme = r.scheme.s ? r.scheme : b.scheme;
    t.authority = r.scheme.s || r.authority.s ? r.authority : b.authority;
    if (r.scheme.s || r.authority.s || (r.path.n && r.path.s[0] == '/')) {
        t.path = without_dots(r.path, path);
    } else if (r.path.n) {
        t.path = without_dots(merge(&b, r.path, merged), path);
    } else {
        t.path = b.path;
        t.query = r.query.s ? r.query : b.query;
    }
    return join(&t, to);
}

static bool rehash(struct html_links *links)
{
    size_t n = links->n_slots ? links->n_slots * 2 : SLOTS_FIRST;
    uint32_t *slots = POOL_ARRAY(links->pool, n, uint32_t);
    if (slots == NULL)
        return false;
    for (size_t i = 0; i < links->n; i++) {
        size_t at = str_hash(links->list[i].uri) & (n - 1);
        while (slots[at])
            at = (at + 1) & (n - 1);
        slots[at] = (uint32_t)i + 1;
    }
    links->slots = slots;
    links->n_slots = n;
    return true;
}

/* The link with that address, made if need be. */
static struct html_link *find_link(struct html_links *links, struct str uri)
{
    if (links->n * 2 >= links->n_slots && !rehash(links)) {
        links->no_memory = true;
        return NULL;
    }
    size_t at = str_hash(uri) & (links->n_slots - 1);
    for (; links->slots[at]; at = (at + 1) & (links->n_slots - 1)) {
        struct html_link *link = &links->list[links->slots[at] - 1];
        if (str_eq(link->uri, uri))
            return link;
    }
    if (links->n >= HTML_LINKS_MAX) {
        links->truncated = true;
        return NULL;
    }
    uri = pool_str(links->pool, uri);
    struct html_link *list =
        pool_grow(links->pool, links->list, links->n, &links->cap, sizeof *list);
    if (list == NULL || uri.s == NULL) {
        links->no_memory = true;
        return NULL;
    }
    links->list = list;
    list[links->n] = (struct html_link){.uri = uri};
    links->slots[at] = (uint32_t)links->n + 1;
    return &list[links->n++];
}

static bool is_whole(struct str uri)
{
    return str_istarts(uri, STR("data:")) || str_istarts(uri, STR("mailto:")) ||
           str_istarts(uri, STR("file:")) || str_istarts(uri, STR("cid:")) ||
           str_istarts(uri, STR("tel:"));
}

void html_links_add(struct html_links *links, unsigned type, struct str uri)
{
    char target[TARGET_MAX];
    uri = html_link_trim(links, uri);
    if (uri.n == 0)
        return;
    links->bytes += links->base.n + uri.n;
    if (links->bytes > HTML_LINK_BYTES_MAX) {
        links->truncated = true;
        return;
    }
    if (!is_whole(uri))
        uri = target_of(links->base, uri, target);
    struct html_link *link = uri.n ? find_link(links, uri) : NULL;
    if (link)
        link->types |= type;
}

/* Position behind "http://" and the like, 0: it is none that browsers take for a base. */
static size_t skip_scheme(struct str uri)
{
    static const struct str schemes[] = {{"https:", 6}, {"http:", 5}, {"ftp:", 4}};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (!str_istarts(uri, schemes[i]))
            continue;
        size_t at = schemes[i].n;
        at += at < uri.n && uri.s[at] == '/';
        return at + (at < uri.n && uri.s[at] == '/');
    }
    return 0;
}

/* Without a file's name ("index.html") at its end. */
static struct str folder_of(struct str uri, size_t host)
{
    size_t slash = str_chr(str_from(uri, host), '/'), dot = str_rchr(uri, '.');
    if (slash == STR_NONE || slash == 0 || dot == STR_NONE || dot < host + slash)
        return uri;
    size_t extension = uri.n - dot - 1, start = dot;
    if (extension < 2 || extension > 4 || str_chr(str_from(uri, dot), '/') != STR_NONE)
        return uri;
    while (start > host + slash + 1 && uri.s[start - 1] != '/' && uri.s[start - 1] != '.')
        start--;
    return start < dot ? str_sub(uri, 0, start) : uri;
}

void html_links_base(struct html_links *links, struct str uri)
{
    uri = html_link_trim(links, uri);
    html_links_add(links, URI_TYPE_BASE, uri);
    size_t host = skip_scheme(uri);
    if (host == 0)
        return;
    uri = folder_of(uri, host);
    char *base = pool_alloc(links->pool, uri.n + 1);
    if (base == NULL) {
        links->no_memory = true;
        return;
    }
    memcpy(base, uri.s, uri.n);
    base[uri.n] = '/';
    links->base = str_n(base, uri.n + !str_ends(uri, STR("/")));
}

void html_links_anchor(struct html_links *links, struct str uri, size_t anchor)
{
    struct html_link *link = find_link(links, uri);
    if (link == NULL)
        return;
    size_t *anchors =
        pool_grow(links->pool, link->anchors, link->n_anchors, &link->anchors_cap, sizeof *anchors);
    if (anchors == NULL) {
        links->no_memory = true;
        return;
    }
    link->anchors = anchors;
    anchors[link->n_anchors++] = anchor;
}
