/*
 * rules_hyperscan: would Hyperscan find what is worth trying in less time than match/filter.h does?
 *
 *     rules_hyperscan [-r FILE|FOLDER]… INDEX [EVERY]
 *
 * For each text that rules look at: one Hyperscan database of all its patterns, as a prefilter
 * (HS_FLAG_PREFILTER), against our filters, on the same messages. Prints `name value unit` lines:
 * time to compile, size, patterns that Hyperscan refuses, time a message, places found. It is built
 * only on demand (make t/bench/rules_hyperscan), where libhyperscan-dev is installed.
 */
#include <stdio.h>
#include <stdlib.h>

#if __has_include(<hs/hs.h>)
#include <hs/hs.h>
#else
#error "install libhyperscan-dev first: nothing else needs it"
#endif

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/fsio.h"
#include "rules/compile.h"
#include "rules/facts/view.h"
#include "rules/load.h"
#include "rules/ruleset.h"
#include "t/bench/clock.h"
#include "tools/mail_index.h"

#define MESSAGE_MAX ((size_t)64 * 1024 * 1024)
#define POOL_MAX    ((size_t)1024 * 1024 * 1024)
#define RULES_MAX   100

static const struct {
    enum rule_kind kind;
    const char *name;
} targets[] = {{RULE_BODY, "body"},
               {RULE_RAWBODY, "rawbody"},
               {RULE_URI, "uri"},
               {RULE_FULL, "full"}};
#define N_TARGETS (sizeof targets / sizeof *targets)

/* The patterns of one text. */
struct target {
    const struct group *group;
    hs_database_t *database;
    hs_scratch_t *scratch;
    double hyperscan, filters; /* seconds in all */
    size_t found_hyperscan, found_filters;
};

struct bench {
    struct book *book;
    struct ruleset *set;
    struct pool *pool;
    struct buf raw;
    struct target targets[N_TARGETS];
    size_t messages;
};

/* What Hyperscan is given; `text` is ended by a zero. */
struct patterns {
    char **text;
    unsigned *flags, *ids;
    size_t n, refused;
};

static void ignore(void *data, const char *file, unsigned line, const char *what)
{
}

static unsigned flags_of(const struct regex_literal *literal)
{
    unsigned flags = HS_FLAG_PREFILTER | HS_FLAG_SINGLEMATCH | HS_FLAG_ALLOWEMPTY;
    flags |= literal->options & PCRE2_CASELESS ? HS_FLAG_CASELESS : 0;
    flags |= literal->options & PCRE2_MULTILINE ? HS_FLAG_MULTILINE : 0;
    flags |= literal->options & PCRE2_DOTALL ? HS_FLAG_DOTALL : 0;
    return flags;
}

static bool takes(const char *text, unsigned flags)
{
    hs_expr_info_t *info = NULL;
    hs_compile_error_t *problem = NULL;
    bool ok = hs_expression_info(text, flags, &info, &problem) == HS_SUCCESS;
    hs_free_compile_error(problem);
    free(info);
    return ok;
}

static void add_pattern(const struct bench *b, const struct definition *definition,
                        struct patterns *patterns)
{
    struct regex_literal literal;
    struct err err;
    if (compile_literal(b->book, definition, &literal, &err) < 0)
        return;
    char *text = strndup(literal.pattern.s, literal.pattern.n);
    unsigned flags = flags_of(&literal);
    if (text == NULL || literal.extended || !takes(text, flags)) {
        patterns->refused++;
        free(text);
        return;
    }
    patterns->text[patterns->n] = text;
    patterns->flags[patterns->n] = flags;
    patterns->ids[patterns->n] = (unsigned)patterns->n;
    patterns->n++;
}

static int compile_database(struct target *target, const char *name,
                            const struct patterns *patterns, struct err *err)
{
    hs_compile_error_t *problem = NULL;
    size_t size = 0;
    fprintf(stderr, "compiling %zu patterns for %s …\n", patterns->n, name);
    double start = cpu_now();
    if (hs_compile_multi((const char *const *)patterns->text, patterns->flags, patterns->ids,
                         (unsigned)patterns->n, HS_MODE_BLOCK, NULL, &target->database,
                         &problem) != HS_SUCCESS) {
        err_set(err, "hyperscan: %s", problem->message);
        hs_free_compile_error(problem);
        return -1;
    }
    printf("%s.hyperscan.compile %.3f s\n", name, cpu_now() - start);
    hs_database_size(target->database, &size);
    printf("%s.hyperscan.size %zu bytes\n", name, size);
    printf("%s.hyperscan.refused %zu patterns\n", name, patterns->refused);
    if (hs_alloc_scratch(target->database, &target->scratch) != HS_SUCCESS)
        return err_set(err, "hyperscan: out of memory");
    return 0;
}

static int make_target(struct bench *b, size_t i, struct err *err)
{
    struct patterns patterns = {calloc(b->book->n, sizeof(char *)),
                                calloc(b->book->n, sizeof(unsigned)),
                                calloc(b->book->n, sizeof(unsigned)), 0, 0};
    int result = 0;
    for (size_t g = 0; g < b->set->n_groups; g++)
        if (b->set->groups[g].kind == targets[i].kind)
            b->targets[i].group = &b->set->groups[g];
    if (patterns.text == NULL || patterns.flags == NULL || patterns.ids == NULL)
        result = err_set(err, "out of memory");
    for (size_t r = 0; result == 0 && r < b->book->n; r++) {
        const struct definition *definition = &b->book->list[r];
        if (definition->kind == targets[i].kind &&
            names_find(&b->set->names, definition->name) != NAMES_NONE)
            add_pattern(b, definition, &patterns);
    }
    if (result == 0 && b->targets[i].group)
        result = compile_database(&b->targets[i], targets[i].name, &patterns, err);
    for (size_t p = 0; p < patterns.n; p++)
        free(patterns.text[p]);
    free(patterns.text);
    free(patterns.flags);
    free(patterns.ids);
    return result;
}

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                    void *data)
{
    ++*(size_t *)data;
    return 0;
}

