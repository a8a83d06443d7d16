/*
 * directive: one line of a rule file into the book. A handler that does not understand its line
 * fills err and returns DIRECTIVE_BAD; the line is reported and what was there before stays.
 */
#include <stdlib.h>

#include "rules/language/parse.h"

enum directive_result { DIRECTIVE_DONE = 0, DIRECTIVE_BAD = 1, DIRECTIVE_FATAL = -1 };

#define SETTING_NAME_MAX 64

struct directive {
    const char *name;
    enum directive_result (*handle)(struct parser *parser, const struct directive *self,
                                    struct str rest, struct err *err);
    enum rule_kind kind;
};

#define BAD(err, ...) (err_set((err), __VA_ARGS__), DIRECTIVE_BAD)

/* The definition named by the first word of *rest. */
static enum directive_result take_name(struct parser *parser, struct str *rest,
                                       struct definition **definition, struct err *err)
{
    struct str name = parse_word(rest);
    if (!book_is_rule_name(name))
        return BAD(err, "'%.*s' is no rule name (letters, digits and _, at most %d)",
                   STR_ARG(str_sub(name, 0, 40)), BOOK_NAME_MAX);
    *definition = book_entry(parser->book, name);
    if (*definition == NULL) {
        err_set(err, "%s:%u: more than %d rules, or out of memory", parser->file, parser->line,
                BOOK_RULES_MAX);
        return DIRECTIVE_FATAL;
    }
    if ((*definition)->file == NULL) { /* where it was named first, until it is defined */
        (*definition)->file = parser->file;
        (*definition)->line = parser->line;
    }
    return DIRECTIVE_DONE;
}

/* A new test under a name takes the place of an older one; score, flags and description stay. */
static void define(struct parser *parser, struct definition *definition, enum rule_kind kind,
                   struct str test)
{
    definition->kind = kind;
    definition->file = parser->file;
    definition->line = parser->line;
    definition->test = test;
    definition->query = (struct query){.source = QUERY_FIELD};
    definition->negated = false;
    definition->if_unset = STR_EMPTY;
}

/* Takes "[if-unset: text]" off the end of a pattern. */
static struct str take_if_unset(struct str *pattern)
{
    const struct str mark = STR("[if-unset:");
    size_t at = str_find(*pattern, mark);
    if (at == STR_NONE || !str_ends(*pattern, STR("]")))
        return STR_EMPTY;
    struct str text = str_trim(str_sub(*pattern, at + mark.n, pattern->n - 1));
    *pattern = str_trim(str_sub(*pattern, 0, at));
    return text;
}

/* QUERY =~ PATTERN, QUERY !~ PATTERN; blanks around the operator may be missing. */
static enum directive_result define_match(struct parser *parser, struct definition *definition,
                                          enum rule_kind kind, struct str rest, struct err *err)
{
    size_t at = str_chr(rest, '~');
    if (at == STR_NONE || at < 2 || (rest.s[at - 1] != '=' && rest.s[at - 1] != '!'))
        return BAD(err, "expected HEADER =~ /pattern/ or HEADER !~ /pattern/");
    struct str name = str_trim(str_sub(rest, 0, at - 1));
    struct str pattern = str_trim(str_from(rest, at + 1));
    struct query query;
    if (query_parse(parser->book->pool, name, &query, err) < 0)
        return DIRECTIVE_BAD;
    struct str if_unset = take_if_unset(&pattern);
    define(parser, definition, kind, pattern);
    definition->query = query;
    definition->negated = rest.s[at - 1] == '!';
    definition->if_unset = if_unset;
    return DIRECTIVE_DONE;
}

