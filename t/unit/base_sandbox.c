/* Each test forks: a sandbox can't be left. The child's exit status is its report. */
#include "t/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sandbox.h"
#include "config.h"

static char folder[] = "/tmp/poterne-sandbox-XXXXXX";
static char inside[64], outside[] = "/etc/passwd";

enum { FINE = 0, NOT_ENTERED = 100 };

/* Runs `act` in a child in the sandbox; its return value, or -signal. */
static int in_sandbox(const struct sandbox *box, int (*act)(void))
{
    int status;
    struct err err;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        _exit(sandbox_enter(box, &err) < 0 ? NOT_ENTERED : act());
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int opens_outside(void)
{
    return open(outside, O_RDONLY) >= 0 ? 1 : 0;
}

static int opens_inside(void)
{
    int fd = open(inside, O_RDWR | O_CREAT, 0600);
    return fd >= 0 && write(fd, "x", 1) == 1 && opens_outside() == 0 ? 0 : 1;
}

static int reads_but_does_not_write(void)
{
    if (open(inside, O_RDONLY) < 0)
        return 1;
    if (open(inside, O_WRONLY) >= 0 || unlink(inside) == 0)
        return 2;
    return 0;
}

static int makes_sockets(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) >= 0 || socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ||
           socket(AF_NETLINK, SOCK_RAW, 0) >= 0;
}

static int makes_unix_sockets_only(void)
{
    if (socket(AF_UNIX, SOCK_STREAM, 0) < 0)
        return 1;
    return socket(AF_INET, SOCK_STREAM, 0) >= 0 || socket(AF_INET6, SOCK_DGRAM, 0) >= 0 ? 2 : 0;
}

static int forks(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid > 0;
}

static int executes(void)
{
    execl("/bin/true", "true", (char *)NULL);
    return 0;
}

static void *note(void *at)
{
    *(int *)at = opens_outside() == 0 ? 7 : 8;
    return NULL;
}

static int threads(void)
{
    pthread_t thread;
    int value = 0;
    if (pthread_create(&thread, NULL, note, &value) != 0 || pthread_join(thread, NULL) != 0)
        return 1;
    return value == 7 && !forks() ? 0 : 2;
}

/* The number of the first thing that should not be possible. */
static int reaches_beyond_its_children(void)
{
    struct rlimit limit = {16, 16};
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(7);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 7)
        return 1;
    if (setrlimit(RLIMIT_CORE, &limit) < 0 || getrlimit(RLIMIT_CORE, &limit) < 0)
        return 2;
    if (prlimit(getppid(), RLIMIT_CORE, &limit, NULL) == 0 || errno != EPERM)
        return 3;
    static const unsigned long flags[] = {CLONE_PARENT, CLONE_NEWUSER, CLONE_NEWNET};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        long made = syscall(SYS_clone, flags[i] | SIGCHLD, NULL, NULL, NULL, NULL);
        if (made == 0)
            _exit(0);
        if (made > 0 || errno != EPERM)
            return 4 + (int)i;
    }
    return 0;
}

static void children_stay_children(void **state)
{
    struct sandbox program = {.allow = SANDBOX_CHILDREN | SANDBOX_EXEC, .required = true};
    struct sandbox worker = {.allow = SANDBOX_FORK | SANDBOX_NEST, .required = true};
    assert_int_equal(in_sandbox(&program, reaches_beyond_its_children), 0);
    assert_int_equal(in_sandbox(&worker, reaches_beyond_its_children), 0);
}

static void nothing_asked_nothing_allowed(void **state)
{
    struct sandbox box = {.required = true};
    assert_int_equal(in_sandbox(&box, opens_outside), 0);
    assert_int_equal(in_sandbox(&box, makes_sockets), 0);
    assert_int_equal(in_sandbox(&box, forks), 0);
}

static void exec_ends_the_process(void **state)
{
#ifdef POTERNE_SANITIZE
    tap_skip("the sanitizers' run time needs the calls that are deadly otherwise");
#endif
    struct sandbox box = {.allow = SANDBOX_FORK | SANDBOX_FILES, .required = true};
    assert_int_equal(in_sandbox(&box, executes), -SIGSYS);
}

static void only_the_listed_folder_is_there(void **state)
{
    struct sandbox box = {.allow = SANDBOX_FILES, .required = true};
    sandbox_path(&box, folder, SANDBOX_WRITE);
    assert_int_equal(in_sandbox(&box, opens_inside), 0);
    struct sandbox reader = {.allow = SANDBOX_FILES, .required = true};
    sandbox_path(&reader, folder, SANDBOX_READ);
    assert_int_equal(in_sandbox(&reader, reads_but_does_not_write), 0);
}

static void unix_sockets_are_no_network(void **state)
{
    struct sandbox box = {.allow = SANDBOX_UNIX_CONNECT, .required = true};
    assert_int_equal(in_sandbox(&box, makes_unix_sockets_only), 0);
}

static void threads_are_inside_too(void **state)
{
    struct sandbox box = {.allow = SANDBOX_THREADS | SANDBOX_FILES, .required = true};
    assert_int_equal(in_sandbox(&box, threads), 0);
}

static void a_missing_path_is_an_error(void **state)
{
    struct sandbox box = {.required = true};
    sandbox_path(&box, "/nonexistent/folder", SANDBOX_READ);
    assert_int_equal(in_sandbox(&box, opens_outside), NOT_ENTERED);
    struct sandbox many = {.required = true};
    for (int i = 0; i <= SANDBOX_PATHS_MAX; i++)
        sandbox_path(&many, folder, SANDBOX_READ);
    assert_int_equal(in_sandbox(&many, opens_outside), NOT_ENTERED);
}

static int make_folder(void **state)
{
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(inside, sizeof inside, "%s/file", folder);
    return 0;
}

static int remove_folder(void **state)
{
    unlink(inside);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_asked_nothing_allowed),
        cmocka_unit_test(children_stay_children),
        cmocka_unit_test(exec_ends_the_process),
        cmocka_unit_test(only_the_listed_folder_is_there),
        cmocka_unit_test(unix_sockets_are_no_network),
        cmocka_unit_test(threads_are_inside_too),
        cmocka_unit_test(a_missing_path_is_an_error),
    };
    return tap_run(tests, make_folder, remove_folder);
}
