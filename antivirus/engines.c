/* The configured engines: opened together, asked one after the other. */
#include "antivirus/engine.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

/* This part of the time is kept for each engine that is not asked yet. */
#define KEPT_SHARE AV_ENGINES_MAX

static const struct {
    const char *name;
    const struct engine_ops *ops;
} engine_table[] = {
    {"clamav", &engine_clamav_ops},
    {"yara", &engine_yara_ops},
};

static const int result_weights[] = {
    [AV_CLEAN] = 0,
    [AV_UNSCANNABLE] = 1,
    [AV_FAILED] = 2,
    [AV_INFECTED] = 3,
};

uint64_t av_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void av_found(struct av_answer *answer, enum av_result result, const char *format, ...)
{
    if (result_weights[result] <= result_weights[answer->result])
        return;
    answer->result = result;
    va_list ap;
    va_start(ap, format);
    vsnprintf(answer->name, sizeof answer->name, format, ap);
    va_end(ap);
}

static const struct engine_ops *find_ops(const char *name)
{
    for (size_t i = 0; i < sizeof engine_table / sizeof *engine_table; i++)
        if (strcmp(engine_table[i].name, name) == 0)
            return engine_table[i].ops;
    return NULL;
}

static void scan_one(struct engine *engine, const struct av_message *message, uint64_t deadline,
                     struct av_answer *answer)
{
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    *answer = (struct av_answer){.result = AV_CLEAN};
    snprintf(answer->engine, sizeof answer->engine, "%s", engine->name);
    snprintf(answer->version, sizeof answer->version, "%s", engine->version);
    engine->ops->scan(engine, message, deadline, answer);
    if (message->left_out.n > 0)
        av_found(answer, AV_UNSCANNABLE, "%.*s", STR_ARG(message->left_out));
    clock_gettime(CLOCK_MONOTONIC, &to);
    int64_t us = (int64_t)(to.tv_sec - from.tv_sec) * 1000000 + (to.tv_nsec - from.tv_nsec) / 1000;
    answer->microseconds = us > 0 ? (unsigned)us : 0;
}

/* Also makes the libraries load now what they would otherwise load late, inside the sandbox. */
static int self_test(struct engine *engine, unsigned timeout, struct err *err)
{
    static const char letter[] = "Received: from a.example by b.example; Sat, 1 Jan 2000 00:00:00 "
                                 "+0000\r\nFrom: a@a.example\r\nTo: b@b.example\r\n"
                                 "Subject: self test\r\nMIME-Version: 1.0\r\n"
                                 "Content-Type: text/plain\r\n\r\nA harmless letter.\r\n";
    static const char body[] = "A harmless letter.\r\n";
    const struct av_part part = {.bytes = str_n(body, sizeof body - 1)};
    const struct av_message message = {.raw = str_n(letter, sizeof letter - 1),
                                       .parts = &part,
                                       .n_parts = 1};
    struct av_answer answer;
    scan_one(engine, &message, av_now() + (uint64_t)timeout * 1000, &answer);
    if (answer.result == AV_CLEAN)
        return 0;
    return err_set(err,
                   "antivirus engine %s: a harmless test letter is not clean but %s (%s); remove "
                   "the signature at fault",
                   engine->name, av_result_name(answer.result), answer.name);
}

static int open_one(struct engines *engines, const struct conf_antivirus *conf, const char *name,
                    const char *tmp_dir, struct err *err)
{
    const struct engine_ops *ops = find_ops(name);
    if (!ops)
        return err_set(err, "antivirus.engines: no engine \"%s\"; there are clamav and yara", name);
    if (engines->n == AV_ENGINES_MAX)
        return err_set(err, "antivirus.engines: more than %d engines", AV_ENGINES_MAX);
    struct engine *engine = &engines->list[engines->n];
    *engine = (struct engine){.name = name, .ops = ops, .conf = conf};
    if (ops->open(engine, tmp_dir, err) < 0)
        return -1;
    engines->n++;
    return self_test(engine, conf->timeout, err);
}

int engines_open(struct engines *engines, const struct conf_antivirus *conf, const char *tmp_dir,
                 struct err *err)
{
    *engines = (struct engines){.timeout = conf->timeout};
    for (size_t i = 0; i < conf->engines.n; i++)
        if (open_one(engines, conf, conf->engines.items[i], tmp_dir, err) < 0) {
            engines_close(engines);
            return -1;
        }
    return 0;
}

void engines_close(struct engines *engines)
{
    while (engines->n > 0) {
        struct engine *engine = &engines->list[--engines->n];
        engine->ops->close(engine);
    }
}

int engines_use_tmp(struct engines *engines, const char *tmp_dir, struct err *err)
{
    for (size_t i = 0; i < engines->n; i++) {
        struct engine *engine = &engines->list[i];
        if (engine->ops->use_tmp && engine->ops->use_tmp(engine, tmp_dir, err) < 0)
            return -1;
    }
    return 0;
}

void engines_scan(struct engines *engines, const struct av_message *message,
                  struct av_answer *answers)
{
    uint64_t time = (uint64_t)engines->timeout * 1000;
    uint64_t end = av_now() + time;
    for (size_t i = 0; i < engines->n; i++) {
        /* whatever the engines before it do, an engine has time left */
        uint64_t kept = (engines->n - 1 - i) * time / KEPT_SHARE;
        scan_one(&engines->list[i], message, end - kept, &answers[i]);
    }
}
