/* What sources have said: how long it serves, what a restart and damage leave of it. */
#include "t/unit/tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "directory/cache.h"

static const struct conf_cache limits = {.fresh = 60,
                                         .positive = 1000,
                                         .negative = 10,
                                         .entries = 100};
static const struct person jean = {.address = STR("jean@a.example"), .flags = PERSON_ALIAS};

struct world {
    char folder[64], path[80];
    struct cache *cache;
};

static struct cache *new_cache(void)
{
    struct err err = {""};
    struct cache *cache = cache_new(&limits, &err);
    assert_non_null(cache);
    return cache;
}

static int set_up(void **state)
{
    static struct world w;
    snprintf(w.folder, sizeof w.folder, "/tmp/poterne-cache.XXXXXX");
    assert_non_null(mkdtemp(w.folder));
    snprintf(w.path, sizeof w.path, "%s/cache", w.folder);
    w.cache = new_cache();
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    cache_free(&w->cache);
    unlink(w->path);
    assert_int_equal(rmdir(w->folder), 0);
    return 0;
}

static void put(struct cache *cache, uint64_t source, const char *address,
                const struct person *person, time_t now)
{
    struct cache_key key = {source, str_of(address)};
    struct finding finding;
    if (person)
        finding_yes(&finding, person);
    else
        finding_no(&finding);
    cache_put(cache, &key, &finding, now);
}

static enum cache_state find(struct cache *cache, uint64_t source, const char *address, time_t now)
{
    struct cache_key key = {source, str_of(address)};
    struct finding finding;
    time_t when;
    return cache_find(cache, &key, now, &finding, &when);
}

static void again(struct world *w)
{
    struct err err = {""};
    cache_free(&w->cache);
    w->cache = new_cache();
    assert_int_equal(cache_read(w->cache, w->path, &err), 0);
    assert_int_equal(cache_keep(w->cache, w->path, &err), 0);
}

static void how_long(void **state)
{
    struct cache *c = ((struct world *)*state)->cache;
    struct cache_key key = {7, STR("j@a.example")};
    struct finding finding, away;
    struct person person;
    time_t when;
    put(c, 7, "j@a.example", &jean, 1000);
    put(c, 7, "no@a.example", NULL, 1000);
    assert_int_equal(cache_find(c, &key, 1059, &finding, &when), CACHE_FRESH);
    assert_int_equal(when, 1000);
    assert_true(finding_person(&finding, &person));
    assert_str(person.address, "jean@a.example");
    assert_int_equal(find(c, 7, "j@a.example", 1060), CACHE_OLD);
    assert_int_equal(find(c, 7, "j@a.example", 1999), CACHE_OLD);
    assert_int_equal(find(c, 7, "j@a.example", 2000), CACHE_NOTHING);
    assert_int_equal(find(c, 7, "j@a.example", 999), CACHE_NOTHING); /* a clock that went back */
    assert_int_equal(find(c, 7, "no@a.example", 1009), CACHE_FRESH);
    assert_int_equal(find(c, 7, "no@a.example", 1010), CACHE_NOTHING);
    assert_int_equal(find(c, 8, "j@a.example", 1001), CACHE_NOTHING); /* another's word */
    finding_away(&away, true, "");
    cache_put(c, &key, &away, 1500);
    assert_int_equal(find(c, 7, "j@a.example", 1059), CACHE_FRESH);
}

static void who_takes_no_mail_is_asked_for_soon(void **state)
{
    struct cache *c = ((struct world *)*state)->cache;
    const struct person full = {.quota_used = 1, .quota_limit = 1};
    const struct person off = {.flags = PERSON_DISABLED};
    put(c, 1, "full@a.example", &full, 1000);
    put(c, 1, "off@a.example", &off, 1000);
    assert_int_equal(find(c, 1, "full@a.example", 1009), CACHE_FRESH);
    assert_int_equal(find(c, 1, "full@a.example", 1010), CACHE_OLD);
    assert_int_equal(find(c, 1, "off@a.example", 1010), CACHE_OLD);
}

static void bounded_and_guesses_push_out_nobody(void **state)
{
    struct cache *c = ((struct world *)*state)->cache;
    struct cache_counts counts;
    char address[40];
    for (unsigned i = 0; i < 60; i++) {
        snprintf(address, sizeof address, "p%u@a.example", i);
        put(c, 1, address, &jean, 1000);
    }
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(address, sizeof address, "guess%u@a.example", i);
        put(c, 1, address, NULL, 1000);
    }
    cache_count(c, &counts);
    assert_int_equal(counts.positive, 60);
    assert_int_equal(counts.negative, 26);
    assert_int_equal(find(c, 1, "p0@a.example", 1001), CACHE_FRESH);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(address, sizeof address, "q%u@a.example", i);
        put(c, 1, address, &jean, 1000);
    }
    assert_int_equal(find(c, 1, "p59@a.example", 1001), CACHE_NOTHING);
    assert_int_equal(find(c, 1, "q0@a.example", 1001), CACHE_FRESH);
}

