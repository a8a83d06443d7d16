#include "antivirus/files/policy_syntax.h"

#include "base/spelling.h"

static const char *const actions[] = {
    [POLICY_ALLOW] = "allow",
    [POLICY_MARK] = "mark",
    [POLICY_QUARANTINE] = "quarantine",
    [POLICY_REJECT] = "reject",
};
#define ACTIONS (sizeof actions / sizeof actions[0])

enum condition { EXTENSION, TYPE, NAME, INSIDE, OUTSIDE, DISGUISED, MISMATCH };
static const char *const conditions[] = {
    [EXTENSION] = "extension", [TYPE] = "type",       [NAME] = "name",
    [INSIDE] = "inside",       [OUTSIDE] = "outside", [DISGUISED] = "disguised",
    [MISMATCH] = "mismatch",
};
#define CONDITIONS (sizeof conditions / sizeof conditions[0])

static const char *action_word(size_t i)
{
    return i < ACTIONS ? actions[i] : NULL;
}

static const char *condition_word(size_t i)
{
    return i < CONDITIONS ? conditions[i] : NULL;
}

/* A word in quotes is never taken for a condition. */
struct word {
    struct str text;
    bool quoted;
};

/* 1: a word; 0: the end of the line or a remark; -1: a quote that is not closed */
static int next_word(struct str *rest, struct word *word, struct err *err)
{
    *rest = str_trim(*rest);
    if (rest->n == 0 || rest->s[0] == '#')
        return 0;
    word->quoted = rest->s[0] == '"';
    if (word->quoted) {
        struct str inside = str_from(*rest, 1);
        size_t end = str_chr(inside, '"');
        if (end == STR_NONE)
            return err_set(err, "a \" is not closed");
        word->text = str_sub(inside, 0, end);
        *rest = str_from(inside, end + 1);
        return 1;
    }
    size_t n = 0;
    while (n < rest->n && !strchr(" \t#,", rest->s[n]))
        n++;
    if (n == 0)
        return err_set(err, "words stand apart without commas");
    word->text = str_sub(*rest, 0, n);
    *rest = str_from(*rest, n);
    return 1;
}

/* The index of the word in that list, or -1: err has a suggestion. */
static int find_word(struct str word, const char *(*list)(size_t i), const char *what,
                     struct err *err)
{
    for (int i = 0; list((size_t)i); i++)
        if (str_eq(word, str_of(list((size_t)i))))
            return i;
    const char *best = spelling_nearest(word, list);
    if (best)
        return err_set(err, "no %s \"%.*s\"; did you mean %s?", what, STR_ARG(word), best);
    return err_set(err, "no %s \"%.*s\"; poterne-files(5) names all there are", what,
                   STR_ARG(word));
}

static int add_word(struct pool *pool, struct words *words, struct str text, struct err *err)
{
    if (words->n == POLICY_WORDS_MAX)
        return err_set(err, "more than %d words", POLICY_WORDS_MAX);
    if (!words->items)
        words->items = POOL_ARRAY(pool, POLICY_WORDS_MAX, const char *);
    char *copy = pool_cstr(pool, text);
    if (!words->items || !copy)
        return err_set(err, "out of memory");
    words->items[words->n++] = copy;
    return 0;
}

static int add_extension(struct pool *pool, struct rule *rule, struct str text, struct err *err)
{
    if (str_starts(text, STR(".")))
        text = str_from(text, 1);
    if (text.n >= EXTENSION_MAX || str_chr(text, '.') != STR_NONE)
        return err_set(err, "\"%.*s\" is no extension: what stands behind the last dot",
                       STR_ARG(text));
    struct str lower = pool_lower(pool, text);
    if (!lower.s)
        return err_set(err, "out of memory");
    return add_word(pool, &rule->extensions, lower, err);
}

static int add_type(struct rule *rule, struct str text, struct err *err)
{
    kind_set kinds = kinds_named(text);
    if (!kinds)
        return find_word(text, kind_word, "type", err);
    rule->kinds |= kinds;
    return 0;
}

static int add_value(struct pool *pool, struct rule *rule, enum condition condition,
                     struct str text, struct err *err)
{
    switch (condition) {
    case EXTENSION:
        return add_extension(pool, rule, text, err);
    case TYPE:
        return add_type(rule, text, err);
    case NAME:
        return add_word(pool, &rule->names, text, err);
    default:
        return err_set(err, "no condition \"%.*s\"; poterne-files(5) names all there are",
                       STR_ARG(text));
    }
}

static bool takes_words(enum condition condition)
{
    return condition == EXTENSION || condition == TYPE || condition == NAME;
}

static void set_condition(struct rule *rule, enum condition condition)
{
    rule->disguised |= condition == DISGUISED;
    rule->mismatch |= condition == MISMATCH;
    if (condition == INSIDE)
        rule->place = PLACE_INSIDE;
    if (condition == OUTSIDE)
        rule->place = PLACE_OUTSIDE;
}

/* Is it the name of a condition? */
static bool is_condition(const struct word *word, enum condition *condition)
{
    for (size_t i = 0; !word->quoted && i < CONDITIONS; i++)
        if (str_eq(word->text, str_of(conditions[i]))) {
            *condition = (enum condition)i;
            return true;
        }
    return false;
}

static int read_conditions(struct pool *pool, struct str rest, struct rule *rule, struct err *err)
{
    enum condition condition = INSIDE;
    bool waits = false; /* the condition has no word yet */
    struct word word;
    int got;
    while ((got = next_word(&rest, &word, err)) > 0) {
        enum condition next;
        if (is_condition(&word, &next)) {
            if (waits)
                break;
            condition = next;
            waits = takes_words(next);
            set_condition(rule, next);
        } else if (!takes_words(condition)) {
            return find_word(word.text, condition_word, "condition", err);
        } else {
            if (add_value(pool, rule, condition, word.text, err) < 0)
                return -1;
            waits = false;
        }
    }
    if (got >= 0 && waits)
        return err_set(err, "%s has no word behind it", conditions[condition]);
    return got;
}

static bool has_condition(const struct rule *rule)
{
    return rule->extensions.n || rule->names.n || rule->kinds || rule->place || rule->disguised ||
           rule->mismatch;
}

int policy_syntax_line(struct pool *pool, struct str line, struct rule *rule, struct err *err)
{
    struct word word;
    *rule = (struct rule){0};
    int got = next_word(&line, &word, err);
    if (got <= 0)
        return got;
    int action = find_word(word.text, action_word, "action", err);
    if (action < 0 || read_conditions(pool, line, rule, err) < 0)
        return -1;
    rule->action = (enum policy_action)action;
    if (!has_condition(rule))
        return err_set(err, "a rule needs a condition: which files is it about?");
    return 1;
}
