/* When a notice is made, tried again, and given up, and that the message is settled once behind it:
 * bounce.c alone, whose surroundings count what it does to them. */
#include "t/unit/tap.h"

#include <stdlib.h>

#include "gateway/delivery/bounce_work.h"

#define RECIPIENTS 3
#define TRIES      10
#define TURNS      200 /* of the loop, at most */

/* What stands around it. */
static struct world {
    struct conf conf;
    struct delivery delivery;
    struct delivery_loaded loaded_before;
    struct job job;
    struct loaded loaded;
    struct spool_file file;
    struct spool_recipient recipients[RECIPIENTS];
    unsigned write_fails;  /* so many notices can't be made */
    unsigned commit_fails; /* so many can't be stored */
    unsigned begin_fails;  /* … nor can it be noted that they are made */
    unsigned note_fails;   /* … or were */
    enum spool_note noted; /* the last that was written */
    bool in_queue;         /* the notice that was begun */
    unsigned written, committed, settled, adopted;
    unsigned told; /* the journal, of recipients */
    int users;     /* of the loaded job */
} world;

int64_t delivery_now_us(void)
{
    return 1795312060 * (int64_t)1000000;
}

int64_t delivery_believed_us(struct delivery *delivery)
{
    return delivery_now_us();
}

enum job_need job_need(struct job *job)
{
    (void)job;
    world.users++;
    return JOB_LOADED;
}

void job_unneed(struct job *job)
{
    (void)job;
    world.users--;
}

void job_adopt(struct delivery *delivery, const char *id)
{
    (void)delivery;
    (void)id;
    world.adopted++;
}

void settle_begin(struct job *job)
{
    (void)job;
    world.settled++;
}

void journal_tell_recipient(struct job *job, uint32_t index)
{
    (void)job;
    (void)index;
    world.told++;
}

void journal_tell_notice(struct job *job, uint32_t index, const char *notice_id, const char *what)
{
    (void)job;
    (void)index;
    (void)notice_id;
    (void)what;
}

void spool_id_make(char id[SPOOL_ID_LEN + 1])
{
    memset(id, 'N', SPOOL_ID_LEN);
    id[SPOOL_ID_LEN] = '\0';
}

int spool_sync(struct spool_file *file, struct err *err)
{
    (void)file;
    (void)err;
    return 0;
}

void spool_apply_mark(struct spool_recipient *recipient, const struct spool_mark *mark)
{
    recipient->state = mark->state;
    recipient->detail = mark->detail;
}

int spool_mark(struct spool_file *file, const uint32_t *indexes, size_t n,
               const struct spool_mark *mark, struct err *err)
{
    (void)err;
    for (size_t i = 0; i < n; i++)
        spool_apply_mark(&file->envelope.recipients[indexes[i]], mark);
    return 0;
}

void spool_apply_note(struct spool_recipient *recipient, unsigned note)
{
    recipient->notes |= note;
}

int spool_add_note(struct spool_file *file, const uint32_t *indexes, size_t n, enum spool_note note,
                   int64_t time_us, struct err *err)
{
    (void)time_us;
    if (world.note_fails) {
        world.note_fails--;
        return err_set(err, "no room");
    }
    world.noted = note;
    for (size_t i = 0; i < n; i++)
        spool_apply_note(&file->envelope.recipients[indexes[i]], note);
    return 0;
}

int spool_begin_notice(struct spool_file *file, const uint32_t *indexes, size_t n, unsigned about,
                       struct str id, int64_t time_us, struct err *err)
{
    (void)time_us;
    if (world.begin_fails) {
        world.begin_fails--;
        return err_set(err, "no room");
    }
    for (size_t i = 0; i < n; i++) {
        file->envelope.recipients[indexes[i]].begun = id;
        file->envelope.recipients[indexes[i]].begun_about = about;
    }
    return 0;
}

