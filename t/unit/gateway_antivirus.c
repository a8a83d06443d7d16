/*
 * The antivirus process as it runs: the program itself, asked over its socket; and its sandbox,
 * from inside (each attempt in a child of its own; the exit status is its report).
 */
#include "t/unit/tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/role_user.h"
#include "config.h"
#include "gateway/antivirus/role.h"
#include "gateway/antivirus/tmp.h"
#include "gateway/scan.h"
#include "t/unit/antivirus_samples.h"

#define CALL_TIMEOUT_MS 30000

#ifdef POTERNE_SANITIZE
#define SANITIZED true
#else
#define SANITIZED false
#endif

enum { FINE = 0, NOT_LOADED = 100, NOT_ENTERED = 101 };

struct fixture {
    char dir[64];
    char socket_path[128];
    struct conf *conf;
    struct buf conf_text;
    struct role_env env;
    pid_t pid;
    int ctl[2];
};

/* --- the program --- */

static int memory_file(struct str text)
{
    struct err err;
    int fd = memfd_create("conf", 0);
    assert_true(fd >= 0);
    assert_int_equal(fsio_write(fd, text, "conf", &err), 0);
    return fd;
}

static void run_program(const struct fixture *f, int service_fd, int conf_fd)
{
    char conf[16], ctl[16], service[16];
    snprintf(conf, sizeof conf, "%d", conf_fd);
    snprintf(ctl, sizeof ctl, "%d", f->ctl[1]);
    snprintf(service, sizeof service, "%d", service_fd);
    fcntl(f->ctl[1], F_SETFD, 0);
    fcntl(service_fd, F_SETFD, 0);
    const char *const argv[] = {ANTIVIRUS_PROGRAM, "--conf-fd", conf, "--ctl-fd", ctl,
                                "--service-fd",    service,     NULL};
    /* what looks for leaks at the end reads /proc, which the sandbox has closed */
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    execv(ANTIVIRUS_PROGRAM, (char *const *)argv);
    _exit(127);
}

/* Its one worker makes a second test of the same process see what the first left. */
static void write_conf(struct fixture *f)
{
    struct err err = {""};
    char demo[PATH_MAX];
    assert_non_null(realpath(DEMO_DIR, demo));
    buf_init(&f->conf_text, 4096);
    buf_addf(&f->conf_text,
             "run_dir = \"%s\"\nstate_dir = \"%s\"\nhostname = mx.example.org\nuid_first = 63000\n"
             "domain example.org { next_hop = lmtp://127.0.0.1:24 }\n"
             "antivirus { engines = { clamav, yara }\n"
             "  clamav_databases = \"%s/clamav\"\n yara_rules = \"%s/yara\"\n"
             "  workers = 1\n timeout = 5s\n scan_size_limit = 20M }\n",
             f->dir, f->dir, demo, demo);
    f->conf = conf_parse(buf_str(&f->conf_text), "test.conf", &err);
    if (!f->conf)
        fail_msg("%s", err.text);
}

static int open_fixture(void **state)
{
    static struct fixture f = {.dir = "/tmp/poterne-avp-XXXXXX"};
    struct err err = {""};
    char folder[128];
    assert_non_null(mkdtemp(f.dir));
    snprintf(folder, sizeof folder, "%s/antivirus", f.dir);
    assert_int_equal(mkdir(folder, 0700), 0);
    write_conf(&f);
    if (geteuid() == 0) {
        uid_t uid;
        gid_t gid;
        assert_int_equal(role_user_find(f.conf, "antivirus", &uid, &gid, &err), 0);
        assert_int_equal(chown(folder, uid, gid), 0);
    }
    assert_true(ipc_path(f.dir, "antivirus", f.socket_path, sizeof f.socket_path));
    int service = ipc_listen(f.socket_path, 0600, &err);
    assert_true(service >= 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, f.ctl), 0);
    int conf_fd = memory_file(buf_str(&f.conf_text));
    fflush(stdout);
    f.pid = fork();
    if (f.pid == 0)
        run_program(&f, service, conf_fd);
    close(conf_fd);
    close(f.ctl[1]);
    close(service);
    char byte = 0;
    if (ipc_wait(f.ctl[0], false, CALL_TIMEOUT_MS, &err) != 1 || read(f.ctl[0], &byte, 1) != 1)
        fail_msg("poterne-antivirus did not become ready");
    assert_int_equal(byte, ROLE_READY);
    f.env = (struct role_env){.conf = f.conf, .ctl_fd = -1, .service_fd = -1};
    *state = &f;
    return 0;
}

