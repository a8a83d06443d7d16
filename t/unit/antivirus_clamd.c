/*
 * clamd as an outside scanner, against servers that behave and servers that do not: whatever they
 * do, what is not surely clean is not clean, and nothing takes longer than its time.
 */
#include "t/unit/tap.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "antivirus/outside/clamd_reply.h"
#include "base/buf.h"
#include "t/unit/outside_world.h"

#define CLAMD    "type = clamd"
#define VERSION_ "1: ClamAV 1.4.6/27831/Sat Nov 21\0"
#define BIG      (8 * 1024 * 1024)

/* --- one line --- */

static void expect(const char *line, uint64_t id, enum clamd_says says, const char *text)
{
    struct clamd_reply reply;
    clamd_reply_read(str_of(line), &reply);
    if (reply.says != says || reply.id != id)
        fail_msg("%s: id %llu, says %d", line, (unsigned long long)reply.id, (int)reply.says);
    if (text)
        assert_str(reply.text, text);
}

static void lines_are_understood(void **state)
{
    expect("1: ClamAV 1.4.6/27831/Sat", 1, CLAMD_OTHER, "ClamAV 1.4.6/27831/Sat");
    expect("2: stream: OK", 2, CLAMD_OK, NULL);
    expect("3: fd[10]: OK", 3, CLAMD_OK, NULL);
    expect("4: fd[10]: Eicar-Signature FOUND", 4, CLAMD_FOUND, "Eicar-Signature");
    expect("4: stream: a: b FOUND", 4, CLAMD_FOUND, "a: b");
    expect("5: stream: Heuristics.Limits.Exceeded.MaxRecursion FOUND", 5, CLAMD_UNSCANNABLE,
           "Heuristics.Limits.Exceeded.MaxRecursion");
    expect("5: stream: Heuristics.Encrypted.Zip FOUND", 5, CLAMD_UNSCANNABLE, NULL);
    expect("6: INSTREAM size limit exceeded. ERROR", 6, CLAMD_UNSCANNABLE, NULL);
    expect("6: stream: Exceeded time limit ERROR", 6, CLAMD_UNSCANNABLE, "Exceeded time limit");
    expect("7: fd[3]: Can't allocate memory ERROR", 7, CLAMD_ERROR, "Can't allocate memory");
    expect("8: UNKNOWN COMMAND", 8, CLAMD_OTHER, NULL);
}

static void nonsense_is_never_clean(void **state)
{
    static const char *const lines[] = {
        "",
        "OK",
        "stream: OK",
        ": stream: OK",
        "-1: stream: OK",
        "99999999999999999999: stream: OK",
        "1:stream: OK",
        "1: stream:OK",
        "1: stream: ok",
        "1: stream: OK ",
        "1: stream: OK\n",
        "1: /etc/passwd: OK",
        "1: fd[]: OK",
        "1: fd[x]: OK",
        "1: OK",
        "1: stream: stream: OK",
        "1: stream: FOUND OK",
        "1: ",
        "1: stream: ",
    };
    struct clamd_reply reply;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        clamd_reply_read(str_of(lines[i]), &reply);
        if (reply.says == CLAMD_OK)
            fail_msg("%s is taken for clean", lines[i]);
    }
}

/* --- a server that behaves --- */

struct server {
    int fd, passed;
    struct buf in;
};

static bool hear_more(struct server *s)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec to = {buf_room(&s->in, 65536), 65536};
    struct msghdr message = {.msg_iov = &to,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t n = recvmsg(s->fd, &message, 0);
    if (n <= 0)
        return false;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_type == SCM_RIGHTS)
        memcpy(&s->passed, CMSG_DATA(header), sizeof(int));
    buf_filled(&s->in, (size_t)n);
    return true;
}

static bool need(struct server *s, size_t n)
{
    while (s->in.n < n)
        if (!hear_more(s))
            return false;
    return true;
}

