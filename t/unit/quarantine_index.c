/* The index says what the files say, also when it is behind, damaged or gone; what is looked for is
 * found. */
#include "t/unit/spool_fixture.h"

#include <sqlite3.h>

#include "base/recipient.h"
#include "quarantine/find.h"
#include "quarantine/index.h"
#include "quarantine/quarantine.h"

#define SECOND ((int64_t)1000000)
#define T0     ((int64_t)1790000000 * SECOND)

static const char eicar[] =
    "{\"antivirus\":[{\"engine\":\"yara\",\"result\":\"clean\",\"name\":\"\"},"
    "{\"engine\":\"clamav\",\"result\":\"infected\","
    "\"name\":\"Eicar-Signature\"}]}";
static const char locked[] =
    "{\"antivirus\":[{\"engine\":\"clamav\",\"result\":\"unscannable\","
    "\"name\":\"Heuristics.Encrypted.Zip\"},"
    "{\"engine\":\"yara\",\"result\":\"infected\",\"name\":\"Odd_100%\"}]}";

struct sample {
    const char *sender, *to, *verdict, *held, *evidence;
    int64_t time_us;
};

/* Its id, later than those before, is in f->id. */
static void put_sample_held(struct fixture *f, const struct sample *s, size_t number)
{
    snprintf(f->id, sizeof f->id, "01ARZ3NDEKTSV4RRFFQ69G5FA%zu", number);
    struct spool_writer *w = spool_receive(f->spool, f->id, &f->err);
    struct envelope e = sample_envelope(f->id);
    e.edits.n = 0;
    e.sender = str_of(s->sender);
    e.recipients[1].address = str_of(s->to);
    e.verdict = str_of(s->verdict);
    e.held = str_of(s->held);
    e.evidence = str_of(s->evidence);
    e.time_us = s->time_us;
    assert_int_equal(spool_write(w, str_of(sample_body), &f->err), 0);
    assert_int_equal(spool_commit(&w, &e, SPOOL_QUARANTINE, &f->err), 0);
}

static const struct sample samples[] = {
    {"v@remote.example", "a@univ.example", "infected", "infected: Eicar-Signature (clamav)", eicar,
     T0},
    {"V@Remote.example", "b_c@univ.example", "infected", "infected: Odd_100% (yara)", locked,
     T0 + 10 * SECOND},
    {"", "bxc@univ.example", "unscannable", "unscannable: Encrypted (clamav)", "{}",
     T0 + 20 * SECOND},
    {"w@other.example", "a@univ.example", "ham", "held by hand", "not json", T0 + 30 * SECOND},
};
#define N_SAMPLES (sizeof samples / sizeof samples[0])

struct world {
    struct fixture *f;
    char ids[N_SAMPLES][SPOOL_ID_LEN + 1];
    char folder[128];
};

static struct world world_of(struct fixture *f)
{
    struct world w = {.f = f};
    snprintf(w.folder, sizeof w.folder, "%s/quarantine", f->root);
    for (size_t i = 0; i < N_SAMPLES; i++) {
        put_sample_held(f, &samples[i], i);
        memcpy(w.ids[i], f->id, sizeof w.ids[i]);
    }
    return w;
}

static void index_one(struct world *w, struct held_index *index, const char *id)
{
    struct spool_file *file;
    struct held held;
    bool corrupt;
    assert_int_equal(spool_peek(w->f->spool, SPOOL_QUARANTINE, id, w->f->pool, &file, &corrupt,
                                &w->f->err),
                     0);
    assert_int_equal(held_read(file, w->f->pool, &held, &w->f->err), 0);
    assert_int_equal(held_index_put(index, &held, &w->f->err), 0);
    spool_unload(&file);
}

static void index_all(struct world *w)
{
    struct held_index *index = held_index_open(w->folder, &w->f->err);
    assert_non_null(index);
    for (size_t i = 0; i < N_SAMPLES; i++)
        index_one(w, index, w->ids[i]);
    held_index_close(&index);
}

