#include "rules/eval/eval.h"

static const struct eval_entry *const families[] = {eval_own};

static const struct eval_entry *find(struct str name)
{
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        for (const struct eval_entry *e = families[i]; e->name; e++) {
            if (str_eq(name, str_of(e->name)))
                return e;
        }
    }
    return NULL;
}

/* One argument off the front of *rest: 'text', "text" or a bare word; then a comma or the end. */
static int take_argument(struct pool *pool, struct str *rest, struct eval_argument *argument,
                         struct err *err)
{
    struct str text;
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
    argument->number = 0;
    str_to_double(text, &argument->number);
    argument->text = pool_str(pool, text);
    return argument->text.s ? 0 : err_set(err, "out of memory");
}

int eval_compile(struct pool *pool, struct str text, struct eval_call *call, struct err *err)
{
    size_t open = str_chr(text, '(');
    struct str name = str_trim(str_sub(text, 0, open));
    const struct eval_entry *entry = find(name);
    if (open == STR_NONE || !str_ends(text, STR(")")))
        return err_set(err, "expected eval:name(arguments)");
    if (entry == NULL)
        return err_set(err, "eval:%.*s() is not known here", STR_ARG(str_sub(name, 0, 60)));
    struct str rest = str_trim(str_sub(text, open + 1, text.n - 1));
    *call = (struct eval_call){.function = entry->function};
    while (rest.n) {
        if (call->n_arguments == EVAL_ARGUMENTS_MAX)
            return err_set(err, "more than %d arguments", EVAL_ARGUMENTS_MAX);
        if (take_argument(pool, &rest, &call->arguments[call->n_arguments++], err) < 0)
            return -1;
    }
    if (call->n_arguments < entry->least || call->n_arguments > entry->most)
        return err_set(err, "eval:%s() takes %zu to %zu arguments, not %zu", entry->name,
                       entry->least, entry->most, call->n_arguments);
    return 0;
}
