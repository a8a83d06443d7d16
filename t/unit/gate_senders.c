/* Accounts that may send nothing: a record that outlives everything until it is taken away. */
#include "t/unit/tap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fsio.h"
#include "gateway/gate/senders.h"

#define START 1700000000

static char state[] = "/tmp/poterne-senders-XXXXXX";

static int make_state(void **data)
{
    return mkdtemp(state) ? 0 : -1;
}

static int remove_state(void **data)
{
    struct err err;
    int result = fsio_empty_dir(state, &err);
    return result == 0 ? rmdir(state) : -1;
}

static struct senders *open_them(void)
{
    struct err err = {""};
    struct senders *s = senders_open(state, &err);
    assert_non_null(s);
    return s;
}

static int freeze(const struct senders *s, const char *account, const char *why)
{
    struct err err = {""};
    return senders_freeze(s, str_of(account), str_of(why), STR_EMPTY, START, &err);
}

static int look(const struct senders *s, const char *account, struct frozen *frozen)
{
    struct err err = {""};
    return senders_look(s, str_of(account), frozen, &err);
}

static int thaw(const struct senders *s, const char *account)
{
    struct err err = {""};
    return senders_thaw(s, str_of(account), &err);
}

static void nobody_was_ever_frozen(void **data)
{
    struct err err = {""};
    errno = 0;
    assert_null(senders_existing(state, &err));
    assert_int_equal(errno, ENOENT);
}

static void frozen_until_thawed(void **data)
{
    struct senders *s = open_them();
    struct frozen frozen;
    assert_int_equal(look(s, "jean@uni.example", &frozen), 0);
    assert_int_equal(freeze(s, "Jean@uni.example", "it sent\na virus\x1b"), 1);
    assert_int_equal(freeze(s, "jean@uni.example", "another word"), 0);
    assert_int_equal(look(s, "jean@UNI.example", &frozen), 1);
    assert_string_equal(frozen.account, "Jean@uni.example");
    assert_string_equal(frozen.why, "it sent?a virus?");
    assert_int_equal(frozen.since, START);
    assert_int_equal(look(s, "anne@uni.example", &frozen), 0);
    senders_close(&s);
    s = open_them();
    assert_int_equal(look(s, "jean@uni.example", &frozen), 1);
    assert_int_equal(thaw(s, "JEAN@uni.example"), 1);
    assert_int_equal(thaw(s, "jean@uni.example"), 0);
    assert_int_equal(look(s, "jean@uni.example", &frozen), 0);
    senders_close(&s);
}

/* Names that differ beyond ASCII are two accounts, and are kept as they are. */
static void accounts_of_any_language(void **data)
{
    static const char muller[] = "m\xc3\xbcller@uni.example",
                      moller[] = "m\xc3\xb6ller@uni.example";
    struct senders *s = open_them();
    struct frozen frozen;
    struct err err = {""};
    assert_int_equal(senders_freeze(s, str_of(muller), STR("why"),
                                    STR("01ARZ3NDEKTSV4RRFFQ69G5FAV"), START, &err),
                     1);
    assert_int_equal(look(s, moller, &frozen), 0);
    assert_int_equal(look(s, muller, &frozen), 1);
    assert_string_equal(frozen.account, muller);
    assert_string_equal(frozen.note, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
    assert_int_equal(freeze(s, "a\xff\nb@uni.example", "why"), 1);
    assert_int_equal(look(s, "a\xff\nb@uni.example", &frozen), 1);
    assert_string_equal(frozen.account, "a??b@uni.example");
    assert_string_equal(frozen.note, "");
    assert_int_equal(thaw(s, "a\xff\nb@uni.example"), 1);
    assert_int_equal(thaw(s, moller), 0);
    assert_int_equal(thaw(s, muller), 1);
    senders_close(&s);
}

static void count(void *data, const struct frozen *frozen)
{
    ++*(size_t *)data;
}

static size_t count_them(const struct senders *s)
{
    struct err err = {""};
    size_t n = 0;
    assert_int_equal(senders_each(s, count, &n, &err), 0);
    return n;
}

/* Whatever a crash or a person has left of it: it is not taken for a no. */
static void a_damaged_record_is_frozen(void **data)
{
    static const char *const damage[] = {"", "poterne frozen 1\njean",
                                         "poterne frozen 2\na\n1\nb\n",
                                         "poterne frozen 1\na\nlong ago\nb\n"};
    struct senders *s = open_them();
    struct frozen frozen;
    char path[200] = "";
    assert_int_equal(freeze(s, "jean@uni.example", "why"), 1);
    snprintf(path, sizeof path, "%s/" SENDERS_FOLDER, state);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.')
            snprintf(path, sizeof path, "%s/" SENDERS_FOLDER "/%.40s", state, entry->d_name);
    closedir(dir);
    for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
        int fd = open(path, O_WRONLY | O_TRUNC);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, damage[i], strlen(damage[i])), (ssize_t)strlen(damage[i]));
        close(fd);
        assert_int_equal(look(s, "jean@uni.example", &frozen), 1);
        assert_string_equal(frozen.account, "jean@uni.example");
        assert_int_equal(freeze(s, "jean@uni.example", "why"), 0);
        assert_int_equal(count_them(s), 1);
    }
    assert_int_equal(thaw(s, "jean@uni.example"), 1);
    assert_int_equal(count_them(s), 0);
    senders_close(&s);
}

/* Only one of all that try at once hears that it is his doing. */
static void one_has_done_it(void **data)
{
    struct senders *s = open_them();
    pid_t children[8];
    int done = 0;
    for (size_t i = 0; i < 8; i++) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(freeze(s, "jean@uni.example", "why"));
        assert_true(children[i] > 0);
    }
    for (size_t i = 0; i < 8; i++) {
        int status = -1;
        waitpid(children[i], &status, 0);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
        done += WEXITSTATUS(status);
    }
    assert_int_equal(done, 1);
    assert_int_equal(count_them(s), 1);
    assert_int_equal(thaw(s, "jean@uni.example"), 1);
    senders_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_was_ever_frozen),   cmocka_unit_test(frozen_until_thawed),
        cmocka_unit_test(accounts_of_any_language), cmocka_unit_test(a_damaged_record_is_frozen),
        cmocka_unit_test(one_has_done_it),
    };
    return tap_run(tests, make_state, remove_state);
}
