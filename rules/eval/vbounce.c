/*
 * VBounce.pm of SpamAssassin 4.0.1: bounces of mail that one of ours did send, told by a Received
 * in what they give back (welcomelist_bounce_relays).
 */
#include "base/ascii.h"
#include "rules/eval/look.h"
#include "rules/facts/body.h"
#include "rules/facts/parts.h"

#define FIELD_MAX 65536 /* bytes of one Received with its folds */

static double have_any(struct eval_context *c)
{
    return settings_has_addresses(c->settings, SETTINGS_WELCOMELIST_BOUNCE_RELAYS);
}

/* "> > Received:" */
static bool is_received(struct str line)
{
    while (line.n && (line.s[0] == '>' || line.s[0] == ' '))
        line = str_from(line, 1);
    return str_istarts(line, STR("Received:"));
}

/* Is a word with a dot inside, blanks on both sides, one of our relays? */
static bool names_relay(struct eval_context *c, struct str field)
{
    for (size_t i = 0; i < field.n;) {
        size_t from = i;
        while (i < field.n && !ascii_is_space(field.s[i]))
            i++;
        struct str word = str_sub(field, from, i);
        size_t dot = str_chr(str_from(word, 1), '.');
        bool likely = from > 0 && i < field.n && dot != STR_NONE && dot + 2 < word.n;
        if (likely && word.n <= SETTINGS_WORD_MAX &&
            settings_address_in(c->settings, SETTINGS_WELCOMELIST_BOUNCE_RELAYS,
                                look_lower(c, word)))
            return true;
        i += i < field.n;
    }
    return false;
}

/* Each Received of the body as it was sent, its folds joined. */
static bool raw_names_relay(struct eval_context *c, struct str body)
{
    struct str rest = body, line;
    while (str_next_line(&rest, &line)) {
        if (!is_received(line))
            continue;
        size_t from = (size_t)(line.s - body.s), end = from + line.n;
        while (rest.n && (rest.s[0] == ' ' || rest.s[0] == '\t') && end - from < FIELD_MAX &&
               str_next_line(&rest, &line))
            end = (size_t)(line.s - body.s) + line.n;
        /* the blank that ends a field's last word is its line end */
        if (names_relay(c, str_sub(body, from, end + (end < body.n))))
            return true;
    }
    return false;
}

static double in_bounce_relays(struct eval_context *c)
{
    if (have_any(c) <= 0)
        return 0;
    const struct fact_texts *body = facts_body(c->facts, BODY_RENDERED);
    const struct fact_parts *parts = facts_parts(c->facts);
    if (body == NULL || parts == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < body->n; i++) {
        if (is_received(body->list[i]) && names_relay(c, body->list[i]))
            return 1;
    }
    return raw_names_relay(c, parts->body);
}

const struct eval_entry eval_vbounce[] = {
    {"have_any_bounce_relays", have_any, 0, 0},
    {"check_welcomelist_bounce_relays", in_bounce_relays, 0, 0},
    {"check_whitelist_bounce_relays", in_bounce_relays, 0, 0},
    {.name = NULL},
};
