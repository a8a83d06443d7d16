/* poterne-delivery as poterned starts it: settings, control socket, service socket by descriptor.
 */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/ipc.h"
#include "base/role.h"
#include "spool/notice.h"
#include "t/delivery/fake.h"

#define UID_FIRST 64000 /* when the test runs as root: the program does not */
#define READY_MS  20000

static void must(bool good, const char *what)
{
    if (!good) {
        perror(what);
        abort();
    }
}

static void make_folder(const char *path)
{
    must(mkdir(path, 02770) == 0 && chmod(path, 02770) == 0, path);
    if (geteuid() == 0)
        must(chown(path, UID_FIRST, UID_FIRST) == 0 && chmod(path, 02770) == 0, path);
}

void gateway_make(struct gateway *gateway)
{
    static const char *const folders[] = {"queue", "quarantine", "incoming", "corrupt", "sts"};
    char path[160];
    struct err err;
    memset(gateway, 0, sizeof *gateway);
    snprintf(gateway->root, sizeof gateway->root, "/tmp/poterne-delivery-XXXXXX");
    must(mkdtemp(gateway->root) != NULL && chmod(gateway->root, 0755) == 0, gateway->root);
    snprintf(gateway->state_dir, sizeof gateway->state_dir, "%s/state", gateway->root);
    snprintf(gateway->run_dir, sizeof gateway->run_dir, "%s/run", gateway->root);
    make_folder(gateway->state_dir);
    make_folder(gateway->run_dir);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        snprintf(path, sizeof path, "%s/%s", gateway->state_dir, folders[i]);
        make_folder(path);
    }
    gateway->spool = spool_open(gateway->state_dir, &err);
    ipc_path(gateway->run_dir, "delivery", path, sizeof path);
    gateway->service_fd = ipc_listen(path, 0666, &err);
    must(gateway->spool && gateway->service_fd >= 0, err.text);
    gateway->ctl_fd = -1;
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    return remove(path);
}

void gateway_remove(struct gateway *gateway)
{
    if (gateway->pid)
        gateway_kill(gateway);
    spool_close(&gateway->spool);
    close(gateway->service_fd);
    nftw(gateway->root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* gateway/poterne-delivery of the build tree in which this test stands in t/unit/. */
static void find_program(char *path, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", path, size - 1);
    must(n > 0, "/proc/self/exe");
    path[n] = '\0';
    for (int i = 0; i < 3; i++)
        *strrchr(path, '/') = '\0';
    size_t at = strlen(path);
    snprintf(path + at, size - at, "/gateway/poterne-delivery");
}

static _Noreturn void become(int conf_fd, int ctl_fd, int service_fd)
{
    char program[4096];
    char fds[3][16];
    find_program(program, sizeof program);
    const int wanted[] = {conf_fd, ctl_fd, service_fd};
    for (int i = 0; i < 3; i++) {
        fcntl(wanted[i], F_SETFD, 0);
        snprintf(fds[i], sizeof fds[i], "%d", wanted[i]);
    }
    /* the leak checker traces its process, which the sandbox forbids */
    setenv("ASAN_OPTIONS", "detect_leaks=0", 0);
    if (getenv("POTERNE_TEST_LOG") == NULL) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDERR_FILENO);
    }
    execl(program, program, "--conf-path", "test", "--conf-fd", fds[0], "--ctl-fd", fds[1],
          "--service-fd", fds[2], (char *)NULL);
    _exit(127);
}

static int settings_fd(const struct gateway *gateway, const char *settings)
{
    char path[160];
    struct buf text = BUF_INIT(100000);
    struct err err;
    buf_addf(&text, "hostname = mx.example\nstate_dir = \"%s\"\nrun_dir = \"%s\"\n%s\n",
             gateway->state_dir, gateway->run_dir, settings);
    if (geteuid() == 0)
        buf_addf(&text, "uid_first = %d\n", UID_FIRST);
    if (getenv("POTERNE_TEST_LOG"))
        buf_addf(&text, "log_level = debug\n");
    snprintf(path, sizeof path, "%s/conf", gateway->root);
    must(fsio_replace(path, buf_str(&text), 0644, &err) == 0, err.text);
    buf_release(&text);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    must(fd >= 0, path);
    return fd;
}

void gateway_start(struct gateway *gateway, const char *settings)
{
    int ctl[2];
    char byte = 0;
    int conf_fd = settings_fd(gateway, settings);
    must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ctl) == 0, "socketpair");
    gateway->pid = fork();
    if (gateway->pid == 0)
        become(conf_fd, ctl[1], gateway->service_fd);
    close(ctl[1]);
    close(conf_fd);
    gateway->ctl_fd = ctl[0];
    struct pollfd p = {.fd = ctl[0], .events = POLLIN};
    must(poll(&p, 1, READY_MS) == 1 && recv(ctl[0], &byte, 1, 0) == 1 && byte == ROLE_READY,
         "poterne-delivery does not start (POTERNE_TEST_LOG=1 shows its log)");
}

