/* reports_decide: `poterne reports accept` and `reject`. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "reports/ask.h"
#include "reports/order.h"
#include "reports/teach.h"
#include "tools/json.h"
#include "tools/reports_tool.h"

#define BATCHES_MAX 10000 /* of TEACH_BATCH_MAX */

/* "12" or "12-20" */
static int range_read(const char *word, struct proposal_range *range, struct err *err)
{
    struct str text = str_of(word), first = text, last = text;
    size_t dash = str_chr(text, '-');
    if (dash != STR_NONE) {
        first = str_sub(text, 0, dash);
        last = str_from(text, dash + 1);
    }
    if (str_to_u64(first, INT64_MAX, &range->first) && str_to_u64(last, INT64_MAX, &range->last) &&
        range->first > 0 && range->first <= range->last)
        return 0;
    return err_set(err,
                   "\"%s\" is neither a number such as 12 nor a range such as 12-20; "
                   "`poterne reports` lists them",
                   word);
}

/* Who decides, for the record. */
static void name_decider(char *out, size_t size)
{
    const char *sudo = getuid() == 0 ? getenv("SUDO_USER") : NULL;
    const struct passwd *user = getpwuid(getuid());
    if (sudo && *sudo)
        snprintf(out, size, "%.100s (as root) on the command line", sudo);
    else if (user)
        snprintf(out, size, "%.100s on the command line", user->pw_name);
    else
        snprintf(out, size, "user %u on the command line", (unsigned)getuid());
}

static int ask_make(const struct reports_tool *tool, struct ask *ask, struct err *err)
{
    const struct tool_args *args = tool->args;
    ask->why = str_sub(str_of(args->why), 0, PROPOSAL_TEXT_MAX);
    ask->choice.groups = (args->given & OPT_GROUP) != 0;
    ask->choice.reporter = str_of(args->reporter);
    ask->choice.ranges = ask->ranges;
    for (size_t i = 0; i < tool->n_rest && i < ASK_RANGES_MAX; i++)
        if (range_read(tool->rest[i], &ask->ranges[ask->choice.n_ranges++], err) < 0)
            return -1;
    if (ask->choice.n_ranges == 0 && ask->choice.reporter.n == 0)
        return err_set(err, "name a number or a range, or --by ADDRESS for all of theirs; "
                            "`poterne reports` lists what waits");
    if (ask->choice.n_ranges && ask->choice.reporter.n)
        return err_set(err, "either numbers or --by, not both");
    return 0;
}

/* --- without a gateway --- */

/* What is due is taught at once. */
static int teach_all(const struct reports_tool *tool, struct proposals *store, struct err *err)
{
    int n = TEACH_BATCH_MAX;
    for (unsigned i = 0; i < BATCHES_MAX && n == TEACH_BATCH_MAX; i++)
        n = proposals_teach(store, tool->conf, reports_now_us(), err);
    if (n >= 0)
        return 0;
    return err_prefix(err, "the decision is kept, but not all could be learned; the gateway will "
                           "when it runs, or any `poterne reports accept`");
}

static int decide_here(const struct reports_tool *tool, const struct ask *ask,
                       struct proposal_decided *decided, struct err *err)
{
    const struct proposal_decision decision = {ask->verb == ASK_ACCEPT, ask->decider, ask->why,
                                               reports_now_us()};
    struct proposals *store = proposals_open(tool->folder, err);
    if (store == NULL)
        return err_prefix(err, "no gateway is running, and the reports can't be changed%s",
                          getuid() ? " (run this as root)" : "");
    /* what a gateway did not come to the end of comes first */
    int result = orders_finish(store, err);
    if (result == 0)
        result = proposals_decide(store, &ask->choice, &decision, decided, err);
    if (result == 0 && decision.accept)
        result = teach_all(tool, store, err);
    proposals_close(&store);
    return result;
}

/* --- with one --- */

static void show_progress(void *data, uint64_t at, uint64_t n)
{
    struct tool_progress *bar = data;
    if (bar->total == 0)
        tool_progress_begin(bar, "decided", n);
    tool_progress_to(bar, at);
}

static int decide_there(const struct reports_tool *tool, const struct ask *ask,
                        struct proposal_decided *decided, struct err *err)
{
    struct tool_progress bar = {.total = 0};
    int result = ask_call(tool->conf->run_dir, ask, show_progress, &bar, decided, err);
    if (bar.total)
        tool_progress_end(&bar);
    return result;
}

/* --- either --- */

static void put_decided(const struct reports_tool *tool, const struct ask *ask,
                        const struct proposal_decided *decided, bool gateway)
{
    bool accept = ask->verb == ASK_ACCEPT;
    const char *word = accept ? "accepted" : "rejected";
    if (tool->json) {
        json_line(json_pack("{s:s, s:I, s:I, s:I, s:I, s:b}", "decision", word, "changed",
                            (json_int_t)decided->changed, "same", (json_int_t)decided->same, "late",
                            (json_int_t)decided->late, "missing", (json_int_t)decided->missing,
                            "gateway", gateway));
        return;
    }
    printf("%llu %s", (unsigned long long)decided->changed, word);
    if (decided->same)
        printf(", %llu were so before", (unsigned long long)decided->same);
    if (decided->late)
        printf(", %llu are learned, expired or without their original: too late",
               (unsigned long long)decided->late);
    if (decided->missing)
        printf(", %llu do not exist", (unsigned long long)decided->missing);
    puts(accept && decided->changed && gateway ? "; the gateway learns them now" : "");
}

static int decide(struct reports_tool *tool, enum ask_verb verb, struct err *err)
{
    struct ask *ask = calloc(1, sizeof *ask);
    struct proposal_decided decided = {0};
    char decider[PROPOSAL_ADDRESS_MAX];
    int asked = -1;
    if (ask == NULL)
        return err_set(err, "out of memory");
    name_decider(decider, sizeof decider);
    ask->verb = verb;
    ask->decider = str_of(decider);
    if (ask_make(tool, ask, err) == 0 && tool->store == NULL)
        err_set(err, "nothing was reported yet");
    else if (tool->store && err->text[0] == '\0')
        asked = decide_there(tool, ask, &decided, err);
    int result = asked == 0 ? decide_here(tool, ask, &decided, err) : asked;
    if (result >= 0)
        put_decided(tool, ask, &decided, asked == 1);
    free(ask);
    return result < 0 ? -1 : decided.changed || decided.same ? TOOL_YES : TOOL_NO;
}

int reports_accept(struct reports_tool *tool, struct err *err)
{
    return decide(tool, ASK_ACCEPT, err);
}

int reports_reject(struct reports_tool *tool, struct err *err)
{
    return decide(tool, ASK_REJECT, err);
}
