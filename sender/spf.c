#include "sender/spf.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "sender/spf_client.h"
#include "sender/spf_macro.h"
#include "sender/spf_record.h"

struct check {
    const struct dns_source *dns;
    struct pool *pool;
    struct spf_macro_values values;
    struct spf_client client;
    struct spf_answer *answer;
    unsigned includes; /* that we are inside of */
    bool tailored;     /* a name was made of the client: its server can answer as it likes */
    bool out_of_memory;
};

const char *spf_result_name(enum spf_result result)
{
    static const char *const names[] = {
        [SPF_NONE] = "none",           [SPF_NEUTRAL] = "neutral",   [SPF_PASS] = "pass",
        [SPF_FAIL] = "fail",           [SPF_SOFTFAIL] = "softfail", [SPF_TEMPERROR] = "temperror",
        [SPF_PERMERROR] = "permerror",
    };
    return (unsigned)result < sizeof names / sizeof *names ? names[result] : "?";
}

static enum spf_result error(struct check *check, enum spf_result result, const char *why)
{
    if (check->answer->reason.n == 0)
        check->answer->reason = str_of(why);
    return result;
}

/* --- names --- */

/* What a macro made of the message's own bytes may be no name at all. Blanks are asked for (7.1).
 */
static bool is_askable(struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (name.s[i] < ' ' || name.s[i] >= 127 || name.s[i] == '\\')
            return false;
    return dns_name_ok(name);
}

/* RFC 7208 7.3: labels go from the left until the name is short enough. */
static struct str shorten(struct str name)
{
    if (str_ends(name, STR(".")))
        name.n--;
    while (name.n > DNS_NAME_MAX) {
        size_t dot = str_chr(name, '.');
        name = dot == STR_NONE ? STR_EMPTY : str_from(name, dot + 1);
    }
    return name;
}

/* Empty where the term can't match: what it makes is no name. */
static struct str expand_name(struct check *check, struct str text)
{
    struct buf out = BUF_INIT(SPF_EXPANSION_MAX);
    struct str name = STR_EMPTY;
    if (text.n == 0)
        return check->values.domain;
    /* RFC 8616 4: such a term does not match */
    if (spf_macro_names_sender(text) && !str_is_ascii(check->values.sender))
        return STR_EMPTY;
    check->tailored |= spf_macro_varies(text);
    if (spf_macro_asks_client(text))
        check->values.client_name =
            spf_client_name(&check->client, check->values.domain, check->dns, check->pool);
    spf_macro_expand(text, &check->values, &out);
    struct str expanded = shorten(buf_str(&out));
    if (buf_ok(&out) && is_askable(expanded)) {
        name = pool_str(check->pool, expanded);
        check->out_of_memory |= name.s == NULL;
    }
    buf_release(&out);
    return name;
}

/* --- look-ups --- */

/* Asks for one name of a term. SPF_NONE: there is an answer, which may be empty. */
static enum spf_result look_up(struct check *check, enum dns_type type, struct str name,
                               struct dns_query *query)
{
    *query = (struct dns_query){.status = DNS_BAD_NAME};
    if (name.n > 0)
        *query = dns_ask(check->dns, check->pool, type, name);
    if (query->status == DNS_TEMP_FAILED || query->status == DNS_BOGUS)
        return error(check, SPF_TEMPERROR, "the DNS did not answer");
    if ((query->status == DNS_NO_NAME || query->status == DNS_NO_DATA) &&
        ++check->answer->voids > SPF_VOID_MAX)
        return error(check, SPF_PERMERROR, "too many look-ups without an answer");
    return SPF_NONE;
}

static enum dns_type address_type(const struct check *check)
{
    return check->client.family == AF_INET ? DNS_A : DNS_AAAA;
}

/* Is the client in that network? If so, how much that says. */
static bool is_in(struct check *check, struct str network, const struct spf_term *term)
{
    bool four = network.n == 4;
    unsigned prefix = four ? term->prefix4 : term->prefix6;
    if (!spf_client_is_in(&check->client, network, prefix))
        return false;
    check->answer->narrow = prefix >= (four ? SPF_NARROW4 : SPF_NARROW6) && !check->tailored;
    return true;
}

