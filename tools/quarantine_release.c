/* quarantine_release: what somebody decides about held messages: the gateway is asked to do it. */
#include "base/ipc.h"
#include "quarantine/quarantine.h"
#include "tools/quarantine_tool.h"
#include "tools/scan_ask.h"

#define WHY_MAX SPOOL_DETAIL_MAX

/* The recipient that --recipient names, by its place in the envelope. */
static bool find_recipient(struct spool_view *view, const struct spool_file *file, uint32_t *index)
{
    const char *address = view->args->recipient;
    *index = NOTICE_EVERYONE;
    if (address == NULL)
        return true;
    for (size_t i = 0; i < file->envelope.n_recipients; i++)
        if (str_ieq(file->envelope.recipients[i].address, str_of(address)))
            *index = (uint32_t)i;
    if (*index == NOTICE_EVERYONE)
        spool_view_worse(view, tool_misused(view->command, "%s is no recipient of %.*s", address,
                                            STR_ARG(file->envelope.id)));
    return *index != NOTICE_EVERYONE;
}

/* Today's signatures have the word, but for --force; what they say is added to `why`. */
static bool scan_allows(struct spool_view *view, const struct spool_file *file, struct buf *why,
                        struct err *err)
{
    struct scan_said said;
    const struct av_answer *bad;
    bool force = view->args->given & OPT_FORCE;
    struct str id = file->envelope.id;
    if (view->args->given & OPT_NO_SCAN) {
        buf_addf(why, "; not scanned again");
        return true;
    }
    if (scan_ask(view->conf, view->spool, file, &said, err) < 0) {
        err_prefix(err,
                   "%.*s is not released, since it can't be scanned again (--no-scan does it "
                   "without)",
                   STR_ARG(id));
        return false;
    }
    if ((bad = scan_said_find(&said, AV_INFECTED)) == NULL)
        bad = scan_said_find(&said, AV_FAILED);
    if (bad && !force) {
        err_set(err,
                "%.*s is not released: %s says today: %s, %s; --force releases it all the same",
                STR_ARG(id), bad->engine, av_result_name(bad->result), bad->name);
        return false;
    }
    if (bad)
        buf_addf(why, "; forced, scanned again: %s (%s)", bad->name, bad->engine);
    else if (said.n == 0)
        buf_addf(why, "; no engine to scan it again");
    else if ((bad = scan_said_find(&said, AV_BANNED)) != NULL ||
             (bad = scan_said_find(&said, AV_UNSCANNABLE)) != NULL)
        buf_addf(why, "; scanned again: %s: %s (%s)", av_result_name(bad->result), bad->name,
                 bad->engine);
    else
        buf_addf(why, "; scanned again: nothing found");
    return true;
}

static int release(struct spool_view *view, const struct spool_file *file, const char *id,
                   uint32_t recipient, struct buf *answer, struct err *err)
{
    struct buf why = BUF_INIT(WHY_MAX);
    const char *run_dir = view->conf->run_dir;
    int result = -1;
    tool_put_who(&why);
    if (scan_allows(view, file, &why, err)) {
        struct str text = str_n(why.p, why.n); /* cut off is better than not at all */
        result = view->args->to
                     ? quarantine_release_to(run_dir, id, str_of(view->args->to), text, answer, err)
                     : quarantine_release(run_dir, id, recipient, text, answer, err);
    }
    buf_release(&why);
    return result;
}

void quarantine_release_one(struct spool_view *view, const char *id)
{
    struct buf answer = BUF_INIT(IPC_MSG_MAX);
    struct err err = {""};
    struct spool_file *file;
    uint32_t recipient;
    if (view->args->to && view->args->recipient) {
        spool_view_worse(view, tool_misused(view->command, "--to and --recipient exclude each "
                                                           "other"));
        return;
    }
    pool_reset(view->pool);
    if (!spool_view_load(view, id, &file))
        return;
    if (find_recipient(view, file, &recipient)) {
        int result = release(view, file, id, recipient, &answer, &err);
        spool_view_put_answer(view, id, result, &answer, &err);
    }
    spool_unload(&file);
    buf_release(&answer);
}

void quarantine_delete_one(struct spool_view *view, const char *id)
{
    struct buf answer = BUF_INIT(IPC_MSG_MAX);
    struct buf why = BUF_INIT(WHY_MAX);
    struct err err = {""};
    struct spool_file *file;
    uint32_t recipient;
    pool_reset(view->pool);
    if (!spool_view_load(view, id, &file))
        return;
    tool_put_who(&why);
    if (find_recipient(view, file, &recipient)) {
        int result =
            quarantine_delete(view->conf->run_dir, id, recipient, buf_str(&why), &answer, &err);
        spool_view_put_answer(view, id, result, &answer, &err);
    }
    spool_unload(&file);
    buf_release(&why);
    buf_release(&answer);
}

/* --- what was held long enough --- */

void quarantine_expire_all(struct spool_view *view)
{
    struct buf answer = BUF_INIT(IPC_MSG_MAX);
    struct err err = {""};
    if (view->args->given & OPT_DRY_RUN) {
        quarantine_list_expired(view);
        return;
    }
    int result = quarantine_expire(view->conf->run_dir, &answer, &err);
    spool_view_put_answer(view, "", result, &answer, &err);
    buf_release(&answer);
}