/* The program's worker had "0", what ran inside the sandbox here "1". */
static void remove_folders(const char *path)
{
    struct err err;
    char cwd[PATH_MAX], name[ANTIVIRUS_TMP_NAME_MAX];
    int locks[2];
    assert_non_null(getcwd(cwd, sizeof cwd));
    assert_int_equal(chdir(path), 0);
    for (int i = 0; i < 2; i++)
        assert_true((locks[i] = antivirus_tmp_take(name, sizeof name, &err)) >= 0);
    for (int i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "%d", i);
        assert_int_equal(rmdir(name), 0);
        close(locks[i]);
    }
    assert_int_equal(chdir(cwd), 0);
    /* fails if a worker left something behind */
    assert_int_equal(rmdir(path), 0);
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;
    char folder[128];
    int status = 0;
    char drain = ROLE_DRAIN;
    assert_int_equal(write(f->ctl[0], &drain, 1), 1);
    assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    snprintf(folder, sizeof folder, "%s/antivirus", f->dir);
    remove_folders(folder);
    unlink(f->socket_path);
    assert_int_equal(rmdir(f->dir), 0);
    close(f->ctl[0]);
    buf_release(&f->conf_text);
    conf_free(&f->conf);
    return 0;
}

struct reply {
    struct av_answer answers[AV_ENGINES_MAX];
    size_t n;
};

/* The message stands behind some bytes that are not part of it. -1: no answer. */
static int ask(struct fixture *f, struct str message, uint64_t size, struct reply *reply)
{
    struct err err = {""};
    struct buf file = BUF_INIT(message.n + 64);
    struct buf request = BUF_INIT(IPC_MSG_MAX), answer = BUF_INIT(IPC_MSG_MAX);
    buf_add(&file, STR("what stands before the message"));
    const struct scan_request scan = {.id = STR("01TEST"), .offset = file.n, .size = size};
    buf_add(&file, message);
    scan_request_put(&request, &scan);
    struct ipc_fds fds = {.fd = {memory_file(buf_str(&file))}, .n = 1};
    int result = ipc_call(f->socket_path, buf_str(&request), &fds, &answer, CALL_TIMEOUT_MS, &err);
    if (result == 0)
        assert_true(av_answers_get(buf_str(&answer), reply->answers, &reply->n));
    close(fds.fd[0]);
    buf_release(&file);
    buf_release(&request);
    buf_release(&answer);
    return result;
}

static void expect(struct fixture *f, struct str message, enum av_result clamav,
                   enum av_result yara)
{
    struct reply reply;
    assert_int_equal(ask(f, message, message.n, &reply), 0);
    assert_int_equal(reply.n, 2);
    assert_string_equal(reply.answers[0].engine, "clamav");
    assert_string_equal(reply.answers[1].engine, "yara");
    if (reply.answers[0].result != clamav || reply.answers[1].result != yara)
        fail_msg("clamav %s (%s), yara %s (%s)", av_result_name(reply.answers[0].result),
                 reply.answers[0].name, av_result_name(reply.answers[1].result),
                 reply.answers[1].name);
}

static void finds_the_test_file_in_the_sandbox(void **state)
{
    struct fixture *f = *state;
    struct buf mail = BUF_INIT(1 << 20), zip = BUF_INIT(1 << 20), twice = BUF_INIT(1 << 20);
    expect(f, STR("Subject: plain\r\n\r\n" EICAR "\r\n"), AV_INFECTED, AV_INFECTED);
    sample_mail(&mail, "application/octet-stream", STR(EICAR));
    expect(f, buf_str(&mail), AV_INFECTED, AV_INFECTED);
    buf_clear(&mail);
    sample_zip_of(&zip, "eicar.com", STR(EICAR));
    sample_mail(&mail, "application/zip", buf_str(&zip));
    expect(f, buf_str(&mail), AV_INFECTED, AV_INFECTED);
    sample_zip_of(&twice, "inner.zip", buf_str(&zip));
    buf_clear(&zip);
    sample_mail(&zip, "application/zip", buf_str(&twice));
    expect(f, buf_str(&zip), AV_INFECTED, AV_INFECTED);
    buf_clear(&mail);
    sample_mail(&mail, "text/plain", STR("nothing to fear\r\n"));
    expect(f, buf_str(&mail), AV_CLEAN, AV_CLEAN);
    buf_release(&mail);
    buf_release(&zip);
    buf_release(&twice);
}

