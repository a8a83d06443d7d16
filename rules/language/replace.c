#include "rules/language/replace.h"

#include "base/buf.h"

bool replace_put(struct replace *replace, struct pool *pool, enum replace_kind kind,
                 struct str name, struct str text)
{
    struct replace_map *map = &replace->maps[kind];
    struct str *texts = pool_grow(pool, map->texts, map->n, &map->cap, sizeof *texts);
    if (texts == NULL)
        return false;
    map->texts = texts;
    texts[map->n] = text;
    return names_put(&map->names, pool, name, (uint32_t)map->n++);
}

bool replace_add_rule(struct replace *replace, struct pool *pool, struct str rule)
{
    return names_put(&replace->rules, pool, rule, 1);
}

bool replace_wants(const struct replace *replace, struct str rule)
{
    return names_find(&replace->rules, rule) != NAMES_NONE;
}

/* Empty when there is none. */
static struct str find(const struct replace *replace, enum replace_kind kind, struct str name)
{
    const struct replace_map *map = &replace->maps[kind];
    uint32_t number = names_find(&map->names, name);
    return number == NAMES_NONE ? STR_EMPTY : map->texts[number];
}

/* The next "<…>" with neither '<' nor '>' in it, so that "(?<!x)<A>" has one tag; false: none. */
static bool next_tag(struct str text, size_t from, size_t *begin, size_t *end)
{
    size_t open = STR_NONE;
    for (size_t i = from; i < text.n; i++) {
        if (text.s[i] == '<') {
            open = i;
        } else if (text.s[i] == '>') {
            if (open != STR_NONE && i > open + 1) {
                *begin = open;
                *end = i + 1;
                return true;
            }
            open = STR_NONE;
        }
    }
    return false;
}

/* Takes the first "<word NAME>" out of the pattern; the name, or empty. */
static struct str take_mark(struct buf *pattern, struct pool *pool, struct str mark)
{
    struct str text = buf_str(pattern);
    size_t at = str_find(text, mark);
    if (at == STR_NONE)
        return STR_EMPTY;
    size_t from = at + mark.n;
    size_t close = str_chr(str_from(text, from + 1), '>');
    if (close == STR_NONE)
        return STR_EMPTY;
    struct str name = pool_str(pool, str_sub(text, from, from + 1 + close));
    struct str rest = pool_str(pool, str_from(text, from + 1 + close + 1));
    if (name.s == NULL || rest.s == NULL)
        pattern->failed = true;
    buf_cut(pattern, at);
    buf_add(pattern, rest);
    return name;
}

/* What one pass puts around tags. */
struct around {
    struct str pre, inter, post;
};

/* A tag's text in its place; sets *again when the text holds tags itself. */
static void add_tag(const struct replace *replace, struct buf *out, struct str tag, bool *again)
{
    struct str text = find(replace, REPLACE_TAG, str_sub(tag, 1, tag.n - 1));
    size_t begin, end;
    if (text.n == 0) {
        buf_add(out, tag);
        return;
    }
    buf_add(out, text);
    *again |= next_tag(text, 0, &begin, &end);
}

/* One pass. Between two tags that touch there is an empty piece: that is where <inter> goes. */
static bool fill_once(const struct replace *replace, struct str text, const struct around *around,
                      struct buf *out)
{
    bool again = false;
    size_t at = 0, begin, end;
    while (next_tag(text, at, &begin, &end)) {
        struct str before = str_sub(text, at, begin);
        buf_add(out, at > 0 && before.n == 0 ? around->inter : before);
        buf_add(out, around->pre);
        add_tag(replace, out, str_sub(text, begin, end), &again);
        buf_add(out, around->post);
        at = end;
    }
    buf_add(out, str_from(text, at));
    return again;
}

int replace_apply(const struct replace *replace, struct pool *pool, struct str pattern, size_t max,
                  struct str *filled, struct err *err)
{
    struct buf now = BUF_INIT(max), next = BUF_INIT(max);
    bool again = true;
    buf_add(&now, pattern);
    for (int pass = 0; again && pass < REPLACE_PASSES && buf_ok(&now); pass++) {
        struct around around;
        around.pre = find(replace, REPLACE_PRE, take_mark(&now, pool, STR("<pre ")));
        around.post = find(replace, REPLACE_POST, take_mark(&now, pool, STR("<post ")));
        around.inter = find(replace, REPLACE_INTER, take_mark(&now, pool, STR("<inter ")));
        buf_clear(&next);
        again = fill_once(replace, buf_str(&now), &around, &next);
        struct buf swap = now;
        now = next;
        next = swap;
    }
    *filled = buf_ok(&now) ? pool_str(pool, buf_str(&now)) : STR_EMPTY;
    buf_release(&now);
    buf_release(&next);
    if (filled->s == NULL)
        return err_set(err, "with its tags filled in the pattern is longer than %zu bytes", max);
    return 0;
}
