/*
 * rules_bench: how the rules do on real mail. Reads an index of lines "ham PATH" or "spam PATH"
 * (paths relative to the index) and prints `name value unit` lines: time, verdicts at a required
 * score of 5.0, and for each rule how often it hits spam and ham.
 *
 *     t/bench/rules_bench RULES… INDEX [--messages]
 *
 * With --messages, a line for each message instead: label, path, total, NAME=score …
 */
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "rules/ruleset.h"
#include "t/bench/clock.h"

#define MESSAGE_MAX  (64 * 1024 * 1024)
#define POOL_MAX     (256 * 1024 * 1024)
#define INDEX_MAX    (64 * 1024 * 1024)
#define MESSAGES_MAX 1000000
#define REQUIRED     5.0

enum label { HAM, SPAM, LABELS };

struct tally {
    size_t messages[LABELS];
    size_t flagged[LABELS];
    size_t limited;
    size_t bytes;
    size_t (*hits)[LABELS]; /* by rule number */
    double *seconds;        /* by message, of the rules alone */
    double parse;           /* seconds for all messages, before the rules run */
    size_t n, cap;
};

struct bench {
    struct ruleset *set;
    struct rules_scratch *scratch;
    struct pool *pool;
    struct buf raw;
    struct tally tally;
    bool list_messages;
};

static void report(void *data, const char *file, unsigned line, const char *what)
{
    fprintf(stderr, "%s:%u: %s\n", file, line, what);
}

static void count(struct bench *b, enum label label, const struct rules_result *result,
                  double seconds)
{
    struct tally *t = &b->tally;
    t->messages[label]++;
    t->flagged[label] += result->total > REQUIRED;
    t->limited += result->n_limited;
    t->seconds[t->n++] = seconds;
    for (size_t i = 0; i < result->n_hits; i++)
        t->hits[names_find(&b->set->names, str_of(result->hits[i].name))][label]++;
}

static void print_message(enum label label, const char *path, const struct rules_result *result)
{
    printf("%s %s %.3f", label == SPAM ? "spam" : "ham", path, result->total);
    for (size_t i = 0; i < result->n_hits; i++)
        printf(" %s=%.3f", result->hits[i].name, result->hits[i].score);
    printf("\n");
}

static int one(struct bench *b, enum label label, const char *path, struct err *err)
{
    struct message *message;
    struct rules_result result;
    pool_reset(b->pool);
    buf_clear(&b->raw);
    if (fsio_read_file(path, &b->raw, err) < 0)
        return -1;
    double start = cpu_now();
    if (message_parse(b->pool, buf_str(&b->raw), &mail_limits_default, &message, err) < 0)
        return -1;
    double parsed = cpu_now();
    b->tally.parse += parsed - start;
    const struct rules_input input = {.message = message};
    if (ruleset_run(b->set, b->scratch, &input, b->pool, &result, err) < 0)
        return -1;
    count(b, label, &result, cpu_now() - parsed);
    b->tally.bytes += b->raw.n;
    if (b->list_messages)
        print_message(label, path, &result);
    return 0;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void print(struct bench *b)
{
    struct tally *t = &b->tally;
    double sum = 0;
    qsort(t->seconds, t->n, sizeof *t->seconds, compare);
    for (size_t i = 0; i < t->n; i++)
        sum += t->seconds[i];
    printf("rules %zu rules\n", b->set->n);
    printf("messages.spam %zu messages\n", t->messages[SPAM]);
    printf("messages.ham %zu messages\n", t->messages[HAM]);
    printf("message_size_mean %zu bytes\n", t->n ? t->bytes / t->n : 0);
    printf("parse_time_mean %.1f us\n", t->n ? t->parse / (double)t->n * 1e6 : 0);
    printf("all_time_mean %.3f ms\n", t->n ? (t->parse + sum) / (double)t->n * 1e3 : 0);
    printf("run_time_mean %.1f us\n", t->n ? sum / (double)t->n * 1e6 : 0);
    printf("run_time_median %.1f us\n", t->n ? t->seconds[t->n / 2] * 1e6 : 0);
    printf("run_time_99 %.1f us\n", t->n ? t->seconds[t->n * 99 / 100] * 1e6 : 0);
    printf("run_time_max %.1f us\n", t->n ? t->seconds[t->n - 1] * 1e6 : 0);
    printf("limited %zu rules\n", t->limited);
    printf("true_positives %zu messages\n", t->flagged[SPAM]);
    printf("false_positives %zu messages\n", t->flagged[HAM]);
    for (size_t i = 0; i < b->set->n; i++) {
        if (!b->set->rules[i].counts)
            continue;
        printf("hits.spam.%s %zu messages\n", b->set->rules[i].name.s, t->hits[i][SPAM]);
        printf("hits.ham.%s %zu messages\n", b->set->rules[i].name.s, t->hits[i][HAM]);
    }
}

/* One line "LABEL PATH" of the index, whose folder the path is relative to. */
static int run_line(struct bench *b, struct str line, const char *folder, struct err *err)
{
    size_t blank = str_chr(line, ' ');
    char path[2 * PATH_MAX];
    if (blank == STR_NONE)
        return 0;
    struct str label = str_sub(line, 0, blank);
    snprintf(path, sizeof path, "%s/%.*s", folder, STR_ARG(str_from(line, blank + 1)));
    return one(b, str_eq(label, STR("spam")) ? SPAM : HAM, path, err);
}

static int run_index(struct bench *b, const char *path, struct err *err)
{
    char folder[PATH_MAX];
    struct buf index = BUF_INIT(INDEX_MAX);
    struct str rest, line;
    snprintf(folder, sizeof folder, "%s", path);
    const char *base = dirname(folder);
    int result = fsio_read_file(path, &index, err);
    rest = buf_str(&index);
    while (result == 0 && b->tally.n < MESSAGES_MAX && str_next_line(&rest, &line))
        result = run_line(b, line, base, err);
    buf_release(&index);
    return result;
}

int main(int argc, char **argv)
{
    struct bench b = {.raw = BUF_INIT(MESSAGE_MAX)};
    struct err err = {""};
    b.list_messages = argc > 3 && strcmp(argv[argc - 1], "--messages") == 0;
    argc -= b.list_messages;
    if (argc < 3) {
        fprintf(stderr, "usage: rules_bench RULES... INDEX [--messages]\n");
        return 2;
    }
    double start = cpu_now();
    b.set = ruleset_load((const char *const *)&argv[1], (size_t)argc - 2, report, NULL, &err);
    double loaded = cpu_now() - start;
    b.scratch = b.set ? rules_scratch_new(b.set, &err) : NULL;
    b.pool = pool_new(POOL_MAX);
    b.tally.seconds = calloc(MESSAGES_MAX, sizeof *b.tally.seconds);
    b.tally.hits = calloc(b.set ? b.set->n : 1, sizeof *b.tally.hits);
    int result = -1;
    if (b.scratch && b.pool && b.tally.seconds && b.tally.hits)
        result = run_index(&b, argv[argc - 1], &err);
    if (result < 0)
        fprintf(stderr, "rules_bench: %s\n", err.text);
    if (result == 0 && !b.list_messages) {
        printf("load_time %.1f ms\n", loaded * 1e3);
        print(&b);
    }
    rules_scratch_free(&b.scratch);
    ruleset_free(&b.set);
    pool_free(&b.pool);
    buf_release(&b.raw);
    free(b.tally.seconds);
    free(b.tally.hits);
    return result < 0;
}
