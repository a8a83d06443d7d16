/* content: reads mail. No network, no file, no exec: two descriptors a request, the message and a
 * connection to the resolver, whose budget edge has said. */
#include "base/fsio.h"
#include "base/log.h"
#include "base/role.h"
#include "base/workers.h"
#include "gateway/evidence_content.h"
#include "gateway/resolver/client.h"

#include <stdlib.h>

struct content {
    const struct role_env *env;
    struct pipeline pipeline;
    struct pool *pool;
};

/* The DNS of one message: while it is waited for, another worker may judge another message. */
struct waiting {
    const struct role_env *env;
    int connection; /* edge's; -1: it knows of the wait */
    struct dns_source source;
};

static void on_wait(void *data)
{
    struct waiting *waiting = data;
    struct err err = {""};
    role_pool_waits(waiting->env->pool, waiting->env->worker);
    if (waiting->connection >= 0 && ipc_send(waiting->connection, SCAN_WAITS, NULL, &err) < 0)
        log_warning("edge can't be told of a wait: %s", err.text);
    waiting->connection = -1;
}

static void ask(void *data, struct pool *pool, struct dns_query *queries, size_t n)
{
    struct waiting *waiting = data;
    waiting->source.ask(waiting->source.data, pool, queries, n);
    role_pool_goes_on(waiting->env->pool, waiting->env->worker);
}

static void unload(void *data)
{
    struct content *content = data;
    pipeline_close(&content->pipeline);
    pool_free(&content->pool);
    free(content);
}

static int load(const struct role_env *env, void **data, struct err *err)
{
    struct content *content = calloc(1, sizeof *content);
    if (content == NULL)
        return err_set(err, "out of memory");
    content->pool = pool_new(PIPELINE_POOL_MAX);
    if (content->pool == NULL ||
        pipeline_open(&content->pipeline, env->conf, env->conf->resolver.enabled, err) < 0) {
        pool_free(&content->pool);
        free(content);
        return -1;
    }
    *data = content;
    return 0;
}

static void sandbox(const struct role_env *env, struct sandbox *box)
{
    box->allow = SANDBOX_ACCEPT;
    box->memory_limit = PIPELINE_POOL_MAX + ((size_t)1024 * 1024 * 1024);
}

static int scan(const struct content *content, const struct scan_request *request, struct str raw,
                const struct dns_source *dns, struct buf *reply, struct err *err)
{
    struct pipeline_result result;
    struct content_facts facts;
    struct buf evidence = BUF_INIT(SCAN_EVIDENCE_MAX * 4);
    if (pipeline_run(&content->pipeline, request, raw, dns, content->pool, &result, err) < 0)
        return -1;
    if (pipeline_facts(&content->pipeline, &result, content->pool, &facts, err) < 0)
        return -1;
    int made = evidence_content(&content->pipeline, &result, &evidence);
    if (made == 0) {
        facts.evidence = buf_str(&evidence);
        content_facts_put(reply, &facts);
    }
    buf_release(&evidence);
    return made == 0 && buf_ok(reply) ? 0 : err_set(err, "no room for the answer");
}

static int handle(void *data, struct str message, struct ipc_fds *fds, int connection,
                  struct buf *reply, struct err *err)
{
    struct content *content = data;
    struct scan_request request;
    if (!scan_request_get(message, &request) || fds->n < 1 || fds->n > 2)
        return err_set(err, "malformed scan request");
    if (request.size > content->pipeline.conf->smtp.size_limit)
        return err_set(err, "message of %llu bytes is above smtp.size_limit",
                       (unsigned long long)request.size);
    struct resolver_client resolver;
    struct waiting waiting = {.env = content->env, .connection = connection};
    struct dns_source dns = dns_source_none;
    struct buf raw = BUF_INIT(request.size);
    resolver_client_init(&resolver, fds->n > 1 ? fds->fd[1] : -1,
                         content->pipeline.conf->resolver.time_per_message * 1000);
    if (fds->n > 1) {
        resolver.waits = on_wait;
        resolver.waits_data = &waiting;
        waiting.source = resolver_client_source(&resolver);
        dns = (struct dns_source){.ask = ask, .data = &waiting};
    }
    int result = fsio_pread(fds->fd[0], &raw, request.size, (off_t)request.offset, "message", err);
    if (result == 0)
        result = scan(content, &request, buf_str(&raw), &dns, reply, err);
    buf_release(&raw);
    resolver_client_release(&resolver);
    pool_reset(content->pool);
    return result;
}

static int serve(const struct role_env *env, void *data, struct err *err)
{
    struct content *content = data;
    content->env = env;
    return role_serve_requests(env, handle, content, env->conf->content.timeout, err);
}

static unsigned workers(const struct conf *conf)
{
    return workers_content(conf);
}

static unsigned workers_waiting(const struct conf *conf)
{
    return conf->resolver.enabled ? conf->content.workers_waiting : 0;
}

int main(int argc, char **argv)
{
    static const struct role role = {.name = "content",
                                     .load = load,
                                     .sandbox = sandbox,
                                     .serve = serve,
                                     .workers = workers,
                                     .workers_waiting = workers_waiting,
                                     .unload = unload};
    return role_main(argc, argv, &role);
}