static bool any_address(struct check *check, const struct spf_term *term,
                        const struct dns_query *query)
{
    for (size_t i = 0; i < query->n; i++)
        if (is_in(check, query->records[i].data, term))
            return true;
    return false;
}

/* --- mechanisms: SPF_NONE is "no match", SPF_PASS a match, else an error --- */

static enum spf_result match_a(struct check *check, const struct spf_term *term, struct str name)
{
    struct dns_query query;
    enum spf_result result = look_up(check, address_type(check), name, &query);
    if (result == SPF_NONE && any_address(check, term, &query))
        return SPF_PASS;
    return result;
}

static enum spf_result match_exists(struct check *check, struct str name)
{
    struct dns_query query;
    enum spf_result result = look_up(check, DNS_A, name, &query);
    if (result != SPF_NONE || query.status != DNS_FOUND)
        return result;
    check->answer->narrow = false; /* whatever the name is made of, anything may be there */
    return SPF_PASS;
}

static enum spf_result match_mx(struct check *check, const struct spf_term *term, struct str name)
{
    struct dns_query mx, hosts[SPF_NAMES_MAX] = {{0}};
    enum spf_result result = look_up(check, DNS_MX, name, &mx);
    if (result != SPF_NONE)
        return result;
    if (mx.n > SPF_NAMES_MAX)
        return error(check, SPF_PERMERROR, "a domain has too many MX records");
    for (size_t i = 0; i < mx.n; i++)
        hosts[i] = (struct dns_query){.type = address_type(check), .name = mx.records[i].data};
    check->dns->ask(check->dns->data, check->pool, hosts, mx.n);
    for (size_t i = 0; i < mx.n && result == SPF_NONE; i++) {
        /* asked once more, for the count; the answer is known */
        result = match_a(check, term, is_askable(hosts[i].name) ? hosts[i].name : STR_EMPTY);
    }
    return result;
}

static enum spf_result match_ptr(struct check *check, struct str name)
{
    if (name.n == 0)
        return SPF_NONE;
    if (!spf_client_is_named(&check->client, name, check->dns, check->pool))
        return SPF_NONE;
    check->answer->narrow = true;
    return SPF_PASS;
}

static enum spf_result check_host(struct check *check, struct str domain);

static enum spf_result match_include(struct check *check, struct str name)
{
    struct str domain = check->values.domain;
    check->includes++;
    enum spf_result result = name.n > 0 ? check_host(check, name) : SPF_NONE;
    check->includes--;
    check->values.domain = domain;
    switch (result) {
    case SPF_PASS:
    case SPF_TEMPERROR:
    case SPF_PERMERROR:
        return result;
    case SPF_NONE:
        return error(check, SPF_PERMERROR, "an included domain has no record");
    default:
        return SPF_NONE;
    }
}

static bool asks_dns(const struct spf_term *term)
{
    return term->mechanism != SPF_ALL && term->mechanism != SPF_IP4 && term->mechanism != SPF_IP6;
}

static enum spf_result match(struct check *check, const struct spf_term *term)
{
    if (asks_dns(term) && ++check->answer->lookups > SPF_LOOKUPS_MAX)
        return error(check, SPF_PERMERROR, "too many look-ups");
    struct str name = asks_dns(term) ? expand_name(check, term->domain) : STR_EMPTY;
    switch (term->mechanism) {
    case SPF_ALL:
        check->answer->narrow = false;
        return SPF_PASS;
    case SPF_IP4:
    case SPF_IP6: {
        size_t n = term->mechanism == SPF_IP4 ? 4 : 16;
        return is_in(check, str_n((const char *)term->address, n), term) ? SPF_PASS : SPF_NONE;
    }
    case SPF_A:
        return match_a(check, term, name);
    case SPF_MX:
        return match_mx(check, term, name);
    case SPF_EXISTS:
        return match_exists(check, name);
    case SPF_PTR:
        return match_ptr(check, name);
    case SPF_INCLUDE:
        return match_include(check, name);
    }
    return SPF_NONE;
}