/* packed, so that it takes a temporary file and only ClamAV sees through it */
static void unpacks_in_its_own_folder(void **state)
{
    struct buf mail = BUF_INIT(1 << 20), file = BUF_INIT(1 << 20);
    struct sample_zip zip;
    sample_zip_begin(&zip, &file);
    sample_zip_bomb(&zip, "zeros", 100000, 100000);
    sample_zip_end(&zip);
    sample_mail(&mail, "application/zip", buf_str(&file));
    expect(*state, buf_str(&mail), AV_CLEAN, AV_CLEAN);
    buf_clear(&mail);
    buf_clear(&file);
    sample_zip_begin(&zip, &file);
    sample_zip_bomb(&zip, "zeros", 100000000, 100000000);
    sample_zip_end(&zip);
    sample_mail(&mail, "application/zip", buf_str(&file));
    expect(*state, buf_str(&mail), AV_UNSCANNABLE, AV_CLEAN);
    buf_release(&mail);
    buf_release(&file);
}

static void a_bad_request_costs_only_itself(void **state)
{
    struct fixture *f = *state;
    struct reply reply;
    /* the file is shorter than was said; then longer than allowed; then no request at all */
    assert_int_equal(ask(f, STR("Subject: x\r\n\r\nx\r\n"), 5000, &reply), -1);
    assert_int_equal(ask(f, STR("Subject: x\r\n\r\nx\r\n"), 1ULL << 40, &reply), -1);
    struct err err;
    struct buf answer = BUF_INIT(IPC_MSG_MAX);
    assert_int_not_equal(ipc_call(f->socket_path, STR("\xff\xff\xff"), NULL, &answer,
                                  CALL_TIMEOUT_MS, &err),
                         1);
    buf_release(&answer);
    expect(f, STR("Subject: x\r\n\r\nx\r\n"), AV_CLEAN, AV_CLEAN);
}

static pid_t worker_of(pid_t leader)
{
    char path[64], text[64] = "";
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)leader, (int)leader);
    int fd = open(path, O_RDONLY);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0)
        close(fd);
    uint64_t pid = 0;
    return n > 0 && str_to_u64(str_trim(str_of(text)), INT_MAX, &pid) ? (pid_t)pid : 0;
}

static void a_dead_worker_is_replaced(void **state)
{
    struct fixture *f = *state;
    pid_t worker = worker_of(f->pid);
    if (worker <= 0)
        tap_skip("this kernel does not list children in /proc");
    /* what it was unpacking when it died */
    char left[PATH_MAX];
    snprintf(left, sizeof left, "%s/antivirus/0/left-behind", f->dir);
    close(open(left, O_CREAT | O_WRONLY, 0600));
    assert_int_equal(kill(worker, SIGKILL), 0);
    expect(f, STR("Subject: x\r\n\r\n" EICAR "\r\n"), AV_INFECTED, AV_INFECTED);
    assert_int_not_equal(worker_of(f->pid), worker);
    assert_int_equal(access(left, F_OK), -1);
}

/* --- the sandbox, from inside --- */

struct inside {
    struct fixture *fixture;
    void *data;
};

static int enter(struct inside *in)
{
    struct err err = {""};
    struct sandbox box = {.required = false};
    char name[ANTIVIRUS_TMP_NAME_MAX];
    if (antivirus_role.load(&in->fixture->env, &in->data, &err) < 0)
        return NOT_LOADED;
    antivirus_role.sandbox(&in->fixture->env, &box);
    if (sandbox_enter(&box, &err) < 0 || antivirus_tmp_take(name, sizeof name, &err) < 0)
        return NOT_ENTERED;
    return FINE;
}

/* Runs `act` in a child in the sandbox; what it returns, or minus the signal that ended it. */
static int from_inside(struct fixture *f, int (*act)(struct inside *in))
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        struct inside in = {.fixture = f};
        int result = enter(&in);
        _exit(result == FINE ? act(&in) : result);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int scans(struct inside *in)
{
    struct buf reply = BUF_INIT(IPC_MSG_MAX), mail = BUF_INIT(1 << 20), zip = BUF_INIT(1 << 20);
    struct buf message = BUF_INIT(IPC_MSG_MAX);
    struct av_answer answers[AV_ENGINES_MAX];
    size_t n;
    struct err err;
    sample_zip_of(&zip, "eicar.com", STR(EICAR));
    sample_mail(&mail, "application/zip", buf_str(&zip));
    const struct scan_request request = {.id = STR("x"), .size = mail.n};
    struct ipc_fds fds = {.fd = {memory_file(buf_str(&mail))}, .n = 1};
    scan_request_put(&message, &request);
    if (antivirus_handle(in->data, buf_str(&message), &fds, &reply, &err) < 0)
        return 1;
    if (!av_answers_get(buf_str(&reply), answers, &n) || n != 2)
        return 2;
    return answers[0].result == AV_INFECTED && answers[1].result == AV_INFECTED ? FINE : 3;
}