static bool next_command(struct server *s, char *name, size_t size)
{
    size_t end;
    while ((end = str_chr(buf_str(&s->in), '\0')) == STR_NONE)
        if (!hear_more(s))
            return false;
    bool fits = str_copy(str_sub(buf_str(&s->in), 0, end), name, size);
    buf_eat(&s->in, end + 1);
    return fits;
}

static bool read_stream(struct server *s, struct buf *item)
{
    uint32_t n;
    do {
        if (!need(s, 4))
            return false;
        memcpy(&n, s->in.p, 4);
        n = ntohl(n);
        buf_eat(&s->in, 4);
        if (!need(s, n))
            return false;
        buf_addn(item, s->in.p, n);
        buf_eat(&s->in, n);
    } while (n > 0);
    return true;
}

/* What was passed can be read from where it stands, and changed by nobody. */
static bool read_passed(struct server *s, struct buf *item)
{
    struct stat st;
    if (!need(s, 1) || s->passed < 0 || fstat(s->passed, &st) < 0)
        return false;
    buf_eat(&s->in, 1);
    char *to = buf_room(item, (size_t)st.st_size);
    ssize_t n = read(s->passed, to, (size_t)st.st_size);
    if (n != st.st_size || write(s->passed, "x", 1) >= 0)
        return false;
    buf_filled(item, (size_t)n);
    close(s->passed);
    s->passed = -1;
    return true;
}

static void play_well(int fd, const void *script)
{
    struct server s = {.fd = fd, .passed = -1, .in = BUF_INIT(64 * 1024 * 1024)};
    struct buf item = BUF_INIT(64 * 1024 * 1024);
    char name[32], reply[200];
    unsigned id = 0;
    while (next_command(&s, name, sizeof name)) {
        bool file = strcmp(name, "zFILDES") == 0;
        if (strcmp(name, "zIDSESSION") == 0)
            continue;
        buf_clear(&item);
        if (strcmp(name, "zVERSION") == 0)
            snprintf(reply, sizeof reply, "%u: ClamAV 1.4.6/27831/Sat", ++id);
        else if (file ? !read_passed(&s, &item) : !read_stream(&s, &item))
            break;
        else
            snprintf(reply, sizeof reply, "%u: %s: %s", ++id, file ? "fd[7]" : "stream",
                     str_find(buf_str(&item), STR(EICAR)) == STR_NONE ? "OK" : "Eicar-Test FOUND");
        world_say(fd, str_n(reply, strlen(reply) + 1));
    }
    buf_release(&item);
    buf_release(&s.in);
}

static void asks_a_server_that_behaves(void **state)
{
    char *big = malloc(BIG + 1);
    memset(big, 'x', BIG);
    big[BIG] = '\0';
    for (int tcp = 0; tcp < 2; tcp++) {
        struct world world;
        world_open(&world, tcp, play_well, NULL);
        struct conf *conf = world_conf(&world, CLAMD, 10);
        struct av_answer answer = world_ask_once(conf, 2, "harmless");
        assert_string_equal(answer.name, "");
        assert_int_equal(answer.result, AV_CLEAN);
        assert_string_equal(answer.engine, "fake");
        assert_string_equal(answer.version, "ClamAV 1.4.6/27831/Sat");
        answer = world_ask_once(conf, 2, EICAR);
        assert_int_equal(answer.result, AV_INFECTED);
        assert_string_equal(answer.name, "Eicar-Test");
        answer = world_ask_once(conf, 2, big);
        assert_string_equal(answer.name, "");
        assert_int_equal(answer.result, AV_CLEAN);
        conf_free(&conf);
        world_close(&world);
    }
    free(big);
}

