/* learn: teach pass 2 what is spam and what is not, or take it back. */
#include <inttypes.h>
#include <string.h>

#include "tools/json.h"
#include "tools/learn_job.h"

static enum files_wanted wanted_of(uint64_t verb)
{
    return verb & OPT_HAM    ? FILES_HAM
           : verb & OPT_SPAM ? FILES_SPAM
           : verb & OPT_SENT ? FILES_SENT
                             : FILES_ALL;
}

static int list_files(struct learn_job *job, const struct tool_args *args, struct err *err)
{
    job->pieces.cut_at = job->both ? PIECE_TURN_BYTES : PIECE_BYTES;
    for (size_t i = 0; i < args->n_rest; i++) {
        uint64_t verb = job->both ? args->rest_class[i] : args->given;
        job->pieces.kind = verb & OPT_SPAM ? LEARN_SPAM : LEARN_HAM;
        if (pieces_add(&job->pieces, args->rest[i], wanted_of(verb), err) < 0)
            return -1;
    }
    if (job->both && pieces_interleave(&job->pieces, err) < 0)
        return -1;
    const struct file_list *files = &job->pieces.files;
    if (files->left_out && !(args->given & OPT_QUIET)) {
        fputs("poterne learn: ", stderr);
        tool_put_text(stderr, str_of(files->left_out));
        if (files->n_left_out > 1)
            fprintf(stderr, " and %zu folders more", files->n_left_out - 1);
        fputs(" left out, by the name; name a folder itself to have it taken\n", stderr);
    }
    return 0;
}

static const char *verb_of(const struct learn_job *job)
{
    return job->sent                  ? "new of sent mail"
           : job->both                ? "learned"
           : job->class == LEARN_SPAM ? "learned as spam"
           : job->class == LEARN_HAM  ? "learned as ham"
                                      : "taken back";
}

static void put_count(uint64_t n, const char *what)
{
    if (n)
        printf(", %" PRIu64 " %s", n, what);
}

static void put_summary(const struct learn_job *job)
{
    const struct learn_summary *summary = &job->summary;
    printf("%" PRIu64 " %s", job->done, verb_of(job));
    if (job->both)
        printf(" (%" PRIu64 " as ham, %" PRIu64 " as spam)", job->done - job->done_spam,
               job->done_spam);
    printf(", %" PRIu64 " known before", job->known);
    put_count(job->passed, job->sent ? "not by own users, or automatic" : "passed over");
    put_count(job->capped, "beyond their share");
    printf(", %" PRIu64 " failed; in all %" PRIu64 " spam and %" PRIu64 " ham", job->failed,
           summary->spam, summary->ham);
    put_count(summary->held, "held out to judge models by");
    printf(", model %" PRIu64 "\n", summary->generation);
    if (summary->refused[0])
        printf("the former model stays in service: %s\n", summary->refused);
    if (job->stopped)
        puts("stopped; the same command goes on from here: what is known is skipped fast");
}

static void put_summary_json(const struct learn_job *job)
{
    const struct learn_summary *summary = &job->summary;
    const char *class = job->sent                  ? "sent"
                        : job->both                ? "both"
                        : job->class == LEARN_SPAM ? "spam"
                        : job->class == LEARN_HAM  ? "ham"
                                                   : NULL;
    json_line(json_pack("{s:s?, s:I, s:I, s:I, s:I, s:I, s:b, s:{s:I, s:I}, s:I, s:I, s:s?}",
                        "class", class, "done", (json_int_t)job->done, "known",
                        (json_int_t)job->known, "passed", (json_int_t)job->passed, "capped",
                        (json_int_t)job->capped, "failed", (json_int_t)job->failed, "stopped",
                        (int)job->stopped, "total", "spam", (json_int_t)summary->spam, "ham",
                        (json_int_t)summary->ham, "held", (json_int_t)summary->held, "model",
                        (json_int_t)summary->generation, "refused",
                        summary->refused[0] ? summary->refused : NULL));
}

