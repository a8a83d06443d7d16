/*
 * A command-line scanner: what its exit codes and words mean, what it is started with, what it
 * can't do, and that nothing of it outlives its time.
 */
#include "t/unit/tap.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "antivirus/outside/preset.h"
#include "base/fsio.h"
#include "base/sandbox.h"
#include "config.h"
#include "t/unit/outside_world.h"

#define CODES "clean = { 0, 1 }; infected = { 13, 19 }; unscannable = { 20 }\n"
#define FOUND "found = \"Found the (.+?) virus\"\n"

/* The scanner does `act` (what stands behind its name in a list of arguments). */
static struct conf *command_conf(const char *act, const char *more, unsigned timeout)
{
    char section[1000];
    snprintf(section, sizeof section, "type = command\ncommand = { \"%s\", %s, \"%%f\" }\n%s\n",
             SCANNER_PROGRAM, act, more);
    return world_conf(NULL, section, timeout);
}

struct scene {
    char folder[64];
    struct conf *conf;
    struct outside *outside;
};

static void open_scene(struct scene *s, struct conf *conf)
{
    struct err err = {""};
    snprintf(s->folder, sizeof s->folder, "/tmp/poterne-command-XXXXXX");
    s->conf = conf;
    s->outside = outside_open(conf, &err);
    assert_non_null(mkdtemp(s->folder));
    if (s->outside == NULL || outside_use_tmp(s->outside, s->folder, &err) < 0)
        fail_msg("%s", err.text);
}

/* Nothing is left but the scanner's own empty folder. */
static void close_scene(struct scene *s)
{
    char path[100];
    outside_close(&s->outside);
    conf_free(&s->conf);
    snprintf(path, sizeof path, "%s/fake", s->folder);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(s->folder), 0);
}

static struct av_answer run(const char *act, const char *more, unsigned timeout,
                            const char *payload)
{
    struct scene s;
    open_scene(&s, command_conf(act, more, timeout));
    struct av_answer answer = world_ask(s.outside, 2, payload);
    close_scene(&s);
    return answer;
}

static void expect(const char *act, enum av_result result, const char *name)
{
    struct av_answer answer = run(act, CODES FOUND "not_scanned = \"(?i)encrypted\"", 10, "x");
    if (answer.result != result || strcmp(answer.name, name) != 0)
        fail_msg("%s: %s (%s)", act, av_result_name(answer.result), answer.name);
}

static void looks_at_the_message_and_its_parts(void **state)
{
    struct scene s;
    open_scene(&s, command_conf("look", CODES FOUND, 10));
    for (int i = 0; i < 3; i++) {
        struct av_answer answer = world_ask(s.outside, 2, "harmless");
        assert_string_equal(answer.name, "");
        assert_int_equal(answer.result, AV_CLEAN);
        assert_string_equal(answer.version, "outside_scanner");
        answer = world_ask(s.outside, 2, EICAR);
        assert_int_equal(answer.result, AV_INFECTED);
        assert_string_equal(answer.name, "EICAR test file");
    }
    close_scene(&s);
}

static void every_exit_code_means_something(void **state)
{
    for (int code = 0; code < 256; code++) {
        char act[32];
        snprintf(act, sizeof act, "exit, %d", code);
        struct av_answer answer = run(act, CODES, 10, "x");
        enum av_result expected = code <= 1                  ? AV_CLEAN
                                  : code == 13 || code == 19 ? AV_INFECTED
                                  : code == 20               ? AV_UNSCANNABLE
                                                             : AV_FAILED;
        if (answer.result != expected)
            fail_msg("%d: %s (%s)", code, av_result_name(answer.result), answer.name);
    }
}

static void words_count_beside_the_code(void **state)
{
    expect("say, \"all is well\"", AV_CLEAN, "");
    expect("say, \"Found the Melissa virus\"", AV_INFECTED, "Melissa");
    expect("say, \"x.zip is ENCRYPTED\"", AV_UNSCANNABLE, "exit code 0");
    expect("exit, 13", AV_INFECTED, "exit code 13");
    /* (a sanitizer adds words of its own) */
    struct av_answer answer = run("exit, 64", CODES, 10, "x");
    assert_int_equal(answer.result, AV_FAILED);
    assert_int_equal(strncmp(answer.name, "exit code 64: ", 14), 0);
    answer = run("say, aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                 CODES "found = \"(a+)+[bc]$\"", 10, "x");
    assert_int_equal(answer.result, AV_FAILED);
}

static void starts_with_nothing_but_its_arguments(void **state)
{
    setenv("POTERNE_TEST", "it must not see this", 1);
    struct av_answer answer = run("inspect, \"a b; $HOME `id` \\\"'*\"", CODES, 10, "x");
    if (answer.result != AV_CLEAN)
        fail_msg("%s (%s)", av_result_name(answer.result), answer.name);
}

static void what_fails_is_never_clean(void **state)
{
    struct av_answer answer = run("crash", CODES, 10, "x");
    assert_int_equal(answer.result, AV_FAILED);
    assert_string_equal(answer.name, "the program died: Killed");
    answer = run("flood", CODES FOUND, 10, "x");
    assert_int_equal(answer.result, AV_FAILED);
    assert_non_null(strstr(answer.name, "output of more than"));
}

/* As an init that ignores SIGCHLD leaves it: the kernel throws exit statuses away. */
static void a_status_that_is_lost_is_a_failure(void **state)
{
    signal(SIGCHLD, SIG_IGN);
    struct av_answer infected = run("exit, 13", CODES, 10, "x");
    struct av_answer clean = run("exit, 0", CODES, 10, "x");
    signal(SIGCHLD, SIG_DFL);
    assert_int_equal(infected.result, AV_FAILED);
    assert_int_equal(clean.result, AV_FAILED);
}

