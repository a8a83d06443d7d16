/* rescan: what is held, and what was delivered and kept, looked at with today's signatures. One
 * message at a time, behind whatever else the machine has to do; nothing is released by it. */
#include <errno.h>
#include <sys/resource.h>

#include "base/recipient.h"
#include "quarantine/held.h"
#include "tools/json.h"
#include "tools/quarantine_tool.h"
#include "tools/scan_ask.h"

#define LOW_PRIORITY 15
#define SILENT_MAX   3 /* messages in a row without an answer: nobody is there */

enum change { CHANGE_NONE, CHANGE_INFECTED, CHANGE_CLEAN, CHANGE_FAILED, CHANGES };

struct rescan {
    struct spool_view *view;
    struct tool_progress bar;
    enum spool_state state;
    uint64_t looked, n[CHANGES];
    unsigned silent;   /* messages in a row that nobody answered about */
    uint64_t received; /* recipients of what is now known as bad */
};

static int count_one(void *data, const char *id)
{
    struct rescan *r = data;
    r->bar.total++;
    return 0;
}

/* What no engine could look at is not clean. */
static enum change compare(const struct scan_said *said, bool was_infected)
{
    if (scan_said_find(said, AV_INFECTED))
        return was_infected ? CHANGE_NONE : CHANGE_INFECTED;
    if (scan_said_find(said, AV_FAILED))
        return CHANGE_FAILED;
    return was_infected && !scan_said_find(said, AV_UNSCANNABLE) ? CHANGE_CLEAN : CHANGE_NONE;
}

/* --- what is told --- */

static const char *change_name(enum change change)
{
    static const char *const names[CHANGES] = {
        [CHANGE_NONE] = "unchanged",
        [CHANGE_INFECTED] = "now infected",
        [CHANGE_CLEAN] = "no longer infected",
        [CHANGE_FAILED] = "could not be scanned",
    };
    return names[change];
}

static const struct av_answer *answer_of(const struct scan_said *said)
{
    const struct av_answer *answer = scan_said_find(said, AV_INFECTED);
    return answer ? answer : scan_said_find(said, AV_FAILED);
}

static json_t *recipients_json(const struct envelope *e)
{
    json_t *list = json_array();
    for (size_t i = 0; i < e->n_recipients; i++) {
        const struct spool_recipient *r = &e->recipients[i];
        json_array_append_new(
            list, json_pack("{s:o, s:s, s:o}", "address", json_text(r->address), "state",
                            recipient_state_name((enum recipient_state)r->state), "time",
                            r->marks ? json_time(r->state_time_us) : json_null()));
    }
    return list;
}

static void put_json(const struct rescan *r, const struct spool_file *file, enum change change,
                     const struct av_answer *answer)
{
    const struct envelope *e = &file->envelope;
    json_line(json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id",
                        json_text(e->id), "place", r->state == SPOOL_KEPT ? "kept" : "quarantine",
                        "result", change_name(change), "engine",
                        json_text(answer ? str_of(answer->engine) : STR_EMPTY), "signature",
                        json_text(answer ? str_of(answer->name) : STR_EMPTY), "time",
                        json_time(e->time_us), "sender", json_text(e->sender), "subject",
                        json_text(e->subject), "held", json_text(e->held), "recipients",
                        recipients_json(e)));
}

static void put_text(const struct rescan *r, const struct spool_file *file, enum change change,
                     const struct av_answer *answer)
{
    const struct envelope *e = &file->envelope;
    char when[TOOL_TIME_SIZE];
    tool_time(e->time_us, when);
    printf("%.*s  %s  %s%s  from <", STR_ARG(e->id), when,
           r->state == SPOOL_KEPT ? "delivered, " : "held, ", change_name(change));
    tool_put_text(stdout, e->sender);
    fputs(">\n", stdout);
    if (answer) {
        printf("  %-11s %s: ", "found", answer->engine);
        tool_put_text(stdout, str_of(answer->name));
        putchar('\n');
    }
    for (size_t i = 0; i < e->n_recipients; i++) {
        const struct spool_recipient *to = &e->recipients[i];
        fputs("  to          ", stdout);
        tool_put_text(stdout, to->address);
        tool_time(to->state_time_us, when);
        printf("  %s %s\n", recipient_state_name((enum recipient_state)to->state),
               to->marks ? when : "");
    }
}

static void put(struct rescan *r, const struct spool_file *file, enum change change,
                const struct scan_said *said)
{
    const struct envelope *e = &file->envelope;
    r->n[change]++;
    for (size_t i = 0; change == CHANGE_INFECTED && i < e->n_recipients; i++)
        r->received += e->recipients[i].state == RCPT_DELIVERED;
    if (change == CHANGE_NONE)
        return;
    if (r->view->args->given & OPT_JSON)
        put_json(r, file, change, answer_of(said));
    else
        put_text(r, file, change, answer_of(said));
}