int64_t spool_file_size(struct spool *spool, enum spool_state state, const char *id)
{
    (void)spool;
    (void)id;
    return state == SPOOL_QUEUE && world.in_queue ? 1000 : -1;
}

int post_commit(const struct post *post, const struct outgoing *mail, struct err *err)
{
    (void)post;
    (void)mail;
    if (world.commit_fails) {
        world.commit_fails--;
        return err_set(err, "no room");
    }
    world.committed++;
    return 0;
}

/* At once instead of in a thread. */
void workers_give(struct workers *workers, struct work *work)
{
    (void)workers;
    work->run(work);
    work->done(work);
}

enum bounce_answer bounce_decide(const struct conf *conf, bool brought_by_ours,
                                 enum bounce_event event, const struct envelope *e,
                                 const struct spool_recipient *r, struct str why,
                                 struct bounce_to *to)
{
    (void)conf;
    (void)brought_by_ours;
    (void)event;
    (void)r;
    (void)why;
    *to = (struct bounce_to){.address = e->sender};
    return BOUNCE_TELL;
}

bool bounce_is_due(const struct job *job, enum bounce_event event, uint32_t index,
                   struct bounce_to *to)
{
    const struct spool_recipient *r = &job->loaded->file->envelope.recipients[index];
    to->address = job->loaded->file->envelope.sender;
    switch (event) {
    case BOUNCE_FAILURE:
        return r->state == RCPT_RETURNING;
    case BOUNCE_SUCCESS:
        return r->state == RCPT_DELIVERED && (r->notify & DSN_SUCCESS) &&
               !(r->notes & SPOOL_NOTE_SUCCESS);
    case BOUNCE_DELAY:
        return r->state == RCPT_DEFERRED && !(r->notes & SPOOL_NOTE_DELAY);
    }
    return false;
}

int bounce_choose(struct bounce_work *w, struct err *err)
{
    struct bounce_to to;
    (void)err;
    w->indexes = POOL_ARRAY(w->pool, RECIPIENTS, uint32_t);
    assert_non_null(w->indexes);
    for (uint32_t i = 0; i < world.file.envelope.n_recipients; i++)
        if (bounce_is_due(w->job, w->event, i, &to))
            w->indexes[w->n++] = i;
    return 0;
}

int bounce_write(struct bounce_work *w, struct err *err)
{
    (void)w;
    if (world.write_fails) {
        world.write_fails--;
        return err_set(err, "it can't be made");
    }
    world.written++;
    return 0;
}

/* --- */

static int up(void **state)
{
    (void)state;
    world = (struct world){.delivery = {.conf = &world.conf, .loaded = &world.loaded_before},
                           .job = {.id = "01JOB", .delivery = &world.delivery, .brought = true},
                           .loaded = {.file = &world.file}};
    world.delivery.base = event_base_new();
    world.loaded.pool = pool_new(1024 * 1024);
    world.job.loaded = &world.loaded;
    world.file.envelope = (struct envelope){.sender = STR("me@ours.example"),
                                            .protocol = STR("ESMTP"),
                                            .recipients = world.recipients,
                                            .n_recipients = RECIPIENTS};
    return world.delivery.base && world.loaded.pool ? 0 : -1;
}

static int down(void **state)
{
    (void)state;
    bounce_forget(&world.job);
    unwritten_free(&world.job);
    pool_free(&world.loaded.pool);
    event_base_free(world.delivery.base);
    return 0;
}

static void set_all(enum recipient_state becomes, unsigned notify)
{
    for (size_t i = 0; i < RECIPIENTS; i++)
        world.recipients[i] = (struct spool_recipient){.state = becomes, .notify = notify};
    bounce_adopt(&world.job);
}

/* Until nothing waits for its time any more. queue.retry_first is 0 here. */
static void turn(void)
{
    for (int i = 0; i < TURNS; i++)
        event_base_loop(world.delivery.base, EVLOOP_NONBLOCK);
    assert_int_equal(world.users, 0);
    assert_int_equal(world.delivery.bounces, 0);
    assert_null(world.job.bounce);
}

