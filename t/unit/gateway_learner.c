/* The learner's program and its client, as poterned and `poterne learn` use them. */
#include "t/unit/tap.h"

#include <endian.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/role.h"
#include "bayes/learn/learn_ask.h"
#include "bayes/ledger/ledger.h"

#define UID_FIRST   40300
#define UID_LEARNER (UID_FIRST + 6) /* its place in role_names */
#define WORDS       30
#define WAIT_MS     20000

static char folder[64];
static struct conf *conf;
static char conf_text[512];

struct server {
    pid_t pid;
    int ctl_fd;
    int service_fd;
};

/* --- a state folder --- */

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    return remove(path);
}

static int make_state(void **state)
{
    struct err err;
    char path[128];
    snprintf(folder, sizeof folder, "/tmp/poterne-learner-XXXXXX");
    if (mkdtemp(folder) == NULL || chmod(folder, 0755) < 0)
        return -1;
    snprintf(path, sizeof path, "%s/bayes", folder);
    if (mkdir(path, 0770) < 0 || (getuid() == 0 && chown(path, UID_LEARNER, UID_FIRST) < 0))
        return -1;
    snprintf(conf_text, sizeof conf_text,
             "hostname = mx.example\nstate_dir = %s\nrun_dir = %s\nuid_first = %d\n"
             "bayes { publish_delay = 1s; hold_out = 0 }\n"
             "domain univ.example { next_hop = lmtp://192.0.2.10:24 }\n",
             folder, folder, UID_FIRST);
    conf = conf_parse(str_of(conf_text), "test.conf", &err);
    if (conf == NULL)
        print_error("%s\n", err.text);
    return conf ? 0 : -1;
}

