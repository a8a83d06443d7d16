#include "mail/html_sheet.h"

#include "base/ascii.h"

static bool is_name(struct str x)
{
    for (size_t i = 0; i < x.n; i++) {
        char c = x.s[i];
        bool ok = ascii_is_word(c) || c == '-' || (unsigned char)c >= 0x80;
        if (!ok)
            return false;
    }
    return x.n > 0;
}

/* Tags compare without case, classes and ids with it: hashing folds, comparing decides. */
static size_t bucket_of(char kind, struct str name)
{
    uint64_t h = (unsigned char)kind;
    for (size_t i = 0; i < name.n; i++)
        h = h * 31 + (unsigned char)str_lower_char(name.s[i]);
    return (h ^ h >> 7) % SHEET_BUCKETS;
}

static void add_rule(struct sheet *sheet, struct str key, struct str tag, struct str declarations)
{
    char kind = key.s[0] == '.' || key.s[0] == '#' ? key.s[0] : 0;
    size_t bucket = bucket_of(kind, kind ? str_from(key, 1) : key);
    struct sheet_rule *rule = POOL_NEW(sheet->pool, struct sheet_rule);
    if (rule == NULL) {
        sheet->no_memory = true;
        return;
    }
    *rule = (struct sheet_rule){.key = key, .tag = tag, .declarations = declarations};
    if (sheet->ends[bucket])
        *sheet->ends[bucket] = rule;
    else
        sheet->buckets[bucket] = rule;
    sheet->ends[bucket] = &rule->next;
    sheet->n++;
}

/* One selector of a list; those of other shapes are left out. */
static void add_selector(struct sheet *sheet, struct str selector, struct str declarations)
{
    size_t mark = 0;
    while (mark < selector.n && selector.s[mark] != '.' && selector.s[mark] != '#')
        mark++;
    struct str tag = str_sub(selector, 0, mark), key = str_from(selector, mark);
    bool tag_fits = is_name(tag);
    if (key.n == 0 && tag_fits)
        add_rule(sheet, tag, STR_EMPTY, declarations);
    else if (is_name(str_from(key, 1)) && (tag.n == 0 || tag_fits))
        add_rule(sheet, key, tag, declarations);
}

static void add_block(struct sheet *sheet, struct str selectors, struct str declarations)
{
    struct str selector;
    while (sheet->n < SHEET_RULES_MAX && str_next(&selectors, ',', &selector))
        add_selector(sheet, str_trim(selector), declarations);
}

/* Behind white space, comments, and the "<!--" and "-->" that hide sheets from old browsers. */
static struct str skip_blank(struct str css)
{
    for (;;) {
        size_t n = 0;
        while (n < css.n && strchr(" \t\r\n\f", css.s[n]) && css.s[n])
            n++;
        css = str_from(css, n);
        n = 0;
        if (str_starts(css, STR("/*"))) {
            size_t end = str_find(str_from(css, 2), STR("*/"));
            n = end == STR_NONE ? css.n : end + 4;
        } else if (str_starts(css, STR("<!--"))) {
            n = 4;
        } else if (str_starts(css, STR("-->"))) {
            n = 3;
        }
        if (n == 0)
            return css;
        css = str_from(css, n);
    }
}

/* Behind the '}' that closes the '{' at the beginning. */
static size_t block_end(struct str css)
{
    unsigned depth = 0;
    for (size_t at = 0; at < css.n; at++) {
        if (css.s[at] == '{')
            depth++;
        else if (css.s[at] == '}' && --depth == 0)
            return at + 1;
    }
    return css.n;
}

/* Length of the selectors, or of the head of an @-rule: up to '{', an @-rule also to ';'. */
static size_t head_length(struct str css)
{
    bool at_rule = css.s[0] == '@';
    size_t n = 0;
    while (n < css.n && css.s[n] != '{' && !(at_rule && css.s[n] == ';'))
        n++;
    return n;
}

void sheet_add(struct sheet *sheet, struct str css)
{
    while (sheet->n < SHEET_RULES_MAX && (css = skip_blank(css)).n) {
        bool at_rule = css.s[0] == '@';
        struct str head = str_sub(css, 0, head_length(css));
        css = str_from(css, head.n);
        bool block = css.n && css.s[0] == '{';
        size_t end = block ? block_end(css) : 1;
        if (block && !at_rule)
            add_block(sheet, head, str_sub(css, 1, end - 1));
        css = str_from(css, end);
    }
}

static void apply(struct sheet *sheet, struct look *look, const struct look *parent, char kind,
                  struct str name, struct str tag)
{
    const struct sheet_rule *rule = sheet->buckets[bucket_of(kind, name)];
    for (; rule && sheet->work < SHEET_WORK_MAX; rule = rule->next) {
        struct str key = kind ? str_from(rule->key, 1) : rule->key;
        bool same = (rule->key.s[0] == '.' || rule->key.s[0] == '#') == (kind != 0);
        sheet->work += 16;
        if (!same || (kind && rule->key.s[0] != kind))
            continue;
        if (kind ? !str_eq(key, name) : !str_ieq(key, name))
            continue;
        if (rule->tag.n && !str_ieq(rule->tag, tag))
            continue;
        sheet->work += rule->declarations.n;
        look_declare(look, parent, rule->declarations);
    }
}

void sheet_apply(struct sheet *sheet, struct look *look, const struct look *parent, struct str tag,
                 struct str classes, struct str id)
{
    struct str name;
    if (sheet->n == 0)
        return;
    apply(sheet, look, parent, 0, tag, tag);
    while (str_next(&classes, ' ', &name))
        if (name.n)
            apply(sheet, look, parent, '.', name, tag);
    if (id.n)
        apply(sheet, look, parent, '#', str_trim(id), tag);
}
