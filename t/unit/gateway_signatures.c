/* poterne-signatures' parts: the words of clamd on a socket, and when files count as settled. */
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "gateway/signatures/notify.h"
#include "gateway/signatures/watch.h"

/* --- words --- */

static void words_are_read(void **state)
{
    static const struct {
        struct str said;
        enum notify_word word;
        char end;
    } cases[] = {
        {STR("RELOAD\0"), NOTIFY_RELOAD, '\n'}, /* freshclam's own */
        {STR("RELOAD"), NOTIFY_RELOAD, '\n'},
        {STR("PING\n"), NOTIFY_PING, '\n'},
        {STR("PING\r\n"), NOTIFY_PING, '\n'},
        {STR("nVERSION\n"), NOTIFY_VERSION, '\n'},
        {STR("zRELOAD\0"), NOTIFY_RELOAD, '\0'},
        {STR(""), NOTIFY_MORE, '\n'},
        {STR("REL"), NOTIFY_MORE, '\n'},
        {STR("n"), NOTIFY_MORE, '\n'},
        {STR("nPING"), NOTIFY_MORE, '\n'},
        {STR("zPING"), NOTIFY_MORE, '\0'},
        {STR("zPING\n"), NOTIFY_UNKNOWN, '\0'},
        {STR("nPING\0"), NOTIFY_UNKNOWN, '\n'},
        {STR("\n"), NOTIFY_UNKNOWN, '\n'},
        {STR("n\n"), NOTIFY_UNKNOWN, '\n'},
        {STR("reload\n"), NOTIFY_UNKNOWN, '\n'},
        {STR("RELOADX"), NOTIFY_UNKNOWN, '\n'},
        {STR("REL\n"), NOTIFY_UNKNOWN, '\n'},
        {STR("SHUTDOWN\n"), NOTIFY_UNKNOWN, '\n'},
        {STR("nSCAN /etc/passwd\n"), NOTIFY_UNKNOWN, '\n'},
        {STR("zINSTREAM\0"), NOTIFY_UNKNOWN, '\0'},
        {STR("nIDSESSION\n"), NOTIFY_UNKNOWN, '\n'},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char end = 'x';
        enum notify_word word = notify_read(cases[i].said, &end);
        if (word != cases[i].word || end != cases[i].end)
            fail_msg("case %zu: word %d, end %d", i, (int)word, end);
    }
}

struct world {
    char root[64];
    char path[96];
    struct notify notify;
};

static int set_up(void **state)
{
    static struct world w;
    struct err err = {""};
    snprintf(w.root, sizeof w.root, "/tmp/poterne-notify-XXXXXX");
    assert_non_null(mkdtemp(w.root));
    snprintf(w.path, sizeof w.path, "%s/clamd.sock", w.root);
    if (notify_open(&w.notify, w.path, &err) < 0)
        fail_msg("%s", err.text);
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    notify_close(&w->notify);
    assert_int_equal(unlink(w->path), 0);
    return rmdir(w->root);
}

static int client(const struct world *w)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && str_copy(str_of(w->path), at.sun_path, sizeof at.sun_path));
    assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static void say(int fd, struct str text)
{
    assert_int_equal(send(fd, text.s, text.n, MSG_NOSIGNAL), (ssize_t)text.n);
}

static void expect(int fd, struct str answer)
{
    char got[256];
    ssize_t n = recv(fd, got, sizeof got, MSG_DONTWAIT);
    assert_int_equal(n, (ssize_t)answer.n);
    assert_memory_equal(got, answer.s, answer.n);
    assert_int_equal(recv(fd, got, sizeof got, MSG_DONTWAIT), 0); /* and closed */
    close(fd);
}

static void each_word_has_its_answer(void **state)
{
    struct world *w = *state;
    int ping = client(w), version = client(w), reload = client(w), other = client(w);
    say(ping, STR("nPING\n"));
    say(version, STR("zVERSION\0"));
    say(reload, STR("RELOAD\0"));
    say(other, STR("SHUTDOWN\n"));
    assert_true(notify_serve(&w->notify, "ClamAV 1.0"));
    expect(ping, STR("PONG\n"));
    expect(version, STR("ClamAV 1.0\0"));
    expect(reload, STR("RELOADING\n"));
    expect(other, STR("UNKNOWN COMMAND\n"));
    assert_false(notify_serve(&w->notify, "ClamAV 1.0"));
}

