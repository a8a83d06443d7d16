/*
 * av_scan [-f POLICY] CLAMAV YARA FILE…: each engine's answer about each message, one line an
 * answer: FILE ENGINE RESULT MICROSECONDS NAME CLAMAV is a folder of signatures, YARA a file or
 * folder of rules; "" leaves the engine out. With a file policy the engine files answers, too. At
 * the end to standard error: CPU milliseconds a message, of all engines together.
 */
#include <stdio.h>

#include "base/fsio.h"
#include "gateway/antivirus/content.h"
#include "t/bench/clock.h"

#define MESSAGE_MAX     ((size_t)32 * 1024 * 1024)
#define SCAN_LIMIT      ((size_t)100 * 1024 * 1024)
#define ARGUMENTS_LEAST 4

struct scanner {
    struct engines engines;
    struct av_content *content;
    double seconds;
    unsigned messages;
};

static int scan(struct scanner *scanner, const char *path, struct err *err)
{
    struct buf raw = BUF_INIT(MESSAGE_MAX);
    struct av_message message;
    struct av_answer answers[AV_ENGINES_MAX];
    int result = fsio_read_file(path, &raw, err);
    if (result == 0) {
        double from = cpu_now();
        av_content_make(scanner->content, buf_str(&raw), &message);
        engines_scan(&scanner->engines, &message, answers);
        scanner->seconds += cpu_now() - from;
        scanner->messages++;
        for (size_t i = 0; i < scanner->engines.n; i++)
            printf("%s %s %s %u %s\n", path, answers[i].engine, av_result_name(answers[i].result),
                   answers[i].microseconds, answers[i].name);
    }
    buf_release(&raw);
    return result;
}

static int scan_all(struct scanner *scanner, char **paths, int n, struct err *err)
{
    int result = 0;
    for (int i = 0; i < n && result == 0; i++)
        result = scan(scanner, paths[i], err);
    if (scanner->messages > 0)
        fprintf(stderr, "%.3f ms CPU a message\n", scanner->seconds * 1e3 / scanner->messages);
    return result;
}

int main(int argc, char **argv)
{
    struct err err = {"usage: av_scan [-f POLICY] CLAMAV YARA FILE..."};
    const char *names[3], *policy = NULL;
    size_t n = 0;
    if (argc > 2 && strcmp(argv[1], "-f") == 0) {
        policy = argv[2];
        argc -= 2;
        argv += 2;
    }
    if (argc > ARGUMENTS_LEAST - 1 && *argv[1])
        names[n++] = "clamav";
    if (argc > ARGUMENTS_LEAST - 1 && *argv[2])
        names[n++] = "yara";
    if (policy)
        names[n++] = "files";
    const struct conf_antivirus conf = {.engines = {names, n},
                                        .clamav_databases = argc > 1 ? argv[1] : "",
                                        .yara_rules = argc > 2 ? argv[2] : "",
                                        .file_policy = policy,
                                        .scan_size_limit = SCAN_LIMIT,
                                        .recursion_limit = 17,
                                        .files_limit = 10000,
                                        .timeout = 30};
    struct scanner scanner = {.content = av_content_new(SCAN_LIMIT)};
    int result = -1;
    if (argc >= ARGUMENTS_LEAST && scanner.content &&
        engines_open(&scanner.engines, &conf, NULL, &err) == 0) {
        result = scan_all(&scanner, argv + 3, argc - 3, &err);
        engines_close(&scanner.engines);
    }
    av_content_free(&scanner.content);
    if (result < 0)
        fprintf(stderr, "%s\n", err.text);
    return result < 0;
}
