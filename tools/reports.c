/* reports: what waits for a manager's word; to accept or to refuse it. */
#include "tools/reports_tool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fsio.h"
#include "mail/plain.h"
#include "mail/utf8.h"
#include "reports/reporter.h"
#include "tools/json.h"

#define SECOND_US ((int64_t)1000000)
#define CELL_MAX  512

static const struct {
    const char *name;
    int (*run)(struct reports_tool *tool, struct err *err);
    size_t least, most; /* words behind it */
} commands[] = {
    {"list", reports_list, 0, 0},
    {"show", reports_show, 1, 1000},
    {"accept", reports_accept, 0, 1000},
    {"reject", reports_reject, 0, 1000},
    {"reporters", reports_reporters, 0, 0},
    {"dmarc", reports_dmarc, 0, 0},
    {"tls", reports_tls, 0, 0},
    {"received", reports_received, 0, 1},
};
#define N_COMMANDS (sizeof commands / sizeof commands[0])

/* --- shared --- */

int64_t reports_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

int reports_since(const char *word, int64_t now_us, int64_t *since_us, struct err *err)
{
    return tool_when("--since", word, now_us, since_us, err);
}

void reports_put_cell(struct str text, size_t columns)
{
    char space[CELL_MAX];
    struct buf out = BUF_OVER(space);
    size_t used = plain_add_cut(&out, text, columns);
    if (!buf_ok(&out)) /* characters of many bytes */
        buf_cut(&out, out.n);
    printf("%.*s%*s", STR_ARG(buf_str(&out)), used < columns ? (int)(columns - used) : 0, "");
}

json_t *reports_json(const struct proposal *p)
{
    char campaign[32];
    snprintf(campaign, sizeof campaign, "%016llx", (unsigned long long)p->campaign);
    json_t *object =
        json_pack("{s:I, s:s, s:s, s:s, s:o, s:o, s:o, s:I, s:o, s:b}", "number",
                  (json_int_t)p->number, "as", proposal_direction_name(p->direction), "state",
                  proposal_state_name(p->state), "identity", identity_kind_name(p->identity), "id",
                  json_text(p->id), "sender", json_text(p->sender), "subject",
                  json_text(p->subject), "size", (json_int_t)p->size, "time",
                  json_time(p->reporters[0].time_us), "kept", p->kept);
    if (object == NULL)
        return NULL;
    json_object_set_new(object, "reporter", json_text(p->reporters[0].address));
    json_object_set_new(object, "campaign", p->campaign ? json_string(campaign) : json_null());
    json_object_set_new(object, "verdict", json_text(p->verdict));
    json_object_set_new(object, "score",
                        json_pack("{s:f, s:f, s:f}", "global", p->global, "heuristics",
                                  p->heuristics, "bayes", p->bayes));
    if (p->decided_us)
        json_object_set_new(object, "decided",
                            json_pack("{s:o, s:o, s:o}", "by", json_text(p->decider), "time",
                                      json_time(p->decided_us), "why", json_text(p->why)));
    return object;
}

/* --- list --- */

static int filter_make(const struct reports_tool *tool, struct proposal_filter *filter,
                       struct err *err)
{
    const struct tool_args *args = tool->args;
    enum proposal_state state = PROPOSAL_WAITING;
    *filter = (struct proposal_filter){.reporter = str_of(args->reporter),
                                       .grouped = !(args->given & OPT_EACH),
                                       .limit = args->limit};
    if (args->state && !proposal_state_find(str_of(args->state), &state))
        return err_set(err,
                       "there is no state \"%s\": waiting, accepted, capped, learned, rejected "
                       "or expired",
                       args->state);
    filter->states = !args->state && args->given & OPT_ALL ? 0 : 1u << state;
    filter->directions = (args->given & OPT_SPAM ? 1u << LEARN_SPAM : 0) |
                         (args->given & OPT_HAM ? 1u << LEARN_HAM : 0);
    return args->since ? reports_since(args->since, reports_now_us(), &filter->since_us, err) : 0;
}

/* "5m", "3h", "12d" */
static void put_age(int64_t time_us)
{
    int64_t minutes = (reports_now_us() - time_us) / SECOND_US / 60;
    if (minutes < 60)
        printf("%3lldm", (long long)(minutes < 0 ? 0 : minutes));
    else if (minutes < 2 * 24 * 60)
        printf("%3lldh", (long long)minutes / 60);
    else
        printf("%3lldd", (long long)minutes / 60 / 24);
}

