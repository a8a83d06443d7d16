#include "rules/facts/uri_clean.h"

#include "base/ascii.h"
#include "mail/transfer.h"
#include "rules/facts/registry.h"
#include "rules/facts/uri_number.h"
#include "rules/match/regex.h"

bool uri_has_escape(struct str uri)
{
    for (size_t at = 0; at < uri.n; at++) {
        if (uri.s[at] == '%' && hex_byte(uri, at + 1) >= 0)
            return true;
    }
    return false;
}

struct str uri_unescape(struct pool *pool, struct str uri)
{
    static const char digits[] = "0123456789abcdef";
    char *out = pool_alloc(pool, uri.n * 3 + 1);
    size_t n = 0;
    for (size_t at = 0; out && at < uri.n; at++) {
        unsigned char c = (unsigned char)uri.s[at];
        int byte = c == '%' ? hex_byte(uri, at + 1) : -1;
        if (byte > ' ' && byte < 0x7f) {
            out[n++] = (char)byte;
            at += 2;
        } else if (byte >= 0) {
            memcpy(out + n, uri.s + at, 3);
            n += 3;
            at += 2;
        } else if (c <= ' ' || c >= 0x7f || c == '"' || c == '%' || c == '<' || c == '>') {
            out[n++] = '%';
            out[n++] = digits[c >> 4];
            out[n++] = digits[c & 15];
        } else {
            out[n++] = (char)c;
        }
    }
    return str_n(out, n);
}

/* Three texts behind one another. */
static struct str join(struct uri_forms *forms, struct str a, struct str b, struct str c)
{
    char *out = pool_alloc(forms->facts->pool, a.n + b.n + c.n + 1);
    if (out == NULL) {
        forms->no_memory = true;
        return STR_EMPTY;
    }
    if (a.n)
        memcpy(out, a.s, a.n);
    if (b.n)
        memcpy(out + a.n, b.s, b.n);
    if (c.n)
        memcpy(out + a.n + b.n, c.s, c.n);
    return str_n(out, a.n + b.n + c.n);
}

static void add(struct uri_forms *forms, struct str form)
{
    if (form.s == NULL)
        return;
    for (size_t i = 0; i < forms->n; i++) {
        if (str_eq(forms->list[i], form))
            return;
    }
    if (forms->n == FACT_CLEANED_MAX) {
        forms->truncated = true;
        return;
    }
    forms->list[forms->n++] = form;
}

/* Blanks at both ends and line ends inside left out. */
static struct str without_line_ends(struct uri_forms *forms, struct str x)
{
    while (x.n && ascii_is_space(x.s[0]))
        x = str_from(x, 1);
    while (x.n && ascii_is_space(x.s[x.n - 1]))
        x.n--;
    if (str_chr(x, '\n') == STR_NONE && str_chr(x, '\r') == STR_NONE)
        return x;
    struct str copy = join(forms, x, STR_EMPTY, STR_EMPTY);
    char *p = (char *)copy.s;
    size_t n = 0;
    for (size_t i = 0; i < copy.n; i++) {
        if (p[i] != '\n' && p[i] != '\r')
            p[n++] = p[i];
    }
    return str_n(p, n);
}

/* Position behind "x@y" at the text's start, y as long as it has none of `stops`; 0: none. */
static size_t address_end(struct str x, const char *stops)
{
    size_t sign = str_chr(x, '@'), end;
    if (sign == STR_NONE || sign == 0)
        return 0;
    for (end = sign + 1; end < x.n && (x.s[end] == '\0' || !strchr(stops, x.s[end]));)
        end++;
    return end == sign + 1 ? 0 : end;
}

/* "mailto:%20a@b" as "mailto:a@b" */
static void add_without_blanks(struct uri_forms *forms, struct str uri)
{
    struct str rest = str_istarts(uri, STR("mailto:")) && str_starts(uri, STR("mailto:"))
                          ? str_from(uri, 7)
                          : uri;
    while (str_starts(rest, STR("%20")))
        rest = str_from(rest, 3);
    size_t end = address_end(rest, "?&%");
    if (end)
        add(forms, join(forms, STR("mailto:"), str_sub(rest, 0, end), STR_EMPTY));
}

