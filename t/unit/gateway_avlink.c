/*
 * avlink's sandbox, from inside: each attempt in a child of its own that has loaded and entered as
 * a worker does; the exit status is its report.
 */
#include "t/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"
#include "gateway/avlink/role.h"
#include "gateway/scan.h"

enum { FINE = 0, NOT_LOADED = 100, NOT_ENTERED = 101 };

#define ONLY_UNIX "scanner a { type = clamd; address = /tmp/poterne-no.sock }\n"
#define ONLY_TCP  "scanner a { type = icap; address = icap://127.0.0.1:1/scan }\n"
#define COMMAND                                                                                    \
    "scanner a { type = command; command = { \"" SCANNER_PROGRAM "\", exit, 0, %f }\n"             \
    "  clean = 0; infected = 1 }\n"

static char folder[] = "/tmp/poterne-avlink-XXXXXX";

static int make_folder(void **state)
{
    char path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/avlink", folder);
    return mkdir(path, 0700);
}

static int remove_folder(void **state)
{
    char path[64];
    snprintf(path, sizeof path, "%s/avlink", folder);
    return rmdir(path) == 0 ? rmdir(folder) : -1;
}

static int enter(const struct role_env *env, void **data)
{
    struct err err = {""};
    struct sandbox box = {.required = true};
    if (avlink_role.load(env, data, &err) < 0)
        return NOT_LOADED;
    avlink_role.sandbox(env, &box);
    return sandbox_enter(&box, &err) < 0 ? NOT_ENTERED : FINE;
}

/* What `act` returns in the sandbox of these scanners, or minus the signal that ended it. */
static int from_inside(const char *scanners, int (*act)(void))
{
    struct err err = {""};
    struct buf text = BUF_INIT(4096);
    int status;
    buf_addf(&text,
             "run_dir = \"%s\"\ndomain example.org { next_hop = lmtp://127.0.0.1:24 }\n"
             "antivirus { engines = a }\n%s",
             folder, scanners);
    struct conf *conf = conf_parse(buf_str(&text), "test.conf", &err);
    if (conf == NULL)
        fail_msg("%s", err.text);
    const struct role_env env = {.conf = conf, .ctl_fd = -1, .service_fd = -1};
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        void *data = NULL;
        int result = enter(&env, &data);
        _exit(result == FINE ? act() : result);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    conf_free(&conf);
    buf_release(&text);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int opens_files(void)
{
    static const char *const paths[] = {"/etc/passwd", "/etc/hostname", "/proc/self/maps", "/",
                                        ".."};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (open(paths[i], O_RDONLY) >= 0)
            return 1 + (int)i;
    return open("../escaped", O_CREAT | O_WRONLY, 0600) >= 0 ? 50 : FINE;
}

static int runs_a_shell(void)
{
    static const char *const argv[] = {"/bin/sh", "-c", "exit 0", NULL};
    execve(argv[0], (char *const *)argv, NULL);
    return errno == EACCES ? FINE : 1;
}

/* One bit for each kind of socket that it gets. */
static int makes_sockets(void)
{
    return (socket(AF_UNIX, SOCK_STREAM, 0) >= 0) | (socket(AF_INET, SOCK_STREAM, 0) >= 0) << 1 |
           (socket(AF_INET6, SOCK_STREAM, 0) >= 0) << 2 |
           (socket(AF_NETLINK, SOCK_RAW, 0) >= 0) << 3;
}

#ifndef POTERNE_SANITIZE /* sanitizers need what is forbidden here */
static int forks(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid > 0;
}
#endif

static bool kernel_lacks_it(void)
{
    struct err err;
    const struct sandbox box = {.allow = SANDBOX_FILES, .required = true};
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        _exit(sandbox_enter(&box, &err) < 0);
    return waitpid(pid, &status, 0) != pid || status != 0;
}

static void opens_nothing_but_its_connections(void **state)
{
    if (kernel_lacks_it())
        tap_skip("this kernel lacks Landlock or seccomp");
    assert_int_equal(from_inside(ONLY_UNIX, opens_files), FINE);
    assert_int_equal(from_inside(COMMAND, opens_files), FINE);
    assert_int_equal(from_inside(ONLY_UNIX, makes_sockets), 1);
    assert_int_equal(from_inside(ONLY_TCP, makes_sockets), 2 | 4);
    assert_int_equal(from_inside(COMMAND, makes_sockets), 1);
}

static void runs_nothing_but_its_programs(void **state)
{
    if (kernel_lacks_it())
        tap_skip("this kernel lacks Landlock or seccomp");
#ifndef POTERNE_SANITIZE
    assert_int_equal(from_inside(ONLY_UNIX, runs_a_shell), -SIGSYS);
    assert_int_equal(from_inside(ONLY_TCP, runs_a_shell), -SIGSYS);
    assert_int_equal(from_inside(ONLY_TCP, forks), 0);
#endif
    assert_int_equal(from_inside(COMMAND, runs_a_shell), FINE);
}

/* A worker that was taken over must not say "clean" for engines that are not its own. */
static void neither_speaks_for_the_other(void **state)
{
    const struct av_answer said[] = {{.engine = "yara", .result = AV_CLEAN},
                                     {.engine = "a", .result = AV_CLEAN}};
    struct err err = {""};
    struct conf *conf = conf_parse(STR("domain example.org { next_hop = lmtp://127.0.0.1:24 }\n"
                                       "antivirus { engines = { yara, a } }\n" ONLY_UNIX),
                                   "test.conf", &err);
    if (conf == NULL)
        fail_msg("%s", err.text);
    struct av_answer all[AV_ENGINES_MAX], ordered[AV_ENGINES_MAX];
    struct buf reply = BUF_INIT(4096);
    size_t n = 0;
    av_answers_put(&reply, said, 2);
    assert_true(av_answers_add(&conf->antivirus, AV_SPEAKER_ANTIVIRUS, buf_str(&reply), all, &n));
    assert_int_equal(n, 1);
    assert_string_equal(all[0].engine, "yara");
    assert_int_equal(av_answers_order(&conf->antivirus, all, n, ordered), 2);
    assert_int_equal(ordered[1].result, AV_FAILED);
    assert_true(av_answers_add(&conf->antivirus, AV_SPEAKER_AVLINK, buf_str(&reply), all, &n));
    assert_int_equal(n, 2);
    assert_string_equal(all[1].engine, "a");
    assert_false(av_answers_add(&conf->antivirus, AV_SPEAKER_AVLINK, STR("x"), all, &n));
    assert_int_equal(n, 2);
    buf_release(&reply);
    conf_free(&conf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_nothing_but_its_connections),
        cmocka_unit_test(runs_nothing_but_its_programs),
        cmocka_unit_test(neither_speaks_for_the_other),
    };
    return tap_run(tests, make_folder, remove_folder);
}
