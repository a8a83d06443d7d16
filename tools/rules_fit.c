/* rules fit: scores for rules out of labelled mail; the file it writes is to be read, then kept. */
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "rules/fit/report.h"
#include "rules/ruleset.h"
#include "tools/files.h"
#include "tools/rules_fit.h"

#define INDEX_MAX   ((size_t)1024 * 1024 * 1024)
#define MESSAGE_MAX ((size_t)256 * 1024 * 1024)
#define POOL_MAX    ((size_t)1024 * 1024 * 1024) /* for one message */
#define ERRORS_MAX  40                           /* that are listed */

struct job {
    struct ruleset *set;
    struct rules_scratch *scratch;
    struct pool *pool; /* of one message */
    struct buf raw;
    struct fit_samples *samples;
    struct tool_progress bar;
    unsigned complaints;
};

static void complain(void *data, const char *file, unsigned line, const char *what)
{
    unsigned *complaints = data;
    (*complaints)++;
    fprintf(stderr, "%s:%u: %s\n", file, line, what);
}

/* A *.cf file or a folder is rules, any other file is labelled mail. */
static bool is_rules(const char *path)
{
    struct stat st;
    return str_ends(str_of(path), STR(".cf")) || (stat(path, &st) == 0 && S_ISDIR(st.st_mode));
}

/* Does the file lie in the folder, or is it that file? */
static bool is_of(const char *file, const char *path)
{
    struct str whole = str_of(file), start = str_of(path);
    while (start.n > 1 && start.s[start.n - 1] == '/')
        start.n--;
    return str_starts(whole, start) && (whole.n == start.n || whole.s[start.n] == '/');
}

static bool is_kept(const struct rule *rule, const struct tool_args *args)
{
    for (size_t i = 0; i < args->n_rules; i++) {
        if (is_of(rule->file, args->rules[i]))
            return true;
    }
    return false;
}

/* Only rules that have a score of their own: the hits of others are left out. */
static int add_rules(struct job *job, const struct tool_args *args, struct err *err)
{
    for (size_t i = 0; i < job->set->n; i++) {
        const struct rule *rule = &job->set->rules[i];
        if (rule->counts && rule->score != 0 &&
            fit_rule_add(job->samples, rule->name, rule->score, is_kept(rule, args), err) < 0)
            return -1;
    }
    return 0;
}

static int take_message(struct job *job, const char *path, enum fit_label label, struct err *err)
{
    const struct rules_input input = {0};
    struct rules_result result;
    pool_reset(job->pool);
    buf_clear(&job->raw);
    if (file_read(path, &job->raw, err) < 0)
        return -1; /* which names the file */
    if (ruleset_run_raw(job->set, job->scratch, buf_str(&job->raw), &input, job->pool, &result,
                        err) < 0)
        return err_prefix(err, "%s", path);
    if (fit_sample_begin(job->samples, str_of(path), label, err) < 0)
        return -1;
    for (size_t i = 0; i < result.n_hits; i++) {
        const struct rule_hit *hit = &result.hits[i];
        if (fit_sample_hit(job->samples, str_of(hit->name), hit->times, err) < 0)
            return -1;
    }
    return 0;
}

/* "label path", the path relative to the index's folder; -1 for a line that is none. */
static int take_index_line(struct job *job, struct str line, const char *folder, struct err *err)
{
    size_t blank = str_chr(line, ' ');
    struct str label = str_sub(line, 0, blank), path = str_trim(str_from(line, blank + 1));
    char whole[PATH_MAX];
    bool spam = str_eq(label, STR("spam"));
    if (!spam && !str_eq(label, STR("ham")))
        return err_set(err, "a line of an index is \"spam PATH\" or \"ham PATH\"");
    int n = snprintf(whole, sizeof whole, "%s%s%.*s", path.s[0] == '/' ? "" : folder,
                     path.s[0] == '/' ? "" : "/", STR_ARG(path));
    if (n < 0 || (size_t)n >= sizeof whole)
        return err_set(err, "the path is too long");
    return take_message(job, whole, spam ? FIT_SPAM : FIT_HAM, err);
}

static bool is_index(struct str whole)
{
    return str_starts(whole, STR("spam ")) || str_starts(whole, STR("ham "));
}

/* mass-check's own names: ham….log, spam….log */
static int log_label(const char *path, enum fit_label *label, struct err *err)
{
    const char *slash = strrchr(path, '/');
    struct str name = str_of(slash ? slash + 1 : path);
    *label = str_starts(name, STR("spam")) ? FIT_SPAM : FIT_HAM;
    if (*label == FIT_HAM && !str_starts(name, STR("ham")))
        return err_set(err, "neither an index nor a mass-check log, whose name begins with "
                            "\"ham\" or \"spam\"");
    return 0;
}

static size_t lines_in(struct str whole)
{
    size_t n = 0;
    struct str line;
    while (str_next_line(&whole, &line))
        n++;
    return n;
}

