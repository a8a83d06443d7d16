/* trace: the story of a message, or of an address: who brought it, what was found, what became of
 * it. Tells what the journal knows. */
#include <string.h>

#include "journal/query.h"
#include "spool/spool.h"
#include "tools/explain.h"
#include "tools/json.h"
#include "tools/tool.h"

#define FOUND_POOL_MAX ((size_t)2 * 1024 * 1024 * 1024)

/* --- for programs --- */

static json_t *client_json(struct str ip, struct str name, struct str helo)
{
    return json_pack("{s:o, s:o, s:o}", "ip", json_text(ip), "name", json_text(name), "helo",
                     json_text(helo));
}

static json_t *outcomes_json(const struct journal_recipient *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->n_outcomes; i++) {
        const struct journal_outcome *o = &r->outcomes[i];
        json_array_append_new(list, json_pack("{s:o, s:s, s:o, s:o}", "time", json_time(o->time_us),
                                              "state", recipient_state_name(o->state), "relay",
                                              json_text(o->relay), "detail", json_text(o->detail)));
    }
    return list;
}

static json_t *recipients_json(const struct journal_message *m)
{
    json_t *list = json_array();
    for (size_t i = 0; i < m->n_recipients; i++) {
        const struct journal_recipient *r = &m->recipients[i];
        json_array_append_new(list, json_pack("{s:o, s:o, s:s, s:o, s:o}", "address",
                                              json_text(r->address), "how", json_text(r->how),
                                              "state", recipient_state_name(r->state), "time",
                                              json_time(r->time_us), "outcomes", outcomes_json(r)));
    }
    return list;
}

static json_t *message_json(const struct journal_message *m)
{
    const struct event_message *e = &m->event;
    json_t *object =
        json_pack("{s:o, s:o}", "id", json_text(e->id), "recipients", recipients_json(m));
    if (object == NULL || !m->complete)
        return object;
    json_object_update_new(object,
                           json_pack("{s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o}", "time",
                                     json_time(e->time_us), "client",
                                     client_json(e->client_ip, e->client_name, e->helo), "sender",
                                     json_text(e->sender), "subject", json_text(e->subject),
                                     "message_id", json_text(e->message_id), "size",
                                     (json_int_t)e->size, "verdict", json_text(e->verdict), "held",
                                     json_text(e->held), "evidence", json_parse(e->evidence)));
    json_object_set_new(object, "score",
                        json_pack("{s:f, s:f, s:f}", "global", e->global, "heuristics",
                                  e->heuristics, "bayes", e->bayes));
    return object;
}

static json_t *refusal_json(const struct event_refused *e)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:{s:o, s:i, s:o, s:o}, s:o}", "id",
                     json_text(e->id), "time", json_time(e->time_us), "client",
                     client_json(e->client_ip, e->client_name, e->helo), "sender",
                     json_text(e->sender), "recipient", json_text(e->recipient), "refused", "stage",
                     json_text(e->stage), "code", (int)e->code, "enhanced", json_text(e->enhanced),
                     "text", json_text(e->text), "evidence", json_parse(e->evidence));
}

/* --- for people --- */

static void put(const char *before, struct str text, const char *after)
{
    if (text.n == 0)
        return;
    fputs(before, stdout);
    tool_put_text(stdout, text);
    fputs(after, stdout);
}

static void put_address(const char *before, struct str address)
{
    printf("%s<", before);
    tool_put_text(stdout, address);
    putchar('>');
}

static void put_client(struct str ip, struct str name, struct str helo)
{
    put("  client      ", ip, "");
    put(" ", name, "");
    put(" (HELO ", helo, ")");
    if (ip.n)
        putchar('\n');
}

static void put_recipient(const struct journal_recipient *r)
{
    char when[TOOL_TIME_SIZE];
    put("  to          ", r->address, "");
    put(": known, ", r->how, "");
    putchar('\n');
    for (size_t i = 0; i < r->n_outcomes; i++) {
        const struct journal_outcome *o = &r->outcomes[i];
        tool_time(o->time_us, when);
        printf("  %-11s %s", recipient_state_name(o->state), when);
        put(" to ", o->relay, "");
        put(", ", o->detail, "");
        putchar('\n');
    }
    if (r->n_outcomes == 0)
        printf("  %-11s\n", recipient_state_name(r->state));
}

static void put_message(const struct journal_message *m, enum explain_size size)
{
    const struct event_message *e = &m->event;
    char when[TOOL_TIME_SIZE] = "?", bytes[TOOL_SIZE_SIZE];
    if (m->complete) {
        json_t *evidence = json_parse(e->evidence);
        tool_time(e->time_us, when);
        tool_size(e->size, bytes);
        printf("%s  %.*s", when, STR_ARG(e->id));
        put_address("  from ", e->sender);
        printf("  %s\n", bytes);
        put("  subject     ", e->subject, "\n");
        put_client(e->client_ip, e->client_name, e->helo);
        explain_evidence(evidence, size);
        put("  held        ", e->held, "\n");
        json_decref(evidence);
    } else {
        printf("%s  %.*s  its beginning is not in the journal (yet)\n", when, STR_ARG(e->id));
    }
    for (size_t i = 0; i < m->n_recipients; i++)
        put_recipient(&m->recipients[i]);
}

