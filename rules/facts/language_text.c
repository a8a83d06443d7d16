/* What of a body is not said in a language: TextCat.pm's substitutions, each over the whole text.
 */
#include "base/ascii.h"
#include "rules/facts/language.h"

#define PREFIXES_MAX    10 /* "Re: Fwd: …" */
#define PREFIX_MIN      2
#define PREFIX_MAX      12
#define LINK_MAX        1024 /* bytes behind "https://" */
#define LOCAL_MAX       64   /* bytes of an address before its '@' … */
#define ADDRESS_END_MAX 128  /* … and behind the first letter of its host */
#define HOST_MAX        128  /* bytes behind "www." */

static struct str without_prefixes(struct str x)
{
    for (unsigned i = 0; i < PREFIXES_MAX; i++) {
        size_t n = 0;
        while (n < x.n && n <= PREFIX_MAX && ascii_is_letter(x.s[n]))
            n++;
        if (n < PREFIX_MIN || n > PREFIX_MAX || n == x.n || x.s[n] != ':')
            break;
        x = str_from(x, n + 1);
        while (x.n && ascii_is_space(x.s[0]))
            x = str_from(x, 1);
    }
    return x;
}

/* Bytes that are no blanks from there on, `max` at most. */
static size_t solid(struct str x, size_t at, size_t max)
{
    size_t n = 0;
    while (n < max && at + n < x.n && !ascii_is_space(x.s[at + n]))
        n++;
    return n;
}

/* Finds the next piece to be cut out at or behind `at`; false: there is none. */
typedef bool find_function(struct str x, size_t at, size_t *from, size_t *to);

/* "https://…", also with its signs escaped */
static bool find_link(struct str x, size_t at, size_t *from, size_t *to)
{
    static const struct str marks[] = {{"://", 3}, {":&#x2F;&#x2F;", 13}, {"%3A%2F%2F", 9}};
    const struct str http = STR("http");
    for (; at < x.n; at = *from + 1) {
        size_t found = str_find(str_from(x, at), http);
        if (found == STR_NONE)
            return false;
        *from = at + found;
        size_t behind = *from + http.n;
        behind += behind < x.n && x.s[behind] == 's';
        for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
            if (!str_starts(str_from(x, behind), marks[i]))
                continue;
            size_t n = solid(x, behind + marks[i].n, LINK_MAX);
            *to = behind + marks[i].n + n;
            if (n)
                return true;
        }
    }
    return false;
}

static bool find_address(struct str x, size_t at, size_t *from, size_t *to)
{
    for (size_t sign = at; sign < x.n; sign++) {
        size_t found = str_chr(str_from(x, sign), '@');
        if (found == STR_NONE)
            return false;
        sign += found;
        if (sign + 1 >= x.n || !ascii_is_letter(x.s[sign + 1]))
            continue;
        *from = sign;
        while (*from > at && sign - *from < LOCAL_MAX && !ascii_is_space(x.s[*from - 1]))
            --*from;
        size_t n = solid(x, sign + 2, ADDRESS_END_MAX);
        *to = sign + 2 + n;
        if (*from < sign && n)
            return true;
    }
    return false;
}

static bool find_host(struct str x, size_t at, size_t *from, size_t *to)
{
    const struct str www = STR("www.");
    for (; at < x.n; at = *from + 1) {
        size_t found = str_find(str_from(x, at), www);
        if (found == STR_NONE)
            return false;
        *from = at + found;
        size_t n = solid(x, *from + www.n, HOST_MAX);
        *to = *from + www.n + n;
        if (n && (*from == 0 || !ascii_is_word(x.s[*from - 1])))
            return true;
    }
    return false;
}

/* Puts a blank in the place of each piece; the text becomes no longer. */
static size_t cut_out(char *text, size_t n, find_function *find)
{
    size_t at = 0, out = 0, from, to;
    while (find(str_n(text, n), at, &from, &to)) {
        memmove(text + out, text + at, from - at);
        out += from - at;
        text[out++] = ' ';
        at = to;
    }
    memmove(text + out, text + at, n - at);
    return out + n - at;
}

struct str language_text(struct pool *pool, struct str body)
{
    static find_function *const finds[] = {find_link, find_address, find_host};
    body = without_prefixes(body);
    char *text = pool_cstr(pool, body);
    size_t n = body.n;
    if (text == NULL)
        return STR_EMPTY;
    for (size_t i = 0; i < sizeof finds / sizeof *finds; i++)
        n = cut_out(text, n, finds[i]);
    return str_n(text, n < NGRAMS_TEXT_MAX ? n : NGRAMS_TEXT_MAX);
}
