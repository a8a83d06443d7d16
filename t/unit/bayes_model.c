#include "t/unit/tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "bayes/model/model.h"
#include "bayes/model/model_format.h"

#define MODEL_FILE_MAX (64u * 1024 * 1024)

static const struct model_facts facts = {.generation = 7,
                                         .built = 1,
                                         .known = {.spam = 30, .ham = 40}};

/* Any spread will do. */
static uint64_t hash_of(uint64_t i)
{
    return (i + 1) * 0x9e3779b97f4a7c15u;
}

static int model_file(size_t n)
{
    struct err err;
    struct model_token *tokens = calloc(n + 1, sizeof *tokens);
    int fd = memfd_create("model", MFD_CLOEXEC);
    assert_non_null(tokens);
    assert_true(fd >= 0);
    for (size_t i = 0; i < n; i++)
        tokens[i] = (struct model_token){hash_of(i), {(uint32_t)i, 1}};
    if (model_write(fd, "model", &facts, tokens, n, &err) < 0)
        fail_msg("%s", err.text);
    free(tokens);
    return fd;
}

static struct model_counts find(const struct model *model, uint64_t hash)
{
    struct feature feature = {hash, STR("x")};
    struct model_counts counts;
    model_find(model, &feature, 1, &counts);
    return counts;
}

static void finds_what_was_written_and_nothing_else(void **state)
{
    static const size_t sizes[] = {0, 1, 2, 13, 1000, 100000};
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        struct err err;
        int fd = model_file(sizes[k]);
        struct model *model = model_open(fd, "model", &err);
        close(fd);
        assert_non_null(model);
        assert_int_equal(model_tokens(model), sizes[k]);
        assert_int_equal(model_generation(model), 7);
        assert_int_equal(model_spam(model), 30);
        assert_int_equal(model_ham(model), 40);
        for (size_t i = 0; i < sizes[k]; i++) {
            struct model_counts counts = find(model, hash_of(i));
            assert_int_equal(counts.spam, i);
            assert_int_equal(counts.ham, 1);
        }
        for (size_t i = sizes[k]; i < sizes[k] + 1000; i++)
            assert_int_equal(find(model, hash_of(i)).ham, 0);
        assert_int_equal(find(model, 0).ham, 0);
        assert_int_equal(find(model, UINT64_MAX).ham, 0);
        model_close(&model);
        assert_null(model);
    }
}

/* Hashes that crowd one end of the range must not crowd one place of the table. */
static void close_hashes_are_spread(void **state)
{
    enum { N = 50000 };
    struct err err;
    struct model_token *tokens = calloc(N, sizeof *tokens);
    int fd = memfd_create("model", MFD_CLOEXEC);
    for (size_t i = 0; i < N; i++)
        tokens[i] = (struct model_token){i, {1, 0}};
    assert_int_equal(model_write(fd, "model", &facts, tokens, N, &err), 0);
    struct model *model = model_open(fd, "model", &err);
    assert_non_null(model);
    for (size_t i = 0; i < N; i++)
        assert_int_equal(find(model, i).spam, 1);
    for (size_t i = N; i < 100 * N; i++)
        assert_int_equal(find(model, i).spam, 0);
    model_close(&model);
    close(fd);
    free(tokens);
}

/* Weights come back as they were; a flipped bit in them is damage. */
static void keeps_weights_and_fusion(void **state)
{
    struct err err;
    int32_t *weights = calloc(GRAM_WEIGHTS, sizeof *weights);
    int fd = memfd_create("model", MFD_CLOEXEC);
    struct model_token token = {hash_of(1), {2, 3}};
    assert_true(weights && fd >= 0);
    for (size_t i = 0; i < GRAM_WEIGHTS; i++)
        weights[i] = (int32_t)(hash_of(i) >> 32);
    struct model_facts with = facts;
    with.known.weights = weights;
    for (size_t i = 0; i < FUSION_INPUTS; i++)
        with.known.fusion.learned[i] = -5 - (int32_t)i;
    assert_int_equal(model_write(fd, "model", &with, &token, 1, &err), 0);
    struct model *model = model_open(fd, "model", &err);
    assert_non_null(model);
    struct knowledge known = model_knowledge(model);
    assert_memory_equal(known.weights, weights, GRAM_WEIGHTS * sizeof *weights);
    assert_memory_equal(&known.fusion, &with.known.fusion, sizeof known.fusion);
    assert_int_equal(find(model, hash_of(1)).ham, 3);
    model_close(&model);
    weights[GRAM_WEIGHTS - 1] ^= 4;
    off_t at = MODEL_WEIGHTS_AT + (GRAM_WEIGHTS - 1) * sizeof *weights;
    assert_int_equal(pwrite(fd, &weights[GRAM_WEIGHTS - 1], sizeof *weights, at), sizeof *weights);
    assert_null(model_open(fd, "model", &err));
    assert_non_null(strstr(err.text, "damaged"));
    close(fd);
    free(weights);
}

