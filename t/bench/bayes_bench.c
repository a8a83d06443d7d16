/*
 * bayes_bench: how pass 2 alone does on real mail. Plays an index of lines "ham PATH" or
 * "spam PATH" (paths beside the index): classify, then learn, in its order. Prints accuracy in the
 * terms of the TREC 2005 spam track (G. Cormack, T. Lynam, "TREC 2005 Spam Track Overview") and
 * what a message costs, as `name value unit`.
 *
 *     t/bench/bayes_bench [--after OTHER_INDEX] [--messages] INDEX
 *
 * With --after, the mail of another index is learned first. With --messages, a line for each
 * message instead: label, score, evidence for spam, path.
 */
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fsio.h"
#include "bayes/ledger.h"
#include "bayes/model.h"
#include "t/bench/clock.h"

#define MESSAGE_MAX  (32u * 1024 * 1024)
#define POOL_MAX     (256u * 1024 * 1024)
#define PATH_SIZE    4096
#define LEDGER_PART  2000 /* messages that the ledger is timed with */
#define LEDGER_BATCH 64
#define TIP_ALONE    (-5.0) /* a score that makes spam of a message without any rule hit */

struct entry {
    bool spam;
    double score;
    double evidence;
    char path[256];
    uint64_t digest;
    uint64_t *features;
    size_t n;
};

struct counted {
    uint64_t hash; /* 0: empty */
    struct model_counts counts;
};

struct table {
    struct counted *slots;
    size_t n_slots;
    size_t n;
    uint64_t spam;
    uint64_t ham;
};

struct bench {
    struct entry *list;
    size_t n;
    struct table table;
    double parse_time; /* seconds of CPU, all messages together */
    double extract_time;
    uint64_t bytes;
    uint64_t tokens;
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bayes_bench: %s\n", what);
    exit(1);
}

/* --- counts in memory, as a ledger and a model would have them after each message --- */

static struct counted *table_find(const struct table *table, uint64_t hash)
{
    size_t at = (size_t)(hash & (table->n_slots - 1));
    while (table->slots[at].hash && table->slots[at].hash != hash)
        at = (at + 1) & (table->n_slots - 1);
    return &table->slots[at];
}

static void table_grow(struct table *table)
{
    struct table old = *table;
    table->n_slots = old.n_slots ? old.n_slots * 2 : 1 << 16;
    table->slots = calloc(table->n_slots, sizeof *table->slots);
    if (table->slots == NULL)
        die("out of memory");
    for (size_t i = 0; i < old.n_slots; i++)
        if (old.slots[i].hash)
            *table_find(table, old.slots[i].hash) = old.slots[i];
    free(old.slots);
}

