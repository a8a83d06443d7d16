/*
 * header_queries: what header queries find in messages, a line "PATH TAB QUERY TAB VALUE TAB …"
 * for each; t/parity/header_queries.pl says the same of the real SpamAssassin.
 *
 *     header_queries [-r FILE|FOLDER]… QUERY… < paths
 *
 * "=counts" are the relays that can't be read, and the numbers of the last trusted and the last
 * internal one; "=from" and "=to" are addresses, sorted. "=time" prints nothing: it asks for the
 * relays only, and how long all of them took comes at the end on standard error.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fsio.h"
#include "rules/facts/header.h"
#include "rules/facts/relays.h"
#include "rules/ruleset.h"
#include "t/bench/clock.h"
#include "tools/files.h"

#define MESSAGE_MAX ((size_t)256 * 1024 * 1024)
#define POOL_MAX    ((size_t)1024 * 1024 * 1024)
#define PATHS_MAX   100

struct clock_sum {
    double seconds;
    size_t n;
};

static void report(void *data, const char *file, unsigned line, const char *what)
{
}

static void put(struct str text)
{
    putchar('\t');
    for (size_t i = 0; i < text.n; i++) {
        if (text.s[i] && !strchr("\\\t\n", text.s[i]))
            putchar(text.s[i]);
        else
            printf("\\x%02x", (unsigned char)text.s[i]);
    }
}

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void put_all(const struct fact_values *values, bool sorted)
{
    if (sorted)
        qsort(values->list, values->n, sizeof *values->list, by_text);
    for (size_t i = 0; i < values->n; i++)
        put(values->list[i]);
}

static void answer(struct facts *facts, const char *query, struct clock_sum *sum)
{
    if (strcmp(query, "=time") == 0) {
        double from = cpu_now();
        facts_relays(facts);
        sum->seconds += cpu_now() - from;
        sum->n++;
    } else if (strcmp(query, "=counts") == 0) {
        const struct relays *relays = facts_relays(facts);
        if (relays)
            printf("\t%zu\t%ld\t%ld", relays->n_unparseable, relays->last_trusted,
                   relays->last_internal);
    } else if (strcmp(query, "=from") == 0) {
        put_all(facts_from_addresses(facts), true);
    } else if (strcmp(query, "=to") == 0) {
        put_all(facts_to_addresses(facts), true);
    } else {
        put_all(facts_get_all(facts, query), false);
    }
}

static int one(const struct ruleset *set, struct pool *pool, const char *path, char **queries,
               struct clock_sum *sum, struct err *err)
{
    struct buf raw = BUF_INIT(MESSAGE_MAX);
    struct message *message;
    struct facts facts;
    pool_reset(pool);
    int result = fsio_read_file(path, &raw, err);
    struct str text = mbox_line_dropped(buf_str(&raw));
    if (result == 0)
        result = message_parse(pool, text, &mail_limits_default, &message, err);
    if (result == 0) {
        const struct rules_input input = {.message = message};
        facts_init(&facts, pool, &input, set->settings);
        for (char **query = queries; *query; query++) {
            if (strcmp(*query, "=time") != 0)
                printf("%s\t%s", path, *query);
            answer(&facts, *query, sum);
            if (strcmp(*query, "=time") != 0)
                putchar('\n');
        }
        if (facts.no_memory)
            result = err_set(err, "%s: no memory", path);
    }
    buf_release(&raw);
    return result;
}

int main(int argc, char **argv)
{
    const char *rules[PATHS_MAX];
    size_t n_rules = 0;
    char **at = argv + 1;
    char path[PATH_MAX];
    struct err err = {""};
    struct clock_sum sum = {0};
    for (; *at && strcmp(*at, "-r") == 0 && at[1] && n_rules < PATHS_MAX; at += 2)
        rules[n_rules++] = at[1];
    struct pool *pool = pool_new(POOL_MAX);
    struct ruleset *set = pool && n_rules ? ruleset_load(rules, n_rules, report, NULL, &err) : NULL;
    int result = set && *at ? 0 : err_set(&err, "header_queries -r FILE… QUERY…: %s", err.text);
    while (result == 0 && fgets(path, sizeof path, stdin)) {
        path[strcspn(path, "\n")] = '\0';
        result = one(set, pool, path, at, &sum, &err);
    }
    if (sum.n)
        fprintf(stderr, "relays: %.2f us a message\n", sum.seconds * 1e6 / (double)sum.n);
    if (result < 0)
        fprintf(stderr, "header_queries: %s\n", err.text);
    ruleset_free(&set);
    pool_free(&pool);
    return result < 0;
}