/* Two thousand of them, most of them empty: neither side waits for the other for ever. */
static void asks_about_many_parts(void **state)
{
    static struct av_part parts[AV_PARTS_MAX];
    struct world world;
    struct err err;
    struct av_answer answer;
    for (size_t i = 0; i < AV_PARTS_MAX; i++)
        parts[i] = (struct av_part){.bytes = i % 4 ? STR_EMPTY : STR("part")};
    parts[AV_PARTS_MAX - 1].bytes = STR(EICAR);
    struct av_message message = {.raw = STR("Subject: x\r\n\r\n"),
                                 .parts = parts,
                                 .n_parts = AV_PARTS_MAX - 1};
    world_open(&world, false, play_well, NULL);
    struct conf *conf = world_conf(&world, CLAMD, 20);
    struct outside *outside = outside_open(conf, &err);
    outside_scan(outside, &message, &answer);
    assert_string_equal(answer.name, "");
    assert_int_equal(answer.result, AV_CLEAN);
    message.n_parts++;
    outside_scan(outside, &message, &answer);
    assert_int_equal(answer.result, AV_INFECTED);
    message.n_parts--;
    message.left_out = STR("too many parts");
    outside_scan(outside, &message, &answer);
    assert_int_equal(answer.result, AV_UNSCANNABLE);
    outside_close(&outside);
    conf_free(&conf);
    world_close(&world);
}

/* --- servers that do not --- */

/* Hears all that is asked, says its piece, and goes (or stays, where the script says so). */
struct piece {
    struct str says;
    bool stays;
};

static void play_piece(int fd, const void *script)
{
    const struct piece *piece = script;
    if (!world_await(fd, STR(MARK), 2))
        return;
    world_say(fd, piece->says);
    if (piece->stays)
        world_linger(fd);
}

static struct av_answer ask_piece(struct str says, bool stays, unsigned timeout)
{
    const struct piece piece = {says, stays};
    struct world world;
    world_open(&world, true, play_piece, &piece);
    struct conf *conf = world_conf(&world, CLAMD, timeout);
    struct av_answer answer = world_ask_once(conf, 1, "");
    conf_free(&conf);
    world_close(&world);
    return answer;
}

#define GOOD                                                                                       \
    VERSION_ "3: stream: OK\0"                                                                     \
             "2: stream: OK\0"

static void an_answer_cut_anywhere_is_a_failure(void **state)
{
    static const char good[] = GOOD;
    assert_int_equal(ask_piece(str_n(good, sizeof good - 1), false, 10).result, AV_CLEAN);
    for (size_t n = 0; n < sizeof good - 1; n++) {
        struct av_answer answer = ask_piece(str_n(good, n), false, 10);
        if (answer.result != AV_FAILED)
            fail_msg("cut to %zu bytes: %s", n, av_result_name(answer.result));
    }
}

static void lies_are_failures(void **state)
{
    static const struct str pieces[] = {
        STR(VERSION_ "2: stream: OK\0"
                     "2: stream: OK\0"), /* one twice, the other never */
        STR(VERSION_ "2: stream: OK\0"
                     "4: stream: OK\0"), /* what was not asked */
        STR(VERSION_ "0: stream: OK\0"
                     "2: stream: OK\0"),
        STR("1: stream: OK\0"
            "2: stream: OK\0"
            "3: stream: OK\0"), /* no version */
        STR(VERSION_ "2: stream: OK\0"
                     "3: /etc/motd: OK\0"),
        STR(VERSION_ "2: stream: OK\0"
                     "3: Command read timed out\0"),
        STR(VERSION_ "2: stream: OK\0"
                     "3: stream: Can't allocate memory ERROR\0"),
        STR(VERSION_ "2: stream: OK\n"
                     "3: stream: OK\n"),
        STR("HTTP/1.0 200 OK\r\n\r\n"),
    };
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct av_answer answer = ask_piece(pieces[i], false, 10);
        if (answer.result != AV_FAILED || answer.name[0] == '\0')
            fail_msg("%zu: %s (%s)", i, av_result_name(answer.result), answer.name);
    }
}

