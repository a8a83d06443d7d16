/*
 * bayes_bench: how pass 2 alone does on real mail. Plays an index of lines "ham PATH" or
 * "spam PATH" (paths beside the index): classify, then learn, in its order. Prints accuracy in the
 * terms of the TREC spam track (bayes/model/measure.h), how often a score is wrong that says how
 * sure it is, and what a message costs, as `name value unit`.
 *
 *     t/bench/bayes_bench [--after OTHER_INDEX] [--feedback WHICH] [--messages] [--accuracy]
 *                         [--tokens N] INDEX
 *
 * With --after, the mail of another index is learned first. --feedback as in poterne(1) evaluate.
 * With --messages, a line for each message instead: label, score, evidence for spam, what the
 * members say, path. With --accuracy, no times. With --tokens, the model that is timed is filled up
 * to N tokens.
 */
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fsio.h"
#include "bayes/ledger/ledger.h"
#include "bayes/model/measure.h"
#include "bayes/model/stream.h"
#include "t/bench/clock.h"

#define MESSAGE_MAX  (32u * 1024 * 1024)
#define POOL_MAX     (256u * 1024 * 1024)
#define PATH_SIZE    4096
#define LEDGER_PART  2000 /* messages that the ledger is timed with */
#define LEDGER_BATCH 64
#define MODEL_TOKENS 100000000
#define TIP_ALONE    (-5.0) /* a score that makes spam of a message without any rule hit */

struct entry {
    bool spam;
    double score;
    double evidence;
    double members[FUSION_INPUTS];
    char path[256];
    uint64_t digest;
    struct features_view *features;
};

struct bench {
    struct entry *list;
    size_t n;
    struct stream *stream;
    double parse_time; /* seconds of CPU, all messages together */
    double extract_time;
    double identify_time;
    uint64_t bytes;
    uint64_t tokens;
    uint64_t grams;
    size_t model_tokens; /* at least so many in the model that is timed */
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bayes_bench: %s\n", what);
    exit(1);
}

/* --- playing the stream --- */

static void entry_play(struct bench *bench, struct entry *entry, struct str raw, struct pool *pool)
{
    struct message *message;
    struct mail_text *text;
    struct features features;
    struct bayes_result result;
    struct err err;
    double t0 = cpu_now();
    if (message_parse(pool, raw, &mail_limits_default, &message, &err) < 0 ||
        mail_text_make(pool, message, &text, &err) < 0)
        die(err.text);
    double t1 = cpu_now();
    if (features_extract(pool, message, text, NULL, &features, &err) < 0)
        die(err.text);
    double t2 = cpu_now();
    if (features_identify(pool, message, text, &features, &err) < 0)
        die(err.text);
    double t3 = cpu_now();
    if (stream_classify(bench->stream, &features, pool, &result, &err) < 0 ||
        stream_tell(bench->stream, &features, entry->spam, entry->spam != (result.score < 0),
                    &err) < 0)
        die(err.text);
    entry->score = result.score;
    entry->evidence = result.evidence;
    memcpy(entry->members, result.members, sizeof entry->members);
    entry->digest = features.digest;
    entry->features = features_keep(&features, &err);
    if (entry->features == NULL)
        die(err.text);
    bench->parse_time += t1 - t0;
    bench->extract_time += t2 - t1;
    bench->identify_time += t3 - t2;
    bench->bytes += raw.n;
    bench->tokens += features.n;
    bench->grams += features.n_grams;
}

static void entry_add(struct bench *bench, struct str line)
{
    size_t blank = str_chr(line, ' ');
    if ((bench->n & (bench->n + 1)) == 0) {
        bench->list = realloc(bench->list, (bench->n + 1) * 2 * sizeof bench->list[0]);
        if (bench->list == NULL)
            die("out of memory");
    }
    struct entry *entry = &bench->list[bench->n];
    *entry = (struct entry){.spam = str_starts(line, STR("spam"))};
    if (blank == STR_NONE || !str_copy(str_from(line, blank + 1), entry->path, sizeof entry->path))
        die("a line of the index is not LABEL PATH");
    bench->n++;
}

