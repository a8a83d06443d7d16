/*
 * guard_bench: what the guard does with real mail. Teaches a ledger an index of lines "ham PATH"
 * or "spam PATH" in its order and publishes now and then, as the learner does.
 *
 *     t/bench/guard_bench [--every N] INDEX
 *         N messages (default 100) between two publications: how many are refused, and whether a
 *         model is taken out by its trial. All of this mail is honest: each is a false alarm.
 *         --tokens N: in a ledger that knows N tokens already.
 *     t/bench/guard_bench --wave words|ham|spam [--every N] INDEX
 *         Four fifths are learned; then come 10 000 poisoned reports of one manager: spam full of
 *         the words of ham; ham called spam; spam called ham. What the model in service makes of
 *         the last fifth, before and after.
 *
 * Prints `name value unit`.
 */
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"
#include "bayes/publish/judge.h"
#include "bayes/publish/publish.h"
#include "t/bench/clock.h"

#define MESSAGE_MAX (32u * 1024 * 1024)
#define POOL_MAX    (256u * 1024 * 1024)
#define PATH_SIZE   4096
#define WAVE        10000
#define BATCH       100
#define FILL        10000 /* tokens of a message that fills a ledger */

struct entry {
    bool spam;
    uint64_t digest;
    uint64_t campaign;
    uint64_t *tokens;
    size_t n;
    uint32_t *grams;
    size_t n_grams;
};

struct bench {
    struct entry *list;
    size_t n;
    struct ledger *ledger;
    struct watcher *watcher;
    unsigned live, refused, rolled_back;
    double publish_time; /* seconds of CPU */
    double longest;
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "guard_bench: %s\n", what);
    exit(1);
}

static void *need(void *memory)
{
    if (memory == NULL)
        die("out of memory");
    return memory;
}

/* --- the mail --- */

static void entry_read(struct entry *entry, struct str raw, struct pool *pool)
{
    struct features features;
    struct err err;
    if (features_of_mail(pool, raw, NULL, &features, &err) < 0)
        die(err.text);
    entry->digest = features.digest;
    entry->campaign = features.campaign;
    entry->n = features.n;
    entry->n_grams = features.n_grams;
    entry->tokens = need(calloc(features.n + 1, sizeof *entry->tokens));
    entry->grams = need(calloc(features.n_grams + 1, sizeof *entry->grams));
    for (size_t i = 0; i < features.n; i++)
        entry->tokens[i] = features.list[i].hash;
    if (features.n_grams)
        memcpy(entry->grams, features.grams, features.n_grams * sizeof *entry->grams);
}

static void index_read(struct bench *bench, const char *path)
{
    struct buf index = BUF_INIT(MESSAGE_MAX), raw = BUF_INIT(MESSAGE_MAX);
    struct pool *pool = need(pool_new(POOL_MAX));
    struct str line, rest, label, folder = str_of(path);
    struct err err;
    if (fsio_read_file(path, &index, &err) < 0)
        die(err.text);
    size_t slash = str_rchr(folder, '/');
    folder = str_sub(folder, 0, slash == STR_NONE ? 0 : slash + 1);
    for (rest = buf_str(&index); str_next_line(&rest, &line);) {
        char file[PATH_SIZE];
        if (!str_next(&line, ' ', &label))
            continue;
        bench->list = need(realloc(bench->list, (bench->n + 1) * sizeof *bench->list));
        struct entry *entry = &bench->list[bench->n++];
        *entry = (struct entry){.spam = str_eq(label, STR("spam"))};
        snprintf(file, sizeof file, "%.*s%.*s", str_starts(line, STR("/")) ? 0 : (int)folder.n,
                 folder.s, STR_ARG(line));
        buf_clear(&raw);
        pool_reset(pool);
        if (fsio_read_file(file, &raw, &err) < 0)
            die(err.text);
        entry_read(entry, buf_str(&raw), pool);
    }
    pool_free(&pool);
    buf_release(&index);
    buf_release(&raw);
}

/* --- teaching --- */

static struct ledger_item item_of(const struct entry *entry)
{
    return (struct ledger_item){.digest = entry->digest,
                                .class = entry->spam ? LEARN_SPAM : LEARN_HAM,
                                .features = entry->tokens,
                                .n = entry->n,
                                .grams = entry->grams,
                                .n_grams = entry->n_grams,
                                .source = {.kind = LEARN_BY_BULK, .campaign = entry->campaign}};
}

