/* What a person orders about a message in the queue: it stands in its file. */
#include "t/unit/spool_fixture.h"

#include <errno.h>

#include "base/recipient.h"
#include "base/wire.h"
#include "spool/format.h"

#define CAME   1790000000123456 /* the sample did */
#define MINUTE ((int64_t)60000000)

static struct spool_file *load(struct fixture *f)
{
    struct spool_file *file;
    bool corrupt;
    pool_reset(f->pool);
    assert_int_equal(spool_load(f->spool, SPOOL_QUEUE, f->id, f->pool, &file, &corrupt, &f->err),
                     0);
    return file;
}

/* The file, as it is read again. */
static struct spool_file *order(struct fixture *f, enum spool_order_kind kind, int64_t time_us,
                                int64_t uncounted_us, const char *by)
{
    const struct spool_order o = {kind, time_us, uncounted_us, str_of(by)};
    struct spool_file *file = load(f);
    assert_int_equal(spool_order(file, &o, &f->err), 0);
    const struct envelope before = file->envelope;
    spool_unload(&file);
    file = load(f);
    assert_int_equal(before.hold_us, file->envelope.hold_us);
    assert_int_equal(before.uncounted_us, file->envelope.uncounted_us);
    assert_int_equal(spool_counts_from(&before), spool_counts_from(&file->envelope));
    return file;
}

static void mark(struct fixture *f, unsigned state, int64_t time_us)
{
    static const uint32_t first = 0;
    const struct spool_mark m = {.state = state, .time_us = time_us, .detail = STR("451 later")};
    struct spool_file *file = load(f);
    assert_int_equal(spool_mark(file, &first, 1, &m, &f->err), 0);
    spool_unload(&file);
}

static void held_time_does_not_count(void **state)
{
    struct fixture *f = *state;
    put_sample(f, SPOOL_QUEUE);
    struct spool_file *file = order(f, SPOOL_HOLD, CAME + MINUTE, 0, "by jean");
    assert_int_equal(file->envelope.hold_us, CAME + MINUTE);
    assert_str(file->envelope.ordered_by, "by jean");
    assert_int_equal(spool_counts_from(&file->envelope), CAME);
    spool_unload(&file);
    file = order(f, SPOOL_RESUME, CAME + 11 * MINUTE, 10 * MINUTE, "by anne");
    assert_int_equal(file->envelope.hold_us, 0);
    assert_int_equal(spool_counts_from(&file->envelope), CAME + 10 * MINUTE);
    spool_unload(&file);
    file = order(f, SPOOL_THAW, CAME + 20 * MINUTE, 5 * MINUTE, "");
    assert_int_equal(spool_counts_from(&file->envelope), CAME + 15 * MINUTE);
    assert_str(file->envelope.ordered_by, "by anne");
    assert_int_equal(file->envelope.ordered_us, CAME + 20 * MINUTE);
    assert_int_equal(file->envelope.ordered_kind, SPOOL_RESUME);
    assert_int_equal(file->envelope.ordered_kind_us, CAME + 11 * MINUTE);
    assert_true(file->envelope.recipients[0].ordered);
    spool_unload(&file);
}

static void requeued_begins_anew(void **state)
{
    struct fixture *f = *state;
    put_sample(f, SPOOL_QUEUE);
    mark(f, RCPT_DEFERRED, CAME + 1);
    struct spool_file *file = order(f, SPOOL_HOLD, CAME + MINUTE, 30, "by jean");
    assert_int_equal(file->envelope.recipients[0].tries, 1);
    spool_unload(&file);
    file = order(f, SPOOL_REQUEUE, CAME + 3 * MINUTE, 0, "by jean");
    assert_int_equal(file->envelope.recipients[0].tries, 0);
    assert_int_equal(file->envelope.recipients[0].state, RCPT_OWED);
    assert_str(file->envelope.recipients[0].detail, "451 later");
    assert_true(file->envelope.recipients[0].ordered);
    assert_int_equal(file->envelope.recipients[0].ordered_state, RCPT_OWED);
    assert_int_equal(file->envelope.hold_us, CAME + 3 * MINUTE); /* held, from there on */
    assert_int_equal(spool_counts_from(&file->envelope), CAME + 3 * MINUTE);
    spool_unload(&file);
}

/* It is the latest word: what is let out of quarantine goes. */
static void released_from_quarantine_ends_orders(void **state)
{
    struct fixture *f = *state;
    put_sample(f, SPOOL_QUEUE);
    struct spool_file *file = order(f, SPOOL_HOLD, CAME + MINUTE, 7, "by jean");
    spool_unload(&file);
    file = order(f, SPOOL_DROP_TELL, CAME + 2 * MINUTE, 0, "by jean");
    assert_true(file->envelope.dropped && file->envelope.drop_told);
    spool_unload(&file);
    mark(f, RCPT_RELEASED, CAME + 1); /* whatever a clock says */
    file = load(f);
    assert_false(file->envelope.dropped || file->envelope.drop_told);
    assert_int_equal(file->envelope.hold_us, 0);
    spool_unload(&file);
}

static int write_order(struct fixture *f, unsigned kind, int64_t uncounted_us, bool *corrupt)
{
    struct buf payload = BUF_INIT(1000);
    struct spool_file *file;
    put_sample(f, SPOOL_QUEUE);
    file = load(f);
    wire_i64(&payload, CAME);
    wire_u8(&payload, (uint8_t)kind);
    wire_i64(&payload, uncounted_us);
    wire_str(&payload, STR("by jean"));
    assert_int_equal(record_append(file, SPOOL_RECORDS_MAX, RECORD_ORDER, buf_str(&payload),
                                   &f->err),
                     0);
    spool_unload(&file);
    buf_release(&payload);
    pool_reset(f->pool);
    int got = spool_load(f->spool, SPOOL_QUEUE, f->id, f->pool, &file, corrupt, &f->err);
    if (got == 0)
        spool_unload(&file);
    return got;
}

static void an_order_not_known_is_of_a_later_version(void **state)
{
    struct fixture *f = *state;
    bool corrupt;
    assert_int_equal(write_order(f, SPOOL_ORDER_LAST, 0, &corrupt), 0);
    assert_int_equal(write_order(f, SPOOL_ORDER_LAST + 1, 0, &corrupt), -1);
    assert_int_equal(errno, ENOTSUP);
    assert_false(corrupt);
    assert_int_equal(write_order(f, 0, 0, &corrupt), -1);
    assert_true(corrupt);
    assert_int_equal(write_order(f, SPOOL_RESUME, -1, &corrupt), -1);
    assert_true(corrupt);
    assert_int_equal(write_order(f, SPOOL_RESUME, INT64_MAX, &corrupt), 0);
}

static void time_does_not_overflow(void **state)
{
    struct envelope e = {.time_us = INT64_MAX - 5};
    const struct spool_order o = {SPOOL_RESUME, 1, INT64_MAX, STR_EMPTY};
    spool_apply_order(&e, &o);
    spool_apply_order(&e, &o);
    assert_int_equal(spool_counts_from(&e), INT64_MAX - 5);
}

#define WITH_SPOOL(test) cmocka_unit_test_setup_teardown(test, fixture_up, fixture_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SPOOL(held_time_does_not_count),
        WITH_SPOOL(requeued_begins_anew),
        WITH_SPOOL(released_from_quarantine_ends_orders),
        WITH_SPOOL(an_order_not_known_is_of_a_later_version),
        cmocka_unit_test(time_does_not_overflow),
    };
    return tap_run(tests, NULL, NULL);
}
