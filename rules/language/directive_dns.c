/* directive_dns: rules that ask the DNS, as far as they are said here and not by eval calls. */
#include "rules/language/directive.h"
#include "rules/language/settings_make.h"

static struct str without_dot(struct str zone)
{
    return str_ends(zone, STR(".")) ? str_sub(zone, 0, zone.n - 1) : zone;
}

/* "0x10", "8", "127.0.0.2" */
static bool is_answer(struct str text)
{
    unsigned char address[16];
    uint64_t number;
    if (str_starts(text, STR("0x"))) {
        for (size_t i = 2; i < text.n; i++) {
            char c = str_lower_char(text.s[i]);
            if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
                return false;
        }
        return text.n > 2 && text.n <= 10;
    }
    return str_to_u64(text, UINT32_MAX, &number) ||
           (str_chr(text, ':') == STR_NONE && networks_parse_address(text, address));
}

/* An answer, "FROM-TO" or "VALUE/MASK". */
static bool is_answer_range(struct str text)
{
    size_t at = str_chr(text, '-');
    if (at == STR_NONE)
        at = str_chr(text, '/');
    return is_answer(str_sub(text, 0, at)) && (at == STR_NONE || is_answer(str_from(text, at + 1)));
}

#define WITH_SUBTEST 1

/* RULE ZONE TYPE [SUBTEST]: looked at for mistakes; nothing is asked. */
static enum directive_result on_uri_list(struct parser *parser, const struct directive *self,
                                         struct str rest, struct err *err)
{
    struct str rule = parse_word(&rest);
    parse_word(&rest);
    struct str type = parse_word(&rest);
    if (!book_is_rule_name(rule) || type.n == 0)
        return BAD(err, "expected a rule, a zone and a record type");
    if (self->value != WITH_SUBTEST && rest.n)
        return BAD(err, "'%.*s' stands behind the record type", STR_ARG(str_sub(rest, 0, 40)));
    if (self->value == WITH_SUBTEST && !is_answer_range(rest))
        return BAD(err, "'%.*s' is no answer of a list (127.0.0.2, 8, 0x10-0x20)",
                   STR_ARG(str_sub(rest, 0, 40)));
    return DIRECTIVE_DONE;
}

static bool is_codes(struct str text)
{
    return str_starts(text, STR("[")) && str_ends(text, STR("]")) && text.n > 2;
}

static bool is_quoted(struct str text)
{
    return text.n >= 2 && (text.s[0] == '\'' || text.s[0] == '"') &&
           text.s[text.n - 1] == text.s[0];
}

static bool is_subtest(struct str text, struct err *err)
{
    struct regex_literal literal;
    if (str_starts(text, STR("/")) || str_starts(text, STR("m")))
        return regex_literal_parse(text, &literal, err) == 0;
    err_set(err, "'%.*s' is no answer to look for", STR_ARG(str_sub(text, 0, 40)));
    return is_codes(text) || is_quoted(text) || is_answer_range(text);
}

/* RULE QUERY [TYPES [SUBTEST]]: a rule that never hits, for nothing is asked. */
static enum directive_result on_askdns(struct parser *parser, const struct directive *self,
                                       struct str rest, struct err *err)
{
    struct definition *definition;
    enum directive_result result = directive_take_name(parser, &rest, &definition, err);
    if (result != DIRECTIVE_DONE)
        return result;
    struct str query = parse_word(&rest);
    parse_word(&rest); /* types */
    if (query.n == 0)
        return BAD(err, "expected a rule and a name to ask for");
    if (rest.n && !is_subtest(rest, err))
        return DIRECTIVE_BAD;
    definition->kind = RULE_EMPTY;
    definition->file = parser->file;
    definition->line = parser->line;
    return DIRECTIVE_DONE;
}

/* "allow ZONE…", "deny ZONE…" */
static enum directive_result on_restriction(struct parser *parser, const struct directive *self,
                                            struct str rest, struct err *err)
{
    enum { ALLOW = 1, DENY = 2 };
    struct str word = parse_word(&rest);
    bool deny = str_ieq(word, STR("deny"));
    bool ok = true;
    if ((!deny && !str_ieq(word, STR("allow"))) || rest.n == 0)
        return BAD(err, "expected allow or deny, and zones behind it");
    for (word = parse_word(&rest); ok && word.n; word = parse_word(&rest)) {
        struct str zone = without_dot(str_from(word, str_starts(word, STR(".")) ? 1 : 0));
        ok = settings_put(parser->book->settings, SETTINGS_DNS_QUERY_RESTRICTIONS, zone,
                          deny ? DENY : ALLOW);
    }
    return directive_memory(parser, ok, err);
}

static enum directive_result on_clear_restriction(struct parser *parser,
                                                  const struct directive *self, struct str rest,
                                                  struct err *err)
{
    settings_clear(parser->book->settings, SETTINGS_DNS_QUERY_RESTRICTIONS);
    return DIRECTIVE_DONE;
}

static const struct directive list[] = {
    {.name = "askdns", .handle = on_askdns},
    {.name = "clear_dns_query_restriction", .handle = on_clear_restriction},
    {.name = "clear_dns_query_restrictions", .handle = on_clear_restriction},
    {.name = "dns_query_restriction", .handle = on_restriction},
    {.name = "uridnsbl", .handle = on_uri_list},
    {.name = "uridnssub", .handle = on_uri_list, .value = WITH_SUBTEST},
    {.name = "urifullnsrhsbl", .handle = on_uri_list},
    {.name = "urifullnsrhssub", .handle = on_uri_list, .value = WITH_SUBTEST},
    {.name = "urinsrhsbl", .handle = on_uri_list},
    {.name = "urinsrhssub", .handle = on_uri_list, .value = WITH_SUBTEST},
    {.name = "urirhsbl", .handle = on_uri_list},
    {.name = "urirhssub", .handle = on_uri_list, .value = WITH_SUBTEST},
};

const struct directive_family directive_dns = DIRECTIVE_FAMILY(list);
