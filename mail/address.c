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

/* Position behind the domain literal that begins at i ("[IPv6:2001:db8::1]"); of an open one,
 * behind its bracket. */
static size_t skip_literal(struct str x, size_t i)
{
    size_t close = i + 1;
    while (close < x.n && !memchr("[],;<>\"", x.s[close], 7))
        close++;
    return close < x.n && x.s[close] == ']' ? close + 1 : i + 1;
}

/*
 * Something stands behind a closed bracket. Where it holds an address mail programs may show that
 * one too, though no comma parts them ("<a@b> <c@d>", "<a@b> c@d"): *another, and the position
 * stays. Else it is passed over.
 */
static size_t skip_junk(struct str x, size_t i, bool *another)
{
    size_t end = i;
    bool at = false;
    while (end < x.n && !memchr(",;<(", x.s[end], 4)) {
        at |= x.s[end] == '@';
        end = x.s[end] == '"' ? skip_quoted(x, end) : end + 1;
    }
    *another = at || (end < x.n && x.s[end] == '<');
    return *another ? i : end;
}

/* The position behind the mailbox whose bracket was closed before i. */
static size_t read_tail(struct str x, size_t i, struct spans *spans)
{
    bool another = false;
    while (i < x.n && x.s[i] != ',' && x.s[i] != ';' && !another) {
        size_t at = i;
        if (is_mail_space(x.s[i])) {
            i++;
        } else if (x.s[i] == '(') {
            i = skip_comment(x, i);
            spans->comment = str_sub(x, at + 1, i - 1);
        } else {
            i = skip_junk(x, i, &another);
        }
    }
    return i < x.n && !another ? i + 1 : i;
}

/* Reads up to the comma or semicolon that ends a mailbox, or to where the next one begins without;
 * returns the position behind it. */
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
            else if (spans->words.n == 0)
                spans->words = str_sub(x, from, at);
        } else if (x.s[i] == '<') {
            size_t close = str_chr(str_from(x, i), '>');
            i = close == STR_NONE ? x.n : i + close + 1;
            spans->words = str_sub(x, from, at);
            spans->bracket = str_sub(x, at + 1, close == STR_NONE ? i : i - 1);
            spans->has_bracket = true;
            return read_tail(x, i, spans);
        } else if (x.s[i] == '[') {
            i = skip_literal(x, i);
        } else if (x.s[i] == ':') {
            if (str_chr(str_sub(x, from, i), '@') != STR_NONE) /* no group is called so */
                break;
            from = ++i; /* a group's name ends here */
        } else {
            from += from == i && is_mail_space(x.s[i]);
            i++;
        }
    }
    if (spans->words.n == 0)
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
