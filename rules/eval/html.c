#include "rules/eval/html.h"

#include "mail/utf8.h"
#include "rules/facts/header.h"
#include "rules/facts/html_facts.h"
#include "rules/facts/uris.h"

/* "!= 0" with the value in front of it; what can't be read never holds. */
static bool compare(double value, struct str expression)
{
    static const struct {
        const char *sign;
        bool less, equal, greater;
    } signs[] = {
        {"==", false, true, false}, {"!=", true, false, true}, {">=", false, true, true},
        {"<=", true, true, false},  {">", false, false, true}, {"<", true, false, false},
    };
    double other;
    expression = str_trim(expression);
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        struct str sign = str_of(signs[i].sign);
        if (!str_starts(expression, sign))
            continue;
        if (!str_to_double(str_trim(str_from(expression, sign.n)), &other))
            return false;
        return value < other ? signs[i].less : value > other ? signs[i].greater : signs[i].equal;
    }
    return false;
}

/* a link is the source of an <iframe> */
static double check_iframe_src(struct eval_context *c)
{
    const struct html_docs *docs = facts_html(c->facts);
    if (docs == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < docs->n; i++) {
        for (size_t k = 0; k < docs->list[i].n_links; k++) {
            if (docs->list[i].links[k].types & URI_TYPE_IFRAME)
                return 1;
        }
    }
    return 0;
}

/* ('length', EXPR): a number of html_facts.h */
static double html_eval(struct eval_context *c)
{
    const struct html_docs *docs = facts_html(c->facts);
    double value;
    if (docs == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < docs->n; i++) {
        if (html_doc_number(&docs->list[i], c->a[0].text, &value) && compare(value, c->a[1].text))
            return 1;
    }
    return 0;
}

/* (MIN, MAX): there are images, and the source has so many characters */
static double html_image_only(struct eval_context *c)
{
    const struct html_docs *docs = facts_html(c->facts);
    if (docs == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < docs->n; i++) {
        const struct html_doc *doc = &docs->list[i];
        double length = doc->numbers[HTML_LENGTH];
        if (html_doc_inside(doc, STR("img")) && doc->defined[HTML_LENGTH] &&
            length > c->a[0].number && length <= c->a[1].number)
            return 1;
    }
    return 0;
}

/* (MIN, MAX): characters of text by square pixels of images */
static double html_image_ratio(struct eval_context *c)
{
    const struct html_docs *docs = facts_html(c->facts);
    if (docs == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < docs->n; i++) {
        const struct html_doc *doc = &docs->list[i];
        double area = doc->numbers[HTML_IMAGE_AREA], text = doc->numbers[HTML_NON_SPACE_LEN];
        if (!doc->defined[HTML_NON_SPACE_LEN] || !doc->defined[HTML_IMAGE_AREA] || area <= 0)
            continue;
        if (text / area > c->a[0].number && text / area <= c->a[1].number)
            return 1;
    }
    return 0;
}

/* ('max_size', MIN, MAX) */
static double html_range(struct eval_context *c)
{
    const struct html_docs *docs = facts_html(c->facts);
    bool open = c->n < 3 || str_eq(c->a[2].text, STR("inf"));
    double value;
    if (docs == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < docs->n; i++) {
        if (html_doc_number(&docs->list[i], c->a[0].text, &value) && value > c->a[1].number &&
            (open || value <= c->a[2].number))
            return 1;
    }
    return 0;
}

/* ('body', EXPR): how often the element stays open */
static double html_tag_balance(struct eval_context *c)
{
    const struct html_docs *docs = facts_html(c->facts);
    if (docs == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < docs->n; i++) {
        const struct html_inside *inside = html_doc_inside(&docs->list[i], c->a[0].text);
        if (inside && compare((double)inside->open, c->a[1].text))
            return 1;
    }
    return 0;
}

/* ('bgsound') */
static double html_tag_exists(struct eval_context *c)
{
    const struct html_docs *docs = facts_html(c->facts);
    if (docs == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < docs->n; i++) {
        if (html_doc_inside(&docs->list[i], c->a[0].text))
            return 1;
    }
    return 0;
}

/* ('embeds'): a number is not 0, or there is such a text */
static double html_test(struct eval_context *c)
{
    const struct html_docs *docs = facts_html(c->facts);
    double value;
    size_t n;
    if (docs == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < docs->n; i++) {
        if ((html_doc_number(&docs->list[i], c->a[0].text, &value) && value != 0) ||
            (html_doc_texts(&docs->list[i], c->a[0].text, &n) && n > 0))
            return 1;
    }
    return 0;
}

/* Is there a text of the kind a[0] that matches a[1], or does not? */
static double text_matches(struct eval_context *c, bool wanted)
{
    const struct html_docs *docs = facts_html(c->facts);
    size_t n;
    if (docs == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < docs->n; i++) {
        const struct str *texts = html_doc_texts(&docs->list[i], c->a[0].text, &n);
        for (size_t k = 0; texts && k < n; k++) {
            bool matches = eval_matches(c, 1, texts[k]);
            if (c->limited)
                return 0;
            if (matches == wanted)
                return 1;
        }
    }
    return 0;
}

double eval_html_text_match(struct eval_context *c)
{
    return text_matches(c, true);
}

double eval_html_text_not_match(struct eval_context *c)
{
    return text_matches(c, false);
}

/* Bytes of what is no UTF-8 count one by one. */
static size_t characters(struct str text)
{
    size_t n = 0;
    for (size_t at = 0; at < text.n; n++)
        utf8_next(text, &at);
    return n;
}

/* (RATIO): length of the title by that of the subject is above it */
static double html_title_subject_ratio(struct eval_context *c)
{
    struct str subject = facts_get(c->facts, "Subject");
    if (subject.n == 0)
        return 0;
    const struct html_docs *docs = facts_html(c->facts);
    if (docs == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < docs->n; i++) {
        const struct html_doc *doc = &docs->list[i];
        for (size_t k = 0; k < doc->n_texts[HTML_TITLES]; k++) {
            double title = (double)characters(doc->texts[HTML_TITLES][k]);
            if (title / (double)subject.n > c->a[0].number)
                return 1;
        }
    }
    return 0;
}

const struct eval_entry eval_html_parts[] = {
    {"check_iframe_src", check_iframe_src, 0, 0},
    {"html_eval", html_eval, 2, 2},
    {"html_image_only", html_image_only, 2, 2},
    {"html_image_ratio", html_image_ratio, 2, 2},
    {"html_range", html_range, 2, 3},
    {"html_tag_balance", html_tag_balance, 2, 2},
    {"html_tag_exists", html_tag_exists, 1, 1},
    {"html_test", html_test, 1, 1},
    {"html_text_match", eval_html_text_match, 2, 2},
    {"html_text_not_match", eval_html_text_not_match, 2, 2},
    {"html_title_subject_ratio", html_title_subject_ratio, 1, 1},
    {0},
};
