/* poterned's supervisor and the generations of signatures: which memory counts, what waits for
 * what, and when it is tried again. The children are processes that hold memory and do nothing. */
#include "t/unit/tap.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "gateway/antivirus/memory.h"
#include "gateway/supervise.h"

#define MIB    ((size_t)1024 * 1024)
#define HELD   (32 * MIB)
#define FAR    1000000 /* seconds */
#define OTHERS 3       /* ends of control sockets that this test keeps */

struct world {
    struct supervisor s;
    struct conf conf;
    char programs[64];
    char program[128];
    size_t kind; /* antivirus */
    struct family *family;
    int ends[OTHERS]; /* the children's, by place */
};

static int set_up(void **state)
{
    static struct world w;
    struct err err = {""};
    w = (struct world){.conf = {.path = "test.conf"}, .ends = {-1, -1, -1}};
    w.conf.antivirus.memory_limit = 100 * MIB; /* two of them and an eighth, not four */
    w.s.conf = &w.conf;
    w.s.owner_fd = -1;
    w.s.conf_text = (struct buf)BUF_INIT(4096);
    snprintf(w.programs, sizeof w.programs, "/tmp/poterne-supervise-XXXXXX");
    assert_non_null(mkdtemp(w.programs));
    snprintf(w.program, sizeof w.program, "%s/poterne-antivirus", w.programs);
    assert_int_equal(fsio_replace(w.program, STR("#!/bin/sh\nexec sleep 60\n"), 0700, &err), 0);
    w.s.programs = w.programs;
    w.kind = KINDS_MAX;
    supervisor_renew(&w.s, "antivirus");
    for (size_t k = 0; k < n_kinds; k++) {
        if (w.s.families[k].wanted == 1)
            w.kind = k;
        else
            w.s.families[k].retry_at = clock_seconds() + FAR;
        w.s.families[k].service_fd = -1;
    }
    assert_true(w.kind < n_kinds);
    w.family = &w.s.families[w.kind];
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        struct child *child = &w->family->children[i];
        if (child->state == CHILD_NONE)
            continue;
        kill(child->pid, SIGKILL);
        waitpid(child->pid, NULL, 0);
        close(child->ctl_fd);
    }
    for (size_t i = 0; i < OTHERS; i++)
        fsio_close_quiet(&w->ends[i]);
    unlink(w->program);
    return rmdir(w->programs);
}

