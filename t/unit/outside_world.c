#include "t/unit/outside_world.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "t/unit/tap.h"

static int listen_tcp(struct world *world)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, n), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    world->port = ntohs(at.sin_port);
    return fd;
}

static int listen_unix(struct world *world)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    snprintf(world->path, sizeof world->path, "/tmp/poterne-fake-%d.sock", (int)getpid());
    unlink(world->path);
    assert_true(str_copy(str_of(world->path), at.sun_path, sizeof at.sun_path));
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static _Noreturn void play_all(int listener, world_play *play, const void *script)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            _exit(1);
        play(fd, script);
        close(fd);
    }
}

void world_open(struct world *world, bool tcp, world_play *play, const void *script)
{
    *world = (struct world){.pid = 0};
    int fd = tcp ? listen_tcp(world) : listen_unix(world);
    assert_int_equal(listen(fd, 8), 0);
    fflush(stdout);
    world->pid = fork();
    assert_true(world->pid >= 0);
    if (world->pid == 0)
        play_all(fd, play, script);
    close(fd);
}

void world_close(struct world *world)
{
    kill(world->pid, SIGKILL);
    waitpid(world->pid, NULL, 0);
    if (world->path[0])
        unlink(world->path);
}

bool world_await(int fd, struct str mark, size_t n)
{
    struct buf got = BUF_INIT(64 * 1024 * 1024);
    size_t seen = 0;
    while (seen < n) {
        char *to = buf_room(&got, 65536);
        ssize_t more = to ? read(fd, to, 65536) : 0;
        if (more <= 0)
            break;
        buf_filled(&got, (size_t)more);
        seen = 0;
        struct str rest = buf_str(&got);
        for (size_t at; (at = str_find(rest, mark)) != STR_NONE; seen++)
            rest = str_from(rest, at + mark.n);
    }
    buf_release(&got);
    return seen >= n;
}

void world_say(int fd, struct str bytes)
{
    while (bytes.n > 0) {
        ssize_t n = write(fd, bytes.s, bytes.n);
        if (n <= 0)
            return;
        bytes = str_from(bytes, (size_t)n);
    }
}

void world_linger(int fd)
{
    char block[4096];
    while (read(fd, block, sizeof block) > 0)
        ;
}

struct conf *world_conf(const struct world *world, const char *section, unsigned timeout)
{
    struct err err = {""};
    struct buf text = BUF_INIT(8192);
    buf_addf(&text,
             "domain example.org { next_hop = lmtp://127.0.0.1:24 }\n"
             "antivirus { engines = fake; timeout = %us }\nscanner fake {\n%s\n",
             timeout, section);
    if (world && world->path[0])
        buf_addf(&text, "address = %s\n", world->path);
    else if (world)
        buf_addf(&text, "address = 127.0.0.1:%u\n", world->port);
    buf_add(&text, STR("}\n"));
    struct conf *conf = conf_parse(buf_str(&text), "test.conf", &err);
    if (conf == NULL)
        fail_msg("%s", err.text);
    buf_release(&text);
    return conf;
}

struct av_answer world_ask(struct outside *outside, size_t parts, const char *payload)
{
    struct av_part list[2];
    struct av_answer answer;
    struct buf part = BUF_INIT(64 * 1024 * 1024);
    buf_addf(&part, "%s%s", payload, MARK);
    assert_true(parts <= 2 && buf_ok(&part));
    for (size_t i = 0; i < parts; i++)
        list[i] = (struct av_part){.bytes = buf_str(&part)};
    const struct av_message message = {.raw = STR("Subject: test\r\n\r\n" MARK),
                                       .parts = list,
                                       .n_parts = parts};
    assert_int_equal(outside_count(outside), 1);
    outside_scan(outside, &message, &answer);
    buf_release(&part);
    return answer;
}

struct av_answer world_ask_once(const struct conf *conf, size_t parts, const char *payload)
{
    struct err err = {""};
    struct outside *outside = outside_open(conf, &err);
    if (outside == NULL)
        fail_msg("%s", err.text);
    struct av_answer answer = world_ask(outside, parts, payload);
    outside_close(&outside);
    assert_null(outside);
    return answer;
}
