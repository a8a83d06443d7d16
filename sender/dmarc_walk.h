/*
 * dmarc_walk: the records on the way from a domain up the DNS tree, and the organization that they
 * say it belongs to (RFC 9989 4.10).
 */
#ifndef POTERNE_SENDER_DMARC_WALK_H
#define POTERNE_SENDER_DMARC_WALK_H

#include "sender/dmarc_record.h"
#include "sender/dns.h"

#define DMARC_WALK_MAX 8 /* look-ups for one domain */

struct dmarc_step {
    struct str domain;
    bool found;
    struct dmarc_record record;
};

struct dmarc_walk {
    struct str domain; /* where it starts */
    struct dmarc_step steps[DMARC_WALK_MAX];
    size_t n;                /* up to the one that ends it */
    bool own_failed, failed; /* the DNS did not answer: for the domain itself, for any */
};

/* The names under which records are asked for. */
size_t dmarc_walk_names(struct str domain, struct pool *pool, struct str names[DMARC_WALK_MAX]);

/* All in one round. domain: normal form, at most DNS_NAME_MAX bytes. */
void dmarc_walk(struct dmarc_walk *walk, struct str domain, const struct dns_source *dns,
                struct pool *pool);

/* A view of the walk's domain. */
struct str dmarc_walk_organization(const struct dmarc_walk *walk);

/* The record whose policy holds for the domain: its own, its organization's, or that of the public
 * suffix above; NULL: there is none. */
const struct dmarc_step *dmarc_walk_policy(const struct dmarc_walk *walk);

#endif
