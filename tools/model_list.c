/* model list, model show: what is known of the models. */
#include <inttypes.h>
#include <stdlib.h>

#include "tools/json.h"
#include "tools/model_tool.h"

/* The first 16 characters of "2026-11-21 22:04:31": to the minute. */
#define MINUTE_WIDTH 16

static bool compared(const struct generation *g)
{
    return g->held.ham + g->held.spam > 0;
}

/* --- for programs --- */

static json_t *figures_json(const struct guard_figures *figures)
{
    return json_pack("{s:I, s:I, s:f}", "ham_errors", (json_int_t)figures->ham_errors,
                     "spam_missed", (json_int_t)figures->spam_missed, "1-roca", figures->roca);
}

static json_t *held_json(const struct generation *g)
{
    if (!compared(g))
        return json_null();
    return json_pack("{s:I, s:I, s:I, s:o, s:o, s:f}", "compared_with",
                     (json_int_t)g->compared_with, "ham", (json_int_t)g->held.ham, "spam",
                     (json_int_t)g->held.spam, "before", figures_json(&g->held.before), "after",
                     figures_json(&g->held.after), "z", g->held.z);
}

static json_t *generation_json(const struct generation *g)
{
    return json_pack("{s:I, s:s, s:b, s:b, s:o, s:I, s:I, s:I, s:o, s:o}", "number",
                     (json_int_t)g->number, "state", generation_word(g), "forced",
                     g->state == GENERATION_FORCED, "kept", g->kept, "built",
                     g->built ? json_time((int64_t)g->built * 1000000) : json_null(), "spam",
                     (json_int_t)g->spam, "ham", (json_int_t)g->ham, "tokens",
                     (json_int_t)g->tokens, "held_out", held_json(g), "why",
                     json_text(str_of(g->why)));
}

static json_t *trial_json(const struct trial *trial)
{
    const struct guard_watch *watch = &trial->watch;
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "proved", (json_int_t)trial->proved,
                     "judged", (json_int_t)watch->judged, "ham_worse", (json_int_t)watch->ham_worse,
                     "ham_better", (json_int_t)watch->ham_better, "spam_worse",
                     (json_int_t)watch->spam_worse, "spam_better", (json_int_t)watch->spam_better,
                     "held", trial->held);
}

/* --- for people --- */

static void put_line(const struct generation *g)
{
    char built[TOOL_TIME_SIZE] = "";
    if (g->built)
        tool_time((int64_t)g->built * 1000000, built);
    printf("%6" PRIu64 "  %-11s  %-*.*s  %6" PRIu64 " spam %6" PRIu64 " ham %8" PRIu64 " tokens",
           g->number, generation_word(g), MINUTE_WIDTH, MINUTE_WIDTH, built, g->spam, g->ham,
           g->tokens);
    if (compared(g))
        printf("  held out: %" PRIu32 " of %" PRIu32 " ham wrong, %" PRIu32 " of %" PRIu32
               " spam missed",
               g->held.after.ham_errors, g->held.ham, g->held.after.spam_missed, g->held.spam);
    if (!g->kept)
        fputs("  (no file any more)", stdout);
    putchar('\n');
    if (g->why[0] && (g->state == GENERATION_REFUSED || g->state == GENERATION_ROLLED_BACK ||
                      g->state == GENERATION_FORCED || g->state == GENERATION_UNKNOWN)) {
        fputs("        ", stdout);
        tool_put_text(stdout, str_of(g->why));
        putchar('\n');
    }
}

static void put_trial(const struct trial *trial, uint64_t current)
{
    const struct guard_watch *watch = &trial->watch;
    if (trial->held)
        printf("rolled back: nothing new goes live before %d more messages are learned, or some "
               "are taken back, or `poterne model publish`\n",
               TRIAL_HELD);
    if (current && trial->proved && trial->proved != current)
        printf("model %" PRIu64 " is on trial against model %" PRIu64 ": of %" PRIu32
               " confirmed messages %" PRIu32 " ham and %" PRIu32 " spam judged worse, %" PRIu32
               " and %" PRIu32 " better; it has proved itself after %d\n",
               current, trial->proved, watch->judged, watch->ham_worse, watch->spam_worse,
               watch->ham_better, watch->spam_better, GUARD_PROVED);
}

int model_list(struct model_tool *tool, struct err *err)
{
    struct generation *list;
    struct trial trial;
    size_t n;
    int status = TOOL_YES;
    if (generations_read(tool->folder, &list, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n && status == TOOL_YES; i++) {
        if (!tool->json)
            put_line(&list[i]);
        else if (json_line(generation_json(&list[i])) < 0)
            status = TOOL_FAILED;
    }
    free(list);
    if (n == 0 && !tool->json)
        puts("there is no model yet: `poterne learn` teaches");
    else if (!tool->json && trial_read(tool->folder, &trial, err) == 0)
        put_trial(&trial, generation_current(tool->folder));
    return status;
}

static void put_figures(const char *what, const struct generation *g,
                        const struct guard_figures *figures)
{
    printf("  %-12s %" PRIu32 " of %" PRIu32 " ham wrong, %" PRIu32 " of %" PRIu32
           " spam missed, 1-ROCA %.4f %%\n",
           what, figures->ham_errors, g->held.ham, figures->spam_missed, g->held.spam,
           100 * figures->roca);
}

static void put_all(const struct generation *g)
{
    char before[32];
    put_line(g);
    if (compared(g)) {
        snprintf(before, sizeof before, "model %" PRIu64, g->compared_with);
        put_figures("held out", g, &g->held.after);
        put_figures(before, g, &g->held.before);
        printf("  %-12s %+.2f standard deviations worse\n", "ranking", g->held.z);
    }
    if (g->why[0] && g->state == GENERATION_ACCEPTED) {
        fputs("  accepted     ", stdout);
        tool_put_text(stdout, str_of(g->why));
        putchar('\n');
    }
}

int model_show(struct model_tool *tool, struct err *err)
{
    struct generation generation;
    struct trial trial;
    uint64_t current = generation_current(tool->folder), number = current;
    if (tool->n_rest && model_number(tool->rest[0], &number, err) < 0)
        return -1;
    if (number == 0)
        return err_set(err, "no model is in service: `poterne learn` teaches");
    int found = generation_read(tool->folder, number, &generation, err);
    if (found < 0)
        return -1;
    if (found == 0)
        return err_set(err, "there is no model %" PRIu64 "; `poterne model list` knows all",
                       number);
    if (trial_read(tool->folder, &trial, err) < 0)
        return -1;
    if (tool->json) {
        json_t *object = generation_json(&generation);
        if (object && number == current)
            json_object_set_new(object, "trial", trial_json(&trial));
        return json_line(object) < 0 ? TOOL_FAILED : TOOL_YES;
    }
    put_all(&generation);
    if (number == current)
        put_trial(&trial, current);
    return TOOL_YES;
}
