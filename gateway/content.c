/* content: reads mail. No network, no file, no exec: it gets descriptors, those of the message, of
 * a connection to the resolver, whose budget edge has said, and of what is known from the DNS. */
#include "base/fsio.h"
#include "base/role.h"
#include "base/workers.h"
#include "gateway/evidence_content.h"
#include "gateway/resolver/client.h"

#include <stdlib.h>

enum { FD_MESSAGE, FD_RESOLVER, FD_KNOWN, FDS_MAX };

struct content {
    struct pipeline pipeline;
    struct pool *pool;
};

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

static int put_result(const struct content *content, const struct pipeline_result *result,
                      struct buf *reply, struct err *err)
{
    struct content_facts facts;
    struct buf evidence = BUF_INIT(SCAN_EVIDENCE_MAX * 4);
    if (pipeline_facts(&content->pipeline, result, content->pool, &facts, err) < 0)
        return -1;
    int made = evidence_content(&content->pipeline, result, &evidence);
    if (made == 0) {
        facts.evidence = buf_str(&evidence);
        content_facts_put(reply, &facts);
    }
    buf_release(&evidence);
    return made == 0 && buf_ok(reply) ? 0 : err_set(err, "no room for the answer");
}

/* What was known before, in the pool; .known NULL: nothing. */
static int open_client(struct content *content, const struct ipc_fds *fds,
                       struct resolver_client *client, struct buf *records, struct err *err)
{
    const struct known *known = NULL;
    if (fds->n > FD_KNOWN) {
        if (fsio_read_fd(fds->fd[FD_KNOWN], records, "what is known", err) < 0)
            return -1;
        known = known_read(content->pool, buf_str(records));
        if (known == NULL)
            return err_set(err, "what is known can't be read, or no memory");
    }
    resolver_client_init(client, fds->n > FD_RESOLVER ? fds->fd[FD_RESOLVER] : -1, known);
    return 0;
}

static int scan(struct content *content, const struct scan_request *request, struct str raw,
                const struct ipc_fds *fds, struct buf *reply, struct err *err)
{
    struct resolver_client client;
    struct pipeline_result result;
    struct buf records = BUF_INIT(KNOWN_MAX);
    int ran = open_client(content, fds, &client, &records, err);
    if (ran == 0) {
        const struct dns_source asks = resolver_client_source(&client);
        ran = pipeline_run(&content->pipeline, request, raw,
                           fds->n > FD_RESOLVER ? &asks : &dns_source_none, content->pool, &result,
                           err);
        if (ran == 0)
            ran = put_result(content, &result, reply, err);
        else if (ran == 1)
            scan_waits_put(reply, client.open, buf_str(&client.fresh));
        resolver_client_release(&client);
    }
    buf_release(&records);
    return ran < 0 ? -1 : 0;
}

static int handle(void *data, struct str message, struct ipc_fds *fds, struct buf *reply,
                  struct err *err)
{
    struct content *content = data;
    struct scan_request request;
    if (!scan_request_get(message, &request) || fds->n < 1 || fds->n > FDS_MAX)
        return err_set(err, "malformed scan request");
    if (request.size > content->pipeline.conf->smtp.size_limit)
        return err_set(err, "message of %llu bytes is above smtp.size_limit",
                       (unsigned long long)request.size);
    struct buf raw = BUF_INIT(request.size);
    int result =
        fsio_pread(fds->fd[FD_MESSAGE], &raw, request.size, (off_t)request.offset, "message", err);
    if (result == 0)
        result = scan(content, &request, buf_str(&raw), fds, reply, err);
    buf_release(&raw);
    pool_reset(content->pool);
    return result;
}

static int serve(const struct role_env *env, void *data, struct err *err)
{
    return role_serve_requests(env, handle, data, env->conf->content.timeout, err);
}

static unsigned workers(const struct conf *conf)
{
    return workers_content(conf);
}

int main(int argc, char **argv)
{
    static const struct role role = {.name = "content",
                                     .load = load,
                                     .sandbox = sandbox,
                                     .serve = serve,
                                     .workers = workers,
                                     .unload = unload};
    return role_main(argc, argv, &role);
}
