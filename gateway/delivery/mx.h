/*
 * mx: which servers take the mail of a domain that is not ours (RFC 5321 5.1, RFC 7505), worked out
 * of the DNS's answers, which strangers write. Pure: who asks and waits is outside.c.
 *
 *   mx_take_hosts()      the answer for MX: hosts in order of preference, equal ones shuffled
 *   mx_take_addresses()  for each of them, the answers for A and AAAA
 *   mx_take_tlsa()       for those that mx_wants_tlsa(): the answer for TLSA (RFC 7672)
 *   mx_targets()         the servers to be tried, in order
 *
 * Servers that the settings name are found likewise: mx_take_servers() in place of mx_take_hosts(),
 * and mx_server_targets() at the end. Who they are nobody has to prove then; their addresses only
 * where TLSA records are to count.
 *
 * A host of our own, by name or address, is dropped with all that are not preferred to it, so that
 * mail goes towards its end (5.1). For good are only: no such domain, a null MX, nobody left but
 * us. Everything else may be another way the next time. A host of which it is not known whether it
 * has TLSA records is not gone to: that would be what an attacker wants who keeps them away. Nor is
 * one that the domain's MTA-STS policy leaves out, unless DANE proves it (RFC 8461 2, 5).
 */
#ifndef POTERNE_GATEWAY_DELIVERY_MX_H
#define POTERNE_GATEWAY_DELIVERY_MX_H

#include "base/domain.h"
#include "gateway/client/proof.h"
#include "gateway/delivery/targets.h"
#include "gateway/gate/networks.h"
#include "gateway/resolver/protocol.h"

#define MX_HOSTS_MAX      16 /* the best of those that the DNS names */
#define MX_ADDRESSES_MAX  8  /* of a host, of each family */
#define MX_WHY_SIZE       512
#define MX_TLSA_NAME_SIZE (DOMAIN_SIZE + sizeof "_65535._tcp.")

struct mx_own {
    char address[INET6_ADDRSTRLEN];
    uint16_t port;
};

/* What we are, and where we do not go. */
struct mx_us {
    const char *hostname;
    const struct mx_own *own; /* where we listen ourselves */
    size_t n_own;
    const struct networks *never_to;
    uint16_t port; /* of the servers that the DNS names */
};

struct mx_host {
    char name[DOMAIN_SIZE]; /* empty: one of the settings that has an address */
    unsigned preference;
    uint16_t port;               /* 0: mx_us.port */
    bool unknown;                /* its addresses, or some of them: the DNS gave no answer */
    bool unproved;               /* some of its addresses have no proof by DNSSEC */
    char canonical[DOMAIN_SIZE]; /* behind aliases; empty: it is none, or they disagree */
    bool canonical_asked;        /* for TLSA records … */
    bool tlsa_by_canonical;      /* … which it has */
    bool tlsa_asked;             /* `name` was */
    struct tlsa *tlsa;           /* NULL: none, or not asked */
    enum dns_status tlsa_lost;   /* why it is not known whether it has any; DNS_ASKED_NOT: it is */
    enum proof_fault left_out;   /* why it is not gone to, for reports; FAULT_NONE: no TLS is why */
    size_t n4, n6;
    char four[MX_ADDRESSES_MAX][INET_ADDRSTRLEN];
    char six[MX_ADDRESSES_MAX][INET6_ADDRSTRLEN];
};

struct mx {
    bool secure;                  /* DNSSEC proved who the hosts are */
    bool bogus;                   /* … or that who said so is not to be believed */
    const struct sts_policy *sts; /* the caller's: the domain's policy that holds; NULL: none */
    size_t n;
    struct mx_host hosts[MX_HOSTS_MAX];
    uint32_t ttl;          /* seconds: the least of all answers */
    char why[MX_WHY_SIZE]; /* unless MX_FOUND: with its enhanced status code (RFC 3463) */
};

enum mx_result {
    MX_FOUND,
    MX_LATER, /* nobody knows for now */
    MX_NEVER  /* and it would be no use to try again */
};

/* Those of the settings, of which one at least has a name. */
void mx_take_servers(struct mx *mx, const struct conf_hops *servers);
enum mx_result mx_server_targets(struct mx *mx, const struct conf_hops *servers,
                                 struct targets *targets);
/* `chance` decides about equal ones. */
enum mx_result mx_take_hosts(struct mx *mx, const struct mx_us *us, const char *domain,
                             const struct resolver_answer *answer, uint64_t chance);
void mx_take_addresses(struct mx *mx, size_t host, enum dns_type type,
                       const struct resolver_answer *answer);
/* The name to be asked for TLSA; false: there is no need, since DNSSEC does not prove that this is
 * the host and these are its addresses (RFC 7672 2.2). */
bool mx_wants_tlsa(const struct mx *mx, const struct mx_us *us, size_t host,
                   char name[MX_TLSA_NAME_SIZE]);
/* -1: out of memory; the host then counts as one of which nothing is known. Afterwards
 * mx_wants_tlsa() is asked again: where the host is an alias, what it leads to is asked for first,
 * and then the name itself (RFC 7672 2.2.2). */
int mx_take_tlsa(struct mx *mx, size_t host, const struct resolver_answer *answer);
/* What was taken from answers is freed. */
void mx_release(struct mx *mx);
enum mx_result mx_targets(struct mx *mx, const struct mx_us *us, const char *domain,
                          struct targets *targets);
/* A domain that is an address literal, "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321 4.1.3): no
 * DNS is needed for it. False when it is none. */
bool mx_is_literal(const char *domain);
enum mx_result mx_literal(struct mx *mx, const struct mx_us *us, const char *domain,
                          struct targets *targets);

#endif