/* --- a record --- */

static void add_ahead(struct check *check, struct dns_query *queries, size_t *n, enum dns_type type,
                      struct str text)
{
    if (*n == SPF_AHEAD_MAX || spf_macro_asks_client(text))
        return;
    struct str name = expand_name(check, text);
    if (name.n > 0)
        queries[(*n)++] = (struct dns_query){.type = type, .name = name};
}

/* Every name that the record may need, in one round; the answers are remembered by the source. */
static void ask_ahead(struct check *check, const struct spf_record *record)
{
    struct dns_query queries[SPF_AHEAD_MAX];
    size_t n = 0;
    bool all = false;
    for (size_t i = 0; i < record->n && !all; i++) {
        const struct spf_term *term = &record->terms[i];
        all = term->mechanism == SPF_ALL;
        if (!asks_dns(term)) /* what matches here makes the rest needless */
            all = match(check, term) == SPF_PASS;
        else if (term->mechanism == SPF_A)
            add_ahead(check, queries, &n, address_type(check), term->domain);
        else if (term->mechanism == SPF_MX)
            add_ahead(check, queries, &n, DNS_MX, term->domain);
        else if (term->mechanism == SPF_EXISTS)
            add_ahead(check, queries, &n, DNS_A, term->domain);
        else if (term->mechanism == SPF_INCLUDE)
            add_ahead(check, queries, &n, DNS_TXT, term->domain);
    }
    if (!all && record->redirect.n > 0)
        add_ahead(check, queries, &n, DNS_TXT, record->redirect);
    if (n > 1)
        check->dns->ask(check->dns->data, check->pool, queries, n);
}

/* RFC 7208 6.2: what can't be had is done without. */
static void explain(struct check *check, struct str text)
{
    struct str name = text.n > 0 ? expand_name(check, text) : STR_EMPTY;
    if (name.n == 0)
        return;
    const struct dns_query query = dns_ask(check->dns, check->pool, DNS_TXT, name);
    if (query.status != DNS_FOUND || query.n != 1 || query.records[0].data.n > SPF_RECORD_MAX ||
        !spf_macro_is_explanation(query.records[0].data))
        return;
    struct str words = query.records[0].data;
    struct buf out = BUF_INIT(SPF_EXPANSION_MAX);
    if (spf_macro_asks_client(words))
        check->values.client_name =
            spf_client_name(&check->client, check->values.domain, check->dns, check->pool);
    spf_macro_expand(words, &check->values, &out);
    for (size_t i = 0; i < out.n; i++)
        if (out.p[i] < ' ' || out.p[i] >= 127)
            out.p[i] = '?';
    if (buf_ok(&out))
        check->answer->explanation =
            pool_str(check->pool, str_sub(buf_str(&out), 0, SPF_EXPLANATION_MAX));
    buf_release(&out);
}

static enum spf_result follow_redirect(struct check *check, const struct spf_record *record)
{
    if (++check->answer->lookups > SPF_LOOKUPS_MAX)
        return error(check, SPF_PERMERROR, "too many look-ups");
    struct str name = expand_name(check, record->redirect);
    enum spf_result result = name.n > 0 ? check_host(check, name) : SPF_NONE;
    return result == SPF_NONE
               ? error(check, SPF_PERMERROR, "the domain redirected to has no record")
               : result;
}

static enum spf_result evaluate(struct check *check, const struct spf_record *record)
{
    for (size_t i = 0; i < record->n; i++) {
        const struct spf_term *term = &record->terms[i];
        enum spf_result result = match(check, term);
        if (result == SPF_NONE)
            continue;
        check->answer->mechanism = term->text;
        if (result != SPF_PASS)
            return result;
        if (term->qualifier == SPF_FAIL && check->includes == 0)
            explain(check, record->explanation);
        return term->qualifier;
    }
    return record->redirect.n > 0 ? follow_redirect(check, record) : SPF_NEUTRAL;
}

