/* bounce_text: of whom a notice tells, and what it says (gateway/delivery/bounce_work.h). */
#include <unistd.h>

#include "bounce/language.h"
#include "gateway/delivery/bounce_work.h"
#include "mail/header.h"

/* --- of whom --- */

/* Of what was released from quarantine nobody hears that it got there. */
static bool has_happened(const struct spool_recipient *r, enum bounce_event event)
{
    switch (event) {
    case BOUNCE_FAILURE:
        return r->state == RCPT_RETURNING;
    case BOUNCE_SUCCESS:
        return r->released_us == 0 && (r->state == RCPT_DELIVERED || r->state == RCPT_REDIRECTED) &&
               !(r->notes & (SPOOL_NOTE_SUCCESS | SPOOL_NOTE_PASSED));
    case BOUNCE_DELAY:
        return r->state == RCPT_DEFERRED && !(r->notes & SPOOL_NOTE_DELAY);
    }
    return false;
}

bool bounce_is_due(const struct job *job, enum bounce_event event, uint32_t index,
                   struct bounce_to *to)
{
    const struct envelope *e = &job->loaded->file->envelope;
    const struct spool_recipient *r = &e->recipients[index];
    return has_happened(r, event) && bounce_decide(job->delivery->conf, job->brought, event, e, r,
                                                   r->detail, to) == BOUNCE_TELL;
}

/* The first: of failures the one that failed first, so that it is the same again after a crash;
 * else the first in the envelope. */
static bool is_first(const struct bounce_work *w, uint32_t index)
{
    const struct envelope *e = &w->job->loaded->file->envelope;
    return w->n == 0 ||
           (w->event == BOUNCE_FAILURE &&
            e->recipients[index].state_time_us < e->recipients[w->indexes[0]].state_time_us);
}

int bounce_choose(struct bounce_work *w, struct err *err)
{
    const struct job *job = w->job;
    const struct envelope *e = &job->loaded->file->envelope;
    struct bounce_to to;
    w->indexes = POOL_ARRAY(w->pool, BOUNCE_FAILURES_MAX, uint32_t);
    if (w->indexes == NULL)
        return err_set(err, "out of memory");
    for (uint32_t i = 0; i < e->n_recipients; i++)
        if (bounce_is_due(job, w->event, i, &to) && is_first(w, i)) {
            w->indexes[0] = i;
            w->to = to;
            w->n = 1;
        }
    for (uint32_t i = 0; w->n && i < e->n_recipients && w->n < BOUNCE_FAILURES_MAX; i++)
        if (i != w->indexes[0] && bounce_is_due(job, w->event, i, &to) &&
            str_eq(to.address, w->to.address))
            w->indexes[w->n++] = i;
    return 0;
}

/* --- what it says --- */

static enum bounce_action action_of(enum bounce_event event, const struct spool_recipient *r)
{
    if (event != BOUNCE_SUCCESS)
        return event == BOUNCE_DELAY ? ACTION_DELAYED : ACTION_FAILED;
    if (r->state == RCPT_REDIRECTED)
        return ACTION_EXPANDED;
    return r->notes & SPOOL_NOTE_RELAYED ? ACTION_RELAYED : ACTION_DELIVERED;
}

static int list_recipients(struct bounce_work *w, struct bounce *bounce, struct err *err)
{
    const struct envelope *e = &w->job->loaded->file->envelope;
    struct bounce_failure *list = POOL_ARRAY(w->pool, w->n, struct bounce_failure);
    struct bounce_to to;
    if (list == NULL)
        return err_set(err, "out of memory");
    for (size_t i = 0; i < w->n; i++) {
        const struct spool_recipient *r = &e->recipients[w->indexes[i]];
        bounce_is_due(w->job, w->event, w->indexes[i], &to);
        list[i] = (struct bounce_failure){.address = to.person.n ? to.person : r->address,
                                          .orcpt = r->orcpt,
                                          .relay = r->relay,
                                          .detail = r->detail,
                                          .action = action_of(w->event, r),
                                          .discreet = to.person.n != 0,
                                          .time_us = r->state_time_us};
    }
    bounce->failures = list;
    bounce->n = w->n;
    return 0;
}

/* Whole lines of it. */
static struct str header_of(struct str head, struct str start)
{
    size_t end = head.n < start.n ? head.n : str_rchr(start, '\n') + 1;
    return str_sub(start, 0, end);
}

/* RFC 3461 4.3: the whole message comes back of what failed alone, and not where its sender wants
 * the header, or wanted it to go over TLS alone (RFC 8689 5). */
static bool comes_back_whole(const struct bounce_work *w)
{
    const struct spool_file *file = w->job->loaded->file;
    return w->event == BOUNCE_FAILURE && !file->envelope.requiretls &&
           file->envelope.ret != DSN_RET_HDRS &&
           file->size <= w->job->delivery->conf->bounces.original_limit;
}

