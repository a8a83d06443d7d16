/* accounts: files of people with their passwords: what is read, what is refused, who may log in. */
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "directory/account_login.h"

#define HASH   "$6$rounds=1000$saltsalt$"
#define BCRYPT "$2b$04$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui"

struct world {
    struct accounts *accounts;
    struct table *table;
    struct err err;
};

static void world_read(struct world *w, const char *text)
{
    assert_int_equal(accounts_parse(str_of(text), "a", &w->accounts, &w->table, &w->err),
                     FILE_READ);
}

static void world_end(struct world *w)
{
    accounts_free(&w->accounts);
    table_free(&w->table);
}

static void bad(const char *text, const char *why)
{
    struct world w = {.err = {""}};
    assert_int_equal(accounts_parse(str_of(text), "a", &w.accounts, &w.table, &w.err), FILE_WRONG);
    assert_null(w.accounts);
    assert_null(w.table);
    assert_string_equal(w.err.text, why);
}

static struct account find(const struct world *w, const char *address)
{
    struct account account;
    assert_true(accounts_find(w->accounts, str_of(address), &account));
    return account;
}

static void what_is_read(void **state)
{
    struct world w = {.err = {""}};
    (void)state;
    world_read(&w, "# ours\n"
                   "\n"
                   "Jean@Univ.example:{CRYPT}" HASH "x::::::alias=jtoto@univ.example,"
                   "j.toto@univ.example send_as=press@univ.example userdb_quota=1G\r\n"
                   "anne@univ.example:" HASH "y\n"
                   "bob@univ.example:!{BLF-CRYPT}" BCRYPT ":1:1:Bob:/home/bob:/bin/sh:nologin "
                   "expires=2027-06-30\n"
                   "none@univ.example:*::::::disabled\n"
                   "empty@univ.example:\n");
    assert_int_equal(accounts_count(w.accounts), 5);
    assert_str(find(&w, "jean@univ.example").own,
               "jean@univ.example jtoto@univ.example j.toto@univ.example");
    assert_str(find(&w, "j.toto@univ.example").send_as, "press@univ.example");
    assert_str(find(&w, "jean@univ.example").hash, HASH "x");
    struct account bob = find(&w, "bob@univ.example");
    assert_true(bob.locked && bob.nologin && !bob.disabled);
    assert_str(bob.hash, BCRYPT);
    assert_int_equal(bob.expires, 1814400000); /* 2027-07-01 */
    assert_true(find(&w, "none@univ.example").disabled);
    assert_int_equal(find(&w, "none@univ.example").hash.n, 0);
    assert_int_equal(find(&w, "empty@univ.example").hash.n, 0);
    struct account none;
    assert_false(accounts_find(w.accounts, STR("press@univ.example"), &none));
    struct table_entry entry;
    assert_true(table_find(w.table, STR("jtoto@univ.example"), &entry));
    assert_str(entry.target, "jean@univ.example");
    assert_false(table_find(w.table, STR("press@univ.example"), &entry));
    world_end(&w);
}

static void what_is_refused(void **state)
{
    static const char hash[] =
        "a:1: the password is no hash that is taken; expected one of crypt(5) "
        "that begins with $y$, $6$, $5$ or $2b$";
    (void)state;
    bad("", "a:1: the file is empty; expected accounts, or a comment if it shall be");
    bad("jean@univ.example\n",
        "a:1: expected an address and behind a colon the hash of its password");
    bad("jean:*\n", "a:1: `jean`: expected a mail address");
    bad("a@x.example,b@x.example:*\n",
        "a:1: expected one address such as jean@example.org before the first colon");
    bad("jean@univ.example:secret\n", hash);
    bad("jean@univ.example:{PLAIN}secret\n", hash);
    bad("jean@univ.example:$1$salt$hash\n", hash);
    bad("jean@univ.example:$6$rounds=9999999$salt$hash\n", hash);
    bad("jean@univ.example:$5$rounds=9999999$salt$hash\n", hash);
    bad("jean@univ.example:$y$jCT$salt$hash\n", hash);
    bad("jean@univ.example:$2b$13$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui\n", hash);
    bad("jean@univ.example:$2b$04$short\n", hash);
    bad("# x\njean@univ.example:*\nanne@univ.example:*::::::alias=jean@univ.example\n",
        "a:3: jean@univ.example is there already in line 2");
    bad("a@x.example:*::::::alias=b@x.example,b@x.example\n",
        "a:1: b@x.example is there already in line 1");
    bad("a@x.example:*::::::allow_nets=10.0.0.0/8\n",
        "a:1: `allow_nets` is not understood; expected alias=, send_as=, expires=, nologin, "
        "disabled, or userdb_ words, which are passed over");
    bad("a@x.example:*:nologin\n", "a:1: \"nologin\" stands behind 2 colons; expected it behind 7");
    bad("a@x.example:*:::::expires=2027-06-30\n",
        "a:1: \"expires=\" stands behind 6 colons; expected it behind 7");
    bad("a@x.example:*::::::expires=2027-06-31\n",
        "a:1: `expires=2027-06-31`: expected a day such as expires=2027-06-30");
    bad("a@x.example:*::::::expires=tomorrow\n",
        "a:1: `expires=tomorrow`: expected a day such as expires=2027-06-30");
    bad("a@x.example:*::::::alias=\n", "a:1: ``: expected a mail address");
}