/* Which samples are found, newest first, as digits; how many were read from their files. */
static size_t find(struct world *w, const struct held_filter *filter, char *text)
{
    struct held_list found;
    struct held_finder *finder = held_finder_open(w->f->spool, w->f->root, NULL, NULL, &w->f->err);
    assert_non_null(finder);
    assert_int_equal(held_find(finder, filter, w->f->pool, &found, &w->f->err), 0);
    char *at = text;
    for (size_t i = 0; i < found.n; i++)
        for (size_t k = 0; k < N_SAMPLES; k++)
            if (str_eq(found.list[i]->id, str_of(w->ids[k])))
                *at++ = (char)('0' + k);
    if (found.more)
        *at++ = '+';
    *at = '\0';
    size_t late = held_finder_late(finder);
    held_finder_close(&finder);
    return late;
}

static void check_filters(struct world *w, size_t late)
{
    static const int64_t early[HELD_CLASSES] = {
        [HELD_VIRUS] = T0 + 5 * SECOND, [HELD_POLICY] = T0 + 40 * SECOND};
    const struct {
        struct held_filter filter;
        const char *found;
    } table[] = {
        {{.limit = 10}, "3210"},
        {{.limit = 4}, "3210"},
        {{.limit = 3}, "321+"},
        {{.sender = STR("v@REMOTE.example")}, "10"},
        {{.sender = STR("*@remote.example")}, "10"},
        {{.sender = STR("v@remote")}, ""},
        {{.recipient = STR("A@univ.example")}, "30"},
        {{.recipient = STR("jean.toto@univ.example")}, "3210"},
        {{.recipient = STR("b_c@*")}, "1"},
        {{.virus = STR("eicar")}, "0"},
        {{.virus = STR("100%")}, "1"},
        {{.virus = STR("0%")}, "1"},
        {{.virus = STR("encrypted")}, "1"},
        {{.virus = STR("%")}, "1"},
        {{.engine = STR("YARA")}, "1"},
        {{.engine = STR("clamav")}, "10"},
        {{.reason = STR("encrypted")}, "2"},
        {{.classes = 1u << HELD_VIRUS}, "10"},
        {{.classes = 1u << HELD_POLICY | 1u << HELD_UNSCANNABLE}, "32"},
        {{.classes = 1u << HELD_BANNED}, ""},
        {{.from_us = T0 + 10 * SECOND, .to_us = T0 + 30 * SECOND}, "21"},
        {{.sender = STR("v@remote.example"), .virus = STR("eicar")}, "0"},
        {{.held_before_us = early}, "30"},
        {{.held_before_us = early, .classes = 1u << HELD_VIRUS}, "0"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char text[16];
        assert_int_equal(find(w, &table[i].filter, text), late);
        assert_string_equal(text, table[i].found);
    }
}

static void what_is_looked_for_is_found(void **state)
{
    struct world w = world_of(*state);
    index_all(&w);
    check_filters(&w, 0);
}

static void without_an_index_the_files_are_read(void **state)
{
    struct world w = world_of(*state);
    check_filters(&w, N_SAMPLES);
}

static void a_row_has_all_that_the_file_says(void **state)
{
    struct world w = world_of(*state);
    const struct held_filter filter = {.virus = STR("encrypted")};
    for (int round = 0; round < 2; round++) { /* from the file, then from the index */
        struct held_list found;
        struct held_finder *finder = held_finder_open(w.f->spool, w.f->root, NULL, NULL, &w.f->err);
        assert_non_null(finder);
        assert_int_equal(held_find(finder, &filter, w.f->pool, &found, &w.f->err), 0);
        assert_int_equal(found.n, 1);
        const struct held *h = found.list[0];
        assert_int_equal(h->class, HELD_VIRUS);
        assert_str(h->reason, "infected: Odd_100% (yara)");
        assert_str(h->sender, "V@Remote.example");
        assert_str(h->client_ip, "192.0.2.1");
        assert_str(h->helo, "shop");
        assert_str(h->subject, "hello");
        assert_int_equal(h->size, sizeof sample_body - 1);
        assert_int_equal(h->n_recipients, 2);
        assert_str(h->recipients[1].address, "b_c@univ.example");
        assert_int_equal(h->recipients[1].state, RCPT_HELD);
        assert_int_equal(h->n_answers, 2);
        /* what found something comes before what could not look */
        assert_str(held_finding(h)->engine, "yara");
        assert_str(held_finding(h)->name, "Odd_100%");
        held_finder_close(&finder);
        index_all(&w);
    }
}

static void what_the_index_lacks_is_found_too(void **state)
{
    struct world w = world_of(*state);
    char text[16];
    struct held_index *index = held_index_open(w.folder, &w.f->err);
    assert_true(held_index_lacks(index));
    assert_false(held_index_lacks(index));
    index_one(&w, index, w.ids[1]);
    index_one(&w, index, w.ids[2]);
    assert_int_equal(held_index_commit(index, &w.f->err), 0);
    assert_int_equal(find(&w, &(struct held_filter){.limit = 10}, text), 2);
    assert_string_equal(text, "3210");
    /* one has gone, and one is not yet committed */
    assert_int_equal(spool_remove(w.f->spool, SPOOL_QUARANTINE, w.ids[1], &w.f->err), 0);
    index_one(&w, index, w.ids[3]);
    assert_int_equal(find(&w, &(struct held_filter){.limit = 10}, text), 2);
    assert_string_equal(text, "320");
    assert_int_equal(find(&w, &(struct held_filter){.virus = STR("100%")}, text), 2);
    assert_string_equal(text, "");
    held_index_close(&index);
}

static void at_rest_it_keeps_no_pages(void **state)
{
    struct world w = world_of(*state);
    char text[16];
    struct held_index *index = held_index_open(w.folder, &w.f->err);
    for (size_t i = 0; i < N_SAMPLES - 1; i++)
        index_one(&w, index, w.ids[i]);
    assert_int_equal(held_index_commit(index, &w.f->err), 0);
    int64_t before = sqlite3_memory_used();
    held_index_rest(index);
    assert_true(sqlite3_memory_used() < before);
    /* what is open is not lost by it */
    index_one(&w, index, w.ids[N_SAMPLES - 1]);
    held_index_rest(index);
    assert_int_equal(held_index_commit(index, &w.f->err), 0);
    assert_int_equal(find(&w, &(struct held_filter){.limit = 10}, text), 0);
    assert_string_equal(text, "3210");
    held_index_close(&index);
}

static int decide(struct spool_file *file, uint32_t recipient, enum recipient_state to,
                  int64_t time_us, struct err *err)
{
    const struct quarantine_decision decision = {.recipient = recipient,
                                                 .to = to,
                                                 .time_us = time_us};
    return quarantine_decide(file, &decision, err);
}

static void what_has_changed_is_read_again(void **state)
{
    struct world w = world_of(*state);
    char text[16];
    struct spool_file *file;
    index_all(&w);
    memcpy(w.f->id, w.ids[0], sizeof w.f->id);
    assert_int_equal(try_load(w.f, SPOOL_QUARANTINE, &file), 0);
    struct held_index *index = held_index_open(w.folder, &w.f->err);
    assert_false(held_index_knows(index, str_of(w.ids[0]), file->records_end));
    assert_int_equal(spool_note_journaled(file, &w.f->err), 0);
    index_one(&w, index, w.ids[0]);
    assert_true(held_index_knows(index, str_of(w.ids[0]), file->records_end));
    assert_int_equal(held_index_commit(index, &w.f->err), 0);
    assert_int_equal(decide(file, NOTICE_EVERYONE, RCPT_DELETED, 5, &w.f->err), 2);
    assert_false(held_index_knows(index, str_of(w.ids[0]), file->records_end));
    assert_int_equal(find(&w, &(struct held_filter){.limit = 10}, text), 1);
    assert_string_equal(text, "321");
    spool_unload(&file);
    held_index_close(&index);
}

static void harm(const struct world *w, off_t at, const char *bytes, size_t n)
{
    char path[256];
    snprintf(path, sizeof path, "%s/index.sqlite", w->folder);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, n, at), (ssize_t)n);
    close(fd);
}

