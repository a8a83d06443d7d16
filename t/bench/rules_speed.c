/*
 * rules_speed: what pass 1 costs. Prints `name value unit` lines.
 *
 *     rules_speed [-r FILE|FOLDER]… INDEX [EVERY]     processor time for each message of an index
 *     rules_speed [-r FILE|FOLDER]… --double          messages that double in size
 *     rules_speed [-r FILE|FOLDER]… --worst           20 MB of what costs most, and half of it
 *
 * Time is this process's processor time for parsing the message, making its texts and running all
 * rules; reading the file is left out. The worst is with the features that pass 2 gathers.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/fsio.h"
#include "bayes/bayes.h"
#include "rules/rules.h"
#include "t/bench/clock.h"
#include "tools/mail_index.h"

#define MESSAGE_MAX  ((size_t)256 * 1024 * 1024)
#define POOL_MAX     ((size_t)2 * 1024 * 1024 * 1024)
#define RULES_MAX    100
#define DOUBLE_FIRST ((size_t)16 * 1024)
#define DOUBLE_LAST  ((size_t)8 * 1024 * 1024)
#define DOUBLE_SHORT 0.2 /* seconds that a small message is run for, again and again */
#define PART_BYTES   45000
#define WORST_BYTES  ((size_t)20 * 1000 * 1000)

struct bench {
    struct ruleset *set;
    struct rules_scratch *scratch;
    struct pool *pool;
    struct buf raw;
    size_t limited; /* rules that ran into a limit, in all */
};

static void ignore(void *data, const char *file, unsigned line, const char *what)
{
}

/* Seconds for the message in b->raw, or -1 with err. */
static double run_once(struct bench *b, struct err *err)
{
    const struct rules_input input = {0};
    struct rules_result result;
    pool_reset(b->pool);
    double start = cpu_now();
    if (ruleset_run_raw(b->set, b->scratch, buf_str(&b->raw), &input, b->pool, &result, err) < 0)
        return -1;
    b->limited += result.n_limited;
    return cpu_now() - start;
}

/* Seconds that pass 2 takes to gather its features of the same message, or -1 with err. */
static double run_features(struct bench *b, struct err *err)
{
    struct message *message;
    struct mail_text *text;
    struct features features;
    pool_reset(b->pool);
    if (message_parse(b->pool, buf_str(&b->raw), &mail_limits_default, &message, err) < 0 ||
        mail_text_make(b->pool, message, &text, err) < 0)
        return -1;
    double start = cpu_now();
    if (features_extract(b->pool, message, text, NULL, &features, err) < 0)
        return -1;
    return cpu_now() - start;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* ---- an index */

static void print_times(double *seconds, size_t n, size_t bytes, size_t limited)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += seconds[i];
    qsort(seconds, n, sizeof *seconds, by_value);
    printf("poterne.messages %zu messages\n", n);
    printf("poterne.bytes.mean %zu bytes\n", bytes / n);
    printf("poterne.cpu.mean %.3f ms/message\n", sum / (double)n * 1e3);
    printf("poterne.cpu.p50 %.3f ms\n", seconds[n / 2] * 1e3);
    printf("poterne.cpu.p99 %.3f ms\n", seconds[n * 99 / 100] * 1e3);
    printf("poterne.cpu.max %.3f ms\n", seconds[n - 1] * 1e3);
    printf("poterne.limited %zu rules\n", limited);
}

static int bench_index(struct bench *b, const char *path, size_t every, struct err *err)
{
    struct mail_index index = {0};
    struct pool *pool = pool_new(POOL_MAX);
    double *seconds = NULL;
    size_t n = 0, bytes = 0;
    int result = pool ? mail_index_read(&index, pool, path, err) : err_set(err, "out of memory");
    if (result == 0 && index.n == 0)
        result = err_set(err, "%s names no message", path);
    if (result == 0 && (seconds = POOL_ARRAY(pool, index.n, double)) == NULL)
        result = err_set(err, "out of memory");
    for (size_t i = 0; result == 0 && i < index.n; i += every) {
        buf_clear(&b->raw);
        result = fsio_read_file(index.list[i].path, &b->raw, err);
        if (result == 0 && (seconds[n++] = run_once(b, err)) < 0)
            result = -1;
        bytes += b->raw.n;
    }
    if (result == 0)
        print_times(seconds, n, bytes, b->limited);
    pool_free(&pool);
    return result;
}

/* ---- made-up messages */

struct shape {
    const char *name;
    const char *header;
    const char *piece; /* again and again, to the size */
};

#define PLAIN    "Content-Type: text/plain\n\n"
#define BOUNDARY "next.part"
#define HTML     "Content-Type: text/html\n\n"

