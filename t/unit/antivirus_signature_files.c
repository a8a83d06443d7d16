/* The fingerprint of the signature files: every change that the engines would load changes it, and
 * nothing else does. */
#include "t/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "antivirus/signature_files.h"
#include "base/fsio.h"

static const char *names[] = {"clamav", "yara"};

struct fixture {
    char root[64];
    char clamav[96], yara[96];
    struct conf_antivirus conf;
    unsigned folders;
};

static int set_up(void **state)
{
    static struct fixture f;
    snprintf(f.root, sizeof f.root, "/tmp/poterne-files-XXXXXX");
    assert_non_null(mkdtemp(f.root));
    snprintf(f.clamav, sizeof f.clamav, "%s/clamav", f.root);
    snprintf(f.yara, sizeof f.yara, "%s/yara", f.root);
    assert_int_equal(mkdir(f.clamav, 0700), 0);
    assert_int_equal(mkdir(f.yara, 0700), 0);
    f.conf = (struct conf_antivirus){.engines = {names, 2},
                                     .clamav_databases = f.clamav,
                                     .yara_rules = f.yara};
    *state = &f;
    return 0;
}

static void path_of(const struct fixture *f, const char *name, char out[256])
{
    snprintf(out, 256, "%s/%s", f->root, name);
}

static void put(const struct fixture *f, const char *name, const char *text)
{
    char path[256];
    path_of(f, name, path);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    static const char *const made[] = {"clamav/a.ndb",
                                       "clamav/b.hdb",
                                       "clamav/freshclam.dat",
                                       "clamav/c.ndb.tmp",
                                       "clamav/tmp.1/d.cvd",
                                       "yara/a.yar",
                                       "yara/deep/b.yara",
                                       "yara/deep/c.inc",
                                       "yara/x~",
                                       "yara/.hidden.yar",
                                       "clamav/tmp.1",
                                       "yara/deep",
                                       "clamav",
                                       "yara"};
    char path[256];
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        path_of(f, made[i], path);
        assert_true(remove(path) == 0 || errno == ENOENT);
    }
    return rmdir(f->root);
}

static void count_folder(void *data, const char *path)
{
    struct fixture *f = data;
    assert_int_equal(strncmp(path, f->root, strlen(f->root)), 0);
    f->folders++;
}

static uint64_t look(struct fixture *f, struct signature_files *found)
{
    struct err err = {""};
    f->folders = 0;
    if (signature_files_look(&f->conf, count_folder, f, found, &err) < 0)
        fail_msg("%s", err.text);
    assert_true(found->fingerprint != 0);
    return found->fingerprint;
}

static void what_engines_load_counts(void **state)
{
    struct fixture *f = *state;
    struct signature_files found;
    char path[256];
    uint64_t before = look(f, &found);
    static const char *const count[] = {"clamav/a.ndb", "clamav/b.hdb", "yara/a.yar"};
    for (size_t i = 0; i < 3; i++) {
        put(f, count[i], "one");
        uint64_t now = look(f, &found);
        assert_true(now != before);
        assert_int_equal(found.n, i + 1);
        assert_true(look(f, &found) == now);
        before = now;
    }
    assert_true(found.clamav_newest > 0 && found.yara_newest > 0);
    /* another file under the same name, of the same size and time */
    struct stat st;
    path_of(f, "clamav/a.ndb", path);
    assert_int_equal(stat(path, &st), 0);
    put(f, "clamav/c.ndb.tmp", "two");
    char other[256];
    path_of(f, "clamav/c.ndb.tmp", other);
    const struct timespec times[2] = {st.st_atim, st.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, other, times, 0), 0);
    assert_int_equal(rename(other, path), 0);
    assert_true(look(f, &found) != before);
    before = found.fingerprint;
    assert_int_equal(unlink(path), 0);
    assert_true(look(f, &found) != before);
    assert_int_equal(found.n, 2);
}

static void what_they_do_not_load_does_not(void **state)
{
    struct fixture *f = *state;
    struct signature_files found;
    char path[256];
    uint64_t before = look(f, &found);
    path_of(f, "clamav/tmp.1", path);
    assert_int_equal(mkdir(path, 0700), 0);
    static const char *const others[] = {"clamav/freshclam.dat", "clamav/c.ndb.tmp",
                                         "clamav/tmp.1/d.cvd", "yara/x~", "yara/.hidden.yar"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        put(f, others[i], "one");
    assert_true(look(f, &found) == before);
    assert_int_equal(found.n, 0);
    assert_int_equal(f->folders, 2);
}

static void rules_may_lie_deeper_and_include_others(void **state)
{
    struct fixture *f = *state;
    struct signature_files found;
    char path[256];
    path_of(f, "yara/deep", path);
    assert_int_equal(mkdir(path, 0700), 0);
    put(f, "yara/deep/b.yara", "one");
    uint64_t before = look(f, &found);
    assert_int_equal(found.n, 1);
    assert_int_equal(f->folders, 3);
    put(f, "yara/deep/c.inc", "one");
    assert_true(look(f, &found) != before);
}

static void only_configured_engines_count(void **state)
{
    struct fixture *f = *state;
    struct signature_files found;
    f->conf.engines.n = 1;
    put(f, "yara/a.yar", "one");
    look(f, &found);
    assert_int_equal(found.n, 0);
    assert_true(found.yara_newest == 0);
}

static void one_rule_file_will_do(void **state)
{
    struct fixture *f = *state;
    struct signature_files found;
    char path[256];
    put(f, "yara/a.yar", "one");
    path_of(f, "yara/a.yar", path);
    f->conf.yara_rules = path;
    uint64_t before = look(f, &found);
    assert_int_equal(found.n, 1);
    put(f, "yara/a.yar", "another");
    assert_true(look(f, &found) != before);
}

static void the_file_policy_counts_too(void **state)
{
    struct fixture *f = *state;
    struct signature_files found;
    static const char *policy[] = {"files"};
    char path[256];
    path_of(f, "yara/a.yar", path);
    put(f, "yara/a.yar", "one");
    f->conf.engines = (struct conf_list){policy, 1};
    f->conf.file_policy = path;
    uint64_t before = look(f, &found);
    assert_int_equal(found.n, 1);
    assert_true(found.policy_newest > 0);
    put(f, "yara/a.yar", "another");
    assert_true(look(f, &found) != before);
}

static void what_cannot_be_read_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct signature_files found;
    struct err err = {""};
    f->conf.clamav_databases = "/nonexistent/clamav";
    assert_int_equal(signature_files_look(&f->conf, NULL, NULL, &found, &err), -1);
    assert_non_null(strstr(err.text, "/nonexistent/clamav: No such file"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_engines_load_counts),
        TEST(what_they_do_not_load_does_not),
        TEST(the_file_policy_counts_too),
        TEST(one_rule_file_will_do),
        TEST(rules_may_lie_deeper_and_include_others),
        TEST(only_configured_engines_count),
        TEST(what_cannot_be_read_is_an_error),
    };
    return tap_run(tests, NULL, NULL);
}
