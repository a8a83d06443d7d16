/*
 * "rule file LF %% LF message": rules that ask the DNS are read and asked for; the answers are what
 * the names give by chance, records of any length among them. A rule never both hits and is not
 * known, no name is asked for that can't be in the DNS, and what is asked ahead is asked again.
 */
#include <stdlib.h>

#include "rules/compile.h"
#include "rules/language/parse.h"

#define POOL_MAX  (64 * 1024 * 1024)
#define INPUT_MAX 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct chance {
    struct str bytes; /* that records are cut out of */
    const struct rules_questions *ahead;
    bool first;
};

static struct str piece(struct str bytes, uint64_t number)
{
    static const size_t lengths[] = {4, 16, 0, 1, 3, 5, 30};
    size_t n = lengths[number % 7];
    size_t at = bytes.n ? (number >> 8) % bytes.n : 0;
    return number & 64 ? STR("\x7f\0\0\2") : str_sub(bytes, at, at + n);
}

static void answer(void *data, struct pool *pool, struct dns_query *queries, size_t n)
{
    static const enum dns_status statuses[] = {DNS_FOUND,   DNS_FOUND,       DNS_NO_NAME, DNS_FOUND,
                                               DNS_NO_DATA, DNS_TEMP_FAILED, DNS_BOGUS};
    struct chance *chance = data;
    if (n > DNS_QUESTIONS_MAX || (chance->first && n < chance->ahead->n))
        abort();
    chance->first = false;
    for (size_t i = 0; i < n; i++) {
        uint64_t number = str_hash(queries[i].name) + (uint64_t)queries[i].type;
        struct dns_record *records = POOL_ARRAY(pool, 3, struct dns_record);
        if (!dns_name_ok(queries[i].name))
            abort();
        queries[i].status = statuses[number % 7];
        if (records == NULL || queries[i].status != DNS_FOUND)
            continue;
        queries[i].records = records;
        queries[i].n = 1 + (number >> 16) % 3;
        for (size_t k = 0; k < queries[i].n; k++)
            records[k] = (struct dns_record){piece(chance->bytes, number >> k), 10};
    }
}

static bool among(const struct rules_result *result, const char *name)
{
    size_t i = 0;
    while (i < result->n_unknown && strcmp(result->unknown[i], name) != 0)
        i++;
    return i < result->n_unknown;
}

static void run_set(struct pool *pool, const struct ruleset *set, struct str raw)
{
    struct err err;
    struct message *message;
    struct rules_result result;
    struct rules_questions ahead;
    struct chance chance = {.bytes = raw, .ahead = &ahead, .first = true};
    const struct dns_source source = {.ask = answer, .data = &chance};
    const struct rules_network network = {.dns = &source};
    struct rules_scratch *scratch = rules_scratch_new(set, &err);
    struct rules_input input = {.sub_rules = true};
    if (scratch && message_parse(pool, raw, &mail_limits_default, &message, &err) == 0) {
        input.message = message;
        if (rules_questions(set, scratch, &input, pool, &ahead, &err) == 0) {
            input.network = &network;
            input.prepared = ahead.prepared;
            if (ruleset_run(set, scratch, &input, pool, &result, &err) == 0) {
                for (size_t i = 0; i < result.n_hits; i++) {
                    if (among(&result, result.hits[i].name))
                        abort();
                }
            }
        }
    }
    rules_scratch_free(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = str_n((const char *)data, size);
    size_t at = str_find(input, STR("\n%%\n"));
    struct pool *pool = size <= INPUT_MAX && at != STR_NONE ? pool_new(POOL_MAX) : NULL;
    if (pool == NULL)
        return 0;
    struct err err;
    struct parser parser = {.book = book_new(NULL, NULL, &err), .includes = PARSE_INCLUDE_MAX};
    if (parser.book)
        parser.book->options.score_set = RULES_SCORE_NET;
    if (parser.book && parse_text(&parser, str_sub(input, 0, at), "fuzz.cf", &err) == 0) {
        struct ruleset *set = compile(parser.book, 0, &err);
        if (set)
            run_set(pool, set, str_from(input, at + 4));
        ruleset_free(&set);
    }
    book_free(&parser.book);
    pool_free(&pool);
    return 0;
}
