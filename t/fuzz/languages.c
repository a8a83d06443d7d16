/*
 * TextCat, by the first byte: 'm' a file of models, which is read and asked; else a body, cut to
 * what counts, whose n-grams keep their bounds and their order.
 */
#include <stdlib.h>

#include "rules/facts/language.h"

#define POOL_MAX (64 * 1024 * 1024)
#define MOST     400

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_models(struct pool *pool, struct str text)
{
    struct languages *languages;
    struct err err;
    unsigned line;
    if (languages_parse(pool, text, &languages, &line, &err) < 0)
        return;
    for (size_t at = 0; at < text.n; at++) {
        size_t n;
        struct str bytes = str_sub(text, at, at + 1 + at % NGRAM_MAX);
        const struct language_rank *ranks = languages_find(languages, ngram_of(bytes), &n);
        for (size_t i = 0; i < n; i++) {
            if (ranks[i].model >= languages->n || ranks[i].rank == 0 ||
                (i && ranks[i].model <= ranks[i - 1].model))
                abort();
        }
    }
}

static void check_text(struct pool *pool, struct str body)
{
    struct str text = language_text(pool, body);
    struct ngrams some, all;
    if (text.s == NULL || text.n > NGRAMS_TEXT_MAX || text.n > body.n + 1 ||
        ngrams_count(pool, text, MOST, 0, &some) < 0 ||
        ngrams_count(pool, text, NGRAMS_MAX, 0, &all) < 0)
        abort();
    if (some.n > MOST || some.n > all.n || (all.n < MOST && some.n != all.n) ||
        memcmp(some.list, all.list, some.n * sizeof *some.list) != 0)
        abort();
    for (size_t i = 0; i < all.n; i++) {
        if ((all.list[i] & 7) == 0 || (all.list[i] & 7) > NGRAM_MAX)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pool *pool = pool_new(POOL_MAX);
    struct str input = str_n(size ? (const char *)data : "", size);
    if (pool && str_starts(input, STR("m")))
        check_models(pool, str_from(input, 1));
    else if (pool)
        check_text(pool, input);
    pool_free(&pool);
    return 0;
}