static _Noreturn void hold_memory(int fd)
{
    void *held =
        mmap(NULL, HELD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (held == MAP_FAILED || write(fd, "", 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

static struct child *put(struct world *w, size_t place, enum child_state state, unsigned generation)
{
    struct child *child = &w->family->children[place];
    int ready[2], pair[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair),
                     0);
    pid_t pid = fork();
    if (pid == 0)
        hold_memory(ready[1]);
    assert_true(pid > 0);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    w->ends[place] = pair[1];
    *child = (struct child){.state = state,
                            .pid = pid,
                            .ctl_fd = pair[0],
                            .since = clock_seconds(),
                            .generation = generation};
    w->family->wanted = generation;
    return child;
}

static void say(struct world *w, size_t place, enum role_message message)
{
    char byte = (char)message;
    assert_int_equal(send(w->ends[place], &byte, 1, MSG_NOSIGNAL), 1);
    supervisor_hear(&w->s, w->kind, &w->family->children[place]);
}

static void die(struct world *w, const struct child *child)
{
    siginfo_t info;
    assert_int_equal(kill(child->pid, SIGKILL), 0);
    assert_int_equal(waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOWAIT), 0);
    supervisor_reap(&w->s);
    assert_int_equal(child->state, CHILD_NONE);
}

static size_t count(const struct world *w, enum child_state state)
{
    size_t n = 0;
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        n += w->family->children[i].state == state;
    return n;
}

static void one_that_leaves_takes_no_room(void **state)
{
    struct world *w = *state;
    const struct child *old = put(w, 0, CHILD_SERVING, 1), *new = put(w, 1, CHILD_STARTING, 2);
    supervisor_renew(&w->s, "antivirus"); /* the files have changed again */
    say(w, 1, ROLE_READY);
    assert_int_equal(old->state, CHILD_DRAINING);
    assert_int_equal(new->state, CHILD_SERVING);
    assert_int_equal(w->family->wanted, 3);
    assert_false(w->family->one_by_one);
    supervisor_tend(&w->s);
    assert_int_equal(new->state, CHILD_SERVING);
    assert_int_equal(count(w, CHILD_STARTING), 0); /* before the old one's memory is free */
    die(w, old);
    supervisor_tend(&w->s);
    assert_int_equal(new->state, CHILD_SERVING);
    assert_int_equal(count(w, CHILD_STARTING), 1);
}

static void where_two_have_no_room_the_old_one_goes_first(void **state)
{
    struct world *w = *state;
    const struct child *old = put(w, 0, CHILD_SERVING, 1);
    w->conf.antivirus.memory_limit = 2 * HELD;
    supervisor_renew(&w->s, "antivirus");
    assert_true(w->family->one_by_one);
    supervisor_tend(&w->s);
    assert_int_equal(old->state, CHILD_DRAINING);
    assert_int_equal(count(w, CHILD_STARTING), 0);
    die(w, old);
    supervisor_tend(&w->s);
    assert_int_equal(count(w, CHILD_STARTING), 1);
}

static void where_none_serves_nobody_is_waited_for(void **state)
{
    struct world *w = *state;
    put(w, 0, CHILD_DRAINING, 1);
    supervisor_tend(&w->s);
    assert_int_equal(count(w, CHILD_STARTING), 1);
}

static void what_ends_its_loader_waits_while_others_serve(void **state)
{
    struct world *w = *state;
    const struct child *old = put(w, 0, CHILD_SERVING, 1), *new = put(w, 1, CHILD_STARTING, 2);
    die(w, new);
    assert_true(w->family->retry_at >= clock_seconds() + SIGNATURES_RETRY - 5);
    supervisor_tend(&w->s);
    assert_int_equal(count(w, CHILD_STARTING), 0);
    assert_int_equal(old->state, CHILD_SERVING);
    supervisor_renew(&w->s, "antivirus"); /* other files */
    supervisor_tend(&w->s);
    assert_int_equal(count(w, CHILD_STARTING), 1);
}

static void but_not_while_none_serves(void **state)
{
    struct world *w = *state;
    for (unsigned i = 1; i < 8; i++) {
        die(w, put(w, 0, CHILD_STARTING, 1));
        fsio_close_quiet(&w->ends[0]);
        assert_true(w->family->retry_at <= clock_seconds() + RETRY_MAX);
    }
    assert_true(w->family->retry_at >= clock_seconds() + RETRY_MAX - 5);
}

static void other_files_during_a_load_that_fails_are_tried_at_once(void **state)
{
    struct world *w = *state;
    put(w, 0, CHILD_SERVING, 1);
    const struct child *new = put(w, 1, CHILD_STARTING, 2);
    supervisor_renew(&w->s, "antivirus");
    die(w, new);
    supervisor_tend(&w->s);
    assert_int_equal(count(w, CHILD_STARTING), 1);
    assert_false(w->family->changed); /* and once */
}

static void a_start_takes_up_what_has_changed(void **state)
{
    struct world *w = *state;
    w->family->changed = true;
    supervisor_tend(&w->s);
    assert_int_equal(count(w, CHILD_STARTING), 1);
    assert_false(w->family->changed);
}

static void new_settings_wait_for_the_one_that_loads(void **state)
{
    struct world *w = *state;
    put(w, 0, CHILD_SERVING, 1);
    const struct child *new = put(w, 1, CHILD_STARTING, 2);
    supervisor_renew(&w->s, NULL);
    for (size_t k = 0; k < n_kinds; k++)
        w->s.families[k].retry_at = clock_seconds() + (k == w->kind ? 0 : FAR);
    supervisor_tend(&w->s);
    assert_int_equal(new->state, CHILD_STARTING);
    assert_int_equal(count(w, CHILD_STARTING), 1);
    say(w, 1, ROLE_READY);
    assert_int_equal(new->state, CHILD_SERVING);
    assert_int_equal(w->family->wanted, 3);
}

/* One that is killed, and nobody else with it. */
static _Noreturn void supervise_until_killed(struct world *w, int fd)
{
    supervisor_tend(&w->s);
    pid_t child = w->family->children[0].pid;
    if (count(w, CHILD_STARTING) == 1 && write(fd, &child, sizeof child) == sizeof child)
        pause();
    _exit(1);
}

static void what_loads_dies_with_its_poterned(void **state)
{
    struct world *w = *state;
    pid_t child;
    int told[2], status;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); /* who has no parent is ours */
    assert_int_equal(pipe(told), 0);
    pid_t supervisor = fork();
    if (supervisor == 0)
        supervise_until_killed(w, told[1]);
    assert_int_equal(read(told[0], &child, sizeof child), sizeof child);
    close(told[0]);
    close(told[1]);
    assert_int_equal(kill(supervisor, SIGKILL), 0);
    assert_int_equal(waitpid(supervisor, NULL, 0), supervisor);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
    /* or it saw that it had none, before it ran anything */
    assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 127);
}

static void memory_is_read(void **state)
{
    struct memory memory;
    assert_true(memory_of(0, &memory));
    assert_true(memory.own > 0 && memory.peak > 0 && memory.size >= memory.own);
    assert_false(memory_of(INT32_MAX, &memory));
}

#define CHILDREN_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHILDREN_TEST(one_that_leaves_takes_no_room),
        CHILDREN_TEST(where_two_have_no_room_the_old_one_goes_first),
        CHILDREN_TEST(where_none_serves_nobody_is_waited_for),
        CHILDREN_TEST(what_ends_its_loader_waits_while_others_serve),
        CHILDREN_TEST(but_not_while_none_serves),
        CHILDREN_TEST(other_files_during_a_load_that_fails_are_tried_at_once),
        CHILDREN_TEST(a_start_takes_up_what_has_changed),
        CHILDREN_TEST(new_settings_wait_for_the_one_that_loads),
        CHILDREN_TEST(what_loads_dies_with_its_poterned),
        cmocka_unit_test(memory_is_read),
    };
    return tap_run(tests, NULL, NULL);
}
