#include "rules/language/languages.h"

#include <stdlib.h>

struct seen {
    ngram key;
    struct language_rank at;
};

struct reader {
    struct pool *pool;
    struct languages *made;
    struct seen *seen;
    size_t n_seen, seen_cap, list_cap;
    size_t rank; /* lines of the language that is being read */
    unsigned line;
};

static int no_memory(struct err *err)
{
    return err_set(err, "out of memory for languages");
}

static int add_ngram(struct reader *r, struct str bytes, struct err *err)
{
    if (++r->rank > LANGUAGES_RANK_MAX)
        return err_set(err, "more than %d lines for one language", LANGUAGES_RANK_MAX);
    if (bytes.n == 0 || bytes.n > NGRAM_MAX) /* never found in a text, but it has its rank */
        return 0;
    struct seen *seen = pool_grow(r->pool, r->seen, r->n_seen, &r->seen_cap, sizeof *seen);
    if (seen == NULL)
        return no_memory(err);
    r->seen = seen;
    seen[r->n_seen++] = (struct seen){ngram_of(bytes), {(uint16_t)r->made->n, (uint16_t)r->rank}};
    return 0;
}

/* "zh.big5", behind the last n-gram of that language. */
static int end_language(struct reader *r, struct str name, struct err *err)
{
    struct languages *made = r->made;
    if (made->n == LANGUAGES_MAX)
        return err_set(err, "more than %d languages", LANGUAGES_MAX);
    if (name.n > LANGUAGES_NAME_MAX)
        return err_set(err, "the language's name is longer than %d bytes", LANGUAGES_NAME_MAX);
    struct language_model *list =
        pool_grow(r->pool, made->list, made->n, &r->list_cap, sizeof *list);
    struct str copy = pool_str(r->pool, name);
    if (list == NULL || copy.s == NULL)
        return no_memory(err);
    struct str code = str_sub(copy, 0, str_chr(copy, '.'));
    size_t utf8 = str_find(copy, STR(".utf8"));
    made->list = list;
    list[made->n++] = (struct language_model){
        .name = utf8 != STR_NONE && utf8 > 0 ? code : copy,
        .code = code,
    };
    r->rank = 0;
    return 0;
}

static int read_lines(struct reader *r, struct str text, struct err *err)
{
    struct str line;
    if (str_ends(text, STR("\n")))
        text.n--;
    while (text.n && str_next(&text, '\n', &line)) {
        bool name = str_starts(line, STR("0 ")) && line.n > 2;
        r->line++;
        if ((name ? end_language(r, str_from(line, 2), err) : add_ngram(r, line, err)) < 0)
            return -1;
    }
    if (r->rank)
        return err_set(err, "a line \"0 NAME\" is missing behind the last language");
    r->line = 0;
    return r->made->n ? 0 : err_set(err, "there is no language in the file");
}

/* By n-gram, then by language; of one that a language has twice, the last line counts. */
static int by_ngram(const void *a, const void *b)
{
    const struct seen *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    if (x->at.model != y->at.model)
        return x->at.model < y->at.model ? -1 : 1;
    return x->at.rank < y->at.rank ? 1 : -1;
}

static struct ngram_entry *slot_of(const struct languages *languages, ngram key)
{
    size_t at = ngram_slot(key, languages->slots);
    while (languages->table[at].n && languages->table[at].key != key)
        at = (at + 1) & (languages->slots - 1);
    return &languages->table[at];
}

static int make_table(struct reader *r, struct err *err)
{
    struct languages *made = r->made;
    size_t n = 0;
    for (made->slots = 64; made->slots < 2 * r->n_seen;)
        made->slots *= 2;
    made->table = POOL_ARRAY(r->pool, made->slots, struct ngram_entry);
    made->ranks = POOL_ARRAY(r->pool, r->n_seen + 1, struct language_rank);
    if (made->table == NULL || made->ranks == NULL)
        return no_memory(err);
    if (r->n_seen)
        qsort(r->seen, r->n_seen, sizeof *r->seen, by_ngram);
    for (size_t i = 0; i < r->n_seen; i++) {
        const struct seen *seen = &r->seen[i];
        bool again = i && seen->key == seen[-1].key && seen->at.model == seen[-1].at.model;
        if (again)
            continue;
        struct ngram_entry *entry = slot_of(made, seen->key);
        if (entry->n++ == 0) {
            entry->key = seen->key;
            entry->first = (uint32_t)n;
        }
        made->ranks[n++] = seen->at;
    }
    return 0;
}

int languages_parse(struct pool *pool, struct str text, struct languages **languages,
                    unsigned *line, struct err *err)
{
    struct reader r = {.pool = pool, .made = POOL_NEW(pool, struct languages)};
    *line = 0;
    if (r.made == NULL)
        return no_memory(err);
    int result = read_lines(&r, text, err);
    *line = r.line;
    if (result == 0)
        result = make_table(&r, err);
    *languages = result == 0 ? r.made : NULL;
    return result;
}

const struct language_rank *languages_find(const struct languages *languages, ngram key, size_t *n)
{
    const struct ngram_entry *entry = slot_of(languages, key);
    *n = entry->n;
    return entry->n ? &languages->ranks[entry->first] : NULL;
}