static enum directive_result on_test(struct parser *parser, const struct directive *self,
                                     struct str rest, struct err *err)
{
    struct definition *definition;
    enum directive_result result = take_name(parser, &rest, &definition, err);
    if (result != DIRECTIVE_DONE)
        return result;
    if (rest.n == 0)
        return BAD(err, "nothing stands behind the rule name");
    if (self->kind != RULE_META && str_starts(rest, STR("eval:"))) {
        define(parser, definition, RULE_EVAL, str_trim(str_from(rest, 5)));
        definition->eval_raw = self->kind == RULE_RAWBODY;
        return DIRECTIVE_DONE;
    }
    if (self->kind == RULE_MIMEHEADER)
        return define_match(parser, definition, self->kind, rest, err);
    if (self->kind != RULE_HEADER) {
        define(parser, definition, self->kind, rest);
        return DIRECTIVE_DONE;
    }
    if (str_starts(rest, STR("rbleval:")))
        return BAD(err, "rbleval rules ask the DNS, which rules here never do");
    if (!str_starts(rest, STR("exists:")))
        return define_match(parser, definition, RULE_HEADER, rest, err);
    struct query query;
    if (query_parse(parser->book->pool, str_from(rest, 7), &query, err) < 0)
        return DIRECTIVE_BAD;
    define(parser, definition, RULE_EXISTS, rest);
    definition->query = query;
    return DIRECTIVE_DONE;
}

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
    enum directive_result result = take_name(parser, &rest, &definition, err);
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
    enum directive_result result = take_name(parser, &rest, &definition, err);
    if (result == DIRECTIVE_DONE)
        definition->describe = rest.s ? rest : STR("");
    return result;
}

static void set_flag(struct definition *definition, struct str word)
{
    const struct str hits = STR("maxhits=");
    uint64_t n;
    if (str_eq(word, STR("multiple")))
        definition->multiple = true;
    else if (str_eq(word, STR("nice")))
        definition->nice = true;
    else if (str_eq(word, STR("nosubject")))
        definition->no_subject = true;
    else if (str_starts(word, hits) && str_to_u64(str_from(word, hits.n), BOOK_HITS_MAX, &n))
        definition->hits_max = (unsigned)n;
}

/* A later tflags line replaces the whole of an earlier one. Flags without use here are kept. */
static enum directive_result on_tflags(struct parser *parser, const struct directive *self,
                                       struct str rest, struct err *err)
{
    struct definition *definition;
    enum directive_result result = take_name(parser, &rest, &definition, err);
    if (result != DIRECTIVE_DONE)
        return result;
    definition->flags = rest;
    definition->multiple = definition->nice = definition->no_subject = false;
    definition->hits_max = 0;
    for (struct str word = parse_word(&rest); word.n; word = parse_word(&rest))
        set_flag(definition, word);
    return DIRECTIVE_DONE;
}

static enum directive_result on_priority(struct parser *parser, const struct directive *self,
                                         struct str rest, struct err *err)
{
    struct definition *definition;
    double number;
    enum directive_result result = take_name(parser, &rest, &definition, err);
    if (result != DIRECTIVE_DONE)
        return result;
    if (!str_to_double(rest, &number) || number < -1e9 || number > 1e9)
        return BAD(err, "expected a whole number, as in: priority NAME 500");
    definition->priority = (int)number;
    return DIRECTIVE_DONE;
}

/* "test NAME ok|fail text" is for rule writers' own checks and changes nothing in a gateway. */
static enum directive_result on_selftest(struct parser *parser, const struct directive *self,
                                         struct str rest, struct err *err)
{
    struct str name = parse_word(&rest);
    struct str word = parse_word(&rest);
    if (!book_is_rule_name(name) || (!str_eq(word, STR("ok")) && !str_eq(word, STR("fail"))))
        return BAD(err, "expected: test NAME ok TEXT, or: test NAME fail TEXT");
    return DIRECTIVE_DONE;
}

static bool leaves_folder(struct str path)
{
    struct str part;
    if (str_starts(path, STR("/")))
        return true;
    while (str_next(&path, '/', &part)) {
        if (str_eq(part, STR("..")))
            return true;
    }
    return false;
}

/*
 * A rule file may name only files below its own folder: files come from other people too, and
 * mistakes in a file are reported with words out of it.
 */
