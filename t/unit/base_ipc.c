#include "t/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ipc.h"

struct line {
    char folder[64];
    char path[96];
    int listener, client, server;
};

static int open_line(void **state)
{
    static struct line line;
    struct err err;
    snprintf(line.folder, sizeof line.folder, "/tmp/poterne-ipc-XXXXXX");
    if (mkdtemp(line.folder) == NULL)
        return -1;
    ipc_path(line.folder, "x", line.path, sizeof line.path);
    line.listener = ipc_listen(line.path, 0600, &err);
    line.client = ipc_connect(line.path, &err);
    line.server = ipc_accept(line.listener, &err);
    *state = &line;
    return line.listener < 0 || line.client < 0 || line.server < 0 ? -1 : 0;
}

static int close_line(void **state)
{
    struct line *line = *state;
    close(line->listener);
    close(line->client);
    close(line->server);
    unlink(line->path);
    rmdir(line->folder);
    return 0;
}

static void messages_keep_their_borders(void **state)
{
    struct line *line = *state;
    struct buf in = BUF_INIT(IPC_MSG_MAX);
    struct err err;
    assert_int_equal(ipc_recv(line->server, &in, NULL, &err), 0);
    assert_int_equal(ipc_send(line->client, STR("one"), NULL, &err), 1);
    assert_int_equal(ipc_send(line->client, STR("two, longer"), NULL, &err), 1);
    assert_int_equal(ipc_recv(line->server, &in, NULL, &err), 1);
    assert_str(buf_str(&in), "one");
    assert_int_equal(ipc_recv(line->server, &in, NULL, &err), 1);
    assert_str(buf_str(&in), "two, longer");
    buf_release(&in);
}

static void the_largest_message_passes_and_a_larger_one_is_refused(void **state)
{
    struct line *line = *state;
    struct buf in = BUF_INIT(IPC_MSG_MAX);
    struct err err;
    char *big = calloc(1, IPC_MSG_MAX + 1);
    big[IPC_MSG_MAX - 1] = 'z';
    assert_int_equal(ipc_send(line->client, str_n(big, IPC_MSG_MAX), NULL, &err), 1);
    assert_int_equal(ipc_recv(line->server, &in, NULL, &err), 1);
    assert_int_equal(in.n, IPC_MSG_MAX);
    assert_int_equal(in.p[IPC_MSG_MAX - 1], 'z');
    assert_int_equal(ipc_send(line->client, str_n(big, IPC_MSG_MAX + 1), NULL, &err), -1);
    assert_int_equal(ipc_send(line->client, STR_EMPTY, NULL, &err), -1);
    /* whoever writes past ipc_send must not be taken for a whole message */
    assert_int_equal(send(line->client, big, IPC_MSG_MAX + 1, 0), IPC_MSG_MAX + 1);
    assert_int_equal(ipc_recv(line->server, &in, NULL, &err), -1);
    free(big);
    buf_release(&in);
}

static int open_fds(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) != -1;
    return n;
}

static void descriptors_travel_and_unwanted_ones_are_closed(void **state)
{
    struct line *line = *state;
    struct buf in = BUF_INIT(IPC_MSG_MAX);
    struct err err;
    int pipes[2];
    char byte = 0;
    assert_int_equal(pipe(pipes), 0);
    struct ipc_fds out = {{pipes[0]}, 1}, got;
    int before = open_fds();
    assert_int_equal(ipc_send(line->client, STR("fd"), &out, &err), 1);
    assert_int_equal(ipc_recv(line->server, &in, &got, &err), 1);
    assert_int_equal(got.n, 1);
    assert_int_equal(write(pipes[1], "!", 1), 1);
    assert_int_equal(read(got.fd[0], &byte, 1), 1);
    assert_int_equal(byte, '!');
    ipc_fds_close(&got);
    assert_int_equal(ipc_send(line->client, STR("fd"), &out, &err), 1);
    assert_int_equal(ipc_recv(line->server, &in, NULL, &err), 1);
    assert_int_equal(open_fds(), before);
    close(pipes[0]);
    close(pipes[1]);
    buf_release(&in);
}

static void the_end_of_the_peer_is_told(void **state)
{
    struct line *line = *state;
    struct buf in = BUF_INIT(IPC_MSG_MAX);
    struct err err;
    close(line->client);
    assert_int_equal(ipc_recv(line->server, &in, NULL, &err), IPC_EOF);
    assert_int_equal(ipc_send(line->server, STR("x"), NULL, &err), IPC_EOF);
    line->client = ipc_connect(line->path, &err);
    buf_release(&in);
}

static void a_full_waiting_line_says_so(void **state)
{
    struct line *line = *state;
    struct err err;
    int fd[2000], n = 0;
    while (n < 2000 && (fd[n] = ipc_connect(line->path, &err)) >= 0)
        n++;
    assert_in_range(n, 1, 1999);
    assert_int_equal(errno, EAGAIN);
    while (n-- > 0)
        close(fd[n]);
}

static void a_path_too_long_is_an_error(void **state)
{
    char path[300];
    struct err err;
    memset(path, 'a', sizeof path);
    path[sizeof path - 1] = '\0';
    assert_int_equal(ipc_connect(path, &err), -1);
    assert_non_null(strstr(err.text, "run_dir"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(messages_keep_their_borders, open_line, close_line),
        cmocka_unit_test_setup_teardown(the_largest_message_passes_and_a_larger_one_is_refused,
                                        open_line, close_line),
        cmocka_unit_test_setup_teardown(descriptors_travel_and_unwanted_ones_are_closed, open_line,
                                        close_line),
        cmocka_unit_test_setup_teardown(the_end_of_the_peer_is_told, open_line, close_line),
        cmocka_unit_test_setup_teardown(a_full_waiting_line_says_so, open_line, close_line),
        cmocka_unit_test(a_path_too_long_is_an_error),
    };
    return tap_run(tests, NULL, NULL);
}
