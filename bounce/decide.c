#include "bounce/decide.h"

#include "base/network.h"
#include "directory/report.h"
#include "sender/srs.h"

/* The protocols of RFC 3848 and RFC 6531 4.3 whose client has said who it is end so. */
static bool is_authenticated(struct str protocol)
{
    static const char *const names[] = {"ESMTPA", "ESMTPSA", "UTF8SMTPA", "UTF8SMTPSA"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_eq(protocol, str_of(names[i])))
            return true;
    return false;
}

static bool is_inside(const struct conf *conf, const struct envelope *e)
{
    const struct conf_list *inside = &conf->gate.inside;
    struct network network;
    if (is_authenticated(e->protocol))
        return true;
    for (size_t i = 0; i < inside->n; i++)
        if (network_parse(str_of(inside->items[i]), &network) &&
            network_holds(&network, e->client_ip))
            return true;
    return false;
}

/* Who redirected it first: the last of the Delivered-To lines (gateway/edge/redirect.h). */
static struct str first_person(struct str fields)
{
    const struct str name = STR("Delivered-To:");
    struct str person = STR_EMPTY, line;
    while (str_next_line(&fields, &line))
        if (str_istarts(line, name))
            person = str_trim(str_from(line, name.n));
    return person;
}

bool bounce_decide(const struct conf *conf, const struct envelope *e,
                   const struct spool_recipient *r, struct bounce_to *to)
{
    struct str sender = spool_sender(e, r);
    *to = (struct bounce_to){.address = e->sender};
    if (e->sender.n == 0 || r->released_us ||
        report_address_of(conf, r->address) != REPORT_ADDRESS_NONE)
        return false;
    if (is_inside(conf, e) && conf_domain_of(conf, e->sender)) {
        to->person = first_person(r->fields);
        return true;
    }
    if (r->fields.n == 0)
        return false;
    if (r->sender.n && !srs_looks_like(sender) && conf_domain_of(conf, sender)) {
        to->address = sender;
        return true;
    }
    to->person = first_person(r->fields);
    return e->proved && to->person.n && str_eq(e->verdict, STR("ham"));
}
