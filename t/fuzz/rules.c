/*
 * Three targets in one, by the first byte of the input:
 *   'p'  "pattern LF text": what a prefilter concludes from a pattern must hold wherever the
 *        pattern matches;
 *   'c'  a message's text: whatever a rule captures of it, another that asks for it finds it there;
 *   else a rule file, which is read, compiled and run over a fixed message.
 */
#include <stdio.h>
#include <stdlib.h>

#include "rules/compile.h"
#include "rules/language/parse.h"
#include "rules/match/literals.h"
#include "rules/match/words.h"

#define POOL_MAX  (64 * 1024 * 1024)
#define INPUT_MAX 4096

static const char mail[] =
    "Received: from a.example by b.example; Thu, 25 Jul 2024 10:00:00 +0000\n"
    "From: \"A, B\" <a@b.example>\nTo: c@d.example\nSubject: free money\n"
    "Date: Thu, 25 Jul 2024 09:00:00 +0000\nMessage-Id: <1@b.example>\n"
    "Content-Type: text/html\n\n<p>Buy <a href=\"http://x.example/%61\">now"
    "</a></p><p>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 12345 end</p>\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Does a word begin at a place from..last? */
struct wanted_word {
    size_t from, last;
    bool found;
};

static bool on_word(void *data, uint32_t number, size_t at)
{
    struct wanted_word *wanted = data;
    wanted->found |= at >= wanted->from && at <= wanted->last;
    return !wanted->found;
}

static bool has_word(const struct literals *literals, struct pool *pool, struct str text,
                     const struct regex_match *match)
{
    struct words *words = words_new(pool, 16);
    size_t last = literals->before == STR_NONE ? text.n : match->from + literals->before;
    struct wanted_word wanted = {match->from, last, false};
    for (size_t i = 0; words && i < literals->n; i++) {
        if (!words_add(words, pool, literals->list[i], 0))
            return true;
    }
    if (words == NULL)
        return true;
    words_search(words, text, on_word, &wanted);
    return wanted.found;
}

/* The text between line ends, as pieces stand in a block. */
static struct str in_block(struct pool *pool, struct str text)
{
    return pool_strf(pool, "some words\n%.*s\nothers", STR_ARG(text));
}

static void check_pattern(struct pool *pool, struct str input)
{
    struct str line, pattern;
    struct regex_literal literal;
    struct err err;
    struct regex_match match;
    if (!str_next_line(&input, &line) || memchr(input.s ? input.s : "", 0, input.n))
        return;
    pattern = pool_strf(pool, "m\x01%.*s\x01i", STR_ARG(line));
    if (regex_literal_parse(pattern, &literal, &err) < 0)
        return;
    struct regex *regex = regex_new(&literal, &err);
    struct regex_runner *runner = regex_runner_new(&err);
    if (regex && runner) {
        regex_runner_start(runner, 200);
        struct literals literals = literals_of(pool, &literal);
        if (regex_search(regex, runner, input, 0, STR_NONE, &match) == REGEX_YES) {
            if (literals.n && !has_word(&literals, pool, input, &match))
                abort();
            if (regex_is_local(regex) &&
                regex_search(regex, runner, in_block(pool, input), 0, STR_NONE, &match) == REGEX_NO)
                abort();
        }
    }
    regex_free(&regex);
    regex_runner_free(&runner);
}

static void run_set(struct pool *pool, const struct ruleset *set)
{
    struct err err;
    struct message *message;
    struct mail_text *text;
    struct rules_result result;
    struct rules_scratch *scratch = rules_scratch_new(set, &err);
    if (scratch && message_parse(pool, str_of(mail), &mail_limits_default, &message, &err) == 0 &&
        mail_text_make(pool, message, &text, &err) == 0) {
        struct rules_input input = {.message = message, .text = text};
        if (ruleset_run(set, scratch, &input, pool, &result, &err) == 0 &&
            result.n_hits + result.n_limited > 2 * set->n)
            abort();
    }
    rules_scratch_free(&scratch);
}

