#include "rules/eval/look.h"

#include "base/ascii.h"

struct str look_get(struct eval_context *c, const char *request)
{
    struct str text = facts_get(c->facts, request);
    return text.s ? text : STR("");
}

struct str look_get_squeezed(struct eval_context *c, const char *request)
{
    struct str text = look_get(c, request);
    char *to = pool_cstr(c->pool, text);
    size_t n = 0;
    if (to == NULL) {
        c->facts->no_memory = true;
        return STR("");
    }
    for (size_t i = 0; i < text.n; i++) {
        if (!ascii_is_space(text.s[i]))
            to[n++] = text.s[i];
        else if (n == 0 || to[n - 1] != ' ')
            to[n++] = ' ';
    }
    return str_n(to, n);
}

static bool search(struct eval_context *c, const char *shape, enum shape_case letters,
                   struct str text, struct shape_found *found)
{
    struct shape_found own;
    size_t work = LOOK_WORK_MAX;
    bool there = shape_search(shape, letters, text, &work, found ? found : &own);
    c->limited |= work == 0;
    return there;
}

bool look_for(struct eval_context *c, const char *shape, struct str text, struct shape_found *found)
{
    return search(c, shape, SHAPE_EXACT, text, found);
}

bool look_for_any_case(struct eval_context *c, const char *shape, struct str text,
                       struct shape_found *found)
{
    return search(c, shape, SHAPE_ANY_CASE, text, found);
}

bool look_ends_with_host(struct str text, const char *name)
{
    struct str end = str_of(name);
    if (!str_iends(text, end))
        return false;
    char before = text.n > end.n ? text.s[text.n - end.n - 1] : ' ';
    return !ascii_is_word(before);
}

struct str look_lower(struct eval_context *c, struct str text)
{
    struct str lower = pool_lower(c->pool, text);
    c->facts->no_memory |= lower.s == NULL;
    return lower.s ? lower : STR("");
}
