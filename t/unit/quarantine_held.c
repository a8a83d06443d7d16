/* What is held, who may have it, and that showing it does no harm. */
#include "t/unit/spool_fixture.h"

#include "quarantine/find.h"
#include "quarantine/quarantine.h"

static const char nasty[] = "Subject: \x1b[2J wiped \xe2\x80\xaetxt.exe\r\n"
                            "From: \xe9t\xe9 <a@b>\r\n"
                            "Content-Type: multipart/mixed; boundary=x\r\n"
                            "\r\n"
                            "--x\r\n\r\nsecret text\r\n"
                            "--x\r\nContent-Type: application/zip; name=\"a\x07.zip\"\r\n\r\nPK\r\n"
                            "--x--\r\n";

static void put_held(struct fixture *f, const char *text, const char *reason)
{
    spool_id_make(f->id);
    struct spool_writer *w = spool_receive(f->spool, f->id, &f->err);
    struct envelope e = sample_envelope(f->id);
    e.edits.n = 0;
    e.held = str_of(reason);
    assert_int_equal(spool_write(w, str_of(text), &f->err), 0);
    assert_int_equal(spool_commit(&w, &e, SPOOL_QUARANTINE, &f->err), 0);
}

static struct spool_file *load(struct fixture *f)
{
    struct spool_file *file = NULL;
    assert_int_equal(try_load(f, SPOOL_QUARANTINE, &file), 0);
    return file;
}

static void all_are_held_at_first(void **state)
{
    struct fixture *f = *state;
    put_held(f, sample_body, "infected: Eicar");
    struct spool_file *file = load(f);
    assert_int_equal(quarantine_held_count(&file->envelope), 2);
    assert_str(quarantine_reason(&file->envelope, &file->envelope.recipients[0]),
               "infected: Eicar");
    spool_unload(&file);
}

static int decide(struct spool_file *file, uint32_t recipient, enum recipient_state to,
                  int64_t time_us, struct err *err)
{
    const struct quarantine_decision decision = {.recipient = recipient,
                                                 .to = to,
                                                 .why = STR("by me"),
                                                 .time_us = time_us};
    return quarantine_decide(file, &decision, err);
}

static int add(struct spool_file *file, const char *address, struct err *err)
{
    const struct quarantine_decision decision = {.to = RCPT_RELEASED,
                                                 .why = STR("by me"),
                                                 .time_us = 9};
    return quarantine_add(file, str_of(address), &decision, err);
}

static void nobody_gets_it_twice(void **state)
{
    struct fixture *f = *state;
    put_held(f, sample_body, "infected: Eicar");
    struct spool_file *file = load(f);
    assert_int_equal(decide(file, 1, RCPT_RELEASED, 5, &f->err), 1);
    assert_int_equal(decide(file, 1, RCPT_RELEASED, 6, &f->err), -1);
    assert_non_null(strstr(f->err.text, "x@univ.example is not held, it was released"));
    assert_int_equal(decide(file, 2, RCPT_RELEASED, 6, &f->err), -1);
    spool_unload(&file);
    file = load(f);
    assert_int_equal(quarantine_held_count(&file->envelope), 1);
    /* in queue/, where the file goes now, "owed" would mean that it is delivered to the other too
     */
    assert_int_equal(file->envelope.recipients[0].state, RCPT_HELD);
    assert_str(file->envelope.recipients[0].detail, "infected: Eicar");
    assert_int_equal(decide(file, NOTICE_EVERYONE, RCPT_DELETED, 7, &f->err), 1);
    assert_int_equal(file->envelope.recipients[0].state, RCPT_DELETED);
    assert_int_equal(file->envelope.recipients[1].state, RCPT_RELEASED);
    assert_int_equal(decide(file, NOTICE_EVERYONE, RCPT_RELEASED, 8, &f->err), -1);
    assert_int_equal(decide(file, 0, RCPT_RELEASED, 8, &f->err), -1);
    spool_unload(&file);
}