static enum directive_result on_include(struct parser *parser, const struct directive *self,
                                        struct str rest, struct err *err)
{
    if (rest.n == 0 || leaves_folder(rest))
        return BAD(err, "include takes the name of a file in the same folder or below it");
    if (parser->includes == PARSE_INCLUDE_MAX)
        return BAD(err, "more than %d files include one another", PARSE_INCLUDE_MAX);
    struct str folder = str_of(parser->file);
    size_t slash = str_rchr(folder, '/');
    folder = str_sub(folder, 0, slash == STR_NONE ? 0 : slash + 1);
    struct str path = pool_strf(parser->book->pool, "%.*s%.*s", STR_ARG(folder), STR_ARG(rest));
    if (path.s == NULL)
        return BAD(err, "out of memory for rules");
    parser->includes++;
    int result = parse_file(parser, path.s, err);
    parser->includes--;
    return result < 0 ? DIRECTIVE_BAD : DIRECTIVE_DONE;
}

/* SpamAssassin's settings that are poterne.conf's business, or need no setting here. */
static enum directive_result on_foreign(struct parser *parser, const struct directive *self,
                                        struct str rest, struct err *err)
{
    return BAD(err, "a SpamAssassin setting that rule files can't make here; see poterne.conf(5)");
}

static enum directive_result on_required(struct parser *parser, const struct directive *self,
                                         struct str rest, struct err *err)
{
    return BAD(err, "not taken from rule files; set spam { required = … } in poterne.conf");
}

/* `lang xx …` translates descriptions and reports for a locale; ours are in one language. */
static enum directive_result on_lang(struct parser *parser, const struct directive *self,
                                     struct str rest, struct err *err)
{
    return DIRECTIVE_DONE;
}

/* In alphabetical order: looked up by bisection. */
static const struct directive directives[] = {
    {"add_header", on_foreign, RULE_NONE},
    {"bayes_auto_learn", on_foreign, RULE_NONE},
    {"body", on_test, RULE_BODY},
    {"clear_headers", on_foreign, RULE_NONE},
    {"describe", on_describe, RULE_NONE},
    {"full", on_test, RULE_FULL},
    {"header", on_test, RULE_HEADER},
    {"include", on_include, RULE_NONE},
    {"internal_networks", on_foreign, RULE_NONE},
    {"lang", on_lang, RULE_NONE},
    {"loadplugin", on_foreign, RULE_NONE},
    {"meta", on_test, RULE_META},
    {"mimeheader", on_test, RULE_MIMEHEADER},
    {"ok_locales", on_foreign, RULE_NONE},
    {"priority", on_priority, RULE_NONE},
    {"rawbody", on_test, RULE_RAWBODY},
    {"report", on_foreign, RULE_NONE},
    {"report_safe", on_foreign, RULE_NONE},
    {"required_hits", on_required, RULE_NONE},
    {"required_score", on_required, RULE_NONE},
    {"rewrite_header", on_foreign, RULE_NONE},
    {"score", on_score, RULE_NONE},
    {"test", on_selftest, RULE_NONE},
    {"tflags", on_tflags, RULE_NONE},
    {"trusted_networks", on_foreign, RULE_NONE},
    {"uri", on_test, RULE_URI},
    {"use_bayes", on_foreign, RULE_NONE},
};

static int compare(const void *key, const void *entry)
{
    return strcmp(key, ((const struct directive *)entry)->name);
}

/* Case and '-' for '_' don't matter in a directive's name. */
static const struct directive *find(struct str word)
{
    char name[SETTING_NAME_MAX];
    if (!str_copy(word, name, sizeof name))
        return NULL;
    for (char *p = name; *p; p++)
        *p = *p == '-' ? '_' : str_lower_char(*p);
    return bsearch(name, directives, sizeof directives / sizeof *directives, sizeof *directives,
                   compare);
}

int parse_directive(struct parser *parser, struct str line, struct err *err)
{
    struct str rest = line;
    struct str word = parse_word(&rest);
    struct err problem = {""};
    const struct directive *directive = find(word);
    if (directive == NULL) {
        parse_report(parser, "'%.*s' is no directive that is known here; the line is skipped",
                     STR_ARG(str_sub(word, 0, 40)));
        return 0;
    }
    switch (directive->handle(parser, directive, rest, &problem)) {
    case DIRECTIVE_DONE:
        break;
    case DIRECTIVE_BAD:
        parse_report(parser, "%s: %s", directive->name, problem.text);
        break;
    case DIRECTIVE_FATAL:
        return err_set(err, "%s", problem.text);
    }
    return 0;
}