static void how_much_is_refused(void **state)
{
    struct buf text = BUF_INIT(1024 * 1024);
    (void)state;
    buf_add(&text, STR("a@x.example:*::::::send_as=b@x.example"));
    for (size_t i = 0; i < ACCOUNTS_ADDRESSES_MAX - 1; i++)
        buf_addf(&text, ",b%zu@x.example", i);
    bad(buf_cstr(&text), "a:1: an account has at most 32 addresses");
    buf_clear(&text);
    buf_add(&text, STR("a@x.example:*::::::userdb_x="));
    for (size_t i = 0; i < ACCOUNTS_LINE_MAX; i++)
        buf_addc(&text, 'x');
    bad(buf_cstr(&text), "a:1: line longer than 4096 bytes");
    buf_release(&text);
}

/* --- logins --- */

static struct login_answer log_in(const struct world *w, const char *address, const char *password)
{
    static const struct factor_policy policy = {.app_password = false};
    const struct attempt attempt = {password, false, &policy};
    struct account account;
    struct account_try try;
    struct login_answer answer;
    if (accounts_find(w->accounts, str_of(address), &account))
        account_try_make(w->accounts, &account, &try);
    else
        account_try_nobody(w->accounts, str_of(address), &try);
    /* whoever asks, something is compared */
    assert_true(try.hash[0] != '\0');
    account_login_check(&try, &attempt, &answer);
    return answer;
}

static void who_may_log_in(void **state)
{
    struct world w = {.err = {""}};
    char hash[HASH_MAX + 1], text[4096], soon[32];
    (void)state;
    assert_int_equal(hash_make("right", hash, &w.err), 0);
    time_t later = time(NULL) + 3 * 86400;
    struct tm tm;
    gmtime_r(&later, &tm);
    strftime(soon, sizeof soon, "%Y-%m-%d", &tm);
    snprintf(text, sizeof text,
             "jean@x.example:%s::::::alias=jt@x.example send_as=press@x.example\n"
             "old@x.example:%s::::::expires=2020-01-31\n"
             "soon@x.example:%s::::::expires=%s\n"
             "locked@x.example:!%s\n"
             "off@x.example:%s::::::nologin\n"
             "none@x.example:*\n",
             hash, hash, hash, soon, hash, hash);
    world_read(&w, text);
    struct login_answer answer = log_in(&w, "jt@x.example", "right");
    assert_int_equal(answer.result, LOGIN_OK);
    assert_string_equal(answer.account, "jean@x.example");
    assert_string_equal(answer.addresses, "jean@x.example jt@x.example press@x.example");
    assert_false(answer.soon);
    assert_int_equal(log_in(&w, "jean@x.example", "wrong").result, LOGIN_WRONG);
    assert_int_equal(log_in(&w, "old@x.example", "right").result, LOGIN_EXPIRED);
    assert_int_equal(log_in(&w, "old@x.example", "wrong").result, LOGIN_WRONG);
    assert_int_equal(log_in(&w, "locked@x.example", "right").result, LOGIN_LOCKED);
    assert_int_equal(log_in(&w, "locked@x.example", "wrong").result, LOGIN_WRONG);
    assert_int_equal(log_in(&w, "off@x.example", "right").result, LOGIN_DISABLED);
    assert_int_equal(log_in(&w, "none@x.example", "right").result, LOGIN_WRONG);
    assert_int_equal(log_in(&w, "nobody@x.example", "right").result, LOGIN_WRONG);
    answer = log_in(&w, "soon@x.example", "right");
    assert_int_equal(answer.result, LOGIN_OK);
    assert_true(answer.soon && answer.expires > 2 * 86400 && answer.expires <= 4 * 86400);
    /* by token: only whether he may send at all */
    assert_int_equal(log_in(&w, "old@x.example", NULL).result, LOGIN_OK);
    assert_int_equal(log_in(&w, "off@x.example", NULL).result, LOGIN_DISABLED);
    assert_int_equal(log_in(&w, "nobody@x.example", NULL).result, LOGIN_WRONG);
    world_end(&w);
}

