/* The configured engines: opened together, asked one after the other. */
#include "antivirus/engine.h"
#include "antivirus/self_test.h"
#include "base/clock.h"

#include <stdio.h>

/* This part of the time is kept for each engine that is not asked yet. */
#define KEPT_SHARE AV_ENGINES_MAX

static const struct {
    const char *name;
    const struct engine_ops *ops;
} engine_table[] = {
    {"clamav", &engine_clamav_ops},
    {"yara", &engine_yara_ops},
    {"files", &engine_files_ops},
};

static const struct engine_ops *find_ops(const char *name)
{
    for (size_t i = 0; i < sizeof engine_table / sizeof *engine_table; i++)
        if (strcmp(engine_table[i].name, name) == 0)
            return engine_table[i].ops;
    return NULL;
}

void engine_scan(struct engine *engine, const struct av_message *message, uint64_t deadline,
                 struct av_answer *answer)
{
    int64_t from = clock_us();
    *answer = (struct av_answer){.result = AV_CLEAN};
    snprintf(answer->engine, sizeof answer->engine, "%s", engine->name);
    snprintf(answer->version, sizeof answer->version, "%s", engine->version);
    engine->ops->scan(engine, message, deadline, answer);
    if (message->left_out.n > 0)
        av_found(answer, AV_UNSCANNABLE, "%.*s", STR_ARG(message->left_out));
    answer->microseconds = (unsigned)(clock_us() - from);
}

static int open_one(struct engines *engines, const struct conf_antivirus *conf, const char *name,
                    const char *tmp_dir, struct err *err)
{
    const struct engine_ops *ops = find_ops(name);
    if (!ops && conf_scanner_find(conf, name))
        return 0;
    if (!ops)
        return err_set(err, "antivirus.engines: no engine \"%s\"; there are clamav, yara and files",
                       name);
    if (engines->n == AV_ENGINES_MAX)
        return err_set(err, "antivirus.engines: more than %d engines", AV_ENGINES_MAX);
    struct engine *engine = &engines->list[engines->n];
    *engine = (struct engine){.name = name, .ops = ops, .conf = conf};
    if (ops->open(engine, tmp_dir, err) < 0)
        return -1;
    engines->n++;
    return self_test(engine, err);
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
    uint64_t end = (uint64_t)clock_ms() + time;
    for (size_t i = 0; i < engines->n; i++) {
        /* whatever the engines before it do, an engine has time left */
        uint64_t kept = (engines->n - 1 - i) * time / KEPT_SHARE;
        engine_scan(&engines->list[i], message, end - kept, &answers[i]);
    }
}
