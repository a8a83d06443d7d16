/* audit: does every 250 that was ever said have, for each recipient, one outcome, or is it owed? */
#include <inttypes.h>
#include <string.h>

#include "audit/summary.h"
#include "base/clock.h"
#include "tools/audit_tool.h"
#include "tools/json.h"

#define SUMMARY_MAX 4096

struct view {
    const struct tool_args *args;
    struct tool_progress bar;
    bool drawn;
};

/* --- findings --- */

static void put_finding(const struct finding *f)
{
    printf("%s  %.*s", finding_name(f->kind), STR_ARG(f->id));
    if (f->recipient.n) {
        fputs("  <", stdout);
        tool_put_text(stdout, f->recipient);
        putchar('>');
    }
    printf("\n  expected    %s\n  found       ", finding_expected(f->kind));
    tool_put_text(stdout, f->found);
    if (f->closed) {
        fputs("\n  closed      ", stdout);
        tool_put_text(stdout, f->why);
        putchar('\n');
    } else {
        printf("\n  next        %s\n", finding_next(f->kind));
    }
}

static void put_finding_json(const struct finding *f)
{
    json_line(json_pack("{s:s, s:o, s:o, s:s, s:o, s:s, s:o}", "finding", finding_name(f->kind),
                        "id", json_text(f->id), "recipient",
                        f->recipient.n ? json_text(f->recipient) : json_null(), "expected",
                        finding_expected(f->kind), "found", json_text(f->found), "next",
                        finding_next(f->kind), "closed",
                        f->closed ? json_text(f->why) : json_null()));
}

static void on_found(void *data, const struct finding *finding)
{
    const struct view *view = data;
    if (view->args->given & OPT_JSON)
        put_finding_json(finding);
    else
        put_finding(finding);
}

static void on_progress(void *data, uint64_t done, uint64_t total)
{
    struct view *view = data;
    if (!view->drawn)
        tool_progress_begin(&view->bar, "audited", total);
    view->drawn = true;
    tool_progress_to(&view->bar, done);
}

/* --- the end --- */

static void put_result_json(const struct audit_result *result, double seconds)
{
    struct buf text = BUF_INIT(SUMMARY_MAX);
    audit_summary_put(&text, result);
    json_t *object = json_parse(buf_str(&text));
    json_object_set_new(object, "seconds", json_real(seconds));
    json_line(object);
    buf_release(&text);
}

static void put_result(const struct audit_result *result, double seconds)
{
    const struct audit_sums *sums = &result->sums;
    const char *before = "  ";
    printf("%" PRIu64 " messages, %" PRIu64 " recipients, in %.1f s\n", result->messages,
           sums->recipients, seconds);
    for (int i = 0; i < AUDIT_CLASSES; i++) {
        if (sums->classes[i] == 0)
            continue;
        printf("%s%s %" PRIu64, before, audit_class_name((enum audit_class)i), sums->classes[i]);
        before = ", ";
    }
    if (strcmp(before, ", ") == 0)
        putchar('\n');
    if (result->unrecorded)
        printf("  %" PRIu64 " of the messages that wait have no record of their acceptance, which "
               "is no finding\n",
               result->unrecorded);
    if (result->closed)
        printf("  %" PRIu64 " finding%s closed (--all names what)\n", result->closed,
               result->closed == 1 ? " is" : "s are");
    if (sums->findings)
        printf("%" PRIu64 " thing%s not add up\n", sums->findings,
               sums->findings == 1 ? " does" : "s do");
    else
        puts("everything adds up");
}

/* --- the command --- */

static int read_wish(const struct tool_args *args, const struct conf *conf, struct audit_wish *wish,
                     struct err *err)
{
    wish->state_dir = conf->state_dir;
    wish->now_us = audit_now_us();
    wish->quick = args->given & OPT_QUICK;
    wish->closed_too = args->given & OPT_ALL;
    if ((args->given & OPT_SINCE) &&
        tool_when("--since", args->since, wish->now_us, &wish->since_us, err) < 0)
        return -1;
    if ((args->given & OPT_UNTIL) &&
        tool_when("--until", args->until, wish->now_us, &wish->until_us, err) < 0)
        return -1;
    return 0;
}

static int audit(struct view *view, const struct audit_wish *wish)
{
    struct audit_result result;
    struct err err = {"it could not be looked everywhere"};
    int64_t begun = clock_ms();
    int status = audit_run(wish, &result, &err);
    if (view->drawn)
        tool_progress_end(&view->bar);
    if (status < 0)
        return tool_fail("audit", &err);
    double seconds = (double)(clock_ms() - begun) / 1000;
    if (view->args->given & OPT_JSON)
        put_result_json(&result, seconds);
    else if (!(view->args->given & OPT_QUIET))
        put_result(&result, seconds);
    return result.sums.findings ? TOOL_NO : TOOL_YES;
}

static int audit_all(const struct tool_args *args, const struct conf *conf)
{
    struct view view = {.args = args};
    struct audit_wish wish = {.found = on_found, .progress = on_progress, .data = &view};
    struct err err = {""};
    if (args->given & OPT_WHY)
        return tool_misused("audit", "--why is of `poterne audit close ID`");
    return read_wish(args, conf, &wish, &err) < 0 ? tool_fail("audit", &err) : audit(&view, &wish);
}

static int run(const struct tool_args *args)
{
    struct err err = {""};
    struct conf *conf = tool_conf(args, &err);
    int status = conf == NULL   ? tool_fail("audit", &err)
                 : args->n_rest ? audit_decide(args, conf)
                                : audit_all(args, conf);
    conf_free(&conf);
    return status;
}

const struct tool_command tool_audit = {
    .name = "audit",
    .summary = "prove that every message accepted has its outcome, or is owed",
    .arguments = "[--since WHEN] [--until WHEN] [--quick] [--all] [--json | --quiet]\n"
                 "       poterne audit close ID… --why TEXT\n"
                 "       poterne audit reopen ID…",
    .help =
        "Reads the journal and the spool side by side, while the gateway runs, and puts each\n"
        "recipient of each message that 250 was said for into one class: owed, held, delivered,\n"
        "bounced, failed (its sender wants no bounce), expired, deleted, redirected, aside (in\n"
        "corrupt/). What doesn't add up is named, with what to do next; poterne-audit(1) has the\n"
        "kinds. The reports process does the same once a day (journal.audit); `poterne metrics` "
        "has\n"
        "how it ended. --quick looks neither into the files nor at how outcomes came about.\n"
        "What you have looked into you close by the id that the finding names: it counts no more,\n"
        "and --all shows it with what you said; whatever else is found of that message is new.\n"
        "Exit status: 0 everything adds up, 1 something does not, 2 could not be done.\n",
    .options =
        OPT_CONFIG | OPT_JSON | OPT_QUIET | OPT_SINCE | OPT_UNTIL | OPT_QUICK | OPT_ALL | OPT_WHY,
    .run = run,
};
