/* senders: what was sent lately beside its limits (gateway/gate/limits.h), and who may send nothing
 * (gateway/gate/senders.h). */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "gateway/gate/limits.h"
#include "gateway/gate/senders.h"
#include "tools/json.h"
#include "tools/tool.h"

#define COMMAND   "senders"
#define SECOND_US ((int64_t)1000000)

struct view {
    const struct tool_args *args;
    const struct conf *conf;
    struct windows *windows; /* NULL: nothing was ever counted */
    struct senders *senders; /* NULL: nobody was ever frozen */
    int64_t now;
    size_t n; /* told */
};

static bool as_json(const struct view *view)
{
    return view->args->given & OPT_JSON;
}

/* --- what is counted --- */

static const char *kind_name(unsigned kind)
{
    static const char *const names[] = {
        [LIMITS_ADDRESS] = "address",
        [LIMITS_ACCOUNT] = "account",
        [LIMITS_ACCOUNT_ALL] = "account",
        [LIMITS_SENDER] = "sender",
    };
    return kind < sizeof names / sizeof names[0] && names[kind] ? names[kind] : "?";
}

static const char *class_name(const struct windows_who *who)
{
    if (who->kind == LIMITS_ACCOUNT_ALL || who->of >= NETWORK_CLASSES)
        return "everywhere";
    return network_class_name((enum network_class)who->of);
}

static const char *limit_name(const struct windows_limit *limit)
{
    if (limit->series == LIMITS_MESSAGES)
        return "messages_per_hour";
    return limit->seconds < WINDOWS_LONGEST ? "recipients_per_15min" : "recipients_per_hour";
}

static const char *limit_words(const struct windows_limit *limit)
{
    if (limit->series == LIMITS_MESSAGES)
        return "messages an hour";
    return limit->seconds < WINDOWS_LONGEST ? "recipients in 15 min" : "recipients an hour";
}

static void put_counts_json(const struct view *view, const struct windows_charge *charge,
                            const struct windows_entry *e)
{
    json_t *line = json_pack("{s:s, s:o, s:s, s:i}", "kind", kind_name(e->who.kind), "name",
                             json_text(str_of(e->who.name)), "from", class_name(&e->who), "hits",
                             (int)e->hits);
    for (size_t i = 0; line && i < charge->n_limits; i++) {
        const struct windows_limit *limit = &charge->limits[i];
        unsigned counted = windows_sum(e, limit->series, limit->seconds, view->now);
        json_object_set_new(line, limit_name(limit),
                            json_pack("{s:I, s:o}", "counted", (json_int_t)counted, "limit",
                                      limit->most ? json_integer(limit->most) : json_null()));
    }
    json_line(line);
}

static void put_counts(struct view *view, const struct windows_entry *e)
{
    struct windows_charge charge = {.who = e->who};
    limits_for(&view->conf->limits, &charge);
    view->n++;
    if (as_json(view)) {
        put_counts_json(view, &charge, e);
        return;
    }
    printf("  %-7s ", kind_name(e->who.kind));
    tool_put_text(stdout, str_of(e->who.name));
    printf(", %s:", class_name(&e->who));
    for (size_t i = 0; i < charge.n_limits; i++) {
        const struct windows_limit *limit = &charge.limits[i];
        printf("%s %u", i ? "," : "", windows_sum(e, limit->series, limit->seconds, view->now));
        if (limit->most)
            printf(" of %u", limit->most);
        printf(" %s", limit_words(limit));
    }
    if (e->hits)
        printf("; %u times at a limit", e->hits);
    putchar('\n');
}

/* Has he come to half of a limit? */
static bool is_near(const struct view *view, const struct windows_entry *e)
{
    struct windows_charge charge = {.who = e->who};
    limits_for(&view->conf->limits, &charge);
    for (size_t i = 0; i < charge.n_limits; i++) {
        const struct windows_limit *limit = &charge.limits[i];
        if (limit->most &&
            windows_sum(e, limit->series, limit->seconds, view->now) * 2 >= limit->most)
            return true;
    }
    return false;
}