/* Read here and not in the thread: a file's beginning, which was read a moment ago to check it. The
 * header alone is taken apart: what parts the body has is nobody's business here. */
static int take_original(struct bounce_work *w, struct bounce *bounce, struct part *root,
                         struct err *err)
{
    const struct spool_file *file = w->job->loaded->file;
    size_t limit = w->job->delivery->conf->bounces.original_limit;
    size_t n = file->size < limit ? (size_t)file->size : limit;
    const struct boundaries none = {0};
    size_t body;
    char *bytes = pool_alloc(w->pool, n + 1);
    if (bytes == NULL)
        return err_set(err, "out of memory");
    ssize_t got = pread(file->fd, bytes, n, SPOOL_HEADER_SIZE);
    if (got < 0 || (size_t)got != n)
        return err_sys(err, "the message can't be read");
    struct str start = str_n(bytes, n);
    if (header_read(w->pool, start, 0, &mail_limits_default, &none, root, &body, err) < 0)
        return -1;
    bounce->whole = comes_back_whole(w);
    bounce->original = bounce->whole ? start : header_of(root->head, start);
    return 0;
}

/* Whom to ask: of the domain of ours that has to do with it. */
static struct str postmaster(const struct bounce_work *w)
{
    const struct conf *conf = w->job->delivery->conf;
    const struct conf_domain *domain = conf_domain_of(conf, w->to.address);
    if (domain == NULL)
        domain = conf_domain_of(conf, w->to.person);
    return pool_strf(w->pool, "postmaster@%s", domain ? domain->name : conf->hostname);
}

/* Made again after a crash it is the same, so that who gets it twice may know it. */
static struct str message_id(const struct bounce_work *w)
{
    static const char *const kinds[BOUNCE_EVENTS] = {
        [BOUNCE_FAILURE] = "", [BOUNCE_SUCCESS] = ".s", [BOUNCE_DELAY] = ".d"};
    return pool_strf(w->pool, "%s.%u%s@%s", w->job->id, (unsigned)w->indexes[0], kinds[w->event],
                     w->job->delivery->conf->hostname);
}

/* What it is in the journal, and how it goes. */
static int address_mail(struct bounce_work *w, const struct bounce *bounce, struct err *err)
{
    const struct envelope *e = &w->job->loaded->file->envelope;
    w->mail.recipients = &w->to.address;
    w->mail.n_recipients = 1;
    w->mail.how = pool_strf(w->pool, "%s%s",
                            w->to.redacted               ? "redacted " BOUNCE_HOW
                            : w->event == BOUNCE_FAILURE ? BOUNCE_HOW
                                                         : "notice of ",
                            w->job->id);
    w->mail.message_id = pool_strf(w->pool, "<%.*s>", STR_ARG(bounce->message_id));
    w->mail.subject = buf_str(&w->subject);
    w->mail.mail = buf_str(&w->text);
    w->mail.utf8 = bounce->international;
    w->mail.eightbit = !str_is_ascii(w->mail.mail);
    w->mail.requiretls = e->requiretls && !w->to.redacted; /* RFC 8689 5: as it holds the header */
    w->mail.tls_waived = e->tls_waived;
    bool memory = bounce->from.s && bounce->message_id.s && w->mail.how.s && w->mail.message_id.s &&
                  buf_ok(&w->text) && buf_ok(&w->subject);
    return memory ? 0 : err_set(err, "out of memory");
}

int bounce_write(struct bounce_work *w, struct err *err)
{
    const struct job *job = w->job;
    const struct conf *conf = job->delivery->conf;
    const struct envelope *e = &job->loaded->file->envelope;
    struct part root = {0};
    const struct message message = {.root = &root};
    struct bounce bounce = {
        .event = w->event,
        .id = str_of(w->mail.id),
        .message_id = message_id(w),
        .hostname = str_of(conf->hostname),
        .from = postmaster(w),
        .to = w->to.address,
        .now_us = delivery_now_us(),
        .international = e->smtputf8 || !str_is_ascii(w->to.address),
        .subject = e->subject,
        .about = e->message_id,
        .envid = e->envid,
        .arrived_us = e->time_us,
        .until_us = job->since_us + (int64_t)conf->queue.lifetime * 1000000,
        .tls_waived = e->tls_waived,
        .redacted = w->to.redacted ? str_of(job->id) : STR_EMPTY,
    };
    if (take_original(w, &bounce, &root, err) < 0 || list_recipients(w, &bounce, err) < 0)
        return -1;
    bounce.language = language_for(conf, &message, w->pool, w->to.address);
    bounce_compose(&bounce, &w->text);
    bounce_subject(&bounce, &w->subject);
    return address_mail(w, &bounce, err);
}