/* --- looking --- */

/* -1: out of memory, or nobody answers any more. One message that ends a worker ends nothing else.
 */
static int look(struct rescan *r, const struct spool_file *file, struct err *err)
{
    struct held held;
    struct scan_said said;
    bool was_infected = false;
    if (r->state == SPOOL_QUARANTINE) {
        if (held_read(file, r->view->pool, &held, err) < 0)
            return -1;
        const struct held_answer *finding = held_finding(&held);
        was_infected = finding && str_eq(finding->result, STR("infected"));
    }
    bool answered = scan_ask(r->view->conf, r->view->spool, file, &said, err) == 0;
    r->silent = answered ? 0 : r->silent + 1;
    if (r->silent >= SILENT_MAX)
        return -1;
    r->looked++;
    put(r, file, answered ? compare(&said, was_infected) : CHANGE_FAILED, &said);
    return 0;
}

static int look_one(void *data, const char *id)
{
    struct rescan *r = data;
    struct spool_view *view = r->view;
    struct spool_file *file;
    struct err err = {""};
    bool corrupt;
    pool_reset(view->pool);
    if (spool_peek(view->spool, r->state, id, view->pool, &file, &corrupt, &err) < 0) {
        if (errno != ENOENT) /* else it went meanwhile */
            spool_view_worse(view, tool_fail(view->command, &err));
        return 0;
    }
    int result = look(r, file, &err);
    spool_unload(&file);
    tool_progress_step(&r->bar);
    if (result < 0)
        spool_view_worse(view, tool_fail(view->command, &err));
    return result;
}

static void put_end(const struct rescan *r)
{
    if (r->view->args->given & OPT_JSON)
        return;
    printf("%llu looked at: %llu now infected, %llu no longer, %llu could not be scanned\n",
           (unsigned long long)r->looked, (unsigned long long)r->n[CHANGE_INFECTED],
           (unsigned long long)r->n[CHANGE_CLEAN], (unsigned long long)r->n[CHANGE_FAILED]);
    if (r->received)
        printf("%llu copies of what is now infected were delivered, as shown above\n",
               (unsigned long long)r->received);
}

void quarantine_rescan(struct spool_view *view)
{
    static const enum spool_state places[] = {SPOOL_QUARANTINE, SPOOL_KEPT};
    struct rescan r = {.view = view};
    struct err err = {""};
    int result = 0;
    if (view->conf->antivirus.engines.n == 0) {
        err_set(&err, "the settings name no antivirus engine to ask");
        spool_view_worse(view, tool_fail(view->command, &err));
        return;
    }
    setpriority(PRIO_PROCESS, 0, LOW_PRIORITY);
    for (size_t i = 0; result == 0 && i < 2; i++)
        result = spool_each(view->spool, places[i], count_one, &r, &err);
    uint64_t total = r.bar.total;
    tool_progress_begin(&r.bar, "scanned again", total);
    for (size_t i = 0; result == 0 && i < 2; i++) {
        r.state = places[i];
        result = spool_each(view->spool, r.state, look_one, &r, &err);
    }
    tool_progress_end(&r.bar);
    if (result < 0 && err.text[0]) /* a folder; of a message it was told at once */
        spool_view_worse(view, tool_fail(view->command, &err));
    if (r.n[CHANGE_INFECTED])
        spool_view_worse(view, TOOL_NO);
    put_end(&r);
}

static int run(const struct tool_args *args)
{
    struct spool_view view;
    if (spool_view_open(&view, "rescan", SPOOL_QUARANTINE, args) == 0) {
        if (args->n_rest)
            spool_view_worse(&view, tool_misused("rescan", "it takes no names"));
        else
            quarantine_rescan(&view);
    }
    spool_view_close(&view);
    return view.status;
}

const struct tool_command tool_rescan = {
    .name = "rescan",
    .summary = "look at what is held or kept with today's signatures",
    .arguments = "[--json]",
    .help =
        "Asks the running gateway's engines about each message in quarantine and, where the\n"
        "settings keep delivered messages (quarantine.keep_originals), about each of those,\n"
        "one after the other. What is infected now and was not, with who received it, and what\n"
        "no longer is, is shown. Nothing is released, held or deleted by it.\n"
        "Exit status: 0 nothing new is infected, 1 something is, 2 could not be done.\n",
    .options = OPT_CONFIG | OPT_JSON,
    .run = run,
};
