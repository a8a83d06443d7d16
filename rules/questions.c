#include "rules/network/run.h"
#include "rules/run.h"

/* What was found out about a message while its questions were gathered. */
struct rules_prepared {
    struct facts facts;
};

int rules_questions(const struct ruleset *set, struct rules_scratch *scratch,
                    const struct rules_input *input, struct pool *pool,
                    struct rules_questions *questions, struct err *err)
{
    struct rules_prepared *prepared = POOL_NEW(pool, struct rules_prepared);
    *questions = (struct rules_questions){.prepared = prepared};
    if (prepared == NULL)
        return facts_no_memory(err);
    facts_init(&prepared->facts, pool, input, set->settings);
    prepared->facts.runner = scratch->runner;
    regex_runner_start(scratch->runner, RULES_TIME_MAX_MS);
    if (network_questions(set, &prepared->facts, &questions->list, &questions->n) < 0)
        return facts_no_memory(err);
    return 0;
}

void questions_take(struct facts *facts, const struct ruleset *set, struct rules_scratch *scratch,
                    const struct rules_input *input, struct pool *pool)
{
    if (input->prepared)
        *facts = input->prepared->facts;
    else
        facts_init(facts, pool, input, set->settings);
    facts->input = input;
    facts->runner = scratch->runner;
}
