/* audit_close: what somebody has looked into is a finding no more, or one again. */
#include <string.h>
#include <time.h>

#include "journal/tell.h"
#include "tools/audit_tool.h"
#include "tools/json.h"

#define WHY_MAX     600
#define EVENT_BYTES ((size_t)256 * 1024)

struct decision {
    const struct tool_args *args;
    const struct conf *conf;
    bool reopen;
    struct str why;
    struct str id;             /* the one that is decided on */
    bool kinds[FINDING_KINDS]; /* what it is about */
    bool any;
};

int64_t audit_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void on_found(void *data, const struct finding *finding)
{
    struct decision *d = data;
    if (finding->closed != d->reopen)
        return;
    d->kinds[finding->kind] = true;
    d->any = true;
}

/* One event for each kind. */
static int tell(struct journal_client *client, const void *data, struct err *err)
{
    const struct decision *d = data;
    for (int i = 0; i < FINDING_KINDS; i++) {
        const struct event_closed event = {.time_us = audit_now_us(),
                                           .id = d->id,
                                           .finding = str_of(finding_name((enum finding_kind)i)),
                                           .why = d->why,
                                           .reopened = d->reopen};
        if (d->kinds[i] && journal_client_closed(client, &event) == 0)
            return err_set(err, "out of memory for what the journal is told");
    }
    return 0;
}

static void put_done(const struct decision *d)
{
    const char *word = d->reopen ? "reopened" : "closed";
    for (int i = 0; i < FINDING_KINDS; i++) {
        const char *name = finding_name((enum finding_kind)i);
        if (!d->kinds[i] || (d->args->given & OPT_QUIET))
            continue;
        if (d->args->given & OPT_JSON)
            json_line(json_pack("{s:s, s:o, s:b}", "finding", name, "id", json_text(d->id),
                                "closed", !d->reopen));
        else
            printf("%s: %s  %.*s\n", word, name, STR_ARG(d->id));
    }
}

static int decide_one(struct decision *d, const char *id)
{
    const struct audit_wish wish = {.state_dir = d->conf->state_dir,
                                    .now_us = audit_now_us(),
                                    .only = str_of(id),
                                    .closed_too = d->reopen,
                                    .found = on_found,
                                    .data = d};
    struct audit_result result;
    struct err err = {"it could not be looked everywhere"};
    memset(d->kinds, 0, sizeof d->kinds);
    d->any = false;
    d->id = wish.only;
    if (audit_run(&wish, &result, &err) < 0)
        return tool_fail("audit", &err);
    if (!d->any) {
        err_set(&err,
                d->reopen ? "of %s nothing was closed" : "%s adds up: there is nothing to close",
                id);
        tool_fail("audit", &err);
        return TOOL_NO;
    }
    if (journal_tell(d->conf->run_dir, EVENT_BYTES, tell, d, &err) < 0) {
        tool_ask_failed(&err);
        return tool_fail("audit", &err);
    }
    put_done(d);
    return TOOL_YES;
}

/* The worst of all. */
static int decide_all(struct decision *d)
{
    int worst = TOOL_YES;
    for (size_t i = 1; i < d->args->n_rest; i++) {
        int status = decide_one(d, d->args->rest[i]);
        worst = status > worst ? status : worst;
    }
    return worst;
}

int audit_decide(const struct tool_args *args, const struct conf *conf)
{
    char words[WHY_MAX];
    struct buf why = BUF_OVER(words);
    struct decision d = {.args = args, .conf = conf};
    d.reopen = strcmp(args->rest[0], "reopen") == 0;
    if (!d.reopen && strcmp(args->rest[0], "close") != 0)
        return tool_misused("audit", "\"%s\" is neither close nor reopen", args->rest[0]);
    if (args->n_rest < 2)
        return tool_misused("audit", "%s needs the id that a finding names", args->rest[0]);
    if (args->given & (OPT_SINCE | OPT_UNTIL | OPT_QUICK | OPT_ALL))
        return tool_misused("audit", "%s goes by ids alone", args->rest[0]);
    if (!d.reopen && (args->why == NULL || args->why[0] == '\0'))
        return tool_misused("audit", "close needs --why: what was done about it");
    tool_put_who(&why);
    buf_addf(&why, ": %s", d.reopen ? "" : args->why);
    if (!buf_ok(&why))
        return tool_misused("audit", "--why is longer than %d bytes", WHY_MAX / 2);
    d.why = buf_str(&why);
    return decide_all(&d);
}