static void table_learn(struct table *table, const struct features *features, bool spam)
{
    for (size_t i = 0; i < features->n; i++) {
        if (table->n * 2 >= table->n_slots)
            table_grow(table);
        struct counted *slot = table_find(table, features->list[i].hash);
        if (slot->hash == 0)
            table->n++;
        slot->hash = features->list[i].hash;
        slot->counts.spam += spam;
        slot->counts.ham += !spam;
    }
    table->spam += spam;
    table->ham += !spam;
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
    if (features_extract(pool, message, text, &features, &err) < 0)
        die(err.text);
    double t2 = cpu_now();
    struct model_counts *counts = POOL_ARRAY(pool, features.n + 1, struct model_counts);
    if (counts == NULL)
        die("out of memory");
    for (size_t i = 0; bench->table.n_slots && i < features.n; i++)
        counts[i] = table_find(&bench->table, features.list[i].hash)->counts;
    const struct knowledge known = {.spam = bench->table.spam, .ham = bench->table.ham};
    if (bayes_combine(&features, counts, &known, pool, &result, &err) < 0)
        die(err.text);
    table_learn(&bench->table, &features, entry->spam);
    entry->score = result.score;
    entry->evidence = result.evidence;
    entry->digest = features.digest;
    entry->n = features.n;
    entry->features = calloc(features.n + 1, sizeof entry->features[0]);
    if (entry->features == NULL)
        die("out of memory");
    for (size_t i = 0; i < features.n; i++)
        entry->features[i] = features.list[i].hash;
    bench->parse_time += t1 - t0;
    bench->extract_time += t2 - t1;
    bench->bytes += raw.n;
    bench->tokens += features.n;
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

static int evidence_order(const void *a, const void *b)
{
    double x = ((const struct entry *)a)->evidence, y = ((const struct entry *)b)->evidence;
    return x < y ? -1 : x > y;
}

/* Percentage of pairs (ham, spam) in the wrong order; ties count half. */
static double roca(const struct entry *sorted, size_t n)
{
    double wrong = 0, spam_before = 0, hams = 0;
    for (size_t i = 0; i < n;) {
        double ties_spam = 0, ties_ham = 0;
        size_t from = i;
        for (; i < n && !(sorted[i].evidence > sorted[from].evidence); i++)
            *(sorted[i].spam ? &ties_spam : &ties_ham) += 1;
        wrong += ties_ham * (spam_before + ties_spam / 2);
        spam_before += ties_spam;
        hams += ties_ham;
    }
    return 100 * wrong / (spam_before * hams);
}

/* Percentage of spam missed at the lowest threshold that at most `share` of ham exceeds. */
static double missed_at(const struct entry *sorted, size_t n, double share)
{
    size_t spam = 0, ham = 0, ham_above = 0, spam_above = 0;
    for (size_t i = 0; i < n; i++)
        *(sorted[i].spam ? &spam : &ham) += 1;
    for (size_t i = n; i-- > 0;) {
        if (sorted[i].spam)
            spam_above++;
        else if ((double)++ham_above > share * (double)ham)
            break;
    }
    return 100 * (1 - (double)spam_above / (double)spam);
}

static void figure(const char *name, double value, int digits, const char *unit)
{
    printf("bayes.%-36s %12.*f %s\n", name, digits, value, unit);
}

static void accuracy_print(struct bench *bench)
{
    double hams = 0, spams = 0, ham_low = 0, ham_tipped = 0, spam_low = 0, spam_tipped = 0;
    for (size_t i = 0; i < bench->n; i++) {
        const struct entry *entry = &bench->list[i];
        *(entry->spam ? &spams : &hams) += 1;
        if (entry->score < 0)
            *(entry->spam ? &spam_low : &ham_low) += 1;
        if (entry->score < TIP_ALONE)
            *(entry->spam ? &spam_tipped : &ham_tipped) += 1;
    }
    qsort(bench->list, bench->n, sizeof bench->list[0], evidence_order);
    figure("ham", hams, 0, "messages");
    figure("spam", spams, 0, "messages");
    figure("1-roca", roca(bench->list, bench->n), 4, "%");
    figure("spam_missed_at_0.1%_ham_lost", missed_at(bench->list, bench->n, 0.001), 2, "%");
    figure("ham_below_0", ham_low, 0, "messages");
    figure("spam_below_0", 100 * spam_low / spams, 2, "%");
    figure("ham_tipped_alone", ham_tipped, 0, "messages");
    figure("spam_tipped_alone", 100 * spam_tipped / spams, 2, "%");
}

static void messages_print(const struct bench *bench)
{
    for (size_t i = 0; i < bench->n; i++)
        printf("%s %.4f %.6f %s\n", bench->list[i].spam ? "spam" : "ham", bench->list[i].score,
               bench->list[i].evidence, bench->list[i].path);
}

/* --- cost --- */

static struct model *model_make(struct bench *bench, const char *folder)
{
    struct model_token *tokens = calloc(bench->table.n + 1, sizeof *tokens);
    struct model_facts facts = {1, 0, {.spam = bench->table.spam, .ham = bench->table.ham}};
    struct err err = {"out of memory"};
    char path[PATH_SIZE];
    size_t n = 0;
    if (tokens == NULL)
        die(err.text);
    for (size_t i = 0; i < bench->table.n_slots; i++)
        if (bench->table.slots[i].hash)
            tokens[n++] =
                (struct model_token){bench->table.slots[i].hash, bench->table.slots[i].counts};
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
        const struct entry *entry = &bench->list[i];
        pool_reset(pool);
        struct features features = {.list = POOL_ARRAY(pool, entry->n + 1, struct feature),
                                    .n = entry->n};
        for (size_t k = 0; features.list && k < features.n; k++)
            features.list[k] = (struct feature){entry->features[k], STR("x")};
        double begun = cpu_now();
        if (features.list == NULL || bayes_classify(model, &features, pool, &result, &err) < 0)
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
                                           .features = entry->features,
                                           .n = entry->n};
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
    figure("parse_and_text", bench->parse_time / n * 1e6, 1, "us/message");
    figure("extract", bench->extract_time / n * 1e6, 1, "us/message");
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
        free(bench->list[i].features);
    free(bench->list);
    *bench = (struct bench){.table = bench->table};
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"after", required_argument, NULL, 'a'},
                                            {"messages", no_argument, NULL, 'm'},
                                            {0}};
    struct bench bench = {.n = 0};
    bool messages = false;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'a') {
            stream_play(&bench, optarg);
            entries_free(&bench);
        } else if (c == 'm') {
            messages = true;
        } else {
            optind = argc;
        }
    }
    if (optind != argc - 1)
        die("usage: bayes_bench [--after OTHER_INDEX] [--messages] INDEX");
    stream_play(&bench, argv[optind]);
    if (bench.table.spam == 0 || bench.table.ham == 0)
        die("the index names no ham or no spam");
    if (messages) {
        messages_print(&bench);
    } else {
        accuracy_print(&bench);
        cost_print(&bench);
    }
    entries_free(&bench);
    free(bench.table.slots);
    return 0;
}