/* "mailto:Name<a@b>" as "mailto:a@b": the last such before a '?' or '&' begins. */
static void add_bracketed(struct uri_forms *forms, struct str uri)
{
    size_t stop = 0;
    while (stop < uri.n && uri.s[stop] != '?' && uri.s[stop] != '&')
        stop++;
    for (size_t open = stop < uri.n ? stop : uri.n; open-- > 0;) {
        if (uri.s[open] != '<')
            continue;
        struct str inside = str_from(uri, open + 1);
        size_t close = str_chr(inside, '>'), sign = str_chr(inside, '@');
        if (close == STR_NONE || sign == STR_NONE || sign == 0 || sign + 1 >= close)
            continue;
        add(forms, join(forms, STR("mailto:"), str_sub(inside, 0, close), STR_EMPTY));
        return;
    }
}

static void clean_mail(struct uri_forms *forms, struct str uri)
{
    size_t end = address_end(uri, "?");
    if (end && end < uri.n)
        add(forms, str_sub(uri, 0, end));
    end = address_end(uri, "?&");
    if (end && end < uri.n && uri.s[end] == '&')
        add(forms, str_sub(uri, 0, end));
    if (str_find(uri, STR("%20")) != STR_NONE)
        add_without_blanks(forms, uri);
    add_bracketed(forms, uri);
}

static bool is_mail(struct str uri)
{
    size_t sign = str_chr(uri, '@'), colon = str_chr(uri, ':');
    return str_istarts(uri, STR("mailto:")) || (sign != STR_NONE && sign < colon);
}

/* Bytes of "http:" or "https:" at the text's start, or 0. */
static size_t http_at(struct str x)
{
    if (str_istarts(x, STR("http:")))
        return 5;
    return str_istarts(x, STR("https:")) ? 6 : 0;
}

/* "http:/x" and "http:x" as "http://x"; any number of slashes but two stays. */
static struct str with_slashes(struct uri_forms *forms, struct str x)
{
    size_t scheme = http_at(x), at = scheme;
    if (scheme == 0)
        return x;
    at += at < x.n && x.s[at] == '/';
    at += at > scheme && at < x.n && x.s[at] == '/';
    if (at == scheme + 2)
        return x;
    return join(forms, str_sub(x, 0, scheme), STR("//"), str_from(x, at));
}

static bool has_scheme(struct str x)
{
    size_t n = 0;
    while (n < x.n && (ascii_is_word(x.s[n]) || x.s[n] == '-'))
        n++;
    return n > 0 && n < x.n && x.s[n] == ':';
}

/* "http://host?x" as "http://host/?x" */
static struct str with_path(struct uri_forms *forms, struct str x)
{
    size_t scheme = http_at(x), at = scheme + 2;
    if (scheme == 0 || !str_starts(str_from(x, scheme), STR("//")))
        return x;
    while (at < x.n && x.s[at] != '/' && x.s[at] != '?' && x.s[at] != '#')
        at++;
    if (at == scheme + 2 || at >= x.n || x.s[at] == '/')
        return x;
    return join(forms, str_sub(x, 0, at), STR("/"), str_from(x, at));
}

static struct str with_front_slashes(struct uri_forms *forms, struct str x)
{
    if (str_chr(x, '\\') == STR_NONE)
        return x;
    struct str copy = join(forms, x, STR_EMPTY, STR_EMPTY);
    for (size_t i = 0; i < copy.n; i++) {
        if (copy.s[i] == '\\')
            ((char *)copy.s)[i] = '/';
    }
    return copy;
}

static struct str without_references(struct uri_forms *forms, struct str x)
{
    if (str_find(x, STR("&#")) == STR_NONE)
        return x;
    struct str copy = join(forms, x, STR_EMPTY, STR_EMPTY);
    copy.n = copy.s ? uri_number_references(x, (char *)copy.s) : 0;
    return copy;
}

/* scheme://user@host:port/path, cut. */
struct cut {
    struct str scheme; /* with "://" */
    struct str user;   /* with its '@' */
    struct str host;
    struct str rest;    /* from the port on */
    struct str port;    /* digits */
    bool plain;         /* "http://" in lower case */
    struct str no_port; /* the rest without a default port; .s NULL: no port was given */
};