static int remove_state(void **state)
{
    conf_free(&conf);
    return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- the learner --- */

static _Noreturn void become_learner(int conf_fd, int ctl_fd, int service_fd)
{
    char numbers[3][16];
    const int fds[3] = {conf_fd, ctl_fd, service_fd};
    for (size_t i = 0; i < 3; i++) {
        fcntl(fds[i], F_SETFD, 0);
        snprintf(numbers[i], sizeof numbers[i], "%d", fds[i]);
    }
    const char *argv[] = {"poterne-learner", "--conf-path", "test.conf",    "--conf-fd", numbers[0],
                          "--ctl-fd",        numbers[1],    "--service-fd", numbers[2],  NULL};
    /* In the sandbox a leak sanitizer can't look. */
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    execv(PROGRAMS "/poterne-learner", (char **)(uintptr_t)argv);
    _exit(127);
}

/* Waits for one message of that kind; others are passed over. */
static bool hears(const struct server *server, enum role_message wanted, int timeout_ms)
{
    char byte = 0;
    struct pollfd p = {.fd = server->ctl_fd, .events = POLLIN};
    while (byte != (char)wanted)
        if (poll(&p, 1, timeout_ms) != 1 || read(server->ctl_fd, &byte, 1) != 1)
            return false;
    return true;
}

static struct server start(void)
{
    struct err err;
    char path[128];
    int pair[2];
    int conf_fd = memfd_create("conf", MFD_CLOEXEC);
    struct server server = {.pid = -1};
    assert_true(ipc_path(conf->run_dir, LEARN_SOCKET, path, sizeof path));
    server.service_fd = ipc_listen(path, 0660, &err);
    assert_true(server.service_fd >= 0);
    assert_int_equal(fsio_write(conf_fd, str_of(conf_text), "conf", &err), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    server.ctl_fd = pair[0];
    server.pid = fork();
    if (server.pid == 0)
        become_learner(conf_fd, pair[1], server.service_fd);
    close(pair[1]);
    close(conf_fd);
    assert_true(hears(&server, ROLE_READY, WAIT_MS));
    return server;
}

/* Returns the exit status, or -signal. */
static int stop(struct server *server, bool gently)
{
    char path[128], byte = ROLE_DRAIN;
    int status;
    if (gently)
        assert_int_equal(write(server->ctl_fd, &byte, 1), 1);
    else
        kill(server->pid, SIGKILL);
    assert_int_equal(waitpid(server->pid, &status, 0), server->pid);
    close(server->service_fd);
    close(server->ctl_fd);
    if (ipc_path(conf->run_dir, LEARN_SOCKET, path, sizeof path))
        unlink(path);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* --- teaching --- */

struct lesson {
    unsigned done, known, failed;
    uint64_t next; /* reports come in order */
    char text[256];
};

static void on_report(void *data, uint64_t number, enum learn_answer answer, const char *text)
{
    struct lesson *lesson = data;
    assert_true(number >= lesson->next);
    lesson->next = number;
    lesson->done += answer == LEARN_ANSWER_DONE;
    lesson->known += answer == LEARN_ANSWER_KNOWN;
    lesson->failed += answer == LEARN_ANSWER_FAILED;
    assert_true((text != NULL) == (answer == LEARN_ANSWER_FAILED));
    if (text)
        snprintf(lesson->text, sizeof lesson->text, "%s", text);
}

static struct learn_client *connect_client(struct lesson *lesson)
{
    struct err err;
    struct learn_client *client = learn_client_open(conf, on_report, lesson, &err);
    if (client == NULL)
        fail_msg("%s", err.text);
    return client;
}

static struct features message_of(uint64_t i, struct feature *list, size_t n)
{
    for (size_t k = 0; k < n; k++)
        list[k] = (struct feature){(k + 1) * 1000000007ull + (k % 2 ? i : 0), STR("x")};
    return (struct features){.list = list, .n = n, .digest = (i + 1) * 0x9e3779b97f4a7c15u};
}

static int teach(struct learn_client *client, uint64_t from, uint64_t to, enum learn_class class,
                 struct err *err)
{
    struct feature list[WORDS];
    for (uint64_t i = from; i < to; i++) {
        struct features features = message_of(i, list, WORDS);
        if (learn_client_add(client, class, &features, NULL, i, err) < 0)
            return -1;
    }
    return 0;
}

static struct learn_summary finish(struct learn_client *client, bool publish)
{
    struct learn_summary summary;
    struct err err;
    if (learn_client_finish(client, publish, &summary, &err) < 0)
        fail_msg("%s", err.text);
    return summary;
}

static void teaches_a_running_learner(void **state)
{
    struct err err;
    struct server server = start();
    struct lesson lesson = {0};
    struct learn_client *client = connect_client(&lesson);
    assert_true(learn_client_remote(client));
    assert_int_equal(teach(client, 0, 300, LEARN_SPAM, &err), 0);
    assert_int_equal(teach(client, 300, 500, LEARN_HAM, &err), 0);
    struct learn_summary summary = finish(client, true);
    assert_int_equal(lesson.done, 500);
    assert_int_equal(summary.spam, 300);
    assert_int_equal(summary.ham, 200);
    assert_true(summary.generation > 0);
    assert_true(hears(&server, ROLE_NEW_MODEL, WAIT_MS));
    lesson.next = 0;
    assert_int_equal(teach(client, 0, 10, LEARN_SPAM, &err), 0);
    assert_int_equal(teach(client, 10, 20, LEARN_HAM, &err), 0);
    assert_int_equal(teach(client, 20, 30, LEARN_FORGET, &err), 0);
    summary = finish(client, false);
    assert_int_equal(lesson.known, 10);
    assert_int_equal(lesson.done, 520);
    assert_int_equal(summary.spam, 280);
    assert_int_equal(summary.ham, 210);
    learn_client_close(&client);
    assert_null(client);
    assert_int_equal(stop(&server, true), 0);
}

static void a_model_follows_by_itself(void **state)
{
    struct err err;
    struct server server = start();
    struct lesson lesson = {0};
    struct learn_client *client = connect_client(&lesson);
    while (hears(&server, ROLE_NEW_MODEL, 1500))
        ; /* the first one, of an empty ledger */
    uint64_t before = finish(client, false).generation;
    assert_int_equal(teach(client, 0, 3, LEARN_SPAM, &err), 0);
    assert_int_equal(finish(client, false).generation, before);
    assert_true(hears(&server, ROLE_NEW_MODEL, WAIT_MS));
    assert_int_equal(finish(client, false).generation, before + 1);
    assert_false(hears(&server, ROLE_NEW_MODEL, 1500));
    learn_client_close(&client);
    assert_int_equal(stop(&server, true), 0);
}

static void what_was_not_published_is_at_the_end(void **state)
{
    struct err err;
    struct server server = start();
    struct lesson lesson = {0};
    struct learn_client *client = connect_client(&lesson);
    assert_int_equal(teach(client, 0, 3, LEARN_SPAM, &err), 0);
    uint64_t before = finish(client, false).generation;
    learn_client_close(&client);
    assert_int_equal(stop(&server, true), 0);
    server = start();
    client = connect_client(&lesson);
    assert_true(finish(client, true).generation > before);
    learn_client_close(&client);
    assert_int_equal(stop(&server, true), 0);
}

static void the_largest_message_travels_in_a_file(void **state)
{
    struct err err;
    struct server server = start();
    struct lesson lesson = {0};
    struct learn_client *client = connect_client(&lesson);
    struct feature *list = calloc(FEATURES_MAX, sizeof *list);
    for (uint64_t i = 0; i < 5; i++) {
        struct features features = message_of(i, list, FEATURES_MAX);
        assert_int_equal(learn_client_add(client, LEARN_HAM, &features, NULL, i, &err), 0);
    }
    finish(client, false);
    assert_int_equal(lesson.done, 5);
    free(list);
    learn_client_close(&client);
    assert_int_equal(stop(&server, true), 0);
}

static int raw_connection(void)
{
    struct err err;
    char path[128];
    assert_true(ipc_path(conf->run_dir, LEARN_SOCKET, path, sizeof path));
    int fd = ipc_connect(path, &err);
    assert_true(fd >= 0);
    return fd;
}

static int receive(int fd, struct buf *message)
{
    struct err err;
    if (ipc_wait(fd, false, WAIT_MS, &err) != 1)
        return 0;
    return ipc_recv(fd, message, NULL, &err);
}

static void nonsense_is_cut_off_and_others_go_on(void **state)
{
    struct err err;
    struct server server = start();
    struct lesson lesson = {0};
    struct learn_client *client = connect_client(&lesson);
    struct buf message = BUF_INIT(IPC_MSG_MAX);
    static const char *const nonsense[] = {"x", "12345678\x01", "12345678\x63",
                                           "12345678\001\t123456781234"};
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        int fd = raw_connection();
        assert_int_equal(ipc_send(fd, str_of(nonsense[i]), NULL, &err), 1);
        assert_int_equal(receive(fd, &message), IPC_EOF);
        close(fd);
    }
    assert_int_equal(teach(client, 0, 3, LEARN_SPAM, &err), 0);
    finish(client, false);
    assert_int_equal(lesson.done, 3);
    buf_release(&message);
    learn_client_close(&client);
    assert_int_equal(stop(&server, true), 0);
}

static void lies_about_features_fail_with_a_reason(void **state)
{
    struct err err;
    struct server server = start();
    struct buf message = BUF_INIT(IPC_MSG_MAX);
    static const uint64_t falling[] = {9, 8}, rising[] = {8, 9};
    const struct {
        uint32_t n;
        const uint64_t *features;
        size_t sent;
    } lies[] = {{2, falling, 2},
                {3, rising, 2},
                {1, rising, 2},
                {FEATURES_MAX + 1, rising, 2},
                {2, NULL, 0}};
    int fd = raw_connection();
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        uint64_t wire[2];
        struct learn_reply reply;
        for (size_t k = 0; k < lies[i].sent; k++)
            wire[k] = htole64(lies[i].features[k]);
        struct learn_request request = {.number = 100 + i,
                                        .verb = LEARN_MESSAGE,
                                        .digest = i,
                                        .n = lies[i].n,
                                        .features = str_n((char *)wire, lies[i].sent * 8)};
        buf_clear(&message);
        learn_request_put(&message, &request);
        assert_int_equal(ipc_send(fd, buf_str(&message), NULL, &err), 1);
        assert_int_equal(receive(fd, &message), 1);
        assert_true(learn_reply_get(buf_str(&message), &reply));
        assert_int_equal(reply.number, 100 + i);
        assert_int_equal(reply.answer, LEARN_ANSWER_FAILED);
        assert_true(reply.text.n > 0);
        assert_int_equal(reply.spam + reply.ham, 0);
    }
    close(fd);
    buf_release(&message);
    assert_int_equal(stop(&server, true), 0);
}

static void a_lost_learner_is_told_and_nothing_is_counted_twice(void **state)
{
    struct err err = {""};
    struct learn_summary summary;
    for (unsigned round = 0; round < 5; round++) {
        struct server server = start();
        struct lesson lesson = {0};
        struct learn_client *client = connect_client(&lesson);
        assert_int_equal(teach(client, 0, 100 + 150 * round, LEARN_SPAM, &err), 0);
        assert_int_equal(stop(&server, false), -SIGKILL);
        assert_true(teach(client, 1000, 1200, LEARN_SPAM, &err) < 0 ||
                    learn_client_finish(client, true, &summary, &err) < 0);
        assert_non_null(strstr(err.text, "learner"));
        learn_client_close(&client);
    }
    struct server server = start();
    struct lesson lesson = {0};
    struct learn_client *client = connect_client(&lesson);
    assert_int_equal(teach(client, 0, 1000, LEARN_SPAM, &err), 0);
    summary = finish(client, true);
    assert_int_equal(lesson.done + lesson.known, 1000);
    assert_true(lesson.known > 0);
    assert_int_equal(summary.spam, 1000);
    learn_client_close(&client);
    assert_int_equal(stop(&server, true), 0);
}

/* As root: in the learner's name, so that the learner can open it afterwards. */
/* The digests of the messages from..to, rising. */
static size_t digests_of(uint64_t from, uint64_t to, uint64_t *digests)
{
    struct feature list[1];
    size_t n = 0;
    for (uint64_t i = from; i < to; i++) {
        uint64_t digest = message_of(i, list, 1).digest;
        size_t at = n++;
        for (; at > 0 && digests[at - 1] > digest; at--)
            digests[at] = digests[at - 1];
        digests[at] = digest;
    }
    return n;
}

static size_t count_known(struct learn_client *client, enum learn_class class, uint64_t to)
{
    static uint64_t digests[3 * LEARN_ASK_MAX];
    static char answers[3 * LEARN_ASK_MAX];
    struct err err;
    size_t n = digests_of(0, to, digests), known = 0;
    if (learn_ask(client, class, digests, n, answers, &err) < 0)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < n; i++)
        known += answers[i] == LEARN_ASK_YES;
    return known;
}

