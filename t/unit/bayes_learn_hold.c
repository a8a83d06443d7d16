/* The learner's folder holds still, also where its socket is there and no learner answers. */
#include "t/unit/tap.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fsio.h"
#include "bayes/learn/learn_hold.h"

/* As poterned has it: the socket is open, and who accepts there goes again at once. */
struct world {
    char root[40];
    char lock[60];
    struct conf conf;
    int listen_fd;
    pid_t pid;
};

static void begin(struct world *w)
{
    char path[60];
    struct err err = {""};
    *w = (struct world){.root = "/tmp/learn-hold-XXXXXX"};
    assert_non_null(mkdtemp(w->root));
    w->conf = (struct conf){.state_dir = w->root, .run_dir = w->root};
    snprintf(path, sizeof path, "%s/bayes", w->root);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(w->lock, sizeof w->lock, "%s/bayes/lock", w->root);
    assert_true(ipc_path(w->root, LEARN_SOCKET, path, sizeof path));
    w->listen_fd = ipc_listen(path, 0600, &err);
    assert_true(w->listen_fd >= 0);
    assert_int_equal(fcntl(w->listen_fd, F_SETFL, 0), 0); /* it waits */
    w->pid = fork();
    if (w->pid != 0)
        return;
    for (;;)
        close(accept(w->listen_fd, NULL, NULL));
}

static void end(struct world *w)
{
    struct err err;
    kill(w->pid, SIGKILL);
    waitpid(w->pid, NULL, 0);
    close(w->listen_fd);
    assert_int_equal(fsio_empty_dir(w->root, &err), 0);
    assert_int_equal(rmdir(w->root), 0);
}

static void the_lock_tells_that_no_learner_lives(void **state)
{
    struct world w;
    struct learn_hold hold;
    struct err err = {""};
    begin(&w);
    assert_int_equal(learn_hold_begin(&w.conf, &hold, &err), 0);
    assert_true(hold.lock_fd >= 0);
    assert_int_equal(hold.fd, -1);
    assert_int_equal(fsio_lock(w.lock, &err), -1); /* none starts meanwhile */
    assert_int_equal(learn_hold_keep(&hold, &err), 0);
    learn_hold_end(&hold);
    end(&w);
}

static void one_that_lives_and_does_not_answer_is_an_error(void **state)
{
    struct world w;
    struct learn_hold hold;
    struct err err = {""};
    begin(&w);
    int fd = fsio_lock(w.lock, &err);
    assert_true(fd >= 0);
    assert_int_equal(learn_hold_begin(&w.conf, &hold, &err), -1);
    assert_non_null(strstr(err.text, "the learner"));
    assert_int_equal(hold.fd, -1);
    assert_int_equal(hold.lock_fd, -1);
    close(fd);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lock_tells_that_no_learner_lives),
        cmocka_unit_test(one_that_lives_and_does_not_answer_is_an_error),
    };
    return tap_run(tests, NULL, NULL);
}