static void survives_a_restart(void **state)
{
    struct world *w = *state;
    struct err err = {""};
    again(w);
    put(w->cache, 1, "j@a.example", &jean, 1000);
    put(w->cache, 1, "gone@a.example", &jean, 1000);
    put(w->cache, 1, "no@a.example", NULL, 1000);
    assert_int_equal(cache_flush(w->cache, &err), 0);
    assert_int_equal(cache_forget(w->cache, STR("gone@a.example")), 1);
    assert_int_equal(cache_forget(w->cache, STR("gone@a.example")), 0);
    assert_int_equal(cache_flush(w->cache, &err), 0);
    again(w);
    assert_int_equal(find(w->cache, 1, "j@a.example", 1001), CACHE_FRESH);
    assert_int_equal(find(w->cache, 1, "no@a.example", 1001), CACHE_FRESH);
    assert_int_equal(find(w->cache, 1, "gone@a.example", 1001), CACHE_NOTHING);
    assert_int_equal(cache_forget(w->cache, STR_EMPTY), 2);
    assert_int_equal(cache_flush(w->cache, &err), 0);
    again(w);
    assert_int_equal(find(w->cache, 1, "j@a.example", 1001), CACHE_NOTHING);
}

/* Cut at every byte, or with any byte changed: what stands before serves, nothing wrong is told. */
static void damage_loses_the_end_and_no_more(void **state)
{
    struct world *w = *state;
    struct err err = {""};
    struct buf file = BUF_INIT(10000);
    again(w);
    put(w->cache, 1, "first@a.example", &jean, 1000);
    put(w->cache, 1, "second@a.example", NULL, 1000);
    assert_int_equal(cache_flush(w->cache, &err), 0);
    assert_int_equal(fsio_read_file(w->path, &file, &err), 0);
    for (size_t n = 0; n <= 2 * file.n; n++) {
        struct buf damaged = BUF_INIT(10000);
        buf_add(&damaged, str_sub(buf_str(&file), 0, n < file.n ? n : file.n));
        if (n >= file.n && n < 2 * file.n)
            damaged.p[n - file.n] ^= 0x40;
        assert_int_equal(fsio_replace(w->path, buf_str(&damaged), 0600, &err), 0);
        buf_release(&damaged);
        struct cache *c = new_cache();
        assert_int_equal(cache_read(c, w->path, &err), 0);
        struct cache_counts counts;
        cache_count(c, &counts);
        bool whole = n == 2 * file.n;
        assert_true(counts.positive <= 1 && counts.negative <= counts.positive);
        assert_int_equal(counts.negative, whole);
        if (counts.positive)
            assert_int_equal(find(c, 1, "first@a.example", 1001), CACHE_FRESH);
        cache_free(&c);
    }
    buf_release(&file);
}

/* The file of a cache that is always renewed stays as large as what is in it. */
static void the_file_is_written_anew(void **state)
{
    struct world *w = *state;
    struct err err = {""};
    struct stat st;
    char address[40];
    again(w);
    for (unsigned round = 0; round < 500; round++) {
        for (unsigned i = 0; i < 100; i++) {
            snprintf(address, sizeof address, "p%u@a.example", i);
            put(w->cache, 1, address, &jean, 1000 + round);
        }
        assert_int_equal(cache_flush(w->cache, &err), 0);
    }
    assert_int_equal(stat(w->path, &st), 0);
    assert_true(st.st_size < 1200000);
    again(w);
    assert_int_equal(find(w->cache, 1, "p99@a.example", 1500), CACHE_FRESH);
}

/* Another generation of the process has put its own file there. */
static void another_file_is_not_written_to(void **state)
{
    struct world *w = *state;
    struct err err = {""};
    again(w);
    struct cache *other = new_cache();
    assert_int_equal(cache_keep(other, w->path, &err), 0);
    put(w->cache, 1, "j@a.example", &jean, 1000);
    assert_int_equal(cache_flush(w->cache, &err), 0);
    cache_free(&other);
    again(w);
    assert_int_equal(find(w->cache, 1, "j@a.example", 1001), CACHE_FRESH);
}

static void a_folder_that_is_gone_is_no_end(void **state)
{
    struct world *w = *state;
    struct err err = {""};
    assert_int_equal(cache_keep(w->cache, "/nowhere/cache", &err), -1);
    put(w->cache, 1, "j@a.example", &jean, 1000);
    assert_int_equal(cache_flush(w->cache, &err), -1);
    assert_int_equal(find(w->cache, 1, "j@a.example", 1001), CACHE_FRESH);
}

/* Two generations may write at once: neither touches what the other is writing. */
static void what_another_process_writes_is_left_alone(void **state)
{
    struct world *w = *state;
    struct err err = {""};
    char other[100];
    struct stat st;
    snprintf(other, sizeof other, "%s.new", w->path);
    assert_int_equal(fsio_replace(other, STR("half of it"), 0600, &err), 0);
    assert_int_equal(cache_keep(w->cache, w->path, &err), 0);
    assert_int_equal(stat(other, &st), 0);
    assert_int_equal(st.st_size, 10);
    assert_int_equal(unlink(other), 0);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(how_long),
        IN_WORLD(who_takes_no_mail_is_asked_for_soon),
        IN_WORLD(bounded_and_guesses_push_out_nobody),
        IN_WORLD(survives_a_restart),
        IN_WORLD(damage_loses_the_end_and_no_more),
        IN_WORLD(the_file_is_written_anew),
        IN_WORLD(another_file_is_not_written_to),
        IN_WORLD(a_folder_that_is_gone_is_no_end),
        IN_WORLD(what_another_process_writes_is_left_alone),
    };
    return tap_run(tests, NULL, NULL);
}
