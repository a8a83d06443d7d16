#include "rules/facts/language.h"

#include "rules/facts/body.h"

/* How far a language is from the text. */
struct distance {
    struct str name;
    double sum;
};

struct guess {
    struct facts *facts;
    const struct languages *languages;
    double acceptable; /* so many times the best distance is as good */
    double most;       /* more answers are none */
    double farthest;   /* what an n-gram counts that a language does not have */
};

/* The body's pieces with a line end between them: a piece that ends with one keeps that too, as
 * SpamAssassin joins them. */
static struct str join(struct pool *pool, const struct fact_texts *body)
{
    size_t size = 0, n = 0;
    for (size_t i = 0; i < body->n; i++)
        size += body->list[i].n + 1;
    char *text = pool_alloc(pool, size + 1);
    for (size_t i = 0; text && i < body->n; i++) {
        if (i)
            text[n++] = '\n';
        memcpy(text + n, body->list[i].s, body->list[i].n);
        n += body->list[i].n;
    }
    return str_n(text, text ? n : 0);
}

/* Languages of few speakers are left out unless they are said to be expected. */
static bool is_skipped(const struct rules_settings *settings, struct str code)
{
    return settings_text_has(settings, SETTINGS_INACTIVE_LANGUAGES, code) &&
           !settings_text_has(settings, SETTINGS_OK_LANGUAGES, code);
}

/* The distances of all models, by their numbers. */
static double *measure(const struct guess *g, const struct ngrams *text)
{
    double *sums = POOL_ARRAY(g->facts->pool, g->languages->n, double);
    if (sums == NULL)
        return NULL;
    for (size_t i = 0; i < g->languages->n; i++)
        sums[i] = g->farthest * (double)text->n;
    for (size_t i = 0; i < text->n; i++) {
        size_t n;
        const struct language_rank *ranks = languages_find(g->languages, text->list[i], &n);
        for (size_t k = 0; k < n; k++) {
            double apart = (double)ranks[k].rank - (double)i;
            sums[ranks[k].model] += (apart < 0 ? -apart : apart) - g->farthest;
        }
    }
    return sums;
}

/* One distance a name: of a language's models, one for each charset, the nearest. */
static size_t gather(const struct guess *g, const double *sums, struct distance *distances)
{
    size_t n = 0;
    for (size_t i = 0; i < g->languages->n; i++) {
        const struct language_model *model = &g->languages->list[i];
        size_t k = 0;
        if (is_skipped(g->facts->settings, model->code))
            continue;
        while (k < n && !str_eq(distances[k].name, model->name))
            k++;
        if (k == n)
            distances[n++] = (struct distance){model->name, sums[i]};
        else if (sums[i] < distances[k].sum)
            distances[k].sum = sums[i];
    }
    return n;
}

/* The nearest first; of equals the one that stands first among the models. */
static size_t nearest(const struct distance *distances, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++) {
        if (distances[i].sum < distances[best].sum)
            best = i;
    }
    return best;
}

/* A number of the settings that counts n-grams; no text has as many as the limit. */
static size_t count(const struct rules_settings *settings, enum settings_number which)
{
    double value = settings_number(settings, which);
    return value < 0 ? 0 : value > NGRAMS_MAX ? NGRAMS_MAX : (size_t)value;
}

static int classify(const struct guess *g, struct str text, struct fact_language *made)
{
    size_t floor = count(g->facts->settings, SETTINGS_TEXTCAT_OPTIMAL_NGRAMS);
    size_t most = count(g->facts->settings, SETTINGS_TEXTCAT_MAX_NGRAMS);
    struct pool *pool = g->facts->pool;
    struct ngrams found;
    if (ngrams_count(pool, text, most, floor, &found) < 0)
        return -1;
    double *sums = measure(g, &found);
    struct distance *distances = POOL_ARRAY(pool, g->languages->n, struct distance);
    made->list = POOL_ARRAY(pool, g->languages->n, struct str);
    if (sums == NULL || distances == NULL || made->list == NULL)
        return -1;
    size_t n = found.n ? gather(g, sums, distances) : 0;
    double best = 0;
    for (; n > 0; n--) {
        size_t at = nearest(distances, n);
        if (made->n && distances[at].sum >= g->acceptable * best)
            break;
        best = made->n ? best : distances[at].sum;
        made->list[made->n++] = distances[at].name;
        memmove(&distances[at], &distances[at + 1], (n - at - 1) * sizeof *distances);
    }
    if ((double)made->n > g->most)
        made->n = 0;
    return 0;
}

static bool lay_out(struct pool *pool, struct fact_language *made)
{
    made->joined = STR("");
    for (size_t i = 0; i < made->n && made->joined.s; i++)
        made->joined = pool_strf(pool, "%.*s%s%.*s", STR_ARG(made->joined), i ? " " : "",
                                 STR_ARG(made->list[i]));
    made->length = pool_strf(pool, "%zu", made->bytes);
    return made->joined.s && made->length.s;
}

static struct fact_language *make_language(struct facts *facts)
{
    struct fact_language *made = POOL_NEW(facts->pool, struct fact_language);
    const struct languages *languages =
        facts->settings ? settings_languages(facts->settings) : NULL;
    if (made == NULL || languages == NULL)
        return made && lay_out(facts->pool, made) ? made : NULL;
    const struct guess g = {
        .facts = facts,
        .languages = languages,
        .acceptable = settings_number(facts->settings, SETTINGS_TEXTCAT_ACCEPTABLE_SCORE),
        .most = settings_number(facts->settings, SETTINGS_TEXTCAT_MAX_LANGUAGES),
        .farthest = settings_number(facts->settings, SETTINGS_TEXTCAT_MAX_NGRAMS),
    };
    const struct fact_texts *body = facts_body(facts, BODY_RENDERED);
    struct str text = body ? join(facts->pool, body) : STR_EMPTY;
    text = text.s ? language_text(facts->pool, text) : text;
    if (text.s == NULL)
        return NULL;
    made->bytes = text.n;
    if (text.n >= LANGUAGE_TEXT_MIN && classify(&g, text, made) < 0)
        return NULL;
    return lay_out(facts->pool, made) ? made : NULL;
}

const struct fact_language *facts_language(struct facts *facts)
{
    if (facts->made[FACT_LANGUAGE] == NULL)
        facts->made[FACT_LANGUAGE] = make_language(facts);
    return facts->made[FACT_LANGUAGE];
}
