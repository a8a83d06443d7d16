#include "rules/rules.h"

int ruleset_run_raw(const struct ruleset *set, struct rules_scratch *scratch, struct str raw,
                    const struct rules_input *input, struct pool *pool, struct rules_result *result,
                    struct err *err)
{
    struct rules_input whole = *input;
    struct message *message;
    if (message_parse(pool, raw, &mail_limits_default, &message, err) < 0)
        return -1;
    whole.message = message;
    whole.text = NULL;
    return ruleset_run(set, scratch, &whole, pool, result, err);
}
