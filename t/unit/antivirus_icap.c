/*
 * ICAP: the reader of responses, what the common servers say in their own fields, and whole
 * conversations with servers that behave and servers that do not.
 */
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "antivirus/outside/icap_dialect.h"
#include "t/unit/outside_world.h"

#define ICAP "type = icap\n"
#define BIG  (4 * 1024 * 1024)

#define OPTIONS_                                                                                   \
    "ICAP/1.0 200 OK\r\nMethods: RESPMOD, REQMOD\r\nService: Test 1.0\r\nISTag: \"T-1\"\r\n"       \
    "Allow: 204\r\nPreview: 4\r\nEncapsulated: null-body=0\r\n\r\n"
#define NONE_ "ICAP/1.0 204 No Content\r\nISTag: \"T-1\"\r\nEncapsulated: null-body=0\r\n\r\n"
#define HTTP_ "HTTP/1.0 200 OK\r\n\r\n" /* 19 bytes */
#define PAGE_ "HTTP/1.0 403 No\r\n\r\n" /* 19 bytes too */
#define ECHO_ "ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=19\r\n\r\n" HTTP_

/* --- the reader --- */

/* What becomes of bytes that come `step` at a time; the response is left to the caller. */
static enum icap_read read_in_steps(struct icap_response *r, struct str bytes, size_t step,
                                    struct str sent, size_t *left)
{
    struct buf in = BUF_INIT(1 << 20);
    struct err err = {""};
    enum icap_read result = ICAP_MORE;
    icap_response_clear(r, sent);
    while (result == ICAP_MORE && bytes.n > 0) {
        buf_add(&in, str_sub(bytes, 0, step));
        bytes = str_from(bytes, step);
        result = icap_response_read(r, &in, &err);
    }
    if (result == ICAP_BAD)
        assert_true(err.text[0] != '\0');
    *left = in.n + bytes.n;
    buf_release(&in);
    return result;
}

static void responses_are_read_as_they_come(void **state)
{
    static const struct {
        struct str bytes;
        unsigned status, http_status;
        bool echoes;
    } good[] = {
        {STR(OPTIONS_), 200, 0, false},
        {STR(NONE_), 204, 0, false},
        {STR("ICAP/1.0 100 Continue\r\n\r\n"), 100, 0, false},
        {STR("ICAP/1.0 204\r\n\r\n"), 204, 0, false},
        {STR("ICAP/1.0 204 Unmodified\n\n"), 204, 0, false},
        {STR(ECHO_ "4\r\nitem\r\n0\r\n\r\n"), 200, 200, true},
        {STR(ECHO_ "1;x=y\r\ni\r\n03\r\ntem\r\n0;ieof\r\nTrailer: x\r\n\r\n"), 200, 200, true},
        {STR(ECHO_ "4\r\nITEM\r\n0\r\n\r\n"), 200, 200, false},
        {STR(ECHO_ "3\r\nite\r\n0\r\n\r\n"), 200, 200, false},
        {STR(ECHO_ "5\r\nitems\r\n0\r\n\r\n"), 200, 200, false},
        {STR(ECHO_ "0\r\n\r\n"), 200, 200, false},
        {STR("ICAP/1.0 200 OK\r\nX-A: b\r\n\tc\r\nEncapsulated: res-hdr=0, "
             "res-body=19\r\n\r\n" PAGE_ "0\r\n\r\n"),
         200, 403, false},
        {STR("ICAP/1.0 200 OK\r\nEncapsulated: req-hdr=0,null-body=7\r\n\r\nGET /\r\n"), 200, 0,
         false},
    };
    struct icap_response r;
    size_t left;
    icap_response_init(&r);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        for (size_t step = 1; step <= good[i].bytes.n; step++) {
            enum icap_read result = read_in_steps(&r, good[i].bytes, step, STR("item"), &left);
            if (result != ICAP_WHOLE || left != 0)
                fail_msg("%zu in steps of %zu: %d, %zu left", i, step, (int)result, left);
            assert_int_equal(r.status, good[i].status);
            assert_int_equal(r.http_status, good[i].http_status);
            assert_int_equal(icap_response_echoes(&r), good[i].echoes);
            /* cut anywhere it is not whole */
            if (step < good[i].bytes.n) {
                result = read_in_steps(&r, str_sub(good[i].bytes, 0, step), 7, STR("item"), &left);
                assert_int_equal(result, ICAP_MORE);
                assert_false(icap_response_echoes(&r));
            }
        }
    icap_response_release(&r);
}

