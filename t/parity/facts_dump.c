/*
 * facts_dump: the texts of messages as rules see them, in the form of t/parity/facts.pl.
 *
 *     facts_dump [-r FILE|FOLDER]… FILE…
 *
 * Bytes that are not printable ASCII stand as \XX.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/fsio.h"
#include "rules/facts/body.h"
#include "rules/facts/html_facts.h"
#include "rules/facts/uris.h"
#include "rules/ruleset.h"

#define MESSAGE_MAX ((size_t)256 * 1024 * 1024)
#define POOL_MAX    ((size_t)1024 * 1024 * 1024)
#define PATHS_MAX   100

static void put(struct str x)
{
    for (size_t i = 0; i < x.n; i++) {
        unsigned char c = (unsigned char)x.s[i];
        if (c < 0x20 || c > 0x7e || c == '\\')
            printf("\\%02x", c);
        else
            putchar(c);
    }
}

static void put_line(struct str x)
{
    put(x);
    putchar('\n');
}

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void dump_parts(struct facts *facts)
{
    const struct fact_parts *parts = facts_parts(facts);
    puts("@parts");
    for (size_t i = 0; i < parts->n; i++) {
        struct fact_part *part = parts->list[i];
        printf("%u ", part->depth);
        put(part->type);
        putchar(' ');
        put(part->effective);
        printf(" %d name=", part->leaf);
        put(part->name);
        printf(" charset=");
        put(part->charset.s ? part->charset : STR("-"));
        if (part->leaf)
            printf(" len=%zu\n", fact_part_decoded(facts, part).n);
        else
            puts(" len=-");
    }
}

static void dump_texts(const char *title, const struct fact_texts *texts)
{
    printf("@%s\n", title);
    for (size_t i = 0; i < texts->n; i++)
        put_line(texts->list[i]);
}

static void put_types(unsigned types)
{
    struct str names[URI_TYPES];
    size_t n = 0;
    for (unsigned bit = 0; bit < URI_TYPES; bit++) {
        if (types >> bit & 1)
            names[n++] = str_of(fact_uri_type_name(bit));
    }
    qsort(names, n, sizeof names[0], by_text);
    for (size_t i = 0; i < n; i++)
        printf("%s%s", i ? "," : "", names[i].s);
}

static int by_raw(const void *a, const void *b)
{
    return str_cmp(((const struct fact_uri *)a)->raw, ((const struct fact_uri *)b)->raw);
}

static int by_host(const void *a, const void *b)
{
    return str_cmp(((const struct fact_host *)a)->host, ((const struct fact_host *)b)->host);
}

static void dump_uris(const struct fact_uris *uris)
{
    puts("@uri");
    qsort(uris->list, uris->n, sizeof uris->list[0], by_raw);
    for (size_t i = 0; i < uris->n; i++) {
        const struct fact_uri *uri = &uris->list[i];
        put(uri->raw);
        putchar('\t');
        put_types(uri->types);
        putchar('\t');
        qsort(uri->cleaned, uri->n_cleaned, sizeof uri->cleaned[0], by_text);
        for (size_t j = 0; j < uri->n_cleaned; j++) {
            if (j)
                putchar(' ');
            put(uri->cleaned[j]);
        }
        putchar('\t');
        qsort(uri->hosts, uri->n_hosts, sizeof uri->hosts[0], by_host);
        for (size_t j = 0; j < uri->n_hosts; j++) {
            if (j)
                putchar(' ');
            put(uri->hosts[j].host);
            putchar('=');
            put(uri->hosts[j].domain);
        }
        putchar('\t');
        for (size_t j = 0; j < uri->n_anchors; j++) {
            if (j)
                putchar('|');
            put(uri->anchors[j]);
        }
        putchar('\n');
    }
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct html_inside *)a)->name, ((const struct html_inside *)b)->name);
}

static void dump_doc(const struct html_doc *doc)
{
    static const char *const numbers[] = {
        "html",
        "image_area",
        "length",
        "min_size",
        "max_size",
        "closed_extra_ratio",
        "backhair_count",
        "bad_tag_ratio",
        "non_element_ratio",
        "obfuscation_ratio",
        "font_low_contrast",
        "font_invalid_color",
        "font_face_bad",
        "form_action_mailto",
        "embeds",
        "uri_truncated",
        "html_length",
        "non_space_len",
        "ratio",
    };
    static const char *const texts[] = {"comment", "script", "title", "anchor"};
    puts("doc");
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        double value;
        if (html_doc_number(doc, str_of(numbers[i]), &value))
            printf("%s=%.6g\n", numbers[i], value);
    }
    qsort(doc->inside, doc->n_inside, sizeof doc->inside[0], by_name);
    for (size_t i = 0; i < doc->n_inside; i++) {
        printf("in ");
        put(doc->inside[i].name);
        printf("=%ld\n", doc->inside[i].open);
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        size_t n;
        const struct str *list = html_doc_texts(doc, str_of(texts[i]), &n);
        for (size_t j = 0; j < n; j++) {
            printf("%s ", texts[i]);
            put_line(list[j]);
        }
    }
}

static void dump(struct facts *facts)
{
    const struct html_docs *docs = facts_html(facts);
    dump_parts(facts);
    dump_texts("body", facts_body(facts, BODY_RENDERED));
    dump_texts("visible", facts_body(facts, BODY_VISIBLE));
    dump_texts("invisible", facts_body(facts, BODY_INVISIBLE));
    dump_texts("raw", facts_rawbody(facts));
    printf("@full\n%zu\n", facts_full(facts).n);
    dump_uris(facts_uris(facts));
    puts("@html");
    for (size_t i = 0; i < docs->n; i++)
        dump_doc(&docs->list[i]);
}

static int one(struct pool *pool, const struct rules_settings *settings,
               struct regex_runner *runner, const char *path, struct err *err)
{
    struct buf raw = BUF_INIT(MESSAGE_MAX);
    struct message *message;
    struct facts facts;
    pool_reset(pool);
    if (fsio_read_file(path, &raw, err) < 0 ||
        message_parse(pool, buf_str(&raw), &mail_limits_default, &message, err) < 0)
        return -1;
    const struct rules_input input = {.message = message};
    facts_init(&facts, pool, &input, settings);
    facts.runner = runner;
    printf("= %s\n", path);
    if (facts_parts(&facts) == NULL || facts_body(&facts, BODY_RENDERED) == NULL ||
        facts_rawbody(&facts) == NULL || facts_uris(&facts) == NULL)
        return err_set(err, "%s: no memory", path);
    dump(&facts);
    buf_release(&raw);
    return 0;
}

static void report(void *data, const char *file, unsigned line, const char *what)
{
    (void)data;
    (void)file;
    (void)line;
    (void)what;
}

int main(int argc, char **argv)
{
    const char *rules[PATHS_MAX];
    size_t n_rules = 0;
    int at = 1;
    struct err err = {0};
    const struct rules_settings *settings = NULL;
    struct ruleset *set = NULL;
    struct pool *pool = pool_new(POOL_MAX);
    struct regex_runner *runner = regex_runner_new(&err);
    for (; at + 1 < argc && strcmp(argv[at], "-r") == 0 && n_rules < PATHS_MAX; at += 2)
        rules[n_rules++] = argv[at + 1];
    if (n_rules)
        set = ruleset_load(rules, n_rules, report, NULL, &err);
    if (pool == NULL || runner == NULL || (n_rules && set == NULL)) {
        fprintf(stderr, "facts_dump: %s\n", err.text);
        return 1;
    }
    if (set)
        settings = set->settings;
    for (; at < argc; at++) {
        if (one(pool, settings, runner, argv[at], &err) < 0) {
            fprintf(stderr, "facts_dump: %s\n", err.text);
            return 1;
        }
    }
    regex_runner_free(&runner);
    pool_free(&pool);
    ruleset_free(&set);
    return 0;
}
