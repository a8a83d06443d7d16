/* masscheck: the rules over many messages of known class, in the line format of SpamAssassin's
 * mass-check, for the tools that read it: "Y score path RULE,RULE,… key=value,…". */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "rules/facts/date.h"
#include "tools/json.h"
#include "tools/mail_index.h"
#include "tools/rules_job.h"
#include "tools/workers.h"

#define INDEX_POOL_MAX ((size_t)2 * 1024 * 1024 * 1024)

/* The first byte of what a worker says; the rest is the line to print, or why not. */
enum said { SAID_SPAM = 'Y', SAID_HAM = '.', SAID_FAILED = '!' };

struct masscheck {
    struct rules_job job;
    struct pool *index_pool;
    struct mail_index index;
    bool json;
    bool quiet;
    struct tool_progress bar;
    size_t messages[2], flagged[2]; /* [is spam] */
    size_t failed;
};

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- in a worker */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct rule_hit *)a)->name, ((const struct rule_hit *)b)->name);
}

/* When it was received, or else written; false when neither can be read. */
static bool time_of(struct pool *pool, struct str raw, int64_t *time)
{
    static const char *const fields[] = {"Received", "Date"};
    struct message *message;
    struct err err;
    if (message_parse(pool, raw, &mail_limits_default, &message, &err) < 0)
        return false;
    for (size_t i = 0; i < 2; i++) {
        const struct header *header = message_header(message, str_of(fields[i]));
        struct str value = header ? header_unfold(pool, header) : STR_EMPTY;
        size_t semicolon = str_rchr(value, ';');
        if (value.n &&
            date_parse(str_trim(str_from(value, i || semicolon == STR_NONE ? 0 : semicolon + 1)),
                       time))
            return true;
    }
    return false;
}

/* Blanks in a path would end the field. */
static void put_path(struct buf *out, const char *path)
{
    for (; *path; path++)
        buf_addc(out, strchr(" \t\r\n\v\f", *path) ? '_' : *path);
}

static void put_line(struct masscheck *mass, const struct mail_index_entry *entry,
                     const struct rules_result *result, double scantime, struct buf *out)
{
    int64_t time;
    buf_addf(out, "%c %2d ", result->total >= mass->job.required ? SAID_SPAM : SAID_HAM,
             (int)result->total);
    put_path(out, entry->path);
    buf_addc(out, ' ');
    for (size_t i = 0; i < result->n_hits; i++)
        buf_addf(out, "%s%s", i ? "," : "", result->hits[i].name);
    buf_addc(out, ' ');
    if (time_of(mass->job.pool, buf_str(&mass->job.raw), &time))
        buf_addf(out, "time=%" PRId64 ",", time);
    buf_addf(out, "scantime=%.4f,format=f,set=%u,reuse=no,class=%s", scantime,
             mass->job.options.score_set, entry->spam ? "spam" : "ham");
    for (size_t i = 0; i < result->n_limited; i++)
        buf_addf(out, ",limited=%s", result->limited[i]);
    buf_addc(out, '\n');
}

static int add_bytes(const char *bytes, size_t n, void *out)
{
    buf_addn(out, bytes, n);
    return 0;
}

static void put_json(struct masscheck *mass, const struct mail_index_entry *entry,
                     const struct rules_result *result, double scantime, struct buf *out)
{
    json_t *rules = json_array(), *limited = json_array();
    int64_t time;
    for (size_t i = 0; i < result->n_hits; i++)
        json_array_append_new(rules, json_pack("{s:s, s:f, s:i}", "name", result->hits[i].name,
                                               "score", result->hits[i].score, "times",
                                               (int)result->hits[i].times));
    for (size_t i = 0; i < result->n_limited; i++)
        json_array_append_new(limited, json_string(result->limited[i]));
    json_t *object =
        json_pack("{s:o, s:s, s:b, s:f, s:f, s:i, s:o, s:o}", "path",
                  json_text(str_of(entry->path)), "class", entry->spam ? "spam" : "ham", "spam",
                  result->total >= mass->job.required, "score", result->total, "scantime", scantime,
                  "set", (int)mass->job.options.score_set, "rules", rules, "limited", limited);
    if (object && time_of(mass->job.pool, buf_str(&mass->job.raw), &time))
        json_object_set_new(object, "time", json_integer(time));
    if (object == NULL ||
        json_dump_callback(object, add_bytes, out, JSON_COMPACT | JSON_REAL_PRECISION(9)) < 0)
        out->failed = true;
    buf_addc(out, '\n');
    json_decref(object);
}

static void check(void *data, size_t number, struct buf *out)
{
    struct masscheck *mass = data;
    const struct mail_index_entry *entry = &mass->index.list[number];
    struct rules_result result;
    struct err err = {""};
    double start = seconds(CLOCK_MONOTONIC);
    if (rules_job_run(&mass->job, entry->path, true, &result, &err) < 0) {
        buf_addc(out, SAID_FAILED);
        buf_add(out, str_of(err.text));
        return;
    }
    double scantime = seconds(CLOCK_MONOTONIC) - start;
    qsort(result.hits, result.n_hits, sizeof *result.hits, by_name);
    buf_addc(out, result.total >= mass->job.required ? SAID_SPAM : SAID_HAM);
    if (mass->json)
        put_json(mass, entry, &result, scantime, out);
    else
        put_line(mass, entry, &result, scantime, out);
}

/* ---- here */

static void count_failed(struct masscheck *mass, const char *path, struct str why, int died)
{
    struct err err;
    mass->failed++;
    if (died)
        err_set(&err, "%s: the worker died of it (%s %d); please report it with the message", path,
                WIFSIGNALED(died) ? "signal" : "status",
                WIFSIGNALED(died) ? WTERMSIG(died) : WEXITSTATUS(died));
    else
        err_set(&err, "%.*s", STR_ARG(why));
    tool_fail("masscheck", &err);
}

