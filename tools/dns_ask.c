#include "tools/dns_ask.h"

#include "gateway/resolver/client.h"
#include "tools/tool.h"

#define ASK_MS 12000 /* longer than the resolver takes for any question */

int dns_ask_connect(const struct conf *conf, struct err *err)
{
    const struct resolver_budget budget = {.kind = RESOLVER_LASTING};
    return resolver_connect(conf->run_dir, &budget, err);
}

int dns_ask_resolver(int fd, enum dns_type type, struct str name, struct pool *pool,
                     struct resolver_answer *answer, struct err *err)
{
    struct buf message = BUF_INIT(IPC_MSG_MAX);
    resolver_question_put(&message, 1, type, name);
    int result = ipc_send(fd, buf_str(&message), NULL, err);
    if (result == 1)
        result = ipc_wait(fd, false, ASK_MS, err);
    if (result == 1)
        result = ipc_recv(fd, &message, NULL, err);
    bool good = result == 1 && resolver_answer_get(buf_str(&message), pool, answer);
    buf_release(&message);
    return good ? 0 : err_set(err, "the resolver gave no answer");
}

void dns_ask_failed(const struct conf *conf, struct err *err)
{
    if (conf->resolver.enabled)
        tool_ask_failed(err);
    else
        err_prefix(err, "resolver.enabled is no");
}
