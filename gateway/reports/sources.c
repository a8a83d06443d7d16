#include "gateway/reports/sources.h"

#include <jansson.h>

#include "base/ipc.h"
#include "base/log.h"
#include "directory/directory.h"

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static struct str line_of(const json_t *source, struct pool *pool)
{
    const char *title = text_of(source, "source");
    long long held = (long long)json_integer_value(json_object_get(source, "held"));
    bool stale =
        json_object_get(source, "addresses") && json_is_false(json_object_get(source, "current"));
    if (held > 0)
        return pool_strf(pool, "%s lost %lld addresses, which serve on", title, held);
    if (*text_of(source, "snapshot_trouble"))
        return pool_strf(pool, "%s: no new snapshot", title);
    if (*text_of(source, "trouble"))
        return pool_strf(pool, "%s can't be asked", title);
    return stale ? pool_strf(pool, "%s is out of date", title) : STR_EMPTY;
}

size_t source_lines_of(struct str answer, struct pool *pool, struct str lines[SOURCE_LINES_MAX])
{
    json_t *status = answer.n ? json_loadb(answer.s, answer.n, 0, NULL) : NULL;
    json_t *source;
    size_t i, n = 0;
    json_array_foreach(json_object_get(status, "sources"), i, source)
    {
        struct str line = line_of(source, pool);
        if (line.n && n < SOURCE_LINES_MAX)
            lines[n++] = line;
    }
    json_decref(status);
    return n;
}

size_t source_lines(const struct conf *conf, struct pool *pool, struct str lines[SOURCE_LINES_MAX])
{
    const struct directory_request request = {.number = 1, .wish = WISH_STATUS};
    struct buf message = BUF_INIT(4096), reply = BUF_INIT(IPC_MSG_MAX);
    struct err err = {"run_dir is too long"};
    char path[128];
    size_t n = 0;
    directory_request_put(&message, &request);
    if (ipc_path(conf->run_dir, "directory", path, sizeof path) && buf_ok(&message) &&
        ipc_call(path, buf_str(&message), NULL, &reply, SOURCES_ANSWER_MS, &err) == 0) {
        struct wire w = wire_of(buf_str(&reply));
        wire_get_u32(&w);
        n = source_lines_of(wire_get_str(&w), pool, lines);
    } else {
        log_warning("%s; the digest says nothing of the directory's sources", err.text);
    }
    buf_release(&message);
    buf_release(&reply);
    return n;
}
