#include "tools/spool_view.h"

#include <errno.h>
#include <unistd.h>

#include "base/recipient.h"
#include "quarantine/quarantine.h"
#include "tools/explain.h"
#include "tools/json.h"

#define MESSAGE_POOL_MAX (2 * (size_t)SPOOL_RECORDS_MAX)
#define COPY_STEP        ((size_t)64 * 1024)

static const char *place_name(const struct spool_view *view)
{
    return view->state == SPOOL_QUEUE ? "the queue" : "quarantine";
}

void spool_view_worse(struct spool_view *view, int status)
{
    if (status > view->status)
        view->status = status;
}

static int open_parts(struct spool_view *view, struct err *err)
{
    view->conf = tool_conf(view->args, err);
    if (view->conf == NULL)
        return -1;
    if (access(view->conf->state_dir, R_OK | X_OK) < 0) {
        bool absent = errno == ENOENT;
        err_sys(err, "cannot read %s (state_dir)", view->conf->state_dir);
        return err_prefix(err, absent ? "the gateway has never run with these settings"
                                      : "run this as root or as a member of the gateway's group");
    }
    view->pool = pool_new(MESSAGE_POOL_MAX);
    if (view->pool == NULL)
        return err_set(err, "out of memory");
    view->spool = spool_open(view->conf->state_dir, err);
    view->senders = senders_existing(view->conf->state_dir, err);
    return view->spool ? 0 : -1;
}

int spool_view_open(struct spool_view *view, const char *command, enum spool_state state,
                    const struct tool_args *args)
{
    struct err err = {""};
    *view =
        (struct spool_view){.command = command, .args = args, .state = state, .status = TOOL_YES};
    if (open_parts(view, &err) == 0)
        return 0;
    spool_view_worse(view, tool_fail(command, &err));
    return -1;
}

void spool_view_close(struct spool_view *view)
{
    spool_close(&view->spool);
    senders_close(&view->senders);
    pool_free(&view->pool);
    conf_free(&view->conf);
}

/* --- for programs --- */

static const char *state_name(const struct spool_view *view, const struct spool_recipient *r)
{
    bool held = view->state == SPOOL_QUARANTINE && quarantine_holds(r);
    return recipient_state_name(held ? RCPT_HELD : (enum recipient_state)r->state);
}

static json_t *recipients_json(const struct spool_view *view, const struct envelope *envelope)
{
    json_t *list = json_array();
    for (size_t i = 0; i < envelope->n_recipients; i++) {
        const struct spool_recipient *r = &envelope->recipients[i];
        json_t *row = json_pack("{s:o, s:s, s:o, s:o, s:o, s:i}", "address", json_text(r->address),
                                "state", recipient_state_name((enum recipient_state)r->state),
                                "how", json_text(r->how), "relay", json_text(r->relay), "detail",
                                json_text(r->detail), "tries", (int)r->marks);
        if (r->marks)
            json_object_set_new(row, "time", json_time(r->state_time_us));
        json_array_append_new(list, row);
    }
    return list;
}

/* What waits for its next try says only then that it waits for that. */
static bool is_frozen(const struct spool_view *view, struct str account)
{
    struct frozen frozen;
    struct err err;
    return account.n && view->senders && senders_look(view->senders, account, &frozen, &err) == 1;
}

const char *queue_state_name(enum queue_state state)
{
    static const char *const names[QUEUE_STATES] = {[QUEUE_HELD] = "held",
                                                    [QUEUE_FROZEN] = "frozen",
                                                    [QUEUE_ENDING] = "ending",
                                                    [QUEUE_ACTIVE] = "active",
                                                    [QUEUE_DEFERRED] = "deferred"};
    return names[state];
}

enum queue_state spool_view_state(const struct spool_view *view, const struct envelope *e)
{
    size_t owed = 0, deferred = 0, released = 0;
    for (size_t i = 0; i < e->n_recipients; i++) {
        const struct spool_recipient *r = &e->recipients[i];
        if (!recipient_state_owed((enum recipient_state)r->state))
            continue;
        owed++;
        deferred += r->state == RCPT_DEFERRED;
        released += r->released_us != 0;
    }
    if (owed == 0 || e->dropped)
        return QUEUE_ENDING;
    if (e->hold_us)
        return QUEUE_HELD;
    if (released < owed && is_frozen(view, e->account))
        return QUEUE_FROZEN;
    return deferred < owed ? QUEUE_ACTIVE : QUEUE_DEFERRED;
}

static json_t *hold_json(const struct envelope *e)
{
    if (e->hold_us == 0)
        return NULL;
    return json_pack("{s:o, s:o}", "since", json_time(e->hold_us), "by", json_text(e->ordered_by));
}

static json_t *file_json(const struct spool_view *view, const struct spool_file *file)
{
    const struct envelope *e = &file->envelope;
    return json_pack(
        "{s:o, s:o, s:I, s:o, s:o*, s:o*, s:o, s:o, s:o, s:o, s:{s:f, s:f, s:f}, s:o, s:s*, s:o*, "
        "s:o}",
        "id", json_text(e->id), "time", json_time(e->time_us), "size", (json_int_t)file->size,
        "sender", json_text(e->sender), "account", e->account.n ? json_text(e->account) : NULL,
        "frozen", is_frozen(view, e->account) ? json_true() : NULL, "client_ip",
        json_text(e->client_ip), "subject", json_text(e->subject), "message_id",
        json_text(e->message_id), "verdict", json_text(e->verdict), "score", "global", e->global,
        "heuristics", e->heuristics, "bayes", e->bayes, "held", json_text(e->held), "state",
        view->state == SPOOL_QUEUE ? queue_state_name(spool_view_state(view, e)) : NULL, "hold",
        hold_json(e), "recipients", recipients_json(view, e));
}