/* 98 columns */
static void put_line(const struct proposal_line *line)
{
    const struct proposal *p = &line->lead;
    char who[PROPOSAL_ADDRESS_MAX + 32];
    struct buf out = BUF_OVER(who);
    buf_add(&out, utf8_head(p->reporters[0].address, line->reporters > 1 ? 21 : 26));
    if (line->reporters > 1)
        buf_addf(&out, " +%llu", (unsigned long long)line->reporters - 1);
    printf("%6llu %5llu  %-4s  %-8s  %-7s  ", (unsigned long long)p->number,
           (unsigned long long)line->n, proposal_direction_name(p->direction),
           proposal_state_name(p->state), identity_kind_name(p->identity));
    put_age(p->reporters[0].time_us);
    fputs("  ", stdout);
    reports_put_cell(buf_str(&out), 26);
    fputs("  ", stdout);
    struct str subject = p->subject.n ? p->subject : STR("(no subject)");
    struct buf cell = BUF_INIT(CELL_MAX);
    plain_add_cut(&cell, subject, 26);
    printf("%.*s\n", STR_ARG(buf_str(&cell)));
    buf_release(&cell);
}

static void put_line_json(const struct proposal_line *line)
{
    json_t *object = reports_json(&line->lead);
    if (object)
        json_object_update_new(object,
                               json_pack("{s:I, s:I, s:I, s:I, s:f}", "messages",
                                         (json_int_t)line->n, "last", (json_int_t)line->last,
                                         "reporters", (json_int_t)line->reporters, "senders",
                                         (json_int_t)line->senders, "trust", line->trust));
    json_line(object);
}

static void put_totals(const struct reports_tool *tool, const struct proposal_list *list)
{
    struct proposal_totals totals;
    struct err err;
    if (proposals_totals(tool->store, &totals, &err) < 0)
        return;
    uint64_t waiting = totals.in[PROPOSAL_WAITING];
    printf("%s%llu message%s wait%s", list->n ? "\n" : "", (unsigned long long)waiting,
           waiting == 1 ? "" : "s", waiting == 1 ? "s" : "");
    if (totals.in[PROPOSAL_CAPPED])
        printf(", %llu are accepted and held back by a cap",
               (unsigned long long)totals.in[PROPOSAL_CAPPED]);
    puts(list->more ? "; there are more lines: --limit N" : "");
}

int reports_list(struct reports_tool *tool, struct err *err)
{
    struct proposal_filter filter;
    struct proposal_list list = {0};
    if (filter_make(tool, &filter, err) < 0)
        return -1;
    if (tool->store && proposals_list(tool->store, &filter, tool->pool, &list, err) < 0)
        return -1;
    if (list.n && !tool->json)
        puts("number count  as    state     is        age  reporter                    subject");
    for (size_t i = 0; i < list.n; i++)
        if (tool->json)
            put_line_json(&list.lines[i]);
        else
            put_line(&list.lines[i]);
    if (!tool->json && tool->store)
        put_totals(tool, &list);
    else if (!tool->json)
        puts("nothing was reported yet");
    return list.n ? TOOL_YES : TOOL_NO;
}

/* --- reporters --- */

static void put_reporter(const struct reports_tool *tool, const struct reporter *r)
{
    char when[TOOL_TIME_SIZE];
    if (tool->json) {
        json_line(json_pack("{s:o, s:I, s:I, s:I, s:I, s:f, s:f, s:o}", "reporter",
                            json_text(r->address), "proposals", (json_int_t)r->proposals, "waiting",
                            (json_int_t)r->waiting, "agreed", (json_int_t)r->agreed, "rejected",
                            (json_int_t)r->rejected, "trust", r->trust, "trust_at_most",
                            r->trust_at_most, "last", json_time(r->last_us)));
        return;
    }
    tool_time(r->last_us, when);
    reports_put_cell(r->address, 36);
    printf("  %8llu %8llu %8llu %8llu   %3.0f-%3.0f %%  %.10s\n", (unsigned long long)r->proposals,
           (unsigned long long)r->waiting, (unsigned long long)r->agreed,
           (unsigned long long)r->rejected, 100 * r->trust, 100 * r->trust_at_most, when);
}

int reports_reporters(struct reports_tool *tool, struct err *err)
{
    const struct tool_args *args = tool->args;
    struct reporter_list list = {0};
    if (tool->store && reporters_list(tool->store, str_of(args->reporter), args->limit, tool->pool,
                                      &list, err) < 0)
        return -1;
    if (list.n && !tool->json)
        printf("%-36s  %8s %8s %8s %8s   %-9s  %s\n", "reporter", "messages", "waiting", "accepted",
               "rejected", "agreed", "last");
    for (size_t i = 0; i < list.n; i++)
        put_reporter(tool, &list.list[i]);
    if (list.n == 0 && !tool->json)
        puts("nobody reported anything yet");
    if (list.more && !tool->json)
        puts("there are more: --limit N");
    return list.n ? TOOL_YES : TOOL_NO;
}

