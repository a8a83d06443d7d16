/*
 * vouch: does the domain of the sender vouch for a client (SPF, sender/spf.h)? The evaluator waits
 * for nobody: what it lacks is noted, asked for, and it runs again, a few times and within
 * resolver.time_per_client. What is not known then is a no.
 */
#ifndef POTERNE_GATEWAY_EDGE_VOUCH_H
#define POTERNE_GATEWAY_EDGE_VOUCH_H

#include "base/conf.h"
#include "gateway/resolver/desk.h"
#include "sender/spf.h"

#define VOUCH_ROUNDS_MAX    14 /* SPF_LOOKUPS_MAX one behind the other, names and addresses */
#define VOUCH_QUESTIONS_MAX 80

struct vouch;
/* Calls `done` once, from the loop, unless vouch_free() comes first: `domain` passes, and what
 * matched was narrow (spf_answer); empty: nobody vouches. It lives during the call. The texts of
 * the request are copied. NULL: out of memory. */
struct vouch *vouch_ask(struct event_base *base, const struct conf *conf, struct dns_desk *desk,
                        const struct spf_request *request,
                        void (*done)(void *data, struct str domain), void *data);
void vouch_free(struct vouch **vouch);

#endif