static void what_breaks_the_format_is_refused(void **state)
{
    static const struct str wrong[] = {
        STR("\r\n\r\n"),
        STR("HTTP/1.0 200 OK\r\n\r\n"),
        STR("ICAP/2.0 200 OK\r\n\r\n"),
        STR("ICAP/1.0 20 OK\r\n\r\n"),
        STR("ICAP/1.0 2000 OK\r\n\r\n"),
        STR("ICAP/1.0 2x0 OK\r\n\r\n"),
        STR("ICAP/1.0 000 OK\r\n\r\n"),
        STR("ICAP/1.0 204 OK\r\nX: \0\r\n\r\n"),
        STR("ICAP/1.0 200 OK\r\nEncapsulated:\r\n\r\n"),
        STR("ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0\r\n\r\n"),
        STR("ICAP/1.0 200 OK\r\nEncapsulated: res-body=0, res-hdr=0\r\n\r\n"),
        STR("ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=9, res-body=8\r\n\r\n"),
        STR("ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=99999999\r\n\r\n"),
        STR("ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=-1\r\n\r\n"),
        STR("ICAP/1.0 200 OK\r\nEncapsulated: x=0, null-body=1\r\n\r\n"),
        STR("ICAP/1.0 200 OK\r\nEncapsulated: null-body=0\r\nEncapsulated: null-body=0\r\n\r\n"),
        STR("ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, null-body=4\r\n\r\nHTTP"),
        STR(ECHO_ "x\r\n"),
        STR(ECHO_ "\r\n"),
        STR(ECHO_ "-1\r\n"),
        STR(ECHO_ "0x4\r\nitem\r\n"),
        STR(ECHO_ "4z\r\nitem\r\n"),
        STR(ECHO_ "4\r\nitems\r\n"),
        STR(ECHO_ "ffffffffffffffff\r\n"),
        STR(ECHO_ "11111111111111111\r\n"),
        STR(ECHO_ "200000\r\n"),
    };
    struct icap_response r;
    size_t left;
    icap_response_init(&r);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        for (size_t step = 1; step <= wrong[i].n; step++)
            if (read_in_steps(&r, wrong[i], step, STR("item"), &left) != ICAP_BAD)
                fail_msg("%zu in steps of %zu is not refused", i, step);
    icap_response_release(&r);
}

static void what_does_not_end_is_refused(void **state)
{
    static const struct {
        const char *head, *more;
    } floods[] = {{"", "ICAP"},
                  {"ICAP/1.0 200 OK\r\n", "X: y\r\n"},
                  {ECHO_, "0000"},
                  {ECHO_, "1\r\ni\r\n"},
                  {ECHO_ "0\r\n", "X: y\r\n"},
                  {ECHO_ "0\r\n", "X"},
                  {ECHO_ "4\r\nitem", " "}};
    struct icap_response r;
    size_t left;
    icap_response_init(&r);
    for (size_t i = 0; i < sizeof floods / sizeof floods[0]; i++) {
        struct buf all = BUF_INIT(32 * 1024 * 1024);
        buf_add(&all, str_of(floods[i].head));
        while (all.n < 10 * ICAP_EXTRA_MAX)
            buf_add(&all, str_of(floods[i].more));
        assert_int_equal(read_in_steps(&r, buf_str(&all), 4096, STR("item"), &left), ICAP_BAD);
        assert_true(left > 0);
        buf_release(&all);
    }
    icap_response_release(&r);
}

/* --- dialects --- */

