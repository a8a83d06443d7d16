/*
 * condition: what stands behind `if`. poterne answers as a SpamAssassin of the version whose
 * language it reads, with the plugins whose work it does (plugins.h). Whatever else a file asks for
 * is not there, so that the file's own else part is taken.
 */
#include "rules/language/expr.h"
#include "rules/language/parse.h"

static int resolve(void *data, struct expr_parser *expr, struct str name, struct str argument,
                   struct err *err)
{
    const struct book *book = data;
    double value = 0;
    if (str_eq(name, STR("version")))
        value = PLUGINS_VERSION;
    else if (str_eq(name, STR("perl_version")))
        value = PLUGINS_PERL_VERSION;
    else if (str_eq(name, STR("local_tests_only")))
        value = (book->options.score_set & RULES_SCORE_NET) == 0;
    else if (str_eq(name, STR("plugin")) && argument.s)
        value = plugins_has(&book->plugins, argument);
    else if ((str_eq(name, STR("can")) || str_eq(name, STR("has"))) && argument.s)
        value = plugins_can(&book->plugins, argument);
    else
        return err_set(err,
                       "'%.*s' is not known in a condition; known are version, perl_version, "
                       "local_tests_only, plugin(), can() and has()",
                       STR_ARG(str_sub(name, 0, 60)));
    expr_put_number(expr, value);
    return 0;
}

int parse_condition(struct book *book, struct str text, bool *holds, struct err *err)
{
    struct expr expr;
    if (expr_parse(book->pool, text, resolve, book, &expr, err) < 0)
        return -1;
    *holds = expr_run(&expr, NULL) != 0;
    return 0;
}