static const struct shape letter = {
    "letter", "Content-Type: text/html; charset=utf-8\n\n",
    "<p>Dear Jean, the <b>measurements</b> of October are at <a href=\"http://data.example/o\">our "
    "site</a>; write to jean.toto@univ.example before Friday, or call +33 2 40 00 00 00.</p>\n"};

static const struct shape shapes[] = {
    {"lines", PLAIN, "The measurements of October are in the table below, with last year's.\n"},
    {"one_line", PLAIN, "measurements and more "},
    {"no_blank", PLAIN, "a"},
    {"empty_lines", PLAIN, "\n"},
    {"blanks", PLAIN, " "},
    {"almost_words", PLAIN, "click her unsubscrib viagr million dollar mortgag lotter\n"},
    {"addresses", PLAIN, "jean.toto@univ.example, "},
    {"links", PLAIN, "http://a.example/x?y=%41 www.b.example "},
    {"schemes", PLAIN, "http://http://"},
    {"dots", PLAIN, "a.b."},
    {"digits", PLAIN, "1234567890 "},
    {"bytes_8bit", PLAIN, "\xc3\xa9\xe2\x80\x8b\xd0\xb0"},
    {"tags", HTML, "<b><i>x</i></b>"},
    {"tags_open", HTML, "<div><span>"},
    {"tags_cut", HTML, "<"},
    {"styles", HTML, "<font style=\"color:#fff;font-size:1px\" color=white>x</font>"},
    {"anchors", HTML, "<a href=\"http://a.example/\">b.example</a>"},
    {"comments", HTML, "<!-- x --><!-"},
    {"entities", HTML, "&#65;&amp;&nbsp;&"},
    {"images", HTML, "<img src=cid:x width=1 height=1>"},
    {"base64", "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n",
     "dGhlIG1lYXN1cmVtZW50cyBvZiBPY3RvYmVyIGFyZSBpbiB0aGUgdGFibGU=\n"},
    {"quoted", "Content-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n",
     "=3Cb=3Ex=\n"},
    {"parts", "Content-Type: multipart/mixed; boundary=" BOUNDARY "\n\n",
     "--" BOUNDARY "\nContent-Type: text/plain; name=a.exe\n\nx\n"},
    {"parts_long", "Content-Type: multipart/mixed; boundary=" BOUNDARY "\n\n",
     "<p>the measurements of http://a.example/ x"},
    {"nested", "Content-Type: message/rfc822\n\n", "Content-Type: message/rfc822\n\n"},
    {"fields", "", "X-Field: jean.toto@univ.example (192.0.2.1) =?utf-8?q?=41?=\n"},
    {"received", "", "Received: from a.example (b.example [192.0.2.1]) by c.example; x\n"},
    {"recipients", "Subject: x\nTo: a@b.example", ",\n c@d.example"},
    {"encoded_words", "Subject: ", "=?utf-8?q?=41?= "},
    {"words_cut", "Subject: ", "=?"},
    {"one_field", "X-Field: ", "a, "},
    {"lines_short", PLAIN, "a\n"},
    {"brackets", PLAIN, "(<[{"},
    {"attributes", HTML "<p ", "a=b "},
    {"anchors_cut", HTML, "<a <a"},
    {"quote_open", HTML "<a href=\"", "x=y "},
    {"quotes", HTML, "<a href=\"'>"},
    {"comment_open", HTML "<!--", "- ->"},
    {"references_cut", HTML, "&#"},
    {"tables", HTML, "<table><tr><td>"},
    {"elements", HTML, "<x1><x2></x1>"},
    {"declarations", HTML, "<!["},
    {"scripts", HTML, "<script>x</script"},
    {"zeros", "Content-Transfer-Encoding: base64\n" PLAIN, "AAAA"},
    {"boundaries_cut", "Content-Type: multipart/mixed; boundary=" BOUNDARY "\n\n",
     "--" BOUNDARY "x\n"},
    {"multiparts", "", "Content-Type: multipart/mixed; boundary=" BOUNDARY "\n\n--" BOUNDARY "\n"},
    {"pdf", "Content-Type: application/pdf; name=a.pdf\n\n%PDF-1.4\n", "1 0 obj<</A(b)>>"},
};

static void make(struct bench *b, const struct shape *shape, size_t bytes)
{
    struct str piece = str_of(shape->piece);
    buf_clear(&b->raw);
    buf_add(&b->raw, STR("Received: from a.example (a.example [192.0.2.1]) by mx.example;\n"
                         " Tue, 17 Nov 2026 10:00:00 +0000\nFrom: Claire <claire@a.example>\n"
                         "Date: Tue, 17 Nov 2026 10:00:00 +0000\nMessage-ID: <1@a.example>\n"
                         "MIME-Version: 1.0\n"));
    buf_add(&b->raw, str_of(shape->header));
    /* of a multipart whose boundary the piece lacks, many parts that are as long as rules look */
    bool parts = strstr(shape->header, BOUNDARY) && !strstr(shape->piece, BOUNDARY);
    for (size_t next = b->raw.n; b->raw.n < bytes; buf_add(&b->raw, piece)) {
        if (parts && b->raw.n >= next) {
            buf_add(&b->raw, STR("\n--" BOUNDARY "\nContent-Type: text/html\n\n"));
            next += PART_BYTES;
        }
    }
    buf_addc(&b->raw, '\n');
}