static bool cut_uri(struct str x, struct cut *cut)
{
    size_t n = http_at(x), at, end;
    *cut = (struct cut){.plain = str_starts(x, STR("http://"))};
    if (n == 0 || !str_starts(str_from(x, n), STR("//")))
        return false;
    cut->scheme = str_sub(x, 0, n + 2);
    x = str_from(x, n + 2);
    for (at = 0; at < x.n && x.s[at] != '@' && x.s[at] != '/' && x.s[at] != '?' && x.s[at] != '#';)
        at++;
    at = at < x.n && x.s[at] == '@' ? at + 1 : 0;
    for (int again = 0; again < 2; again++) {
        for (end = at; end < x.n && !memchr("/?#:", x.s[end], 4);)
            end++;
        if (end > at || at == 0)
            break;
        at = 0;
    }
    cut->user = str_sub(x, 0, at);
    cut->host = str_sub(x, at, end);
    cut->rest = str_from(x, end);
    for (end = 1; end < cut->rest.n && cut->rest.s[end] >= '0' && cut->rest.s[end] <= '9';)
        end++;
    if (cut->rest.n && cut->rest.s[0] == ':')
        cut->port = str_sub(cut->rest, 1, end);
    return cut->host.n > 0;
}

static void add_cut(struct uri_forms *forms, const struct cut *cut, struct str host)
{
    add(forms, join(forms, cut->scheme, host, cut->rest));
}

static void add_without_port(struct uri_forms *forms, struct cut *cut)
{
    struct str port = cut->plain ? STR(":80") : STR(":443");
    if (cut->port.n == 0)
        return;
    cut->no_port = cut->rest;
    if (!str_starts(cut->rest, port) ||
        (cut->rest.n > port.n && ascii_is_word(cut->rest.s[port.n])))
        return;
    cut->no_port = str_from(cut->rest, port.n);
    add(forms, join(forms, cut->scheme, cut->host, cut->no_port));
}

static bool has_dot(struct str x)
{
    return str_chr(x, '.') != STR_NONE;
}

static void queue_target(struct uri_forms *forms, struct str target)
{
    for (size_t i = 0; i < forms->n_targets; i++) {
        if (str_eq(forms->targets[i], target))
            return;
    }
    if (forms->n_targets < URI_TARGETS_MAX)
        forms->targets[forms->n_targets++] = target;
    else
        forms->truncated = true;
}

/* What the link redirects to, by the rule files' patterns, else any link in its path. */
static void add_target(struct uri_forms *forms, const struct cut *cut)
{
    const struct rules_settings *settings = forms->facts->settings;
    size_t n = 0;
    struct regex *const *patterns = settings ? settings_redirectors(settings, &n) : NULL;
    struct str whole = n ? join(forms, cut->scheme, cut->host, cut->rest) : STR_EMPTY, target;
    for (size_t i = 0; forms->facts->runner && i < n; i++) {
        if (regex_first_group(patterns[i], forms->facts->runner, whole, &target) != REGEX_YES ||
            !has_dot(target))
            continue;
        queue_target(forms, target);
        return;
    }
    for (size_t at = 0; at < cut->rest.n; at++) {
        size_t scheme = http_at(str_from(cut->rest, at));
        if (scheme == 0)
            continue;
        size_t end = at + scheme;
        while (end < cut->rest.n && cut->rest.s[end] != '&' && cut->rest.s[end] != '#')
            end++;
        if (end > at + scheme && has_dot(str_sub(cut->rest, at, end)))
            queue_target(forms, str_sub(cut->rest, at, end));
        return;
    }
}

/* Hosts that are numbers as addresses, and "http://name" as browsers complete it. */
static void add_numbers(struct uri_forms *forms, const struct cut *cut, struct str host,
                        struct str whole)
{
    char text[URI_NUMBER_TEXT_MAX];
    struct str address = uri_number_address(host, text);
    struct str name = str_starts(whole, STR("www.")) ? str_from(whole, 4) : whole;
    bool default_port = cut->port.n == 0 || str_eq(cut->port, STR("80"));
    if (address.n) {
        add_cut(forms, cut, address);
        return;
    }
    if (!cut->plain || cut->user.n || !default_port || str_eq(whole, STR("localhost")) ||
        name.n == 0 || has_dot(name) || registry_is_valid(forms->facts->settings, whole))
        return;
    struct str front = join(forms, cut->scheme, STR("www."), name);
    add(forms, join(forms, front, STR(".com"), cut->rest));
}

static struct str without_control(struct uri_forms *forms, struct str host)
{
    size_t n = 0;
    while (n < host.n && (unsigned char)host.s[n] > ' ')
        n++;
    if (n == host.n)
        return host;
    struct str copy = join(forms, host, STR_EMPTY, STR_EMPTY);
    char *p = (char *)copy.s;
    n = 0;
    for (size_t i = 0; i < copy.n; i++) {
        if ((unsigned char)p[i] > ' ')
            p[n++] = p[i];
    }
    return str_n(p, n);
}