static void memory_is_limited(void **state)
{
#ifdef POTERNE_SANITIZE
    tap_skip("sanitizers take address space of their own");
#endif
    struct av_answer answer = run("eat", CODES "memory_limit = 64M", 20, "x");
    assert_int_equal(answer.result, AV_FAILED);
    assert_string_equal(answer.name, "exit code 77: ");
}

/* Whatever it started becomes our child once its parent is gone. */
static bool nobody_is_left(void)
{
    pid_t pid;
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
        ;
    return pid < 0 && errno == ECHILD;
}

static void nothing_outlives_its_time(void **state)
{
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    const char *const acts[] = {"hang", "spin"};
    for (size_t i = 0; i < 2; i++) {
        int64_t from = clock_ms();
        struct av_answer answer = run(acts[i], CODES, 1, "x");
        assert_int_equal(answer.result, AV_FAILED);
        assert_string_equal(answer.name, "no answer within 1 s");
        assert_in_range(clock_ms() - from, 900, 5000);
        for (int k = 0; k < 100 && !nobody_is_left(); k++)
            usleep(20000);
        assert_true(nobody_is_left());
    }
    /* nor what a program leaves behind that has long ended well */
    assert_int_equal(run("abandon", CODES, 10, "x").result, AV_CLEAN);
    for (int k = 0; k < 100 && !nobody_is_left(); k++)
        usleep(20000);
    assert_true(nobody_is_left());
}

static void can_do_nothing_but_look(void **state)
{
    struct err err;
    const struct sandbox whole = {.allow = SANDBOX_FILES, .required = true};
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        _exit(sandbox_enter(&whole, &err) < 0);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (status != 0)
        tap_skip("this kernel lacks Landlock or seccomp");
    struct av_answer answer = run("escape", CODES, 10, "x");
    /* the dynamic loader may be run, but finds no shell that it could read */
    if (answer.result != AV_FAILED || strncmp(answer.name, "exit code 127: ", 15) != 0)
        fail_msg("%s (%s)", av_result_name(answer.result), answer.name);
}

static void what_can_not_be_run_is_told_at_once(void **state)
{
    static const char *const sections[] = {
        "type = command\ncommand = { /nonexistent/scanner, \"%f\" }\n" CODES,
        "type = command\ncommand = { /etc/passwd, \"%f\" }\n" CODES,
        "type = command\ncommand = { /bin/true, \"%f\" }\nfound = \"(\"\n" CODES,
        "type = command\npreset = uvscan\n",
    };
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        struct err err = {""};
        struct conf *conf = world_conf(NULL, sections[i], 5);
        assert_null(outside_open(conf, &err));
        assert_true(strncmp(err.text, "scanner fake: ", 14) == 0);
        conf_free(&conf);
    }
    /* it was never told where its files go */
    struct conf *conf = command_conf("look", CODES, 5);
    assert_int_equal(world_ask_once(conf, 1, "x").result, AV_FAILED);
    conf_free(&conf);
}

static void presets_can_be_used(void **state)
{
    static const char *const names[] = {"uvscan", "savscan", "eset", "kaspersky", "avast"};
    static const struct {
        const char *preset, *says, *name;
    } words[] = {
        {"uvscan", "/x/part1 ... Found the EICAR test file virus !!!", "EICAR test file"},
        {"uvscan", "/x/part1 ... Found: EICAR test file NOT a virus.",
         "EICAR test file NOT a virus."},
        {"savscan", ">>> Virus 'EICAR-AV-Test' found in file /x/part1", "EICAR-AV-Test"},
        {"eset", "name=\\\"/x/part1\\\", threat=\\\"Eicar\\\", action=\\\"\\\"", "Eicar"},
        {"kaspersky", "/x/part1 INFECTED EICAR-Test-File", "EICAR-Test-File"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct preset *preset = preset_find(names[i]);
        assert_non_null(preset);
        size_t n = 1;
        while (preset->command[n])
            n++;
        assert_string_equal(preset->command[n - 1], "%f");
        assert_int_equal(preset->clean[0], 0);
        /* the program of the settings with the preset's arguments: what it says is nonsense to ours
         */
        char section[200];
        snprintf(section, sizeof section, "type = command\npreset = %s\ncommand = \"%s\"\n",
                 names[i], SCANNER_PROGRAM);
        struct scene s;
        open_scene(&s, world_conf(NULL, section, 5));
        struct av_answer answer = world_ask(s.outside, 1, "x");
        assert_int_equal(answer.result, AV_FAILED);
        close_scene(&s);
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        char act[300], preset[40];
        snprintf(act, sizeof act, "say, \"%s\"", words[i].says);
        snprintf(preset, sizeof preset, "preset = %s", words[i].preset);
        struct av_answer answer = run(act, preset, 5, "x");
        if (answer.result != AV_INFECTED || strcmp(answer.name, words[i].name) != 0)
            fail_msg("%s: %s (%s)", words[i].preset, av_result_name(answer.result), answer.name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looks_at_the_message_and_its_parts),
        cmocka_unit_test(every_exit_code_means_something),
        cmocka_unit_test(words_count_beside_the_code),
        cmocka_unit_test(starts_with_nothing_but_its_arguments),
        cmocka_unit_test(what_fails_is_never_clean),
        cmocka_unit_test(a_status_that_is_lost_is_a_failure),
        cmocka_unit_test(memory_is_limited),
        cmocka_unit_test(nothing_outlives_its_time),
        cmocka_unit_test(can_do_nothing_but_look),
        cmocka_unit_test(what_can_not_be_run_is_told_at_once),
        cmocka_unit_test(presets_can_be_used),
    };
    return tap_run(tests, NULL, NULL);
}
