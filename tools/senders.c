/* senders: what was sent lately beside its limits (gateway/gate/limits.h), and who may send nothing
 * (gateway/gate/senders.h). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/ipc.h"
#include "gateway/gate/bounces.h"
#include "gateway/gate/limits.h"
#include "gateway/gate/senders.h"
#include "spool/notice.h"
#include "spool/spool.h"
#include "tools/json.h"
#include "tools/login_name.h"
#include "tools/tool.h"

#define COMMAND   "senders"
#define SECOND_US ((int64_t)1000000)

struct view {
    const struct tool_args *args;
    const struct conf *conf;
    struct windows *windows; /* NULL: nothing was ever counted */
    struct windows *bounces; /* likewise */
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
    fputs("  ", stdout);
    tool_put_text(stdout, frozen->account[0] ? str_of(frozen->account) : STR("?"));
    printf(" is frozen since %s: %s\n", since, frozen->why);
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

/* What he may be counted as; false: no more. `account` is the name as an account's. */
static bool next_who(struct str name, struct str account, size_t i, struct windows_who *who)
{
    static const enum limits_kind kinds[] = {LIMITS_ACCOUNT, LIMITS_ADDRESS};
    const struct conf_limits none = {.shared = {NULL, 0}};
    struct windows_charge charge;
    if (i < 2 * NETWORK_CLASSES)
        limits_charge(&none, kinds[i / NETWORK_CLASSES], (enum network_class)(i % NETWORK_CLASSES),
                      i < NETWORK_CLASSES ? account : name, &charge);
    else if (i == 2 * NETWORK_CLASSES)
        limits_charge(&none, LIMITS_ACCOUNT_ALL, CLASS_OUTSIDE, account, &charge);
    else if (i == 2 * NETWORK_CLASSES + 1)
        limits_charge(&none, LIMITS_SENDER, CLASS_WEBMAIL, name, &charge);
    else
        return false;
    *who = charge.who;
    return true;
}

static void put_bounces(struct view *view, struct str account)
{
    const struct conf_limits *conf = &view->conf->limits;
    struct bounces_counts counts = {.of = 0};
    if (view->bounces)
        counts = bounces_counted(view->bounces, account, view->now);
    if (counts.of == 0)
        return;
    view->n++;
    if (as_json(view)) {
        json_line(json_pack("{s:s, s:o, s:i, s:i, s:i, s:i, s:i}", "kind", "bounces", "name",
                            json_text(account), "sent", (int)counts.sent, "answered",
                            (int)counts.answered, "refused", (int)counts.bounced, "limit",
                            (int)conf->freeze_bounces, "percent",
                            (int)conf->freeze_bounces_percent));
        return;
    }
    fputs("  account ", stdout);
    tool_put_text(stdout, account);
    printf(": of %u recipients elsewhere %u were refused within an hour", counts.of,
           counts.bounced);
    if (conf->freeze_bounces)
        printf(" (frozen at %u and %u of 100)", conf->freeze_bounces, conf->freeze_bounces_percent);
    putchar('\n');
}

/* Whose name that is; false, and told why: nobody's. */
static bool read_account(const struct view *view, const char *name, struct address *account)
{
    if (account_normal(view->conf, name, account))
        return true;
    tool_misused(COMMAND, "\"%s\" is no mail address: name the account's own, such as jean@%s",
                 name, view->conf->n_domains ? view->conf->domains[0].name : "our.domain");
    return false;
}

/* Of several names that somebody has, the one that his logins count under. */
static void find_account(const struct view *view, const char *name, struct address *account)
{
    const struct address asked = *account;
    struct err err = {""};
    enum account_found found = account_find(view->conf, account, &err);
    if (found == ACCOUNT_UNASKED)
        fprintf(stderr, "poterne " COMMAND ": %s; %s is taken for the account's own name\n",
                err.text, account->text);
    else if (found == ACCOUNT_UNKNOWN)
        fprintf(stderr, "poterne " COMMAND ": the directory knows nobody who logs in as %s\n",
                account->text);
    else if (strcmp(asked.text, account->text) != 0)
        fprintf(stderr, "poterne " COMMAND ": %s is a name of the account %s\n", name,
                account->text);
}

static int show(struct view *view, const char *name)
{
    struct windows_who who;
    struct windows_entry e;
    struct frozen frozen;
    struct address account;
    struct err err = {""};
    bool valid = account_normal(view->conf, name, &account);
    if (valid)
        find_account(view, name, &account);
    struct str as_account = valid ? str_of(account.text) : str_of(name);
    int is_frozen = view->senders ? senders_look(view->senders, as_account, &frozen, &err) : 0;
    if (is_frozen < 0)
        return tool_fail(COMMAND, &err);
    if (is_frozen)
        put_frozen(view, &frozen);
    for (size_t i = 0; view->windows && next_who(str_of(name), as_account, i, &who); i++)
        if (windows_find(view->windows, &who, &e))
            put_counts(view, &e);
    put_bounces(view, as_account);
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
    struct address account;
    struct err err = {""};
    const char *why = (view->args->given & OPT_WHY) ? view->args->why : "a manager has decided so";
    if (!read_account(view, name, &account))
        return TOOL_FAILED;
    find_account(view, name, &account);
    if (view->senders == NULL)
        view->senders = senders_open(view->conf->state_dir, &err);
    int done = view->senders ? senders_freeze(view->senders, str_of(account.text), str_of(why),
                                              STR_EMPTY, view->now, &err)
                             : -1;
    if (done < 0)
        return tool_fail(COMMAND, &err);
    put_done(view, account.text, done, "frozen", "frozen already");
    return done ? TOOL_YES : TOOL_NO;
}