static struct av_answer judge(const char *status_and_fields, const char *rest)
{
    struct icap_response r;
    struct av_answer answer = {.result = AV_CLEAN};
    struct buf text = BUF_INIT(8192);
    size_t left;
    buf_addf(&text, "ICAP/1.0 %s\r\n", status_and_fields);
    if (rest)
        buf_add(&text, STR("Encapsulated: res-hdr=0, res-body=19\r\n"));
    buf_addf(&text, "\r\n%s", rest ? rest : "");
    icap_response_init(&r);
    if (read_in_steps(&r, buf_str(&text), 100, STR("item"), &left) != ICAP_WHOLE)
        fail_msg("%s: can't be read", status_and_fields);
    icap_judge(&r, &answer);
    icap_response_release(&r);
    buf_release(&text);
    return answer;
}

static void expect(const char *status_and_fields, const char *rest, enum av_result result,
                   const char *name)
{
    struct av_answer answer = judge(status_and_fields, rest);
    if (answer.result != result || (name && strcmp(answer.name, name) != 0))
        fail_msg("%s: %s (%s)", status_and_fields, av_result_name(answer.result), answer.name);
}

static void servers_speak_their_own_dialects(void **state)
{
    static const char page[] = PAGE_ "4\r\nSTOP\r\n0\r\n\r\n";
    static const char same[] = HTTP_ "4\r\nitem\r\n0\r\n\r\n";
    static const char other[] = HTTP_ "4\r\nSTOP\r\n0\r\n\r\n";
    expect("204 No Content", NULL, AV_CLEAN, "");
    expect("200 OK", same, AV_CLEAN, "");
    expect("204 No Content\r\nX-Virus-ID: none\r\nX-Violations-Found: 0", NULL, AV_CLEAN, "");
    expect("200 OK\r\nX-Infection-Found: Type=0; Resolution=2; Threat=Eicar-Test;", page,
           AV_INFECTED, "Eicar-Test");
    expect("200 OK\r\nX-Infection-Found: Type=0; Resolution=2; Threat=Eicar-Test;", same,
           AV_INFECTED, "Eicar-Test");
    expect("204 OK\r\nx-infection-found: something", NULL, AV_INFECTED, "something");
    expect("200 OK\r\nX-Infection-Found: Type=1; Resolution=0; Threat=Rule 7;", page, AV_INFECTED,
           "Rule 7");
    expect("200 OK\r\nX-Infection-Found: Type=2; Resolution=0; Threat=Zip bomb;", page,
           AV_UNSCANNABLE, "Zip bomb");
    expect("200 OK\r\nX-Infection-Found: Type=0; Resolution=2; Threat=Heuristics.Encrypted.Zip;",
           page, AV_UNSCANNABLE, "Heuristics.Encrypted.Zip");
    expect("200 OK\r\nX-Violations-Found: 1\r\n\tfile.com\r\n\tEICAR Test\r\n\t11101\r\n\t0", page,
           AV_INFECTED, "EICAR Test");
    expect("403 Forbidden\r\nX-Violations-Found: 1", NULL, AV_INFECTED, "1");
    expect("403 Forbidden\r\nX-Violations-Found: 1\r\n\tfile\r\n\t \r\n\t0", NULL, AV_INFECTED,
           "without a name");
    expect("200 OK\r\nX-Virus-ID: EICAR-AV-Test", page, AV_INFECTED, "EICAR-AV-Test");
    expect("200 OK\r\nX-Virus-Name: EICAR\x1b\xff", page, AV_INFECTED, "EICAR??");
    expect("200 OK\r\nX-Block-Reason: Malware found", other, AV_INFECTED, "Malware found");
    /* a field for each threat */
    expect("200 OK\r\nX-Infection-Found: Type=2; Resolution=0; Threat=Zip bomb;\r\n"
           "X-Infection-Found: Type=0; Resolution=2; Threat=Eicar;\r\n"
           "X-Infection-Found: Type=0; Resolution=2; Threat=Other;",
           page, AV_INFECTED, "Eicar");
    expect("204 No Content\r\nX-Virus-ID: none\r\nX-Virus-ID: EICAR", NULL, AV_INFECTED, "EICAR");
    expect("204 No Content\r\nX-Virus-ID: none\r\nX-Virus-ID: 0", NULL, AV_CLEAN, "");
    expect("200 OK", page, AV_FAILED, "blocked for a reason it does not name (HTTP status 403)");
    expect("200 OK", other, AV_FAILED, "changed for a reason it does not name");
    expect("200 OK", NULL, AV_FAILED, NULL);
    expect("404 Service not found", NULL, AV_FAILED, "ICAP status 404 Service not found");
    expect("500 Server error", NULL, AV_FAILED, NULL);
    expect("206 Partial", same, AV_FAILED, NULL);
    expect("100 Continue", NULL, AV_FAILED, NULL);
}

