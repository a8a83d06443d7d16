#include "tools/rules_job.h"

#include "gateway/pipeline.h"
#include "tools/files.h"

/* Far above smtp.size_limit's default, so that what the gateway refuses can be looked at too. */
#define MESSAGE_MAX ((size_t)256 * 1024 * 1024)
#define POOL_MAX    ((size_t)1024 * 1024 * 1024)

#define REQUIRED_DEFAULT 5.0 /* spam.required's */

/* The gateway's; what keeps its model from being read is told by `poterne check`. */
static unsigned score_set_of(const struct conf *conf)
{
    struct err err;
    struct model *model;
    if (pipeline_open_model(conf, &model, &err) < 0)
        return pipeline_score_set(conf, conf->resolver.enabled, NULL);
    unsigned set = pipeline_score_set(conf, conf->resolver.enabled, model);
    model_close(&model);
    return set;
}

int rules_job_begin(struct rules_job *job, const char *command, const struct tool_args *args,
                    struct err *err)
{
    *job = (struct rules_job){.command = command,
                              .paths = args->rules,
                              .n_paths = args->n_rules,
                              .required = REQUIRED_DEFAULT,
                              .raw = BUF_INIT(MESSAGE_MAX)};
    job->options.score_set = (unsigned)args->score_set;
    job->options.all = args->given & OPT_ALL;
    job->options.no_filters = args->given & OPT_NO_FILTERS;
    job->options.no_jit = args->given & OPT_NO_JIT;
    if (args->n_rules && args->config == NULL)
        return 0;
    job->conf = tool_conf(args, err);
    if (job->conf == NULL)
        return -1;
    job->required = job->conf->spam.required;
    if (!(args->given & OPT_SCORE_SET))
        job->options.score_set = score_set_of(job->conf);
    if (args->n_rules == 0) {
        job->paths = (const char *const *)job->conf->spam.rules.items;
        job->n_paths = job->conf->spam.rules.n;
    }
    return 0;
}

static void report(void *data, const char *file, unsigned line, const char *what)
{
    struct rules_job *job = data;
    job->mistakes++;
}

int rules_job_load(struct rules_job *job, struct err *err)
{
    job->pool = pool_new(POOL_MAX);
    if (job->pool == NULL)
        return err_set(err, "out of memory");
    if (mail_preload(err) < 0)
        return -1;
    job->set = ruleset_load_with(&job->options, job->paths, job->n_paths, report, job, err);
    if (job->set == NULL)
        return -1;
    job->scratch = rules_scratch_new(job->set, err);
    if (job->mistakes && !job->quiet)
        fprintf(stderr, "poterne %s: %u mistakes in rule files; `poterne rules check` names them\n",
                job->command, job->mistakes);
    return job->scratch ? 0 : -1;
}

void rules_job_close(struct rules_job *job)
{
    rules_scratch_free(&job->scratch);
    ruleset_free(&job->set);
    pool_free(&job->pool);
    buf_release(&job->raw);
    conf_free(&job->conf);
}

int rules_job_look(struct rules_job *job, struct str raw, bool sub_rules,
                   struct rules_result *result, struct err *err)
{
    const struct rules_input input = {.sub_rules = sub_rules};
    pool_reset(job->pool);
    return ruleset_run_raw(job->set, job->scratch, raw, &input, job->pool, result, err);
}

int rules_job_run(struct rules_job *job, const char *path, bool sub_rules,
                  struct rules_result *result, struct err *err)
{
    buf_clear(&job->raw);
    if (file_read(path, &job->raw, err) < 0)
        return -1; /* which names the file */
    struct str raw = mbox_line_dropped(buf_str(&job->raw));
    if (rules_job_look(job, raw, sub_rules, result, err) < 0)
        return err_prefix(err, "%s", path);
    return 0;
}
