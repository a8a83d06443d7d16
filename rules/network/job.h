/*
 * job: the questions that rules of the network have about one message; for this folder only. A
 * question stands once, whoever asks; who waits for it, and what is to be done with its answer, is
 * a look-up. Some answers lead to more questions (a name server, its address, that address in a
 * list), which are asked in the next round.
 */
#ifndef POTERNE_RULES_NETWORK_JOB_H
#define POTERNE_RULES_NETWORK_JOB_H

#include "rules/network/network.h"
#include "rules/ruleset.h"
#include "sender/dns.h"

#define JOB_ROUNDS_MAX    4    /* name servers, their addresses, those in lists, and one to spare */
#define JOB_QUESTIONS_MAX 1500 /* of a message */
#define JOB_LOOKUPS_MAX   50000 /* of a message */

/* What is done with an answer. */
enum job_step {
    STEP_TEST,             /* the rule's test, and those of its set, on each record */
    STEP_ADDRESSES,        /* each address is looked for in the rule's zone */
    STEP_SERVERS,          /* each name server's registered domain, in the rule's zone */
    STEP_SERVERS_WHOLE,    /* its name */
    STEP_SERVER_ADDRESSES, /* its addresses are asked for, to be looked for there */
    STEP_EXISTS,           /* when all of the rule's are without records, it hits */
};

struct job_lookup {
    uint32_t question, rule;
    enum job_step step;
};

struct job_question {
    struct dns_query query; /* name in lower case, in the pool */
    double worth;
};

struct job {
    const struct ruleset *set;
    struct facts *facts;
    struct pool *pool;
    struct job_question *questions;
    size_t n_questions, questions_cap;
    uint32_t *slots; /* of the questions by type and name, + 1; a power of two of them */
    size_t n_slots;
    struct job_lookup *lookups;
    size_t n_lookups, lookups_cap;
    bool *left_out; /* [rules of the network]: a limit left some of what it asks for out */
    bool no_memory;
};

/* Everything of it lives in the facts' pool. */
void job_init(struct job *job, const struct ruleset *set, struct facts *facts);

/* Everything that can be asked before any answer is there. */
void job_gather(struct job *job);

/* The name, in lower case and with the zone behind it where that is not empty. What can't be a
 * name, and what dns_query_restriction denies, is left out. */
void job_ask(struct job *job, uint32_t rule, enum job_step step, enum dns_type type,
             struct str name, struct str zone);
/* As above, in the rule's zone, for its type of record; an IPv4 or IPv6 address reversed. */
void job_ask_list(struct job *job, uint32_t rule, struct str name);

/* job_relays.c, job_senders.c, job_links.c: what rules of those sources ask for first. */
void job_relays(struct job *job, uint32_t rule);
void job_first_hop(struct job *job, uint32_t rule);
void job_senders(struct job *job, uint32_t rule);
void job_links(struct job *job, uint32_t rule);

/* A host in a list, if the rule wants its kind: an address reversed, or a name that can exist. */
void job_ask_host(struct job *job, uint32_t rule, struct str host);

#endif