static void discard_index(const struct world *w)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    char path[256];
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        snprintf(path, sizeof path, "%s/index.sqlite%s", w->folder, endings[i]);
        unlink(path);
    }
}

static void a_damaged_index_is_done_without_and_made_anew(void **state)
{
    static char junk[65536];
    struct world w = world_of(*state);
    memset(junk, 0xa5, sizeof junk);
    /* the head; all pages but the first, which is found out while reading */
    const struct {
        off_t at;
        size_t n;
    } wounds[] = {{0, 100}, {100, sizeof junk}, {4096, sizeof junk}};
    for (size_t i = 0; i < sizeof wounds / sizeof wounds[0]; i++) {
        index_all(&w);
        check_filters(&w, 0);
        harm(&w, wounds[i].at, junk, wounds[i].n);
        check_filters(&w, N_SAMPLES);
        /* what notices it first may be the opening or a change */
        struct held_index *index = held_index_open(w.folder, &w.f->err);
        assert_non_null(index);
        for (size_t k = 0; k < N_SAMPLES; k++) {
            struct spool_file *file;
            struct held held;
            bool corrupt;
            assert_int_equal(spool_peek(w.f->spool, SPOOL_QUARANTINE, w.ids[k], w.f->pool, &file,
                                        &corrupt, &w.f->err),
                             0);
            assert_int_equal(held_read(file, w.f->pool, &held, &w.f->err), 0);
            held_index_put(index, &held, &w.f->err);
            spool_unload(&file);
        }
        assert_true(held_index_lacks(index)); /* it asks for all of them again */
        held_index_close(&index);
    }
    index_all(&w);
    check_filters(&w, 0);
}

