#include "rules/facts/stock_info.h"

#include "base/ascii.h"
#include "mail/utf8.h"
#include "rules/facts/rendered.h"

/* Is the text the word, perhaps with one letter behind each of its letters but the last? */
static bool is_spaced(struct str text, const char *word)
{
    if (text.n == 0 || text.s[0] != *word)
        return false;
    if (word[1] == 0)
        return text.n == 1;
    return is_spaced(str_from(text, 1), word + 1) || is_spaced(str_from(text, 2), word + 1);
}

/* One of the endings behind one of the beginnings, both lists ended by NULL. */
static bool is_joined(struct str text, const char *const *heads, const char *const *tails)
{
    for (; *heads; heads++) {
        if (!str_starts(text, str_of(*heads)))
            continue;
        struct str rest = str_from(text, strlen(*heads));
        for (const char *const *tail = tails; *tail; tail++) {
            if (str_eq(rest, str_of(*tail)))
                return true;
        }
    }
    return false;
}

static bool is_stock_word(struct str text)
{
    static const char *const words[] = {"company",      "companyname",
                                        "target",       "ticker",
                                        "openingp",     "openingprice",
                                        "currentp",     "currentprice",
                                        "projected",    "position",
                                        "expectations", "weekhigh",
                                        "weekshigh",    "marketperformance",
                                        "sector",       "recommendation",
                                        "rating",       NULL};
    static const char *const spans[] = {"year", "week", "month", "day", "price", NULL};
    static const char *const aims[] = {"target", "estimate", "estimates", NULL};
    for (size_t i = 0; words[i]; i++) {
        if (str_eq(text, str_of(words[i])))
            return true;
    }
    return is_joined(text, spans, aims) || is_spaced(text, "stock") || is_spaced(text, "sym") ||
           is_spaced(text, "symbol");
}

/* The longest ending of the letters that is such a word; empty: none is. */
static struct str stock_word(struct str letters)
{
    if (str_eq(letters, STR("tradedate")) || str_eq(letters, STR("tradingdate")))
        return letters;
    for (size_t from = 0; from < letters.n; from++) {
        if (is_stock_word(str_from(letters, from)))
            return str_from(letters, from);
    }
    return STR_EMPTY;
}

static int add_name(struct pool *pool, struct stock_info *info, struct str name)
{
    char letters[4 * STOCK_NAME_MAX];
    size_t n = 0;
    for (size_t i = 0; i < name.n && n < sizeof letters; i++) {
        char c = str_lower_char(name.s[i]);
        if (c >= 'a' && c <= 'z')
            letters[n++] = c;
    }
    struct str word = stock_word(str_n(letters, n));
    for (size_t i = 0; word.n && i < info->kinds; i++) {
        if (str_eq(info->names[i], word))
            return 0;
    }
    if (word.n == 0 || info->kinds == STOCK_KINDS_MAX)
        return 0;
    word = pool_str(pool, word);
    if (word.s == NULL)
        return -1;
    info->names[info->kinds++] = word;
    return 0;
}

static size_t skip_blanks(struct str text, size_t at)
{
    while (at < text.n && ascii_is_space(text.s[at]))
        at++;
    return at;
}

/* The name that begins at `at`, and where what is behind its colon begins; STR_NONE: none does. */
static size_t read_name(struct str text, size_t at, struct str *name)
{
    size_t end = at, characters = 0;
    while (end < text.n && text.s[end] != ':' && text.s[end] != '\n') {
        if (characters == STOCK_NAME_MAX && !ascii_is_space(text.s[end]))
            return STR_NONE;
        if (characters < STOCK_NAME_MAX) {
            utf8_next(text, &end);
            characters++;
        } else {
            end++;
        }
    }
    *name = str_sub(text, at, end);
    end = skip_blanks(text, end);
    if (characters < 3 || end == text.n || text.s[end] != ':')
        return STR_NONE;
    end = skip_blanks(text, end + 1);
    return end < text.n ? end : STR_NONE;
}

static int read_lines(struct pool *pool, struct stock_info *info, struct str text)
{
    for (size_t at = skip_blanks(text, 0); at < text.n; at = skip_blanks(text, at)) {
        struct str name;
        size_t value = read_name(text, at, &name);
        if (value != STR_NONE) {
            if (add_name(pool, info, name) < 0)
                return -1;
            at = value;
        }
        size_t line = str_chr(str_from(text, at), '\n');
        at = line == STR_NONE ? text.n : at + line + 1;
    }
    return 0;
}

const struct stock_info *facts_stock_info(struct facts *facts)
{
    struct stock_info *info = facts->made[FACT_STOCK_INFO];
    const struct rendered *rendered;
    if (info)
        return info;
    if ((rendered = facts_rendered(facts)) == NULL ||
        (info = POOL_NEW(facts->pool, struct stock_info)) == NULL)
        return NULL;
    for (size_t i = 0; i < rendered->n; i++) {
        if (!str_eq(rendered->list[i].part->type, STR("text/plain")))
            continue;
        if (read_lines(facts->pool, info, rendered->list[i].shown.text) < 0)
            return NULL;
        break;
    }
    return facts->made[FACT_STOCK_INFO] = info;
}
