/* directive_scores: what rules are worth, say, and how they count. */
#include "rules/language/directive.h"

/* "1.5", or "(0.5)": so much more than before. */
static bool read_score(struct str word, double *score, bool *relative)
{
    if (str_starts(word, STR("(")) && str_ends(word, STR(")"))) {
        *relative = true;
        word = str_sub(word, 1, word.n - 1);
    }
    return str_to_double(word, score) && *score <= BOOK_SCORE_ABS && *score >= -BOOK_SCORE_ABS;
}

static enum directive_result on_score(struct parser *parser, const struct directive *self,
                                      struct str rest, struct err *err)
{
    struct definition *definition;
    double scores[BOOK_SCORE_SETS];
    size_t n = 0;
    bool relative = false;
    enum directive_result result = directive_take_name(parser, &rest, &definition, err);
    if (result != DIRECTIVE_DONE)
        return result;
    for (struct str word = parse_word(&rest); word.n; word = parse_word(&rest)) {
        if (n == BOOK_SCORE_SETS || !read_score(word, &scores[n++], &relative))
            return BAD(err, "expected one score or four, as in: score NAME 1.5");
    }
    if (n != 1 && n != BOOK_SCORE_SETS)
        return BAD(err, "expected one score or four, as in: score NAME 1.5");
    if (relative && !definition->scored)
        return BAD(err, "a score in brackets adds to an earlier one, and there is none");
    for (size_t i = 0; i < BOOK_SCORE_SETS; i++) {
        double score = scores[n == 1 ? 0 : i];
        definition->scores[i] = relative ? definition->scores[i] + score : score;
    }
    definition->scored = true;
    return DIRECTIVE_DONE;
}

static enum directive_result on_describe(struct parser *parser, const struct directive *self,
                                         struct str rest, struct err *err)
{
    struct definition *definition;
    enum directive_result result = directive_take_name(parser, &rest, &definition, err);
    if (result == DIRECTIVE_DONE)
        definition->describe = rest.s ? rest : STR("");
    return result;
}

/* "2-5", "2-", "-5", "3" */
static void set_range(struct definition *definition, struct str text)
{
    size_t dash = str_chr(text, '-');
    struct str from = str_sub(text, 0, dash);
    struct str to = dash == STR_NONE ? from : str_from(text, dash + 1);
    uint64_t n;
    if (str_to_u64(from, BOOK_HITS_MAX, &n))
        definition->part_first = (unsigned)n;
    if (str_to_u64(to, BOOK_HITS_MAX, &n))
        definition->part_last = (unsigned)n;
}

static const struct {
    const char *word;
    size_t at;
} flags[] = {
    {"concat", offsetof(struct definition, concat)},
    {"learn", offsetof(struct definition, learn)},
    {"multiple", offsetof(struct definition, multiple)},
    {"net", offsetof(struct definition, net)},
    {"nice", offsetof(struct definition, nice)},
    {"nosubject", offsetof(struct definition, no_subject)},
};

static void set_flag(struct definition *definition, struct str word)
{
    const struct str hits = STR("maxhits="), range = STR("range=");
    uint64_t n;
    if (str_starts(word, hits) && str_to_u64(str_from(word, hits.n), BOOK_HITS_MAX, &n))
        definition->hits_max = (unsigned)n;
    if (str_starts(word, range))
        set_range(definition, str_from(word, range.n));
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (str_eq(word, str_of(flags[i].word)))
            *(bool *)((char *)definition + flags[i].at) = true;
    }
}

/* A later tflags line replaces the whole of an earlier one. Flags without use here are kept. */
static enum directive_result on_tflags(struct parser *parser, const struct directive *self,
                                       struct str rest, struct err *err)
{
    struct definition *definition;
    enum directive_result result = directive_take_name(parser, &rest, &definition, err);
    if (result != DIRECTIVE_DONE)
        return result;
    definition->flags = rest;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        *(bool *)((char *)definition + flags[i].at) = false;
    definition->hits_max = definition->part_first = definition->part_last = 0;
    for (struct str word = parse_word(&rest); word.n; word = parse_word(&rest))
        set_flag(definition, word);
    return DIRECTIVE_DONE;
}

static enum directive_result on_priority(struct parser *parser, const struct directive *self,
                                         struct str rest, struct err *err)
{
    struct definition *definition;
    double number;
    enum directive_result result = directive_take_name(parser, &rest, &definition, err);
    if (result != DIRECTIVE_DONE)
        return result;
    if (!str_to_double(rest, &number) || number < -1e9 || number > 1e9)
        return BAD(err, "expected a whole number, as in: priority NAME 500");
    definition->priority = (int)number;
    return DIRECTIVE_DONE;
}

static const struct directive list[] = {
    {.name = "describe", .handle = on_describe},
    {.name = "priority", .handle = on_priority},
    {.name = "score", .handle = on_score},
    {.name = "tflags", .handle = on_tflags},
};

const struct directive_family directive_scores = DIRECTIVE_FAMILY(list);