static void stream_play(struct bench *bench, const char *index)
{
    struct buf lines = BUF_INIT(MESSAGE_MAX), raw = BUF_INIT(MESSAGE_MAX);
    struct pool *pool = pool_new(POOL_MAX);
    struct err err;
    char path[PATH_SIZE];
    struct str folder = str_of(index), rest, line;
    size_t slash = str_rchr(folder, '/');
    folder = slash == STR_NONE ? STR(".") : str_sub(folder, 0, slash);
    if (pool == NULL || fsio_read_file(index, &lines, &err) < 0)
        die(err.text);
    for (rest = buf_str(&lines); str_next_line(&rest, &line);)
        entry_add(bench, line);
    for (size_t i = 0; i < bench->n; i++) {
        buf_clear(&raw);
        pool_reset(pool);
        snprintf(path, sizeof path, "%.*s/%s", STR_ARG(folder), bench->list[i].path);
        if (fsio_read_file(path, &raw, &err) < 0)
            die(err.text);
        entry_play(bench, &bench->list[i], buf_str(&raw), pool);
    }
    pool_free(&pool);
    buf_release(&raw);
    buf_release(&lines);
}

/* --- accuracy --- */

static void figure(const char *name, double value, int digits, const char *unit)
{
    printf("bayes.%-36s %12.*f %s\n", name, digits, value, unit);
}

/* How often what a score says is wrong, beside how often it says so. */
static void reliability_print(const struct bench *bench)
{
    static const double edges[] = {-9, -6, -4, -2, -1, 0, 1, 2, 4, 6, 9};
    char name[64];
    for (size_t k = 0; k + 1 < sizeof edges / sizeof edges[0]; k++) {
        double n = 0, spam = 0, said = 0;
        for (size_t i = 0; i < bench->n; i++) {
            const struct entry *entry = &bench->list[i];
            if (!(entry->score >= edges[k] && entry->score < edges[k + 1]))
                continue;
            n++;
            spam += entry->spam;
            said += 1 / (1 + exp(entry->score));
        }
        snprintf(name, sizeof name, "score_%+.0f_to_%+.0f", edges[k], edges[k + 1]);
        printf("bayes.%-36s %12.0f messages, %.0f of them spam, %.1f expected\n", name, n, spam,
               said);
    }
}

static void accuracy_print(const struct bench *bench)
{
    double ham_low = 0, ham_tipped = 0, spam_tipped = 0;
    struct measures m;
    struct judged *judged = calloc(bench->n, sizeof *judged);
    if (judged == NULL)
        die("out of memory");
    for (size_t i = 0; i < bench->n; i++) {
        const struct entry *entry = &bench->list[i];
        judged[i] = (struct judged){entry->evidence, entry->spam, entry->score < 0};
        ham_low += !entry->spam && entry->score < 0;
        if (entry->score < TIP_ALONE)
            *(entry->spam ? &spam_tipped : &ham_tipped) += 1;
    }
    measure(judged, bench->n, &m);
    free(judged);
    if (m.ham == 0 || m.spam == 0)
        die("the index names no ham or no spam");
    figure("ham", (double)m.ham, 0, "messages");
    figure("spam", (double)m.spam, 0, "messages");
    figure("1-roca", m.above_roc, 4, "%");
    figure("spam_missed_at_0.1%_ham_lost", m.sm_at_hm, 2, "%");
    figure("lam", m.lam, 3, "%");
    figure("ham_below_0", ham_low, 0, "messages");
    figure("spam_below_0", 100 - m.sm, 2, "%");
    figure("ham_tipped_alone", ham_tipped, 0, "messages");
    figure("spam_tipped_alone", 100 * spam_tipped / (double)m.spam, 2, "%");
    reliability_print(bench);
}

