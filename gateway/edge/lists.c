#include "gateway/edge/lists.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/network.h"
#include "gateway/resolver/protocol.h"

_Static_assert(RESOLVER_NOTHING_TTL < LISTS_CHECK_EVERY, "each check asks the list itself");

enum entry { FOUR_HELD, FOUR_FREE, SIX_HELD, SIX_FREE, ENTRIES };

static const struct {
    const char *ip;
    bool listed; /* as it must be */
} entries[ENTRIES] = {
    [FOUR_HELD] = {"127.0.0.2", true},
    [FOUR_FREE] = {"127.0.0.1", false},
    [SIX_HELD] = {"::ffff:127.0.0.2", true},
    [SIX_FREE] = {"::ffff:127.0.0.1", false},
};

enum state { NOT_LOOKED_AT, SERVES, SILENT, NOT_LISTING, LISTS_ALL };

struct check {
    struct lists *lists;
    const struct conf_dns_list *conf;
    enum state four, six;
    unsigned open; /* entries under way */
    enum { ENTRY_UNKNOWN, ENTRY_LISTED, ENTRY_ABSENT } found[ENTRIES];
    int64_t next; /* seconds */
};

struct lists {
    struct dns_desk *desk;
    size_t n;
    struct check checks[];
};

/* --- names --- */

bool lists_name(const char *ip, const char *zone, char out[LISTS_NAME_SIZE], bool *four)
{
    unsigned char address[sizeof(struct in6_addr)];
    char reverse[NETWORK_REVERSE_SIZE];
    *four = strchr(ip, ':') == NULL;
    if (inet_pton(*four ? AF_INET : AF_INET6, ip, address) != 1)
        return false;
    network_reverse(address, *four ? sizeof(struct in_addr) : sizeof address, reverse);
    if (!zone)
        zone = *four ? "in-addr.arpa" : "ip6.arpa";
    int n = snprintf(out, LISTS_NAME_SIZE, "%s.%s", reverse, zone);
    return n > 0 && n < LISTS_NAME_SIZE;
}

/* By it lists tell that they don't answer whoever asks (a public resolver, too many questions). */
#define SAID_OF_US "127.255.255."

bool lists_says_listed(const struct conf_dns_list *list, const struct resolver_answer *answer)
{
    char ip[INET_ADDRSTRLEN];
    struct network network;
    for (size_t i = 0; i < answer->n; i++) {
        if (answer->records[i].data.n != sizeof(struct in_addr) ||
            inet_ntop(AF_INET, answer->records[i].data.s, ip, sizeof ip) == NULL ||
            str_starts(str_of(ip), STR(SAID_OF_US)))
            continue;
        for (size_t k = 0; k < list->answers.n; k++)
            if (network_parse(str_of(list->answers.items[k]), &network) &&
                network_holds(&network, str_of(ip)))
                return true;
    }
    return false;
}

/* --- can they be believed? --- */

static enum state state_of(const struct check *c, enum entry held, enum entry not_held)
{
    if (c->found[held] == ENTRY_UNKNOWN || c->found[not_held] == ENTRY_UNKNOWN)
        return SILENT;
    if (c->found[not_held] == ENTRY_LISTED)
        return LISTS_ALL;
    return c->found[held] == ENTRY_LISTED ? SERVES : NOT_LISTING;
}

static void tell_change(const struct check *c, enum state before, enum state now)
{
    static const char *const why[] = {
        [SILENT] = "its servers do not answer",
        [NOT_LISTING] = "it does not hold 127.0.0.2, which each must: it is dead, or refuses us",
        [LISTS_ALL] = "it holds 127.0.0.1, which none may: it answers for everybody",
    };
    if (now == before)
        return;
    if (now == SERVES)
        log_info("list %s (%s) serves", c->conf->name, c->conf->zone);
    else
        log_warning("list %s (%s) is switched off until it answers rightly: %s", c->conf->name,
                    c->conf->zone, why[now]);
}

static void conclude(struct check *c)
{
    enum state four = state_of(c, FOUR_HELD, FOUR_FREE);
    enum state six = state_of(c, SIX_HELD, SIX_FREE);
    tell_change(c, c->four, four);
    /* most lists hold no IPv6 address at all, and need not */
    if (six != c->six && (six == SERVES || c->six == SERVES || six == LISTS_ALL))
        log_info("list %s (%s) is %sasked about IPv6", c->conf->name, c->conf->zone,
                 six == SERVES ? "" : "not ");
    c->four = four;
    c->six = six;
    c->next = clock_seconds() + (four == SERVES ? LISTS_CHECK_EVERY : LISTS_CHECK_SOON);
}

static void on_entry(void *asker, uint32_t ticket, const struct resolver_answer *answer)
{
    struct check *c = asker;
    bool known = answer->status == DNS_FOUND || answer->status == DNS_NO_NAME ||
                 answer->status == DNS_NO_DATA;
    if (known)
        c->found[ticket] = lists_says_listed(c->conf, answer) ? ENTRY_LISTED : ENTRY_ABSENT;
    if (--c->open == 0)
        conclude(c);
}

static void look_at(struct check *c)
{
    c->open = ENTRIES + 1; /* one of our own, so that answers do not conclude before all is asked */
    for (uint32_t i = 0; i < ENTRIES; i++) {
        char name[LISTS_NAME_SIZE];
        bool four;
        c->found[i] = ENTRY_UNKNOWN;
        if (!lists_name(entries[i].ip, c->conf->zone, name, &four) ||
            !dns_desk_ask(c->lists->desk, DNS_A, str_of(name), on_entry, c, i))
            c->open--;
    }
    if (--c->open == 0)
        conclude(c);
}

struct lists *lists_open(const struct conf *conf, struct dns_desk *desk)
{
    struct lists *lists = calloc(1, sizeof *lists + conf->n_lists * sizeof lists->checks[0]);
    if (lists == NULL)
        return NULL;
    lists->desk = desk;
    lists->n = conf->n_lists;
    for (size_t i = 0; i < lists->n; i++) {
        lists->checks[i] = (struct check){.lists = lists, .conf = &conf->lists[i]};
        look_at(&lists->checks[i]);
    }
    return lists;
}

void lists_close(struct lists **lists)
{
    struct lists *l = *lists;
    *lists = NULL;
    if (l == NULL)
        return;
    for (size_t i = 0; i < l->n; i++)
        dns_desk_cancel(l->desk, &l->checks[i]);
    free(l);
}

void lists_tick(struct lists *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->checks[i].open == 0 && clock_seconds() >= l->checks[i].next)
            look_at(&l->checks[i]);
}

bool lists_serves(const struct lists *l, size_t list, bool four)
{
    return (four ? l->checks[list].four : l->checks[list].six) == SERVES;
}