/* Lists and networks are asked for each line of the file. */
static void ask_settings(const struct rules_settings *settings, struct str input)
{
    struct str line, name, domain;
    bool known;
    while (str_next_line(&input, &line)) {
        size_t at = 0;
        while (settings_pair_next(settings, SETTINGS_WELCOMELIST_FROM_RCVD, line, &at)) {
        }
        settings_address_in(settings, SETTINGS_WELCOMELIST_FROM, line);
        settings_address_in_named(settings, STR("A"), line, &known);
        settings_is_freemail_domain(settings, line);
        settings_subject_in(settings, SETTINGS_BLOCKLIST_SUBJECT, line);
        settings_host_listed(settings, STR("A"), line);
        networks_have(settings_networks(settings, SETTINGS_TRUSTED_NETWORKS, &known), line);
        networks_literal_has(line, STR("192.0.2.1"));
        settings_split_domain(settings, line, &name, &domain);
        if (name.n + domain.n > line.n || (name.n && name.s + name.n >= domain.s))
            abort();
    }
}

static void check_file(struct pool *pool, struct str input)
{
    struct err err;
    struct parser parser = {.book = book_new(NULL, NULL, &err), .includes = PARSE_INCLUDE_MAX};
    if (parser.book && parse_text(&parser, input, "fuzz.cf", &err) == 0) {
        struct ruleset *set = compile(parser.book, 0, &err);
        if (set) {
            ask_settings(set->settings, input);
            run_set(pool, set);
        }
        ruleset_free(&set);
    }
    book_free(&parser.book);
}

static bool hits(const struct rules_result *result, const char *name)
{
    size_t i = 0;
    while (i < result->n_hits && strcmp(result->hits[i].name, name) != 0)
        i++;
    return i < result->n_hits;
}

/* What is captured is there: a rule that asks for it hits, or is limited. */
static void check_captured(const struct ruleset *set, struct pool *pool, struct str raw)
{
    struct err err;
    struct rules_result result;
    const struct rules_input input = {.sub_rules = true};
    struct rules_scratch *scratch = rules_scratch_new(set, &err);
    if (scratch && ruleset_run_raw(set, scratch, raw, &input, pool, &result, &err) == 0 &&
        result.n_limited == 0 && hits(&result, "__CAPTURING") &&
        !(hits(&result, "PLAIN") && hits(&result, "EXTENDED") && hits(&result, "REPEATED")))
        abort();
    rules_scratch_free(&scratch);
}

static void check_captures(struct pool *pool, struct str input)
{
    static const char rules[] = "full __CAPTURING /^BODY(?<ALL>.+)/ms\n"
                                "full PLAIN /^BODY%{ALL}\\z/m\n"
                                "full EXTENDED / ^BODY %{ALL} \\z /mxi\n"
                                "full REPEATED /%{ALL}{1}\\z/\n";
    struct err err;
    struct parser parser = {.book = book_new(NULL, NULL, &err)};
    struct buf raw = BUF_INIT(2 * INPUT_MAX);
    struct ruleset *set = NULL;
    buf_add(&raw, STR("Subject: x\n\nBODY"));
    buf_add(&raw, input);
    if (parser.book && parse_text(&parser, str_of(rules), "fuzz.cf", &err) == 0)
        set = compile(parser.book, 0, &err);
    if (set && buf_ok(&raw))
        check_captured(set, pool, buf_str(&raw));
    ruleset_free(&set);
    book_free(&parser.book);
    buf_release(&raw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = str_n((const char *)data, size);
    struct pool *pool = size <= INPUT_MAX ? pool_new(POOL_MAX) : NULL;
    if (pool == NULL)
        return 0;
    if (str_starts(input, STR("p")))
        check_pattern(pool, str_from(input, 1));
    else if (str_starts(input, STR("c")))
        check_captures(pool, str_from(input, 1));
    else
        check_file(pool, input);
    pool_free(&pool);
    return 0;
}