/* --- who is frozen --- */

static void put_frozen(void *data, const struct frozen *frozen)
{
    struct view *view = data;
    char since[TOOL_TIME_SIZE];
    view->n++;
    if (as_json(view)) {
        json_line(json_pack("{s:s, s:o, s:o, s:o}", "kind", "frozen", "name",
                            json_text(str_of(frozen->account)), "since",
                            json_time(frozen->since * SECOND_US), "why",
                            json_text(str_of(frozen->why))));
        return;
    }
    tool_time(frozen->since * SECOND_US, since);
    printf("  %s is frozen since %s: %s\n", frozen->account[0] ? frozen->account : "?", since,
           frozen->why);
}

/* --- commands --- */

static int list(struct view *view)
{
    struct err err = {""};
    struct windows_entry e;
    size_t at = 0, others = 0;
    if (view->senders && senders_each(view->senders, put_frozen, view, &err) < 0)
        return tool_fail(COMMAND, &err);
    size_t frozen = view->n;
    while (view->windows && windows_next(view->windows, &at, view->now, &e)) {
        if ((view->args->given & OPT_ALL) || is_near(view, &e))
            put_counts(view, &e);
        else
            others++;
    }
    if (!as_json(view))
        printf("%zu frozen; %zu counted within the last hour%s, %zu more below half of their "
               "limits\n",
               frozen, view->n - frozen + others, others ? "" : ", all shown", others);
    return TOOL_YES;
}

/* What he may be counted as; false: no more. */
static bool next_who(struct str name, size_t i, struct windows_who *who)
{
    static const enum limits_kind kinds[] = {LIMITS_ACCOUNT, LIMITS_ADDRESS};
    const struct conf_limits none = {.shared = {NULL, 0}};
    struct windows_charge charge;
    if (i < 2 * NETWORK_CLASSES)
        limits_charge(&none, kinds[i / NETWORK_CLASSES], (enum network_class)(i % NETWORK_CLASSES),
                      name, &charge);
    else if (i == 2 * NETWORK_CLASSES)
        limits_charge(&none, LIMITS_ACCOUNT_ALL, CLASS_OUTSIDE, name, &charge);
    else if (i == 2 * NETWORK_CLASSES + 1)
        limits_charge(&none, LIMITS_SENDER, CLASS_WEBMAIL, name, &charge);
    else
        return false;
    *who = charge.who;
    return true;
}

static int show(struct view *view, const char *name)
{
    struct windows_who who;
    struct windows_entry e;
    struct frozen frozen;
    struct err err = {""};
    int is_frozen = view->senders ? senders_look(view->senders, str_of(name), &frozen, &err) : 0;
    if (is_frozen < 0)
        return tool_fail(COMMAND, &err);
    if (is_frozen)
        put_frozen(view, &frozen);
    for (size_t i = 0; view->windows && next_who(str_of(name), i, &who); i++)
        if (windows_find(view->windows, &who, &e))
            put_counts(view, &e);
    if (view->n == 0 && !as_json(view)) {
        tool_put_text(stdout, str_of(name));
        puts(" has sent nothing within the last hour");
    }
    return view->n ? TOOL_YES : TOOL_NO;
}

static void put_done(const struct view *view, const char *name, bool done, const char *yes,
                     const char *no)
{
    if (as_json(view)) {
        json_line(json_pack("{s:o, s:b}", "name", json_text(str_of(name)), yes, (int)done));
        return;
    }
    tool_put_text(stdout, str_of(name));
    printf(done ? " is %s\n" : " was %s\n", done ? yes : no);
}

