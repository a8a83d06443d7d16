/*
 * For each stock rule a message of our own that it must hit, and one that looks like it and that it
 * must leave alone: t/unit/stock/NAME.txt for rules/stock/NAME.cf, in the form that
 * t/unit/stock/README.md describes.
 */
#include "t/unit/tap.h"

#include <dirent.h>
#include <stdio.h>

#include "base/fsio.h"
#include "rules/ruleset.h"

#define FILE_MAX    (4 << 20)
#define POOL_MAX    (64 << 20)
#define MESSAGE_MAX (16 << 20)
#define PATH_BYTES  1024
#define REQUIRED    5.0

struct sample {
    struct str rule, message;
    bool must_hit;
    const char *file;
    unsigned line;
};

struct samples {
    struct pool *pool;
    struct sample *list;
    size_t n, cap;
};

/* Pictures of control characters stand for them, so that a sample can be read and edited. */
static struct str with_controls(struct pool *pool, struct str x)
{
    struct buf out = BUF_INIT(FILE_MAX);
    for (size_t i = 0; i < x.n; i++) {
        struct str at = str_from(x, i);
        bool nul = str_starts(at, STR("␀"));
        if (nul || str_starts(at, STR("␍"))) {
            buf_addc(&out, nul ? '\0' : '\r');
            i += STR("␀").n - 1;
        } else {
            buf_addc(&out, x.s[i]);
        }
    }
    assert_true(buf_ok(&out));
    struct str copy = pool_str(pool, buf_str(&out));
    buf_release(&out);
    return copy;
}

static bool is_mark(struct str line)
{
    return str_starts(line, STR("=="));
}

/* "== RULE hit" or "== RULE miss" */
static int read_mark(struct str line, struct sample *sample, struct err *err)
{
    struct str rest = line, equals, what;
    if (!str_next(&rest, ' ', &equals) || !str_eq(equals, STR("==")) ||
        !str_next(&rest, ' ', &sample->rule) || sample->rule.n == 0 ||
        !str_next(&rest, ' ', &what) || rest.n)
        return err_set(err, "not of the form \"== RULE hit\" or \"== RULE miss\"");
    sample->must_hit = str_eq(what, STR("hit"));
    if (!sample->must_hit && !str_eq(what, STR("miss")))
        return err_set(err, "\"%.*s\" is neither \"hit\" nor \"miss\"", STR_ARG(what));
    return 0;
}

/* A header field, an empty line and something behind it. */
static int check_message(struct str message, struct err *err)
{
    struct str rest = message, line;
    if (!str_next_line(&rest, &line) || line.n == 0)
        return err_set(err, "no message");
    if (str_chr(line, ':') == STR_NONE)
        return err_set(err, "the message does not begin with a header field");
    if (str_find(message, STR("\n\n")) == STR_NONE)
        return err_set(err, "no empty line behind the header");
    return 0;
}

static int add_sample(struct samples *all, struct sample sample, struct str message,
                      struct err *err)
{
    if (check_message(message, err) != 0)
        return err_prefix(err, "%s:%u", sample.file, sample.line);
    sample.message = with_controls(all->pool, message);
    sample.rule = pool_str(all->pool, sample.rule);
    all->list = pool_grow(all->pool, all->list, all->n, &all->cap, sizeof *all->list);
    assert_non_null(all->list);
    all->list[all->n++] = sample;
    return 0;
}

/* -1, with file:line in err, at the first thing that is not as it must be. */
static int read_samples(struct samples *all, const char *file, struct str text, struct err *err)
{
    struct sample sample = {.file = file};
    struct str rest = text, line;
    const char *message = NULL;
    for (unsigned n = 1; str_next_line(&rest, &line); n++) {
        if (!is_mark(line)) {
            if (message == NULL && line.n && line.s[0] != '#')
                return err_set(err, "%s:%u: text before the first \"== RULE hit\"", file, n);
            continue;
        }
        struct sample next = {.file = file, .line = n};
        struct str before = message ? str_n(message, (size_t)(line.s - message)) : STR_EMPTY;
        if (message && add_sample(all, sample, before, err) != 0)
            return -1;
        if (read_mark(line, &next, err) != 0)
            return err_prefix(err, "%s:%u", file, n);
        sample = next;
        message = rest.s;
    }
    if (message == NULL)
        return err_set(err, "%s:1: no samples", file);
    return add_sample(all, sample, str_n(message, (size_t)(text.s + text.n - message)), err);
}