static double cpu_of(const struct world *w, const char *address)
{
    struct timespec before, after;
    double least = 1e9;
    for (int i = 0; i < 3; i++) {
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
        assert_int_equal(log_in(w, address, "wrong").result, LOGIN_WRONG);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
        double took = (double)(after.tv_sec - before.tv_sec) * 1e3 +
                      (double)(after.tv_nsec - before.tv_nsec) / 1e6;
        least = took < least ? took : least;
    }
    return least;
}

/* Within a factor of two, where it would be one of a thousand. */
static void who_is_not_there_costs_as_much(void **state)
{
    struct world w = {.err = {""}};
    char hash[HASH_MAX + 1], text[1024];
    (void)state;
    assert_int_equal(hash_make("right", hash, &w.err), 0);
    snprintf(text, sizeof text, "jean@x.example:%s\nnone@x.example:*\nlocked@x.example:!%s\n", hash,
             hash);
    world_read(&w, text);
    double known = cpu_of(&w, "jean@x.example");
    static const char *const others[] = {"nobody@x.example", "none@x.example", "locked@x.example"};
    print_message("# a wrong password takes %.1f ms\n", known);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        double other = cpu_of(&w, others[i]);
        /* what is looked for is a thousand times as much, or as little; others have the processor
         * too */
        if (other < known / 4 || other > known * 4)
            fail_msg("%s: %.2f ms, not %.2f", others[i], other, known);
    }
    world_end(&w);
}

static void an_application_password_ends_with_its_account(void **state)
{
    static const char text[] = "jean@x.example:*\nold@x.example:*::::::expires=2020-01-31\n"
                               "locked@x.example:!$6$saltsalt$x\n";
    const struct factor_policy policy = {.app_password = true, .file = NULL};
    struct world w = {.err = {""}};
    char hash[HASH_MAX + 1], lines[2048];
    struct factor_file *file;
    (void)state;
    world_read(&w, text);
    assert_int_equal(hash_make("app", hash, &w.err), 0);
    snprintf(lines, sizeof lines,
             "jean@x.example app-password a %s 2026-11-23\nold@x.example app-password a %s\n"
             "locked@x.example app-password a %s\n",
             hash, hash, hash);
    assert_int_equal(factor_file_parse(str_of(lines), "f", &file, &w.err), 0);
    struct factor_policy with = policy;
    with.file = file;
    static const struct {
        const char *address, *password;
        enum login_result result;
    } cases[] = {
        {"jean@x.example", "app", LOGIN_OK},       {"jean@x.example", "ap", LOGIN_WRONG},
        {"old@x.example", "app", LOGIN_EXPIRED},   {"old@x.example", "ap", LOGIN_WRONG},
        {"locked@x.example", "app", LOGIN_LOCKED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct attempt attempt = {cases[i].password, true, &with};
        struct account account = find(&w, cases[i].address);
        struct account_try try;
        struct login_answer answer;
        account_try_make(w.accounts, &account, &try);
        account_login_check(&try, &attempt, &answer);
        assert_int_equal(answer.result, cases[i].result);
    }
    factor_file_free(&file);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(how_much_is_refused),
        cmocka_unit_test(who_may_log_in),
        cmocka_unit_test(who_is_not_there_costs_as_much),
        cmocka_unit_test(an_application_password_ends_with_its_account),
    };
    return tap_run(tests, NULL, NULL);
}
