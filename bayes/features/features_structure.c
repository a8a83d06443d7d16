#include "bayes/features/features.h"

#define PARTS_MAX 100 /* further ones add nothing */

/* A number as its power of two: 0, 1, 2, 4, 8 … */
static unsigned magnitude(size_t n)
{
    unsigned size = 0;
    while (n && size < 63) {
        n >>= 1;
        size++;
    }
    return size;
}

static const char *encoding_name(enum encoding encoding)
{
    switch (encoding) {
    case ENC_7BIT:
        return "7bit";
    case ENC_8BIT:
        return "8bit";
    case ENC_BINARY:
        return "binary";
    case ENC_QP:
        return "quoted-printable";
    case ENC_BASE64:
        return "base64";
    case ENC_UUENCODE:
        return "uuencode";
    case ENC_UNKNOWN:
        break;
    }
    return "unknown";
}

static void name_add(struct tokens *tokens, struct str name)
{
    size_t dot = str_rchr(name, '.');
    tokens_words(tokens, STR("file"), name);
    if (dot != STR_NONE && name.n - dot <= 10)
        tokens_add(tokens, STR("file"), str_from(name, dot));
}

static void part_add(struct tokens *tokens, const struct part *part)
{
    tokens_addf(tokens, STR("mime"), "%u %.*s", part->depth, STR_ARG(part->type));
    tokens_addf(tokens, STR("mime"), "%.*s %s", STR_ARG(part->type), encoding_name(part->encoding));
    if (part->charset.n)
        tokens_addf(tokens, STR("mime"), "%.*s %.*s", STR_ARG(part->type), STR_ARG(part->charset));
    if (part->disposition.n)
        tokens_addf(tokens, STR("mime"), "%.*s %.*s", STR_ARG(part->type),
                    STR_ARG(part->disposition));
    if (part->filename.n)
        name_add(tokens, part->filename);
    struct str boundary = part_param(part, STR("boundary"));
    if (boundary.n)
        tokens_shape(tokens, STR("boundary"), boundary);
    for (size_t i = 0; i < part->n_params && i < 8; i++)
        tokens_addf(tokens, STR("mime"), "with %.*s", STR_ARG(part->params[i].name));
}

static void anomalies_add(struct tokens *tokens, unsigned anomalies)
{
    for (unsigned bit = 0; bit < 16; bit++)
        if (anomalies & (1u << bit))
            tokens_addf(tokens, STR("odd"), "structure %u", bit);
}

void features_structure(struct tokens *tokens, const struct message *message)
{
    tokens_addf(tokens, STR("mime"), "size %u", magnitude(message->raw.n));
    tokens_addf(tokens, STR("mime"), "parts %u", magnitude(message->n_parts));
    for (size_t i = 0; i < message->n_parts && i < PARTS_MAX && !tokens_full(tokens); i++)
        part_add(tokens, message->parts[i]);
    anomalies_add(tokens, message->anomalies);
}

void features_html(struct tokens *tokens, const struct html_facts *html)
{
    const struct {
        const char *what;
        size_t n;
    } facts[] = {
        {"visible", html->text_visible},
        {"invisible", html->text_invisible},
        {"images", html->images},
        {"links", html->links},
        {"forms", html->forms},
        {"scripts", html->scripts},
        {"comments", html->comments},
        {"bad tags", html->bad_tags},
        {"misleading", html->links_misleading},
    };
    if (!html->present)
        return;
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
        tokens_addf(tokens, STR("html"), "%s %u", facts[i].what, magnitude(facts[i].n));
}
