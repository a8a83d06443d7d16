/* order: what a person has said about all that is still owed of a message. */
#include "base/recipient.h"
#include "base/wire.h"
#include "spool/format.h"

#define UNCOUNTED_MAX ((int64_t)100 * 366 * 86400 * 1000000) /* whatever a file says: a century */

static void add_uncounted(struct envelope *e, int64_t us)
{
    if (us > 0)
        e->uncounted_us =
            us > UNCOUNTED_MAX - e->uncounted_us ? UNCOUNTED_MAX : e->uncounted_us + us;
}

static void begin_anew(struct envelope *e, int64_t time_us)
{
    e->requeued_us = time_us;
    e->uncounted_us = 0;
    if (e->hold_us)
        e->hold_us = time_us; /* what it waited before is behind it */
    for (size_t i = 0; i < e->n_recipients; i++) {
        struct spool_recipient *r = &e->recipients[i];
        if (!recipient_state_owed((enum recipient_state)r->state))
            continue;
        r->tries = 0;
        if (r->state == RCPT_DEFERRED)
            r->state = RCPT_OWED;
    }
}

static void note_order(struct envelope *e, const struct spool_order *order)
{
    e->ordered_by = str_sub(order->by, 0, SPOOL_DETAIL_MAX);
    e->ordered_kind = order->kind;
    e->ordered_kind_us = order->time_us;
    for (size_t i = 0; i < e->n_recipients; i++) {
        struct spool_recipient *r = &e->recipients[i];
        r->ordered = recipient_state_owed((enum recipient_state)r->state);
        r->ordered_state = r->state;
    }
}

void spool_apply_order(struct envelope *e, const struct spool_order *order)
{
    e->ordered_us = order->time_us;
    add_uncounted(e, order->uncounted_us);
    switch (order->kind) {
    case SPOOL_HOLD:
        e->hold_us = order->time_us;
        break;
    case SPOOL_RESUME:
        e->hold_us = 0;
        break;
    case SPOOL_THAW:
        break;
    case SPOOL_REQUEUE:
        begin_anew(e, order->time_us);
        break;
    case SPOOL_DROP_TELL:
        e->drop_told = true;
        e->dropped = true;
        break;
    case SPOOL_DROP:
        e->dropped = true;
        break;
    }
    if (order->kind != SPOOL_THAW)
        note_order(e, order);
}

int spool_order(struct spool_file *file, const struct spool_order *order, struct err *err)
{
    struct buf payload = BUF_INIT(SPOOL_ENVELOPE_MAX);
    bool ends = order->kind == SPOOL_DROP || order->kind == SPOOL_DROP_TELL;
    wire_i64(&payload, order->time_us);
    wire_u8(&payload, (uint8_t)order->kind);
    wire_i64(&payload, order->uncounted_us);
    wire_str(&payload, str_sub(order->by, 0, SPOOL_DETAIL_MAX));
    int result = buf_ok(&payload)
                     ? record_append(file, SPOOL_RECORDS_MAX - (ends ? 0 : SPOOL_RECORDS_RESERVE),
                                     RECORD_ORDER, buf_str(&payload), err)
                     : err_set(err, "out of memory for a record");
    buf_release(&payload);
    if (result == 0)
        spool_apply_order(&file->envelope, order);
    return result;
}

int64_t spool_last_release(const struct envelope *e)
{
    int64_t last = 0;
    for (size_t i = 0; i < e->n_recipients; i++)
        if (e->recipients[i].released_us > last)
            last = e->recipients[i].released_us;
    return last;
}

void envelope_forget_orders(struct envelope *e)
{
    e->hold_us = e->uncounted_us = 0;
    e->dropped = e->drop_told = false;
}

int64_t spool_counts_from(const struct envelope *e)
{
    int64_t from = e->time_us;
    int64_t released = spool_last_release(e);
    if (released > from)
        from = released;
    if (e->requeued_us > from)
        from = e->requeued_us;
    return from > INT64_MAX - e->uncounted_us ? from : from + e->uncounted_us;
}