/* squidclamav */
static void a_page_tells_in_its_own_header(void **state)
{
    struct icap_response r;
    struct av_answer answer = {.result = AV_CLEAN};
    size_t left;
    icap_response_init(&r);
    assert_int_equal(
        read_in_steps(&r,
                      STR("ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, null-body=46\r\n"
                          "\r\nHTTP/1.0 307 Moved\r\nX-Virus-ID: Eicar-Test\r\n\r\n"),
                      9, STR("item"), &left),
        ICAP_WHOLE);
    icap_judge(&r, &answer);
    assert_int_equal(answer.result, AV_INFECTED);
    assert_string_equal(answer.name, "Eicar-Test");
    icap_response_release(&r);
}

static void options_are_understood(void **state)
{
    struct icap_options options;
    char version[64];
    icap_read_options(STR(OPTIONS_), "RESPMOD", &options);
    assert_true(options.method && options.allow_204 && options.preview);
    assert_int_equal(options.preview_size, 4);
    assert_int_equal(options.lifetime, ICAP_LIFETIME_DEFAULT);
    icap_read_options(STR("ICAP/1.0 200 OK\r\nMethods: REQMOD\r\nAllow: 206\r\nPreview: x\r\n"
                          "Options-TTL: 999999999\r\n"),
                      "RESPMOD", &options);
    assert_false(options.method || options.allow_204 || options.preview);
    assert_int_equal(options.lifetime, ICAP_LIFETIME_MAX);
    icap_read_options(STR("ICAP/1.0 200 OK\r\nPreview: 4294967295\r\nAllow: 206, 204\r\n"),
                      "RESPMOD", &options);
    assert_int_equal(options.preview_size, ICAP_PREVIEW_MAX);
    assert_true(options.allow_204);
    icap_version(STR(OPTIONS_), version, sizeof version);
    assert_string_equal(version, "Test 1.0 T-1");
}

/* --- conversations --- */

/* Answers each request in turn with the next reply, after it has read up to the mark that ends it.
 */
struct turn {
    const char *until; /* of the request */
    struct str reply;
};

#define TURNS_MAX 8

struct talk {
    struct turn turns[TURNS_MAX];
    bool stays; /* does not close at the end */
};

static void play_talk(int fd, const void *script)
{
    const struct talk *talk = script;
    for (size_t i = 0; i < TURNS_MAX && talk->turns[i].until; i++) {
        if (!world_await(fd, str_of(talk->turns[i].until), 1))
            return;
        world_say(fd, talk->turns[i].reply);
    }
    if (talk->stays)
        world_linger(fd);
}

static struct av_answer ask_talk(const struct talk *talk, const char *method, unsigned timeout)
{
    struct world world;
    char section[200];
    world_open(&world, true, play_talk, talk);
    snprintf(section, sizeof section,
             "type = icap\nmethod = %s\naddress = icap://127.0.0.1:%u/scan\n", method, world.port);
    struct conf *conf = world_conf(NULL, section, timeout);
    struct av_answer answer = world_ask_once(conf, 0, "");
    conf_free(&conf);
    world_close(&world);
    return answer;
}

#define BLANK "\r\n\r\n"
#define PLAIN_OPTIONS                                                                              \
    "ICAP/1.0 200 OK\r\nMethods: RESPMOD\r\nService: Plain\r\nEncapsulated: null-body=0\r\n\r\n"
