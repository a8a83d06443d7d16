/* The directory's program: many questions at once, clients that misbehave, a list that changes. */
#include "t/unit/tap.h"

#include <ftw.h>
#include <sys/stat.h>

#include "directory/directory.h"
#include "t/unit/role_process.h"

#define UID_FIRST 40500

struct fixture {
    char folder[64];
    char socket[96];
    char people[96];
    char settings[512];
    struct role_process process;
    struct buf message;
};

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    return remove(path);
}

static void write_people(struct fixture *f, const char *text)
{
    struct err err = {""};
    umask(0022);
    assert_int_equal(fsio_replace(f->people, str_of(text), 0644, &err), 0);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct err err = {""};
    assert_non_null(f);
    snprintf(f->folder, sizeof f->folder, "/tmp/poterne-gwd-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    assert_int_equal(chmod(f->folder, 0755), 0);
    assert_true(ipc_path(f->folder, "directory", f->socket, sizeof f->socket));
    snprintf(f->people, sizeof f->people, "%s/people", f->folder);
    write_people(f, "bob@univ.example\n");
    snprintf(f->settings, sizeof f->settings,
             "hostname = mx.example\nstate_dir = %s\nrun_dir = %s\nuid_first = %d\n"
             "directory { files = { %s } }\n"
             "domain univ.example { next_hop = lmtp://192.0.2.10:24 }\n",
             f->folder, f->folder, UID_FIRST, f->people);
    f->process = (struct role_process){.program = PROGRAMS "/poterne-directory",
                                       .settings = f->settings,
                                       .ctl_fd = -1,
                                       .service_fd = ipc_listen(f->socket, 0660, &err)};
    assert_true(f->process.service_fd >= 0);
    f->message = BUF_INIT(IPC_MSG_MAX);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    role_process_kill(&f->process);
    close(f->process.service_fd);
    buf_release(&f->message);
    nftw(f->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

static int client(struct fixture *f)
{
    struct err err = {""};
    int fd = ipc_connect(f->socket, &err);
    assert_true(fd >= 0);
    return fd;
}

/* 1 sent, 0 no room */
static int ask(struct fixture *f, int fd, uint32_t number, const char *address)
{
    struct err err = {""};
    buf_clear(&f->message);
    struct directory_request request = {.number = number, .address = str_of(address)};
    directory_request_put(&f->message, &request);
    return ipc_send(fd, buf_str(&f->message), NULL, &err);
}

static enum directory_result answer(struct fixture *f, int fd, uint32_t number)
{
    struct err err = {""};
    struct directory_answer got;
    uint32_t of = 0;
    assert_int_equal(ipc_wait(fd, false, ROLE_WAIT_MS, &err), 1);
    assert_int_equal(ipc_recv(fd, &f->message, NULL, &err), 1);
    assert_true(directory_reply_get(buf_str(&f->message), &of, &got));
    assert_int_equal(of, number);
    return got.result;
}

static enum directory_result answer_to(struct fixture *f, int fd, const char *address)
{
    assert_int_equal(ask(f, fd, 1, address), 1);
    return answer(f, fd, 1);
}

/* A client that asks and does not read gets no more than its socket holds, and nobody else waits;
 * when it reads, every answer is there, in order. */
static void client_that_does_not_read_holds_up_nobody(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    uint32_t asked = 0;
    assert_true(role_process_start(&f->process));
    int slow = client(f), other = client(f);
    while (asked < 100000 && ipc_wait(slow, true, 300, &err) == 1 &&
           ask(f, slow, asked, asked % 2 ? "bob@univ.example" : "rob@univ.example") == 1)
        asked++;
    assert_true(asked > 100 && asked < 100000);
    assert_int_equal(answer_to(f, other, "bob@univ.example"), DIRECTORY_KNOWN);
    for (uint32_t i = 0; i < asked; i++)
        assert_int_equal(answer(f, slow, i), i % 2 ? DIRECTORY_KNOWN : DIRECTORY_UNKNOWN);
    close(slow);
    close(other);
    assert_int_equal(role_process_drain(&f->process), 0);
}

static void nonsense_costs_its_connection_only(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    assert_true(role_process_start(&f->process));
    int bad = client(f), other = client(f);
    assert_int_equal(ipc_send(bad, STR("nonsense"), NULL, &err), 1);
    assert_int_equal(ipc_wait(bad, false, ROLE_WAIT_MS, &err), 1);
    assert_int_equal(ipc_recv(bad, &f->message, NULL, &err), IPC_EOF);
    assert_int_equal(answer_to(f, other, "bob@univ.example"), DIRECTORY_KNOWN);
    close(bad);
    close(other);
}

static void new_list_is_taken_up_in_the_sandbox(void **state)
{
    struct fixture *f = *state;
    assert_true(role_process_start(&f->process));
    int fd = client(f);
    assert_int_equal(answer_to(f, fd, "rob@univ.example"), DIRECTORY_UNKNOWN);
    write_people(f, "bob@univ.example\nrob@univ.example\n");
    unsigned tries = 0;
    while (answer_to(f, fd, "rob@univ.example") != DIRECTORY_KNOWN && tries++ < 100)
        usleep(100000);
    assert_true(tries < 100);
    close(fd);
}

static void mistake_at_the_start_ends_it(void **state)
{
    struct fixture *f = *state;
    write_people(f, "bob at univ.example\n");
    assert_false(role_process_start(&f->process));
    assert_int_equal(role_process_wait(&f->process), 1);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(client_that_does_not_read_holds_up_nobody),
        WITH_FOLDER(nonsense_costs_its_connection_only),
        WITH_FOLDER(new_list_is_taken_up_in_the_sandbox),
        WITH_FOLDER(mistake_at_the_start_ends_it),
    };
    return tap_run(tests, NULL, NULL);
}
