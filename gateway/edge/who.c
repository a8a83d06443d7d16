#include "gateway/edge/who.h"

#include <arpa/inet.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/loop.h"

#define TICKET_PTR  1000 /* a list's ticket is its number */
#define TICKET_NAME 2000 /* and a name's, from here on */

struct who {
    const struct conf *conf;
    struct dns_desk *desk;
    char ip[INET6_ADDRSTRLEN];
    bool four;
    unsigned char address[sizeof(struct in6_addr)];
    struct event deadline; /* also fires at once where all is known */
    unsigned open;
    size_t n_names;
    char names[WHO_NAMES_MAX][DNS_NAME_MAX + 1];
    enum iprev backs[WHO_NAMES_MAX]; /* of each name; IPREV_NONE: not known yet */
    struct who_facts facts;
    void (*done)(void *data, const struct who_facts *facts);
    void *data;
};

const char *iprev_name(enum iprev iprev)
{
    static const char *const names[] = {"none", "pass", "fail", "temperror", "permerror"};
    return names[iprev];
}

/* The first name that leads back; the verdict over all of them otherwise. */
static void conclude_names(struct who *w)
{
    bool unknown = false;
    for (size_t i = 0; i < w->n_names; i++) {
        unknown |= w->backs[i] == IPREV_TEMPERROR || w->backs[i] == IPREV_NONE;
        if (w->backs[i] != IPREV_PASS)
            continue;
        w->facts.iprev = IPREV_PASS;
        w->facts.name = w->names[i];
        return;
    }
    if (w->n_names > 0)
        w->facts.iprev = unknown ? IPREV_TEMPERROR : IPREV_FAIL;
}

static void on_deadline(evutil_socket_t fd, short what, void *data)
{
    struct who *w = data;
    if (w->open > 0)
        dns_desk_cancel(w->desk, w);
    conclude_names(w);
    w->done(w->data, &w->facts); /* may free it */
}

static void one_less(struct who *w)
{
    if (--w->open == 0)
        event_active(&w->deadline, EV_TIMEOUT, 1);
}

static dns_answered on_answer;

static bool ask(struct who *w, enum dns_type type, struct str name, uint32_t ticket)
{
    bool asked = dns_desk_ask(w->desk, type, name, on_answer, w, ticket);
    w->open += asked;
    return asked;
}

/* Into a header, a log and the rules only what is a host name. */
static bool is_host_name(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.s[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '.' && c != '-' && c != '_')
            return false;
    }
    return dns_name_ok(name);
}

static void take_names(struct who *w, const struct resolver_answer *answer)
{
    bool none = answer->status == DNS_NO_NAME || answer->status == DNS_NO_DATA;
    w->facts.iprev = none                          ? IPREV_PERMERROR
                     : answer->status == DNS_FOUND ? IPREV_FAIL
                                                   : IPREV_TEMPERROR;
    for (size_t i = 0; i < answer->n && w->n_names < WHO_NAMES_MAX; i++) {
        struct str name = answer->records[i].data;
        if (!is_host_name(name) || !str_copy(name, w->names[w->n_names], sizeof w->names[0]))
            continue;
        uint32_t ticket = TICKET_NAME + (uint32_t)w->n_names++;
        if (!ask(w, w->four ? DNS_A : DNS_AAAA, name, ticket))
            w->backs[w->n_names - 1] = IPREV_TEMPERROR;
    }
}

static enum iprev leads_back(const struct who *w, const struct resolver_answer *answer)
{
    size_t n = w->four ? sizeof(struct in_addr) : sizeof(struct in6_addr);
    for (size_t i = 0; i < answer->n; i++)
        if (str_eq(answer->records[i].data, str_n((const char *)w->address, n)))
            return IPREV_PASS;
    return answer->status == DNS_TEMP_FAILED || answer->status == DNS_BOGUS ? IPREV_TEMPERROR
                                                                            : IPREV_FAIL;
}

static void take_list(struct who *w, uint32_t list, const struct resolver_answer *answer)
{
    if (answer->status == DNS_TEMP_FAILED || answer->status == DNS_BOGUS)
        return;
    w->facts.unknown &= ~(1u << list);
    if (lists_says_listed(&w->conf->lists[list], answer))
        w->facts.listed |= 1u << list;
}

static void on_answer(void *asker, uint32_t ticket, const struct resolver_answer *answer)
{
    struct who *w = asker;
    if (ticket >= TICKET_NAME)
        w->backs[ticket - TICKET_NAME] = leads_back(w, answer);
    else if (ticket == TICKET_PTR)
        take_names(w, answer);
    else
        take_list(w, ticket, answer);
    one_less(w);
}