#define PAUSE_ "ICAP/1.0 100 Continue\r\n\r\n"
#define FOUND_                                                                                     \
    "ICAP/1.0 200 OK\r\nX-Infection-Found: Type=0; Resolution=2; Threat=Eicar;\r\n"                \
    "Encapsulated: res-hdr=0, res-body=19\r\n\r\n" PAGE_ "4\r\nSTOP\r\n0\r\n\r\n"

static void a_preview_may_be_enough_or_not(void **state)
{
    const struct talk enough = {{{BLANK, STR(OPTIONS_)}, {"4\r\nSubj\r\n0\r\n\r\n", STR(NONE_)}},
                                false};
    const struct talk more = {{{BLANK, STR(OPTIONS_)},
                               {"4\r\nSubj\r\n0\r\n\r\n", STR(PAUSE_)},
                               {MARK "\r\n0\r\n\r\n", STR(NONE_)}},
                              true};
    const struct talk found = {{{BLANK, STR(OPTIONS_)},
                                {"4\r\nSubj\r\n0\r\n\r\n", STR(PAUSE_)},
                                {MARK "\r\n0\r\n\r\n", STR(FOUND_)}},
                               true};
    const struct talk all = {{{BLANK, STR(PLAIN_OPTIONS)}, {MARK "\r\n0\r\n\r\n", STR(NONE_)}},
                             true};
    struct av_answer answer = ask_talk(&enough, "respmod", 10);
    assert_string_equal(answer.name, "");
    assert_int_equal(answer.result, AV_CLEAN);
    assert_int_equal(ask_talk(&more, "respmod", 10).result, AV_CLEAN);
    assert_int_equal(ask_talk(&more, "reqmod", 10).result, AV_CLEAN);
    answer = ask_talk(&all, "respmod", 10);
    assert_int_equal(answer.result, AV_CLEAN);
    assert_string_equal(answer.version, "Plain");
    answer = ask_talk(&found, "respmod", 10);
    assert_int_equal(answer.result, AV_INFECTED);
    assert_string_equal(answer.name, "Eicar");
    assert_string_equal(answer.version, "Test 1.0 T-1");
}

static void a_conversation_that_breaks_is_a_failure(void **state)
{
    static const struct talk talks[] = {
        /* OPTIONS that are of no use */
        {{{BLANK, STR("ICAP/1.0 404 No such service\r\n\r\n")}}, true},
        {{{BLANK, STR("ICAP/1.0 200 OK\r\nMethods: REQMOD\r\n\r\n")}}, true},
        {{{BLANK, STR("ICAP/1.0 200 OK\r\n\r\n")}}, true},
        {{{BLANK, STR(NONE_)}}, true},
        {{{BLANK, STR(PAUSE_)}}, true},
        {{{BLANK, STR(OPTIONS_ NONE_)}}, true},
        /* more than was asked */
        {{{BLANK, STR(OPTIONS_)}, {"Subj\r\n0\r\n\r\n", STR(NONE_ "x")}}, true},
        {{{BLANK, STR(PLAIN_OPTIONS)}, {MARK "\r\n0\r\n\r\n", STR(PAUSE_)}}, true},
        {{{BLANK, STR(OPTIONS_)},
          {"Subj\r\n0\r\n\r\n", STR(PAUSE_)},
          {MARK "\r\n0\r\n\r\n", STR(PAUSE_)}},
         true},
        {{{BLANK, STR(OPTIONS_)}, {"Subj\r\n0\r\n\r\n", STR(PAUSE_ PAUSE_ PAUSE_)}}, true},
        /* gone in the middle */
        {{{BLANK, STR("")}}, false},
        {{{BLANK, STR(OPTIONS_)}, {"Subj\r\n0\r\n\r\n", STR("ICAP/1.0 204 No")}}, false},
        {{{BLANK, STR(OPTIONS_)}, {"Subj\r\n0\r\n\r\n", STR(PAUSE_)}}, false},
        {{{BLANK, STR(OPTIONS_)}, {"Subj\r\n0\r\n\r\n", STR(ECHO_ "4\r\nSub")}}, false},
        /* no ICAP */
        {{{BLANK, STR("HTTP/1.1 400 Bad Request\r\n\r\n")}}, true},
        {{{BLANK, STR("\n\n\n")}}, true},
        /* blocked, why is not told */
        {{{BLANK, STR(OPTIONS_)},
          {"Subj\r\n0\r\n\r\n",
           STR("ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, null-body=19\r\n\r\n" PAGE_)}},
         true},
    };
    for (size_t i = 0; i < sizeof talks / sizeof talks[0]; i++) {
        struct av_answer answer = ask_talk(&talks[i], "respmod", 5);
        if (answer.result != AV_FAILED || answer.name[0] == '\0' ||
            strstr(answer.name, "no answer within"))
            fail_msg("%zu: %s (%s)", i, av_result_name(answer.result), answer.name);
    }
}

