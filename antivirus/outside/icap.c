/*
 * icap: a scanner behind an ICAP server (RFC 3507). OPTIONS once in a while, then one REQMOD or
 * RESPMOD an item, as if the item were what a web client sends or gets: with a preview where the
 * server wants one, and Allow: 204 so that it need not send everything back. One connection serves
 * a message, up to REQUESTS_MAX items; the next message gets a new one, since servers have a
 * process or thread for each that is open.
 */
#include <stdio.h>
#include <stdlib.h>

#include "antivirus/outside/icap_dialect.h"
#include "antivirus/outside/stream.h"
#include "antivirus/outside/task.h"

#define REQUESTS_MAX 100
#define HEAD_MAX     ((size_t)4096) /* of a request */
#define MESSAGE_TYPE "message/rfc822"
#define PART_TYPE    "application/octet-stream"
/* what a web client would have asked for; RFC 2606 keeps the name for nobody */
#define URL  "http://poterne.invalid/item"
#define HOST "Host: poterne.invalid\r\n"

#define END         "\r\n0\r\n\r\n"       /* of the last chunk and the body */
#define END_WHOLE   "\r\n0; ieof\r\n\r\n" /* of a preview that is all there is (RFC 3507 4.5) */
#define END_NOTHING "0\r\n\r\n"           /* of a preview of nothing */

enum awaited { AWAIT_OPTIONS, AWAIT_PREVIEW, AWAIT_RESULT };

struct icap {
    struct icap_options options;
    int64_t options_end; /* clock_ms from which on they are asked for again */
    char version[64];

    struct stream stream;
    unsigned asked; /* over this connection */
    bool heard;     /* something of the response has come */
    bool again;     /* the item is tried over a second connection */
    enum awaited awaited;
    size_t item;
    struct icap_response response;
    struct buf head;
};

static const char *method_of(const struct outside_task *task)
{
    return task->scanner->method == ICAP_REQMOD ? "REQMOD" : "RESPMOD";
}

