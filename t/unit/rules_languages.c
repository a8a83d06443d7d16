/* TextCat: its models, n-grams, what of a text counts, and the guess. */
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/fsio.h"
#include "rules/facts/language.h"
#include "rules/language/languages.h"
#include "rules/ruleset.h"

#define POOL_MAX ((size_t)64 << 20)

static struct languages *parse(struct pool *pool, struct str text)
{
    struct languages *languages;
    struct err err = {""};
    unsigned line;
    if (languages_parse(pool, text, &languages, &line, &err) < 0)
        fail_msg("%u: %s", line, err.text);
    return languages;
}

static void reads_models(void **state)
{
    struct pool *pool = pool_new(POOL_MAX);
    size_t n;
    const struct languages *made = parse(pool, STR("e\n\0th\n\n0 en\ntoolong\ne\nx\ne\n0 zh.big5\n"
                                                   "\xc3\xa9\n0 fr.utf8\n"));
    assert_int_equal(made->n, 3);
    assert_str(made->list[1].name, "zh.big5");
    assert_str(made->list[1].code, "zh");
    assert_str(made->list[2].name, "fr");
    const struct language_rank *e = languages_find(made, ngram_of(STR("e")), &n);
    assert_int_equal(n, 2);
    assert_true(e[0].model == 0 && e[0].rank == 1);
    assert_true(e[1].model == 1 && e[1].rank == 4); /* of two lines the last counts */
    const struct language_rank *th = languages_find(made, ngram_of(STR("\0th")), &n);
    assert_true(n == 1 && th->rank == 2);
    assert_null(languages_find(made, ngram_of(STR("th")), &n));
    assert_int_equal(n, 0);
    pool_free(&pool);
}

static void check_mistake(struct str text, unsigned line, const char *what)
{
    struct pool *pool = pool_new(POOL_MAX);
    struct languages *made = NULL;
    struct err err = {""};
    unsigned at;
    assert_int_equal(languages_parse(pool, text, &made, &at, &err), -1);
    assert_null(made);
    assert_int_equal(at, line);
    if (strstr(err.text, what) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, what);
    pool_free(&pool);
}

static void refuses_what_is_no_model(void **state)
{
    struct buf many = BUF_INIT(LANGUAGES_FILE_MAX);
    check_mistake(STR(""), 0, "no language");
    check_mistake(STR("e\n0 en\nx\ny\n"), 4, "is missing");
    check_mistake(STR("0 a_name_that_is_much_longer_than_that_of_a_language\n"), 1, "longer");
    for (size_t i = 0; i <= LANGUAGES_MAX; i++)
        buf_addf(&many, "0 x%zu\n", i);
    check_mistake(buf_str(&many), LANGUAGES_MAX + 1, "more than");
    buf_clear(&many);
    for (size_t i = 0; i <= LANGUAGES_RANK_MAX; i++)
        buf_add(&many, STR("x\n"));
    check_mistake(buf_str(&many), LANGUAGES_RANK_MAX + 1, "more than");
    buf_release(&many);
}

/* "a|ab|…" with '_' for a word's edge */
static void check_ngrams(struct str text, size_t max, size_t floor, const char *expected)
{
    struct pool *pool = pool_new(POOL_MAX);
    struct buf got = BUF_INIT(4096);
    struct ngrams found;
    assert_int_equal(ngrams_count(pool, text, max, floor, &found), 0);
    for (size_t i = 0; i < found.n; i++) {
        for (size_t k = 0; k < (found.list[i] & 7); k++) {
            char c = (char)(found.list[i] >> (56 - 8 * k));
            buf_add(&got, str_n(c ? &c : "_", 1));
        }
        buf_addc(&got, '|');
    }
    if (strcmp(buf_cstr(&got), expected) != 0)
        fail_msg("\"%.*s\": %s, not %s", STR_ARG(text), buf_cstr(&got), expected);
    buf_release(&got);
    pool_free(&pool);
}

