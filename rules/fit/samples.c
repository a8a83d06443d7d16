#include "rules/fit/samples.h"

#include <stdlib.h>

static int no_memory(struct err *err)
{
    return err_set(err, "out of memory; fit fewer messages at once");
}

struct fit_samples *fit_samples_new(struct err *err)
{
    struct pool *pool = pool_new(FIT_MEMORY_MAX);
    struct fit_samples *samples = pool ? POOL_NEW(pool, struct fit_samples) : NULL;
    if (samples == NULL) {
        no_memory(err);
        pool_free(&pool);
        return NULL;
    }
    samples->pool = pool;
    return samples;
}

void fit_samples_free(struct fit_samples **samples)
{
    struct pool *pool = *samples ? (*samples)->pool : NULL;
    *samples = NULL;
    pool_free(&pool);
}

int fit_rule_add(struct fit_samples *samples, struct str name, double present, bool kept,
                 struct err *err)
{
    if (names_find(&samples->names, name) != NAMES_NONE)
        return 0;
    if (samples->n_rules >= FIT_RULES_MAX)
        return err_set(err, "more than %d rules", FIT_RULES_MAX);
    struct fit_rule *rules = pool_grow(samples->pool, samples->rules, samples->n_rules,
                                       &samples->rules_cap, sizeof *rules);
    struct str copy = pool_str(samples->pool, name);
    if (rules == NULL || copy.s == NULL)
        return no_memory(err);
    samples->rules = rules;
    rules[samples->n_rules] = (struct fit_rule){
        .name = copy, .present = present, .low = present, .high = present, .kept = kept};
    if (!names_add(&samples->names, samples->pool, copy, (uint32_t)samples->n_rules))
        return no_memory(err);
    samples->n_rules++;
    return 0;
}

int fit_sample_begin(struct fit_samples *samples, struct str path, enum fit_label label,
                     struct err *err)
{
    if (samples->n >= FIT_SAMPLES_MAX)
        return err_set(err, "more than %d messages", FIT_SAMPLES_MAX);
    struct fit_sample *list =
        pool_grow(samples->pool, samples->list, samples->n, &samples->cap, sizeof *list);
    struct str copy = pool_str(samples->pool, path);
    if (list == NULL || copy.s == NULL)
        return no_memory(err);
    samples->list = list;
    list[samples->n++] =
        (struct fit_sample){.path = copy, .label = label, .first = samples->n_hits};
    samples->totals[label]++;
    return 0;
}

int fit_sample_hit(struct fit_samples *samples, struct str rule, double times, struct err *err)
{
    uint32_t number = names_find(&samples->names, rule);
    struct fit_sample *sample = &samples->list[samples->n - 1];
    if (number == NAMES_NONE)
        return 0;
    for (size_t i = 0; i < sample->n; i++) {
        if (samples->hits[sample->first + i].rule == number)
            return 0;
    }
    struct fit_hit *hits =
        pool_grow(samples->pool, samples->hits, samples->n_hits, &samples->hits_cap, sizeof *hits);
    if (hits == NULL)
        return no_memory(err);
    samples->hits = hits;
    hits[samples->n_hits++] =
        (struct fit_hit){.rule = number,
                         .times = (float)(times > FIT_TIMES_MAX ? FIT_TIMES_MAX : times)};
    sample->n++;
    samples->rules[number].hits[sample->label]++;
    return 0;
}

static int by_label_and_path(const void *a, const void *b)
{
    const struct fit_sample *x = *(const struct fit_sample *const *)a;
    const struct fit_sample *y = *(const struct fit_sample *const *)b;
    if (x->label != y->label)
        return x->label < y->label ? -1 : 1;
    int order = str_cmp(x->path, y->path);
    if (order != 0)
        return order;
    return x->first < y->first ? -1 : x->first > y->first;
}

int fit_samples_fold(struct fit_samples *samples, uint32_t folds, struct err *err)
{
    struct fit_sample **order = POOL_ARRAY(samples->pool, samples->n, struct fit_sample *);
    size_t seen[FIT_LABELS] = {0};
    if (order == NULL)
        return no_memory(err);
    for (size_t i = 0; i < samples->n; i++)
        order[i] = &samples->list[i];
    qsort(order, samples->n, sizeof(struct fit_sample *), by_label_and_path);
    for (size_t i = 0; i < samples->n; i++) {
        enum fit_label label = order[i]->label;
        order[i]->fold = (uint32_t)(seen[label]++ * folds / samples->totals[label]);
    }
    return 0;
}

static struct str next_word(struct str *rest)
{
    *rest = str_trim(*rest);
    size_t n = 0;
    while (n < rest->n && rest->s[n] != ' ' && rest->s[n] != '\t')
        n++;
    struct str word = str_sub(*rest, 0, n);
    *rest = str_from(*rest, n);
    return word;
}

/* "RULE" or "RULE(3)", which says how often. */
static int log_rule(struct fit_samples *samples, struct str item, struct err *err)
{
    size_t bracket = str_chr(item, '(');
    uint64_t times = 1;
    if (bracket != STR_NONE && str_ends(item, STR(")")) &&
        !str_to_u64(str_sub(item, bracket + 1, item.n - 1), FIT_TIMES_MAX, &times))
        times = FIT_TIMES_MAX;
    return fit_sample_hit(samples, str_sub(item, 0, bracket), (double)times, err);
}

int fit_samples_log_line(struct fit_samples *samples, struct str line, enum fit_label label,
                         struct err *err)
{
    struct str rest = str_trim(line), item;
    if (rest.n == 0 || rest.s[0] == '#')
        return 0;
    struct str result = next_word(&rest);
    struct str total = next_word(&rest);
    struct str path = next_word(&rest);
    struct str rules = next_word(&rest);
    double value;
    if (!(str_eq(result, STR("Y")) || str_eq(result, STR("."))) || !str_to_double(total, &value) ||
        path.n == 0)
        return err_set(err, "this is no line of a mass-check log (\"Y 12 path RULE,RULE\")");
    if (fit_sample_begin(samples, path, label, err) < 0)
        return -1;
    if (str_chr(rules, '=') != STR_NONE) /* no rule hit: the time and other remarks */
        return 1;
    while (str_next(&rules, ',', &item))
        if (log_rule(samples, item, err) < 0)
            return -1;
    return 1;
}