static void messages_print(const struct bench *bench)
{
    for (size_t i = 0; i < bench->n; i++) {
        const struct entry *entry = &bench->list[i];
        printf("%s %.4f %.6f", entry->spam ? "spam" : "ham", entry->score, entry->evidence);
        for (size_t k = 0; k < FUSION_INPUTS; k++)
            printf(" %.4f", entry->members[k]);
        printf(" %s\n", entry->path);
    }
}

/* --- cost --- */

/* Tokens that no message has, after those that were learned. */
static struct model_token *tokens_fill(struct model_token *tokens, size_t *n, size_t want)
{
    if (*n >= want)
        return tokens;
    tokens = realloc(tokens, want * sizeof *tokens);
    if (tokens == NULL)
        die("out of memory");
    for (; *n < want; ++*n)
        tokens[*n] = (struct model_token){(*n + 1) * 0x9e3779b97f4a7c15u, {1, 1}};
    return tokens;
}

static struct model *model_make(struct bench *bench, const char *folder)
{
    struct err err;
    size_t n;
    char path[PATH_SIZE];
    const struct online *online = stream_filter(bench->stream);
    struct model_facts facts = {1, 0, online_knowledge(online)};
    struct model_token *tokens = online_tokens(online, &n, &err);
    if (tokens == NULL)
        die(err.text);
    tokens = tokens_fill(tokens, &n, bench->model_tokens);
    snprintf(path, sizeof path, "%s/model", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    double begun = wall_now();
    if (fd < 0 || model_write(fd, path, &facts, tokens, n, &err) < 0)
        die(err.text);
    double written = wall_now();
    struct model *model = model_open(fd, path, &err);
    if (model == NULL)
        die(err.text);
    figure("model_tokens", (double)n, 0, "tokens");
    figure("model_size", (double)lseek(fd, 0, SEEK_END) / 1e6, 1, "MB");
    figure("model_write", (written - begun) * 1e3, 0, "ms");
    figure("model_open", (wall_now() - written) * 1e3, 1, "ms");
    close(fd);
    unlink(path);
    free(tokens);
    return model;
}

static void classify_time(struct bench *bench, const char *folder)
{
    struct pool *pool = pool_new(POOL_MAX);
    struct model *model = model_make(bench, folder);
    struct bayes_result result;
    struct err err = {"out of memory"};
    double spent = 0;
    for (size_t i = 0; pool && i < bench->n; i++) {
        const struct features_view *kept = bench->list[i].features;
        pool_reset(pool);
        struct features features = {.list = POOL_ARRAY(pool, kept->n_tokens + 1, struct feature),
                                    .n = kept->n_tokens,
                                    .grams = POOL_ARRAY(pool, GRAMS_MAX, uint32_t),
                                    .n_grams = kept->n_grams};
        if (features.list == NULL || features.grams == NULL)
            die(err.text);
        for (size_t k = 0; k < features.n; k++)
            features.list[k] = (struct feature){kept->tokens[k], STR("x")};
        memcpy(features.grams, kept->grams, kept->n_grams * sizeof kept->grams[0]);
        double begun = cpu_now();
        if (bayes_classify(model, &features, pool, &result, &err) < 0)
            die(err.text);
        spent += cpu_now() - begun;
    }
    figure("classify", spent / (double)bench->n * 1e6, 1, "us/message");
    model_close(&model);
    pool_free(&pool);
}

static void learn_time(struct bench *bench, const char *folder)
{
    struct ledger_item items[LEDGER_BATCH];
    struct err err;
    size_t n = bench->n < LEDGER_PART ? bench->n : LEDGER_PART, in = 0;
    struct ledger *ledger = ledger_open(folder, &err);
    if (ledger == NULL)
        die(err.text);
    double wall = wall_now(), cpu = cpu_now();
    for (size_t i = 0; i < n; i++) {
        const struct entry *entry = &bench->list[i * (bench->n / n)];
        items[in++] = (struct ledger_item){.digest = entry->digest,
                                           .class = entry->spam ? LEARN_SPAM : LEARN_HAM,
                                           .features = entry->features->tokens,
                                           .n = entry->features->n_tokens,
                                           .grams = entry->features->grams,
                                           .n_grams = entry->features->n_grams};
        if (in < LEDGER_BATCH && i + 1 < n)
            continue;
        if (ledger_learn_batch(ledger, items, in, &err) < 0 || ledger_sync(ledger, &err) < 0)
            die(err.text);
        in = 0;
    }
    figure("learn_durably", (double)n / (wall_now() - wall), 0, "messages/s");
    figure("learn", (cpu_now() - cpu) / (double)n * 1e6, 0, "us/message");
    wall = wall_now();
    if (ledger_publish(ledger, &err) < 0)
        die(err.text);
    figure("publish", (wall_now() - wall) * 1e3, 0, "ms");
    ledger_close(&ledger);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    return remove(path);
}

static void cost_print(struct bench *bench)
{
    char folder[] = "/tmp/bayes_bench.XXXXXX";
    double n = (double)bench->n;
    figure("message_size", (double)bench->bytes / n, 0, "bytes");
    figure("features", (double)bench->tokens / n, 0, "tokens/message");
    figure("grams", (double)bench->grams / n, 0, "grams/message");
    figure("parse_and_text", bench->parse_time / n * 1e6, 1, "us/message");
    figure("extract", bench->extract_time / n * 1e6, 1, "us/message");
    figure("identify", bench->identify_time / n * 1e6, 1, "us/message");
    if (mkdtemp(folder) == NULL)
        die("cannot make a folder in /tmp");
    classify_time(bench, folder);
    learn_time(bench, folder);
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Keeps what was learned. */
static void entries_free(struct bench *bench)
{
    for (size_t i = 0; i < bench->n; i++)
        features_kept_free(&bench->list[i].features);
    free(bench->list);
    *bench = (struct bench){.stream = bench->stream, .model_tokens = bench->model_tokens};
}

/* costs: 0: none; else, with a model of at least costs - 1 tokens */
static void play(const char *after, const struct feedback *feedback, const char *index,
                 bool messages, size_t costs)
{
    struct bench bench = {.model_tokens = costs ? costs - 1 : 0};
    struct err err;
    bench.stream = stream_new(feedback, &err);
    if (bench.stream == NULL)
        die(err.text);
    if (after) {
        stream_play(&bench, after);
        entries_free(&bench);
    }
    stream_play(&bench, index);
    if (messages)
        messages_print(&bench);
    else
        accuracy_print(&bench);
    if (costs)
        cost_print(&bench);
    entries_free(&bench);
    stream_free(&bench.stream);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"after", required_argument, NULL, 'a'},
                                            {"feedback", required_argument, NULL, 'f'},
                                            {"messages", no_argument, NULL, 'm'},
                                            {"accuracy", no_argument, NULL, 'c'},
                                            {"tokens", required_argument, NULL, 't'},
                                            {0}};
    struct feedback feedback = {.kind = FEEDBACK_IMMEDIATE};
    const char *after = NULL;
    uint64_t tokens = 0;
    bool messages = false, costs = true, good = true;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'a')
            after = optarg;
        else if (c == 'f')
            good &= feedback_parse(str_of(optarg), &feedback);
        else if (c == 'm')
            messages = true;
        else if (c == 't')
            good &= str_to_u64(str_of(optarg), MODEL_TOKENS, &tokens);
        else if (c != 'c')
            good = false;
        costs &= c != 'm' && c != 'c';
    }
    if (!good || optind != argc - 1)
        die("usage: bayes_bench [--after OTHER_INDEX] [--feedback WHICH] [--messages] [--accuracy] "
            "[--tokens N] INDEX");
    play(after, &feedback, argv[optind], messages, costs ? (size_t)tokens + 1 : 0);
    return 0;
}