/* As the learner: known mail judges nothing. */
static void teach(struct bench *bench, const struct entry *entries, size_t n)
{
    struct ledger_item items[BATCH];
    bool fresh[BATCH];
    struct generation out;
    struct err err = {""};
    enum learn_class class;
    bool watches = watcher_begin(bench->watcher, bench->ledger, &err);
    for (size_t i = 0; i < n; i++) {
        items[i] = item_of(&entries[i]);
        fresh[i] = ledger_message(bench->ledger, items[i].digest, &class, &err) == 0;
    }
    if (ledger_learn_batch(bench->ledger, items, n, &err) < 0)
        die(err.text);
    for (size_t i = 0; i < n && watches; i++)
        if (fresh[i] && items[i].result == LEARN_DONE &&
            watcher_judge(bench->watcher, &items[i], &err) < 0)
            die(err.text);
    int dropped = watcher_conclude(bench->watcher, bench->ledger, &out, &err);
    if (dropped < 0)
        die(err.text);
    if (dropped)
        printf("# rolled back: %s\n", out.why);
    bench->rolled_back += dropped > 0;
}

static void publish(struct bench *bench)
{
    struct generation made;
    struct err err = {""};
    double began = cpu_now();
    enum publish_result result = publish_model(bench->ledger, LEARN_PUBLISH_CHANGED, &made, &err);
    double took = cpu_now() - began;
    if (result == PUBLISH_FAILED)
        die(err.text);
    bench->publish_time += took;
    if (took > bench->longest)
        bench->longest = took;
    bench->live += result == PUBLISH_LIVE;
    bench->refused += result == PUBLISH_REFUSED;
    if (result == PUBLISH_REFUSED)
        printf("# %llu refused: %s\n", (unsigned long long)made.number, made.why);
}

static void teach_and_publish(struct bench *bench, const struct entry *entries, size_t n,
                              size_t every)
{
    for (size_t i = 0; i < n;) {
        size_t part = every - i % every;
        if (part > BATCH)
            part = BATCH;
        if (part > n - i)
            part = n - i;
        teach(bench, entries + i, part);
        i += part;
        if (i % every == 0 || i == n)
            publish(bench);
    }
}

/* Tokens that no mail has. */
static void fill(struct bench *bench, uint64_t tokens)
{
    static uint64_t list[FILL];
    for (uint64_t n = 0; n < tokens; n += FILL) {
        struct err err = {""};
        for (uint64_t i = 0; i < FILL; i++)
            list[i] = (i << 44) + n + 1;
        if (ledger_learn(bench->ledger, n, n / FILL % 2 ? LEARN_SPAM : LEARN_HAM, list, FILL,
                         &err) != LEARN_DONE)
            die(err.text);
    }
}

/* --- poison --- */

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static size_t merge(uint64_t *to, const struct entry *one, const struct entry *two, size_t most)
{
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < one->n && n < most / 2; i++)
        to[n++] = one->tokens[i];
    for (size_t i = 0; i < two->n && n < most; i++)
        to[n++] = two->tokens[i];
    qsort(to, n, sizeof *to, by_value);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || to[kept - 1] != to[i])
            to[kept++] = to[i];
    return kept;
}

static const struct entry *pick(const struct bench *bench, size_t n, bool spam, uint64_t *random)
{
    for (;;) {
        *random = *random * 6364136223846793005u + 1442695040888963407u;
        const struct entry *entry = &bench->list[(*random >> 33) % n];
        if (entry->spam == spam)
            return entry;
    }
}

/* Each report is of two real messages, so that none is the same, and of a campaign of its own. */
static void wave(struct bench *bench, size_t n, const char *kind, size_t every)
{
    static uint64_t tokens[BATCH][FEATURES_MAX];
    struct ledger_item items[BATCH];
    uint64_t random = 1, serial = 1;
    size_t learned = 0;
    bool called_ham = strcmp(kind, "spam") == 0, words = strcmp(kind, "words") == 0;
    for (size_t sent = 0; sent < WAVE; sent += BATCH) {
        struct err err = {""};
        for (size_t i = 0; i < BATCH; i++, serial++) {
            const struct entry *one = pick(bench, n, called_ham || words, &random);
            const struct entry *two = pick(bench, n, called_ham, &random);
            size_t size = merge(tokens[i], one, two, FEATURES_MAX);
            items[i] = (struct ledger_item){.digest = serial * 0x9e3779b97f4a7c15u,
                                            .class = called_ham ? LEARN_HAM : LEARN_SPAM,
                                            .features = tokens[i],
                                            .n = size,
                                            .grams = one->grams,
                                            .n_grams = one->n_grams,
                                            .source = {.kind = LEARN_BY_MANAGER,
                                                       .reporter = STR("boss@univ.example"),
                                                       .campaign = serial}};
        }
        if (ledger_learn_batch(bench->ledger, items, BATCH, &err) < 0)
            die(err.text);
        for (size_t i = 0; i < BATCH; i++)
            learned += items[i].result == LEARN_DONE;
        if ((sent + BATCH) % every == 0)
            publish(bench);
    }
    printf("learned %zu of %d reports\n", learned, WAVE);
}