/* What the head said stands, whatever becomes of the rest. */
static void a_finding_outweighs_what_follows(void **state)
{
    static const char head[] = "ICAP/1.0 200 OK\r\nX-Virus-ID: Eicar\r\n";
    static const struct {
        struct str reply;
        bool stays;
    } rests[] = {
        {STR("Encapsulated: res-hdr=0, res-body=19\r\n\r\n" PAGE_ "4\r\nST"), false},
        {STR("Encapsulated: res-hdr=0, res-body=19\r\n\r\n" PAGE_ "4\r\nST"), true},
        {STR("Encapsulated: res-hdr=0, res-body=19\r\n\r\n" PAGE_ "x\r\n"), true},
        {STR("Encapsulated: nonsense\r\n\r\n"), true},
        {STR("Encapsulated: null-body=0\r\n\r\nx"), true},
    };
    for (size_t i = 0; i < sizeof rests / sizeof rests[0]; i++) {
        struct buf reply = BUF_INIT(4096);
        buf_add(&reply, str_of(head));
        buf_add(&reply, rests[i].reply);
        const struct talk talk = {{{BLANK, STR(OPTIONS_)},
                                   {"4\r\nSubj\r\n0\r\n\r\n", buf_str(&reply)}},
                                  rests[i].stays};
        struct av_answer answer = ask_talk(&talk, "respmod", 1);
        if (answer.result != AV_INFECTED || strcmp(answer.name, "Eicar") != 0)
            fail_msg("%zu: %s (%s)", i, av_result_name(answer.result), answer.name);
        buf_release(&reply);
    }
    /* a head that is not whole says nothing */
    const struct talk cut = {{{BLANK, STR(OPTIONS_)}, {"4\r\nSubj\r\n0\r\n\r\n", str_of(head)}},
                             false};
    assert_int_equal(ask_talk(&cut, "respmod", 5).result, AV_FAILED);
}

/* --- servers that wear one out --- */

static void play_flood(int fd, const void *script)
{
    const struct turn *turn = script;
    if (turn->until[0] && !world_await(fd, STR(BLANK), 1))
        return;
    world_say(fd, str_of(turn->until));
    for (;;)
        if (send(fd, turn->reply.s, turn->reply.n, MSG_NOSIGNAL) < 0)
            return;
}

static void play_hasty(int fd, const void *script)
{
    if (!world_await(fd, STR(BLANK), 1))
        return;
    world_say(fd, STR(PLAIN_OPTIONS));
    if (!world_await(fd, STR(MARK "\r\n0\r\n\r\n"), 1))
        return;
    world_say(fd, STR(NONE_));
    if (!world_await(fd, STR("res-body="), 1))
        return;
    world_say(fd, STR(NONE_));
    sleep(1);
}

/* The rest of the last item is never read. */
static void clean_before_the_end_is_a_failure(void **state)
{
    struct world world;
    char section[100];
    char *big = malloc(8 * BIG + 1);
    memset(big, 'x', 8 * BIG);
    big[8 * BIG] = '\0';
    world_open(&world, true, play_hasty, NULL);
    snprintf(section, sizeof section, ICAP "address = icap://127.0.0.1:%u/scan", world.port);
    struct conf *conf = world_conf(NULL, section, 5);
    struct av_answer answer = world_ask_once(conf, 1, big);
    assert_int_equal(answer.result, AV_FAILED);
    assert_string_equal(answer.name, "it says clean before it has heard all");
    conf_free(&conf);
    world_close(&world);
    free(big);
}

