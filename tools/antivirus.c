/* antivirus: what the running engines say of themselves. */
#include <stdio.h>
#include <time.h>

#include "gateway/antivirus/status.h"
#include "tools/json.h"
#include "tools/tool.h"

#define ASK_MS    5000
#define MIB       ((unsigned long long)1024 * 1024)
#define SECOND_US ((int64_t)1000000)

static int64_t age_of(const struct av_engine_status *engine)
{
    int64_t age = time(NULL) - engine->made;
    return engine->made <= 0 ? -1 : age < 0 ? 0 : age;
}

static bool is_old(const struct conf *conf, const struct av_engine_status *engine)
{
    unsigned limit = conf->antivirus.signature_age_warning;
    return strcmp(engine->name, "clamav") == 0 && limit > 0 && age_of(engine) > (int64_t)limit;
}

static uint64_t count_answers(const struct av_engine_status *engine)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < STATUS_RESULTS; i++)
        sum += engine->answered[i];
    return sum;
}

static json_t *engine_json(const struct conf *conf, const struct av_engine_status *engine)
{
    json_t *answers = json_object();
    for (int i = 0; i < STATUS_RESULTS; i++)
        if (strcmp(av_result_name((enum av_result)i), "?") != 0)
            json_object_set_new(answers, av_result_name((enum av_result)i),
                                json_integer((json_int_t)engine->answered[i]));
    return json_pack("{s:o, s:o, s:I, s:o, s:o, s:b, s:o, s:I}", "engine",
                     json_text(str_of(engine->name)), "version", json_text(str_of(engine->version)),
                     "signatures", (json_int_t)engine->signatures, "made",
                     engine->made > 0 ? json_time(engine->made * SECOND_US) : json_null(),
                     "age_seconds",
                     engine->made > 0 ? json_integer((json_int_t)age_of(engine)) : json_null(),
                     "old", is_old(conf, engine), "answers", answers, "microseconds",
                     (json_int_t)engine->microseconds);
}

static void put_json(const struct conf *conf, const struct av_status *status)
{
    json_t *engines = json_array();
    for (size_t i = 0; i < status->n; i++)
        json_array_append_new(engines, engine_json(conf, &status->engines[i]));
    json_line(json_pack("{s:I, s:I, s:o, s:f, s:I, s:I, s:I, s:I, s:o}", "generation",
                        (json_int_t)status->generation, "pid", (json_int_t)status->pid, "loaded",
                        json_time(status->loaded * SECOND_US), "load_seconds",
                        (double)status->load_ms / 1000, "memory", (json_int_t)status->memory,
                        "memory_peak", (json_int_t)status->memory_peak, "memory_limit",
                        (json_int_t)status->memory_limit, "signature_age_warning",
                        (json_int_t)conf->antivirus.signature_age_warning, "engines", engines));
}

static void put_age(const struct av_engine_status *engine)
{
    int64_t hours = age_of(engine) / 3600;
    if (engine->made <= 0)
        printf("%6s", "?");
    else if (hours < 48)
        printf("%5lldh", (long long)hours);
    else
        printf("%5lldd", (long long)hours / 24);
}

static void put_engine(const struct conf *conf, const struct av_engine_status *engine)
{
    uint64_t messages = count_answers(engine);
    printf("%-10s %10llu ", engine->name, (unsigned long long)engine->signatures);
    put_age(engine);
    printf(" %9llu %9llu %8.1f  %s%s\n", (unsigned long long)messages,
           (unsigned long long)engine->answered[AV_INFECTED],
           messages ? (double)engine->microseconds / (double)messages / 1000 : 0.0, engine->version,
           is_old(conf, engine) ? "  OLD" : "");
}

static void put_text(const struct conf *conf, const struct av_status *status)
{
    char when[TOOL_TIME_SIZE];
    puts("engine     signatures    age  messages  infected  ms each  version");
    for (size_t i = 0; i < status->n; i++)
        put_engine(conf, &status->engines[i]);
    tool_time(status->loaded * SECOND_US, when);
    printf("generation %u, loaded %s in %.1f s; memory %llu MiB, at peak %llu MiB; "
           "all generations at most %llu MiB\n",
           status->generation, when, (double)status->load_ms / 1000, status->memory / MIB,
           status->memory_peak / MIB, status->memory_limit / MIB);
}

static int run(const struct tool_args *args)
{
    struct err err = {""};
    struct av_status status;
    if (args->n_rest > 0)
        return tool_misused("antivirus", "it takes no \"%s\"", args->rest[0]);
    struct conf *conf = tool_conf(args, &err);
    if (!conf)
        return tool_fail("antivirus", &err);
    int result = TOOL_YES;
    if (av_status_ask(conf->run_dir, ASK_MS, &status, &err) < 0) {
        tool_ask_failed(&err);
        result = tool_fail("antivirus", &err);
    } else {
        (args->given & OPT_JSON ? put_json : put_text)(conf, &status);
        for (size_t i = 0; i < status.n; i++)
            if (is_old(conf, &status.engines[i]))
                result = TOOL_NO;
    }
    conf_free(&conf);
    return result;
}

const struct tool_command tool_antivirus = {
    .name = "antivirus",
    .summary = "show the engines, their signatures' age, and what they take",
    .arguments = "",
    .help = "Asks the running gateway: each engine with its version, the number and age of its\n"
            "signatures, the messages it looked at since they were loaded, and the memory that\n"
            "they take. Other signatures are taken up on their own when their files change.\n"
            "Exit status: 0 fine, 1 signatures are older than antivirus.signature_age_warning,\n"
            "2 the gateway does not answer.\n",
    .options = OPT_CONFIG | OPT_JSON,
    .run = run,
};