static void take(void *data, size_t number, struct str said, int died)
{
    struct masscheck *mass = data;
    const struct mail_index_entry *entry = &mass->index.list[number];
    if (said.n == 0 || said.s[0] == SAID_FAILED) {
        count_failed(mass, entry->path, str_from(said, 1), died);
    } else {
        mass->messages[entry->spam]++;
        mass->flagged[entry->spam] += said.s[0] == SAID_SPAM;
        fwrite(said.s + 1, 1, said.n - 1, stdout);
    }
    tool_progress_step(&mass->bar);
}

static double percent(size_t part, size_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

/* Time that this process and its children have spent on processors. */
static double cpu_seconds(void)
{
    static const int who[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
    double sum = 0;
    for (size_t i = 0; i < 2; i++) {
        struct rusage used;
        getrusage(who[i], &used);
        sum += (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
               (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    }
    return sum;
}

static void summarize(const struct masscheck *mass, double wall, double cpu)
{
    size_t done = mass->messages[0] + mass->messages[1];
    fprintf(stderr,
            "%zu messages in %.1f s (%.2f ms CPU each), %zu failed; a score of %.1f or more have "
            "%zu of %zu spam (%.2f %%) and %zu of %zu ham (%.2f %%)\n",
            done, wall, done ? 1000 * cpu / (double)done : 0, mass->failed, mass->job.required,
            mass->flagged[1], mass->messages[1], percent(mass->flagged[1], mass->messages[1]),
            mass->flagged[0], mass->messages[0], percent(mass->flagged[0], mass->messages[0]));
}

static void put_header(const struct masscheck *mass)
{
    if (mass->json)
        return;
    printf("# mass-check results from poterne " PACKAGE_VERSION
           "\n# rules %s, %zu of them, score set %u, required %.1f\n",
           ruleset_generation(mass->job.set), ruleset_count(mass->job.set),
           mass->job.options.score_set, mass->job.required);
}

static int read_lists(struct masscheck *mass, const struct tool_args *args, struct err *err)
{
    mass->index_pool = pool_new(INDEX_POOL_MAX);
    if (mass->index_pool == NULL)
        return err_set(err, "out of memory");
    for (size_t i = 0; i < args->n_rest; i++)
        if (mail_index_read(&mass->index, mass->index_pool, args->rest[i], err) < 0)
            return -1;
    return mass->index.n ? 0 : err_set(err, "no message is named in %s", args->rest[0]);
}

static int check_all(struct masscheck *mass, const struct tool_args *args, struct err *err)
{
    const struct workers_plan plan = {.n = mass->index.n,
                                      .processes = (unsigned)args->processes,
                                      .data = mass,
                                      .work = check,
                                      .done = take};
    double wall = seconds(CLOCK_MONOTONIC), cpu = cpu_seconds();
    put_header(mass);
    tool_progress_begin(&mass->bar, mass->quiet ? NULL : "checked", mass->index.n);
    mass->bar.lines = true;
    int result = workers_run(&plan, err);
    tool_progress_end(&mass->bar);
    if (result == 0 && !mass->quiet)
        summarize(mass, seconds(CLOCK_MONOTONIC) - wall, cpu_seconds() - cpu);
    return result;
}

static int run(const struct tool_args *args)
{
    struct masscheck mass = {.json = args->given & OPT_JSON, .quiet = args->given & OPT_QUIET};
    struct err err = {""};
    if (args->n_rest == 0)
        return tool_misused("masscheck",
                            "name a list of messages: lines \"ham PATH\" or \"spam PATH\"");
    int result = rules_job_begin(&mass.job, "masscheck", args, &err);
    if (result == 0)
        result = read_lists(&mass, args, &err);
    if (result == 0)
        result = rules_job_load(&mass.job, &err);
    if (result == 0)
        result = check_all(&mass, args, &err);
    rules_job_close(&mass.job);
    pool_free(&mass.index_pool);
    if (result < 0)
        return tool_fail("masscheck", &err);
    return mass.failed ? TOOL_FAILED : TOOL_YES;
}

const struct tool_command tool_masscheck = {
    .name = "masscheck",
    .summary = "run the rules over many messages of known class",
    .arguments = "[-r PATH]… [--score-set N] [--all] [--processes N] [--no-filters] [--no-jit] "
                 "[--json] INDEX…",
    .help =
        "INDEX has lines \"ham PATH\" or \"spam PATH\", paths relative to its folder. All\n"
        "processors are at work; lines come in the order of the list, in the format of\n"
        "SpamAssassin's mass-check, which the tools that count hits and fit scores read:\n"
        "  Y  7 spam/1.eml RULE,RULE,__SUBRULE time=1700000000,scantime=0.0012,format=f,…\n"
        "Y is a score of spam.required or more, else a dot. class= is what the list says;\n"
        "limited= names a rule whose answer is not known, because it ran into a limit.\n"
        "--json prints {path, class, spam, score, rules [{name, score, times}], limited, …}.\n"
        "Filters and the JIT save time and change no hit: --no-filters and --no-jit do without.\n"
        "What it comes to is told on standard error.\n"
        "Exit status: 0 done, 2 some messages could not be read or checked.\n",
    .options = OPT_CONFIG | OPT_RULES | OPT_SCORE_SET | OPT_ALL | OPT_PROCESSES | OPT_JSON |
               OPT_QUIET | OPT_NO_FILTERS | OPT_NO_JIT,
    .run = run,
};
