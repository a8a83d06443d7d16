/* What a meta's expression names, and what kinds of rules are called. */
#include "rules/language/expr.h"
#include "tools/rules_tool.h"

struct collector {
    struct pool *pool;
    struct rules_names *names;
};

static int add(struct collector *c, struct str name, struct err *err)
{
    struct rules_names *names = c->names;
    for (size_t i = 0; i < names->n; i++)
        if (str_eq(names->list[i], name))
            return 0;
    struct str *list = pool_grow(c->pool, names->list, names->n, &names->cap, sizeof *list);
    struct str copy = list ? pool_str(c->pool, name) : STR_EMPTY;
    if (copy.s == NULL)
        return err_set(err, "out of memory");
    names->list = list;
    list[names->n++] = copy;
    return 0;
}

/* Every name stands for 0: only the names are wanted. */
static int resolve(void *data, struct expr_parser *parser, struct str name, struct str argument,
                   struct err *err)
{
    struct collector *c = data;
    expr_put_number(parser, 0);
    if (argument.s == NULL)
        return add(c, name, err);
    struct str call = pool_strf(c->pool, "%.*s(%.*s)", STR_ARG(name), STR_ARG(argument));
    return call.s ? add(c, call, err) : err_set(err, "out of memory");
}

int rules_needs(const struct book *book, const struct definition *meta, struct rules_names *names,
                struct err *err)
{
    struct collector c = {book->pool, names};
    struct expr expr;
    *names = (struct rules_names){0};
    if (meta->kind != RULE_META)
        return 0;
    return expr_parse(book->pool, meta->test, resolve, &c, &expr, err);
}

const char *rules_kind_name(const struct definition *definition)
{
    static const char *const names[] = {
        [RULE_NONE] = "none",
        [RULE_HEADER] = "header",
        [RULE_EXISTS] = "header",
        [RULE_BODY] = "body",
        [RULE_MIMEHEADER] = "mimeheader",
        [RULE_RAWBODY] = "rawbody",
        [RULE_URI] = "uri",
        [RULE_FULL] = "full",
        [RULE_META] = "meta",
        [RULE_EVAL] = "eval",
        [RULE_EMPTY] = "empty",
        [RULE_URI_DETAIL] = "uri_detail",
        [RULE_ASKDNS] = "askdns",
    };
    size_t kind = (size_t)definition->kind;
    const char *name = kind < sizeof names / sizeof names[0] ? names[kind] : NULL;
    return name ? name : "other";
}
