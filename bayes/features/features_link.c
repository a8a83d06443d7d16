#include "bayes/features/features.h"

#define PATH_WORDS 12 /* of one link */

static bool is_number(struct str x)
{
    size_t i = 0;
    while (i < x.n && x.s[i] >= '0' && x.s[i] <= '9')
        i++;
    return x.n && i == x.n;
}

static bool is_address(struct str host)
{
    struct str rest = host, piece, last = STR_EMPTY;
    if (str_chr(host, ':') != STR_NONE)
        return true;
    while (str_next(&rest, '.', &piece))
        last = piece;
    return is_number(last);
}

/* The host, and every parent domain of it but the top one's own. */
static void host_add(struct tokens *tokens, const struct uri *uri)
{
    struct str host = uri->host;
    if (host.n == 0)
        return;
    if (is_address(host)) {
        tokens_add(tokens, STR("u"), STR("address for a name"));
        tokens_add(tokens, STR("u"), host);
        return;
    }
    for (size_t dot; (dot = str_chr(host, '.')) != STR_NONE; host = str_from(host, dot + 1)) {
        tokens_add(tokens, STR("u"), host);
        if (str_eq(host, uri->domain))
            break;
    }
    size_t last = str_rchr(uri->host, '.');
    if (last != STR_NONE)
        tokens_add(tokens, STR("u"), str_from(uri->host, last));
}

/* What stands behind the host: path, query, fragment. */
static struct str after_host(struct str clean)
{
    size_t scheme = str_find(clean, STR("://"));
    struct str rest = scheme == STR_NONE ? clean : str_from(clean, scheme + 3);
    for (size_t i = 0; i < rest.n; i++)
        if (rest.s[i] == '/' || rest.s[i] == '?' || rest.s[i] == '#')
            return str_from(rest, i);
    return STR_EMPTY;
}

static bool is_separator(char c)
{
    return c == '/' || c == '?' || c == '&' || c == '=' || c == '#' || c == ';' || c == '+' ||
           c == '.' || c == '_' || c == '-' || c == '%' || c == ',' || c == ':';
}

static void path_add(struct tokens *tokens, struct str path)
{
    unsigned words = 0;
    for (size_t from = 0, at = 0; at <= path.n && words < PATH_WORDS; at++) {
        if (at < path.n && !is_separator(path.s[at]))
            continue;
        struct str word = str_sub(path, from, at);
        from = at + 1;
        if (word.n < 2 || word.n > TOKEN_TEXT_MAX)
            continue;
        tokens_add(tokens, STR("up"), word);
        words++;
    }
}

static struct str scheme_of(struct str clean)
{
    size_t colon = str_chr(clean, ':');
    return colon == STR_NONE || colon > 12 ? STR("none") : str_sub(clean, 0, colon);
}

static void link_add(struct tokens *tokens, const struct uri *uri)
{
    static const char *const sources[] = {"text", "href", "img", "form", "other"};
    size_t start = str_find(uri->clean, STR("://"));
    struct str rest = start == STR_NONE ? STR_EMPTY : str_from(uri->clean, start + 3);
    struct str path = after_host(uri->clean);
    struct str authority = str_sub(rest, 0, rest.n - path.n);
    struct str scheme = scheme_of(uri->clean);
    tokens_addf(tokens, STR("u"), "%.*s in %s", STR_ARG(scheme), sources[uri->source]);
    host_add(tokens, uri);
    if (str_chr(authority, '@') != STR_NONE)
        tokens_add(tokens, STR("u"), STR("user in it"));
    if (str_chr(authority, ':') != STR_NONE)
        tokens_add(tokens, STR("u"), STR("port in it"));
    path_add(tokens, path);
}

void features_links(struct tokens *tokens, const struct mail_text *text)
{
    for (size_t i = 0; i < text->n_uris && !tokens_full(tokens); i++)
        link_add(tokens, &text->uris[i]);
}
