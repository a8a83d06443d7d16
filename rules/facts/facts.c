#include "rules/facts/facts.h"

void facts_init(struct facts *facts, struct pool *pool, const struct rules_input *input,
                const struct rules_settings *settings)
{
    *facts = (struct facts){.pool = pool, .input = input, .settings = settings};
}

int facts_no_memory(struct err *err)
{
    return err_set(err, "rules: the message needs more memory than is allowed");
}