static void what_it_found_weighs_more_than_its_failure(void **state)
{
    struct av_answer answer =
        ask_piece(STR(VERSION_ "2: stream: Bad\xff\x1b[1m\r\nX: y FOUND\0"), false, 10);
    assert_int_equal(answer.result, AV_INFECTED);
    assert_string_equal(answer.name, "Bad??[1m??X: y");
    answer = ask_piece(STR(VERSION_ "2: stream: Heuristics.Encrypted.Zip FOUND\0"
                                    "3: stream: OK\0"),
                       false, 10);
    assert_int_equal(answer.result, AV_UNSCANNABLE);
    answer = ask_piece(STR(VERSION_ "2: stream: Heuristics.Encrypted.Zip FOUND\0"), false, 10);
    assert_int_equal(answer.result, AV_FAILED);
}

/* clamd closes the session then: what can't be scanned must not become a failure, to be tried again
 * for ever. */
static void an_item_above_the_limit_is_unscannable(void **state)
{
    struct av_answer answer =
        ask_piece(STR(VERSION_ "2: INSTREAM size limit exceeded. ERROR\0"), false, 10);
    assert_int_equal(answer.result, AV_UNSCANNABLE);
    assert_string_equal(answer.name, "INSTREAM size limit exceeded.");
    answer = ask_piece(STR(VERSION_ "2: stream: Can't allocate memory ERROR\0"
                                    "3: INSTREAM size limit exceeded. ERROR\0"),
                       false, 10);
    assert_int_equal(answer.result, AV_FAILED);
}

static void play_hasty(int fd, const void *script)
{
    if (!world_await(fd, STR("zINSTREAM"), 2))
        return;
    world_say(fd, *(const struct str *)script);
    sleep(1);
}

/* The rest of the last item is never read. */
static void ok_before_the_end_is_a_failure(void **state)
{
    static const struct str script = STR(VERSION_ "2: stream: OK\0"
                                                  "3: stream: OK\0");
    struct world world;
    char *big = malloc(4 * BIG + 1);
    memset(big, 'x', 4 * BIG);
    big[4 * BIG] = '\0';
    world_open(&world, true, play_hasty, &script);
    struct conf *conf = world_conf(&world, CLAMD, 5);
    struct av_answer answer = world_ask_once(conf, 1, big);
    assert_int_equal(answer.result, AV_FAILED);
    assert_string_equal(answer.name, "it says OK before it has heard all");
    conf_free(&conf);
    world_close(&world);
    free(big);
}

static void silence_ends_with_the_time(void **state)
{
    int64_t from = clock_ms();
    struct av_answer answer = ask_piece(STR(VERSION_ "2: stream: OK\0"), true, 1);
    assert_int_equal(answer.result, AV_FAILED);
    assert_string_equal(answer.name, "no answer within 1 s");
    assert_in_range(clock_ms() - from, 900, 5000);
}

static void play_flood(int fd, const void *script)
{
    const struct str *text = script;
    for (;;)
        if (send(fd, text->s, text->n, MSG_NOSIGNAL) < 0)
            return;
}

static void play_nothing(int fd, const void *script)
{
}

static void play_drip(int fd, const void *script)
{
    for (;;)
        if (send(fd, "1", 1, MSG_NOSIGNAL) < 0 || usleep(50000) < 0)
            return;
}

/* Takes nothing of what is sent. */
static void play_deaf(int fd, const void *script)
{
    pause();
}

static void play_half_closed(int fd, const void *script)
{
    shutdown(fd, SHUT_RD);
    pause();
}

