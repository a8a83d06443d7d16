/* A report that is to be posted over HTTPS: when it is tried again, for how long, and what is
 * noted. */
#include "t/unit/tap.h"

#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "gateway/fetch/protocol.h"
#include "gateway/reports/hand_out.h"

#define DAY     20779
#define NOW     ((int64_t)1795400000)
#define URL     "https://reports.a.example/v1?of=us"
#define WAIT_MS 20000

struct world {
    char root[64], path[128];
    struct pool *pool;
    struct hand_out hand;
    struct tally_subject subject;
    struct handed what;
    struct rua_list list;
};

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    snprintf(w->root, sizeof w->root, "/tmp/poterne-hand.XXXXXX");
    assert_non_null(mkdtemp(w->root));
    w->pool = pool_new((size_t)1 << 28);
    w->subject = (struct tally_subject){TALLY_TLS, STR("a.example"), DAY};
    w->what = (struct handed){&w->subject, STR("the report")};
    w->hand = (struct hand_out){.run_dir = w->root,
                                .shares = {.pool = w->pool},
                                .now_s = NOW,
                                .post_until = clock_ms() + 3600 * 1000};
    assert_true(rua_read(TALLY_TLS, STR("v=TLSRPTv1; rua=" URL), &w->list));
    assert_int_equal(w->list.n, 1);
    *state = w;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int tear_down(void **state)
{
    struct world *w = *state;
    assert_int_equal(nftw(w->root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    pool_free(&w->pool);
    free(w);
    return 0;
}

/* Handed out, or again what waits, at that time; how it stands then. */
static struct sent_line hand(struct world *w, int64_t now_s)
{
    struct sent_book book;
    struct err err = {""};
    char folder[128];
    snprintf(folder, sizeof folder, "%s/tally", w->root);
    assert_int_equal(sent_open(&book, folder, TALLY_TLS, DAY, true, w->pool, &err), 0);
    struct sent_line before = sent_find(&book, w->subject.domain);
    w->hand.now_s = now_s;
    if (before.state == SENT_NOT)
        assert_int_equal(hand_out(&w->hand, &w->what, &w->list, &book, &err), 0);
    else if (before.state == SENT_WAITING && hand_out_due(&w->hand, before.detail))
        assert_int_equal(hand_out_again(&w->hand, &w->what, &w->list, before.detail, &book, &err),
                         0);
    sent_close(&book);
    assert_int_equal(sent_open(&book, folder, TALLY_TLS, DAY, false, w->pool, &err), 0);
    return sent_find(&book, w->subject.domain);
}

static void is_tried(const struct sent_line *line, int64_t tried_s)
{
    char text[64];
    snprintf(text, sizeof text, " since %lld, tried %lld: ", (long long)NOW, (long long)tried_s);
    if (str_find(line->detail, str_of(text)) == STR_NONE)
        print_error("%.*s\n", STR_ARG(line->detail));
    assert_int_equal(line->state, SENT_WAITING);
    assert_int_not_equal(str_find(line->detail, str_of(text)), STR_NONE);
}

/* Nobody is there: poterne-fetch can't be asked. */
static void what_is_not_taken_is_tried_for_a_day(void **state)
{
    struct world *w = *state;
    int64_t last = NOW;
    unsigned tries = 1;
    struct sent_line line = hand(w, NOW);
    is_tried(&line, NOW);
    assert_true(w->hand.waits);
    assert_true(str_starts(line.detail, STR(SENT_WAITS URL)));
    line = hand(w, NOW + HAND_OUT_FIRST_PAUSE - 1);
    is_tried(&line, NOW);
    for (int64_t now = NOW + 60; line.state == SENT_WAITING; now += 60) {
        char text[64];
        assert_true(now <= NOW + 3 * HAND_OUT_SECONDS);
        line = hand(w, now);
        snprintf(text, sizeof text, "tried %lld:", (long long)now);
        if (str_find(line.detail, str_of(text)) == STR_NONE)
            continue;
        assert_true(now - last >= last - NOW); /* as long as it was tried */
        last = now;
        tries++;
    }
    assert_int_equal(line.state, SENT_GIVEN_UP);
    assert_in_range(tries, 5, 12);
    assert_true(str_starts(line.detail, STR("not to reports.a.example: ")));
}

static void a_manager_and_a_lack_of_time_say_when(void **state)
{
    struct world *w = *state;
    hand(w, NOW);
    w->hand.at_once = true;
    struct sent_line line = hand(w, NOW + 1);
    is_tried(&line, NOW + 1);
    w->hand.post_until = clock_ms() - 1; /* others are slow */
    line = hand(w, NOW + 5000);
    is_tried(&line, NOW + 1);
}

static void who_is_not_named_any_more_gets_none(void **state)
{
    struct world *w = *state;
    hand(w, NOW);
    assert_true(rua_read(TALLY_TLS, STR("v=TLSRPTv1; rua=https://other.example/"), &w->list));
    struct sent_line line = hand(w, NOW + HAND_OUT_FIRST_PAUSE);
    assert_int_equal(line.state, SENT_UNWANTED);
    assert_int_not_equal(str_find(line.detail, STR("does not name it any more")), STR_NONE);
}

static void what_waits_has_its_share(void **state)
{
    struct world *w = *state;
    const struct sent_line lines[] = {
        {STR("a.example"), SENT_WAITING,
         STR("01A to x@one.example; waits for https://two.example:443/p since 1, tried 2: no")},
        {STR("b.example"), SENT_DONE,
         STR("posted to https://TWO.example/q; not to three.example: no")}};
    const struct sent_book book = {.fd = -1, .lines = (struct sent_line *)lines, .n = 2};
    struct err err = {""};
    struct shares shares;
    assert_int_equal(shares_read(&shares, &book, w->pool, &err), 0);
    assert_int_equal(shares.all, 3);
    assert_int_equal(shares.n, 2);
    assert_int_equal(shares.list[1].n, 2);
}

/* What is too large for poterne-fetch waits for nothing. */
static void one_that_is_too_large_is_not_posted(void **state)
{
    struct world *w = *state;
    char *bytes = calloc(1, FETCH_BODY_MAX + 1);
    assert_non_null(bytes);
    w->what.gzip = str_n(bytes, FETCH_BODY_MAX + 1);
    struct sent_line line = hand(w, NOW);
    assert_int_equal(line.state, SENT_UNWANTED);
    assert_int_not_equal(str_find(line.detail, STR("can be posted")), STR_NONE);
    free(bytes);
}

/* --- a poterne-fetch --- */

struct server {
    int fd;
    unsigned status;
    bool sense; /* what was asked */
};

static void *serve(void *data)
{
    struct server *s = data;
    struct buf message = BUF_INIT(IPC_MSG_MAX);
    struct fetch_request request;
    struct err err = {""};
    if (ipc_wait(s->fd, false, WAIT_MS, &err) <= 0)
        return NULL;
    int fd = ipc_accept(s->fd, &err);
    if (fd >= 0 && ipc_wait(fd, false, WAIT_MS, &err) > 0 &&
        ipc_recv(fd, &message, NULL, &err) == 1 && fetch_request_get(buf_str(&message), &request)) {
        s->sense = request.target == FETCH_STRANGER && request.method == FETCH_POST &&
                   str_eq(request.url, STR(URL)) &&
                   str_eq(request.type, STR("application/tlsrpt+gzip")) &&
                   str_eq(request.body, STR("the report"));
        const struct fetch_answer answer = {.number = request.number,
                                            .result = FETCH_ANSWERED,
                                            .status = s->status};
        buf_clear(&message);
        fetch_answer_put(&message, &answer);
        s->sense &= ipc_send(fd, buf_str(&message), NULL, &err) == 1;
    }
    fsio_close_quiet(&fd);
    buf_release(&message);
    return NULL;
}

static struct sent_line hand_to_server(struct world *w, unsigned status, int64_t now_s)
{
    struct server server = {.status = status};
    struct err err = {""};
    pthread_t thread;
    snprintf(w->path, sizeof w->path, "%s/fetch.sock", w->root);
    server.fd = ipc_listen(w->path, 0600, &err);
    assert_true(server.fd >= 0);
    assert_int_equal(pthread_create(&thread, NULL, serve, &server), 0);
    struct sent_line line = hand(w, now_s);
    assert_int_equal(pthread_join(thread, NULL), 0);
    close(server.fd);
    unlink(w->path);
    assert_true(server.sense);
    return line;
}

static void a_status_says_whether_it_was_taken(void **state)
{
    struct world *w = *state;
    struct sent_line line = hand_to_server(w, 301, NOW);
    is_tried(&line, NOW);
    assert_true(str_ends(line.detail, STR("HTTP status 301")));
    line = hand_to_server(w, 202, NOW + HAND_OUT_FIRST_PAUSE);
    assert_int_equal(line.state, SENT_DONE);
    assert_true(str_eq(line.detail, STR(SENT_POSTED URL)));
    line = hand(w, NOW + HAND_OUT_SECONDS);
    assert_int_equal(line.state, SENT_DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_not_taken_is_tried_for_a_day, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_manager_and_a_lack_of_time_say_when, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_not_named_any_more_gets_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_waits_has_its_share, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_is_too_large_is_not_posted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_status_says_whether_it_was_taken, set_up, tear_down),
    };
    return tap_run(tests, NULL, NULL);
}