static void worth(struct bench *bench, const char *folder, size_t from, const char *when)
{
    struct err err = {""};
    struct judge judge;
    struct guard_sample sample;
    unsigned ham = 0, spam = 0, ham_errors = 0, spam_missed = 0;
    struct model *model = generation_open(folder, generation_current(folder), &err);
    if (model == NULL || judge_open(&judge, &err) < 0)
        die(err.text);
    for (size_t i = from; i < bench->n; i++) {
        const struct entry *entry = &bench->list[i];
        const struct features_view view = {entry->tokens, entry->n, entry->grams, entry->n_grams};
        if (judge_message(&judge, &view, &err) < 0 ||
            judge_both(&judge, model, model, &sample, &err) < 0)
            die(err.text);
        ham += !entry->spam;
        spam += entry->spam;
        ham_errors += !entry->spam && sample.after < 0;
        spam_missed += entry->spam && sample.after >= 0;
    }
    judge_close(&judge);
    model_close(&model);
    printf("%s_ham_errors %u of %u\n%s_spam_missed %u of %u\n", when, ham_errors, ham, when,
           spam_missed, spam);
}

/* --- all of it --- */

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    return remove(path);
}

static void run(struct bench *bench, const char *folder, const char *kind, size_t every,
                uint64_t tokens)
{
    const struct ledger_policy policy = {.reporter_share = 25,
                                         .day_share = 10,
                                         .campaign_share = 5,
                                         .hold_out = 10};
    struct err err = {""};
    bench->ledger = ledger_open(folder, &err);
    bench->watcher = watcher_new();
    if (bench->ledger == NULL || bench->watcher == NULL)
        die(err.text);
    fill(bench, tokens);
    ledger_policy_set(bench->ledger, &policy);
    size_t n = kind ? bench->n / 5 * 4 : bench->n;
    teach_and_publish(bench, bench->list, n, kind ? n : every);
    if (kind) {
        worth(bench, folder, n, "before");
        wave(bench, n, kind, every);
        worth(bench, folder, n, "after");
    }
    struct ledger_totals totals = ledger_totals(bench->ledger);
    printf("held_out %llu messages\n", (unsigned long long)(totals.held_ham + totals.held_spam));
    printf("live %u models\nrefused %u models\nrolled_back %u models\n", bench->live,
           bench->refused, bench->rolled_back);
    printf("publication %.3f s\nlongest %.3f s\n",
           bench->publish_time / (bench->live + bench->refused + 1e-9), bench->longest);
    watcher_free(&bench->watcher);
    ledger_close(&bench->ledger);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"every", required_argument, NULL, 'e'},
                                            {"wave", required_argument, NULL, 'w'},
                                            {"tokens", required_argument, NULL, 't'},
                                            {NULL, 0, NULL, 0}};
    struct bench bench = {.n = 0};
    const char *kind = NULL;
    uint64_t every = 0, tokens = 0;
    char folder[] = "/tmp/poterne-guard-XXXXXX";
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'w')
            kind = optarg;
        else if (option == 't'
                     ? !str_to_u64(str_of(optarg), 10000000, &tokens)
                     : option != 'e' || !str_to_u64(str_of(optarg), 1000000, &every) || every == 0)
            die("usage: guard_bench [--every N] [--tokens N] [--wave words|ham|spam] INDEX");
    }
    if (optind + 1 != argc)
        die("usage: guard_bench [--every N] [--tokens N] [--wave words|ham|spam] INDEX");
    log_open("guard_bench", LOG_WARNING_LEVEL);
    index_read(&bench, argv[optind]);
    if (mkdtemp(folder) == NULL)
        die("no temporary folder");
    run(&bench, folder, kind, every ? every : kind ? 500 : 100, tokens);
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    for (size_t i = 0; i < bench.n; i++) {
        free(bench.list[i].tokens);
        free(bench.list[i].grams);
    }
    free(bench.list);
    return 0;
}
