/*
 * SPF.pm, DKIM.pm, DMARC.pm. Nothing is asked here: they look at what rules_input.network says, and
 * don't hit where it is silent, as SpamAssassin with local tests only. Rules that ask the DNS
 * themselves: rules/network/.
 */
#include <stdio.h>

#include "base/ascii.h"
#include "base/domain.h"
#include "rules/eval/look.h"

#define DOMAIN_MAX 253 /* bytes of a domain that can be in the DNS (RFC 1035 3.1) */

static const struct rules_network silence;

static const struct rules_network *network_of(const struct eval_context *c)
{
    return c->input->network ? c->input->network : &silence;
}

static double not_asked(struct eval_context *c)
{
    return 0;
}

/* Nobody could tell: neither that result nor another. */
static double result_is(struct eval_context *c, struct str result, struct str wanted)
{
    c->unknown = str_ieq(result, STR("temperror"));
    return str_ieq(result, wanted);
}

#define RESULT_IS(name, field, wanted)                                                             \
    static double name(struct eval_context *c)                                                     \
    {                                                                                              \
        return result_is(c, network_of(c)->field, STR(wanted));                                    \
    }

RESULT_IS(spf_pass, spf, "pass")
RESULT_IS(spf_neutral, spf, "neutral")
RESULT_IS(spf_none, spf, "none")
RESULT_IS(spf_fail, spf, "fail")
RESULT_IS(spf_softfail, spf, "softfail")
RESULT_IS(spf_permerror, spf, "permerror")
RESULT_IS(spf_temperror, spf, "temperror")
RESULT_IS(helo_pass, spf_helo, "pass")
RESULT_IS(helo_neutral, spf_helo, "neutral")
RESULT_IS(helo_fail, spf_helo, "fail")
RESULT_IS(helo_softfail, spf_helo, "softfail")
RESULT_IS(helo_permerror, spf_helo, "permerror")
RESULT_IS(helo_temperror, spf_helo, "temperror")
RESULT_IS(dmarc_pass, dmarc, "pass")
RESULT_IS(dmarc_none, dmarc, "none")
RESULT_IS(dmarc_quarantine, dmarc, "quarantine")
RESULT_IS(dmarc_reject, dmarc, "reject")
RESULT_IS(dmarc_missing, dmarc, "missing")

static bool sender_in(struct eval_context *c, enum settings_addresses a, enum settings_addresses b)
{
    struct str sender = look_get(c, "EnvelopeFrom:addr");
    return sender.n && (settings_address_in(c->settings, a, sender) ||
                        settings_address_in(c->settings, b, sender));
}

static double spf_welcomelist(struct eval_context *c)
{
    return sender_in(c, SETTINGS_WELCOMELIST_FROM_SPF, SETTINGS_WELCOMELIST_AUTH) &&
           spf_pass(c) > 0;
}

static double spf_default_welcomelist(struct eval_context *c)
{
    return sender_in(c, SETTINGS_DEF_WELCOMELIST_FROM_SPF, SETTINGS_DEF_WELCOMELIST_AUTH) &&
           spf_pass(c) > 0;
}

/* The null sender is known. */
static double spf_no_sender(struct eval_context *c)
{
    return network_of(c)->spf_asked && facts_envelope_from(c->facts).s == NULL;
}

/* Only what is a name can have a record: neither "[192.0.2.1]" nor "localhost" says anything. */
static double helo_none(struct eval_context *c)
{
    struct str helo = c->input->helo;
    size_t dot = str_rchr(helo, '.');
    return result_is(c, network_of(c)->spf_helo, STR("none")) > 0 && dot != STR_NONE &&
           dot + 1 < helo.n && !ascii_is_digit(helo.s[dot + 1]) && helo.s[0] != '[';
}

static bool has_signature(struct eval_context *c, bool arc, bool pass)
{
    const struct rules_network *network = network_of(c);
    for (size_t i = 0; i < network->n_signatures; i++) {
        const struct rules_signature *s = &network->signatures[i];
        if (s->arc == arc && (s->pass || !pass))
            return true;
        c->unknown |= s->arc == arc && s->unknown;
    }
    return false;
}

/* A good signature of that domain, or of one that it is below. */
static bool signed_by(struct eval_context *c, struct str domain, bool exact)
{
    const struct rules_network *network = network_of(c);
    for (size_t i = 0; i < network->n_signatures; i++) {
        const struct rules_signature *s = &network->signatures[i];
        bool fits = exact ? str_ieq(s->domain, domain) : domain_holds(s->domain, domain);
        if (s->pass && !s->arc && fits)
            return true;
        c->unknown |= s->unknown && !s->arc && fits;
    }
    return false;
}