static void a_word_may_come_in_pieces(void **state)
{
    struct world *w = *state;
    int fd = client(w);
    say(fd, STR("nREL"));
    assert_false(notify_serve(&w->notify, ""));
    say(fd, STR("OAD\n"));
    assert_true(notify_serve(&w->notify, ""));
    expect(fd, STR("RELOADING\n"));
}

static void who_says_too_much_or_goes_away_is_cut_off(void **state)
{
    struct world *w = *state;
    int much = client(w), gone = client(w);
    char long_word[4096];
    memset(long_word, 'n', sizeof long_word);
    say(much, str_n(long_word, sizeof long_word));
    say(gone, STR("PI"));
    close(gone);
    assert_false(notify_serve(&w->notify, ""));
    assert_false(notify_serve(&w->notify, ""));
    char got[64];
    assert_int_equal(recv(much, got, sizeof got, MSG_DONTWAIT), 16);
    close(much);
    struct pollfd p[NOTIFY_POLL_MAX];
    assert_int_equal(notify_poll(&w->notify, p), 1);
}

static void silent_ones_keep_nobody_out_for_long(void **state)
{
    struct world *w = *state;
    struct pollfd p[NOTIFY_POLL_MAX];
    int silent[NOTIFY_CLIENTS_MAX];
    for (size_t i = 0; i < NOTIFY_CLIENTS_MAX; i++)
        silent[i] = client(w);
    int late = client(w);
    say(late, STR("PING\n"));
    assert_false(notify_serve(&w->notify, ""));
    assert_int_equal(notify_poll(&w->notify, p), NOTIFY_CLIENTS_MAX); /* nobody is accepted now */
    for (size_t i = 0; i < NOTIFY_CLIENTS_MAX; i++)
        w->notify.clients[i].until = clock_ms(); /* their time is over */
    assert_false(notify_serve(&w->notify, ""));
    assert_false(notify_serve(&w->notify, ""));
    expect(late, STR("PONG\n"));
    for (size_t i = 0; i < NOTIFY_CLIENTS_MAX; i++)
        close(silent[i]);
}

static void only_a_socket_is_replaced(void **state)
{
    struct world *w = *state;
    struct notify second;
    struct err err = {""};
    assert_int_equal(notify_open(&second, w->path, &err), 0); /* one that was left there */
    notify_close(&second);
    char file[96];
    snprintf(file, sizeof file, "%s/file", w->root);
    assert_int_equal(fsio_replace(file, STR("x"), 0600, &err), 0);
    assert_int_equal(notify_open(&second, file, &err), -1);
    assert_non_null(strstr(err.text, "is no socket"));
    assert_int_equal(unlink(file), 0);
    char name[256];
    memset(name, 'a', sizeof name);
    name[0] = '/';
    name[sizeof name - 1] = '\0';
    assert_int_equal(notify_open(&second, name, &err), -1);
    assert_non_null(strstr(err.text, "too long"));
    assert_int_equal(notify_open(&second, NULL, &err), 0);
    assert_int_equal(second.fd, -1);
    assert_int_equal(notify_open(&second, "", &err), 0);
    assert_int_equal(second.fd, -1);
}

/* --- settling --- */

struct files {
    char root[64];
    char file[96];
    struct conf_antivirus conf;
    struct watch watch;
};

static const char *clamav_name[] = {"clamav"};

static int files_set_up(void **state)
{
    static struct files f;
    snprintf(f.root, sizeof f.root, "/tmp/poterne-watch-XXXXXX");
    assert_non_null(mkdtemp(f.root));
    snprintf(f.file, sizeof f.file, "%s/a.ndb", f.root);
    f.conf = (struct conf_antivirus){.engines = {clamav_name, 1}, .clamav_databases = f.root};
    watch_open(&f.watch, &f.conf);
    *state = &f;
    return 0;
}

static int files_tear_down(void **state)
{
    struct files *f = *state;
    watch_close(&f->watch);
    unlink(f->file);
    return rmdir(f->root);
}

/* As if that time had gone by. */
static void look_now(struct files *f)
{
    f->watch.look_at = clock_ms();
    assert_true(watch_tick(&f->watch));
}

static void settle(struct files *f)
{
    look_now(f);
    look_now(f);
    assert_true(f->watch.settled);
}