static enum learn_answer send_keys(struct learn_client *client, uint64_t key)
{
    const struct known_keys keys = {.list = {key, key + 1}, .n = 2};
    enum learn_answer answer;
    struct err err;
    struct known *known = NULL;
    if (learn_known_open(client, conf, &known, &err) < 0 ||
        learn_sent(client, known, &keys, 0, &answer, &err) < 0)
        fail_msg("%s", err.text);
    known_close(&known);
    return answer;
}

/* With a learner and without, and what was taught before counts. */
static void says_what_is_known_and_notes_what_was_sent(void **state)
{
    struct err err;
    for (unsigned round = 0; round < 2; round++) {
        struct lesson lesson = {0};
        struct server server = {.pid = -1};
        if (round == 0)
            server = start();
        struct learn_client *client = connect_client(&lesson);
        assert_int_equal(learn_client_remote(client), round == 0);
        uint64_t known = round == 0 ? 100 : 120;
        if (round == 0)
            assert_int_equal(teach(client, 0, known, LEARN_HAM, &err), 0);
        assert_int_equal(count_known(client, LEARN_HAM, 1200), known);
        assert_int_equal(count_known(client, LEARN_SPAM, 1200), 0);
        assert_int_equal(count_known(client, LEARN_FORGET, 1200), 1200 - known);
        assert_int_equal(teach(client, 100, 120, LEARN_HAM, &err), 0);
        assert_int_equal(count_known(client, LEARN_HAM, 1200), 120);
        assert_int_equal(lesson.done, round == 0 ? 120 : 0);
        assert_int_equal(send_keys(client, 5), round == 0 ? LEARN_ANSWER_DONE : LEARN_ANSWER_KNOWN);
        assert_int_equal(send_keys(client, 5), LEARN_ANSWER_KNOWN);
        assert_int_equal(send_keys(client, 6), round == 0 ? LEARN_ANSWER_DONE : LEARN_ANSWER_KNOWN);
        finish(client, false);
        learn_client_close(&client);
        if (round == 0)
            assert_int_equal(stop(&server, true), 0);
    }
}

