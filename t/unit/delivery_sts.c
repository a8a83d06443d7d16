/* What a domain says by MTA-STS, as strangers write it; and that what was fetched outlives us. */
#include "t/unit/tap.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "gateway/delivery/sts_cache.h"

#define GOOD                                                                                       \
    "version: STSv1\r\nmode: enforce\r\nmx: mx.a.example\r\nmx: *.b.example\r\nmax_age: 600\r\n"

static bool id_of(const char *const *texts, size_t n, char id[STS_ID_MAX + 1])
{
    struct dns_record records[4];
    for (size_t i = 0; i < n; i++)
        records[i] = (struct dns_record){.data = str_of(texts[i])};
    return sts_find_id(records, n, id);
}

static void the_record(void **state)
{
    char id[STS_ID_MAX + 1];
    const struct {
        const char *text;
        const char *id; /* NULL: it is none */
    } rows[] = {{"v=STSv1; id=20260101T0000Z;", "20260101T0000Z"},
                {"v=STSv1;id=1", "1"},
                {"v=STSv1 ; more=x; id=abc", "abc"},
                {"v=STSv1; id=a; id=b", "a"},
                {"v=STSv1;", NULL},
                {"v=STSv1; id=", NULL},
                {"v=STSv1; id=a-b", NULL},
                {"v=STSv10; id=1", NULL},
                {"id=1; v=STSv1", NULL},
                {"v=spf1 -all", NULL},
                {"v=STSv1; id=123456789012345678901234567890123", NULL},
                {"", NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool found = id_of(&rows[i].text, 1, id);
        assert_int_equal(found, rows[i].id != NULL);
        if (found)
            assert_string_equal(id, rows[i].id);
    }
    const char *const other[] = {"v=spf1 -all", "v=STSv1; id=1"};
    assert_true(id_of(other, 2, id));
    const char *const two[] = {"v=STSv1; id=2", "v=STSv1; id=1"};
    assert_false(id_of(two, 2, id)); /* RFC 8461 3.1 */
}

static struct sts_policy *read_text(const char *text)
{
    struct err err;
    return sts_policy_read(str_of(text), &err);
}

static bool is_policy(const char *text)
{
    struct sts_policy *policy = read_text(text);
    free(policy);
    return policy != NULL;
}

static void the_policy(void **state)
{
    struct sts_policy *policy = read_text(GOOD);
    assert_non_null(policy);
    assert_int_equal(policy->mode, STS_ENFORCE);
    assert_int_equal(policy->max_age, 600);
    assert_int_equal(policy->n_mx, 2);
    free(policy);
    policy = read_text(
        "version:STSv1\nmax_age:4000000000\nunknown: x\nmode:testing\nmode:none\nmx:A.b\n\n");
    assert_non_null(policy);
    assert_int_equal(policy->mode, STS_TESTING); /* the first one counts */
    assert_int_equal(policy->max_age, STS_MAX_AGE_MAX);
    assert_true(sts_policy_lists(policy, "a.b"));
    free(policy);
    assert_true(is_policy("version: STSv1\nmode: none\nmax_age: 1\n"));
    assert_false(is_policy(""));
    assert_false(is_policy("version: STSv2\nmode: none\nmax_age: 1\n"));
    assert_false(is_policy("mode: none\nmax_age: 1\n"));
    assert_false(is_policy("version: STSv1\nmax_age: 1\nmx: a.b\n"));
    assert_false(is_policy("version: STSv1\nmode: enforce\nmax_age: 1\n"));
    assert_false(is_policy("version: STSv1\nmode: enforce\nmx: a.b\n"));
    assert_false(is_policy("version: STSv1\nmode: strict\nmx: a.b\nmax_age: 1\n"));
    assert_false(is_policy("version: STSv1\nmode: enforce\nmx: a b\nmax_age: 1\n"));
    assert_false(is_policy("version: STSv1\nmode: enforce\nmx: a.*.b\nmax_age: 1\n"));
    assert_false(is_policy("version: STSv1\nmode: enforce\nmx: a.b\nmax_age: -1\n"));
    assert_false(is_policy("<html>not found</html>"));
}

static void not_more_than_there_is_room(void **state)
{
    struct buf text = BUF_INIT(2 * STS_BYTES_MAX);
    struct err err;
    buf_addf(&text, "version: STSv1\nmode: enforce\nmax_age: 1\n");
    for (int i = 0; i < STS_MX_MAX; i++)
        buf_addf(&text, "mx: *.mx%d.example\n", i);
    struct sts_policy *policy = sts_policy_read(buf_str(&text), &err);
    assert_non_null(policy);
    assert_int_equal(policy->n_mx, STS_MX_MAX);
    assert_true(sts_policy_lists(policy, "a.mx63.example"));
    free(policy);
    buf_addf(&text, "mx: one.more.example\n");
    assert_null(sts_policy_read(buf_str(&text), &err));
    buf_clear(&text);
    buf_addf(&text, GOOD);
    while (text.n <= STS_BYTES_MAX)
        buf_addf(&text, "later: %064d\n", 1);
    assert_null(sts_policy_read(buf_str(&text), &err));
    buf_release(&text);
}

static void which_servers_are_in_it(void **state)
{
    struct sts_policy *policy = read_text(GOOD);
    assert_non_null(policy);
    assert_true(sts_policy_lists(policy, "mx.a.example"));
    assert_true(sts_policy_lists(policy, "one.b.example"));
    assert_false(sts_policy_lists(policy, "b.example"));
    assert_false(sts_policy_lists(policy, "one.two.b.example")); /* a star is one label */
    assert_false(sts_policy_lists(policy, "xb.example"));
    assert_false(sts_policy_lists(policy, "other.a.example"));
    assert_false(sts_policy_lists(policy, ""));
    free(policy);
}

/* --- what is kept --- */

struct place {
    char folder[64];
    struct event_base *base;
    struct workers *workers;
    struct sts_cache *cache;
};

static int up(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    char path[100];
    struct err err;
    assert_non_null(p);
    snprintf(p->folder, sizeof p->folder, "/tmp/poterne-sts-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    snprintf(path, sizeof path, "%s/sts", p->folder);
    assert_int_equal(mkdir(path, 0700), 0);
    p->base = event_base_new();
    p->workers = workers_start(p->base, 1, &err);
    p->cache = sts_cache_open(p->folder, &err);
    assert_non_null(p->workers);
    assert_non_null(p->cache);
    *state = p;
    return 0;
}

static int down(void **state)
{
    struct place *p = *state;
    char path[100];
    workers_stop(&p->workers);
    sts_cache_close(&p->cache);
    event_base_free(p->base);
    snprintf(path, sizeof path, "%s/sts/a.example", p->folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/sts", p->folder);
    rmdir(path);
    rmdir(p->folder);
    free(p);
    return 0;
}

static void renew(struct place *p)
{
    struct err err;
    workers_stop(&p->workers);
    sts_cache_close(&p->cache);
    p->workers = workers_start(p->base, 1, &err);
    p->cache = sts_cache_open(p->folder, &err);
}

static void keep(struct place *p, const char *domain, const char *id, int64_t fetched,
                 int64_t wanted, const char *text)
{
    struct sts_entry entry = {.fetched = fetched, .wanted = wanted, .policy = read_text(text)};
    assert_non_null(entry.policy);
    str_copy(str_of(id), entry.id, sizeof entry.id);
    sts_cache_store(p->cache, p->workers, domain, &entry, str_of(text));
    free(entry.policy);
}

static void it_survives_and_ends(void **state)
{
    struct place *p = *state;
    struct sts_entry entry;
    assert_false(sts_cache_load(p->cache, "a.example", 1000, &entry));
    keep(p, "a.example", "id1", 1000, 900, GOOD);
    renew(p);
    assert_true(sts_cache_load(p->cache, "a.example", 1001, &entry));
    assert_string_equal(entry.id, "id1");
    assert_int_equal(entry.fetched, 1000);
    assert_int_equal(entry.wanted, 900);
    assert_int_equal(entry.policy->mode, STS_ENFORCE);
    free(entry.policy);
    assert_true(sts_cache_load(p->cache, "a.example", 1599, &entry));
    free(entry.policy);
    assert_false(sts_cache_load(p->cache, "a.example", 1600, &entry));
    assert_false(sts_cache_load(p->cache, "b.example", 1001, &entry));
}

static void a_newer_one_takes_its_place(void **state)
{
    struct place *p = *state;
    struct sts_entry entry;
    keep(p, "a.example", "id1", 1000, 900, GOOD);
    keep(p, "a.example", "id2", 1300, 1300, "version: STSv1\nmode: none\nmax_age: 600\n");
    renew(p);
    assert_true(sts_cache_load(p->cache, "a.example", 1700, &entry));
    assert_string_equal(entry.id, "id2");
    assert_int_equal(entry.policy->mode, STS_NONE);
    free(entry.policy);
}

static void what_is_damaged_is_not_there(void **state)
{
    struct place *p = *state;
    struct sts_entry entry;
    char path[100];
    snprintf(path, sizeof path, "%s/sts/a.example", p->folder);
    static const char *const texts[] = {"",
                                        "poterne sts 1\n",
                                        "poterne sts 1\nid\n1000\nnot a policy",
                                        "poterne sts 2\nid\n1000\n" GOOD,
                                        "poterne sts 3\nid\n1000\n1000\n" GOOD,
                                        "poterne sts 1\nid\nlately\n" GOOD};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(texts[i], file);
        fclose(file);
        assert_false(sts_cache_load(p->cache, "a.example", 1001, &entry));
    }
}

/* What is old and was wanted lately is to be renewed; who wrote it, a version before, too. */
static void what_grows_old_is_found(void **state)
{
    static const char long_one[] = "version: STSv1\nmode: none\nmax_age: 31557600\n";
    struct place *p = *state;
    const int64_t now = 1000 * (int64_t)86400;
    char names[8][DOMAIN_SIZE], path[100];
    snprintf(path, sizeof path, "%s/sts/a.example", p->folder);
    const struct {
        int64_t fetched, wanted;
        const char *text;
        size_t found;
    } rows[] = {{now - 10, now - 10, long_one, 0},
                {now - STS_REFRESH, now - STS_REFRESH, long_one, 1},
                {now - STS_REFRESH, now - STS_UNUSED + 1, long_one, 1},
                {now - STS_REFRESH, now - STS_UNUSED, long_one, 0},
                {now - 299, now - 299, GOOD, 0},
                {now - 300, now - 300, GOOD, 1},
                {now - 600, now - 600, GOOD, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        keep(p, "a.example", "id1", rows[i].fetched, rows[i].wanted, rows[i].text);
        renew(p);
        if (sts_cache_old(p->cache, now, names, 8) != rows[i].found)
            print_error("row %zu\n", i);
        assert_int_equal(sts_cache_old(p->cache, now, names, 8), rows[i].found);
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "poterne sts 1\nid\n%lld\n%s", (long long)(now - STS_REFRESH), long_one);
    fclose(file);
    assert_int_equal(sts_cache_old(p->cache, now, names, 8), 1);
    assert_string_equal(names[0], "a.example");
}

static void of_many_some_are_taken(void **state)
{
    struct place *p = *state;
    char names[3][DOMAIN_SIZE], name[32], path[128];
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "d%d.example", i);
        keep(p, name, "id1", 1000, 1000, GOOD);
    }
    renew(p);
    assert_int_equal(sts_cache_old(p->cache, 1500, names, 3), 3);
    assert_string_not_equal(names[0], names[1]);
    assert_string_not_equal(names[1], names[2]);
    for (int i = 0; i < 20; i++) {
        snprintf(path, sizeof path, "%s/sts/d%d.example", p->folder, i);
        unlink(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_record),
        cmocka_unit_test(the_policy),
        cmocka_unit_test(not_more_than_there_is_room),
        cmocka_unit_test(which_servers_are_in_it),
        cmocka_unit_test_setup_teardown(it_survives_and_ends, up, down),
        cmocka_unit_test_setup_teardown(a_newer_one_takes_its_place, up, down),
        cmocka_unit_test_setup_teardown(what_is_damaged_is_not_there, up, down),
        cmocka_unit_test_setup_teardown(what_grows_old_is_found, up, down),
        cmocka_unit_test_setup_teardown(of_many_some_are_taken, up, down),
    };
    return tap_run(tests, NULL, NULL);
}