static void change(const struct files *f, const char *text)
{
    FILE *file = fopen(f->file, "ae");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static bool kernel_tells(const struct files *f)
{
    struct pollfd p = {.fd = f->watch.fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static void what_is_being_written_is_waited_for(void **state)
{
    struct files *f = *state;
    look_now(f);
    assert_false(f->watch.settled);
    look_now(f);
    assert_true(f->watch.settled);
    uint64_t before = f->watch.seen;
    assert_false(kernel_tells(f));
    change(f, "a");
    assert_true(kernel_tells(f));
    watch_events(&f->watch);
    assert_false(kernel_tells(f));
    assert_false(f->watch.settled);
    assert_false(watch_tick(&f->watch)); /* not yet */
    assert_true(watch_wait(&f->watch) > WATCH_SETTLE_MS / 2);
    look_now(f);
    assert_false(f->watch.settled);
    change(f, "b");
    look_now(f);
    assert_false(f->watch.settled);
    look_now(f);
    assert_true(f->watch.settled);
    assert_true(f->watch.seen != before);
}

static void a_poll_finds_what_nobody_told_of(void **state)
{
    struct files *f = *state;
    settle(f);
    uint64_t before = f->watch.seen;
    fsio_close_quiet(&f->watch.fd);
    change(f, "a");
    look_now(f);
    assert_false(f->watch.settled);
    look_now(f);
    assert_true(f->watch.settled && f->watch.seen != before);
}

static void what_never_settles_counts_in_the_end(void **state)
{
    struct files *f = *state;
    settle(f);
    change(f, "a");
    watch_events(&f->watch);
    f->watch.unsettled_from -= WATCH_SETTLE_MAX_MS;
    look_now(f);
    assert_true(f->watch.settled);
    change(f, "b");
    watch_events(&f->watch);
    assert_false(f->watch.settled); /* and is waited for anew */
}

static void who_says_complete_is_not_believed_but_looked_at(void **state)
{
    struct files *f = *state;
    settle(f);
    change(f, "a");
    watch_events(&f->watch);
    watch_hurry(&f->watch);
    assert_int_equal(watch_wait(&f->watch), 0);
    assert_true(watch_tick(&f->watch));
    assert_false(f->watch.settled);
    assert_true(watch_wait(&f->watch) > WATCH_SETTLE_MS / 2);
    change(f, "b"); /* it was half of it */
    look_now(f);
    assert_false(f->watch.settled);
    watch_hurry(&f->watch); /* a look agrees with the last one, but a moment after it */
    assert_true(watch_tick(&f->watch));
    assert_false(f->watch.settled);
    look_now(f);
    assert_true(f->watch.settled);
}

static void events_of_other_files_put_nothing_off(void **state)
{
    struct files *f = *state;
    settle(f);
    change(f, "a");
    watch_events(&f->watch);
    look_now(f);
    int64_t due = f->watch.look_at;
    usleep(5000);
    watch_events(&f->watch);
    assert_int_equal(f->watch.look_at, due);
    look_now(f);
    assert_true(f->watch.settled);
}

static void who_says_complete_all_the_time_changes_nothing(void **state)
{
    struct files *f = *state;
    settle(f);
    uint64_t before = f->watch.seen;
    watch_hurry(&f->watch);
    settle(f);
    assert_true(f->watch.seen == before);
}

static void a_folder_that_goes_away_may_come_again(void **state)
{
    struct files *f = *state;
    settle(f);
    assert_int_equal(rmdir(f->root), 0);
    look_now(f);
    assert_false(f->watch.settled);
    assert_true(f->watch.seen == 0 && f->watch.broken);
    assert_int_equal(mkdir(f->root, 0700), 0);
    settle(f);
    assert_false(f->watch.broken);
    change(f, "a");
    assert_true(kernel_tells(f));
}

#define SOCKET_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define WATCH_TEST(name)  cmocka_unit_test_setup_teardown(name, files_set_up, files_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_read),
        SOCKET_TEST(each_word_has_its_answer),
        SOCKET_TEST(a_word_may_come_in_pieces),
        SOCKET_TEST(who_says_too_much_or_goes_away_is_cut_off),
        SOCKET_TEST(silent_ones_keep_nobody_out_for_long),
        SOCKET_TEST(only_a_socket_is_replaced),
        WATCH_TEST(what_is_being_written_is_waited_for),
        WATCH_TEST(a_poll_finds_what_nobody_told_of),
        WATCH_TEST(what_never_settles_counts_in_the_end),
        WATCH_TEST(who_says_complete_is_not_believed_but_looked_at),
        WATCH_TEST(events_of_other_files_put_nothing_off),
        WATCH_TEST(who_says_complete_all_the_time_changes_nothing),
        WATCH_TEST(a_folder_that_goes_away_may_come_again),
    };
    return tap_run(tests, NULL, NULL);
}
