#include "bounce/decide.h"

#include "bounce/reason.h"
#include "directory/report.h"
#include "sender/srs.h"

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

/* Somebody of others is told only what his own server has surely sent. */
static bool is_proved(const struct envelope *e)
{
    return e->proved && str_eq(e->verdict, STR("ham"));
}

/* Of what others sent. */
static bool tells_others(const struct conf *conf, enum bounce_event event, const struct envelope *e,
                         const struct spool_recipient *r, struct bounce_to *to)
{
    struct str sender = spool_sender(e, r);
    if (event == BOUNCE_SUCCESS)
        return r->fields.n == 0 && is_proved(e);
    if (event == BOUNCE_DELAY || r->fields.n == 0)
        return false;
    if (r->sender.n && !srs_looks_like(sender) && conf_domain_of(conf, sender)) {
        to->address = sender;
        return true;
    }
    to->person = first_person(r->fields);
    return to->person.n && is_proved(e);
}

/* A bounce of ours that holds what had to go over TLS, and that can't go there (RFC 8689 5). Who
 * it was for has no other word of what failed. */
static bool is_stopped_bounce(enum bounce_event event, const struct envelope *e,
                              const struct spool_recipient *r, struct str why)
{
    bool made_here = e->client_ip.n == 0 && e->sender.n == 0;
    return event == BOUNCE_FAILURE && made_here && e->requiretls && r->released_us == 0 &&
           str_starts(r->how, STR(BOUNCE_HOW)) && reason_of(why).kind == REASON_NOT_SECURE;
}

enum bounce_answer bounce_decide(const struct conf *conf, bool brought_by_ours,
                                 enum bounce_event event, const struct envelope *e,
                                 const struct spool_recipient *r, struct str why,
                                 struct bounce_to *to)
{
    static const unsigned wanted[BOUNCE_EVENTS] = {
        [BOUNCE_FAILURE] = DSN_FAILURE, [BOUNCE_SUCCESS] = DSN_SUCCESS, [BOUNCE_DELAY] = DSN_DELAY};
    bool somebody;
    *to = (struct bounce_to){.address = e->sender};
    if (is_stopped_bounce(event, e, r, why)) {
        *to = (struct bounce_to){.address = r->address, .redacted = true};
        return BOUNCE_TELL;
    }
    if (e->sender.n == 0 || r->released_us ||
        report_address_of(conf, r->address) != REPORT_ADDRESS_NONE)
        return BOUNCE_NOBODY;
    if (brought_by_ours && conf_domain_of(conf, e->sender)) {
        to->person = first_person(r->fields);
        somebody = true;
    } else {
        somebody = tells_others(conf, event, e, r, to);
    }
    if (!somebody)
        return BOUNCE_NOBODY;
    return dsn_wants(r->notify, wanted[event]) ? BOUNCE_TELL : BOUNCE_UNWANTED;
}