static void a_million_tokens_fit_in_32_MB(void **state)
{
    struct stat st;
    int fd = model_file(1000000);
    assert_int_equal(fstat(fd, &st), 0);
    off_t weights = GRAM_WEIGHTS * sizeof(int32_t); /* which this one lacks */
    assert_true(st.st_size + weights <= 32 * 1000 * 1000);
    close(fd);
}

static void tokens_without_counts_are_left_out(void **state)
{
    struct err err;
    struct model_token tokens[] = {{1, {0, 0}}, {2, {0, 3}}, {3, {0, 0}}};
    int fd = memfd_create("model", MFD_CLOEXEC);
    assert_int_equal(model_write(fd, "model", &facts, tokens, 3, &err), 0);
    struct model *model = model_open(fd, "model", &err);
    assert_non_null(model);
    assert_int_equal(model_tokens(model), 1);
    assert_int_equal(find(model, 2).ham, 3);
    model_close(&model);
    close(fd);
}

static int sum_up(void *data, const struct model_token *token, struct err *err)
{
    uint64_t *sum = data;
    *sum += token->hash * token->counts.spam;
    return 0;
}

static int stop_at_once(void *data, const struct model_token *token, struct err *err)
{
    ++*(unsigned *)data;
    return -1;
}

static void walks_over_the_hashes_themselves(void **state)
{
    struct err err;
    uint64_t sum = 0, expected = 0;
    unsigned seen = 0;
    int fd = model_file(5000);
    struct model *model = model_open(fd, "model", &err);
    for (uint64_t i = 0; i < 5000; i++)
        expected += hash_of(i) * i;
    assert_int_equal(model_walk(model, sum_up, &sum, &err), 0);
    assert_true(sum == expected);
    assert_int_equal(model_walk(model, stop_at_once, &seen, &err), -1);
    assert_int_equal(seen, 1);
    model_close(&model);
    close(fd);
}

/* NULL, and a reason. */
static void assert_refused(const void *bytes, size_t n)
{
    struct err err = {""};
    int fd = memfd_create("model", MFD_CLOEXEC);
    assert_int_equal(fsio_write(fd, str_n(bytes, n), "model", &err), 0);
    assert_null(model_open(fd, "model", &err));
    assert_true(err.text[0] != '\0');
    close(fd);
}

static void every_damage_is_refused(void **state)
{
    struct err err;
    struct buf whole = BUF_INIT(MODEL_FILE_MAX);
    int fd = model_file(300);
    assert_int_equal(fsio_read_fd(fd, &whole, "model", &err), 0);
    close(fd);
    for (size_t n = 0; n < whole.n; n += n < 200 ? 1 : 97)
        assert_refused(whole.p, n);
    for (size_t at = 0; at < whole.n; at += at < 200 ? 1 : 31) {
        whole.p[at] ^= 0x10;
        assert_refused(whole.p, whole.n);
        whole.p[at] ^= 0x10;
    }
    buf_addn(&whole, whole.p, 16);
    assert_refused(whole.p, whole.n);
    memset(whole.p, 0, whole.n);
    assert_refused(whole.p, whole.n);
    buf_release(&whole);
}

