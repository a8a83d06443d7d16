#include <stdlib.h>

#include "base/domain.h"
#include "mail/address.h"
#include "rules/eval/own.h"
#include "rules/facts/shown.h"

#define CAPITALS_LETTERS_MIN 100
#define REPEATS_BYTES_MIN    40

double eval_body_bytes(struct eval_context *c)
{
    const struct mail_text *text = facts_shown(c->facts);
    if (text == NULL)
        return EVAL_NO_MEMORY;
    size_t bytes = 0;
    for (size_t i = 1; i < text->n_paragraphs; i++)
        bytes += text->paragraphs[i].n;
    return eval_in_bounds((double)bytes, c->a, c->n, 0);
}

double eval_body_capitals(struct eval_context *c)
{
    const struct mail_text *text = facts_shown(c->facts);
    if (text == NULL)
        return EVAL_NO_MEMORY;
    size_t capitals = 0, letters = 0;
    for (size_t i = 1; i < text->n_paragraphs; i++) {
        struct str p = text->paragraphs[i];
        for (size_t j = 0; j < p.n; j++) {
            bool capital = p.s[j] >= 'A' && p.s[j] <= 'Z';
            capitals += capital;
            letters += capital || (p.s[j] >= 'a' && p.s[j] <= 'z');
        }
    }
    return letters >= CAPITALS_LETTERS_MIN &&
           (double)capitals * 100 >= c->a[0].number * (double)letters;
}

double eval_html(struct eval_context *c)
{
    const struct mail_text *text = facts_shown(c->facts);
    if (text == NULL)
        return EVAL_NO_MEMORY;
    const struct html_facts *html = &text->html;
    const struct {
        const char *name;
        double value;
    } facts[] = {
        {"images", html->images},
        {"links", html->links},
        {"forms", html->forms},
        {"scripts", html->scripts},
        {"comments", html->comments},
        {"bad_tags", html->bad_tags},
        {"links_misleading", html->links_misleading},
        {"visible", (double)html->text_visible},
        {"invisible", (double)html->text_invisible},
    };
    if (!html->present)
        return 0;
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        if (str_eq(c->a[0].text, str_of(facts[i].name)))
            return eval_in_bounds(facts[i].value, c->a, c->n, 1);
    }
    return 0;
}

double eval_html_hidden(struct eval_context *c)
{
    const struct mail_text *text = facts_shown(c->facts);
    if (text == NULL)
        return EVAL_NO_MEMORY;
    double hidden = (double)text->html.text_invisible;
    double all = hidden + (double)text->html.text_visible;
    if (hidden < c->a[0].number || hidden * 100 < c->a[1].number * all || hidden == 0)
        return 0;
    c->text = text->invisible;
    return 1;
}

static bool is_web(const struct uri *uri)
{
    return uri->host.n && str_starts(uri->clean, STR("http"));
}

double eval_links(struct eval_context *c)
{
    const struct mail_text *text = facts_shown(c->facts);
    if (text == NULL)
        return EVAL_NO_MEMORY;
    size_t count = 0;
    for (size_t i = 0; i < text->n_uris; i++)
        count += is_web(&text->uris[i]);
    return eval_in_bounds((double)count, c->a, c->n, 0);
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Sorts the hashes; gives the number of different ones, and how often the commonest stands there.
 */
static size_t distinct(uint64_t *hashes, size_t n, size_t *most)
{
    size_t different = 0, run = 0;
    *most = 0;
    qsort(hashes, n, sizeof *hashes, compare_u64);
    for (size_t i = 0; i < n; i++) {
        run = i && hashes[i] == hashes[i - 1] ? run + 1 : 1;
        different += run == 1;
        *most = run > *most ? run : *most;
    }
    return different;
}

double eval_link_hosts(struct eval_context *c)
{
    const struct mail_text *text = facts_shown(c->facts);
    if (text == NULL)
        return EVAL_NO_MEMORY;
    uint64_t *hashes = POOL_ARRAY(c->pool, text->n_uris, uint64_t);
    size_t count = 0, most;
    if (hashes == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < text->n_uris; i++) {
        if (is_web(&text->uris[i]))
            hashes[count++] = str_hash(text->uris[i].host);
    }
    return eval_in_bounds((double)distinct(hashes, count, &most), c->a, c->n, 0);
}

/* "a.example" is in "example", "xexample" is not. */
static bool in_domain(struct str host, struct str domain)
{
    return domain.n && domain_holds(domain, host);
}

double eval_links_all_foreign(struct eval_context *c)
{
    const struct mail_text *text = facts_shown(c->facts);
    if (text == NULL)
        return EVAL_NO_MEMORY;
    const struct header *header = message_header(c->input->message, STR("From"));
    struct mail_address from;
    struct str rest = header ? header_unfold(c->pool, header) : STR_EMPTY;
    bool any = false;
    if (header && rest.s == NULL)
        return EVAL_NO_MEMORY;
    if (!mail_address_next(&rest, &from))
        return 0;
    struct str domain = domain_of_address(from.address);
    for (size_t i = 0; i < text->n_uris; i++) {
        const struct uri *uri = &text->uris[i];
        if (!is_web(uri))
            continue;
        any = true;
        if (in_domain(uri->host, domain) || in_domain(domain, uri->domain))
            return 0;
    }
    return any && domain.n;
}

double eval_text_repeats(struct eval_context *c)
{
    const struct mail_text *text = facts_shown(c->facts);
    if (text == NULL)
        return EVAL_NO_MEMORY;
    uint64_t *hashes = POOL_ARRAY(c->pool, text->n_paragraphs, uint64_t);
    size_t count = 0, most;
    if (hashes == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 1; i < text->n_paragraphs; i++) {
        if (text->paragraphs[i].n >= REPEATS_BYTES_MIN)
            hashes[count++] = str_hash(text->paragraphs[i]);
    }
    distinct(hashes, count, &most);
    return (double)most >= c->a[0].number;
}