/* Or what he did within this hour would freeze him again at once. */
static void pardon(const struct view *view, struct str account)
{
    struct windows_who who;
    for (size_t i = 0; view->windows && next_who(account, account, i, &who); i++)
        windows_pardon(view->windows, &who);
    if (view->bounces)
        bounces_forget(view->bounces, account);
}

/* Delivery looks by itself, too, a little later. */
static void tell_thawed(const struct view *view, struct str account)
{
    const struct notice notice = {.kind = NOTICE_THAWED,
                                  .recipient = NOTICE_EVERYONE,
                                  .address = account};
    struct buf answer = BUF_INIT(IPC_MSG_MAX);
    struct err err = {""};
    if (notice_ask(view->conf->run_dir, &notice, &answer, &err) < 0 && !as_json(view))
        printf("  what it has in the queue goes on later: %s\n", err.text);
    buf_release(&answer);
}

/* By its own name, by another of his names, or as it was frozen, whatever that is. */
static int take_away(struct view *view, const char *name, struct address *account, struct err *err)
{
    int done = senders_thaw(view->senders, str_of(account->text), err);
    if (done != 0)
        return done;
    if (strlen(name) < sizeof account->text &&
        (done = senders_thaw(view->senders, str_of(name), err)) != 0) {
        memcpy(account->text, name, strlen(name) + 1);
        return done;
    }
    find_account(view, name, account);
    return senders_thaw(view->senders, str_of(account->text), err);
}

static int thaw(struct view *view, const char *name)
{
    struct address account;
    struct err err = {""};
    if (!account_normal(view->conf, name, &account))
        account.text[0] = '\0';
    pardon(view, str_of(account.text));
    int done = view->senders ? take_away(view, name, &account, &err) : 0;
    if (done < 0)
        return tool_fail(COMMAND, &err);
    pardon(view, str_of(account.text));
    put_done(view, account.text, done, "thawed", "not frozen");
    if (done)
        tell_thawed(view, str_of(account.text));
    return done ? TOOL_YES : TOOL_NO;
}

/* Some of it at a time, until there is no more. */
static int quarantine(struct view *view, const char *name)
{
    char why[SPOOL_DETAIL_MAX];
    struct address account;
    struct err err = {""};
    struct buf answer = BUF_INIT(IPC_MSG_MAX);
    unsigned long long moved = 0, n = 0;
    int result = 0;
    if (!read_account(view, name, &account))
        return TOOL_FAILED;
    find_account(view, name, &account);
    snprintf(why, sizeof why, "set aside: the account %s is frozen%s%s", account.text,
             (view->args->given & OPT_WHY) ? ": " : "",
             (view->args->given & OPT_WHY) ? view->args->why : "");
    const struct notice notice = {.kind = NOTICE_SET_ASIDE,
                                  .recipient = NOTICE_EVERYONE,
                                  .address = str_of(account.text),
                                  .why = str_of(why)};
    do {
        buf_clear(&answer);
        result = notice_ask(view->conf->run_dir, &notice, &answer, &err);
        n = result == 0 ? strtoull(buf_cstr(&answer), NULL, 10) : 0;
        moved += n;
    } while (n > 0);
    buf_release(&answer);
    if (result < 0)
        return tool_fail(COMMAND, &err);
    if (as_json(view))
        json_line(json_pack("{s:o, s:I}", "name", json_text(str_of(account.text)), "quarantined",
                            (json_int_t)moved));
    else
        printf("%llu messages of %s go to quarantine; `poterne quarantine list` shows them\n",
               moved, account.text);
    return moved ? TOOL_YES : TOOL_NO;
}

static int act(struct view *view)
{
    static const struct {
        const char *name;
        int (*act)(struct view *view, const char *name);
    } verbs[] = {{"show", show}, {"freeze", freeze}, {"thaw", thaw}, {"quarantine", quarantine}};
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
    view->bounces = windows_existing(view->conf->state_dir, BOUNCES_TABLE, &err);
    if (view->bounces == NULL && errno != ENOENT)
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
    windows_close(&view.bounces);
    conf_free(&conf);
    return status;
}

const struct tool_command tool_senders = {
    .name = COMMAND,
    .summary = "show what our own people send beside its limits; freeze an account",
    .arguments = "[list] | show NAME… | freeze ACCOUNT… | quarantine ACCOUNT… | thaw ACCOUNT…",
    .help =
        "list has the accounts that may send nothing, and who has come to half of a limit\n"
        "within the last hour, with --all everybody who has sent; show all that is counted of\n"
        "an account, or of an address or network, beside the limits of the settings.\n"
        "freeze takes an account's right to send: its mail gets 550 from the next MAIL on, and\n"
        "what it has in the queue waits; --why says why, which it is told. An account is named\n"
        "by any address or name that it logs in with. quarantine moves what a frozen account\n"
        "has in the queue to where it can be read, released and deleted. thaw gives the right\n"
        "back, and what waits goes on; what was sent counts on.\n"
        "Exit status: 0 done, 1 nothing to do or not known, 2 could not be done.\n",
    .options = OPT_CONFIG | OPT_JSON | OPT_ALL | OPT_WHY,
    .run = run,
};