static void play_drip(int fd, const void *script)
{
    static const char options[] = OPTIONS_;
    for (size_t i = 0;; i++)
        if (send(fd, &options[i % (sizeof options - 4)], 1, MSG_NOSIGNAL) < 0 || usleep(20000) < 0)
            return;
}

static void play_deaf(int fd, const void *script)
{
    pause();
}

static void floods_and_drips_end(void **state)
{
    static const struct turn continues = {OPTIONS_, STR(PAUSE_)}, fields = {"", STR("X: y\r\n")},
                             chunks = {ECHO_, STR("1\r\nx\r\n")}, zeros = {"", STR("\0\0\0\0")},
                             no_ttl = {"", STR("ICAP/1.0 200 OK\r\nMethods: RESPMOD\r\n"
                                               "Options-TTL: 0\r\n\r\n")};
    const struct {
        world_play *play;
        const void *script;
    } acts[] = {{play_flood, &continues}, {play_flood, &fields}, {play_flood, &chunks},
                {play_flood, &zeros},     {play_flood, &no_ttl}, {play_drip, NULL},
                {play_deaf, NULL}};
    char *big = malloc(BIG + 1);
    memset(big, 'x', BIG);
    big[BIG] = '\0';
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        struct world world;
        char section[100];
        int64_t from = clock_ms();
        world_open(&world, true, acts[i].play, acts[i].script);
        snprintf(section, sizeof section, ICAP "address = icap://127.0.0.1:%u/scan", world.port);
        struct conf *conf = world_conf(NULL, section, 1);
        struct av_answer answer = world_ask_once(conf, 2, big);
        if (answer.result != AV_FAILED || answer.name[0] == '\0')
            fail_msg("%zu: %s (%s)", i, av_result_name(answer.result), answer.name);
        assert_in_range(clock_ms() - from, 0, 5000);
        conf_free(&conf);
        world_close(&world);
    }
    free(big);
}

/* --- a server that behaves --- */

struct server {
    int fd;
    struct buf in;
};

static bool hear_more(struct server *s)
{
    ssize_t n = recv(s->fd, buf_room(&s->in, 65536), 65536, 0);
    if (n <= 0)
        return false;
    buf_filled(&s->in, (size_t)n);
    return true;
}

static bool take_until(struct server *s, const char *end, struct buf *out)
{
    size_t at;
    while ((at = str_find(buf_str(&s->in), str_of(end))) == STR_NONE)
        if (!hear_more(s))
            return false;
    buf_clear(out);
    buf_add(out, str_sub(buf_str(&s->in), 0, at));
    buf_eat(&s->in, at + strlen(end));
    return true;
}

/* One chunked body, appended; *whole: it said ieof. */
static bool take_body(struct server *s, struct buf *body, bool *whole)
{
    struct buf line = BUF_INIT(1000);
    unsigned long n;
    do {
        if (!take_until(s, "\r\n", &line))
            return false;
        n = strtoul(buf_cstr(&line), NULL, 16);
        *whole = strstr(buf_cstr(&line), "ieof") != NULL;
        while (s->in.n < n + 2)
            if (!hear_more(s))
                return false;
        buf_addn(body, s->in.p, n);
        buf_eat(&s->in, n + 2);
    } while (n > 0);
    buf_release(&line);
    return true;
}

struct manner {
    int preview;       /* -1: none is wanted */
    unsigned requests; /* on one connection; 0: any number */
    bool closes;       /* says so before it does */
    bool echoes;       /* sends everything back */
};

static void answer_item(struct server *s, const struct manner *manner, const struct buf *item)
{
    char size[32];
    bool found = str_find(buf_str(item), STR(EICAR)) != STR_NONE;
    if (found) {
        world_say(s->fd, STR(FOUND_));
    } else if (manner->echoes) {
        snprintf(size, sizeof size, "%zx\r\n", item->n);
        world_say(s->fd, STR(ECHO_));
        world_say(s->fd, str_of(size));
        world_say(s->fd, buf_str(item));
        world_say(s->fd, STR("\r\n0\r\n\r\n"));
    } else {
        world_say(s->fd, manner->closes ? STR("ICAP/1.0 204 No\r\nConnection: close\r\n\r\n")
                                        : STR(NONE_));
    }
}

