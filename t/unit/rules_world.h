/* rules_world: rules of a test's own, compiled, and what they find in messages. */
#ifndef POTERNE_T_UNIT_RULES_WORLD_H
#define POTERNE_T_UNIT_RULES_WORLD_H

#include "t/unit/tap.h"

#include "rules/compile.h"
#include "rules/language/parse.h"
#include "rules/scratch.h"

#define WORLD_POOL_MAX ((size_t)64 << 20)

struct world {
    struct pool *pool;
    struct ruleset *set;
    struct rules_scratch *scratch;
    struct rules_input input; /* of the message; a test may change it */
    struct rules_result result;
    unsigned mistakes, notices; /* in the rules */
};

static inline void world_on_mistake(void *data, const char *file, unsigned line, const char *what)
{
    ((struct world *)data)->mistakes++;
}

static inline void world_on_notice(void *data, const char *file, unsigned line, const char *what)
{
    ((struct world *)data)->notices++;
}

static inline void world_open(struct world *w, const char *rules, unsigned score_set)
{
    struct err err = {""};
    *w = (struct world){.pool = pool_new(WORLD_POOL_MAX)};
    struct book *book = book_new(world_on_mistake, w, &err);
    struct parser parser = {.book = book};
    assert_non_null(w->pool);
    assert_non_null(book);
    book->options.notice = world_on_notice;
    book->options.score_set = score_set;
    assert_int_equal(parse_text(&parser, str_of(rules), "t.cf", &err), 0);
    w->set = compile(book, 1, &err);
    book_free(&book);
    w->scratch = w->set ? rules_scratch_new(w->set, &err) : NULL;
    if (w->scratch == NULL)
        fail_msg("%s", err.text);
}

/* Another message in place of the one before; its text stays. */
static inline void world_set_message(struct world *w, struct str raw)
{
    struct err err = {""};
    struct message *message;
    assert_int_equal(message_parse(w->pool, raw, &mail_limits_default, &message, &err), 0);
    w->input.message = message;
}

static inline void world_set_mail(struct world *w, struct str raw)
{
    struct err err = {""};
    struct mail_text *text;
    world_set_message(w, raw);
    assert_int_equal(mail_text_make(w->pool, w->input.message, &text, &err), 0);
    w->input.text = text;
}

static inline void world_run(struct world *w)
{
    struct err err = {""};
    if (ruleset_run(w->set, w->scratch, &w->input, w->pool, &w->result, &err) < 0)
        fail_msg("%s", err.text);
}

static inline void world_close(struct world *w)
{
    rules_scratch_free(&w->scratch);
    ruleset_free(&w->set);
    pool_free(&w->pool);
}

/* NULL: the rule does not hit. */
static inline const struct rule_hit *world_hit(const struct world *w, const char *name)
{
    for (size_t i = 0; i < w->result.n_hits; i++) {
        if (strcmp(w->result.hits[i].name, name) == 0)
            return &w->result.hits[i];
    }
    return NULL;
}

#endif
