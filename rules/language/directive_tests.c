/*
 * directive_tests: the lines that define rules. What is defined again takes the place of what was
 * there; score, flags and description stay.
 */
#include "rules/language/directive.h"
#include "rules/match/template.h"

static void define(struct parser *parser, struct definition *definition, enum rule_kind kind,
                   struct str test)
{
    definition->kind = kind;
    definition->file = parser->file;
    definition->line = parser->line;
    definition->test = test;
    definition->query = (struct query){.source = QUERY_FIELD};
    definition->negated = false;
    definition->eval_raw = false;
    definition->if_unset = STR_EMPTY;
    struct str group;
    size_t at = 0;
    if (template_next_group(test, &at, &group))
        definition->priority = BOOK_PRIORITY_CAPTURING;
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

/* Takes "eval:" or "rbleval:" off: what follows is a call. */
static bool take_eval(struct str *rest)
{
    const struct str marks[] = {STR("eval:"), STR("rbleval:")};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (str_starts(*rest, marks[i])) {
            *rest = str_trim(str_from(*rest, marks[i].n));
            return true;
        }
    }
    return false;
}

/* The name of a rule and something behind it. */
static enum directive_result take_rule(struct parser *parser, struct str *rest,
                                       struct definition **definition, struct err *err)
{
    enum directive_result result = directive_take_name(parser, rest, definition, err);
    if (result == DIRECTIVE_DONE && rest->n == 0)
        return BAD(err, "nothing stands behind the rule name");
    return result;
}

/* body, rawbody, full: a pattern or a call */
static enum directive_result on_text(struct parser *parser, const struct directive *self,
                                     struct str rest, struct err *err)
{
    struct definition *definition;
    enum directive_result result = take_rule(parser, &rest, &definition, err);
    if (result != DIRECTIVE_DONE)
        return result;
    bool eval = take_eval(&rest);
    define(parser, definition, eval ? RULE_EVAL : (enum rule_kind)self->what, rest);
    definition->eval_raw = eval && self->what == RULE_RAWBODY;
    return DIRECTIVE_DONE;
}

/* uri, meta: what follows is no call */
static enum directive_result on_plain(struct parser *parser, const struct directive *self,
                                      struct str rest, struct err *err)
{
    struct definition *definition;
    enum directive_result result = take_rule(parser, &rest, &definition, err);
    if (result == DIRECTIVE_DONE)
        define(parser, definition, (enum rule_kind)self->what, rest);
    return result;
}

static enum directive_result on_header(struct parser *parser, const struct directive *self,
                                       struct str rest, struct err *err)
{
    struct definition *definition;
    struct query query;
    enum directive_result result = take_rule(parser, &rest, &definition, err);
    if (result != DIRECTIVE_DONE)
        return result;
    if (take_eval(&rest)) {
        define(parser, definition, RULE_EVAL, rest);
        return DIRECTIVE_DONE;
    }
    if (!str_starts(rest, STR("exists:")))
        return define_match(parser, definition, RULE_HEADER, rest, err);
    if (query_parse(parser->book->pool, str_trim(str_from(rest, 7)), &query, err) < 0)
        return DIRECTIVE_BAD;
    define(parser, definition, RULE_EXISTS, rest);
    definition->query = query;
    return DIRECTIVE_DONE;
}

static enum directive_result on_mimeheader(struct parser *parser, const struct directive *self,
                                           struct str rest, struct err *err)
{
    struct definition *definition;
    enum directive_result result = take_rule(parser, &rest, &definition, err);
    if (result != DIRECTIVE_DONE)
        return result;
    return define_match(parser, definition, RULE_MIMEHEADER, rest, err);
}

/*
 * "reuse NAME": mass-check may take the rule's result from an older run. Here it only says that
 * there is a rule of that name.
 */
static enum directive_result on_reuse(struct parser *parser, const struct directive *self,
                                      struct str rest, struct err *err)
{
    struct definition *definition;
    enum directive_result result = directive_take_name(parser, &rest, &definition, err);
    if (result == DIRECTIVE_DONE && definition->kind == RULE_NONE)
        define(parser, definition, RULE_EMPTY, STR_EMPTY);
    return result;
}

static enum directive_result on_test(struct parser *parser, const struct directive *self,
                                     struct str rest, struct err *err)
{
    struct book *book = parser->book;
    struct str name = parse_word(&rest);
    struct str word = parse_word(&rest);
    bool ok = str_eq(word, STR("ok"));
    if (!book_is_rule_name(name) || (!ok && !str_eq(word, STR("fail"))))
        return BAD(err, "expected: test NAME ok TEXT, or: test NAME fail TEXT");
    struct book_example *examples = pool_grow(book->pool, book->examples, book->n_examples,
                                              &book->examples_cap, sizeof *examples);
    if (examples == NULL)
        return directive_memory(parser, false, err);
    book->examples = examples;
    examples[book->n_examples++] =
        (struct book_example){name, ok, rest, parser->file, parser->line};
    return DIRECTIVE_DONE;
}

static const struct directive list[] = {
    {.name = "body", .handle = on_text, .what = RULE_BODY},
    {.name = "full", .handle = on_text, .what = RULE_FULL},
    {.name = "header", .handle = on_header},
    {.name = "meta", .handle = on_plain, .what = RULE_META},
    {.name = "mimeheader", .handle = on_mimeheader},
    {.name = "rawbody", .handle = on_text, .what = RULE_RAWBODY},
    {.name = "reuse", .handle = on_reuse},
    {.name = "test", .handle = on_test},
    {.name = "uri", .handle = on_plain, .what = RULE_URI},
    {.name = "uri_detail", .handle = on_plain, .what = RULE_URI_DETAIL},
};

const struct directive_family directive_tests = DIRECTIVE_FAMILY(list);