static void counts_ngrams(void **state)
{
    check_ngrams(STR(""), 10, 0, "");
    check_ngrams(STR(" 12-34. [\\]^_`{|}~\n"), 10, 0, "");
    check_ngrams(STR("a"), 10, 0, "_|_a|_a_|a|a_|");
    check_ngrams(STR("ab ab a"), 6, 0, "_|_a|a|_ab|_ab_|ab|");
    check_ngrams(STR("ab ab a"), 10, 2, "_|_a|a|");
    check_ngrams(STR("ab ab a"), 0, 0, "");
    check_ngrams(STR("ABC"), 5, 0, "_|_A|_AB|_ABC|_ABC_|"); /* too short to be lowered */
    check_ngrams(STR("ABCD"), 3, 0, "_|_a|_ab|");
    check_ngrams(STR("\xc0"
                     "bcD"),
                 3, 0,
                 "_|_\xe0|_\xe0"
                 "b|");
    check_ngrams(STR("\xc0"
                     "bcd"),
                 3, 0,
                 "_|_\xc0|_\xc0"
                 "b|"); /* no capital of ASCII */
    check_ngrams(STR("it's"), 5, 0, "_|_i|_it|_it'|_it's|");
}

static void keeps_ngrams_in_order_and_bounds(void **state)
{
    struct buf text = BUF_INIT(4 * NGRAMS_TEXT_MAX);
    struct pool *pool = pool_new(POOL_MAX);
    struct ngrams found, all;
    for (unsigned i = 0; text.n < 2 * NGRAMS_TEXT_MAX; i++)
        buf_addf(&text, "%c%c%c ", 'a' + i % 26, 'a' + i / 26 % 26, 'a' + i * 7 % 26);
    assert_int_equal(ngrams_count(pool, buf_str(&text), NGRAMS_MAX, 0, &all), 0);
    assert_int_equal(ngrams_count(pool, buf_str(&text), 400, 0, &found), 0);
    assert_true(all.n > 2000 && all.n <= NGRAMS_MAX);
    assert_int_equal(found.n, 400);
    assert_memory_equal(found.list, all.list, 400 * sizeof *all.list);
    struct ngrams cut;
    struct str head = str_sub(buf_str(&text), 0, NGRAMS_TEXT_MAX);
    assert_int_equal(ngrams_count(pool, head, 400, 0, &cut), 0);
    assert_memory_equal(found.list, cut.list, 400 * sizeof *cut.list);
    pool_free(&pool);
    buf_release(&text);
}

static void says_when_memory_is_used_up(void **state)
{
    struct pool *pool = pool_new(1024);
    struct languages *made = NULL;
    struct ngrams found;
    struct err err = {""};
    unsigned line;
    assert_int_equal(ngrams_count(pool, STR("some text"), 400, 0, &found), -1);
    assert_int_equal(languages_parse(pool, STR("e\nt\n0 en\n"), &made, &line, &err), -1);
    assert_null(language_text(pool, str_n((char[2000]){"x"}, 2000)).s);
    pool_free(&pool);
}

static void check_text(const char *body, const char *expected)
{
    struct pool *pool = pool_new(POOL_MAX);
    struct str text = language_text(pool, str_of(body));
    if (!str_eq(text, str_of(expected)))
        fail_msg("\"%s\" → \"%.*s\", not \"%s\"", body, STR_ARG(text), expected);
    pool_free(&pool);
}

static void takes_out_what_is_in_no_language(void **state)
{
    check_text("", "");
    check_text("Re: Fwd:  AW: text", "text");
    check_text("R: text", "R: text");
    check_text("thirteenchars: x", "thirteenchars: x");
    check_text("a https://x.example/y b", "a   b");
    check_text("a http:&#x2F;&#x2F;x b https%3A%2F%2Fy c", "a   b   c");
    check_text("a http:// b https c", "a http:// b https c");
    check_text("a httphttp://x", "a http ");
    check_text("write to x.y@host.example, now", "write to   now");
    check_text("@host.example a@b @@c.d x@1.2", "@host.example a@b   x@1.2");
    check_text("a@bc", " ");
    check_text("see www.x.example and awww.x", "see   and awww.x");
    check_text("www. www.", "www. www.");
}

