/* uri: SpamAssassin's URIEval.pm, HTTPSMismatch.pm and the local part of DecodeShortURLs.pm. */
#include "base/ascii.h"
#include "rules/eval/eval.h"
#include "rules/facts/html_facts.h"
#include "rules/facts/registry.h"
#include "rules/facts/uris.h"

/* Bytes before the first of `stops`. */
static struct str until(struct str text, const char *stops)
{
    size_t n = 0;
    while (n < text.n && (text.s[n] == 0 || !strchr(stops, text.s[n])))
        n++;
    return str_sub(text, 0, n);
}

/* Takes "http:" or "https:" off the front, case ignored. */
static bool take_http(struct str *text)
{
    if (!str_istarts(*text, STR("http")))
        return false;
    size_t colon = text->n > 4 && str_lower_char(text->s[4]) == 's' ? 5 : 4;
    if (colon >= text->n || text->s[colon] != ':')
        return false;
    *text = str_from(*text, colon + 1);
    return true;
}

/* Does it begin with four numbers of any size and dots between them? */
static bool begins_with_address(struct str text)
{
    size_t at = 0;
    for (unsigned i = 0; i < 4; i++) {
        if (i > 0 && (at >= text.n || text.s[at++] != '.'))
            return false;
        size_t first = at;
        while (at < text.n && ascii_is_digit(text.s[at]))
            at++;
        if (at == first)
            return false;
    }
    return true;
}

/* The domain that somebody registered, in lower case; empty when its top level does not exist. */
static struct str domain_of(struct eval_context *c, struct str host)
{
    struct str lower = pool_lower(c->pool, host);
    if (lower.n == 0)
        return STR_EMPTY;
    struct str domain = registry_domain(c->settings, lower);
    return registry_is_valid(c->settings, domain) ? domain : STR_EMPTY;
}

/* The host of a link inside a link that begins at `at`; empty: none does. */
static struct str inner_host(struct str uri, size_t at)
{
    struct str rest = str_from(uri, at);
    if (!take_http(&rest))
        return STR_EMPTY;
    for (unsigned slashes = 0; slashes < 2 && str_starts(rest, STR("/")); slashes++)
        rest = str_from(rest, 1);
    return until(rest, "/:?");
}

/* Where the first link begins inside of one whose own host begins at `host`, and is `*outer`. */
static size_t find_inner(struct str uri, size_t host, struct str *outer)
{
    size_t host_end = host + until(str_from(uri, host), "/:?").n, inside = STR_NONE;
    for (size_t at = host + 2; at + 6 < uri.n; at++) {
        if (str_lower_char(uri.s[at]) != 'h' || inner_host(uri, at).n == 0)
            continue;
        if (at > host_end) {
            inside = at;
            *outer = str_sub(uri, host, host_end);
            break;
        }
        inside = at; /* "http://a.examplehttp://…": what is before it is the host */
        *outer = str_sub(uri, host, at - 1);
    }
    return inside;
}

static bool is_redirector(struct eval_context *c, struct str uri)
{
    for (;;) {
        struct str rest = uri, outer = STR_EMPTY;
        if (!take_http(&rest) || !str_starts(rest, STR("//")))
            return false;
        size_t inner = find_inner(uri, (size_t)(rest.s + 2 - uri.s), &outer);
        if (inner == STR_NONE || outer.n == 0)
            return false;
        struct str target = inner_host(uri, inner);
        struct str from = domain_of(c, outer), to = domain_of(c, target);
        if (!str_eq(from.n ? from : outer, to.n ? to : target))
            return true;
        uri = str_from(uri, inner);
    }
}

/* a link holds another one that leads to another domain */
static double check_for_http_redirector(struct eval_context *c)
{
    const struct fact_uris *uris = facts_uris(c->facts);
    if (uris == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < uris->n_cleaned; i++) {
        if (is_redirector(c, uris->cleaned[i])) {
            c->text = uris->cleaned[i];
            return 1;
        }
    }
    return 0;
}

/* The domain of an http link that is no address; empty: it has none that exists. */
static struct str link_domain(struct eval_context *c, struct str uri)
{
    if (!take_http(&uri) || !str_starts(uri, STR("//")))
        return STR_EMPTY;
    struct str host = until(str_from(uri, 2), "/:?#");
    return registry_is_ipv4(host) ? STR_EMPTY : domain_of(c, host);
}

/* Does the text show "https://" with a host of another domain? */
static bool shows_other_domain(struct eval_context *c, struct str text, struct str domain)
{
    size_t at = str_ifind(text, STR("https://"));
    while (at != STR_NONE) {
        struct str host = until(str_from(text, at + 8), " \t\r\n\f\v/:?#");
        if (host.n) {
            struct str shown = registry_is_ipv4(host) ? host : domain_of(c, host);
            return shown.n && !str_eq(shown, domain);
        }
        text = str_from(text, at + 8);
        at = str_ifind(text, STR("https://"));
    }
    return false;
}

/* (MIN, MAX): a link to one domain shows "https://" and another; so many links with text, MAX
 * itself left out */
