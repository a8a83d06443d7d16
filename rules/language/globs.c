#include "rules/language/globs.h"

static bool is_star(char c)
{
    return c == '*' || c == '?';
}

bool glob_fits(struct str glob, struct str text)
{
    size_t g = 0, t = 0, star = STR_NONE, star_at = 0;
    /* Most addresses are no match already by their end. */
    if (glob.n && !is_star(glob.s[glob.n - 1]) &&
        (text.n == 0 || text.s[text.n - 1] != glob.s[glob.n - 1]))
        return false;
    while (t < text.n) {
        if (g < glob.n && glob.s[g] == '*') {
            star = g++;
            star_at = t;
        } else if (g < glob.n && (glob.s[g] == '?' || glob.s[g] == text.s[t])) {
            g++;
            t++;
        } else if (star != STR_NONE) {
            g = star + 1; /* only the last star is ever tried again */
            t = ++star_at;
        } else {
            return false;
        }
    }
    while (g < glob.n && glob.s[g] == '*')
        g++;
    return g == glob.n;
}

/* Are the bytes before the first star, and behind the last, those of the text? Saves most work. */
static bool ends_fit(struct str glob, struct str text)
{
    size_t head = 0, tail = 0;
    while (head < glob.n && !is_star(glob.s[head])) {
        if (head == text.n || text.s[head] != glob.s[head])
            return false;
        head++;
    }
    while (tail < glob.n - head && !is_star(glob.s[glob.n - tail - 1])) {
        if (tail == text.n || text.s[text.n - tail - 1] != glob.s[glob.n - tail - 1])
            return false;
        tail++;
    }
    return true;
}

/* Which beginnings of the glob fit the text so far: all of them are followed at once. */
static bool follow(struct str glob, struct str text)
{
    bool fits[GLOB_DOMAIN_MAX + 1] = {true};
    for (size_t g = 0; g < glob.n && glob.s[g] == '*'; g++)
        fits[g + 1] = true;
    for (size_t t = 0; t < text.n; t++) {
        bool before = fits[0];
        fits[0] = false;
        for (size_t g = 0; g < glob.n; g++) {
            bool now = fits[g + 1];
            if (glob.s[g] == '*')
                fits[g + 1] = fits[g] || (now && text.s[t] != '.');
            else
                fits[g + 1] = before && (glob.s[g] == '?' || glob.s[g] == text.s[t]);
            before = now;
        }
    }
    return fits[glob.n];
}

bool glob_fits_domain(struct str glob, struct str text)
{
    return glob.n <= GLOB_DOMAIN_MAX && ends_fit(glob, text) && follow(glob, text);
}

static bool has_star(struct str text)
{
    return str_chr(text, '*') != STR_NONE || str_chr(text, '?') != STR_NONE;
}

bool globs_add(struct globs *globs, struct pool *pool, struct str glob)
{
    if (globs->n + globs->whole.n >= GLOBS_MAX)
        return false;
    if (!has_star(glob))
        return names_put(&globs->whole, pool, glob, 1);
    struct str *list = pool_grow(pool, globs->with_star, globs->n, &globs->cap, sizeof *list);
    if (list == NULL)
        return false;
    globs->with_star = list;
    list[globs->n++] = glob;
    return true;
}

void globs_remove(struct globs *globs, struct str glob)
{
    names_remove(&globs->whole, glob);
    for (size_t i = 0; i < globs->n; i++) {
        if (str_eq(globs->with_star[i], glob))
            globs->with_star[i] = STR_EMPTY;
    }
}

bool globs_have(const struct globs *globs, struct str text)
{
    if (names_find(&globs->whole, text) != NAMES_NONE)
        return true;
    for (size_t i = 0; i < globs->n; i++) {
        if (globs->with_star[i].s && glob_fits(globs->with_star[i], text))
            return true;
    }
    return false;
}