static void settled_behind_the_notice(void **state)
{
    (void)state;
    set_all(RCPT_RETURNING, 0);
    bounce_soon(&world.job);
    turn();
    assert_int_equal(world.committed, 1);
    assert_int_equal(world.settled, 1);
    assert_int_equal(world.adopted, 1);
    assert_int_equal(world.told, RECIPIENTS);
    for (size_t i = 0; i < RECIPIENTS; i++)
        assert_int_equal(world.recipients[i].state, RCPT_FAILED);
}

/* The disk is full for a while: that is waited for, however often it fails. */
static void one_that_can_not_be_stored_is_tried_on(void **state)
{
    (void)state;
    world.commit_fails = 3 * TRIES;
    set_all(RCPT_DELIVERED, DSN_SUCCESS);
    bounce_soon(&world.job);
    turn();
    assert_int_equal(world.commit_fails, 0);
    assert_int_equal(world.committed, 1);
    assert_int_equal(world.settled, 1);
}

/* … also where it can't even be written that one is made. */
static void one_that_can_not_be_begun_is_tried_on(void **state)
{
    (void)state;
    world.begin_fails = 3 * TRIES;
    set_all(RCPT_RETURNING, 0);
    bounce_soon(&world.job);
    turn();
    assert_int_equal(world.begin_fails, 0);
    assert_int_equal(world.committed, 1);
    assert_int_equal(world.settled, 1);
    assert_int_equal(world.job.n_held, 0);
}

/* Killed behind the commit: the notice is found, and no other is made. Of what is not found there
 * is one. */
static void one_that_was_made_is_not_made_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < RECIPIENTS; i++)
        world.recipients[i] = (struct spool_recipient){.state = RCPT_RETURNING,
                                                       .begun = STR("01NOTICE"),
                                                       .begun_about = BOUNCE_FAILURE};
    world.recipients[RECIPIENTS - 1].begun = STR_EMPTY;
    world.in_queue = true;
    bounce_adopt(&world.job);
    assert_int_equal(world.job.n_returning, 1);
    for (size_t i = 0; i < RECIPIENTS - 1; i++)
        assert_true(
            str_starts(world.recipients[i].detail, STR("its sender is told by 01NOTICE: ")));
    bounce_soon(&world.job);
    turn();
    assert_int_equal(world.committed, 1);
    assert_int_equal(world.settled, 1);
}

static void one_that_can_not_be_made_is_tried_again(void **state)
{
    (void)state;
    world.write_fails = TRIES - 1;
    set_all(RCPT_RETURNING, 0);
    bounce_soon(&world.job);
    turn();
    assert_int_equal(world.committed, 1);
    assert_int_equal(world.settled, 1);
}

/* … and not for ever: then the managers see what failed. */
static void given_up_after_ten_tries_it_is_held(void **state)
{
    (void)state;
    world.write_fails = 2 * TRIES;
    set_all(RCPT_RETURNING, 0);
    bounce_soon(&world.job);
    turn();
    assert_int_equal(world.write_fails, TRIES);
    assert_int_equal(world.committed, 0);
    assert_int_equal(world.settled, 1);
    assert_int_equal(world.job.n_held, RECIPIENTS);
    assert_int_equal(world.told, RECIPIENTS);
    for (size_t i = 0; i < RECIPIENTS; i++) {
        assert_int_equal(world.recipients[i].state, RCPT_HELD);
        assert_true(str_starts(world.recipients[i].detail,
                               STR("undeliverable, and its sender can't be told: ")));
    }
}

static void given_up_of_what_got_there_it_is_settled(void **state)
{
    (void)state;
    world.write_fails = 2 * TRIES;
    set_all(RCPT_DELIVERED, DSN_SUCCESS);
    bounce_soon(&world.job);
    turn();
    assert_int_equal(world.write_fails, TRIES);
    assert_int_equal(world.settled, 1);
    assert_int_equal(world.job.n_held, 0);
    for (size_t i = 0; i < RECIPIENTS; i++)
        assert_int_equal(world.recipients[i].state, RCPT_DELIVERED);
}