/* The mean over as many runs as make a time that can be measured. */
static double run_steadily(struct bench *b, struct err *err)
{
    double sum = 0;
    unsigned n = 0;
    while (sum < DOUBLE_SHORT) {
        double seconds = run_once(b, err);
        if (seconds < 0)
            return -1;
        sum += seconds;
        n++;
    }
    return sum / n;
}

static int bench_double(struct bench *b, struct err *err)
{
    double before = 0, most = 0;
    for (size_t bytes = DOUBLE_FIRST; bytes <= DOUBLE_LAST; bytes *= 2) {
        make(b, &letter, bytes);
        double seconds = run_steadily(b, err);
        if (seconds < 0)
            return -1;
        printf("poterne.size.%zuk %.3f ms\n", bytes / 1024, seconds * 1e3);
        if (before > 0 && seconds / before > most)
            most = seconds / before;
        before = seconds;
    }
    printf("poterne.size.doubled.most %.2f times\n", most);
    return 0;
}

static int bench_worst(struct bench *b, struct err *err)
{
    double most = 0;
    const char *which = "";
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        make(b, &shapes[i], WORST_BYTES);
        b->limited = 0;
        double seconds = run_once(b, err), features = seconds < 0 ? -1 : run_features(b, err);
        if (features < 0)
            return err_prefix(err, "%s", shapes[i].name);
        make(b, &shapes[i], WORST_BYTES / 2);
        double half = run_once(b, err);
        printf("poterne.20MB.%s %.0f ms\npoterne.20MB.%s.features %.0f ms\n"
               "poterne.20MB.%s.doubled %.2f times\n",
               shapes[i].name, seconds * 1e3, shapes[i].name, features * 1e3, shapes[i].name,
               half > 0 ? seconds / half : 0);
        seconds += features;
        if (b->limited)
            printf("poterne.20MB.%s.limited %zu rules\n", shapes[i].name, b->limited);
        if (seconds > most) {
            most = seconds;
            which = shapes[i].name;
        }
        fflush(stdout);
    }
    printf("# the worst of them: %s\npoterne.20MB.worst %.0f ms\n", which, most * 1e3);
    return 0;
}

/* ---- */

static int open_bench(struct bench *b, const char *const *rules, size_t n_rules, struct err *err)
{
    const struct ruleset_options options = {.score_set = 0};
    double start = cpu_now();
    *b = (struct bench){.raw = BUF_INIT(MESSAGE_MAX), .pool = pool_new(POOL_MAX)};
    if (b->pool == NULL)
        return err_set(err, "out of memory");
    if (mail_preload(err) < 0)
        return -1;
    b->set = ruleset_load_with(&options, rules, n_rules, ignore, NULL, err);
    b->scratch = b->set ? rules_scratch_new(b->set, err) : NULL;
    if (b->scratch == NULL)
        return -1;
    printf("poterne.load %.0f ms\npoterne.rules %zu rules\n", (cpu_now() - start) * 1e3,
           ruleset_count(b->set));
    return 0;
}

static int run(struct bench *b, char **what, struct err *err)
{
    uint64_t every = 1;
    if (strcmp(what[0], "--double") == 0)
        return bench_double(b, err);
    if (strcmp(what[0], "--worst") == 0)
        return bench_worst(b, err);
    if (what[1] && (!str_to_u64(str_of(what[1]), UINT32_MAX, &every) || every == 0))
        return err_set(err, "\"%s\" is no number", what[1]);
    return bench_index(b, what[0], every, err);
}

int main(int argc, char **argv)
{
    const char *rules[RULES_MAX];
    size_t n_rules = 0;
    struct bench b;
    struct err err = {""};
    char **at = argv + 1;
    for (; *at && strcmp(*at, "-r") == 0 && at[1] && n_rules < RULES_MAX; at += 2)
        rules[n_rules++] = at[1];
    if (argc < 2 || *at == NULL || n_rules == 0) {
        fputs("usage: rules_speed [-r FILE|FOLDER]… INDEX [EVERY] | --double | --worst\n", stderr);
        return 2;
    }
    int result = open_bench(&b, rules, n_rules, &err);
    if (result == 0)
        result = run(&b, at, &err);
    if (result < 0)
        fprintf(stderr, "rules_speed: %s\n", err.text);
    rules_scratch_free(&b.scratch);
    ruleset_free(&b.set);
    pool_free(&b.pool);
    buf_release(&b.raw);
    return result < 0;
}