/* A run of 1025 bytes behind a link's beginning loses 1024 of them. */
static void cuts_no_more_than_spamassassin(void **state)
{
    struct pool *pool = pool_new(POOL_MAX);
    struct buf body = BUF_INIT(1 << 20);
    buf_add(&body, STR("x https://"));
    for (unsigned i = 0; i < 1025; i++)
        buf_addc(&body, 'y');
    assert_str(language_text(pool, buf_str(&body)), "x  y");
    buf_clear(&body);
    for (unsigned i = 0; i < 70; i++)
        buf_addc(&body, 'l');
    buf_addc(&body, '@');
    for (unsigned i = 0; i < 130; i++)
        buf_addc(&body, 'h');
    assert_str(language_text(pool, buf_str(&body)), "llllll h");
    buf_clear(&body);
    for (unsigned i = 0; i < 3 * NGRAMS_TEXT_MAX; i++)
        buf_addc(&body, '@');
    assert_int_equal(language_text(pool, buf_str(&body)).n, NGRAMS_TEXT_MAX);
    buf_release(&body);
    pool_free(&pool);
}

struct world {
    char folder[64];
    struct buf reports;
    struct ruleset *set;
};

static void note(void *data, const char *file, unsigned line, const char *what)
{
    struct world *w = data;
    struct str name = str_of(file);
    size_t slash = str_rchr(name, '/');
    name = str_from(name, slash == STR_NONE ? 0 : slash + 1);
    buf_addf(&w->reports, "%.*s:%u: %s\n", STR_ARG(name), line, what);
}

static void put_file(const struct world *w, const char *name, struct str text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", w->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text.s, 1, text.n, file), text.n);
    assert_int_equal(fclose(file), 0);
}

/* Models of two languages that share no letter but the edge, and one very near to the first. */
static const char models[] = "e\nn\nd\n0 en\ne\nn\nd\nf\n0 sco\no\na\n0 it\n";

static void open_world(struct world *w, const char *rules, struct str languages)
{
    const struct ruleset_options options = {.score_set = 3, .notice = note};
    struct err err = {""};
    *w = (struct world){.folder = "/tmp/poterne-languages-XXXXXX", .reports = BUF_INIT(1 << 16)};
    assert_non_null(mkdtemp(w->folder));
    put_file(w, "10.cf", str_of(rules));
    if (languages.s)
        put_file(w, LANGUAGES_FILE, languages);
    const char *paths[] = {w->folder};
    w->set = ruleset_load_with(&options, paths, 1, note, w, &err);
    if (w->set == NULL)
        fail_msg("%s", err.text);
}

static void close_world(struct world *w)
{
    static const char *const names[] = {"10.cf", LANGUAGES_FILE};
    char path[128];
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", w->folder, names[i]);
        remove(path);
    }
    remove(w->folder);
    ruleset_free(&w->set);
    buf_release(&w->reports);
}

/* The names of the rules that hit, a blank behind each. */
static void check_hits(struct world *w, const char *words, unsigned times, const char *expected)
{
    struct pool *pool = pool_new(POOL_MAX);
    struct buf mail = BUF_INIT(1 << 20), got = BUF_INIT(4096);
    struct message *message;
    struct mail_text *text;
    struct rules_result result;
    struct err err = {""};
    struct rules_scratch *scratch = rules_scratch_new(w->set, &err);
    buf_add(&mail, STR("From: a@b.example\nSubject: 1\nContent-Type: text/plain\n\n"));
    for (unsigned i = 0; i < times; i++)
        buf_add(&mail, str_of(words));
    assert_int_equal(message_parse(pool, buf_str(&mail), &mail_limits_default, &message, &err), 0);
    assert_int_equal(mail_text_make(pool, message, &text, &err), 0);
    const struct rules_input input = {.message = message, .text = text};
    assert_int_equal(ruleset_run(w->set, scratch, &input, pool, &result, &err), 0);
    for (size_t i = 0; i < result.n_hits; i++)
        buf_addf(&got, "%s ", result.hits[i].name);
    if (strcmp(buf_cstr(&got), expected) != 0)
        fail_msg("%u times \"%s\": \"%s\", not \"%s\"", times, words, buf_cstr(&got), expected);
    rules_scratch_free(&scratch);
    buf_release(&mail);
    buf_release(&got);
    pool_free(&pool);
}

