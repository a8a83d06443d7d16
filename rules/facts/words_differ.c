#include "rules/facts/words_differ.h"

#include "base/ascii.h"
#include "mail/utf8.h"
#include "rules/facts/rendered.h"
#include "rules/facts/text_class.h"
#include "rules/language/names.h"

/* Different words and how often each stands there. */
struct bag {
    struct names names;
    size_t *times;
    struct str *words;
    size_t n, times_cap, words_cap;
};

static int bag_add(struct pool *pool, struct bag *bag, struct str word)
{
    uint32_t number = names_find(&bag->names, word);
    if (number != NAMES_NONE) {
        bag->times[number]++;
        return 0;
    }
    bag->times = pool_grow(pool, bag->times, bag->n, &bag->times_cap, sizeof *bag->times);
    bag->words = pool_grow(pool, bag->words, bag->n, &bag->words_cap, sizeof *bag->words);
    if (bag->times == NULL || bag->words == NULL ||
        !names_add(&bag->names, pool, word, (uint32_t)bag->n))
        return -1;
    bag->times[bag->n] = 1;
    bag->words[bag->n++] = word;
    return 0;
}

/* Non-ASCII characters that are no letters, marks or digits: signs, punctuation, pictures. */
static bool is_sign(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } signs[] = {
        {0x80, 0xa9},       {0xab, 0xb4},     {0xb6, 0xb9},     {0xbb, 0xbf},
        {0xd7, 0xd7},       {0xf7, 0xf7},     {0x2000, 0x200b}, {0x200e, 0x203e},
        {0x2041, 0x2053},   {0x2055, 0x2070}, {0x2072, 0x207e}, {0x2080, 0x208e},
        {0x20a0, 0x20cf},   {0x2190, 0x24b5}, {0x24ea, 0x2bff}, {0x2e00, 0x2e7f},
        {0x3000, 0x3004},   {0x3008, 0x3020}, {0x3030, 0x3030}, {0xe000, 0xf8ff},
        {0xfe10, 0xfe1f},   {0xfe30, 0xfe32}, {0xfe35, 0xfe4c}, {0xfe50, 0xfe6f},
        {0xfeff, 0xfeff},   {0xff01, 0xff0f}, {0xff1a, 0xff20}, {0xff3b, 0xff3e},
        {0xff40, 0xff40},   {0xff5b, 0xff65}, {0xffe0, 0xffff}, {0x1f000, 0x1f12f},
        {0x1f18a, 0x1faff},
    };
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        if (c >= signs[i].first && c <= signs[i].last)
            return true;
    }
    return false;
}

static bool is_word(struct str token)
{
    for (size_t at = 0; at < token.n;) {
        if ((unsigned char)token.s[at] < 0x80) {
            if (ascii_is_word(token.s[at++]))
                return true;
        } else if (!is_sign(utf8_next(token, &at))) {
            return true;
        }
    }
    return false;
}

/* Takes what stands before the next white space; false at the end. */
static bool next_token(struct str *rest, struct str *token)
{
    size_t from = 0, to, blank;
    for (;; from += blank) {
        if (from == rest->n)
            return false;
        blank = ascii_is_space(rest->s[from]) ? 1 : text_wide_blank(*rest, from);
        if (blank == 0)
            break;
    }
    for (to = from; to < rest->n; to++) {
        if (ascii_is_space(rest->s[to]) || text_wide_blank(*rest, to))
            break;
    }
    *token = str_sub(*rest, from, to);
    *rest = str_from(*rest, to);
    return true;
}

static int add_words(struct pool *pool, struct bag *bag, struct str text)
{
    struct str token;
    while (next_token(&text, &token)) {
        if (is_word(token) && bag_add(pool, bag, token) < 0)
            return -1;
    }
    return 0;
}

static bool has_image(const struct html_docs *docs, const struct fact_part *part)
{
    for (size_t i = 0; i < docs->n; i++) {
        if (docs->list[i].part == part)
            return html_doc_inside(&docs->list[i], STR("img")) != NULL;
    }
    return false;
}

/* The words of one leaf, to those of its kind. HTML that only shows a picture has a word that no
 * plain text has. */
static int add_leaf(struct facts *facts, const struct rendered *rendered,
                    const struct rendered_leaf *leaf, struct bag *html, struct bag *text)
{
    if (!str_eq(leaf->part->effective, STR("text/html")))
        return add_words(facts->pool, text, leaf->shown.text);
    if (add_words(facts->pool, html, leaf->shown.text) < 0)
        return -1;
    if (html->n == 0 && has_image(&rendered->docs, leaf->part))
        return bag_add(facts->pool, html, STR("\n"));
    return 0;
}

static void compare(struct words_differ *differ, const struct bag *html, const struct bag *text)
{
    size_t missing = 0;
    if (html->n == 0)
        return;
    for (size_t i = 0; i < html->n; i++) {
        uint32_t number = names_find(&text->names, html->words[i]);
        missing += number == NAMES_NONE || html->times[i] > text->times[number];
    }
    double percent = (double)missing / (double)html->n * 100;
    differ->html = html->n;
    differ->text = text->n;
    differ->percent = percent > differ->percent ? percent : differ->percent;
}

static bool is_inside(const struct fact_part *part, const struct fact_part *container)
{
    while (part && part != container)
        part = part->parent;
    return part != NULL;
}

static int compare_alternative(struct facts *facts, const struct rendered *rendered,
                               const struct fact_part *container, struct words_differ *differ)
{
    struct bag html = {.n = 0}, text = {.n = 0};
    for (size_t i = 0; i < rendered->n; i++) {
        const struct rendered_leaf *leaf = &rendered->list[i];
        if (leaf->is_text && is_inside(leaf->part, container) &&
            str_starts(leaf->part->type, STR("text/")) &&
            add_leaf(facts, rendered, leaf, &html, &text) < 0)
            return -1;
    }
    compare(differ, &html, &text);
    return 0;
}

/* An invitation from Exchange: HTML and a calendar, never the same words. */
static bool is_invitation(const struct fact_parts *parts)
{
    const struct fact_part *root = parts->root, *html = root->child;
    return str_eq(root->type, STR("multipart/alternative")) && html && html->next &&
           html->next->next == NULL && !html->child && !html->next->child &&
           str_eq(html->type, STR("text/html")) && str_eq(html->next->type, STR("text/calendar"));
}

const struct words_differ *facts_words_differ(struct facts *facts)
{
    struct words_differ *differ = facts->made[FACT_WORDS_DIFFER];
    const struct fact_parts *parts;
    const struct rendered *rendered;
    if (differ)
        return differ;
    if ((parts = facts_parts(facts)) == NULL || (rendered = facts_rendered(facts)) == NULL ||
        (differ = POOL_NEW(facts->pool, struct words_differ)) == NULL)
        return NULL;
    for (size_t i = 0; i < parts->n; i++) {
        if (str_eq(parts->list[i]->type, STR("multipart/alternative")) && !is_invitation(parts) &&
            compare_alternative(facts, rendered, parts->list[i], differ) < 0)
            return NULL;
    }
    return facts->made[FACT_WORDS_DIFFER] = differ;
}