static void read_file(struct samples *all, const char *name)
{
    char path[PATH_BYTES];
    struct buf text = BUF_INIT(FILE_MAX);
    struct err err = {""};
    assert_true(snprintf(path, sizeof path, "%s/%s", STOCK_SAMPLES, name) < PATH_BYTES);
    const char *file = pool_cstr(all->pool, str_of(name));
    if (fsio_read_file(path, &text, &err) != 0 ||
        read_samples(all, file, buf_str(&text), &err) != 0)
        fail_msg("%s", err.text);
    buf_release(&text);
}

static void complain(void *data, const char *file, unsigned line, const char *what)
{
    print_error("%s:%u: %s\n", file, line, what);
}

struct stock {
    struct ruleset *set;
    struct samples samples;
};

static int load(void **state)
{
    const char *paths[] = {STOCK_RULES};
    struct err err = {""};
    struct dirent *entry;
    struct pool *pool = pool_new(POOL_MAX);
    assert_non_null(pool);
    struct stock *stock = POOL_NEW(pool, struct stock);
    assert_non_null(stock);
    stock->samples = (struct samples){.pool = pool};
    stock->set = ruleset_load(paths, 1, complain, NULL, &err);
    if (stock->set == NULL)
        fail_msg("%s", err.text);
    DIR *folder = opendir(STOCK_SAMPLES);
    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        if (str_ends(str_of(entry->d_name), STR(".txt")))
            read_file(&stock->samples, entry->d_name);
    }
    closedir(folder);
    *state = stock;
    return 0;
}

static int unload(void **state)
{
    struct stock *stock = *state;
    struct pool *pool = stock->samples.pool;
    ruleset_free(&stock->set);
    pool_free(&pool);
    return 0;
}

/* Does its rule hit the sample? *total gets the score of all rules. */
static bool hits(const struct ruleset *set, const struct sample *sample, double *total)
{
    struct err err = {""};
    struct pool *pool = pool_new(MESSAGE_MAX);
    struct rules_scratch *scratch = rules_scratch_new(set, &err);
    struct message *message;
    struct mail_text *visible;
    struct rules_result result;
    bool found = false;
    assert_non_null(pool);
    assert_non_null(scratch);
    assert_int_equal(message_parse(pool, sample->message, &mail_limits_default, &message, &err), 0);
    assert_int_equal(mail_text_make(pool, message, &visible, &err), 0);
    struct rules_input input = {.message = message, .text = visible};
    assert_int_equal(ruleset_run(set, scratch, &input, pool, &result, &err), 0);
    assert_int_equal(result.n_limited, 0);
    for (size_t i = 0; i < result.n_hits; i++)
        found |= str_eq(str_of(result.hits[i].name), sample->rule);
    *total = result.total;
    rules_scratch_free(&scratch);
    pool_free(&pool);
    return found;
}

