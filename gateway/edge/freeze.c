#include "gateway/edge/freeze.h"

#include <stdlib.h>

#include "base/log.h"
#include "gateway/outgoing.h"
#include "spool/notice.h"

#define NOTE_MAX       (64 * 1024)
#define ADDRESSES_MAX  100 /* managers that are told */
#define NOTES_SECONDS  3600
#define SUBJECT_FORMAT "%s may send nothing for now"

struct freeze {
    struct commit_job job; /* first: a job is its freeze */
    struct edge *edge;
    char account[FROZEN_ACCOUNT_MAX + 1];
    char why[FROZEN_WHY_MAX + 1];
    bool told;                 /* the managers shall be */
    int result;                /* of senders_freeze() */
    char id[SPOOL_ID_LEN + 1]; /* of the note; "": there is none */
    struct err err;
};

/* --- the note, in a thread --- */

/* Those that delivery has a way to. */
static size_t managers_of(const struct post *post, struct str *list, struct buf *to)
{
    const struct conf_list *managers = &post->conf->managers;
    size_t n = 0;
    for (size_t i = 0; i < managers->n && n < ADDRESSES_MAX; i++) {
        struct str address = str_of(managers->items[i]);
        if (!post_reaches(post, address) && !conf_mails_by_mx(post->conf))
            continue;
        buf_addf(to, "%s%.*s", n ? ",\r\n " : "", STR_ARG(address));
        list[n++] = address;
    }
    return n;
}

static void write_text(const struct freeze *f, struct buf *text)
{
    buf_addf(text, "%s has frozen the account %s: %s.\n\n", f->edge->conf->hostname, f->account,
             f->why);
    buf_addf(text,
             "All mail from it is refused with 550 5.7.1. If its password was stolen it must be\n"
             "changed first; then this lets it send again:\n\n"
             "    poterne senders thaw %s\n\n"
             "    poterne senders show %s    what it sent within the last hour\n"
             "    poterne queue                 what is still on its way\n",
             f->account, f->account);
}

static int send_note(struct freeze *f, struct err *err)
{
    struct edge *edge = f->edge;
    const struct post post = {.conf = edge->conf,
                              .spool = edge->spool,
                              .incoming_fd = edge->incoming_fd};
    struct str *list = calloc(ADDRESSES_MAX, sizeof *list);
    struct buf to = BUF_INIT(ADDRESSES_MAX * (ADDRESS_MAX + 4)), text = BUF_INIT(NOTE_MAX);
    struct buf subject = BUF_INIT(NOTE_MAX), mail = BUF_INIT(4 * NOTE_MAX);
    struct outgoing out = {.recipients = list, .how = STR("an account was frozen")};
    int result = list ? 0 : err_set(err, "out of memory");
    if (result == 0)
        out.n_recipients = managers_of(&post, list, &to);
    if (out.n_recipients > 0) {
        buf_addf(&subject, SUBJECT_FORMAT, f->account);
        write_text(f, &text);
        const struct letter_words words = {.from = str_of(edge->postmaster),
                                           .to = buf_str(&to),
                                           .subject = buf_str(&subject),
                                           .text = buf_str(&text)};
        spool_id_make(out.id);
        post_compose(&post, out.id, &words, &mail);
        out.subject = buf_str(&subject);
        out.mail = buf_str(&mail);
        result = buf_ok(&mail) && buf_ok(&text) && buf_ok(&to) ? post_commit(&post, &out, err)
                                                               : err_set(err, "out of memory");
        if (result == 0)
            memcpy(f->id, out.id, sizeof f->id);
    }
    buf_release(&mail);
    buf_release(&subject);
    buf_release(&text);
    buf_release(&to);
    free(list);
    return result;
}

/* --- its way --- */

static void work(struct commit_job *job)
{
    struct freeze *f = (struct freeze *)job;
    struct err err = {""};
    f->result = senders_freeze(f->edge->senders, str_of(f->account), str_of(f->why),
                               (int64_t)time(NULL), &f->err);
    if (f->result == 1 && f->told && send_note(f, &err) < 0)
        log_error("the managers can't be told that %s is frozen: %s", f->account, err.text);
}

static void finished(struct commit_job *job)
{
    struct freeze *f = (struct freeze *)job;
    struct edge *edge = f->edge;
    if (f->result < 0)
        log_error("account %s can't be frozen: %s; it goes on sending, below its limits",
                  f->account, f->err.text);
    else if (f->result > 0)
        log_warning("account %s is frozen: %s", f->account, f->why);
    if (f->id[0]) {
        const struct notice notice = {.kind = NOTICE_QUEUED,
                                      .id = str_of(f->id),
                                      .recipient = NOTICE_EVERYONE};
        struct buf text = BUF_INIT(128);
        notice_put(&text, &notice);
        if (buf_ok(&text))
            link_send(edge->delivery, buf_str(&text)); /* delivery looks into the folder, too */
        buf_release(&text);
    }
    edge->n_messages--;
    free(f);
}

/* In the event loop: is there one more note this hour? */
static bool may_tell(struct edge *edge)
{
    if (edge->notes_since == 0 || edge->now - edge->notes_since > NOTES_SECONDS) {
        edge->notes_since = edge->now;
        edge->n_notes = 0;
    }
    return ++edge->n_notes <= FREEZE_NOTES_MAX;
}

void freeze_account(struct edge *edge, struct str account, struct str why)
{
    struct freeze *f = calloc(1, sizeof *f);
    if (f == NULL) {
        log_error("account %.*s can't be frozen: out of memory", STR_ARG(account));
        return;
    }
    f->job = (struct commit_job){.work = work, .finished = finished};
    f->edge = edge;
    str_copy(str_sub(account, 0, sizeof f->account - 1), f->account, sizeof f->account);
    str_copy(str_sub(why, 0, sizeof f->why - 1), f->why, sizeof f->why);
    f->told = may_tell(edge);
    edge->n_messages++; /* who drains waits for it */
    committer_put(edge->committer, &f->job);
}
