/*
 * regex_limits: every pattern of a rule set on texts made to be slow for it (attack.h): each for
 * itself, on texts as long as its kind of rule ever gets, and then all rules together on messages
 * that are full of them. Prints `name value unit` lines, and with --slowest N tables of what took
 * longest.
 *
 *     regex_limits [-r FILE|FOLDER]… [--every K] [--slowest N]
 *
 * Time is processor time. "limited" are answers that are not known, for they took too long. Of the
 * book's rules every K-th is tried.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "rules/compile.h"
#include "rules/facts/header.h"
#include "rules/facts/uris.h"
#include "rules/facts/view.h"
#include "rules/load.h"
#include "t/system/attack.h"

#define RULES_MAX   100
#define SLOWEST_MAX 100
#define TREE_MEMORY ((size_t)64 * 1024 * 1024)
#define ATTACK_MAX  (VIEW_FULL_MAX + 16384)
#define MESSAGE_MAX ((size_t)64 * 1024 * 1024)
#define POOL_MAX    ((size_t)1024 * 1024 * 1024)
#define FIELD_BYTES 8000
#define BODY_BYTES  100000
#define LARGE_BYTES 1000000

/* On all patterns: runs of one thing. */
static const char *const units[] = {
    "a",
    "A",
    " ",
    "0",
    ".",
    "-",
    "_",
    "\n",
    "<",
    "((((",
    "a a a ",
    "a\n",
    "=3D",
    "\xc3\xa9",
    "&#",
    "/a",
    "@",
    ":",
    ";",
    "=",
    "a@b.example ",
    "http://a.example/",
    "<a href=\"",
    "1234567890 ",
};

#define N_UNITS (sizeof units / sizeof *units)

struct timed {
    double seconds;
    enum regex_result result;
    struct str name;
    char what[32];
};

struct table {
    struct timed list[SLOWEST_MAX + 1]; /* slowest first */
    size_t n, tried, limited;
};