/* As job_need() does it, of a file that has nothing but what was written into it. */
static int read_again(enum recipient_state becomes)
{
    struct err err;
    for (size_t i = 0; i < RECIPIENTS; i++)
        world.recipients[i] = (struct spool_recipient){.state = becomes, .notify = DSN_SUCCESS};
    int result = unwritten_write(&world.job, &world.file, world.loaded.pool, &err);
    bounce_adopt(&world.job);
    return result;
}

/* That it was told can't be written, and the message is read again and again: it is told once. */
static void what_can_not_be_noted_is_told_once(void **state)
{
    (void)state;
    world.note_fails = 2;
    set_all(RCPT_DELIVERED, DSN_SUCCESS);
    bounce_soon(&world.job);
    turn();
    assert_int_equal(world.committed, 1);
    assert_int_equal(world.note_fails, 1);
    assert_int_equal(read_again(RCPT_DELIVERED), -1); /* the disk is full still */
    assert_false(bounce_owes(&world.job));
    assert_int_equal(read_again(RCPT_DELIVERED), 0);
    assert_null(world.job.unwritten);
    for (size_t i = 0; i < RECIPIENTS; i++)
        assert_int_equal(world.recipients[i].notes, SPOOL_NOTE_SUCCESS);
    assert_false(bounce_owes(&world.job));
    assert_int_equal(world.committed, 1);
}

/* Of how it went the last word holds: none is written before one that waits. */
static void notes_are_written_in_their_order(void **state)
{
    (void)state;
    set_all(RCPT_DEFERRED, DSN_SUCCESS);
    world.note_fails = 1;
    bounce_note_way(&world.job, 0, WAY_RELAY);
    assert_int_equal(world.note_fails, 0);
    bounce_note_way(&world.job, 0, WAY_NOTICES);
    assert_true(unwritten_has_note(&world.job)); /* both */
    assert_int_equal(read_again(RCPT_DEFERRED), 0);
    assert_null(world.job.unwritten);
    assert_int_equal(world.noted, SPOOL_NOTE_PASSED);
}

/* Who waits can't be told so, and gets it: then nobody is told, and the message that was settled is
 * not settled again. */
static void a_delay_that_is_over_settles_nothing(void **state)
{
    (void)state;
    world.conf.bounces.delay_warning = 1;
    world.commit_fails = 1;
    world.job.n_open = 1;
    set_all(RCPT_DEFERRED, 0);
    assert_true(world.job.delay_due);
    world.conf.queue.retry_first = 60;
    bounce_soon(&world.job);
    assert_int_equal(world.commit_fails, 0);
    assert_true(world.job.delay_due);
    for (size_t i = 0; i < RECIPIENTS; i++)
        world.recipients[i].state = RCPT_DELIVERED;
    /* as leg_done() does it */
    world.job.n_open = 0;
    assert_false(bounce_owes(&world.job));
    settle_begin(&world.job);
    bounce_soon(&world.job);
    turn();
    assert_int_equal(world.settled, 1);
    assert_int_equal(world.committed, 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(settled_behind_the_notice),
        TEST(one_that_can_not_be_stored_is_tried_on),
        TEST(one_that_can_not_be_begun_is_tried_on),
        TEST(one_that_was_made_is_not_made_again),
        TEST(one_that_can_not_be_made_is_tried_again),
        TEST(given_up_after_ten_tries_it_is_held),
        TEST(given_up_of_what_got_there_it_is_settled),
        TEST(what_can_not_be_noted_is_told_once),
        TEST(notes_are_written_in_their_order),
        TEST(a_delay_that_is_over_settles_nothing),
    };
    return tap_run(tests, NULL, NULL);
}
