#include "mail/address.h"

static bool is_mail_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Position behind the quoted string that begins at i. */
static size_t skip_quoted(struct str x, size_t i)
{
    for (i++; i < x.n && x.s[i] != '"'; i++) {
        if (x.s[i] == '\\')
            i++;
    }
    return i < x.n ? i + 1 : x.n;
}

/* Position behind the comment that begins at i; comments nest. */
static size_t skip_comment(struct str x, size_t i)
{
    size_t depth = 0;
    for (; i < x.n; i++) {
        if (x.s[i] == '\\')
            i++;
        else if (x.s[i] == '(')
            depth++;
        else if (x.s[i] == ')' && --depth == 0)
            return i + 1;
    }
    return x.n;
}

/* Where the parts of one mailbox stand in the text. */
struct spans {
    struct str bracket; /* inside of <> */
    struct str comment; /* inside of the last () */
    struct str words;   /* what stands before the bracket, or all */
    bool has_bracket;
};

/* Reads up to the comma or semicolon that ends a mailbox; returns the position behind it. */
static size_t read_spans(struct str x, struct spans *spans)
{
    size_t i = 0, from = 0;
    *spans = (struct spans){.has_bracket = false};
    while (i < x.n && x.s[i] != ',' && x.s[i] != ';') {
        size_t at = i;
        if (x.s[i] == '"') {
            i = skip_quoted(x, i);
        } else if (x.s[i] == '(') {
            i = skip_comment(x, i);
            spans->comment = str_sub(x, at + 1, i - 1);
            if (from == at) /* before the words: not part of them */
                from = i;
            else if (!spans->has_bracket && spans->words.n == 0)
                spans->words = str_sub(x, from, at);
        } else if (x.s[i] == '<' && !spans->has_bracket) {
            size_t close = str_chr(str_from(x, i), '>');
            i = close == STR_NONE ? x.n : i + close + 1;
            spans->words = str_sub(x, from, at);
            spans->bracket = str_sub(x, at + 1, close == STR_NONE ? i : i - 1);
            spans->has_bracket = true;
        } else if (x.s[i] == ':' && !spans->has_bracket) {
            from = ++i; /* a group's name ends here */
        } else {
            from += from == i && is_mail_space(x.s[i]);
            i++;
        }
    }
    if (!spans->has_bracket && spans->words.n == 0)
        spans->words = str_sub(x, from, i);
    return i < x.n ? i + 1 : i;
}

static struct str unquoted(struct str x)
{
    x = str_trim(x);
    if (x.n >= 2 && x.s[0] == '"' && x.s[x.n - 1] == '"')
        x = str_trim(str_sub(x, 1, x.n - 1));
    return x;
}

bool mail_address_next(struct str *rest, struct mail_address *address)
{
    struct spans spans;
    while (rest->n) {
        *rest = str_from(*rest, read_spans(*rest, &spans));
        struct str words = str_trim(spans.words);
        if (spans.has_bracket) {
            *address = (struct mail_address){unquoted(words), str_trim(spans.bracket)};
            if (address->name.n == 0)
                address->name = str_trim(spans.comment);
            return true;
        }
        if (str_chr(words, '@') != STR_NONE) {
            *address = (struct mail_address){str_trim(spans.comment), words};
            return true;
        }
        if (words.n) {
            *address = (struct mail_address){unquoted(words), STR_EMPTY};
            return true;
        }
    }
    return false;
}

struct str mail_address_domain(struct str address)
{
    size_t at = str_rchr(address, '@');
    return at == STR_NONE ? STR_EMPTY : str_from(address, at + 1);
}
