/*
 * A program that stands in for a command-line scanner: what it does is its first argument, the
 * folder with the files the last.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "t/unit/antivirus_samples.h"

extern char **environ;

/* No cleanup of libraries, which sanitizers would use to look around. */
static _Noreturn void leave(int code)
{
    fflush(stdout);
    _exit(code);
}

static int holds_test_file(const char *folder, const char *name)
{
    static char bytes[1 << 20];
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_RDONLY);
    ssize_t n = fd >= 0 ? read(fd, bytes, sizeof bytes) : -1;
    if (fd >= 0)
        close(fd);
    if (n < 0)
        leave(99);
    return memmem(bytes, (size_t)n, EICAR, strlen(EICAR)) != NULL;
}

static _Noreturn void look(const char *folder)
{
    const struct dirent *entry;
    int found = 0;
    DIR *dir = opendir(folder);
    if (dir == NULL)
        leave(98);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        int bad = holds_test_file(folder, entry->d_name);
        printf("%s/%s ... %s\n", folder, entry->d_name,
               bad ? "Found the EICAR test file virus !!!" : "is OK");
        found |= bad;
    }
    leave(found ? 13 : 0);
}

/* With children that want to live on. */
static _Noreturn void hang(void)
{
    for (int i = 0; i < 4; i++)
        if (fork() == 0) {
            setsid();
            setpgid(0, 0);
            signal(SIGTERM, SIG_IGN);
            if (fork() == 0)
                for (;;)
                    pause();
            for (;;)
                pause();
        }
    for (;;)
        pause();
}

/* Leaves a child behind that holds the pipe, and says that all is well. */
static _Noreturn void abandon(void)
{
    if (fork() == 0)
        for (;;)
            pause();
    leave(0);
}

static _Noreturn void flood(void)
{
    for (;;)
        if (write(1, "Found nothing, found nothing\n", 29) < 0)
            leave(0);
}

static _Noreturn void eat(void)
{
    for (;;) {
        char *p = malloc(1 << 20);
        if (p == NULL)
            leave(77);
        memset(p, 1, 1 << 20);
    }
}

static _Noreturn void spin(void)
{
    for (volatile unsigned i = 0;; i++)
        ;
}

/* What it was started with. */
static _Noreturn void inspect(int argc, char **argv)
{
    char cwd[PATH_MAX];
    struct rlimit limit;
    if (argc != 4 || strcmp(argv[2], "a b; $HOME `id` \"'*") != 0)
        leave(2);
    if (environ[0] != NULL)
        leave(3);
    for (int fd = 0; fd < 1000; fd++)
        if ((fcntl(fd, F_GETFD) >= 0) != (fd < 3))
            leave(4);
    if (getcwd(cwd, sizeof cwd) == NULL || strstr(cwd, "/fake/work") == NULL)
        leave(5);
    if (open("mine", O_CREAT | O_WRONLY, 0600) < 0)
        leave(6);
    if (getrlimit(RLIMIT_CORE, &limit) < 0 || limit.rlim_max != 0)
        leave(7);
    leave(0);
}

/* Each thing that it must not be able to do; the number of the first that it can. */
static _Noreturn void escape(void)
{
    static const char *const shell[] = {"/bin/sh", "-c", "exit 0", NULL};
    static const char *const none[] = {NULL};
    static const char *const loader[] = {"/lib64/ld-linux-x86-64.so.2", "/bin/sh", "-c", "exit 50",
                                         NULL};
    if (open("/etc/passwd", O_RDONLY) >= 0 || open("/etc/hostname", O_RDONLY) >= 0)
        leave(10);
    if (open("../../escaped", O_CREAT | O_WRONLY, 0600) >= 0)
        leave(11);
    if (socket(AF_INET, SOCK_STREAM, 0) >= 0 || socket(AF_INET6, SOCK_DGRAM, 0) >= 0)
        leave(12);
    if (setsid() >= 0 || setpgid(0, 0) >= 0)
        leave(13);
    if (kill(getppid(), 0) >= 0)
        leave(14);
    execve(shell[0], (char *const *)shell, (char *const *)none);
    if (errno != EACCES && errno != EPERM)
        leave(15);
    execve(loader[0], (char *const *)loader, (char *const *)none);
    leave(0);
}

int main(int argc, char **argv)
{
    const char *act = argc > 1 ? argv[1] : "";
    if (strcmp(act, "look") == 0)
        look(argv[argc - 1]);
    if (strcmp(act, "exit") == 0)
        leave((int)strtol(argv[2], NULL, 10));
    if (strcmp(act, "say") == 0) {
        printf("%s\n", argv[2]);
        leave(0);
    }
    if (strcmp(act, "hang") == 0)
        hang();
    if (strcmp(act, "abandon") == 0)
        abandon();
    if (strcmp(act, "flood") == 0)
        flood();
    if (strcmp(act, "eat") == 0)
        eat();
    if (strcmp(act, "spin") == 0)
        spin();
    if (strcmp(act, "crash") == 0)
        raise(SIGKILL);
    if (strcmp(act, "inspect") == 0)
        inspect(argc, argv);
    if (strcmp(act, "escape") == 0)
        escape();
    leave(64);
}