static void clean_host(struct uri_forms *forms, struct cut *cut)
{
    struct str whole = pool_lower(forms->facts->pool, cut->host);
    forms->no_memory |= whole.s == NULL;
    add_without_port(forms, cut);
    struct str host = without_control(forms, cut->host);
    if (host.n < cut->host.n)
        add_cut(forms, cut, host);
    cut->host = host;
    add_target(forms, cut);
    size_t sign = str_rchr(host, '@');
    if (sign != STR_NONE && sign > 0 && host.s[0] != '@') {
        while (str_chr(host, '@') != STR_NONE && str_chr(host, '@') > 0)
            host = str_from(host, str_chr(host, '@') + 1);
        add_cut(forms, cut, host);
    }
    size_t n = host.n;
    while (n && (!ascii_is_word(host.s[n - 1]) || host.s[n - 1] == '_'))
        n--;
    if (n < host.n) {
        host.n = n;
        add_cut(forms, cut, host);
    }
    add_numbers(forms, cut, host, whole);
}

/* A place in the page or on the same server, which leads nowhere from mail. */
static bool is_place(struct str uri)
{
    return uri.n <= 1 || memchr("#?&", uri.s[0], 3) || (uri.s[0] == '/' && uri.s[1] != '/');
}

static void clean_one(struct uri_forms *forms, struct str uri)
{
    struct cut cut;
    if (is_place(uri))
        return;
    if (is_mail(uri)) {
        clean_mail(forms, uri);
        return;
    }
    struct str form = with_slashes(forms, with_front_slashes(forms, uri));
    if (uri_has_escape(form))
        form = uri_unescape(forms->facts->pool, form);
    forms->no_memory |= form.s == NULL;
    if (!has_scheme(form))
        form = join(forms, str_starts(form, STR("ftp.")) ? STR("ftp://") : STR("http://"), form,
                    STR_EMPTY);
    form = without_references(forms, with_path(forms, form));
    add(forms, form);
    if (cut_uri(form, &cut))
        clean_host(forms, &cut);
}

void uri_clean(struct uri_forms *forms, struct str raw)
{
    forms->n = 0;
    forms->n_targets = 1;
    forms->targets[0] = raw;
    for (size_t i = 0; i < forms->n_targets && !forms->no_memory; i++) {
        struct str uri = without_line_ends(forms, forms->targets[i]);
        add(forms, uri.s ? uri : STR(""));
        clean_one(forms, uri);
    }
}

bool uri_to_host(struct facts *facts, struct str uri, struct str *host, struct str *domain)
{
    struct str x = pool_lower(facts->pool, uri);
    size_t n = 0;
    if (str_starts(x, STR("javascript:")) || str_starts(x, STR("cid:")) ||
        str_starts(x, STR("file:")))
        return false;
    if (str_starts(x, STR("mailto:"))) {
        x = str_sub(str_from(x, 7), 0, str_chr(str_from(x, 7), '?'));
        size_t sign = str_chr(x, '@');
        if (sign == STR_NONE || str_rchr(x, '@') != sign)
            return false;
        x = str_from(x, sign + 1);
    } else {
        while (n < x.n && x.s[n] >= 'a' && x.s[n] <= 'z')
            n++;
        if (n > 0 && n < x.n && x.s[n] == ':') {
            n++;
            n += n < x.n && x.s[n] == '/';
            n += n < x.n && x.s[n - 1] == '/' && x.s[n] == '/';
            x = str_from(x, n);
        }
        for (n = 0; n < x.n && !memchr("/?#", x.s[n], 3);)
            n++;
        x.n = n;
        size_t sign = str_rchr(x, '@');
        x = str_from(x, sign == STR_NONE ? 0 : sign + 1);
        for (n = x.n; n && x.s[n - 1] >= '0' && x.s[n - 1] <= '9';)
            n--;
        if (n && x.s[n - 1] == ':')
            x.n = n - 1;
    }
    *host = *domain = x;
    if (registry_is_ipv4(x))
        return true;
    if (!registry_is_name(x) || !registry_is_valid(facts->settings, x))
        return false;
    *domain = registry_domain(facts->settings, x);
    return true;
}