/* The one record of SPF among the TXT records. SPF_NONE: *text is it, or empty. */
static enum spf_result select_record(struct check *check, const struct dns_query *query,
                                     struct str *text)
{
    *text = STR_EMPTY;
    if (query->status == DNS_TEMP_FAILED || query->status == DNS_BOGUS)
        return error(check, SPF_TEMPERROR, "the DNS did not answer");
    for (size_t i = 0; i < query->n; i++) {
        if (!spf_record_is(query->records[i].data))
            continue;
        if (text->n > 0)
            return error(check, SPF_PERMERROR, "the domain has more than one record");
        *text = query->records[i].data;
    }
    return SPF_NONE;
}

/* check_host() of RFC 7208 4; it calls itself at most SPF_LOOKUPS_MAX times. */
static enum spf_result check_host(struct check *check, struct str domain)
{
    struct spf_record record;
    struct str text;
    const struct dns_query query = dns_ask(check->dns, check->pool, DNS_TXT, domain);
    enum spf_result result = select_record(check, &query, &text);
    if (result != SPF_NONE || text.n == 0)
        return result;
    const char *why = spf_record_parse(check->pool, text, &record);
    check->out_of_memory |= why == SPF_NO_MEMORY;
    if (why)
        return error(check, SPF_PERMERROR, why);
    check->values.domain = domain;
    ask_ahead(check, &record);
    return evaluate(check, &record);
}

/* --- a message --- */

/* RFC 7208 4.3: a name of at least two labels. .s NULL: out of memory. */
static struct str checked_domain(struct str domain, struct pool *pool)
{
    if (!is_askable(domain) || str_chr(domain, '[') != STR_NONE)
        return STR("");
    struct str name = dns_name_normal(pool, domain);
    return str_chr(name, '.') == STR_NONE && name.s ? STR("") : name;
}

static struct str domain_part(struct str sender)
{
    size_t at = str_rchr(sender, '@');
    return at == STR_NONE ? sender : str_from(sender, at + 1);
}

struct str spf_domain(const struct spf_request *request, struct pool *pool)
{
    return checked_domain(request->sender.n > 0 ? domain_part(request->sender) : request->helo,
                          pool);
}

struct str spf_helo_domain(const struct spf_request *request, struct pool *pool)
{
    return checked_domain(request->helo, pool);
}

static int run(const struct spf_request *request, struct str sender, const struct dns_source *dns,
               struct pool *pool, struct spf_answer *answer, struct err *err)
{
    struct check check = {.dns = dns, .pool = pool, .answer = answer};
    size_t at = str_rchr(sender, '@');
    struct str local = at == STR_NONE || at == 0 ? STR("postmaster") : str_sub(sender, 0, at);
    answer->domain = checked_domain(domain_part(sender), pool);
    check.values = (struct spf_macro_values){
        .local = local,
        .sender_domain = domain_part(sender),
        .sender = pool_strf(pool, "%.*s@%.*s", STR_ARG(local), STR_ARG(domain_part(sender))),
        .helo = request->helo,
        .hostname = request->hostname,
        .now = request->now,
    };
    if (!answer->domain.s || !check.values.sender.s)
        return err_set(err, "spf: out of memory");
    if (answer->domain.n == 0 || !spf_client_read(&check.client, request->client_ip))
        return 0;
    check.values.client = str_of(check.client.dotted);
    check.values.client_readable = str_of(check.client.readable);
    check.values.version = check.client.family == AF_INET ? STR("in-addr") : STR("ip6");
    answer->result = check_host(&check, answer->domain);
    return check.out_of_memory ? err_set(err, "spf: out of memory") : 0;
}

int spf_check_helo(const struct spf_request *request, const struct dns_source *dns,
                   struct pool *pool, struct spf_answer *answer, struct err *err)
{
    *answer = (struct spf_answer){.result = SPF_NONE, .of_helo = true};
    return run(request, request->helo, dns, pool, answer, err);
}

int spf_check(const struct spf_request *request, const struct dns_source *dns, struct pool *pool,
              struct spf_answer *answer, struct err *err)
{
    if (request->sender.n == 0)
        return spf_check_helo(request, dns, pool, answer, err);
    *answer = (struct spf_answer){.result = SPF_NONE};
    return run(request, request->sender, dns, pool, answer, err);
}