/* Right sums, wrong facts: what a bug, or someone with a grudge, could write. */
static void contradictions_are_refused(void **state)
{
    struct model_header header = {.magic = MODEL_MAGIC,
                                  .version = MODEL_VERSION,
                                  .slot_size = sizeof(struct model_slot),
                                  .fusion_inputs = FUSION_INPUTS,
                                  .homes = UINT64_MAX,
                                  .slots = 1};
    char file[MODEL_WEIGHTS_AT + sizeof(struct model_slot)] = {0};
    for (unsigned i = 0; i < 3; i++) {
        header.homes = i == 0 ? UINT64_MAX : i == 1 ? 0 : 1;
        header.body_sum = model_sum(0, file + sizeof header, sizeof file - sizeof header);
        header.header_sum = model_sum(0, &header, offsetof(struct model_header, header_sum));
        memcpy(file, &header, sizeof header);
        assert_refused(file, sizeof file);
    }
    header.slots = UINT64_MAX / sizeof(struct model_slot) + 2;
    header.header_sum = model_sum(0, &header, offsetof(struct model_header, header_sum));
    memcpy(file, &header, sizeof header);
    assert_refused(file, sizeof file);
    header.version++;
    header.header_sum = model_sum(0, &header, offsetof(struct model_header, header_sum));
    memcpy(file, &header, sizeof header);
    assert_refused(file, sizeof file);
}

static void what_is_no_file_is_refused(void **state)
{
    struct err err = {""};
    int fd = open("/tmp", O_RDONLY | O_DIRECTORY);
    assert_null(model_open(fd, "/tmp", &err));
    close(fd);
    assert_null(model_open(-1, "nothing", &err));
}

static void an_untrained_model_says_nothing(void **state)
{
    struct err err;
    struct pool *pool = pool_new(1 << 20);
    struct feature list[] = {{hash_of(1), STR("one")}, {hash_of(2), STR("two")}};
    struct features features = {.list = list, .n = 2};
    struct bayes_result result;
    assert_int_equal(bayes_classify(NULL, &features, pool, &result, &err), 0);
    assert_false(result.used);
    assert_true(result.score == 0);
    int fd = model_file(0);
    struct model *model = model_open(fd, "model", &err);
    assert_int_equal(bayes_classify(model, &features, pool, &result, &err), 0);
    assert_false(result.used);
    assert_true(result.score == 0 && result.probability == 0.5);
    model_close(&model);
    close(fd);
    pool_free(&pool);
}

static void names_the_strongest_tokens(void **state)
{
    enum { N = 60 };
    struct err err;
    struct pool *pool = pool_new(1 << 20);
    struct feature list[N];
    struct model_counts counts[N];
    struct features features = {.list = list, .n = N};
    const struct knowledge known = {.spam = 100, .ham = 100};
    struct bayes_result result;
    for (size_t i = 0; i < N; i++) {
        list[i] = (struct feature){i, STR("word")};
        counts[i] = i % 3 == 0   ? (struct model_counts){(uint32_t)i + 1, 0}
                    : i % 3 == 1 ? (struct model_counts){0, (uint32_t)i + 1}
                                 : (struct model_counts){5, 5};
    }
    assert_int_equal(bayes_combine(&features, counts, &known, pool, &result, &err), 0);
    assert_true(result.used);
    assert_int_equal(result.n_tokens, 2 * BAYES_STRONGEST);
    assert_int_equal(result.tokens[0].spam, 58);
    assert_int_equal(result.tokens[BAYES_STRONGEST].ham, 59);
    for (size_t i = 1; i < BAYES_STRONGEST; i++)
        assert_true(result.tokens[i - 1].probability >= result.tokens[i].probability);
    pool_free(&pool);
    pool = pool_new(256);
    assert_int_equal(bayes_combine(&features, counts, &known, pool, &result, &err), -1);
    pool_free(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_was_written_and_nothing_else),
        cmocka_unit_test(close_hashes_are_spread),
        cmocka_unit_test(keeps_weights_and_fusion),
        cmocka_unit_test(a_million_tokens_fit_in_32_MB),
        cmocka_unit_test(tokens_without_counts_are_left_out),
        cmocka_unit_test(walks_over_the_hashes_themselves),
        cmocka_unit_test(every_damage_is_refused),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(an_untrained_model_says_nothing),
        cmocka_unit_test(names_the_strongest_tokens),
    };
    return tap_run(tests, NULL, NULL);
}