static void without_a_learner_the_ledger_is_opened(void **state)
{
    struct err err;
    struct lesson lesson = {0};
    struct learn_client *client = connect_client(&lesson);
    assert_false(learn_client_remote(client));
    assert_null(learn_client_open(conf, on_report, &lesson, &err));
    assert_non_null(strstr(err.text, "locked"));
    assert_int_equal(teach(client, 0, 200, LEARN_HAM, &err), 0);
    struct learn_summary summary = finish(client, true);
    assert_int_equal(lesson.done, 200);
    assert_int_equal(summary.ham, 200);
    assert_int_equal(summary.generation, 1);
    assert_int_equal(geteuid(), getuid());
    learn_client_close(&client);
    struct server server = start();
    lesson = (struct lesson){0};
    client = connect_client(&lesson);
    assert_true(learn_client_remote(client));
    assert_int_equal(teach(client, 0, 200, LEARN_HAM, &err), 0);
    finish(client, true);
    assert_int_equal(lesson.known, 200);
    learn_client_close(&client);
    assert_int_equal(stop(&server, true), 0);
}

static void two_clients_share_it(void **state)
{
    struct err err;
    struct server server = start();
    struct lesson one = {0}, two = {0};
    struct learn_client *first = connect_client(&one), *second = connect_client(&two);
    for (uint64_t i = 0; i < 200; i += 10) {
        assert_int_equal(teach(first, i, i + 10, LEARN_HAM, &err), 0);
        assert_int_equal(teach(second, 1000 + i, 1000 + i + 10, LEARN_SPAM, &err), 0);
    }
    finish(second, false);
    struct learn_summary summary = finish(first, true);
    assert_int_equal(one.done + two.done, 400);
    assert_int_equal(summary.spam, 200);
    assert_int_equal(summary.ham, 200);
    learn_client_close(&first);
    learn_client_close(&second);
    assert_int_equal(stop(&server, true), 0);
}

