/*
 * network: rules that ask the DNS, made ready: what each asks for, and what of an answer it wants
 * (DNSEval.pm, URIDNSBL.pm, AskDNS.pm of SpamAssassin 4.0.1). For rules/ only.
 */
#ifndef POTERNE_RULES_NETWORK_NETWORK_H
#define POTERNE_RULES_NETWORK_NETWORK_H

#include "rules/language/book.h"
#include "rules/network/naming.h"

#define NETWORK_NONE UINT32_MAX

/* Where the names come from that a rule asks for. */
enum network_source {
    NETWORK_RELAYS,           /* check_rbl, check_rbl_txt: addresses that the message came from */
    NETWORK_ACCREDITED,       /* check_rbl_accreditor: the same, where the message names somebody */
    NETWORK_FIRST_HOP,        /* check_rbl_rcvd: address and names in the oldest Received */
    NETWORK_FROM_HOSTS,       /* check_rbl_from_host */
    NETWORK_FROM_DOMAINS,     /* check_rbl_from_domain */
    NETWORK_ENVELOPE_HOST,    /* check_rbl_envfrom */
    NETWORK_ENVELOPE_SERVERS, /* check_rbl_ns_from: name servers of the sender's domain */
    NETWORK_FIELDS,           /* check_rbl_headers */
    NETWORK_SENDER,           /* check_dns_sender: has the sender's domain a host at all? */
    NETWORK_SAME_SET,         /* check_rbl_sub: looks at what others of its set asked for */
    NETWORK_LINKS,            /* check_uridnsbl: as the rule's line says */
    NETWORK_TEMPLATE,         /* askdns */
};

struct network_rule {
    uint32_t number; /* in the set of rules */
    enum network_source source;
    enum dns_line_kind links; /* NETWORK_LINKS */
    unsigned types;           /* of records, as bits: enum dns_line_type */
    struct str set;           /* what check_rbl's kind calls it, and check_rbl_sub asks by */
    struct str zone;          /* without a last dot; "": none */
    struct str argument;      /* of check_rbl_headers: fields; of check_rbl_accreditor: who */
    struct naming naming;     /* NETWORK_TEMPLATE */
    struct answer answer;
    struct regex *regex; /* ANSWER_PATTERN */
    double worth;        /* what may depend on it, at most: who is asked first */
    bool nice, ips_only, domains_only, whole_host, of_hosts, of_servers; /* tflags */
    uint32_t first; /* the first rule of NETWORK_SAME_SET with the same set; NETWORK_NONE */
    uint32_t next;  /* NETWORK_SAME_SET: one more of them */
};

struct network_rules {
    struct network_rule *rules;
    size_t n, cap;
};

struct ruleset;

/* Is it a call of one of these functions? */
bool network_is_call(struct str test);
/* Adds the rule, of RULE_ASKDNS, or of RULE_EVAL with such a call. 0 with err->text: it can never
 * hit, which is no mistake. -1 with err: a mistake is in it. */
int network_add(struct ruleset *set, uint32_t number, const struct definition *definition,
                struct err *err);
/* When all rules and metas are there: who looks at whose answers, and what each is worth. -1: no
 * memory. */
int network_finish(struct ruleset *set, struct err *err);
void network_release(struct network_rules *network);

/* What a call of check_rbl's kind says of its set. */
struct network_set {
    struct str name; /* .s NULL: it is no such call, or a mistake is in it */
    bool only_looks; /* check_rbl_sub: asks nothing itself */
};
struct network_set network_set_of(struct pool *pool, struct str test);

#endif
