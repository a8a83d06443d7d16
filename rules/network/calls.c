/* Calls of DNSEval.pm and URIDNSBL.pm, and lines of AskDNS.pm, as rules of the network. */
#include "rules/language/parse.h"
#include "rules/ruleset.h"

struct call {
    const char *name;
    size_t least, most; /* arguments */
    enum network_source source;
    unsigned types;
    size_t argument; /* number of the one that network_rule.argument is; 0: none */
};

static const struct call calls[] = {
    {"check_dns_sender", 0, 0, NETWORK_SENDER, 0, 0},
    {"check_rbl", 2, 3, NETWORK_RELAYS, DNS_LINE_A, 0},
    {"check_rbl_accreditor", 2, 4, NETWORK_ACCREDITED, DNS_LINE_A, 3},
    {"check_rbl_envfrom", 2, 3, NETWORK_ENVELOPE_HOST, DNS_LINE_A, 0},
    {"check_rbl_from_domain", 2, 3, NETWORK_FROM_DOMAINS, DNS_LINE_A, 0},
    {"check_rbl_from_host", 2, 3, NETWORK_FROM_HOSTS, DNS_LINE_A, 0},
    {"check_rbl_headers", 2, 4, NETWORK_FIELDS, DNS_LINE_A, 3},
    {"check_rbl_ns_from", 2, 3, NETWORK_ENVELOPE_SERVERS, DNS_LINE_A, 0},
    {"check_rbl_rcvd", 2, 3, NETWORK_FIRST_HOP, DNS_LINE_A, 0},
    {"check_rbl_sub", 2, 2, NETWORK_SAME_SET, 0, 0},
    {"check_rbl_txt", 2, 3, NETWORK_RELAYS, DNS_LINE_TXT, 0},
    {"check_uridnsbl", 0, 1, NETWORK_LINKS, 0, 0},
};

static const struct call *find(struct str name)
{
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (str_eq(name, str_of(calls[i].name)))
            return &calls[i];
    }
    return NULL;
}

bool network_is_call(struct str test)
{
    return find(str_trim(str_sub(test, 0, str_chr(test, '(')))) != NULL;
}

struct network_set network_set_of(struct pool *pool, struct str test)
{
    struct eval_argument arguments[EVAL_ARGUMENTS_MAX];
    struct network_set set = {.only_looks = false};
    struct str name;
    size_t n;
    struct err err;
    if (!network_is_call(test) || eval_split(pool, test, &name, arguments, &n, &err) < 0)
        return set;
    set.only_looks = find(name)->source == NETWORK_SAME_SET;
    if (n >= 2)
        set.name = arguments[0].text;
    return set;
}

static bool has_flag(struct str flags, const char *flag)
{
    struct str word;
    while ((word = parse_word(&flags)).n) {
        if (str_eq(word, str_of(flag)))
            return true;
    }
    return false;
}

static void set_flags(struct network_rule *rule, struct str flags)
{
    rule->nice = has_flag(flags, "nice");
    rule->ips_only = has_flag(flags, "ips_only");
    rule->domains_only = has_flag(flags, "domains_only");
    rule->whole_host = has_flag(flags, "notrim");
    rule->of_hosts = has_flag(flags, "a");
    rule->of_servers = has_flag(flags, "ns") || !rule->of_hosts;
}

static int copy(struct pool *pool, struct str *text, struct err *err)
{
    *text = pool_str(pool, *text);
    return text->s ? 0 : err_set(err, "out of memory");
}

/* The pattern of an answer, delimited in askdns lines alone. */
static int compile_answer(struct network_rule *rule, bool delimited, struct err *err)
{
    struct regex_literal literal = {.pattern = rule->answer.text};
    if (rule->answer.kind != ANSWER_PATTERN)
        return 0;
    if (delimited && regex_literal_parse(rule->answer.text, &literal, err) < 0)
        return -1;
    rule->regex = regex_new(&literal, err);
    return rule->regex ? 0 : -1;
}

static struct str zone_of(struct str text)
{
    while (str_ends(text, STR(".")))
        text = str_sub(text, 0, text.n - 1);
    return text;
}