/* In the learner's own sandbox: what was learned is known again, message by message. */
static void a_damaged_ledger_is_rebuilt(void **state)
{
    static const char *const files[] = {"tokens.db", "messages.db"};
    char path[128], page[4096];
    struct err err;
    struct server server = start();
    struct lesson lesson = {0};
    struct learn_client *client = connect_client(&lesson);
    assert_int_equal(teach(client, 0, 200, LEARN_SPAM, &err), 0);
    finish(client, true);
    learn_client_close(&client);
    assert_int_equal(stop(&server, true), 0);
    memset(page, 0x5a, sizeof page);
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/bayes/ledger/%s", folder, files[i]);
        int fd = open(path, O_WRONLY);
        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, page, sizeof page, 0), sizeof page);
        assert_int_equal(ftruncate(fd, i ? 5000 : 50000), 0);
        close(fd);
        server = start();
        lesson = (struct lesson){0};
        client = connect_client(&lesson);
        if (i == 0)
            assert_int_equal(teach(client, 0, 200, LEARN_SPAM, &err), 0);
        struct learn_summary summary = finish(client, true);
        assert_int_equal(lesson.known, i == 0 ? 200 : 0);
        assert_int_equal(summary.spam, 200);
        learn_client_close(&client);
        assert_int_equal(stop(&server, true), 0);
    }
}

int main(void)
{
#define WITH_STATE(test) cmocka_unit_test_setup_teardown(test, make_state, remove_state)
    const struct CMUnitTest tests[] = {
        WITH_STATE(teaches_a_running_learner),
        WITH_STATE(a_model_follows_by_itself),
        WITH_STATE(what_was_not_published_is_at_the_end),
        WITH_STATE(the_largest_message_travels_in_a_file),
        WITH_STATE(nonsense_is_cut_off_and_others_go_on),
        WITH_STATE(lies_about_features_fail_with_a_reason),
        WITH_STATE(a_lost_learner_is_told_and_nothing_is_counted_twice),
        WITH_STATE(says_what_is_known_and_notes_what_was_sent),
        WITH_STATE(without_a_learner_the_ledger_is_opened),
        WITH_STATE(two_clients_share_it),
        WITH_STATE(a_damaged_ledger_is_rebuilt),
    };
    alarm(600);
    return tap_run(tests, NULL, NULL);
}