static double check_https_http_mismatch(struct eval_context *c)
{
    const struct html_docs *docs = facts_html(c->facts);
    double least = c->n > 0 && c->a[0].number > 0 ? c->a[0].number : 1;
    if (docs == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < docs->n; i++) {
        const struct html_doc *doc = &docs->list[i];
        double anchors = 0;
        bool mismatch = false;
        for (size_t k = 0; k < doc->n_links; k++) {
            const struct html_link *link = &doc->links[k];
            struct str domain = link->n_anchors ? link_domain(c, link->uri) : STR_EMPTY;
            anchors += domain.n > 0;
            for (size_t t = 0; domain.n && t < link->n_anchors && !mismatch; t++)
                mismatch =
                    shows_other_domain(c, doc->texts[HTML_ANCHORS][link->anchors[t]], domain);
        }
        if (mismatch && anchors >= least && (c->n < 2 || anchors < c->a[1].number))
            return 1;
    }
    return 0;
}

/* "http://user@192.0.2.1…", with any number of slashes. */
static bool leads_to_address(struct str uri, bool https_only)
{
    if ((https_only && !str_istarts(uri, STR("https"))) || !take_http(&uri))
        return false;
    while (str_starts(uri, STR("/")))
        uri = str_from(uri, 1);
    size_t at = str_chr(until(uri, "/"), '@');
    if (at != STR_NONE && at > 0 && begins_with_address(str_from(uri, at + 1)))
        return true;
    return begins_with_address(uri);
}

/* a link to an address shows "https:" and no address */
static double check_https_ip_mismatch(struct eval_context *c)
{
    const struct html_docs *docs = facts_html(c->facts);
    if (docs == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < docs->n; i++) {
        const struct html_doc *doc = &docs->list[i];
        for (size_t k = 0; k < doc->n_links; k++) {
            const struct html_link *link = &doc->links[k];
            if (!leads_to_address(link->uri, false))
                continue;
            for (size_t t = 0; t < link->n_anchors; t++) {
                struct str text = doc->texts[HTML_ANCHORS][link->anchors[t]];
                if (!leads_to_address(text, true) && str_ifind(text, STR("https:")) != STR_NONE)
                    return 1;
            }
        }
    }
    return 0;
}

/* a link was longer than what is looked at */
static double check_uri_truncated(struct eval_context *c)
{
    const struct fact_uris *uris = facts_uris(c->facts);
    return uris ? uris->truncated : EVAL_NO_MEMORY;
}

/* The host that a shortener list may name, and whether a path follows. */
static struct str short_host(struct str uri, bool *path)
{
    if (!take_http(&uri) || !str_starts(uri, STR("//")))
        return STR_EMPTY;
    uri = str_from(uri, 2);
    struct str user = until(uri, "@/?#");
    if (user.n < uri.n && uri.s[user.n] == '@')
        uri = str_from(uri, user.n + 1);
    struct str host = until(uri, "/?#:"), rest = until(str_from(uri, host.n), "#?");
    if (rest.n > 1 && rest.s[0] == ':' && ascii_is_digit(rest.s[1])) {
        do
            rest = str_from(rest, 1);
        while (rest.n && ascii_is_digit(rest.s[0]));
    }
    *path = false;
    for (size_t i = 0; i < rest.n; i++) {
        char c = str_lower_char(rest.s[i]);
        *path |= (c >= 'a' && c <= 'z') || ascii_is_digit(c) || c == '_';
    }
    return host;
}

static bool is_short(struct eval_context *c, struct str uri)
{
    bool path = false;
    struct str host = pool_lower(c->pool, short_host(uri, &path));
    size_t dots = 0, dot = str_chr(host, '.');
    for (size_t i = 0; i < host.n; i++)
        dots += host.s[i] == '.';
    if (host.n == 0 || (dots == 1 && !path))
        return false;
    if (settings_in(c->settings, SETTINGS_URL_SHORTENERS, host, NULL))
        return true;
    if (dots != 2 || dot == 0)
        return false;
    bool www = str_starts(host, STR("www."));
    if (str_starts(host, STR("www")) && !www)
        return false;
    return settings_in(c->settings, SETTINGS_URL_SHORTENERS, str_from(host, www ? dot + 1 : dot),
                       NULL);
}

/* a link leads to one of the url_shortener hosts */
static double short_url(struct eval_context *c)
{
    const struct fact_uris *uris = facts_uris(c->facts);
    if (uris == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < uris->n; i++) {
        const struct fact_uri *uri = &uris->list[i];
        if (uri->n_hosts && uri->n_cleaned && is_short(c, uri->raw)) {
            c->text = uri->raw;
            return 1;
        }
    }
    return 0;
}

const struct eval_entry eval_uris[] = {
    {"check_for_http_redirector", check_for_http_redirector, 0, 0},
    {"check_https_http_mismatch", check_https_http_mismatch, 0, 2},
    {"check_https_ip_mismatch", check_https_ip_mismatch, 0, 0},
    {"check_uri_truncated", check_uri_truncated, 0, 0},
    {"short_url", short_url, 0, 0},
    {0},
};
