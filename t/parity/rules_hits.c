/*
 * rules_hits: what the rules say of messages, in the form of t/parity/spamassassin.pl: a line
 * "PATH TAB SCORE TAB RULE,RULE,…" for each, "__" sub-rules included, with the scores of neither
 * network nor Bayes.
 *
 *     rules_hits [-r FILE|FOLDER]… [--every K] INDEX…
 *     rules_hits [-r FILE|FOLDER]… [--lists FILE] --messages FILE…
 *
 * Of an index ("LABEL PATH" lines, paths relative to it) every K-th line counts. `--messages -`
 * reads the paths from standard input. With --lists rules that ask the DNS are answered as by
 * t/lib/Poterne/ListsServer.pm; the file names the zones of lists.
 */
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fsio.h"
#include "rules/rules.h"
#include "t/parity/lists_answer.h"
#include "tools/files.h"

#define MESSAGE_MAX ((size_t)256 * 1024 * 1024)
#define POOL_MAX    ((size_t)1024 * 1024 * 1024)
#define INDEX_MAX   ((size_t)64 * 1024 * 1024)
#define PATHS_MAX   100
#define CLOCK       1767225600 /* Poterne::SpamAssassin::NOW */

struct job {
    const char *rules[PATHS_MAX];
    size_t n_rules;
    uint64_t every;
    struct ruleset *set;
    struct rules_scratch *scratch;
    struct pool *pool;
    struct buf raw;
    struct lists lists;
    struct buf zones; /* of the lists; empty: nobody is asked */
};

static void report(void *data, const char *file, unsigned line, const char *what)
{
    fprintf(stderr, "%s:%u: %s\n", file, line, what);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct rule_hit *)a)->name, ((const struct rule_hit *)b)->name);
}

static void print(const char *path, struct rules_result *result)
{
    qsort(result->hits, result->n_hits, sizeof *result->hits, by_name);
    printf("%s\t%.3f\t", path, result->total);
    for (size_t i = 0; i < result->n_hits; i++)
        printf("%s%s", i ? "," : "", result->hits[i].name);
    putchar('\n');
    fflush(stdout); /* so that the message that a crash is about is known */
    for (size_t i = 0; i < result->n_limited; i++)
        fprintf(stderr, "%s: %s ran into a limit\n", path, result->limited[i]);
    for (size_t i = 0; i < result->n_unknown; i++)
        fprintf(stderr, "%s: %s is not known\n", path, result->unknown[i]);
}

static int one(struct job *job, const char *path, struct err *err)
{
    const struct dns_source source = lists_source(&job->lists);
    const struct rules_network network = {.dns = &source};
    const struct rules_input input = {.now = CLOCK,
                                      .sub_rules = true,
                                      .network = job->lists.n ? &network : NULL};
    struct rules_result result;
    pool_reset(job->pool);
    buf_clear(&job->raw);
    if (fsio_read_file(path, &job->raw, err) < 0)
        return -1;
    struct str raw = mbox_line_dropped(buf_str(&job->raw));
    if (ruleset_run_raw(job->set, job->scratch, raw, &input, job->pool, &result, err) < 0)
        return -1;
    print(path, &result);
    return 0;
}

static int run_index(struct job *job, const char *path, struct err *err)
{
    char folder[PATH_MAX];
    struct buf index = BUF_INIT(INDEX_MAX);
    struct str line;
    int result = fsio_read_file(path, &index, err);
    struct str rest = buf_str(&index);
    snprintf(folder, sizeof folder, "%s", path);
    const char *base = dirname(folder);
    for (uint64_t i = 0; result == 0 && str_next_line(&rest, &line); i++) {
        char message[2 * PATH_MAX];
        size_t blank = str_chr(line, ' ');
        if (blank == STR_NONE || i % job->every)
            continue;
        snprintf(message, sizeof message, "%s/%.*s", base, STR_ARG(str_from(line, blank + 1)));
        result = one(job, message, err);
    }
    buf_release(&index);
    return result;
}

static int run_listed(struct job *job, const char *path, struct err *err)
{
    char line[PATH_MAX];
    int result = 0;
    if (strcmp(path, "-") != 0)
        return one(job, path, err);
    while (result == 0 && fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        result = one(job, line, err);
    }
    return result;
}

static int open_job(struct job *job, struct err *err)
{
    const struct ruleset_options options = {.score_set = job->lists.n ? RULES_SCORE_NET : 0,
                                            .all = true};
    job->raw = BUF_INIT(MESSAGE_MAX);
    job->pool = pool_new(POOL_MAX);
    if (job->pool == NULL)
        return err_set(err, "out of memory");
    job->set = ruleset_load_with(&options, job->rules, job->n_rules, report, NULL, err);
    if (job->set == NULL)
        return -1;
    job->scratch = rules_scratch_new(job->set, err);
    return job->scratch ? 0 : -1;
}

static int run(struct job *job, char **paths, bool listed, struct err *err)
{
    int result = open_job(job, err);
    for (; result == 0 && *paths; paths++)
        result = listed ? run_listed(job, *paths, err) : run_index(job, *paths, err);
    rules_scratch_free(&job->scratch);
    ruleset_free(&job->set);
    pool_free(&job->pool);
    buf_release(&job->raw);
    buf_release(&job->zones);
    return result;
}

static int read_lists(struct job *job, const char *path, struct err *err)
{
    struct str line;
    job->zones = BUF_INIT(INDEX_MAX);
    if (fsio_read_file(path, &job->zones, err) < 0)
        return -1;
    struct str rest = buf_str(&job->zones);
    while (job->lists.n < LISTS_MAX && str_next_line(&rest, &line))
        job->lists.zones[job->lists.n++] = line;
    return 0;
}

static int usage(void)
{
    fputs("usage: rules_hits [-r FILE|FOLDER]… [--every K] INDEX…\n"
          "       rules_hits [-r FILE|FOLDER]… [--lists FILE] --messages FILE…|-\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    struct job job = {.every = 1};
    struct err err = {""};
    char **at = argv + 1;
    const char *lists = NULL;
    bool listed = false;
    for (; *at && **at == '-' && !listed; at++) {
        if (strcmp(*at, "--messages") == 0)
            listed = true;
        else if (strcmp(*at, "-r") == 0 && at[1] && job.n_rules < PATHS_MAX)
            job.rules[job.n_rules++] = *++at;
        else if (strcmp(*at, "--lists") == 0 && at[1])
            lists = *++at;
        else if (strcmp(*at, "--every") == 0 && at[1] &&
                 str_to_u64(str_of(at[1]), UINT32_MAX, &job.every) && job.every)
            at++;
        else
            return usage();
    }
    if (argc < 2 || *at == NULL || job.n_rules == 0)
        return usage();
    int result = lists ? read_lists(&job, lists, &err) : 0;
    if (result == 0)
        result = run(&job, at, listed, &err);
    if (result < 0)
        fprintf(stderr, "rules_hits: %s\n", err.text);
    return result < 0;
}