/* With arguments only for those domains; ".example.com" means those below, too. */
static bool among_arguments(struct eval_context *c, bool pass)
{
    const struct rules_network *network = network_of(c);
    for (size_t i = 0; i < network->n_signatures; i++) {
        const struct rules_signature *s = &network->signatures[i];
        for (size_t k = 0; k < c->n && !s->arc && (s->pass || !pass); k++) {
            struct str wanted = c->a[k].text;
            bool below = str_starts(wanted, STR("."));
            wanted = below ? str_from(wanted, 1) : wanted;
            if (below ? domain_holds(wanted, s->domain) : str_ieq(s->domain, wanted))
                return true;
        }
    }
    return false;
}

static double dkim_signed(struct eval_context *c)
{
    return c->n ? among_arguments(c, false) : has_signature(c, false, false);
}

static double dkim_valid(struct eval_context *c)
{
    return c->n ? among_arguments(c, true) : has_signature(c, false, true);
}

static double arc_signed(struct eval_context *c)
{
    return has_signature(c, true, false);
}

static double arc_valid(struct eval_context *c)
{
    return has_signature(c, true, true);
}

/* Signed by the author's own domain; with arguments only for authors of those. */
static double dkim_author(struct eval_context *c)
{
    const struct fact_values *authors = facts_get_all(c->facts, "From:addr");
    for (size_t i = 0; i < authors->n; i++) {
        struct str domain = domain_of_address(authors->list[i]);
        bool wanted = c->n == 0;
        for (size_t k = 0; k < c->n; k++)
            wanted |= str_ieq(c->a[k].text, domain);
        if (domain.n && wanted && signed_by(c, domain, true))
            return 1;
    }
    return 0;
}

static double dkim_envelope(struct eval_context *c)
{
    struct str domain = domain_of_address(look_get(c, "EnvelopeFrom:addr"));
    return domain.n && signed_by(c, domain, true);
}

static double dkim_testing(struct eval_context *c)
{
    const struct rules_network *network = network_of(c);
    for (size_t i = 0; i < network->n_signatures; i++) {
        if (network->signatures[i].testing)
            return 1;
    }
    return 0;
}

/* The message is never cut short before its signatures are looked at. */
static double dkim_dependable(struct eval_context *c)
{
    return network_of(c)->dkim_asked;
}

static bool key_is_unknown(const struct eval_context *c, struct str domain)
{
    const struct rules_network *network = network_of(c);
    for (size_t i = 0; i < network->n_signatures; i++) {
        const struct rules_signature *s = &network->signatures[i];
        if (s->unknown && !s->arc && str_ieq(s->domain, domain))
            return true;
    }
    return false;
}

/* The letter that adsp_override has for the domain itself, else for "*.parent", at last for "*"; 0:
 * none. What a domain publishes itself is not asked: ADSP is historic (status of RFC 5617). */
static char practice_of(const struct eval_context *c, struct str domain)
{
    char name[DOMAIN_MAX + sizeof "*."];
    uint32_t letter;
    if (domain.n > DOMAIN_MAX)
        return 0;
    if (settings_in(c->settings, SETTINGS_ADSP_OVERRIDES, domain, &letter))
        return (char)letter;
    while (domain.n) {
        size_t dot = str_chr(domain, '.');
        domain = dot == STR_NONE ? STR_EMPTY : str_from(domain, dot + 1);
        int n = snprintf(name, sizeof name, domain.n ? "*.%.*s" : "*", STR_ARG(domain));
        if (n > 0 &&
            settings_in(c->settings, SETTINGS_ADSP_OVERRIDES, str_n(name, (size_t)n), &letter))
            return (char)letter;
    }
    return 0;
}

/* Is it among the domains behind the first argument, if there are any? */
static bool is_listed(const struct eval_context *c, struct str domain)
{
    for (size_t k = 1; k < c->n; k++) {
        struct str wanted = c->a[k].text;
        wanted = str_from(wanted, str_starts(wanted, STR("*.")) ? 1 : 0);
        if (str_starts(wanted, STR(".")) ? domain_holds(str_from(wanted, 1), domain)
                                         : str_ieq(domain, wanted))
            return true;
    }
    return c->n == 1;
}

/* (LETTERS, DOMAIN…): an author's domain should have signed, and did not. */
static double dkim_adsp(struct eval_context *c)
{
    struct str letters = c->a[0].text;
    const struct fact_values *authors = facts_get_all(c->facts, "From:addr");
    bool found = false, listed = false;
    if (str_eq(letters, STR("*")))
        letters = STR("NAD123");
    for (size_t i = 0; network_of(c)->dkim_asked && i < authors->n; i++) {
        struct str domain = domain_of_address(look_lower(c, authors->list[i]));
        listed |= is_listed(c, domain);
        if (str_chr(domain, '.') == STR_NONE || signed_by(c, domain, true) ||
            key_is_unknown(c, domain))
            continue;
        char practice = practice_of(c, domain);
        found |= practice && str_chr(letters, practice) != STR_NONE;
    }
    return found && listed;
}

