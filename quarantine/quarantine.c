#include "quarantine/quarantine.h"

#include <stdlib.h>

bool quarantine_holds(const struct spool_recipient *recipient)
{
    return recipient->state == RCPT_HELD || recipient->state == RCPT_OWED;
}

size_t quarantine_held_count(const struct envelope *envelope)
{
    size_t n = 0;
    for (size_t i = 0; i < envelope->n_recipients; i++)
        n += quarantine_holds(&envelope->recipients[i]);
    return n;
}

struct str quarantine_reason(const struct envelope *envelope,
                             const struct spool_recipient *recipient)
{
    return recipient->detail.n ? recipient->detail : envelope->held;
}

int quarantine_release(const char *run_dir, const char *id, uint32_t recipient, struct str why,
                       struct buf *answer, struct err *err)
{
    const struct notice notice = {.kind = NOTICE_RELEASE,
                                  .id = str_of(id),
                                  .recipient = recipient,
                                  .why = why};
    return notice_ask(run_dir, &notice, answer, err);
}

int quarantine_release_to(const char *run_dir, const char *id, struct str address, struct str why,
                          struct buf *answer, struct err *err)
{
    const struct notice notice = {.kind = NOTICE_RELEASE_TO,
                                  .id = str_of(id),
                                  .address = address,
                                  .why = why};
    return notice_ask(run_dir, &notice, answer, err);
}

int quarantine_delete(const char *run_dir, const char *id, uint32_t recipient, struct str why,
                      struct buf *answer, struct err *err)
{
    const struct notice notice = {.kind = NOTICE_DELETE,
                                  .id = str_of(id),
                                  .recipient = recipient,
                                  .why = why};
    return notice_ask(run_dir, &notice, answer, err);
}

int quarantine_expire(const char *run_dir, struct buf *answer, struct err *err)
{
    const struct notice notice = {.kind = NOTICE_EXPIRE};
    return notice_ask(run_dir, &notice, answer, err);
}

static int refuse(const struct envelope *envelope, uint32_t recipient, struct err *err)
{
    if (recipient == NOTICE_EVERYONE)
        return err_set(err, "%.*s: nobody's copy is held any more", STR_ARG(envelope->id));
    if (recipient >= envelope->n_recipients)
        return err_set(err, "%.*s has %zu recipients, there is no number %u", STR_ARG(envelope->id),
                       envelope->n_recipients, recipient);
    const struct spool_recipient *r = &envelope->recipients[recipient];
    return err_set(err, "%.*s: the copy for %.*s is not held, it was %s", STR_ARG(envelope->id),
                   STR_ARG(r->address), recipient_state_name((enum recipient_state)r->state));
}

/* Edge wrote no mark for who is held from the beginning. Out of quarantine/ they would be owed, so
 * it is said before one of them goes. */
static int mark_held(struct spool_file *file, uint32_t *indexes, int64_t time_us, struct err *err)
{
    const struct envelope *envelope = &file->envelope;
    const struct spool_mark mark = {.state = RCPT_HELD,
                                    .time_us = time_us,
                                    .detail = envelope->held};
    size_t n = 0;
    for (uint32_t i = 0; i < envelope->n_recipients; i++)
        if (envelope->recipients[i].state == RCPT_OWED)
            indexes[n++] = i;
    return n ? spool_mark(file, indexes, n, &mark, err) : 0;
}

static int decide(struct spool_file *file, const struct quarantine_decision *d, uint32_t *indexes,
                  struct err *err)
{
    const struct envelope *envelope = &file->envelope;
    const struct spool_mark mark = {.state = d->to, .time_us = d->time_us, .detail = d->why};
    size_t n = 0;
    if (mark_held(file, indexes, d->time_us, err) < 0)
        return -1;
    for (uint32_t i = 0; i < envelope->n_recipients; i++)
        if ((d->recipient == NOTICE_EVERYONE || d->recipient == i) &&
            quarantine_holds(&envelope->recipients[i]))
            indexes[n++] = i;
    if (n == 0)
        return refuse(envelope, d->recipient, err);
    if (spool_mark(file, indexes, n, &mark, err) < 0)
        return -1;
    return !d->unsynced && spool_sync(file, err) < 0 ? -1 : (int)n;
}

int quarantine_decide(struct spool_file *file, const struct quarantine_decision *decision,
                      struct err *err)
{
    uint32_t *indexes = calloc(file->envelope.n_recipients, sizeof *indexes);
    if (indexes == NULL)
        return err_set(err, "out of memory");
    int result = decide(file, decision, indexes, err);
    free(indexes);
    return result;
}

/* Those who are held are marked so first: with the copy the file goes to queue/. */
static int add(struct spool_file *file, struct str address, const struct quarantine_decision *d,
               struct err *err)
{
    const struct spool_mark mark = {.state = d->to, .time_us = d->time_us, .detail = d->why};
    uint32_t *indexes = calloc(file->envelope.n_recipients + 1, sizeof *indexes);
    if (indexes == NULL)
        return err_set(err, "out of memory");
    int result = mark_held(file, indexes, d->time_us, err);
    free(indexes);
    if (result == 0)
        result = spool_add_recipient(file, address, STR("released to"), &mark, err);
    return result == 0 && spool_sync(file, err) == 0 ? 1 : -1;
}

int quarantine_add(struct spool_file *file, struct str address,
                   const struct quarantine_decision *decision, struct err *err)
{
    const struct envelope *envelope = &file->envelope;
    struct quarantine_decision one = *decision;
    if (quarantine_held_count(envelope) == 0)
        return refuse(envelope, NOTICE_EVERYONE, err);
    for (uint32_t i = 0; i < envelope->n_recipients; i++)
        if (str_ieq(envelope->recipients[i].address, address) &&
            envelope->recipients[i].state != RCPT_REDIRECTED) {
            one.recipient = i;
            return quarantine_decide(file, &one, err);
        }
    return add(file, address, &one, err);
}