/* Whichever statement is the first to meet it. */
static void one_damaged_page_is_enough(void **state)
{
    static char junk[4096];
    struct world w = world_of(*state);
    unsigned noticed = 0;
    memset(junk, 0xa5, sizeof junk);
    for (off_t page = 1; page < 12; page++) {
        char text[16];
        index_all(&w);
        harm(&w, page * (off_t)sizeof junk, junk, sizeof junk);
        noticed += find(&w, &(struct held_filter){.limit = 10}, text) == N_SAMPLES;
        assert_string_equal(text, "3210");
        discard_index(&w);
    }
    assert_true(noticed >= 3); /* held, recipient, answer */
}

static void an_index_of_another_version_is_made_anew(void **state)
{
    struct world w = world_of(*state);
    index_all(&w);
    harm(&w, 60, "\0\0\0\x63", 4); /* user_version: SQLite's file format, 1.3 */
    check_filters(&w, N_SAMPLES);
    index_all(&w);
    check_filters(&w, 0);
}

static bool all_gone(void *data, const char *id)
{
    return strcmp(id, data) != 0;
}

static void rows_without_a_file_are_forgotten(void **state)
{
    struct world w = world_of(*state);
    char ids[N_SAMPLES][SPOOL_ID_LEN + 1];
    index_all(&w);
    struct held_index *index = held_index_open(w.folder, &w.f->err);
    /* 1 and 3 were seen in the folder, 2 came meanwhile */
    const char seen[2][SPOOL_ID_LEN + 1] = {"", ""};
    char list[2][SPOOL_ID_LEN + 1];
    memcpy(list, seen, sizeof list);
    memcpy(list[0], w.ids[1], sizeof list[0]);
    memcpy(list[1], w.ids[3], sizeof list[1]);
    assert_int_equal(held_index_forget(index, (const char(*)[SPOOL_ID_LEN + 1]) list, 2, all_gone,
                                       w.ids[2], &w.f->err),
                     1);
    assert_int_equal(held_index_before(index, HELD_VIRUS, T0 + 60 * SECOND, 0, ids, N_SAMPLES,
                                       &w.f->err),
                     1);
    assert_string_equal(ids[0], w.ids[1]);
    assert_int_equal(held_index_before(index, HELD_UNSCANNABLE, T0 + 60 * SECOND, 0, ids, N_SAMPLES,
                                       &w.f->err),
                     1);
    assert_int_equal(held_index_before(index, HELD_UNSCANNABLE, T0 + 20 * SECOND, 0, ids, N_SAMPLES,
                                       &w.f->err),
                     0);
    assert_int_equal(held_index_before(index, HELD_UNSCANNABLE, T0 + 60 * SECOND, 1, ids, N_SAMPLES,
                                       &w.f->err),
                     0);
    held_index_close(&index);
}