#define TEXTCAT "loadplugin Mail::SpamAssassin::Plugin::TextCat\n"
#define RULES                                                                                      \
    "inactive_languages xx\n"                                                                      \
    "body UNWANTED eval:check_language()\nscore UNWANTED 5\n"                                      \
    "header ENGLISH X-Languages =~ /\\ben\\b/\nscore ENGLISH 4\n"                                  \
    "header NONE X-Languages =~ /^$/\nscore NONE 3\n"                                              \
    "header LONG X-Languages-Length =~ /^10000$/\nscore LONG 2\n"

static void guesses(void **state)
{
    struct world w;
    open_world(&w, TEXTCAT RULES "ok_languages it\n", str_of(models));
    assert_str(buf_str(&w.reports), "");
    check_hits(&w, "end ", 100, "UNWANTED ENGLISH ");
    check_hits(&w, "oao ", 100, "");
    check_hits(&w, "end ", 10, "NONE ");
    check_hits(&w, "end ", 5000, "UNWANTED ENGLISH LONG ");
    check_hits(&w, "1234 ", 100, "NONE "); /* no word */
    close_world(&w);
}

static void takes_scots_for_english_in_short_texts(void **state)
{
    struct world w;
    open_world(&w, TEXTCAT RULES "ok_languages\tde\ten\n", str_of(models));
    check_hits(&w, "endf ", 100, "");
    check_hits(&w, "endf ", 500, "UNWANTED ");
    close_world(&w);
}

static void leaves_out_languages(void **state)
{
    struct world w;
    open_world(&w, TEXTCAT RULES "ok_languages it\ninactive_languages en sco\n", str_of(models));
    check_hits(&w, "end ", 100, "");
    close_world(&w);
    open_world(&w, TEXTCAT RULES "ok_languages it\ntextcat_max_languages 0\n", str_of(models));
    check_hits(&w, "end ", 100, "NONE ");
    close_world(&w);
}

static void says_what_is_missing(void **state)
{
    struct world w;
    open_world(&w, RULES "ok_languages it\n", str_of(models)); /* TextCat is not loaded */
    assert_str(buf_str(&w.reports), "");
    check_hits(&w, "end ", 100, "NONE ");
    close_world(&w);
    open_world(&w, TEXTCAT RULES "ok_languages it\n", STR_EMPTY);
    assert_true(strstr(buf_cstr(&w.reports), "languages:0: TextCat is loaded but"));
    check_hits(&w, "end ", 100, "NONE ");
    close_world(&w);
    open_world(&w, TEXTCAT RULES "ok_languages it\n", STR("e\n0 en\nx\n"));
    assert_true(strstr(buf_cstr(&w.reports), "languages:3: a line \"0 NAME\" is missing"));
    check_hits(&w, "end ", 100, "NONE ");
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_models),
        cmocka_unit_test(refuses_what_is_no_model),
        cmocka_unit_test(counts_ngrams),
        cmocka_unit_test(keeps_ngrams_in_order_and_bounds),
        cmocka_unit_test(says_when_memory_is_used_up),
        cmocka_unit_test(takes_out_what_is_in_no_language),
        cmocka_unit_test(cuts_no_more_than_spamassassin),
        cmocka_unit_test(guesses),
        cmocka_unit_test(takes_scots_for_english_in_short_texts),
        cmocka_unit_test(leaves_out_languages),
        cmocka_unit_test(says_what_is_missing),
    };
    return tap_run(tests, NULL, NULL);
}
