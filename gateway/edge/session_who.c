/* What the DNS says of a session's client (who.h). It is asked as soon as the address is known;
 * recipients wait for it (and for session_grey.c), and nothing else does. */
#include <stdlib.h>

#include "gateway/edge/session.h"

struct held_recipient {
    struct held_recipient *next;
    uint32_t ticket;
    size_t n;
    char address[];
};

static void forget_held(struct session *s)
{
    while (s->held) {
        struct held_recipient *r = s->held;
        s->held = r->next;
        free(r);
    }
}

void session_who_end(struct session *s)
{
    who_free(&s->who);
    forget_held(s);
}

/* How many there can be is the machine's limit (SMTP_LOOKUPS_MAX). */
bool session_hold(struct session *s, uint32_t ticket, struct str address)
{
    struct held_recipient *r = malloc(sizeof *r + address.n);
    if (r == NULL)
        return false;
    *r = (struct held_recipient){.next = s->held, .ticket = ticket, .n = address.n};
    memcpy(r->address, address.s, address.n);
    s->held = r;
    return true;
}

/* In the order in which they were named. */
static struct held_recipient *turned_round(struct held_recipient *list)
{
    struct held_recipient *first = NULL;
    while (list) {
        struct held_recipient *r = list;
        list = r->next;
        r->next = first;
        first = r;
    }
    return first;
}

void session_let_go_on(struct session *s)
{
    struct held_recipient *held = turned_round(s->held);
    s->held = NULL;
    if (held == NULL) /* nothing waits, and the machine may be anywhere */
        return;
    bool outermost = session_enter(s);
    while (held) {
        struct held_recipient *r = held;
        held = r->next;
        session_ask_recipient(s, r->ticket, str_n(r->address, r->n));
        free(r);
    }
    session_leave(s, outermost);
}

static void on_known(void *data, const struct who_facts *facts)
{
    struct session *s = data;
    s->facts = *facts;
    if (s->named)
        s->facts.iprev = IPREV_NONE;
    else
        str_copy(str_of(facts->name), s->client_name, sizeof s->client_name);
    s->facts.name = s->client_name;
    who_free(&s->who);
    session_let_go_on(s);
}

void session_who_ask(struct session *s)
{
    struct edge *edge = s->edge;
    who_free(&s->who);
    s->named = false;
    s->client_name[0] = '\0';
    s->facts = (struct who_facts){.name = s->client_name};
    if (edge->dns && !session_submits(s)) /* our own people come from anywhere */
        s->who = who_ask(edge->base, edge->conf, edge->dns, edge->lists, s->ip, on_known, s);
}

void session_who_named(struct session *s, struct str name)
{
    s->named = true;
    s->facts.iprev = IPREV_NONE; /* who told it has not checked it */
    if (!str_copy(name, s->client_name, sizeof s->client_name))
        s->client_name[0] = '\0';
}

/* Without memory it is judged by what is known now. */
bool session_who_holds(struct session *s, uint32_t ticket, struct str address)
{
    return s->who && session_hold(s, ticket, address);
}

/* Whom a refused client can write to about it (RFC 5321 4.5.1). */
static bool is_postmaster(const struct session *s, struct str address)
{
    struct str local = str_sub(address, 0, str_rchr(address, '@'));
    return str_ieq(local, STR("postmaster")) || str_ieq(address, str_of(s->edge->postmaster));
}

bool session_who_refuses(const struct session *s, struct str address, struct who_listed *listed)
{
    if (s->facts.listed == 0 || session_submits(s) || is_postmaster(s, address))
        return false;
    who_judge(s->edge->conf, &s->facts, s->ip, listed);
    return listed->refuse;
}
