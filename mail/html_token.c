#include "mail/html_token.h"

#include "base/ascii.h"

static bool is_html_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static size_t skip_space(struct str x, size_t at)
{
    while (at < x.n && is_html_space(x.s[at]))
        at++;
    return at;
}

/* Reads one attribute at `at`, which is neither space nor '/' nor '>'; returns what is behind it,
 * x.n when a quote is not closed. */
static size_t attribute_end(struct str x, size_t at, struct str *name, struct str *value)
{
    size_t from = at++;
    while (at < x.n && !is_html_space(x.s[at]) && !strchr("/>=", x.s[at]))
        at++;
    *name = str_sub(x, from, at);
    *value = STR_EMPTY;
    size_t equals = skip_space(x, at);
    if (equals == x.n || x.s[equals] != '=')
        return at;
    at = skip_space(x, equals + 1);
    if (at == x.n)
        return at;
    char quote = x.s[at];
    if (quote == '"' || quote == '\'') {
        size_t close = str_chr(str_from(x, at + 1), quote);
        *value = str_sub(x, at + 1, close == STR_NONE ? x.n : at + 1 + close);
        return close == STR_NONE ? x.n : at + 1 + close + 1;
    }
    from = at;
    while (at < x.n && !is_html_space(x.s[at]) && x.s[at] != '>')
        at++;
    *value = str_sub(x, from, at);
    return at;
}

bool html_attribute(struct str *attributes, struct str *name, struct str *value)
{
    size_t at = 0;
    while (at < attributes->n && (is_html_space(attributes->s[at]) || attributes->s[at] == '/'))
        at++;
    if (at == attributes->n)
        return false;
    *attributes = str_from(*attributes, attribute_end(*attributes, at, name, value));
    return true;
}

/* Position of the '>' that ends the tag whose attributes start at `at`, or x.n. */
static size_t tag_end(struct str x, size_t at)
{
    struct str name, value;
    while (at < x.n && x.s[at] != '>') {
        if (is_html_space(x.s[at]) || x.s[at] == '/')
            at++;
        else
            at = attribute_end(x, at, &name, &value);
    }
    return at;
}

static size_t read_tag(struct str x, size_t at, struct html_token *token)
{
    size_t from = at;
    while (at < x.n && !is_html_space(x.s[at]) && x.s[at] != '/' && x.s[at] != '>')
        at++;
    token->name = str_sub(x, from, at);
    size_t end = tag_end(x, at);
    token->attributes = str_sub(x, at, end);
    if (end == x.n) {
        token->kind = HTML_UNFINISHED;
        token->text = x;
        return end;
    }
    return end + 1;
}

/* "<!-->" and "<!--->" are whole comments; "--!>" closes one too. */
static size_t read_comment(struct str x, struct html_token *token)
{
    token->kind = HTML_COMMENT;
    struct str body = str_from(x, 4);
    if (str_starts(body, STR(">")) || str_starts(body, STR("->")))
        return 4 + (body.s[0] == '>' ? 1 : 2);
    for (size_t at = 0;;) {
        size_t dashes = str_find(str_from(body, at), STR("--"));
        if (dashes == STR_NONE) {
            token->text = body;
            return x.n;
        }
        at += dashes;
        token->text = str_sub(body, 0, at);
        struct str after = str_from(body, at + 2);
        if (str_starts(after, STR(">")))
            return 4 + at + 3;
        if (str_starts(after, STR("!>")))
            return 4 + at + 4;
        at++;
    }
}

/* "<!doctype", "<?xml", "</ 5": all that is between '<' and '>' is nothing. */
static size_t read_bogus(struct str x, struct html_token *token)
{
    size_t end = str_chr(x, '>');
    token->kind = HTML_COMMENT;
    return end == STR_NONE ? x.n : end + 1;
}

static bool starts_markup(struct str x)
{
    return x.n > 1 && x.s[0] == '<' && (ascii_is_letter(x.s[1]) || strchr("/!?", x.s[1])) && x.s[1];
}

static size_t read_text(struct str x, struct html_token *token)
{
    size_t at = 0;
    token->kind = HTML_TEXT;
    do {
        size_t more = str_chr(str_from(x, at + 1), '<');
        at = more == STR_NONE ? x.n : at + 1 + more;
    } while (at < x.n && !starts_markup(str_from(x, at)));
    token->text = str_sub(x, 0, at);
    return at;
}

bool html_next(struct str *rest, struct html_token *token)
{
    struct str x = *rest;
    size_t end;
    *token = (struct html_token){0};
    if (x.n == 0)
        return false;
    if (!starts_markup(x)) {
        end = read_text(x, token);
    } else if (ascii_is_letter(x.s[1])) {
        token->kind = HTML_OPEN;
        end = read_tag(x, 1, token);
    } else if (x.s[1] == '/' && x.n > 2 && ascii_is_letter(x.s[2])) {
        token->kind = HTML_CLOSE;
        end = read_tag(x, 2, token);
    } else if (str_starts(x, STR("<!--"))) {
        end = read_comment(x, token);
    } else {
        end = read_bogus(x, token);
    }
    *rest = str_from(x, end);
    return true;
}

struct str html_raw_text(struct str *rest, struct str name)
{
    struct str x = *rest;
    for (size_t at = 0; at < x.n; at++) {
        size_t open = str_find(str_from(x, at), STR("</"));
        if (open == STR_NONE)
            break;
        at += open;
        if (!str_istarts(str_from(x, at + 2), name))
            continue;
        *rest = str_from(x, at);
        return str_sub(x, 0, at);
    }
    *rest = str_from(x, x.n);
    return x;
}