static void expect(const struct stock *stock, bool must_hit, const char *complaint)
{
    unsigned wrong = 0;
    for (size_t i = 0; i < stock->samples.n; i++) {
        const struct sample *sample = &stock->samples.list[i];
        double total;
        if (sample->must_hit != must_hit || hits(stock->set, sample, &total) == must_hit)
            continue;
        print_error("%s:%u: %s %s\n", sample->file, sample->line, sample->rule.s, complaint);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

static void rules_hit_what_they_are_for(void **state)
{
    expect(*state, true, "does not hit its sample");
}

static void rules_leave_the_rest_alone(void **state)
{
    expect(*state, false, "hits what only looks like it");
}

static const struct rule *rule_of(const struct ruleset *set, const struct sample *sample)
{
    for (size_t i = 0; i < set->n; i++) {
        if (set->rules[i].counts && str_eq(set->rules[i].name, sample->rule))
            return &set->rules[i];
    }
    return NULL;
}

/* What a rule of spam must leave alone is wanted mail, and so is what a nice rule must hit. */
static void wanted_mail_stays_below(void **state)
{
    const struct stock *stock = *state;
    unsigned wrong = 0;
    for (size_t i = 0; i < stock->samples.n; i++) {
        const struct sample *sample = &stock->samples.list[i];
        const struct rule *rule = rule_of(stock->set, sample);
        double total;
        if (rule == NULL || sample->must_hit != (rule->score < 0))
            continue;
        hits(stock->set, sample, &total);
        if (total < REQUIRED)
            continue;
        print_error("%s:%u: wanted mail scores %.1f\n", sample->file, sample->line, total);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

/* "40_links.txt" belongs to "…/40_links.cf". */
static bool same_stem(const char *samples, const char *rules)
{
    struct str stem = str_sub(str_of(samples), 0, strlen(samples) - strlen(".txt"));
    struct str rest = str_of(rules);
    struct str file = str_from(rest, str_rchr(rest, '/') + 1);
    return file.n == stem.n + strlen(".cf") && str_starts(file, stem);
}

static bool sampled(const struct samples *samples, const struct rule *rule, bool must_hit)
{
    for (size_t i = 0; i < samples->n; i++) {
        const struct sample *sample = &samples->list[i];
        if (sample->must_hit == must_hit && str_eq(rule->name, sample->rule) &&
            same_stem(sample->file, rule->file))
            return true;
    }
    return false;
}

static void every_rule_has_its_samples(void **state)
{
    const struct stock *stock = *state;
    unsigned without = 0, rules = 0;
    for (size_t i = 0; i < stock->set->n; i++) {
        const struct rule *rule = &stock->set->rules[i];
        if (!rule->counts)
            continue;
        rules++;
        for (int must_hit = 0; must_hit <= 1; must_hit++) {
            if (sampled(&stock->samples, rule, must_hit))
                continue;
            print_error("%s:%u: %s has no sample that it must %s\n", rule->file, rule->line,
                        rule->name.s, must_hit ? "hit" : "leave alone");
            without++;
        }
    }
    assert_true(rules >= 250);
    assert_int_equal(without, 0);
}

static void every_sample_is_of_a_rule(void **state)
{
    const struct stock *stock = *state;
    unsigned wrong = 0;
    for (size_t i = 0; i < stock->samples.n; i++) {
        const struct sample *sample = &stock->samples.list[i];
        const struct rule *rule = rule_of(stock->set, sample);
        if (rule && same_stem(sample->file, rule->file))
            continue;
        print_error("%s:%u: %s is no rule of that file\n", sample->file, sample->line,
                    sample->rule.s);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

static void bad_files_are_named_with_their_line(void **state)
{
    static const struct {
        const char *text, *said;
    } bad[] = {
        {"", "x.txt:1: no samples"},
        {"# only a comment\n", "x.txt:1: no samples"},
        {"\nFrom: a@b.example\n", "x.txt:2: text before"},
        {"== A\nFrom: a@b.example\n\nx\n", "x.txt:1: not of the form"},
        {"==A hit\nFrom: a@b.example\n\nx\n", "x.txt:1: not of the form"},
        {"== A hit miss\nFrom: a@b.example\n\nx\n", "x.txt:1: not of the form"},
        {"== A\thit\nFrom: a@b.example\n\nx\n", "x.txt:1: not of the form"},
        {"== A hits\nFrom: a@b.example\n\nx\n", "x.txt:1: \"hits\" is neither"},
        {"== A hit\n", "x.txt:1: no message"},
        {"# c\n\n== A hit\n== A miss\nFrom: a@b.example\n\nx\n", "x.txt:3: no message"},
        {"== A hit\nHello\n\nx\n", "x.txt:1: the message does not begin"},
        {"== A hit\nFrom: a@b.example\n", "x.txt:1: no empty line"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct samples samples = {.pool = pool_new(POOL_MAX)};
        struct err err = {""};
        assert_int_equal(read_samples(&samples, "x.txt", str_of(bad[i].text), &err), -1);
        if (!str_starts(str_of(err.text), str_of(bad[i].said)))
            fail_msg("%s: %s", bad[i].said, err.text);
        pool_free(&samples.pool);
    }
}

static void good_files_are_read_as_they_are(void **state)
{
    struct samples samples = {.pool = pool_new(POOL_MAX)};
    struct err err = {""};
    struct str text = STR("# why\n\n== A hit\nTo: x\n\na␀b␍c\n= d\n\n== B miss\nTo: y\n\n");
    assert_int_equal(read_samples(&samples, "x.txt", text, &err), 0);
    assert_int_equal(samples.n, 2);
    assert_str(samples.list[0].rule, "A");
    assert_true(samples.list[0].must_hit);
    assert_int_equal(samples.list[0].line, 3);
    assert_true(str_eq(samples.list[0].message, STR("To: x\n\na\0b\rc\n= d\n\n")));
    assert_str(samples.list[1].rule, "B");
    assert_false(samples.list[1].must_hit);
    assert_int_equal(samples.list[1].line, 9);
    pool_free(&samples.pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_files_are_named_with_their_line),
        cmocka_unit_test(good_files_are_read_as_they_are),
        cmocka_unit_test(every_sample_is_of_a_rule),
        cmocka_unit_test(every_rule_has_its_samples),
        cmocka_unit_test(rules_hit_what_they_are_for),
        cmocka_unit_test(rules_leave_the_rest_alone),
        cmocka_unit_test(wanted_mail_stays_below),
    };
    return tap_run(tests, load, unload);
}
