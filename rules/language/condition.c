/*
 * condition: what stands behind `if`. poterne answers as a SpamAssassin of the version whose
 * language it reads, with the plugins whose rules it can run. Whatever else a file asks for is not
 * there, so that the file's own else part is taken.
 */
#include "rules/language/expr.h"
#include "rules/language/parse.h"

#define SPAMASSASSIN_VERSION 4.000001
#define PERL_VERSION         5.036000

static const char *const plugins[] = {
    "Mail::SpamAssassin::Plugin::Check",
    "Mail::SpamAssassin::Plugin::MIMEHeader",
};

/* what SpamAssassin 4 says of itself with can() and has() */
static const char *const features[] = {
    "Mail::SpamAssassin::Conf::feature_bug6558_free",
    "Mail::SpamAssassin::Conf::perl_min_version_5010000",
    "Mail::SpamAssassin::Conf::feature_originating_ip_headers",
    "Mail::SpamAssassin::Conf::feature_header_address_parser",
    "Mail::SpamAssassin::Conf::feature_header_first_last",
    "Mail::SpamAssassin::Conf::has_tflags_nosubject",
    "Mail::SpamAssassin::Plugin::MIMEHeader::has_tflags_multiple",
};

static bool listed(const char *const *list, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(name, str_of(list[i])))
            return true;
    }
    return false;
}

static int resolve(void *data, struct expr_parser *parser, struct str name, struct str argument,
                   struct err *err)
{
    double value = 0;
    if (str_eq(name, STR("version")))
        value = SPAMASSASSIN_VERSION;
    else if (str_eq(name, STR("perl_version")))
        value = PERL_VERSION;
    else if (str_eq(name, STR("local_tests_only")))
        value = 0;
    else if (str_eq(name, STR("plugin")) && argument.s)
        value = listed(plugins, sizeof plugins / sizeof *plugins, argument);
    else if ((str_eq(name, STR("can")) || str_eq(name, STR("has"))) && argument.s)
        value = listed(features, sizeof features / sizeof *features, argument);
    else
        return err_set(err,
                       "'%.*s' is not known in a condition; known are version, plugin(), "
                       "can() and has()",
                       STR_ARG(str_sub(name, 0, 60)));
    expr_put_number(parser, value);
    return 0;
}

int parse_condition(struct pool *pool, struct str text, bool *holds, struct err *err)
{
    struct expr expr;
    if (expr_parse(pool, text, resolve, NULL, &expr, err) < 0)
        return -1;
    *holds = expr_run(&expr, NULL) != 0;
    return 0;
}
