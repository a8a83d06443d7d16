#include "gateway/antivirus/status.h"

#include <limits.h>

#include "base/ipc.h"
#include "base/wire.h"

static void put_engine(struct buf *out, const struct av_engine_status *e)
{
    wire_str(out, str_of(e->name));
    wire_str(out, str_of(e->version));
    wire_u64(out, e->signatures);
    wire_i64(out, e->made);
    for (size_t i = 0; i < STATUS_RESULTS; i++)
        wire_u64(out, e->answered[i]);
    wire_u64(out, e->microseconds);
}

static bool get_engine(struct wire *w, struct av_engine_status *e)
{
    bool fits = str_copy(wire_get_str(w), e->name, sizeof e->name);
    fits &= str_copy(wire_get_str(w), e->version, sizeof e->version);
    e->signatures = wire_get_u64(w);
    e->made = wire_get_i64(w);
    for (size_t i = 0; i < STATUS_RESULTS; i++)
        e->answered[i] = wire_get_u64(w);
    e->microseconds = wire_get_u64(w);
    return fits;
}

void av_status_put(struct buf *out, const struct av_status *status)
{
    wire_u32(out, status->generation);
    wire_u64(out, status->fingerprint);
    wire_i64(out, status->loaded);
    wire_u32(out, status->load_ms);
    wire_u64(out, status->memory);
    wire_u64(out, status->memory_peak);
    wire_u64(out, status->memory_limit);
    wire_u32(out, status->pid);
    wire_u32(out, (uint32_t)status->n);
    for (size_t i = 0; i < status->n; i++)
        put_engine(out, &status->engines[i]);
}

bool av_status_get(struct str message, struct av_status *status)
{
    struct wire w = wire_of(message);
    bool fits = true;
    *status = (struct av_status){.generation = wire_get_u32(&w)};
    status->fingerprint = wire_get_u64(&w);
    status->loaded = wire_get_i64(&w);
    status->load_ms = wire_get_u32(&w);
    status->memory = wire_get_u64(&w);
    status->memory_peak = wire_get_u64(&w);
    status->memory_limit = wire_get_u64(&w);
    status->pid = wire_get_u32(&w);
    status->n = wire_get_u32(&w);
    if (w.bad || status->n > AV_ENGINES_MAX)
        return false;
    for (size_t i = 0; i < status->n; i++)
        fits &= get_engine(&w, &status->engines[i]);
    return fits && wire_done(&w);
}

int av_status_ask(const char *run_dir, int wait_ms, struct av_status *status, struct err *err)
{
    char path[PATH_MAX];
    struct buf reply = BUF_INIT(IPC_MSG_MAX);
    if (!ipc_path(run_dir, "antivirus", path, sizeof path))
        return err_set(err, "run_dir %s is too long", run_dir);
    int result = ipc_call(path, STR(STATUS_REQUEST), NULL, &reply, wait_ms, err);
    if (result == 0 && !av_status_get(buf_str(&reply), status))
        result = err_set(err, "the antivirus process gave a malformed answer");
    buf_release(&reply);
    return result < 0 ? err_prefix(err, "the antivirus process does not answer") : 0;
}