static void another_address_gets_one_copy(void **state)
{
    struct fixture *f = *state;
    put_held(f, sample_body, "infected: Eicar");
    struct spool_file *file = load(f);
    assert_int_equal(add(file, "desk@univ.example", &f->err), 1);
    spool_unload(&file);
    file = load(f);
    assert_int_equal(file->envelope.n_recipients, 3);
    const struct spool_recipient *added = &file->envelope.recipients[2];
    assert_str(added->address, "desk@univ.example");
    assert_int_equal(added->state, RCPT_RELEASED);
    assert_int_equal(added->released_us, 9);
    assert_str(added->detail, "by me");
    /* the others stay held, also in queue/ */
    assert_int_equal(file->envelope.recipients[0].state, RCPT_HELD);
    assert_int_equal(quarantine_held_count(&file->envelope), 2);
    assert_int_equal(add(file, "Desk@univ.example", &f->err), -1);
    assert_non_null(strstr(f->err.text, "is not held, it was released"));
    /* one of its recipients: that copy, and not another one */
    assert_int_equal(add(file, "x@univ.example", &f->err), 1);
    assert_int_equal(file->envelope.n_recipients, 3);
    assert_int_equal(file->envelope.recipients[1].state, RCPT_RELEASED);
    assert_int_equal(decide(file, 0, RCPT_DELETED, 10, &f->err), 1);
    assert_int_equal(add(file, "third@univ.example", &f->err), -1);
    spool_unload(&file);
}

static void on_damaged(void *data, const char *id, const char *why)
{
    (*(int *)data)++;
    assert_non_null(strstr(why, id));
}

static void the_list_has_what_is_held(void **state)
{
    struct fixture *f = *state;
    struct held_list listed;
    int damaged = 0;
    put_held(f, sample_body, "one");
    write_sample(f, "quarantine", STR("rubbish"));
    put_held(f, sample_body, "two");
    struct spool_file *file = load(f);
    assert_int_equal(decide(file, NOTICE_EVERYONE, RCPT_DELETED, 7, &f->err), 2);
    spool_unload(&file);
    put_held(f, sample_body, "three");
    struct held_finder *finder = held_finder_open(f->spool, f->root, on_damaged, &damaged, &f->err);
    assert_non_null(finder);
    assert_int_equal(held_find(finder, &(struct held_filter){.limit = 10}, f->pool, &listed,
                               &f->err),
                     0);
    assert_int_equal(listed.n, 1);
    assert_int_equal(damaged, 1);
    assert_str(listed.list[0]->reason, "three");
    assert_true(is_in(f, "quarantine"));
    held_finder_close(&finder);
}

static void showing_it_does_no_harm(void **state)
{
    struct fixture *f = *state;
    struct buf out = BUF_INIT(QUARANTINE_SHOW_MAX);
    put_held(f, nasty, "infected: Eicar");
    struct spool_file *file = load(f);
    assert_int_equal(quarantine_show(file, &out, &f->err), 0);
    const char *text = buf_cstr(&out);
    assert_non_null(strstr(text, f->id));
    assert_non_null(strstr(text, "jean.toto@univ.example: held, infected: Eicar"));
    assert_non_null(strstr(text, "Subject: \\x1b[2J wiped \\xe2\\x80\\xaetxt.exe"));
    assert_non_null(strstr(text, "From: \\xe9t\\xe9 <a@b>"));
    assert_non_null(strstr(text, "application/zip"));
    assert_non_null(strstr(text, "a\\x07.zip"));
    assert_null(strstr(text, "secret text"));
    assert_null(strchr(text, '\x1b'));
    assert_null(strchr(text, '\x07'));
    spool_unload(&file);
    buf_release(&out);
}

static void an_empty_message_is_shown(void **state)
{
    struct fixture *f = *state;
    struct buf out = BUF_INIT(QUARANTINE_SHOW_MAX);
    put_held(f, "", "unscannable");
    struct spool_file *file = load(f);
    assert_int_equal(quarantine_show(file, &out, &f->err), 0);
    spool_unload(&file);
    buf_release(&out);
}

static void asking_nobody_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct buf answer = BUF_INIT(200000);
    assert_int_equal(quarantine_release(f->root, "01ARZ3NDEKTSV4RRFFQ69G5FAV", 0, STR_EMPTY,
                                        &answer, &f->err),
                     -1);
    assert_non_null(strstr(f->err.text, "is poterned running?"));
    buf_release(&answer);
}

#define WITH_SPOOL(test) cmocka_unit_test_setup_teardown(test, fixture_up, fixture_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SPOOL(all_are_held_at_first),         WITH_SPOOL(nobody_gets_it_twice),
        WITH_SPOOL(another_address_gets_one_copy), WITH_SPOOL(the_list_has_what_is_held),
        WITH_SPOOL(showing_it_does_no_harm),       WITH_SPOOL(an_empty_message_is_shown),
        WITH_SPOOL(asking_nobody_is_an_error),
    };
    return tap_run(tests, NULL, NULL);
}