static bool on_place(void *data, uint32_t number, size_t at)
{
    ++*(size_t *)data;
    return true;
}

static int search(struct target *target, const struct view *view, struct err *err)
{
    double start = cpu_now();
    for (size_t i = 0; i < view->n_blocks; i++) {
        struct str text = view->blocks[i].text;
        if (hs_scan(target->database, text.s ? text.s : "", (unsigned)text.n, 0, target->scratch,
                    on_match, &target->found_hyperscan) != HS_SUCCESS)
            return err_set(err, "hyperscan: a scan failed");
    }
    double middle = cpu_now();
    for (size_t i = 0; i < view->n_blocks; i++)
        filters_search(target->group->filters, view->blocks[i].text, on_place,
                       &target->found_filters);
    target->hyperscan += middle - start;
    target->filters += cpu_now() - middle;
    return 0;
}

static int take_message(struct bench *b, const char *path, struct err *err)
{
    struct message *message;
    struct facts facts;
    pool_reset(b->pool);
    buf_clear(&b->raw);
    if (fsio_read_file(path, &b->raw, err) < 0 ||
        message_parse(b->pool, buf_str(&b->raw), &mail_limits_default, &message, err) < 0)
        return -1;
    const struct rules_input input = {.message = message};
    facts_init(&facts, b->pool, &input, b->set->settings);
    for (size_t i = 0; i < N_TARGETS; i++) {
        struct view view;
        if (b->targets[i].group == NULL)
            continue;
        if (view_make(&facts, targets[i].kind, &b->targets[i].group->query, &view, err) < 0 ||
            search(&b->targets[i], &view, err) < 0)
            return -1;
    }
    b->messages++;
    return 0;
}

static void print_times(const struct bench *b)
{
    double n = (double)b->messages;
    for (size_t i = 0; i < N_TARGETS; i++) {
        const struct target *target = &b->targets[i];
        if (target->group == NULL)
            continue;
        printf("%s.hyperscan.cpu %.1f us/message\n", targets[i].name, target->hyperscan / n * 1e6);
        printf("%s.filters.cpu %.1f us/message\n", targets[i].name, target->filters / n * 1e6);
        printf("%s.hyperscan.found %.1f places/message\n", targets[i].name,
               (double)target->found_hyperscan / n);
        printf("%s.filters.found %.1f places/message\n", targets[i].name,
               (double)target->found_filters / n);
    }
}

static int load(struct bench *b, const char *const *paths, size_t n, struct err *err)
{
    uint64_t digest;
    double start = cpu_now();
    b->set = ruleset_load(paths, n, ignore, NULL, err);
    printf("filters.load %.3f s\n", cpu_now() - start);
    b->book =
        b->set ? load_book(&RULESET_OPTIONS_DEFAULT, paths, n, ignore, NULL, &digest, err) : NULL;
    b->pool = pool_new(POOL_MAX);
    b->raw = BUF_INIT(MESSAGE_MAX);
    if (b->book == NULL)
        return -1;
    if (b->pool == NULL)
        return err_set(err, "out of memory");
    for (size_t i = 0; i < N_TARGETS; i++)
        if (make_target(b, i, err) < 0)
            return -1;
    return 0;
}

static int run(struct bench *b, const char *path, size_t every, struct err *err)
{
    struct mail_index index = {0};
    struct pool *pool = pool_new(POOL_MAX);
    int result = pool ? mail_index_read(&index, pool, path, err) : err_set(err, "out of memory");
    for (size_t i = 0; result == 0 && i < index.n; i += every)
        result = take_message(b, index.list[i].path, err);
    if (result == 0)
        print_times(b);
    pool_free(&pool);
    return result;
}

static void release(struct bench *b)
{
    for (size_t i = 0; i < N_TARGETS; i++) {
        hs_free_scratch(b->targets[i].scratch);
        hs_free_database(b->targets[i].database);
    }
    ruleset_free(&b->set);
    book_free(&b->book);
    pool_free(&b->pool);
    buf_release(&b->raw);
}

int main(int argc, char **argv)
{
    const char *paths[RULES_MAX];
    size_t n = 0;
    struct bench b = {0};
    struct err err = {""};
    int i = 1;
    for (; i + 1 < argc && strcmp(argv[i], "-r") == 0 && n < RULES_MAX; i += 2)
        paths[n++] = argv[i + 1];
    size_t every = i + 1 < argc ? strtoul(argv[i + 1], NULL, 10) : 1;
    if (n == 0 || i >= argc || every == 0) {
        fputs("usage: rules_hyperscan -r FILE|FOLDER… INDEX [EVERY]\n", stderr);
        return 2;
    }
    int result = load(&b, paths, n, &err);
    if (result == 0)
        result = run(&b, argv[i], every, &err);
    if (result < 0)
        fprintf(stderr, "rules_hyperscan: %s\n", err.text);
    release(&b);
    return result < 0;
}