static void play_well(int fd, const void *script)
{
    const struct manner *manner = script;
    struct server s = {.fd = fd, .in = BUF_INIT(64 * 1024 * 1024)};
    struct buf head = BUF_INIT(65536), http = BUF_INIT(65536), item = BUF_INIT(64 * 1024 * 1024);
    for (unsigned i = 0; manner->requests == 0 || i < manner->requests; i++) {
        bool whole = false;
        if (!take_until(&s, "\r\n\r\n", &head))
            break;
        buf_clear(&item);
        if (str_starts(buf_str(&head), STR("OPTIONS"))) {
            char text[200];
            snprintf(text, sizeof text,
                     "ICAP/1.0 200 OK\r\nMethods: RESPMOD\r\n%s%d\r\n%sISTag: x\r\n\r\n",
                     manner->preview >= 0 ? "Preview: " : "X-None: ", manner->preview,
                     manner->echoes ? "" : "Allow: 204\r\n");
            world_say(fd, str_of(text));
            continue;
        }
        /* the two encapsulated headers */
        if (!take_until(&s, "\r\n\r\n", &http) || !take_until(&s, "\r\n\r\n", &http) ||
            !take_body(&s, &item, &whole))
            break;
        if (manner->preview >= 0 && !whole) {
            world_say(fd, STR(PAUSE_));
            if (!take_body(&s, &item, &whole))
                break;
        }
        answer_item(&s, manner, &item);
        if (manner->closes)
            break;
    }
    buf_release(&s.in);
    buf_release(&head);
    buf_release(&http);
    buf_release(&item);
}

static void asks_servers_that_behave(void **state)
{
    static const struct manner manners[] = {
        {.preview = -1},
        {.preview = 0},
        {.preview = 4096},
        {.preview = 4096, .requests = 2}, /* closes without a word: asked again */
        {.preview = -1, .closes = true},
        {.preview = -1, .echoes = true},
        {.preview = 4096, .echoes = true},
    };
    char *big = malloc(BIG + 1);
    memset(big, 'x', BIG);
    big[BIG] = '\0';
    for (size_t i = 0; i < sizeof manners / sizeof manners[0]; i++) {
        struct world world;
        char section[100];
        struct err err;
        world_open(&world, true, play_well, &manners[i]);
        snprintf(section, sizeof section, ICAP "address = icap://127.0.0.1:%u/scan", world.port);
        struct conf *conf = world_conf(NULL, section, 10);
        struct outside *outside = outside_open(conf, &err);
        static const char *const payloads[] = {"harmless", EICAR, NULL, "harmless"};
        for (size_t k = 0; k < 4; k++) {
            struct av_answer answer = world_ask(outside, 2, payloads[k] ? payloads[k] : big);
            if (answer.result != (k == 1 ? AV_INFECTED : AV_CLEAN))
                fail_msg("manner %zu, message %zu: %s (%s)", i, k, av_result_name(answer.result),
                         answer.name);
        }
        outside_close(&outside);
        conf_free(&conf);
        world_close(&world);
    }
    free(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(responses_are_read_as_they_come),
        cmocka_unit_test(what_breaks_the_format_is_refused),
        cmocka_unit_test(what_does_not_end_is_refused),
        cmocka_unit_test(servers_speak_their_own_dialects),
        cmocka_unit_test(a_page_tells_in_its_own_header),
        cmocka_unit_test(options_are_understood),
        cmocka_unit_test(a_preview_may_be_enough_or_not),
        cmocka_unit_test(a_conversation_that_breaks_is_a_failure),
        cmocka_unit_test(a_finding_outweighs_what_follows),
        cmocka_unit_test(clean_before_the_end_is_a_failure),
        cmocka_unit_test(floods_and_drips_end),
        cmocka_unit_test(asks_servers_that_behave),
    };
    return tap_run(tests, NULL, NULL);
}
