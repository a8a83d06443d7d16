/* RelayEval.pm of SpamAssassin 4.0.1: what the relays of a message have in common with what it
 * says of itself. */
#include "base/ascii.h"
#include "base/domain.h"
#include "rules/eval/look.h"
#include "rules/facts/ip.h"
#include "rules/facts/relays.h"

static const struct relays none;

static const struct relays *relays_of(struct eval_context *c)
{
    const struct relays *relays = facts_relays(c->facts);
    return relays ? relays : &none;
}

static double numeric_helo(struct eval_context *c)
{
    const struct relay_list *list = &relays_of(c)->untrusted;
    for (size_t i = 0; i < list->n; i++) {
        struct str helo = list->list[i]->helo;
        if (ip_is_v4(helo) && !ip_is_private(helo))
            return 1;
    }
    return 0;
}

static double illegal_ip(struct eval_context *c)
{
    return 0; /* SpamAssassin keeps the name only */
}

/* A HELO that is an address, and not of the same network as the client. */
static double helo_mismatch(struct eval_context *c)
{
    const struct relay_list *list = &relays_of(c)->untrusted;
    for (size_t i = 0; i < list->n; i++) {
        struct str helo = list->list[i]->helo, ip = list->list[i]->ip;
        if (!ip_is_v4(helo) || ip_is_private(helo) || !ip_is_v4(ip) || ip_is_private(ip))
            continue;
        if (!str_starts(ip, str_sub(helo, 0, str_rchr(helo, '.') + 1)))
            return 1;
    }
    return 0;
}

static double all_trusted(struct eval_context *c)
{
    const struct relays *relays = relays_of(c);
    return relays->trusted.n && relays->untrusted.n == 0 && relays->n_unparseable == 0;
}

static double no_relays(struct eval_context *c)
{
    const struct relays *relays = relays_of(c);
    return relays->trusted.n == 0 && relays->untrusted.n == 0 && relays->n_unparseable == 0;
}

static double unparseable(struct eval_context *c)
{
    return relays_of(c)->n_unparseable > 0;
}

static double sender_no_reverse(struct eval_context *c)
{
    const struct relay_list *list = &relays_of(c)->untrusted;
    const struct relay *first = list->n ? list->list[list->n - 1] : NULL;
    return first && str_chr(first->rdns, '.') != STR_NONE && !first->ip_private;
}

static bool ends_with_domain(struct str host, struct str domain)
{
    return str_ends(host, domain) &&
           (host.n == domain.n || !ascii_is_word(host.s[host.n - domain.n - 1]));
}

/* ('example.com', 'true'): mail from that domain came, or did not come, over its servers. */
static double from_domain_in_received(struct eval_context *c)
{
    struct str from = look_get(c, "From:addr"), domain = c->a[0].text;
    size_t at = str_ifind(from, domain);
    const struct relays *relays = relays_of(c);
    const struct relay_list *lists[] = {&relays->trusted, &relays->untrusted};
    bool wanted = str_eq(c->a[1].text, STR("true"));
    if (at == STR_NONE || (at > 0 && ascii_is_word(from.s[at - 1])))
        return 0;
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < lists[k]->n; i++) {
            const struct relay *relay = lists[k]->list[i];
            if (ends_with_domain(relay->rdns, domain) && ends_with_domain(relay->by, domain))
                return wanted;
        }
    }
    return !wanted;
}

/* The last untrusted relay with a public address says that it is a big provider, and its address
 * has no name. */
static double no_rdns_dotcom(struct eval_context *c)
{
    static const char *const names[] = {"lycos.com",     "lycos.co.uk", "hotmail.com",
                                        "localhost.com", "excite.com",  "caramail.com",
                                        "cs.com",        "aol.com",     "msn.com",
                                        "yahoo.com",     "drizzle.com"};
    const struct relay_list *list = &relays_of(c)->untrusted;
    double found = 0;
    for (size_t i = 0; i < list->n; i++) {
        const struct relay *relay = list->list[i];
        if (relay->ip_private)
            continue;
        found = 0;
        for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
            bool is_it = domain_holds(str_of(names[k]), relay->helo);
            found = is_it && relay->no_reverse_dns ? 1 : found;
        }
    }
    return found;
}

