#include "rules/facts/uri_text.h"

#include "base/ascii.h"
#include "rules/facts/registry.h"

#define SCHEME_REST_MAX 2048 /* bytes behind a scheme, of an address after "mailto:", of a path */
#define MAIL_SIDE_MAX   251  /* bytes before and behind an address's '@' */
#define HOST_FIRST_MAX  252  /* bytes of a name before its top-level domain */
#define PORT_DIGITS_MAX 5

enum byte_class {
    START = 1,      /* a link may begin behind it */
    END = 2,        /* ends a link */
    MAIL_END = 4,   /* ends an address */
    BARE_START = 8, /* a name without scheme may begin behind it */
    HOST = 16,      /* may stand in a name without scheme */
    SIGN = 32,      /* without one of them in a word there is no link */
};

/* By byte: white space, ESC (of ISO 2022) and 0xa0 end all; bytes above ASCII end an address. */
// clang-format off
static const unsigned char classes[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 15, 15, 15, 15, 15, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 15, 0, 0, 0, 0,
    15, 8, 15, 8, 8, 0, 8, 13, 13, 8, 8, 8, 13, 16, 48, 8,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 40, 8, 15, 8, 15, 8,
    40, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 15, 8, 14, 8, 16,
    15, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 15, 15, 14, 8, 0,
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
    15, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
};
// clang-format on

static bool is(struct str x, size_t at, unsigned class)
{
    return classes[(unsigned char)x.s[at]] & class;
}

/* At the end of the text, or at a byte of that class. */
static bool ends_at(struct str x, size_t at, unsigned class)
{
    return at >= x.n || is(x, at, class);
}

/* Position of the first byte of that class at or behind `at`, at most `max` bytes on; STR_NONE:
 * there is none so near. */
static size_t run(struct str x, size_t at, unsigned class, size_t max)
{
    size_t end = at;
    while (end < x.n && end - at <= max && !is(x, end, class))
        end++;
    return end - at > max ? STR_NONE : end;
}

/* Bytes of "http://", "www." and the like at the text's start; 0: none. */
static size_t scheme_at(struct str x)
{
    static const struct str schemes[] = {{"http://", 7},
                                         {"https://", 8},
                                         {"ftp://", 6},
                                         {"ftp.", 4}};
    char first = str_lower_char(x.s[0]);
    if (first != 'h' && first != 'f' && first != 'w')
        return 0;
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (str_istarts(x, schemes[i]))
            return schemes[i].n;
    }
    if (!str_istarts(x, STR("www")))
        return 0;
    size_t n = 3;
    while (n < x.n && n < 5 && x.s[n] >= '0' && x.s[n] <= '9')
        n++;
    return n < x.n && x.s[n] == '.' ? n + 1 : 0;
}

/* Each gives the position behind what begins at `at`, or 0. */
static size_t match_scheme(struct str x, size_t at)
{
    size_t n = scheme_at(str_from(x, at));
    size_t end = n ? run(x, at + n, END, SCHEME_REST_MAX) : STR_NONE;
    return end == STR_NONE || end == at + n ? 0 : end;
}

static size_t match_mail(struct str x, size_t at, size_t sign)
{
    size_t start = at + 7;
    if (str_istarts(str_from(x, at), STR("mailto:"))) {
        size_t end = run(x, start, MAIL_END, SCHEME_REST_MAX);
        if (end != STR_NONE && end > start)
            return end;
    }
    if (sign == STR_NONE || sign == at || sign - at > MAIL_SIDE_MAX)
        return 0;
    size_t end = run(x, sign + 1, MAIL_END, MAIL_SIDE_MAX);
    return end == STR_NONE || end == sign + 1 ? 0 : end;
}

/* What may follow a name, up to the end of the link: a dot, a port, a path. */
static size_t match_rest(struct str x, size_t at)
{
    at += at < x.n && x.s[at] == '.';
    if (at < x.n && x.s[at] == ':') {
        size_t digits = at + 1;
        while (digits < x.n && x.s[digits] >= '0' && x.s[digits] <= '9')
            digits++;
        if (digits == at + 1 || digits - at - 1 > PORT_DIGITS_MAX)
            return 0;
        at = digits;
    }
    if (at < x.n && x.s[at] == '/') {
        size_t end = run(x, at + 1, END, SCHEME_REST_MAX);
        return end == STR_NONE || end == at + 1 ? 0 : end;
    }
    return ends_at(x, at, END) ? at : 0;
}