static int reap(struct gateway *gateway)
{
    int status = 0;
    waitpid(gateway->pid, &status, 0);
    close(gateway->ctl_fd);
    gateway->pid = 0;
    return status;
}

/* As who it runs as, which needs no privilege. */
static void limit_files(pid_t pid, uint64_t bytes)
{
    char path[64], line[256];
    unsigned uid = 0, gid = 0;
    struct rlimit limit;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *status = fopen(path, "r");
    must(status != NULL, path);
    while (fgets(line, sizeof line, status)) {
        sscanf(line, "Uid: %u", &uid);
        sscanf(line, "Gid: %u", &gid);
    }
    fclose(status);
    must(setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0, "setresuid");
    must(prlimit(pid, RLIMIT_FSIZE, NULL, &limit) == 0, "prlimit");
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    must(prlimit(pid, RLIMIT_FSIZE, &limit, NULL) == 0, "prlimit");
    _exit(0);
}

void gateway_limit_files(struct gateway *gateway, uint64_t bytes)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0)
        limit_files(gateway->pid, bytes);
    must(child > 0 && waitpid(child, &status, 0) == child && status == 0, "prlimit");
}

void gateway_kill(struct gateway *gateway)
{
    kill(gateway->pid, SIGKILL);
    reap(gateway);
}

int gateway_drain(struct gateway *gateway)
{
    char byte = ROLE_DRAIN;
    must(send(gateway->ctl_fd, &byte, 1, 0) == 1, "control socket");
    return reap(gateway);
}

void gateway_put(struct gateway *gateway, const char *subject, const char *const *recipients,
                 enum spool_state state, const char *held, char id[SPOOL_ID_LEN + 1])
{
    struct spool_recipient list[300];
    static struct edit edits[] = {{.at = 0, .insert = STR("X-Poterne-Id: test\r\n")}};
    struct buf text = BUF_INIT(1000 + gateway->padding);
    struct err err;
    size_t n = 0;
    struct timespec now;
    for (; recipients[n]; n++)
        list[n] = (struct spool_recipient){.address = str_of(recipients[n])};
    clock_gettime(CLOCK_REALTIME, &now);
    spool_id_make(id);
    const struct envelope e = {.id = str_of(id),
                               .time_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000,
                               .sender = STR("sender@shop.example"),
                               .protocol = str_of(gateway->protocol ? gateway->protocol : ""),
                               .recipients = list,
                               .n_recipients = n,
                               .account = str_of(gateway->account ? gateway->account : ""),
                               .subject = str_of(subject),
                               .verdict = STR("ham"),
                               .held = str_of(held),
                               .edits = {.list = edits, .n = 1}};
    buf_addf(&text, "Subject: %s\r\n\r\n.a line with a dot\r\n", subject);
    while (text.n < gateway->padding)
        buf_addf(&text, "a line that is as long as others\r\n");
    struct spool_writer *w = spool_receive(gateway->spool, id, &err);
    must(w && spool_write(w, buf_str(&text), &err) == 0 && spool_commit(&w, &e, state, &err) == 0,
         err.text);
    buf_release(&text);
}

void gateway_notify(struct gateway *gateway, int kind, const char *id)
{
    char path[160];
    struct err err;
    struct buf message = BUF_INIT(100);
    notice_put(&message, &(struct notice){.kind = (enum notice_kind)kind,
                                          .id = str_of(id),
                                          .recipient = NOTICE_EVERYONE});
    ipc_path(gateway->run_dir, "delivery", path, sizeof path);
    int fd = ipc_connect(path, &err);
    must(fd >= 0 && ipc_send(fd, buf_str(&message), NULL, &err) == 1, err.text);
    close(fd);
    buf_release(&message);
}

bool gateway_has(const struct gateway *gateway, const char *folder, const char *id)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s/%s", gateway->state_dir, folder, id);
    return access(path, F_OK) == 0;
}

unsigned gateway_files(const struct gateway *gateway, const char *folder)
{
    char path[256];
    unsigned n = 0;
    snprintf(path, sizeof path, "%s/%s", gateway->state_dir, folder);
    DIR *dir = opendir(path);
    must(dir != NULL, path);
    for (struct dirent *e; (e = readdir(dir)) != NULL;)
        n += e->d_name[0] != '.';
    closedir(dir);
    return n;
}