static int makes_sockets(struct inside *in)
{
    static const int domains[] = {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, AF_PACKET};
    for (size_t i = 0; i < sizeof domains / sizeof domains[0]; i++)
        if (socket(domains[i], SOCK_STREAM, 0) >= 0 || socket(domains[i], SOCK_DGRAM, 0) >= 0 ||
            socket(domains[i], SOCK_RAW, 0) >= 0)
            return 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(25)};
    return connect(0, (struct sockaddr *)&at, sizeof at) == 0 ? 2 : FINE;
}

static int reads_files(struct inside *in)
{
    static const char *const paths[] = {"/etc/passwd",
                                        "/etc/hostname",
                                        "/proc/self/maps",
                                        "/",
                                        DEMO_DIR "/yara/eicar.yar",
                                        "../antivirus.sock",
                                        ".."};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (open(paths[i], O_RDONLY) >= 0)
            return 1 + (int)i;
    return FINE;
}

static int writes_files(struct inside *in)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/new", in->fixture->dir);
    if (open(path, O_CREAT | O_WRONLY, 0600) >= 0 || open("/tmp/x", O_CREAT | O_WRONLY, 0600) >= 0)
        return 1;
    if (mkdir("../new", 0700) == 0 || symlink("/etc/passwd", "../link") == 0)
        return 2;
    if (unlink("../antivirus.sock") == 0 || rename("../antivirus.sock", "0/sock") == 0)
        return 3;
    int fd = open("0/own", O_CREAT | O_RDWR, 0600);
    if (fd < 0 || write(fd, "x", 1) != 1 || unlink("0/own") != 0)
        return 4;
    /* a link out of the folder leads nowhere */
    return symlink("/etc/passwd", "0/link") == 0 && open("0/link", O_RDONLY) >= 0 ? 5 : FINE;
}

static int forks(struct inside *in)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid > 0 ? 1 : kill(getppid(), 0) == 0 ? 2 : FINE;
}

static int executes(struct inside *in)
{
    char *const argv[] = {(char *)"true", NULL};
    execv("/bin/true", argv);
    return FINE;
}

static int traces(struct inside *in)
{
    syscall(SYS_ptrace, 0, 0, 0, 0);
    return FINE;
}

static int takes_much_memory(struct inside *in)
{
    const size_t step = (size_t)64 << 20;
    size_t total = 0;
    while (total < ((size_t)8 << 30) && mmap(NULL, step, PROT_READ | PROT_WRITE,
                                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
        total += step;
    return total < ((size_t)4 << 30) ? FINE : 1;
}

static void the_engines_work_inside(void **state)
{
    assert_int_equal(from_inside(*state, scans), FINE);
}

static void no_network(void **state)
{
    assert_int_equal(from_inside(*state, makes_sockets), FINE);
}

static void no_files_but_its_own(void **state)
{
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 2)
        tap_skip("no Landlock in this kernel");
    assert_int_equal(from_inside(*state, reads_files), FINE);
    assert_int_equal(from_inside(*state, writes_files), FINE);
}

static void no_processes(void **state)
{
    assert_int_equal(from_inside(*state, forks), FINE);
    /* with the sanitizers these calls fail instead of ending the process */
    assert_int_equal(from_inside(*state, executes), SANITIZED ? FINE : -SIGSYS);
    assert_int_equal(from_inside(*state, traces), SANITIZED ? FINE : -SIGSYS);
}

static void bounded_memory(void **state)
{
    if (!SANITIZED) /* ASan reserves more than the machine has */
        assert_int_equal(from_inside(*state, takes_much_memory), FINE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_test_file_in_the_sandbox),
        cmocka_unit_test(unpacks_in_its_own_folder),
        cmocka_unit_test(a_bad_request_costs_only_itself),
        cmocka_unit_test(a_dead_worker_is_replaced),
        cmocka_unit_test(the_engines_work_inside),
        cmocka_unit_test(no_network),
        cmocka_unit_test(no_files_but_its_own),
        cmocka_unit_test(no_processes),
        cmocka_unit_test(bounded_memory),
    };
    return tap_run(tests, open_fixture, close_fixture);
}