/* Where the label behind a dot ends, if that is a top-level domain and the last one; else 0. */
static size_t match_tld(const struct rules_settings *settings, struct str x, size_t dot)
{
    size_t end = dot + 1;
    while (end < x.n && (ascii_is_alnum(x.s[end]) || x.s[end] == '-'))
        end++;
    if (end == dot + 1 || (end + 1 < x.n && x.s[end] == '.' && ascii_is_alnum(x.s[end + 1])))
        return 0;
    return registry_is_valid(settings, str_sub(x, dot, end)) ? end : 0;
}

static size_t match_bare(const struct rules_settings *settings, struct str x, size_t at,
                         struct str *host)
{
    if (!ascii_is_alnum(x.s[at]) || (at > 0 && !is(x, at - 1, BARE_START)))
        return 0;
    size_t last = at + 1;
    while (last < x.n && last - at <= HOST_FIRST_MAX && is(x, last, HOST))
        last++;
    for (size_t dot = last; dot-- > at + 1;) {
        size_t tld = x.s[dot] == '.' ? match_tld(settings, x, dot) : 0;
        size_t end = tld ? match_rest(x, tld) : 0;
        if (end == 0)
            continue;
        *host = str_sub(x, at, tld);
        return end;
    }
    return 0;
}

/* May a link begin there: at a word's edge, or behind a delimiter, or a charset's escape? */
static bool can_begin(struct str x, size_t at)
{
    bool word = ascii_is_word(x.s[at]) && (unsigned char)x.s[at] < 0x80;
    if (at == 0)
        return word;
    bool before = ascii_is_word(x.s[at - 1]) && (unsigned char)x.s[at - 1] < 0x80;
    return word != before || is(x, at - 1, START) ||
           (at >= 3 && x.s[at - 3] == 0x1b && x.s[at - 2] == '(');
}

/* The '@' of an address that begins somewhere up to `end`, which is where it stands or where no
 * address goes on. */
struct mail_sign {
    size_t sign, end;
};

static struct mail_sign next_sign(struct str x, size_t at)
{
    while (at < x.n && x.s[at] != '@' && !is(x, at, MAIL_END))
        at++;
    return (struct mail_sign){at < x.n && x.s[at] == '@' ? at : STR_NONE, at};
}

static bool match_at(const struct rules_settings *settings, struct str x, size_t at, size_t sign,
                     size_t *end, struct uri_text *found)
{
    if ((*end = match_scheme(x, at)) > 0)
        found->kind = URI_TEXT_SCHEME;
    else if ((*end = match_mail(x, at, sign)) > 0)
        found->kind = URI_TEXT_MAIL;
    else if ((*end = match_bare(settings, x, at, &found->host)) > 0)
        found->kind = URI_TEXT_SCHEMELESS;
    return *end > 0;
}

/* The bytes up to the next END; *sign: is there one of ". : @" among them? */
static size_t word_end(struct str x, size_t at, bool *sign)
{
    *sign = false;
    for (; at < x.n; at++) {
        unsigned class = classes[(unsigned char)x.s[at]];
        if (class & END)
            break;
        *sign |= (class & SIGN) > 0;
    }
    return at;
}

bool uri_text_next(const struct rules_settings *settings, struct str text, size_t *at,
                   struct uri_text *found)
{
    *found = (struct uri_text){.kind = URI_TEXT_SCHEME};
    while (*at < text.n) {
        bool sign;
        size_t end = word_end(text, *at, &sign), next = *at, matched;
        struct mail_sign mail = next_sign(text, next);
        for (; sign && next < end; next++) {
            if (!can_begin(text, next))
                continue;
            if (next > mail.end)
                mail = next_sign(text, next);
            if (!match_at(settings, text, next, mail.sign, &matched, found))
                continue;
            found->text = str_sub(text, next, matched);
            *at = matched;
            return true;
        }
        *at = end + 1;
    }
    return false;
}

struct str uri_text_trim(struct str text)
{
    size_t close = str_chr(text, ')'), open = str_chr(text, '(');
    if (close != STR_NONE && (open == STR_NONE || open > close))
        text.n = close;
    while (text.n && strchr("-~!@#^&*()_+=:;'?,.", text.s[text.n - 1]) && text.s[text.n - 1])
        text.n--;
    return text;
}
