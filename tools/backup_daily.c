/* The daily backup is made by a child: the managers also hear of one that was killed, or hangs. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "tools/backup_daily.h"

static _Noreturn void work(pid_t parent, const sigset_t *mask, int (*make)(void *data), void *data)
{
    sigprocmask(SIG_SETMASK, mask, NULL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
        _exit(TOOL_FAILED);
    exit(make(data));
}

/* Until it ends, at most so long; SIGCHLD is blocked. False: it had to be killed. */
static bool wait_for(pid_t pid, int64_t until, int *status)
{
    sigset_t ended;
    sigemptyset(&ended);
    sigaddset(&ended, SIGCHLD);
    while (waitpid(pid, status, WNOHANG) != pid) {
        int64_t left = until - clock_seconds();
        if (left <= 0) {
            kill(pid, SIGKILL);
            waitpid(pid, status, 0);
            return false;
        }
        const struct timespec wait = {.tv_sec = left};
        sigtimedwait(&ended, NULL, &wait);
    }
    return true;
}

int backup_daily(unsigned seconds, int (*make)(void *data), void *data, struct err *err)
{
    sigset_t block, mask;
    int status = 0;
    pid_t parent = getpid();
    sigemptyset(&block);
    sigaddset(&block, SIGCHLD);
    sigprocmask(SIG_BLOCK, &block, &mask);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        work(parent, &mask, make, data);
    int result = pid < 0 ? err_sys(err, "cannot fork") : 0;
    if (result == 0 && !wait_for(pid, clock_seconds() + seconds, &status))
        result = err_set(err, "it was not done after %u hours, and was ended", seconds / 3600);
    else if (result == 0 && WIFSIGNALED(status))
        result = err_set(err, "it was killed by signal %d%s", WTERMSIG(status),
                         WTERMSIG(status) == SIGKILL ? " (was memory short?)" : "");
    sigprocmask(SIG_SETMASK, &mask, NULL);
    return result < 0 ? -1 : WEXITSTATUS(status);
}
