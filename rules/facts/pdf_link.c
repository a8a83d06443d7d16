#include "base/ascii.h"
#include "rules/facts/pdf_string.h"

#define BARE_MIN 8 /* bytes behind "https://" in "(https://…)>>" */
#define BARE_MAX 256

/* A line while links are looked for in it. */
struct search {
    struct str line;
    bool open[2];        /* may "(" and "<" still come to an end in this line? */
    size_t action, bare; /* where "/S" and "(http" stand next; STR_NONE: no more */
};

static void skip_blanks(struct str *x, size_t max)
{
    size_t n = 0;
    while (n < max && n < x->n && ascii_is_space(x->s[n]))
        n++;
    *x = str_from(*x, n);
}

static bool take(struct str *x, struct str word)
{
    if (!str_starts(*x, word))
        return false;
    *x = str_from(*x, word.n);
    return true;
}

/* "/URI (…)": the string in its brackets. */
static bool take_uri(struct search *s, struct str x, struct str *string)
{
    if (!take(&x, STR("/URI")))
        return false;
    skip_blanks(&x, 2);
    bool hex = str_starts(x, STR("<"));
    if (!s->open[hex] || !(hex || str_starts(x, STR("("))))
        return false;
    size_t end = pdf_string_end(x);
    s->open[hex] = end != STR_NONE;
    *string = str_sub(x, 0, end == STR_NONE ? 0 : end + 1);
    return end != STR_NONE;
}

/* "/S /URI /URI (…)" */
static bool take_action(struct search *s, struct str x, struct str *string)
{
    if (!take(&x, STR("/S")))
        return false;
    skip_blanks(&x, 2);
    if (!take(&x, STR("/URI")))
        return false;
    skip_blanks(&x, 2);
    return take_uri(s, x, string);
}

/* "(https://…)>>": what stands in the brackets, as long as may be. */
static bool take_bare(struct str x, struct str *string)
{
    struct str rest = str_from(x, 1);
    if (!take(&rest, STR("http")))
        return false;
    take(&rest, STR("s"));
    if (!take(&rest, STR("://")))
        return false;
    for (size_t n = rest.n < BARE_MAX ? rest.n : BARE_MAX; n >= BARE_MIN; n--) {
        if (str_starts(str_from(rest, n), STR(")>>"))) {
            *string = str_n(x.s + 1, (size_t)(rest.s + n - x.s) - 1);
            return true;
        }
    }
    return false;
}

static size_t next(struct str line, size_t from, struct str what)
{
    size_t found = str_find(str_from(line, from), what);
    return found == STR_NONE ? STR_NONE : from + found;
}

/* The string of the leftmost link. */
static bool find_string(struct search *s, struct str *string)
{
    const struct str action = STR("/S"), bare = STR("(http");
    struct str begin = s->line;
    s->action = next(s->line, 0, action);
    s->bare = next(s->line, 0, bare);
    if (s->action == 0 && take_action(s, s->line, string))
        return true;
    skip_blanks(&begin, begin.n);
    if (take_uri(s, begin, string))
        return true;
    while (s->action != STR_NONE || s->bare != STR_NONE) {
        if (s->action < s->bare) {
            if (take_action(s, str_from(s->line, s->action), string))
                return true;
            s->action = next(s->line, s->action + 1, action);
        } else {
            if (take_bare(str_from(s->line, s->bare), string))
                return true;
            s->bare = next(s->line, s->bare + 1, bare);
        }
    }
    return false;
}

/* Behind its first byte; so that some binary mess is no link. */
static bool has_dot(struct str x)
{
    size_t dot = str_chr(x, '.');
    return dot != STR_NONE && dot > 0;
}

size_t pdf_link_read(struct str line, char *out)
{
    struct search s = {.line = line, .open = {true, true}};
    struct str string;
    if (!find_string(&s, &string) || !has_dot(string))
        return 0;
    struct str link = str_n(out, pdf_string_read(string, out));
    link = str_sub(link, 0, PDF_LINK_MAX);
    return has_dot(link) && str_chr(link, '\0') == STR_NONE ? link.n : 0;
}
