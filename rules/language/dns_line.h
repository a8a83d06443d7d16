/*
 * dns_line: what a uridnsbl, urirhsbl, urinsrhsbl, urifullnsrhsbl (each with its …sub) or askdns
 * line says about a rule. rules/network/ asks by it.
 */
#ifndef POTERNE_RULES_LANGUAGE_DNS_LINE_H
#define POTERNE_RULES_LANGUAGE_DNS_LINE_H

#include "rules/language/answer.h"

#define DNS_LINE_NAME_MAX 1000 /* bytes of a zone, or of askdns' template */

enum dns_line_kind {
    DNS_LINE_DOMAINS,       /* urirhsbl: domains of links in the zone */
    DNS_LINE_ADDRESSES,     /* uridnsbl: their addresses, or those of their name servers */
    DNS_LINE_SERVERS,       /* urinsrhsbl: registered domains of their name servers */
    DNS_LINE_SERVERS_WHOLE, /* urifullnsrhsbl: names of their name servers */
    DNS_LINE_ASK,           /* askdns: a name made of a template */
};

/* Types of records, as bits. */
enum dns_line_type {
    DNS_LINE_A = 1 << 0,
    DNS_LINE_AAAA = 1 << 1,
    DNS_LINE_MX = 1 << 2,
    DNS_LINE_NS = 1 << 3,
    DNS_LINE_PTR = 1 << 4,
    DNS_LINE_TXT = 1 << 5,
    /* "ANY" stands for these: servers need not answer more to it (RFC 8482) */
    DNS_LINE_ALL = DNS_LINE_A | DNS_LINE_AAAA | DNS_LINE_MX | DNS_LINE_NS | DNS_LINE_TXT,
};

struct dns_line {
    enum dns_line_kind kind;
    struct str name; /* the zone without its last dot, or the template */
    unsigned types;
    struct answer answer;
    const char *file;
    unsigned line;
};

#endif
