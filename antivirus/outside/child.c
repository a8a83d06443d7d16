#include "antivirus/outside/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "antivirus/outside/preset.h"
#include "base/fsio.h"
#include "config.h"

#define FILES_MAX     256  /* open at once */
#define PROCESSES_MAX 1024 /* of its user */
#define NOT_RUN       127

/* What every dynamically linked program reads. */
static const char *const libraries[] = {"/lib", "/lib64", "/usr/lib", "/usr/lib64",
                                        "/etc/ld.so.cache"};
static const char *const loaders[] = {"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"};
/* Where other programs lie too, which are none of its business. */
static const char *const common_folders[] = {
    "", "/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"};

static void allow_if_there(struct sandbox *box, const char *path, enum sandbox_access access_)
{
    if (access(path, F_OK) == 0)
        sandbox_path(box, path, access_);
}

/* A product comes with its signatures in a folder of its own. */
static void allow_folder_of(struct sandbox *box, const char *program)
{
    char folder[PATH_MAX];
    struct str path = str_of(program);
    if (!str_copy(str_sub(path, 0, str_rchr(path, '/')), folder, sizeof folder))
        return;
    for (size_t i = 0; i < sizeof common_folders / sizeof common_folders[0]; i++)
        if (strcmp(common_folders[i], folder) == 0)
            return;
    sandbox_path_in(box, folder, ".", SANDBOX_READ);
}

void child_sandbox(const struct conf_scanner *scanner, struct sandbox *box)
{
    box->allow |= SANDBOX_FILES | SANDBOX_CHILDREN | SANDBOX_EXEC | SANDBOX_UNIX_CONNECT;
    for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++)
        allow_if_there(box, libraries[i], SANDBOX_READ);
    for (size_t i = 0; i < sizeof loaders / sizeof loaders[0]; i++)
        allow_if_there(box, loaders[i], SANDBOX_RUN);
    sandbox_path(box, preset_program(scanner), SANDBOX_RUN);
    allow_folder_of(box, preset_program(scanner));
    for (size_t i = 0; i < scanner->reads.n; i++)
        sandbox_path(box, scanner->reads.items[i], SANDBOX_READ);
}

/* --- in the child --- */

static int lower(int what, rlim_t value)
{
    struct rlimit limit;
    if (getrlimit(what, &limit) < 0)
        return -1;
    if (limit.rlim_max > value)
        limit.rlim_max = value;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(what, &limit);
}

static int set_limits(const struct child_plan *plan, struct err *err)
{
    if (lower(RLIMIT_CORE, 0) < 0 || lower(RLIMIT_CPU, plan->seconds) < 0 ||
        lower(RLIMIT_FSIZE, plan->file_limit) < 0 || lower(RLIMIT_NOFILE, FILES_MAX) < 0 ||
        lower(RLIMIT_NPROC, PROCESSES_MAX) < 0)
        return err_sys(err, "cannot set its limits");
#ifndef POTERNE_SANITIZE /* ASan reserves terabytes of address space */
    if (lower(RLIMIT_AS, plan->scanner->memory_limit) < 0)
        return err_sys(err, "cannot limit its memory");
#endif
    return 0;
}

static int become(const struct child_plan *plan, int says, struct err *err)
{
    static const char *const nothing[] = {NULL};
    struct sandbox box = {.allow = SANDBOX_THREADS, .required = plan->sandbox_required};
    /* all that it starts is in its group, and nothing in the sandbox can leave one */
    if (setpgid(0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return err_sys(err, "cannot make a process group");
    if (dup2(plan->null_fd, STDIN_FILENO) < 0 || dup2(says, STDOUT_FILENO) < 0 ||
        dup2(says, STDERR_FILENO) < 0 || close_range(STDERR_FILENO + 1, UINT_MAX, 0) < 0)
        return err_sys(err, "cannot give it its descriptors");
    if (chdir(plan->work) < 0)
        return err_sys(err, "cannot enter %s", plan->work);
    for (int i = 1; i < NSIG; i++)
        signal(i, SIG_DFL);
    child_sandbox(plan->scanner, &box);
    sandbox_path(&box, plan->folder, SANDBOX_WRITE);
    if (sandbox_enter(&box, err) < 0 || set_limits(plan, err) < 0)
        return -1;
    execve(plan->argv[0], (char *const *)plan->argv, (char *const *)nothing);
    return err_sys(err, "cannot run %s", plan->argv[0]);
}

/* --- in the parent --- */

int child_start(struct child *child, const struct child_plan *plan, struct err *err)
{
    int pair[2];
    *child = CHILD_NONE_RUNS;
    if (pipe2(pair, O_CLOEXEC | O_NONBLOCK) < 0)
        return err_sys(err, "cannot make a pipe");
    /* its own end blocks, as a program expects */
    fcntl(pair[1], F_SETFL, 0);
    pid_t pid = fork();
    if (pid == 0) {
        become(plan, pair[1], err);
        dprintf(STDERR_FILENO, "%s\n", err->text);
        _exit(NOT_RUN);
    }
    close(pair[1]);
    child->says = pair[0];
    if (pid < 0) {
        child_stop(child);
        return err_sys(err, "cannot fork");
    }
    child->pid = pid;
    setpgid(pid, pid); /* whoever is first: it must be there before it is ended */
    child->alive = pidfd_open(pid, 0);
    if (child->alive >= 0)
        return 0;
    err_sys(err, "cannot watch the program");
    child_stop(child);
    return -1;
}

/* The group outlives its leader, which is not waited for before this. */
static void end_group(struct child *child, int *status)
{
    kill(-child->pid, SIGKILL);
    kill(child->pid, SIGKILL);
    /* a status that nobody can tell must not pass for exit code 0 */
    *status = SIGKILL;
    while (waitpid(child->pid, status, 0) < 0 && errno == EINTR)
        ;
    child->pid = 0;
    fsio_close_quiet(&child->alive);
}

bool child_ended(struct child *child, int *status)
{
    struct pollfd p = {.fd = child->alive, .events = POLLIN};
    if (child->pid == 0 || poll(&p, 1, 0) != 1)
        return false;
    end_group(child, status);
    return true;
}

void child_stop(struct child *child)
{
    int status;
    if (child->pid > 0)
        end_group(child, &status);
    fsio_close_quiet(&child->says);
}
