#include "bayes/learn/learn_orders.h"

#include <stdio.h>

#include "bayes/publish/publish.h"

/* One order, as work without a learner. */
struct order {
    enum learn_publish how;
    uint64_t to;
    uint64_t from;
    struct guard_report *report;
    int fd;
    const char *path;
    struct generation made;
    struct import_summary *imported;
};

static int work_publish(struct ledger *ledger, void *data, struct err *err)
{
    struct order *order = data;
    return publish_model(ledger, order->how, &order->made, err);
}

static int work_rollback(struct ledger *ledger, void *data, struct err *err)
{
    struct order *order = data;
    return publish_rollback(ledger, order->to, "by an administrator", &order->made, err);
}

static int work_export(struct ledger *ledger, void *data, struct err *err)
{
    struct order *order = data;
    return ledger_export(ledger, order->fd, order->path, err);
}

static int work_import(struct ledger *ledger, void *data, struct err *err)
{
    struct order *order = data;
    if (ledger_import(ledger, order->fd, order->path, order->imported, err) < 0)
        return -1;
    return ledger_sync(ledger, err);
}

static int work_compare(struct ledger *ledger, void *data, struct err *err)
{
    struct order *order = data;
    return publish_compare_kept(ledger, order->from, order->to, order->report, err);
}

int order_publish(struct learn_client *client, enum learn_publish how,
                  struct learn_summary *summary, struct err *err)
{
    struct learn_request request = {.verb = LEARN_PUBLISH, .publish = how};
    struct order order = {.how = how};
    struct learn_reply reply;
    int result = learn_client_remote(client) ? learn_client_ask(client, &request, -1, &reply, err)
                                             : learn_client_work(client, work_publish, &order, err);
    *summary = learn_client_summary(client);
    if (result == PUBLISH_REFUSED || result == PUBLISH_HELD)
        snprintf(summary->refused, sizeof summary->refused, "%s", order.made.why);
    return result < 0 ? -1 : 0;
}

int order_rollback(struct learn_client *client, uint64_t to, struct learn_summary *summary,
                   struct err *err)
{
    struct learn_request request = {.verb = LEARN_ROLLBACK, .generation = to};
    struct order order = {.to = to};
    struct learn_reply reply;
    int result = learn_client_remote(client)
                     ? learn_client_ask(client, &request, -1, &reply, err)
                     : learn_client_work(client, work_rollback, &order, err);
    *summary = learn_client_summary(client);
    return result;
}

int order_export(struct learn_client *client, int fd, const char *path,
                 struct learn_summary *summary, struct err *err)
{
    struct learn_request request = {.verb = LEARN_EXPORT};
    struct order order = {.fd = fd, .path = path};
    struct learn_reply reply;
    int result = learn_client_remote(client) ? learn_client_ask(client, &request, fd, &reply, err)
                                             : learn_client_work(client, work_export, &order, err);
    *summary = learn_client_summary(client);
    return result;
}

int order_import(struct learn_client *client, int fd, const char *path,
                 struct import_summary *imported, struct learn_summary *summary, struct err *err)
{
    struct learn_request request = {.verb = LEARN_IMPORT};
    struct order order = {.fd = fd, .path = path, .imported = imported};
    struct learn_reply reply;
    int result = 0;
    if (!learn_client_remote(client))
        result = learn_client_work(client, work_import, &order, err);
    else if (learn_client_ask(client, &request, fd, &reply, err) < 0)
        result = -1;
    else if (!import_summary_get(reply.text, imported))
        result = err_set(err, "the learner's answer makes no sense (is it of another version?)");
    *summary = learn_client_summary(client);
    return result;
}

int order_compare(struct learn_client *client, uint64_t before, uint64_t after,
                  struct guard_report *report, struct err *err)
{
    struct learn_request request = {.verb = LEARN_COMPARE, .generation = before, .other = after};
    struct order order = {.from = before, .to = after, .report = report};
    struct learn_reply reply;
    if (!learn_client_remote(client))
        return learn_client_work(client, work_compare, &order, err);
    if (learn_client_ask(client, &request, -1, &reply, err) < 0)
        return -1;
    if (!guard_report_get(reply.text, report))
        return err_set(err, "the learner's answer makes no sense (is it of another version?)");
    return 0;
}

static void figures_put(struct buf *out, const struct guard_figures *figures)
{
    wire_u32(out, figures->ham_errors);
    wire_u32(out, figures->spam_missed);
    wire_f64(out, figures->roca);
}

static void figures_get(struct wire *w, struct guard_figures *figures)
{
    figures->ham_errors = wire_get_u32(w);
    figures->spam_missed = wire_get_u32(w);
    figures->roca = wire_get_f64(w);
}

void guard_report_put(struct buf *out, const struct guard_report *report)
{
    wire_u32(out, report->ham);
    wire_u32(out, report->spam);
    figures_put(out, &report->before);
    figures_put(out, &report->after);
    wire_u32(out, report->ham_worse);
    wire_u32(out, report->ham_better);
    wire_u32(out, report->spam_worse);
    wire_u32(out, report->spam_better);
    wire_f64(out, report->z);
    wire_f64(out, report->caution);
    wire_u8(out, report->accepted);
    wire_str(out, str_of(report->reason));
}

bool guard_report_get(struct str text, struct guard_report *report)
{
    struct wire w = wire_of(text);
    *report = (struct guard_report){.ham = wire_get_u32(&w)};
    report->spam = wire_get_u32(&w);
    figures_get(&w, &report->before);
    figures_get(&w, &report->after);
    report->ham_worse = wire_get_u32(&w);
    report->ham_better = wire_get_u32(&w);
    report->spam_worse = wire_get_u32(&w);
    report->spam_better = wire_get_u32(&w);
    report->z = wire_get_f64(&w);
    report->caution = wire_get_f64(&w);
    report->accepted = wire_get_u8(&w) != 0;
    struct str reason = wire_get_str(&w);
    return wire_done(&w) && str_copy(reason, report->reason, sizeof report->reason);
}

void import_summary_put(struct buf *out, const struct import_summary *summary)
{
    wire_u8(out, (uint8_t)summary->format);
    wire_u64(out, summary->spam);
    wire_u64(out, summary->ham);
    wire_u64(out, summary->tokens);
    wire_u64(out, summary->dropped);
}

bool import_summary_get(struct str text, struct import_summary *summary)
{
    struct wire w = wire_of(text);
    uint8_t format = wire_get_u8(&w);
    *summary = (struct import_summary){.format = (enum import_format)format};
    summary->spam = wire_get_u64(&w);
    summary->ham = wire_get_u64(&w);
    summary->tokens = wire_get_u64(&w);
    summary->dropped = wire_get_u64(&w);
    return wire_done(&w) && format <= IMPORT_BOGOFILTER;
}