static void put_refusal(const struct event_refused *e, enum explain_size size)
{
    char when[TOOL_TIME_SIZE];
    json_t *evidence = json_parse(e->evidence);
    tool_time(e->time_us, when);
    printf("%s  ", when);
    put("", e->id, "  ");
    put("refused at ", e->stage, "");
    if (e->sender.n || e->recipient.n)
        put_address("  from ", e->sender);
    if (e->recipient.n)
        put_address(" to ", e->recipient);
    putchar('\n');
    put_client(e->client_ip, e->client_name, e->helo);
    explain_evidence(evidence, size);
    printf("  answer      %u ", e->code);
    put("", e->enhanced, " ");
    put("", e->text, "\n");
    json_decref(evidence);
}

/* --- both --- */

/* Messages and refusals, each in the order of time, into one order. */
static void put_found(const struct journal_found *found, bool json, enum explain_size size)
{
    size_t m = 0, r = 0;
    while (m < found->n_messages || r < found->n_refusals) {
        bool message = r == found->n_refusals ||
                       (m < found->n_messages &&
                        found->messages[m].event.time_us <= found->refusals[r].time_us);
        if (json && message)
            json_line(message_json(&found->messages[m]));
        else if (json)
            json_line(refusal_json(&found->refusals[r]));
        else if (message)
            put_message(&found->messages[m], size);
        else
            put_refusal(&found->refusals[r], size);
        m += message;
        r += !message;
    }
}

/* An id, or how one begins; an address; or a client's numeric address. */
static void read_filter(const struct tool_args *args, struct journal_filter *filter)
{
    struct str what = args->n_rest ? str_of(args->rest[0]) : STR_EMPTY;
    bool id = what.n >= 4 && what.n <= SPOOL_ID_LEN;
    for (size_t i = 0; i < what.n; i++)
        id &= (what.s[i] >= '0' && what.s[i] <= '9') || (what.s[i] >= 'A' && what.s[i] <= 'Z');
    *filter = (struct journal_filter){.limit = args->limit};
    if (id)
        filter->id = what;
    else if (str_chr(what, '@') != STR_NONE)
        filter->address = what;
    else
        filter->client_ip = what;
}

static int look(const struct conf *conf, const struct tool_args *args, struct pool *pool,
                struct err *err)
{
    struct journal_filter filter;
    struct journal_found found;
    read_filter(args, &filter);
    struct journal *journal = journal_open_state(conf->state_dir, err);
    if (journal == NULL)
        return -1;
    int result = journal_search(journal, &filter, pool, &found, err);
    journal_close(&journal);
    if (result < 0)
        return -1;
    put_found(&found, args->given & OPT_JSON, filter.id.n ? EXPLAIN_WHOLE : EXPLAIN_SHORT);
    if (found.more)
        fprintf(stderr, "poterne trace: only the newest are shown, there may be older ones: "
                        "--limit N\n");
    if (found.n_messages + found.n_refusals)
        return TOOL_YES;
    fprintf(stderr, "poterne trace: the journal knows nothing of %s\n",
            args->n_rest ? args->rest[0] : "any mail");
    return TOOL_NO;
}

static int run(const struct tool_args *args)
{
    struct err err = {""};
    int status = -1;
    if (args->n_rest > 1)
        return tool_misused("trace", "one id or address at a time");
    struct conf *conf = tool_conf(args, &err);
    struct pool *pool = pool_new(FOUND_POOL_MAX);
    if (pool == NULL)
        err_set(&err, "out of memory");
    if (conf && pool)
        status = look(conf, args, pool, &err);
    pool_free(&pool);
    conf_free(&conf);
    return status < 0 ? tool_fail("trace", &err) : status;
}

const struct tool_command tool_trace = {
    .name = "trace",
    .summary = "tell what became of a message, and why",
    .arguments = "[--limit N] [ID|ADDRESS]",
    .help =
        "ID is a message's, or how it begins; ADDRESS a sender, a recipient, or a client's\n"
        "numeric address. Without either: the newest of all. What was refused is told too.\n"
        "--json prints one object for each message {id, time, client, sender, subject, size,\n"
        "verdict, score, held, recipients [{address, how, state, outcomes}], evidence} and for\n"
        "each refusal {id, time, client, sender, recipient, refused {stage, code, enhanced,\n"
        "text}, evidence}.\n"
        "Exit status: 0 found, 1 the journal knows nothing of it, 2 it can't be read.\n",
    .options = OPT_CONFIG | OPT_JSON | OPT_LIMIT,
    .run = run,
};