static void what_could_not_be_delivered_is_a_class_of_its_own(void **state)
{
    struct world w = world_of(*state);
    struct spool_file *file;
    struct held held;
    uint32_t one = 1;
    const struct spool_mark bounced = {.state = RCPT_HELD,
                                       .time_us = T0 + 90 * SECOND,
                                       .detail = STR("undeliverable: 550")};
    memcpy(w.f->id, w.ids[0], sizeof w.f->id);
    assert_int_equal(try_load(w.f, SPOOL_QUARANTINE, &file), 0);
    assert_int_equal(decide(file, 1, RCPT_RELEASED, T0 + 80 * SECOND, &w.f->err), 1);
    assert_int_equal(spool_mark(file, &one, 1, &bounced, &w.f->err), 0);
    assert_int_equal(held_read(file, w.f->pool, &held, &w.f->err), 0);
    assert_int_equal(held.class, HELD_VIRUS); /* the other's copy still is */
    assert_int_equal(decide(file, 0, RCPT_DELETED, T0 + 95 * SECOND, &w.f->err), 1);
    assert_int_equal(held_read(file, w.f->pool, &held, &w.f->err), 0);
    assert_int_equal(held.class, HELD_UNDELIVERABLE);
    assert_str(held.reason, "undeliverable: 550");
    assert_true(held.since_us == T0 + 90 * SECOND);
    spool_unload(&file);
}

static size_t damaged_files;

static void on_damaged(void *data, const char *id, const char *why)
{
    damaged_files++;
}

static void damaged_files_are_told(void **state)
{
    struct world w = world_of(*state);
    write_sample(w.f, "quarantine", STR("rubbish")); /* the last sample */
    struct held_list found;
    struct held_finder *finder =
        held_finder_open(w.f->spool, w.f->root, on_damaged, NULL, &w.f->err);
    assert_non_null(finder);
    assert_int_equal(damaged_files, 1);
    assert_int_equal(held_find(finder, &(struct held_filter){.limit = 9}, w.f->pool, &found,
                               &w.f->err),
                     0);
    assert_int_equal(found.n, N_SAMPLES - 1);
    uint64_t counts[HELD_CLASSES];
    assert_int_equal(held_count(finder, counts, &w.f->err), 0);
    assert_int_equal(counts[HELD_VIRUS], 2);
    assert_int_equal(counts[HELD_UNSCANNABLE], 1);
    assert_int_equal(counts[HELD_POLICY], 0);
    held_finder_close(&finder);
}

#define WITH_SPOOL(test) cmocka_unit_test_setup_teardown(test, fixture_up, fixture_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SPOOL(what_is_looked_for_is_found),
        WITH_SPOOL(without_an_index_the_files_are_read),
        WITH_SPOOL(a_row_has_all_that_the_file_says),
        WITH_SPOOL(what_the_index_lacks_is_found_too),
        WITH_SPOOL(at_rest_it_keeps_no_pages),
        WITH_SPOOL(what_has_changed_is_read_again),
        WITH_SPOOL(a_damaged_index_is_done_without_and_made_anew),
        WITH_SPOOL(one_damaged_page_is_enough),
        WITH_SPOOL(an_index_of_another_version_is_made_anew),
        WITH_SPOOL(rows_without_a_file_are_forgotten),
        WITH_SPOOL(what_could_not_be_delivered_is_a_class_of_its_own),
        WITH_SPOOL(damaged_files_are_told),
    };
    return tap_run(tests, NULL, NULL);
}