/* --- for people --- */

static void put_line(const char *label, struct str text)
{
    if (text.n == 0)
        return;
    printf("  %-11s ", label);
    tool_put_text(stdout, text);
    putchar('\n');
}

static void put_recipient(const struct spool_view *view, const struct spool_recipient *r)
{
    char when[TOOL_TIME_SIZE];
    fputs("  to          ", stdout);
    tool_put_text(stdout, r->address);
    printf("  %s", state_name(view, r));
    if (r->marks) {
        tool_time(r->state_time_us, when);
        printf(" %s", when);
    }
    if (r->relay.n) {
        fputs(" at ", stdout);
        tool_put_text(stdout, r->relay);
    }
    if (r->detail.n) {
        fputs(": ", stdout);
        tool_put_text(stdout, r->detail);
    }
    if (r->fields.n || r->state == RCPT_REDIRECTED) {
        fputs("; ", stdout);
        tool_put_text(stdout, r->how);
    }
    putchar('\n');
}

static void put_account(const struct spool_view *view, struct str account)
{
    if (account.n == 0)
        return;
    printf("  %-11s ", "account");
    tool_put_text(stdout, account);
    puts(is_frozen(view, account) ? ", frozen (poterne senders)" : "");
}

static void put_hold(const struct envelope *e)
{
    char when[TOOL_TIME_SIZE];
    if (e->hold_us == 0)
        return;
    tool_time(e->hold_us, when);
    printf("  %-11s since %s ", "on hold", when);
    tool_put_text(stdout, e->ordered_by);
    putchar('\n');
}

static void put_file(const struct spool_view *view, const struct spool_file *file)
{
    const struct envelope *e = &file->envelope;
    char when[TOOL_TIME_SIZE], size[TOOL_SIZE_SIZE];
    tool_time(e->time_us, when);
    tool_size(file->size, size);
    printf("%.*s  %s  %s  from <", STR_ARG(e->id), when, size);
    tool_put_text(stdout, e->sender);
    fputs(">\n", stdout);
    put_account(view, e->account);
    put_line("subject", e->subject);
    put_line("held", e->held);
    put_hold(e);
    for (size_t i = 0; i < e->n_recipients; i++)
        put_recipient(view, &e->recipients[i]);
}

/* --- both --- */

void spool_view_put(struct spool_view *view, const struct spool_file *file)
{
    view->listed++;
    if (view->args->given & OPT_JSON)
        json_line(file_json(view, file));
    else
        put_file(view, file);
}

bool spool_view_load(struct spool_view *view, const char *id, struct spool_file **file)
{
    struct err err = {""};
    bool corrupt = false;
    if (!spool_id_valid(str_of(id))) {
        spool_view_worse(view, tool_misused(view->command, "\"%s\" is no message id", id));
        return false;
    }
    if (spool_load(view->spool, view->state, id, view->pool, file, &corrupt, &err) == 0)
        return true;
    if (errno == ENOENT && !corrupt)
        err_set(&err, "%s is not in %s; `poterne trace %s` tells what became of it", id,
                place_name(view), id);
    tool_fail(view->command, &err);
    spool_view_worse(view, errno == ENOENT && !corrupt ? TOOL_NO : TOOL_FAILED);
    return false;
}

void spool_view_put_message(struct spool_view *view, const struct spool_file *file)
{
    static char piece[COPY_STEP];
    struct err err;
    off_t at = SPOOL_HEADER_SIZE;
    uint64_t left = file->size;
    while (left) {
        ssize_t n = pread(file->fd, piece, left < sizeof piece ? left : sizeof piece, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            err_sys(&err, "cannot read %.*s", STR_ARG(file->envelope.id));
            spool_view_worse(view, tool_fail(view->command, &err));
            return;
        }
        fwrite(piece, 1, (size_t)n, stdout);
        at += n;
        left -= (uint64_t)n;
    }
}

void spool_view_put_whole(struct spool_view *view, const struct spool_file *file, struct str text)
{
    json_t *evidence = json_parse(file->envelope.evidence);
    if (view->args->given & OPT_JSON) {
        json_t *object = file_json(view, file);
        json_object_set(object, "evidence", evidence);
        json_line(object);
    } else {
        if (text.n)
            fwrite(text.s, 1, text.n, stdout);
        else
            put_file(view, file);
        explain_evidence(evidence, EXPLAIN_WHOLE);
    }
    json_decref(evidence);
}

void spool_view_put_answer(struct spool_view *view, const char *id, int result,
                           const struct buf *answer, const struct err *err)
{
    if (result < 0) {
        spool_view_worse(view, tool_fail(view->command, err));
        return;
    }
    printf("%s%s", id, *id ? ": " : "");
    tool_put_text(stdout, buf_str(answer));
    putchar('\n');
}