static int learn(struct learn_job *job, const struct tool_args *args, struct err *err)
{
    struct conf *conf = tool_conf(args, err);
    job->conf = conf;
    int result = conf ? list_files(job, args, err) : -1;
    if (result == 0)
        result = learn_job_run(job, args->given & OPT_QUIET ? NULL : "learned", err);
    conf_free(&conf);
    return result;
}

/* Ham and spam: each word stands behind one of them, and each of them has one. */
static bool both_meant(const struct tool_args *args)
{
    uint64_t met = 0;
    for (size_t i = 0; i < args->n_rest; i++) {
        if (args->rest_class[i] == 0)
            return false;
        met |= args->rest_class[i];
    }
    return met == (OPT_HAM | OPT_SPAM);
}

static int run(const struct tool_args *args)
{
    struct learn_job job = {.pieces = PIECES_INIT};
    struct err err = {""};
    unsigned verbs = args->given & (OPT_SPAM | OPT_HAM | OPT_FORGET | OPT_SENT);
    job.both = verbs == (OPT_SPAM | OPT_HAM);
    if (verbs == 0 || ((verbs & (verbs - 1)) && !job.both))
        return tool_misused("learn", "say one of --spam, --ham, --forget, --sent, or --ham with "
                                     "--spam");
    if (args->given & OPT_KNOWN && verbs != OPT_HAM)
        return tool_misused("learn", "--known goes with --ham");
    if (args->n_rest == 0)
        return tool_misused("learn", "name files, folders or mailboxes, or - for standard input");
    if (job.both && !both_meant(args))
        return tool_misused("learn", "name what is ham behind --ham, what is spam behind --spam");
    job.class = verbs == OPT_SPAM ? LEARN_SPAM : verbs == OPT_HAM ? LEARN_HAM : LEARN_FORGET;
    job.sent = verbs == OPT_SENT;
    job.only_known = args->given & OPT_KNOWN;
    job.processes = (unsigned)args->processes;
    bool failed = learn(&job, args, &err) < 0;
    if (failed)
        tool_fail("learn", &err);
    else if (args->given & OPT_JSON)
        put_summary_json(&job);
    else if (!(args->given & OPT_QUIET))
        put_summary(&job);
    failed |= job.failed || job.stopped;
    pieces_free(&job.pieces);
    return failed ? TOOL_FAILED : TOOL_YES;
}

const struct tool_command tool_learn = {
    .name = "learn",
    .summary = "teach what is spam and what is not",
    .arguments = "--spam|--ham|--forget|--sent FILE|FOLDER|MAILBOX|-…\n"
                 "       poterne learn --ham FILE|FOLDER|MAILBOX… --spam FILE|FOLDER|MAILBOX…",
    .help =
        "A file is one message or an mbox; of a Maildir cur/ and new/ are taken, and the folders\n"
        "in it (.Archives …), but with --ham none for junk, trash, drafts or sent mail, with "
        "--spam\n"
        "none for drafts or sent mail, and with --sent only those for sent mail.\n"
        "A message that is known already is left as it is (known in the other class: moved) and\n"
        "skipped fast, so a run that was stopped or broken off can simply be started again.\n"
        "With --ham and --spam both are learned in turns, so that of each about the same share is\n"
        "behind at any time: best for a first day, since the order of lessons matters.\n"
        "--sent learns no text: whom own users wrote to, and what answers to it must name, is\n"
        "remembered and counts for ham later. --ham --known takes such mail from any mailbox.\n"
        "The running gateway's learner does it, or, when none runs, this command itself.\n"
        "--json prints one object at the end: class (spam, ham, both, sent, null for --forget), "
        "done,\n"
        "known, passed, capped, failed, stopped, total {spam, ham}, held, model, refused.\n"
        "Exit status: 0 all done or known before, 2 stopped, or some could not be learned.\n",
    .options = OPT_CONFIG | OPT_SPAM | OPT_HAM | OPT_FORGET | OPT_SENT | OPT_KNOWN | OPT_PROCESSES |
               OPT_QUIET | OPT_JSON,
    .run = run,
};