struct bench {
    struct book *book;
    struct ruleset *set;
    struct rules_scratch *scratch;
    struct regex_runner *runner;
    struct pool *work, *pool;
    struct buf text, message;
    size_t patterns, unread;
    struct table searches, messages;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void ignore(void *data, const char *file, unsigned line, const char *what)
{
}

/* The longest text that a rule of that kind is ever searched in. */
static size_t longest(enum rule_kind kind)
{
    switch (kind) {
    case RULE_HEADER:
    case RULE_MIMEHEADER:
        return HEADER_TEXT_MAX;
    case RULE_BODY:
    case RULE_RAWBODY:
    case RULE_URI:
        return VIEW_BLOCK_MAX;
    case RULE_FULL:
        return VIEW_FULL_MAX;
    default:
        return 0;
    }
}

static void note(struct table *table, const struct timed *timed)
{
    size_t at = table->n;
    table->tried++;
    table->limited += timed->result == REGEX_LIMIT;
    for (; at > 0 && table->list[at - 1].seconds < timed->seconds; at--)
        table->list[at] = table->list[at - 1];
    table->list[at] = *timed;
    if (table->n < SLOWEST_MAX)
        table->n++;
}

/* The text in b->text, as a rule searches it. */
static void search(struct bench *b, const struct regex *regex, struct str name, const char *what)
{
    struct timed timed = {.name = name};
    struct regex_match match;
    snprintf(timed.what, sizeof timed.what, "%s", what);
    double start = now();
    regex_runner_start(b->runner, RULES_TIME_MAX_MS);
    timed.result = regex_search(regex, b->runner, buf_str(&b->text), 0, STR_NONE, &match);
    timed.seconds = now() - start;
    note(&b->searches, &timed);
}

static void search_general(struct bench *b, const struct regex *regex, struct str name,
                           size_t bytes)
{
    for (size_t i = 0; i < N_UNITS; i++) {
        char what[32];
        snprintf(what, sizeof what, "general %zu", i);
        buf_clear(&b->text);
        while (b->text.n < bytes)
            buf_add(&b->text, str_of(units[i]));
        search(b, regex, name, what);
    }
}

static void search_attacks(struct bench *b, const struct regex *regex,
                           const struct regex_literal *literal, struct str name, size_t bytes)
{
    pool_reset(b->work);
    const struct tree *tree = tree_read(b->work, literal);
    b->unread += tree == NULL;
    for (size_t i = 0; tree && i < attack_count(tree); i++) {
        char what[32];
        snprintf(what, sizeof what, "attack %zu", i);
        attack_text(tree, i, bytes, &b->text);
        search(b, regex, name, what);
    }
}

static int try_rule(struct bench *b, const struct definition *definition, struct err *err)
{
    struct regex_literal literal;
    size_t bytes = longest(definition->kind);
    if (bytes == 0)
        return 0;
    if (compile_literal(b->book, definition, &literal, err) < 0)
        return -1;
    struct regex *regex = regex_new(&literal, err);
    if (regex == NULL)
        return err_prefix(err, "%.*s", STR_ARG(definition->name));
    b->patterns++;
    search_general(b, regex, definition->name, bytes);
    search_attacks(b, regex, &literal, definition->name, bytes);
    regex_free(&regex);
    return 0;
}

/* ---- messages */

/* A field of the text, in one line. */
static void put_field(struct buf *out, struct str name, const char *before, struct str text)
{
    buf_add(out, name);
    buf_addf(out, ": %s", before);
    for (size_t i = 0; i < text.n && i < FIELD_BYTES; i++)
        buf_addc(out, text.s[i] == '\n' ? ' ' : text.s[i]);
    buf_addc(out, '\n');
}

/* b->text in all places: the field that the rule looks at, those that all rules do, text, HTML. */
static void make_message(struct bench *b, struct str field, size_t bytes)
{
    struct buf *out = &b->message;
    struct str text = buf_str(&b->text);
    buf_clear(out);
    put_field(out, STR("Received"), "from ", text);
    put_field(out, STR("Received"), "from a.example (b.example [192.0.2.1]) by ", text);
    if (field.n)
        put_field(out, field, "", text);
    put_field(out, STR("From"), "\"x\" <a@b.example> ", text);
    put_field(out, STR("To"), "", text);
    put_field(out, STR("Subject"), "", text);
    put_field(out, STR("Message-ID"), "<", text);
    buf_add(out, STR("Content-Type: multipart/alternative; boundary=x\n\n--x\n\n"));
    buf_add(out, str_sub(text, 0, bytes));
    buf_add(out, STR("\n--x\nContent-Type: text/html\n\n<p><a href=\"http://a.example/"));
    buf_add(out, str_sub(text, 0, bytes));
    buf_add(out, STR("\n--x--\n"));
}

static int run_message(struct bench *b, struct str name, const char *what, struct err *err)
{
    static const struct rules_input input = {.client_ip = {"192.0.2.1", 9}};
    struct rules_result result;
    struct timed timed = {.name = name};
    snprintf(timed.what, sizeof timed.what, "%s", what);
    pool_reset(b->pool);
    double start = now();
    if (ruleset_run_raw(b->set, b->scratch, buf_str(&b->message), &input, b->pool, &result, err) <
        0)
        return -1;
    timed.seconds = now() - start;
    timed.result = result.n_limited ? REGEX_LIMIT : REGEX_NO;
    note(&b->messages, &timed);
    return 0;
}

static int run_general(struct bench *b, struct err *err)
{
    static const size_t sizes[] = {BODY_BYTES, LARGE_BYTES};
    for (size_t i = 0; i < 2 * N_UNITS; i++) {
        const char *unit = units[i / 2];
        char what[32];
        snprintf(what, sizeof what, "%zu bytes", sizes[i % 2]);
        buf_clear(&b->text);
        while (b->text.n < sizes[i % 2])
            buf_add(&b->text, str_of(unit));
        make_message(b, STR_EMPTY, sizes[i % 2]);
        if (run_message(b, str_of(*unit == '\n' ? "line ends" : unit), what, err) < 0)
            return -1;
    }
    return 0;
}

/* Two of the pattern's attacks: on its first repeat, and on its last. */
static int run_rule(struct bench *b, const struct definition *definition, struct err *err)
{
    struct regex_literal literal;
    struct str field = definition->query.name;
    if (longest(definition->kind) == 0)
        return 0;
    if (compile_literal(b->book, definition, &literal, err) < 0)
        return -1;
    for (size_t i = 0; i < 2; i++) {
        char what[32];
        pool_reset(b->work);
        const struct tree *tree = tree_read(b->work, &literal);
        if (tree == NULL)
            return 0;
        size_t which = i ? attack_count(tree) - 1 : 0;
        attack_text(tree, which, BODY_BYTES, &b->text);
        make_message(b, str_eq(field, STR("ALL")) ? STR_EMPTY : field, BODY_BYTES);
        snprintf(what, sizeof what, "attack %zu", which);
        if (run_message(b, definition->name, what, err) < 0)
            return -1;
    }
    return 0;
}

/* ---- */

static int run(struct bench *b, uint64_t every, struct err *err)
{
    for (size_t i = 0; i < b->book->n; i += every) {
        if (try_rule(b, &b->book->list[i], err) < 0 || run_rule(b, &b->book->list[i], err) < 0)
            return -1;
    }
    return run_general(b, err);
}

static void print_table(const struct table *table, const char *kind, uint64_t slowest)
{
    static const char *const names[] = {"no", "yes", "limit"};
    printf("%s %zu %s\n%s.limited %zu %s\n%s.worst %.1f ms\n", kind, table->tried, kind, kind,
           table->limited, kind, kind, table->n ? table->list[0].seconds * 1e3 : 0);
    for (size_t i = 0; i < slowest && i < table->n; i++)
        printf("# %8.1f ms  %-5s  %-14s %.*s\n", table->list[i].seconds * 1e3,
               names[table->list[i].result], table->list[i].what, STR_ARG(table->list[i].name));
}

static int open_bench(struct bench *b, const char *const *rules, size_t n_rules, struct err *err)
{
    const struct ruleset_options options = {.score_set = 0, .all = true};
    uint64_t digest;
    *b = (struct bench){.text = BUF_INIT(ATTACK_MAX),
                        .message = BUF_INIT(MESSAGE_MAX),
                        .work = pool_new(TREE_MEMORY),
                        .pool = pool_new(POOL_MAX)};
    b->runner = b->work && b->pool ? regex_runner_new(err) : NULL;
    if (b->runner == NULL)
        return err_set(err, "out of memory");
    if (mail_preload(err) < 0)
        return -1;
    b->book = load_book(&options, rules, n_rules, ignore, NULL, &digest, err);
    b->set = ruleset_load_with(&options, rules, n_rules, ignore, NULL, err);
    b->scratch = b->set ? rules_scratch_new(b->set, err) : NULL;
    return b->book && b->scratch ? 0 : -1;
}

static void close_bench(struct bench *b)
{
    rules_scratch_free(&b->scratch);
    ruleset_free(&b->set);
    regex_runner_free(&b->runner);
    book_free(&b->book);
    pool_free(&b->work);
    pool_free(&b->pool);
    buf_release(&b->text);
    buf_release(&b->message);
}

static bool number(const char *text, uint64_t max, uint64_t *value)
{
    return text && str_to_u64(str_of(text), max, value);
}

int main(int argc, char **argv)
{
    const char *rules[RULES_MAX];
    size_t n_rules = 0;
    uint64_t every = 1, slowest = 0;
    static struct bench b;
    struct err err = {""};
    char **at = argv + 1;
    for (; *at && at[1]; at += 2) {
        if (strcmp(*at, "-r") == 0 && n_rules < RULES_MAX)
            rules[n_rules++] = at[1];
        else if (strcmp(*at, "--every") != 0 || !number(at[1], UINT32_MAX, &every) || every == 0)
            if (strcmp(*at, "--slowest") != 0 || !number(at[1], SLOWEST_MAX, &slowest))
                break;
    }
    if (*at || n_rules == 0) {
        fputs("usage: regex_limits [-r FILE|FOLDER]… [--every K] [--slowest N]\n", stderr);
        return 2;
    }
    int result = open_bench(&b, rules, n_rules, &err);
    if (result == 0)
        result = run(&b, every, &err);
    if (result == 0) {
        printf("patterns %zu patterns\npatterns.unread %zu patterns\n", b.patterns, b.unread);
        print_table(&b.searches, "searches", slowest);
        print_table(&b.messages, "messages", slowest);
    } else {
        fprintf(stderr, "regex_limits: %s\n", err.text);
    }
    close_bench(&b);
    return result < 0;
}
