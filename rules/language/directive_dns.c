/* directive_dns: lines of rules that ask the DNS, where they are no eval calls. */
#include "rules/language/directive.h"
#include "rules/language/settings_make.h"

static struct str without_dot(struct str zone)
{
    return str_ends(zone, STR(".")) ? str_sub(zone, 0, zone.n - 1) : zone;
}

static const struct {
    const char *name;
    unsigned types; /* 0: nobody is asked for these */
} types[] = {
    {"A", DNS_LINE_A},
    {"AAAA", DNS_LINE_AAAA},
    {"ANY", DNS_LINE_ALL},
    {"CAA", 0},
    {"CERT", 0},
    {"CNAME", 0},
    {"CSYNC", 0},
    {"DHCID", 0},
    {"DNAME", 0},
    {"GPOS", 0},
    {"HINFO", 0},
    {"HIP", 0},
    {"IPSECKEY", 0},
    {"KX", 0},
    {"LOC", 0},
    {"MINFO", 0},
    {"MX", DNS_LINE_MX},
    {"NAPTR", 0},
    {"NS", DNS_LINE_NS},
    {"OPENPGPKEY", 0},
    {"PTR", DNS_LINE_PTR},
    {"RP", 0},
    {"SOA", 0},
    {"SPF", 0},
    {"SRV", 0},
    {"SSHFP", 0},
    {"TLSA", 0},
    {"TXT", DNS_LINE_TXT},
    {"URI", 0},
};

/* "A,TXT" as bits; false: one is no type. */
static bool take_types(struct str text, unsigned *bits)
{
    struct str word;
    *bits = 0;
    while (str_next(&text, ',', &word)) {
        size_t i = 0;
        while (i < sizeof types / sizeof *types && !str_ieq(word, str_of(types[i].name)))
            i++;
        if (i == sizeof types / sizeof *types)
            return false;
        *bits |= types[i].types;
    }
    return true;
}

/* The line is kept with its rule, in place of one before. */
static enum directive_result keep(struct parser *parser, struct definition *definition,
                                  const struct dns_line *line, struct err *err)
{
    struct dns_line *kept = POOL_NEW(parser->book->pool, struct dns_line);
    if (kept == NULL)
        return directive_memory(parser, false, err);
    *kept = *line;
    kept->file = parser->file;
    kept->line = parser->line;
    definition->dns = kept;
    return DIRECTIVE_DONE;
}

#define WITH_SUBTEST 1

/* RULE ZONE TYPE [SUBTEST] */
static enum directive_result on_uri_list(struct parser *parser, const struct directive *self,
                                         struct str rest, struct err *err)
{
    struct definition *definition;
    struct dns_line line = {.kind = (enum dns_line_kind)self->what};
    enum directive_result result = directive_take_name(parser, &rest, &definition, err);
    if (result != DIRECTIVE_DONE)
        return result;
    line.name = without_dot(parse_word(&rest));
    struct str type = parse_word(&rest);
    if (type.n == 0)
        return BAD(err, "expected a rule, a zone and a record type");
    if (line.name.n == 0 || line.name.n > DNS_LINE_NAME_MAX)
        return BAD(err, "'%.*s' is no zone", STR_ARG(str_sub(line.name, 0, 40)));
    if (!take_types(type, &line.types) || (line.types != DNS_LINE_A && line.types != DNS_LINE_TXT))
        return BAD(err, "'%.*s' is no record type of a list: A or TXT",
                   STR_ARG(str_sub(type, 0, 40)));
    if (self->value != WITH_SUBTEST && rest.n)
        return BAD(err, "'%.*s' stands behind the record type", STR_ARG(str_sub(rest, 0, 40)));
    if (self->value == WITH_SUBTEST && answer_parse_number(rest, &line.answer, err) < 0)
        return DIRECTIVE_BAD;
    return keep(parser, definition, &line, err);
}

/* RULE TEMPLATE [TYPES [SUBTEST]] */
static enum directive_result on_askdns(struct parser *parser, const struct directive *self,
                                       struct str rest, struct err *err)
{
    struct definition *definition;
    struct dns_line line = {.kind = DNS_LINE_ASK, .types = DNS_LINE_A};
    enum directive_result result = directive_take_name(parser, &rest, &definition, err);
    if (result != DIRECTIVE_DONE)
        return result;
    line.name = parse_word(&rest);
    if (line.name.n == 0 || line.name.n > DNS_LINE_NAME_MAX)
        return BAD(err, "expected a rule and a name to ask for");
    struct str type = parse_word(&rest);
    if (type.n && !take_types(type, &line.types))
        return BAD(err, "'%.*s' is no record type", STR_ARG(str_sub(type, 0, 40)));
    if (rest.n && answer_parse(rest, &line.answer, err) < 0)
        return DIRECTIVE_BAD;
    definition->kind = line.types ? RULE_ASKDNS : RULE_EMPTY;
    definition->file = parser->file;
    definition->line = parser->line;
    if (keep(parser, definition, &line, err) != DIRECTIVE_DONE)
        return DIRECTIVE_FATAL;
    if (line.types)
        return DIRECTIVE_DONE;
    err_set(err, "nobody is asked for %.*s records; the rule never hits",
            STR_ARG(str_sub(type, 0, 40)));
    return DIRECTIVE_QUIET;
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
    {.name = "uridnsbl", .handle = on_uri_list, .what = DNS_LINE_ADDRESSES},
    {.name = "uridnssub", .handle = on_uri_list, .what = DNS_LINE_ADDRESSES, .value = WITH_SUBTEST},
    {.name = "urifullnsrhsbl", .handle = on_uri_list, .what = DNS_LINE_SERVERS_WHOLE},
    {.name = "urifullnsrhssub",
     .handle = on_uri_list,
     .what = DNS_LINE_SERVERS_WHOLE,
     .value = WITH_SUBTEST},
    {.name = "urinsrhsbl", .handle = on_uri_list, .what = DNS_LINE_SERVERS},
    {.name = "urinsrhssub", .handle = on_uri_list, .what = DNS_LINE_SERVERS, .value = WITH_SUBTEST},
    {.name = "urirhsbl", .handle = on_uri_list, .what = DNS_LINE_DOMAINS},
    {.name = "urirhssub", .handle = on_uri_list, .what = DNS_LINE_DOMAINS, .value = WITH_SUBTEST},
};

const struct directive_family directive_dns = DIRECTIVE_FAMILY(list);