/* (SET, ZONE [, SUBTEST [, ARGUMENT]]), (SET, SUBTEST), () */
static int set_call(struct network_rule *rule, const struct call *call,
                    const struct eval_argument *arguments, size_t n, struct err *err)
{
    size_t subtest = call->source == NETWORK_SAME_SET ? 1 : 2;
    if (call->most > 1) {
        rule->set = arguments[0].text;
        if (subtest == 2)
            rule->zone = zone_of(arguments[1].text);
        if (subtest == 2 && (rule->zone.n == 0 || rule->zone.n > DNS_LINE_NAME_MAX))
            return err_set(err, "'%.*s' is no zone", STR_ARG(str_sub(arguments[1].text, 0, 40)));
    }
    if (subtest < n && arguments[subtest].text.n)
        rule->answer = answer_of_list(arguments[subtest].text);
    if (call->argument && call->argument < n)
        rule->argument = arguments[call->argument].text;
    return compile_answer(rule, false, err);
}

/* What the rule's own line says; 0 with err->text: there is none. */
static int set_links(struct pool *pool, struct network_rule *rule, const struct dns_line *line,
                     struct err *err)
{
    if (line == NULL || line->kind == DNS_LINE_ASK) {
        err_set(err, "no uridnsbl line or one of its kind says what to ask for");
        return 0;
    }
    rule->links = line->kind;
    rule->types = line->types;
    rule->zone = line->name;
    rule->answer = line->answer;
    return copy(pool, &rule->zone, err) < 0 || copy(pool, &rule->answer.text, err) < 0 ? -1 : 0;
}

static int set_template(struct pool *pool, struct network_rule *rule, const struct dns_line *line,
                        struct err *err)
{
    struct err unknown = {""};
    rule->source = NETWORK_TEMPLATE;
    rule->types = line->types;
    rule->answer = line->answer;
    if (copy(pool, &rule->answer.text, err) < 0 || compile_answer(rule, true, err) < 0)
        return -1;
    int result = naming_parse(pool, line->name, &rule->naming, &unknown);
    if (rule->answer.kind == ANSWER_CODES && (rule->answer.from & ANSWER_CODES_KNOW) == 0)
        err_set(&unknown, "only NOERROR and NXDOMAIN are told apart from no answer at all");
    *err = unknown;
    return result;
}

static int fill(struct pool *pool, struct network_rule *rule, const struct definition *definition,
                struct err *err)
{
    struct eval_argument arguments[EVAL_ARGUMENTS_MAX];
    struct str name;
    size_t n;
    set_flags(rule, definition->flags);
    if (definition->kind == RULE_ASKDNS)
        return set_template(pool, rule, definition->dns, err);
    if (eval_split(pool, definition->test, &name, arguments, &n, err) < 0)
        return -1;
    const struct call *call = find(name);
    if (eval_count(call->name, n, call->least, call->most, err) < 0)
        return -1;
    rule->source = call->source;
    rule->types = call->types;
    return call->source == NETWORK_LINKS ? set_links(pool, rule, definition->dns, err)
                                         : set_call(rule, call, arguments, n, err);
}

int network_add(struct ruleset *set, uint32_t number, const struct definition *definition,
                struct err *err)
{
    struct network_rules *network = &set->network;
    struct network_rule *rules =
        pool_grow(set->pool, network->rules, network->n, &network->cap, sizeof *rules);
    if (rules == NULL)
        return err_set(err, "out of memory");
    network->rules = rules;
    struct network_rule *rule = &rules[network->n];
    *rule = (struct network_rule){.number = number, .first = NETWORK_NONE, .next = NETWORK_NONE};
    err->text[0] = '\0';
    int result = fill(set->pool, rule, definition, err);
    if (result == 0 && err->text[0] == '\0')
        network->n++;
    else
        regex_free(&rule->regex);
    return result;
}

void network_release(struct network_rules *network)
{
    for (size_t i = 0; i < network->n; i++)
        regex_free(&network->rules[i].regex);
}
