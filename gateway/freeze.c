#include "gateway/freeze.h"

#include <stdlib.h>

#include "base/log.h"
#include "directory/address.h"

#define NOTE_MAX       (64 * 1024)
#define ADDRESSES_MAX  100 /* managers that are told */
#define FROM_MAX       SPOOL_ACCOUNT_MAX
#define SUBJECT_FORMAT "%s may send nothing for now"

bool freeze_may_tell(struct freeze_notes *notes, time_t now)
{
    if (notes->since == 0 || now - notes->since > FREEZE_NOTES_SECONDS)
        *notes = (struct freeze_notes){.since = now ? now : 1};
    return ++notes->n <= FREEZE_NOTES_MAX;
}

void freeze_set(struct freeze *f, struct str account, struct str why)
{
    str_copy(str_sub(account, 0, sizeof f->account - 1), f->account, sizeof f->account);
    str_copy(str_sub(why, 0, sizeof f->why - 1), f->why, sizeof f->why);
}

/* --- the note --- */

static void write_text(const struct freeze *f, struct buf *text)
{
    buf_addf(text, "%s has frozen the account %s: %s.\n\n", f->post->conf->hostname, f->account,
             f->why);
    buf_addf(
        text,
        "All mail from it is refused with 550 5.7.1, and what it has in the queue waits there.\n"
        "If its password was stolen it must be changed first; then this lets it send again,\n"
        "and what waits go on:\n\n"
        "    poterne senders thaw %s\n\n"
        "    poterne senders show %s    what it sent within the last hour\n"
        "    poterne queue                 what is still on its way\n"
        "    poterne senders quarantine %s    moves that to where it can be deleted\n",
        f->account, f->account, f->account);
}

/* Whole in incoming/. NULL: there is no manager who can be told (no err), or it can't be made. */
static struct post_staged *stage_note(const struct freeze *f, char id[SPOOL_ID_LEN + 1],
                                      struct err *err)
{
    char from[FROM_MAX + 1];
    struct str *list = calloc(ADDRESSES_MAX, sizeof *list);
    struct buf to = BUF_INIT(ADDRESSES_MAX * (ADDRESS_MAX + 4)), text = BUF_INIT(NOTE_MAX);
    struct buf subject = BUF_INIT(NOTE_MAX), mail = BUF_INIT(4 * NOTE_MAX);
    struct outgoing out = {.recipients = list, .how = STR("an account was frozen")};
    struct post_staged *staged = NULL;
    if (list)
        out.n_recipients = post_managers(f->post, list, ADDRESSES_MAX, &to);
    else
        err_set(err, "out of memory");
    if (out.n_recipients > 0) {
        post_postmaster(f->post->conf, from, sizeof from);
        buf_addf(&subject, SUBJECT_FORMAT, f->account);
        write_text(f, &text);
        const struct letter_words words = {.from = str_of(from),
                                           .to = buf_str(&to),
                                           .subject = buf_str(&subject),
                                           .text = buf_str(&text)};
        spool_id_make(out.id);
        memcpy(id, out.id, sizeof out.id);
        post_compose(f->post, out.id, &words, &mail);
        out.subject = buf_str(&subject);
        out.mail = buf_str(&mail);
        if (buf_ok(&mail) && buf_ok(&text) && buf_ok(&to))
            staged = post_stage(f->post, &out, err);
        else
            err_set(err, "out of memory");
    }
    buf_release(&mail);
    buf_release(&subject);
    buf_release(&text);
    buf_release(&to);
    free(list);
    return staged;
}

/* --- its way --- */

static void log_untold(const struct freeze *f, const struct err *err)
{
    log_error("the managers can't be told that %s is frozen: %s", f->account, err->text);
}

void freeze_run(struct freeze *f)
{
    char id[SPOOL_ID_LEN + 1] = "";
    struct post_staged *staged = NULL;
    struct frozen frozen;
    struct err err = {""};
    f->id[0] = '\0';
    if (senders_look(f->senders, str_of(f->account), &frozen, &f->err) == 1) {
        f->result = 0;
        return;
    }
    if (f->told)
        staged = stage_note(f, id, &err);
    if (err.text[0])
        log_untold(f, &err);
    f->result = senders_freeze(f->senders, str_of(f->account), str_of(f->why),
                               staged ? str_of(id) : STR_EMPTY, (int64_t)time(NULL), &f->err);
    if (f->result == 1 && staged) {
        if (post_publish(&staged, &err) == 0)
            memcpy(f->id, id, sizeof f->id);
        else
            log_untold(f, &err);
    }
    post_drop(&staged);
}

void freeze_log(const struct freeze *f)
{
    if (f->result < 0)
        log_error("account %s can't be frozen: %s; it goes on sending, below its limits",
                  f->account, f->err.text);
    else if (f->result > 0)
        log_warning("account %s is frozen: %s", f->account, f->why);
}

struct recovery {
    struct spool *spool;
    struct err *err;
    bool failed;
};

static void publish(void *data, const struct frozen *frozen)
{
    struct recovery *recovery = data;
    if (frozen->note[0] == '\0')
        return;
    if (!spool_id_valid(str_of(frozen->note))) { /* none of ours; he is frozen all the same */
        log_warning("the record that %s is frozen names a note that is none", frozen->account);
        return;
    }
    int result = spool_publish(recovery->spool, frozen->note, recovery->err);
    if (result < 0)
        recovery->failed = true;
    else if (result > 0)
        log_info("%s, which tells that %s is frozen, is sent now", frozen->note, frozen->account);
}

int freeze_recover(const struct senders *senders, struct spool *spool, struct err *err)
{
    struct recovery recovery = {.spool = spool, .err = err};
    if (senders_each(senders, publish, &recovery, err) < 0)
        return -1;
    return recovery.failed ? -1 : 0;
}