static void floods_and_drips_end(void **state)
{
    static const struct str zeros = STR("\0\0\0\0\0\0\0\0"), words = STR("ab ab ab ab ab ab "),
                            lines = STR("1: ClamAV\0");
    const struct {
        world_play *play;
        const struct str *script;
    } acts[] = {{play_flood, &zeros},    {play_flood, &words}, {play_flood, &lines},
                {play_nothing, NULL},    {play_drip, NULL},    {play_deaf, NULL},
                {play_half_closed, NULL}};
    char *big = malloc(BIG + 1);
    memset(big, 'x', BIG);
    big[BIG] = '\0';
    for (int tcp = 0; tcp < 2; tcp++)
        for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
            struct world world;
            int64_t from = clock_ms();
            world_open(&world, tcp, acts[i].play, acts[i].script);
            struct conf *conf = world_conf(&world, CLAMD, 1);
            struct av_answer answer = world_ask_once(conf, 2, big);
            if (answer.result != AV_FAILED || answer.name[0] == '\0')
                fail_msg("%zu: %s (%s)", i, av_result_name(answer.result), answer.name);
            assert_in_range(clock_ms() - from, 0, 5000);
            conf_free(&conf);
            world_close(&world);
        }
    free(big);
}

static void nobody_there_is_a_failure(void **state)
{
    struct world world = {.path = "/tmp/poterne-nobody.sock"};
    struct conf *conf = world_conf(&world, CLAMD, 5);
    assert_int_equal(world_ask_once(conf, 1, "").result, AV_FAILED);
    conf_free(&conf);
    world = (struct world){.port = 1};
    conf = world_conf(&world, CLAMD, 5);
    assert_int_equal(world_ask_once(conf, 1, "").result, AV_FAILED);
    conf_free(&conf);
}

/* --- several --- */

static void all_are_asked_at_once(void **state)
{
    struct world good, silent;
    struct err err = {""};
    world_open(&good, false, play_well, NULL);
    world_open(&silent, true, play_deaf, NULL);
    struct buf text = BUF_INIT(4096);
    buf_addf(&text,
             "domain example.org { next_hop = lmtp://127.0.0.1:24 }\n"
             "antivirus { engines = { silent, yara, gone, good }; timeout = 1s }\n"
             "scanner good { type = clamd; address = %s }\n"
             "scanner silent { type = clamd; address = 127.0.0.1:%u }\n"
             "scanner gone { type = clamd; address = 127.0.0.1:1 }\n"
             "scanner unused { type = clamd; address = 127.0.0.1:2 }\n",
             good.path, silent.port);
    struct conf *conf = conf_parse(buf_str(&text), "test.conf", &err);
    if (conf == NULL)
        fail_msg("%s", err.text);
    struct outside *outside = outside_open(conf, &err);
    struct av_answer answers[AV_ENGINES_MAX];
    const struct av_message message = {.raw = STR(EICAR)};
    assert_int_equal(outside_count(outside), 3);
    outside_scan(outside, &message, answers);
    assert_string_equal(answers[0].engine, "silent");
    assert_int_equal(answers[0].result, AV_FAILED);
    assert_string_equal(answers[1].engine, "gone");
    assert_int_equal(answers[1].result, AV_FAILED);
    assert_string_equal(answers[2].engine, "good");
    assert_int_equal(answers[2].result, AV_INFECTED);
    assert_true(answers[2].microseconds < 900000);
    outside_close(&outside);
    conf_free(&conf);
    buf_release(&text);
    world_close(&good);
    world_close(&silent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_understood),
        cmocka_unit_test(nonsense_is_never_clean),
        cmocka_unit_test(asks_a_server_that_behaves),
        cmocka_unit_test(asks_about_many_parts),
        cmocka_unit_test(an_answer_cut_anywhere_is_a_failure),
        cmocka_unit_test(lies_are_failures),
        cmocka_unit_test(what_it_found_weighs_more_than_its_failure),
        cmocka_unit_test(an_item_above_the_limit_is_unscannable),
        cmocka_unit_test(ok_before_the_end_is_a_failure),
        cmocka_unit_test(silence_ends_with_the_time),
        cmocka_unit_test(floods_and_drips_end),
        cmocka_unit_test(nobody_there_is_a_failure),
        cmocka_unit_test(all_are_asked_at_once),
    };
    return tap_run(tests, NULL, NULL);
}
