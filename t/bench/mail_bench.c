/*
 * mail_bench FILE…: what reading messages costs, printed as `name value unit`: processor time and
 * memory of a message on the average, each read once for its parts and once for its text.
 */
#include <stdio.h>

#include "base/fsio.h"
#include "mail/edit.h"
#include "mail/text.h"
#include "t/bench/clock.h"

#define MESSAGE_MAX (64 * 1024 * 1024)
#define TURNS       5 /* the fastest counts */

struct sums {
    double parse, text, edit; /* seconds */
    size_t bytes, pool, n;
    double worst; /* seconds for 5 kB of one message */
};

static double least(double a, double b)
{
    return a < b ? a : b;
}

static int measure(struct pool *pool, struct str raw, struct sums *sums, struct err *err)
{
    double parse = 1e12, make = 1e12, edit = 1e12;
    for (int turn = 0; turn < TURNS; turn++) {
        struct message *message;
        struct mail_text *text;
        struct edits edits;
        pool_reset(pool);
        double start = cpu_now();
        if (message_parse(pool, raw, &mail_limits_default, &message, err) < 0)
            return -1;
        double parsed = cpu_now();
        if (mail_text_make(pool, message, &text, err) < 0)
            return -1;
        double made = cpu_now();
        if (edits_make(pool, message, STR("[SPAM] "), &edits, err) < 0)
            return -1;
        parse = least(parse, parsed - start);
        make = least(make, made - parsed);
        edit = least(edit, cpu_now() - made);
    }
    sums->parse += parse;
    sums->text += make;
    sums->edit += edit;
    sums->bytes += raw.n;
    sums->pool += pool_used(pool);
    sums->n++;
    double each = (parse + make) * 5120 / (double)(raw.n > 5120 ? raw.n : 5120);
    sums->worst = each > sums->worst ? each : sums->worst;
    return 0;
}

static void print(const struct sums *s)
{
    double n = (double)s->n;
    printf("mail_messages %zu messages\n", s->n);
    printf("mail_size %.0f bytes\n", (double)s->bytes / n);
    printf("mail_parse %.1f us\n", s->parse / n * 1e6);
    printf("mail_text %.1f us\n", s->text / n * 1e6);
    printf("mail_edit %.1f us\n", s->edit / n * 1e6);
    printf("mail_5kB %.1f us\n", (s->parse + s->text) * 5120 / (double)s->bytes * 1e6);
    printf("mail_5kB_worst %.1f us\n", s->worst * 1e6);
    printf("mail_pool %.0f bytes\n", (double)s->pool / n);
}

static int run(int n, char **paths, struct err *err)
{
    struct sums sums = {0};
    struct buf raw = BUF_INIT(MESSAGE_MAX);
    struct pool *pool = pool_new(4 * (size_t)MESSAGE_MAX);
    int result = pool ? mail_preload(err) : err_set(err, "out of memory");
    for (int i = 0; i < n && result == 0; i++) {
        buf_clear(&raw);
        result = fsio_read_file(paths[i], &raw, err);
        if (result == 0)
            result = measure(pool, buf_str(&raw), &sums, err);
    }
    if (result == 0 && sums.n)
        print(&sums);
    pool_free(&pool);
    buf_release(&raw);
    return result;
}

int main(int argc, char **argv)
{
    struct err err;
    if (argc < 2) {
        fprintf(stderr, "usage: mail_bench FILE…\n");
        return 2;
    }
    if (run(argc - 1, argv + 1, &err) < 0) {
        fprintf(stderr, "mail_bench: %s\n", err.text);
        return 1;
    }
    return 0;
}