static void ask_all(struct who *w, const struct lists *lists)
{
    char name[LISTS_NAME_SIZE];
    bool four;
    w->facts = (struct who_facts){.iprev = IPREV_TEMPERROR, .name = ""}; /* for now */
    if (lists_name(w->ip, NULL, name, &four))
        ask(w, DNS_PTR, str_of(name), TICKET_PTR);
    for (uint32_t i = 0; i < w->conf->n_lists; i++) {
        w->facts.unknown |= 1u << i;
        if (lists_serves(lists, i, four) && lists_name(w->ip, w->conf->lists[i].zone, name, &four))
            ask(w, DNS_A, str_of(name), i);
    }
}

struct who *who_ask(struct event_base *base, const struct conf *conf, struct dns_desk *desk,
                    const struct lists *lists, const char *ip,
                    void (*done)(void *data, const struct who_facts *facts), void *data)
{
    const struct timeval time = {.tv_sec = conf->resolver.time_per_client};
    struct who *w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    *w = (struct who){.conf = conf, .desk = desk, .done = done, .data = data, .open = 1};
    evtimer_assign(&w->deadline, base, on_deadline, w);
    w->four = strchr(ip, ':') == NULL;
    w->facts.name = "";
    if (str_copy(str_of(ip), w->ip, sizeof w->ip) &&
        inet_pton(w->four ? AF_INET : AF_INET6, ip, w->address) == 1)
        ask_all(w, lists);
    loop_wait(&w->deadline, &time);
    one_less(w);
    return w;
}

void who_free(struct who **who)
{
    struct who *w = *who;
    *who = NULL;
    if (w == NULL)
        return;
    if (w->open > 0)
        dns_desk_cancel(w->desk, w);
    event_del(&w->deadline);
    free(w);
}

/* --- what is made of it --- */

static bool has(uint32_t bits, size_t i)
{
    return bits >> i & 1;
}

static double points_of(const struct conf_dns_list *list)
{
    return list->action == DNS_LIST_ALLOW ? -list->weight : list->weight;
}

bool who_allowed(const struct conf *conf, const struct who_facts *facts)
{
    for (size_t i = 0; i < conf->n_lists; i++)
        if (has(facts->listed, i) && conf->lists[i].action == DNS_LIST_ALLOW &&
            conf->lists[i].weight > 0)
            return true;
    return false;
}

void who_judge(const struct conf *conf, const struct who_facts *facts, const char *ip,
               struct who_listed *listed)
{
    const struct conf_dns_list *worst = NULL;
    double sum = 0;
    bool allowed = false, reject = false;
    *listed = (struct who_listed){.refuse = false};
    for (size_t i = 0; i < conf->n_lists; i++) {
        const struct conf_dns_list *list = &conf->lists[i];
        if (!has(facts->listed, i))
            continue;
        bool allows = list->action == DNS_LIST_ALLOW;
        allowed |= allows;
        listed->points += points_of(list);
        sum += allows ? 0 : list->weight;
        bool rejects = list->action == DNS_LIST_REJECT;
        if (!allows &&
            (!worst || (rejects && !reject) || (rejects == reject && list->weight > worst->weight)))
            worst = list;
        reject |= rejects;
    }
    bool above = conf->smtp.lists_refuse > 0 && sum >= conf->smtp.lists_refuse;
    listed->refuse = worst && !allowed && (reject || above);
    if (listed->refuse)
        snprintf(listed->why, sizeof listed->why, "%s is listed by %s (%.80s)", ip, worst->name,
                 worst->zone);
}

void who_tests(const struct conf *conf, const struct who_facts *facts, struct buf *out)
{
    for (size_t i = 0; i < conf->n_lists; i++) {
        if (!has(facts->listed, i))
            continue;
        buf_addf(out, "%sLIST_", out->n ? "," : "");
        for (const char *c = conf->lists[i].name; *c; c++)
            buf_addc(out, *c >= 'a' && *c <= 'z' ? (char)(*c - 32) : *c == '-' ? '_' : *c);
        buf_addf(out, "=%.1f", points_of(&conf->lists[i]));
    }
}

static const char *action_name(unsigned action)
{
    static const char *const names[] = {"score", "reject", "allow"};
    return names[action];
}

/* Nothing in it needs an escape: names are host names, and words of the settings' own alphabet. */
void who_evidence(const struct conf *conf, const struct who_facts *facts, struct buf *out)
{
    const char *sep = "";
    buf_addf(out, "{\"iprev\":\"%s\",\"name\":\"%s\",\"lists\":[", iprev_name(facts->iprev),
             facts->name);
    for (size_t i = 0; i < conf->n_lists; i++) {
        const struct conf_dns_list *list = &conf->lists[i];
        if (!has(facts->listed, i))
            continue;
        buf_addf(out, "%s{\"name\":\"%s\",\"action\":\"%s\",\"points\":%.3f}", sep, list->name,
                 action_name(list->action), points_of(list));
        sep = ",";
    }
    buf_add(out, STR("],\"unknown\":["));
    sep = "";
    for (size_t i = 0; i < conf->n_lists; i++) {
        if (!has(facts->unknown, i))
            continue;
        buf_addf(out, "%s\"%s\"", sep, conf->lists[i].name);
        sep = ",";
    }
    buf_add(out, STR("]}"));
}
