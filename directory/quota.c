#include "directory/quota.h"

#include <stdlib.h>

#include "base/clock.h"
#include "directory/stream.h"

struct asker {
    const struct conf_quota *conf;
    struct stream stream;
    struct buf request, reply;
};

static void quota_close(void *data)
{
    struct asker *a = data;
    if (a == NULL)
        return;
    stream_close(&a->stream);
    buf_release(&a->request);
    buf_release(&a->reply);
    free(a);
}

static void *quota_open(const struct source_place *place, struct err *err)
{
    struct asker *a = calloc(1, sizeof *a);
    if (a)
        a->conf = conf_quota_find(place->conf, place->source.name);
    if (a == NULL || a->conf == NULL) {
        free(a);
        err_set(err, "quota %s: out of memory", place->source.name);
        return NULL;
    }
    a->stream.fd = -1;
    a->request = BUF_INIT(1024);
    a->reply = BUF_INIT(QUOTA_REPLY_MAX);
    return a;
}

bool quota_is_full(struct str action)
{
    static const char *const codes[] = {"552", "452", "422", "5.2.2", "4.2.2"};
    struct str rest = str_trim(action), word;
    /* "552 5.2.2 text", "REJECT 5.2.2 text", "DEFER_IF_PERMIT 4.2.2 text": never in the text */
    for (unsigned i = 0; i < 3 && str_next(&rest, ' ', &word); i++)
        for (size_t k = 0; k < sizeof codes / sizeof codes[0]; k++)
            if (str_eq(word, str_of(codes[k])))
                return true;
    return false;
}

static void make_request(struct asker *a, struct str address)
{
    buf_clear(&a->request);
    buf_addf(&a->request,
             "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\n"
             "recipient=%.*s\nsize=0\n\n",
             STR_ARG(address));
}

/* The attributes up to an empty line. 1 done, 0 the connection was closed before, -1 err. */
static int read_reply(struct asker *a, struct err *err)
{
    char block[1024];
    buf_clear(&a->reply);
    while (str_find(buf_str(&a->reply), STR("\n\n")) == STR_NONE) {
        int n = stream_receive(&a->stream, block, sizeof block, err);
        if (n <= 0)
            return n < 0 ? -1 : err_set(err, "closed by the other side") + 1;
        buf_addn(&a->reply, block, (size_t)n);
        if (!buf_ok(&a->reply))
            return err_set(err, "answer longer than %d bytes", QUOTA_REPLY_MAX);
    }
    return 1;
}

/* A connection that was kept may have been closed meanwhile: then once more on another. */
static int converse(struct asker *a, struct err *err)
{
    const struct conf_peer *peer = &a->conf->address;
    int64_t until = clock_ms() + (int64_t)a->conf->timeout * 1000;
    for (;;) {
        bool kept = a->stream.fd >= 0;
        a->stream.until_ms = until;
        if (!kept && stream_connect(&a->stream, peer->host, peer->port, peer->path, until, err) < 0)
            return -1;
        int result = stream_send(&a->stream, buf_str(&a->request), err);
        if (result == 0)
            result = read_reply(a, err);
        if (result == 1)
            return 0;
        stream_close(&a->stream);
        if (!kept || clock_ms() >= until)
            return -1;
    }
}

static void take_action(struct asker *a, struct finding *finding)
{
    static const struct person full = {.quota_used = 1, .quota_limit = 1};
    struct str rest = buf_str(&a->reply), line;
    while (str_next_line(&rest, &line)) {
        if (!str_starts(line, STR("action=")))
            continue;
        struct str action = str_from(line, strlen("action="));
        if (quota_is_full(action))
            finding_yes(finding, &full);
        else
            finding_no(finding);
        str_copy(str_sub(action, 0, sizeof finding->note - 1), finding->note, sizeof finding->note);
        return;
    }
    finding_away(finding, false, "its answer has no action");
}

static void quota_ask(void *data, struct str address, struct finding *finding)
{
    struct asker *a = data;
    struct err err = {""};
    make_request(a, address);
    if (!buf_ok(&a->request))
        finding_away(finding, false, "out of memory");
    else if (converse(a, &err) < 0)
        finding_away(finding, true, err.text);
    else
        take_action(a, finding);
}

static unsigned quota_askers(const struct source_place *place)
{
    return 4;
}

const struct source_ops quota_ops = {
    .open = quota_open,
    .ask = quota_ask,
    .close = quota_close,
    .askers = quota_askers,
    .quota = true,
};
