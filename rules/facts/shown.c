#include "rules/facts/shown.h"

const struct mail_text *facts_shown(struct facts *facts)
{
    struct mail_text *text = facts->made[FACT_SHOWN];
    struct err err;
    if (facts->input->text)
        return facts->input->text;
    if (text)
        return text;
    if (mail_text_make(facts->pool, facts->input->message, &text, &err) < 0) {
        facts->no_memory = true;
        return NULL;
    }
    facts->truncated |= text->truncated;
    facts->made[FACT_SHOWN] = text;
    return text;
}