static int freeze(struct view *view, const char *name)
{
    struct err err = {""};
    const char *why = (view->args->given & OPT_WHY) ? view->args->why : "a manager has decided so";
    if (view->senders == NULL)
        view->senders = senders_open(view->conf->state_dir, &err);
    int done = view->senders
                   ? senders_freeze(view->senders, str_of(name), str_of(why), view->now, &err)
                   : -1;
    if (done < 0)
        return tool_fail(COMMAND, &err);
    put_done(view, name, done, "frozen", "frozen already");
    return done ? TOOL_YES : TOOL_NO;
}

/* Or what he did within this hour would freeze him again at once. */
static void pardon(const struct view *view, const char *name)
{
    struct windows_who who;
    for (size_t i = 0; view->windows && next_who(str_of(name), i, &who); i++)
        windows_pardon(view->windows, &who);
}

static int thaw(struct view *view, const char *name)
{
    struct err err = {""};
    pardon(view, name);
    int done = view->senders ? senders_thaw(view->senders, str_of(name), &err) : 0;
    if (done < 0)
        return tool_fail(COMMAND, &err);
    put_done(view, name, done, "thawed", "not frozen");
    return done ? TOOL_YES : TOOL_NO;
}

static int act(struct view *view)
{
    static const struct {
        const char *name;
        int (*act)(struct view *view, const char *name);
    } verbs[] = {{"show", show}, {"freeze", freeze}, {"thaw", thaw}};
    const struct tool_args *args = view->args;
    const char *what = args->n_rest ? args->rest[0] : "list";
    int worst = TOOL_YES;
    if (strcmp(what, "list") == 0 && args->n_rest < 2)
        return list(view);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(what, verbs[i].name) != 0)
            continue;
        if (args->n_rest < 2)
            return tool_misused(COMMAND, "name an account; `poterne senders` lists those that are "
                                         "known");
        for (size_t k = 1; k < args->n_rest; k++) {
            int status = verbs[i].act(view, args->rest[k]);
            worst = status > worst ? status : worst;
            view->n = 0;
        }
        return worst;
    }
    return tool_misused(COMMAND, "there is no `senders %s`", what);
}

/* What was never made is not there; anything else that can't be opened is told. */
static int open_view(struct view *view)
{
    struct err err = {""};
    view->windows = windows_existing(view->conf->state_dir, LIMITS_TABLE, &err);
    if (view->windows == NULL && errno != ENOENT)
        return tool_fail(COMMAND, &err);
    view->senders = senders_existing(view->conf->state_dir, &err);
    if (view->senders == NULL && errno != ENOENT)
        return tool_fail(COMMAND, &err);
    return TOOL_YES;
}

static int run(const struct tool_args *args)
{
    struct err err = {""};
    struct conf *conf = tool_conf(args, &err);
    if (conf == NULL)
        return tool_fail(COMMAND, &err);
    struct view view = {.args = args, .conf = conf, .now = (int64_t)time(NULL)};
    int status = open_view(&view);
    if (status == TOOL_YES)
        status = act(&view);
    senders_close(&view.senders);
    windows_close(&view.windows);
    conf_free(&conf);
    return status;
}

const struct tool_command tool_senders = {
    .name = COMMAND,
    .summary = "show what our own people send beside its limits; freeze an account",
    .arguments = "[list] | show NAME… | freeze ACCOUNT… | thaw ACCOUNT…",
    .help = "list has the accounts that may send nothing, and who has come to half of a limit\n"
            "within the last hour, with --all everybody who has sent; show all that is counted of\n"
            "an account, or of an address or network, beside the limits of the settings.\n"
            "freeze takes an account's right to send: its mail gets 550 from the next MAIL on;\n"
            "--why says why, which it is told. thaw gives it back; what was counted counts on.\n"
            "Exit status: 0 done, 1 nothing to do or not known, 2 could not be done.\n",
    .options = OPT_CONFIG | OPT_JSON | OPT_ALL | OPT_WHY,
    .run = run,
};