static void *icap_open(const struct conf_scanner *scanner, const struct conf_antivirus *conf,
                       struct err *err)
{
    struct icap *c = calloc(1, sizeof *c);
    if (c == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    c->stream = STREAM_CLOSED;
    c->head = BUF_INIT(HEAD_MAX);
    icap_response_init(&c->response);
    return c;
}

static void icap_close(void *data)
{
    struct icap *c = data;
    icap_response_release(&c->response);
    buf_release(&c->head);
    free(c);
}

static void icap_stop(struct outside_task *task)
{
    struct icap *c = task->data;
    /* a head that told of an infection is not undone by what came of the rest, or did not come */
    if (c->awaited != AWAIT_OPTIONS)
        icap_judge_cut(&c->response, task->answer);
    stream_close(&c->stream);
    icap_response_clear(&c->response, STR_EMPTY);
}

/* --- asking --- */

/* The head in c->head goes out, then these; the answer to it is awaited. */
static void put(struct outside_task *task, enum awaited awaited, struct str body, struct str end)
{
    struct icap *c = task->data;
    const struct str pieces[STREAM_PIECES] = {buf_str(&c->head), body, end};
    c->awaited = awaited;
    c->heard = false;
    icap_response_clear(&c->response,
                        awaited == AWAIT_OPTIONS ? STR_EMPTY : task_item(task, c->item));
    if (buf_ok(&c->head))
        stream_send(&c->stream, pieces, -1);
    else
        task_fail(task, "out of memory");
}

static void begin_head(struct outside_task *task, const char *method)
{
    struct icap *c = task->data;
    const struct conf_peer *peer = &task->scanner->address;
    buf_clear(&c->head);
    buf_addf(&c->head, "%s %s ICAP/1.0\r\nHost: %.*s\r\nUser-Agent: poterne\r\n", method,
             peer->text, STR_ARG(peer->authority));
}

/* The HTTP message around the item; *at_last is where its last header begins. */
static void put_http(struct outside_task *task, struct buf *http, size_t *at_last)
{
    const struct icap *c = task->data;
    bool request = task->scanner->method == ICAP_REQMOD;
    if (!request)
        buf_add(http, STR("GET " URL " HTTP/1.1\r\n" HOST "\r\n"));
    *at_last = http->n;
    buf_add(http, request ? STR("POST " URL " HTTP/1.1\r\n" HOST) : STR("HTTP/1.1 200 OK\r\n"));
    buf_addf(http, "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n",
             c->item == 0 ? MESSAGE_TYPE : PART_TYPE, task_item(task, c->item).n);
}

static void ask_about_item(struct outside_task *task)
{
    struct icap *c = task->data;
    struct buf http = BUF_INIT(HEAD_MAX / 2);
    struct str bytes = task_item(task, c->item);
    bool previews = c->options.preview;
    size_t n = previews && c->options.preview_size < bytes.n ? c->options.preview_size : bytes.n;
    size_t at_last;
    put_http(task, &http, &at_last);
    begin_head(task, method_of(task));
    if (c->options.allow_204)
        buf_add(&c->head, STR("Allow: 204\r\n"));
    if (previews)
        buf_addf(&c->head, "Preview: %zu\r\n", n);
    if (task->scanner->method == ICAP_REQMOD)
        buf_addf(&c->head, "Encapsulated: req-hdr=0, req-body=%zu\r\n\r\n", http.n);
    else
        buf_addf(&c->head, "Encapsulated: req-hdr=0, res-hdr=%zu, res-body=%zu\r\n\r\n", at_last,
                 http.n);
    buf_add(&c->head, buf_str(&http));
    c->head.failed |= http.failed;
    buf_release(&http);
    if (n > 0)
        buf_addf(&c->head, "%zx\r\n", n);
    put(task, n < bytes.n ? AWAIT_PREVIEW : AWAIT_RESULT, str_sub(bytes, 0, n),
        n == 0                     ? STR(END_NOTHING)
        : !previews || n < bytes.n ? STR(END)
                                   : STR(END_WHOLE));
}

/* What the server wants beyond the preview. */
static void send_rest(struct outside_task *task)
{
    struct icap *c = task->data;
    struct str rest = str_from(task_item(task, c->item), c->options.preview_size);
    buf_clear(&c->head);
    buf_addf(&c->head, "%zx\r\n", rest.n);
    put(task, AWAIT_RESULT, rest, STR(END));
}

static void ask_options(struct outside_task *task)
{
    struct icap *c = task->data;
    begin_head(task, "OPTIONS");
    buf_add(&c->head, STR("Encapsulated: null-body=0\r\n\r\n"));
    put(task, AWAIT_OPTIONS, STR_EMPTY, STR_EMPTY);
}

/* `options`: they are asked for first, since they are too old. */
static void ask(struct outside_task *task, bool options)
{
    struct icap *c = task->data;
    struct err err;
    if (c->stream.fd < 0) {
        c->asked = 0;
        if (stream_open(&c->stream, &task->scanner->address, &err) < 0) {
            task_fail(task, "%s", err.text);
            return;
        }
    }
    c->asked++;
    if (options)
        ask_options(task);
    else
        ask_about_item(task);
}

static void icap_start(struct outside_task *task)
{
    struct icap *c = task->data;
    c->item = task_next_item(task, 0);
    c->again = false;
    snprintf(task->answer->version, sizeof task->answer->version, "%s", c->version);
    if (c->item == task_items(task))
        task_finish(task);
    else
        ask(task, clock_ms() >= c->options_end);
}

/* --- answers --- */

/* A server may close a connection that it had kept open just when it is used again. */
static void lost(struct outside_task *task, const char *why)
{
    struct icap *c = task->data;
    if (c->asked < 2 || c->heard || c->again) {
        task_fail(task, "%s", why);
        return;
    }
    c->again = true;
    stream_close(&c->stream);
    ask(task, c->awaited == AWAIT_OPTIONS);
}

static void take_version(struct outside_task *task)
{
    struct icap *c = task->data;
    char version[sizeof c->version];
    struct str service;
    icap_version(buf_str(&c->response.head), version, sizeof version);
    /* OPTIONS names the service; not every response does */
    bool names = icap_field(buf_str(&c->response.head), "Service", &service);
    if (version[0] == '\0' || (c->version[0] && !names))
        return;
    memcpy(c->version, version, sizeof version);
    snprintf(task->answer->version, sizeof task->answer->version, "%s", version);
}

/* False: what it can do is of no use. */
static bool take_options(struct outside_task *task)
{
    struct icap *c = task->data;
    char reason[64];
    task_text(icap_reason(&c->response), reason, sizeof reason);
    if (c->response.status != 200) {
        task_fail(task, "OPTIONS: ICAP status %u %s", c->response.status, reason);
        return false;
    }
    icap_read_options(buf_str(&c->response.head), method_of(task), &c->options);
    if (!c->options.method) {
        task_fail(task, "the service does not do %s", method_of(task));
        return false;
    }
    c->options_end = clock_ms() + (int64_t)c->options.lifetime * 1000;
    return true;
}

/* All that was put went out. */
static bool was_sent(const struct icap *c)
{
    return stream_sent(&c->stream) && !c->stream.deaf;
}

/* False: there is nothing more to ask. */
static bool take_result(struct outside_task *task)
{
    struct icap *c = task->data;
    struct av_answer item = {.result = AV_CLEAN};
    icap_judge(&c->response, &item);
    if (item.result == AV_CLEAN && !was_sent(c))
        av_found(&item, AV_FAILED, "it says clean before it has heard all");
    av_found(task->answer, item.result, "%s", item.name);
    c->item = task_next_item(task, c->item + 1);
    c->again = false;
    if (task->answer->result != AV_INFECTED && c->item < task_items(task))
        return true;
    task_finish(task);
    return false;
}

static bool can_go_on(const struct icap *c)
{
    struct str value;
    bool closes = icap_field(buf_str(&c->response.head), "Connection", &value) &&
                  str_ieq(value, STR("close"));
    return !closes && !c->stream.ended && was_sent(c) && c->asked < REQUESTS_MAX;
}

static void on_response(struct outside_task *task)
{
    struct icap *c = task->data;
    bool continues = c->response.status == 100;
    if (c->stream.in.n > 0 || (continues && (c->awaited != AWAIT_PREVIEW || !was_sent(c)))) {
        task_fail(task, "it says more than it was asked");
        return;
    }
    if (continues) {
        send_rest(task);
        return;
    }
    take_version(task);
    bool more = c->awaited == AWAIT_OPTIONS ? take_options(task) : take_result(task);
    if (!more)
        return;
    if (!can_go_on(c))
        stream_close(&c->stream);
    ask(task, false);
}

static size_t icap_waits(const struct outside_task *task, struct pollfd *fds)
{
    const struct icap *c = task->data;
    fds[0] = (struct pollfd){.fd = c->stream.fd, .events = stream_events(&c->stream)};
    return 1;
}

static void icap_step(struct outside_task *task)
{
    struct icap *c = task->data;
    struct err err;
    if (stream_step(&c->stream, &err) < 0) {
        lost(task, err.text);
        return;
    }
    c->heard |= c->stream.in.n > 0;
    switch (icap_response_read(&c->response, &c->stream.in, &err)) {
    case ICAP_WHOLE:
        on_response(task);
        break;
    case ICAP_MORE:
        if (c->stream.ended)
            lost(task, "it went away without an answer");
        break;
    case ICAP_BAD:
        task_fail(task, "not understood: %s", err.text);
        break;
    }
}

const struct outside_kind outside_icap = {.open = icap_open,
                                          .close = icap_close,
                                          .start = icap_start,
                                          .waits = icap_waits,
                                          .step = icap_step,
                                          .stop = icap_stop};