/* Author addresses of a list that says which domain must have signed; "": the author's own. */
static bool dkim_listed(struct eval_context *c, enum settings_pairs pairs,
                        enum settings_addresses auth)
{
    const struct fact_values *authors = facts_get_all(c->facts, "From:addr");
    for (size_t i = 0; i < authors->n; i++) {
        struct str address = look_lower(c, authors->list[i]), domain = domain_of_address(address);
        const struct settings_pair *pair;
        size_t at = 0;
        while ((pair = settings_pair_next(c->settings, pairs, address, &at)) != NULL) {
            if (pair->value.n ? signed_by(c, pair->value, true) : signed_by(c, domain, true))
                return true;
        }
        if (settings_address_in(c->settings, auth, address) && signed_by(c, domain, true))
            return true;
    }
    return false;
}

static double dkim_welcomelist(struct eval_context *c)
{
    return dkim_listed(c, SETTINGS_WELCOMELIST_FROM_DKIM, SETTINGS_WELCOMELIST_AUTH);
}

static double dkim_default_welcomelist(struct eval_context *c)
{
    return dkim_listed(c, SETTINGS_DEF_WELCOMELIST_FROM_DKIM, SETTINGS_DEF_WELCOMELIST_AUTH);
}

const struct eval_entry eval_network[] = {
    {"check_for_spf_pass", spf_pass, 0, 0},
    {"check_for_spf_neutral", spf_neutral, 0, 0},
    {"check_for_spf_none", spf_none, 0, 0},
    {"check_for_spf_fail", spf_fail, 0, 0},
    {"check_for_spf_softfail", spf_softfail, 0, 0},
    {"check_for_spf_permerror", spf_permerror, 0, 0},
    {"check_for_spf_temperror", spf_temperror, 0, 0},
    {"check_for_spf_helo_pass", helo_pass, 0, 0},
    {"check_for_spf_helo_neutral", helo_neutral, 0, 0},
    {"check_for_spf_helo_none", helo_none, 0, 0},
    {"check_for_spf_helo_fail", helo_fail, 0, 0},
    {"check_for_spf_helo_softfail", helo_softfail, 0, 0},
    {"check_for_spf_helo_permerror", helo_permerror, 0, 0},
    {"check_for_spf_helo_temperror", helo_temperror, 0, 0},
    {"check_for_spf_welcomelist_from", spf_welcomelist, 0, 0},
    {"check_for_spf_whitelist_from", spf_welcomelist, 0, 0},
    {"check_for_def_spf_welcomelist_from", spf_default_welcomelist, 0, 0},
    {"check_for_def_spf_whitelist_from", spf_default_welcomelist, 0, 0},
    {"check_spf_skipped_noenvfrom", spf_no_sender, 0, 0},
    {"check_dkim_signed", dkim_signed, 0, EVAL_ARGUMENTS_MAX},
    {"check_dkim_valid", dkim_valid, 0, EVAL_ARGUMENTS_MAX},
    {"check_dkim_verified", dkim_valid, 0, EVAL_ARGUMENTS_MAX},
    {"check_dkim_valid_author_sig", dkim_author, 0, EVAL_ARGUMENTS_MAX},
    {"check_dkim_valid_envelopefrom", dkim_envelope, 0, 0},
    {"check_dkim_testing", dkim_testing, 0, 0},
    {"check_dkim_dependable", dkim_dependable, 0, 0},
    {"check_dkim_adsp", dkim_adsp, 1, EVAL_ARGUMENTS_MAX},
    {"check_dkim_signall", not_asked, 0, 0},
    {"check_dkim_signsome", not_asked, 0, 0},
    {"check_arc_signed", arc_signed, 0, EVAL_ARGUMENTS_MAX},
    {"check_arc_valid", arc_valid, 0, EVAL_ARGUMENTS_MAX},
    {"check_for_dkim_welcomelist_from", dkim_welcomelist, 0, 0},
    {"check_for_dkim_whitelist_from", dkim_welcomelist, 0, 0},
    {"check_for_def_dkim_welcomelist_from", dkim_default_welcomelist, 0, 0},
    {"check_for_def_dkim_whitelist_from", dkim_default_welcomelist, 0, 0},
    {"check_dmarc_pass", dmarc_pass, 0, 0},
    {"check_dmarc_none", dmarc_none, 0, 0},
    {"check_dmarc_quarantine", dmarc_quarantine, 0, 0},
    {"check_dmarc_reject", dmarc_reject, 0, 0},
    {"check_dmarc_missing", dmarc_missing, 0, 0},
    {.name = NULL},
};