/* What is taken for the registered part of a host name: two labels, or three of a short country. */
static struct str rough_domain(struct str host)
{
    bool letter = false;
    for (size_t i = 0; i < host.n && !letter; i++)
        letter = ascii_is_letter(host.s[i]);
    size_t last = str_rchr(host, '.');
    if (!letter || last == STR_NONE)
        return host;
    struct str top = str_from(host, last + 1);
    bool two =
        top.n >= 3 || str_ieq(top, STR("ie")) || str_ieq(top, STR("fr")) || str_ieq(top, STR("de"));
    size_t at = str_rchr(str_sub(host, 0, last), '.');
    if (!two && at != STR_NONE)
        at = str_rchr(str_sub(host, 0, at), '.');
    return at == STR_NONE ? host : str_from(host, at + 1);
}

/* Words with dots between, at least two dots or so: what counts as a name that says something. */
static bool is_host_name(struct str host)
{
    size_t dots = 0;
    for (size_t i = 0; i < host.n; i++) {
        dots += host.s[i] == '.';
        if (!ascii_is_word(host.s[i]) && host.s[i] != '.' && host.s[i] != '-')
            return false;
    }
    return host.n >= 5 && dots && ascii_is_word(host.s[0]) && ascii_is_word(host.s[host.n - 1]) &&
           host.s[1] != '\0';
}

struct forged {
    unsigned from, ip_helo;
};

static bool other_network(struct str helo, struct str ip)
{
    if (!ip_is_v4(helo) || !ip_is_v4(ip) || ip_is_private(helo))
        return false;
    size_t dot = str_chr(helo, '.');
    size_t second = dot + 1 + str_chr(str_from(helo, dot + 1), '.');
    return !str_starts(ip, str_sub(helo, 0, second + 1));
}

/* Handed from one program to another inside one machine. */
static bool came_from_itself(const struct relay *relay)
{
    return str_eq(relay->ip, STR("127.0.0.1")) && is_host_name(rough_domain(relay->by)) &&
           (str_ieq(relay->rdns, STR("localhost")) ||
            str_ieq(relay->rdns, STR("localhost.localdomain")));
}

static struct forged find_forged(struct eval_context *c)
{
    const struct relay_list *list = &relays_of(c)->untrusted;
    struct forged forged = {0, 0};
    for (size_t i = 0; i < list->n; i++) {
        const struct relay *relay = list->list[i], *newer = i ? list->list[i - 1] : NULL;
        struct str by = rough_domain(relay->by);
        if (!is_host_name(by))
            continue;
        forged.ip_helo += other_network(relay->helo, relay->ip);
        struct str said = newer && !came_from_itself(newer) ? rough_domain(newer->rdns) : STR_EMPTY;
        bool exempt = str_ieq(by, STR("msn.com")) && str_ieq(said, STR("hotmail.com"));
        forged.from += newer && is_host_name(said) && !str_ieq(by, said) && !exempt;
    }
    return forged;
}

static double forged_trail(struct eval_context *c)
{
    return find_forged(c).from > 1;
}

static double forged_ip_helo(struct eval_context *c)
{
    return find_forged(c).ip_helo > 0;
}

const struct eval_entry eval_relay[] = {
    {"check_for_numeric_helo", numeric_helo, 0, 0},
    {"check_for_illegal_ip", illegal_ip, 0, 0},
    {"check_all_trusted", all_trusted, 0, 0},
    {"check_no_relays", no_relays, 0, 0},
    {"check_relays_unparseable", unparseable, 0, 0},
    {"check_for_sender_no_reverse", sender_no_reverse, 0, 0},
    {"check_for_from_domain_in_received_headers", from_domain_in_received, 2, 2},
    {"check_for_forged_received_trail", forged_trail, 0, 0},
    {"check_for_forged_received_ip_helo", forged_ip_helo, 0, 0},
    {"helo_ip_mismatch", helo_mismatch, 0, 0},
    {"check_for_no_rdns_dotcom_helo", no_rdns_dotcom, 0, 0},
    {.name = NULL},
};