static int take_lines(struct job *job, const char *path, struct str rest, struct err *err)
{
    enum fit_label label = FIT_HAM;
    bool index = is_index(rest);
    char folder[PATH_MAX];
    struct str line;
    unsigned number = 0;
    if (!str_copy(str_of(path), folder, sizeof folder))
        return err_set(err, "the path is too long");
    if (!index && log_label(path, &label, err) < 0)
        return -1;
    const char *base = dirname(folder);
    tool_progress_begin(&job->bar, "looked at", lines_in(rest));
    int result = 0;
    while (result >= 0 && str_next_line(&rest, &line)) {
        number++;
        if (str_trim(line).n && line.s[0] != '#')
            result = index ? take_index_line(job, line, base, err)
                           : fit_samples_log_line(job->samples, line, label, err);
        tool_progress_step(&job->bar);
    }
    tool_progress_end(&job->bar);
    return result < 0 ? err_prefix(err, "line %u", number) : 0;
}

static int take_file(struct job *job, const char *path, struct err *err)
{
    struct buf whole = BUF_INIT(INDEX_MAX);
    int result = file_read(path, &whole, err);
    if (result == 0)
        result = take_lines(job, path, buf_str(&whole), err);
    buf_release(&whole);
    return result < 0 ? err_prefix(err, "%s", path) : 0;
}

static void step_bar(void *data)
{
    tool_progress_step(data);
}

static int fit(struct job *job, struct err *err)
{
    const struct fit_options options = FIT_OPTIONS_DEFAULT;
    struct fit_report report;
    struct fit_samples *samples = job->samples;
    if (samples->totals[FIT_HAM] < options.folds || samples->totals[FIT_SPAM] < options.folds)
        return err_set(err, "%zu ham and %zu spam are too few to learn from",
                       samples->totals[FIT_HAM], samples->totals[FIT_SPAM]);
    double *scores = POOL_ARRAY(samples->pool, samples->n_rules, double);
    if (scores == NULL)
        return err_set(err, "out of memory");
    fit_bounds(samples);
    if (fit_samples_fold(samples, options.folds, err) < 0)
        return -1;
    tool_progress_begin(&job->bar, "passes of at most",
                        (uint64_t)FIT_PASSES_MAX * (options.folds + 1));
    int result = fit_report_make(samples, &options, &report, scores, step_bar, &job->bar, err);
    tool_progress_end(&job->bar);
    if (result < 0)
        return -1;
    fit_report_errors(samples, &options, scores, ERRORS_MAX, stderr);
    return fit_report_write(samples, &options, &report, scores, stdout, err);
}

static int open_job(struct job *job, const struct tool_args *args, const char *const *rules,
                    size_t n_rules, struct err *err)
{
    job->raw = BUF_INIT(MESSAGE_MAX);
    job->samples = fit_samples_new(err);
    if (job->samples == NULL)
        return -1;
    job->set = ruleset_load(rules, n_rules, complain, &job->complaints, err);
    job->scratch = job->set ? rules_scratch_new(job->set, err) : NULL;
    if (job->scratch == NULL)
        return -1;
    job->pool = pool_new(POOL_MAX);
    if (job->pool == NULL)
        return err_set(err, "out of memory");
    return add_rules(job, args, err);
}

static void close_job(struct job *job)
{
    rules_scratch_free(&job->scratch);
    ruleset_free(&job->set);
    fit_samples_free(&job->samples);
    pool_free(&job->pool);
    buf_release(&job->raw);
}

/* Rules to the front, those that are kept before all; labelled mail behind them. */
static size_t part(const struct tool_args *args, const char **paths)
{
    size_t n = 0, n_rules;
    for (size_t i = 0; i < args->n_rules; i++)
        paths[n++] = args->rules[i];
    for (size_t i = 0; i < args->n_rest; i++)
        if (is_rules(args->rest[i]))
            paths[n++] = args->rest[i];
    n_rules = n;
    for (size_t i = 0; i < args->n_rest; i++)
        if (!is_rules(args->rest[i]))
            paths[n++] = args->rest[i];
    return n_rules;
}

int rules_fit(const struct tool_args *args)
{
    struct job job = {0};
    struct err err = {""};
    size_t n_paths = args->n_rules + args->n_rest;
    const char **paths = calloc(n_paths + 1, sizeof *paths);
    if (paths == NULL) {
        err_set(&err, "out of memory");
        return tool_fail("rules fit", &err);
    }
    size_t n_rules = part(args, paths);
    if (n_rules == args->n_rules || n_rules == n_paths) {
        free(paths);
        return tool_misused("rules", "fit: name rules (*.cf or a folder) and an index or logs");
    }
    int result = open_job(&job, args, paths, n_rules, &err);
    for (size_t i = n_rules; result == 0 && i < n_paths; i++)
        result = take_file(&job, paths[i], &err);
    if (result == 0)
        result = fit(&job, &err);
    if (result < 0)
        tool_fail("rules fit", &err);
    close_job(&job);
    free(paths);
    return result < 0 ? TOOL_FAILED : TOOL_YES;
}
