#include "rules/eval/eval.h"

#include "rules/eval/absent.h"
#include "rules/eval/freemail.h"
#include "rules/eval/html.h"
#include "rules/eval/image.h"
#include "rules/eval/pdf.h"
#include "rules/facts/body.h"

static const struct eval_entry *const families[] = {
    eval_bayes, eval_body,    eval_freemail, eval_fromname, eval_header, eval_html_parts,
    eval_image, eval_lists,   eval_mime,     eval_network,  eval_own,    eval_pdf,
    eval_relay, eval_textcat, eval_uris,     eval_vbounce,
};

/* The functions of which an argument is a pattern, where it is there, and which. */
static const struct {
    eval_function *function;
    size_t argument;
} patterns[] = {
    {eval_freemail_body, 0},     {eval_freemail_from, 0},       {eval_freemail_header, 1},
    {eval_html_text_match, 1},   {eval_html_text_not_match, 1}, {eval_image_name_regex, 0},
    {eval_pdf_match_details, 1}, {eval_pdf_name_regex, 0},
};

static double never_hits(struct eval_context *c)
{
    (void)c;
    return 0;
}

static const struct eval_entry not_run = {"", never_hits, 0, EVAL_ARGUMENTS_MAX};

static const struct eval_entry *find(struct str name)
{
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        for (const struct eval_entry *e = families[i]; e->name; e++) {
            if (str_eq(name, str_of(e->name)))
                return e;
        }
    }
    return eval_absent_reason(name) ? &not_run : NULL;
}

/* One argument off the front of *rest: 'text', "text" or a bare word; then a comma or the end. */
static int take_argument(struct pool *pool, struct str *rest, struct eval_argument *argument,
                         struct err *err)
{
    struct str text;
    *argument = (struct eval_argument){.number = 0};
    *rest = str_trim(*rest);
    if (rest->n && (rest->s[0] == '\'' || rest->s[0] == '"')) {
        size_t close = str_chr(str_from(*rest, 1), rest->s[0]);
        if (close == STR_NONE)
            return err_set(err, "an argument's closing %c is missing", rest->s[0]);
        text = str_sub(*rest, 1, close + 1);
        *rest = str_trim(str_from(*rest, close + 2));
    } else {
        size_t comma = str_chr(*rest, ',');
        text = str_trim(str_sub(*rest, 0, comma));
        *rest = str_from(*rest, comma == STR_NONE ? rest->n : comma);
        if (text.n == 0)
            return err_set(err, "an argument is empty");
    }
    if (rest->n && rest->s[0] != ',')
        return err_set(err, "arguments must stand with commas between them");
    *rest = str_from(*rest, 1);
    str_to_double(text, &argument->number);
    argument->text = pool_str(pool, text);
    return argument->text.s ? 0 : err_set(err, "out of memory");
}

/* "/x/i", "m{x}" or just "x", as SpamAssassin's compile_regexp() takes it. */
static int compile_pattern(struct eval_argument *argument, struct err *err)
{
    struct str text = argument->text;
    struct regex_literal literal = {.pattern = text};
    bool delimited = str_starts(text, STR("/")) || str_starts(text, STR("m{")) ||
                     str_starts(text, STR("m/")) || str_starts(text, STR("qr"));
    if (text.n == 0)
        return err_set(err, "the pattern is empty and would match everything");
    if (delimited && regex_literal_parse(text, &literal, err) < 0)
        return -1;
    argument->regex = regex_new(&literal, err);
    return argument->regex ? 0 : -1;
}

int eval_split(struct pool *pool, struct str text, struct str *name,
               struct eval_argument arguments[EVAL_ARGUMENTS_MAX], size_t *n, struct err *err)
{
    size_t open = str_chr(text, '(');
    *name = str_trim(str_sub(text, 0, open));
    *n = 0;
    if (open == STR_NONE || !str_ends(text, STR(")")))
        return err_set(err, "expected eval:name(arguments)");
    struct str rest = str_trim(str_sub(text, open + 1, text.n - 1));
    while (rest.n) {
        if (*n == EVAL_ARGUMENTS_MAX)
            return err_set(err, "more than %d arguments", EVAL_ARGUMENTS_MAX);
        if (take_argument(pool, &rest, &arguments[(*n)++], err) < 0)
            return -1;
    }
    return 0;
}

int eval_count(const char *name, size_t n, size_t least, size_t most, struct err *err)
{
    if (n >= least && n <= most)
        return 0;
    return err_set(err, "eval:%s() takes %zu to %zu arguments, not %zu", name, least, most, n);
}

int eval_compile(struct pool *pool, struct str text, struct eval_call *call, struct err *err)
{
    struct str name;
    *call = (struct eval_call){.raw = call->raw};
    call->arguments = POOL_ARRAY(pool, EVAL_ARGUMENTS_MAX, struct eval_argument);
    if (call->arguments == NULL)
        return err_set(err, "out of memory");
    if (eval_split(pool, text, &name, call->arguments, &call->n_arguments, err) < 0)
        return -1;
    const struct eval_entry *entry = find(name);
    if (entry == NULL)
        return err_set(err, "eval:%.*s() is not known here", STR_ARG(str_sub(name, 0, 60)));
    call->function = entry->function;
    for (const struct eval_entry *e = eval_bayes; e->name; e++)
        call->pass_2 |= e == entry;
    if (eval_count(entry->name, call->n_arguments, entry->least, entry->most, err) < 0)
        return -1;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        if (entry->function == patterns[i].function && patterns[i].argument < call->n_arguments)
            return compile_pattern(&call->arguments[patterns[i].argument], err);
    }
    return 0;
}

void eval_call_release(struct eval_call *call)
{
    for (size_t i = 0; i < call->n_arguments; i++)
        regex_free(&call->arguments[i].regex);
}

bool eval_matches(struct eval_context *c, size_t argument, struct str text)
{
    struct regex_match match;
    if (argument >= c->n || c->a[argument].regex == NULL)
        return false;
    enum regex_result result =
        regex_search(c->a[argument].regex, c->runner, text, 0, STR_NONE, &match);
    c->limited |= result == REGEX_LIMIT;
    return result == REGEX_YES;
}

bool eval_text_length(const struct eval_context *c, size_t *length)
{
    const struct fact_texts *texts =
        c->raw ? facts_rawbody(c->facts) : facts_body(c->facts, BODY_RENDERED);
    *length = 0;
    for (size_t i = 0; texts && i < texts->n; i++)
        *length += texts->list[i].n;
    return texts != NULL;
}