/* --- dispatch --- */

static int open_tool(struct reports_tool *tool, struct err *err)
{
    char files[PATH_MAX];
    tool->conf = tool_conf(tool->args, err);
    if (tool->conf == NULL)
        return -1;
    const char *state = tool->conf->state_dir;
    if (fsio_join(tool->folder, sizeof tool->folder, state, REPORTS_DIR, err) < 0 ||
        fsio_join(files, sizeof files, tool->folder, "proposals", err) < 0)
        return -1;
    tool->pool = pool_new(REPORTS_POOL_MAX);
    if (tool->pool == NULL)
        return err_set(err, "out of memory");
    if (access(files, F_OK) < 0 && errno == ENOENT)
        return 0;
    tool->store = proposals_view(tool->folder, err);
    if (tool->store)
        return 0;
    bool root = getuid() == 0;
    return err_prefix(err, root ? "the reports can't be read"
                                : "the reports can't be read (run this as root or as a member of "
                                  "the gateway's group)");
}

static void close_tool(struct reports_tool *tool)
{
    proposals_close(&tool->store);
    pool_free(&tool->pool);
    conf_free(&tool->conf);
}

static int run(const struct tool_args *args)
{
    const char *name = args->n_rest ? args->rest[0] : "list";
    struct reports_tool tool = {.args = args, .json = (args->given & OPT_JSON) != 0};
    struct err err = {""};
    size_t i = 0;
    while (i < N_COMMANDS && strcmp(commands[i].name, name) != 0)
        i++;
    if (i == N_COMMANDS)
        return tool_misused("reports", "there is no `reports %s`", name);
    tool.rest = args->rest + (args->n_rest ? 1 : 0);
    tool.n_rest = args->n_rest ? args->n_rest - 1 : 0;
    if (tool.n_rest < commands[i].least)
        return tool_misused("reports", "name a number; `poterne reports` lists them");
    if (tool.n_rest > commands[i].most)
        return tool_misused("reports", "`reports %s` takes no \"%s\"", name,
                            tool.rest[commands[i].most]);
    int status = open_tool(&tool, &err) < 0 ? -1 : commands[i].run(&tool, &err);
    if (status < 0)
        status = tool_fail("reports", &err);
    close_tool(&tool);
    return status;
}

const struct tool_command tool_reports = {
    .name = "reports",
    .summary = "what was reported as misjudged; reports to other domains",
    .arguments =
        "[list] | show N… | accept N|A-B… | reject N|A-B… | reporters | dmarc | tls | received "
        "[dmarc|tls]",
    .help =
        "What people report who are no managers waits until a manager accepts it (then it is\n"
        "learned) or rejects it. list names what waits, near-identical messages as one line with\n"
        "their count, those of the most trusted reporters first; with --all or --state what was\n"
        "decided too; --spam, --ham: only what is reported as that. show tells all that is known\n"
        "of one and shows its header, structure and text safely; with --message the original\n"
        "itself, which may be dangerous.\n"
        "accept and reject take numbers and ranges of them; with --group also what waits in the\n"
        "same group; with --by all of that address that waits, reject also what was accepted of\n"
        "it and is not learned yet. One number that was rejected can be accepted as long as its\n"
        "original is kept.\n"
        "reporters shows how often managers agreed with each: between which bounds the true share\n"
        "lies, with 95 %.\n"
        "dmarc and tls show what other domains are told about a day, if they ask for it: about "
        "mail\n"
        "in their name, about TLS with their servers; which reports were sent, to whom, or why "
        "not.\n"
        "With --domain the report itself (XML, JSON). With --send they go now.\n"
        "received sums up what other mail systems report of mail in the name of our domains, and "
        "of\n"
        "TLS with our servers; --since, --domain and a word, dmarc or tls, choose.\n"
        "The running gateway does it, or, when none runs, this command itself.\n"
        "Exit status: 0 done, 1 there is nothing of that kind, 2 could not be done.\n",
    .options = OPT_CONFIG | OPT_JSON | OPT_LIMIT | OPT_ALL | OPT_SPAM | OPT_HAM | OPT_STATE |
               OPT_REPORTER | OPT_SINCE | OPT_EACH | OPT_GROUP | OPT_WHY | OPT_MESSAGE | OPT_DAY |
               OPT_DOMAIN | OPT_SEND,
    .run = run,
};
