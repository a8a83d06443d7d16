/*
 * who: what the DNS says of who connected: a name that leads back to its address (RFC 8601 2.7.3),
 * and the lists that hold it. All of it is asked at once when the address is known, and has
 * resolver.time_per_client; what is not known then is left out.
 */
#ifndef POTERNE_GATEWAY_EDGE_WHO_H
#define POTERNE_GATEWAY_EDGE_WHO_H

#include "gateway/edge/lists.h"

#define WHO_NAMES_MAX 5 /* names of one address that are followed back to it */

/* As RFC 8601 2.7.3 calls it. */
enum iprev {
    IPREV_NONE,      /* not asked */
    IPREV_PASS,      /* a name that leads back */
    IPREV_FAIL,      /* names, of which none does */
    IPREV_TEMPERROR, /* nobody knows now */
    IPREV_PERMERROR, /* it has no name */
};

struct who_facts {
    enum iprev iprev;
    const char *name; /* that leads back; "": none */
    uint32_t listed;  /* a bit for each of conf.lists */
    uint32_t unknown; /* lists that did not answer, or are switched off */
};

struct who;
/* Calls `done` once, from the loop, unless who_free() comes first; the facts live during the call.
 * NULL: out of memory. */
struct who *who_ask(struct event_base *base, const struct conf *conf, struct dns_desk *desk,
                    const struct lists *lists, const char *ip,
                    void (*done)(void *data, const struct who_facts *facts), void *data);
void who_free(struct who **who);

const char *iprev_name(enum iprev iprev);

/* What lists make of the client, in words; points of the lists are the score's. */
struct who_listed {
    bool refuse;
    double points; /* what is to be added to the score of spam; below 0: taken off */
    char why[160]; /* "192.0.2.1 is listed by NAME (ZONE)"; of refuse */
};
/* Is it spared by a list, one of those with action = allow and a weight? */
bool who_allowed(const struct conf *conf, const struct who_facts *facts);
void who_judge(const struct conf *conf, const struct who_facts *facts, const char *ip,
               struct who_listed *listed);

/* "LIST_NAME=1.0,LIST_OTHER=-2.0": as tests beside those of rules. */
void who_tests(const struct conf *conf, const struct who_facts *facts, struct buf *out);
/* {"iprev", "name", "lists": [{"name", "action", "points"}], "unknown": [name]}, without blanks. */
void who_evidence(const struct conf *conf, const struct who_facts *facts, struct buf *out);

#endif
