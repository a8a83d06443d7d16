/*
 * patient: a source of answers for who has time: it waits for each, until the resolver gives it up
 * itself. For a process that serves nobody meanwhile.
 */
#ifndef POTERNE_GATEWAY_RESOLVER_PATIENT_H
#define POTERNE_GATEWAY_RESOLVER_PATIENT_H

#include "gateway/resolver/protocol.h"

#define PATIENT_MS 12000 /* for an answer: longer than the resolver takes for any question */

struct patient {
    int fd; /* -1: the resolver is away, and all is DNS_TEMP_FAILED */
    uint32_t number;
    struct buf message;
};

/* Never fails: without a resolver nobody knows anything. */
void patient_open(struct patient *patient, const char *run_dir);
struct dns_source patient_source(struct patient *patient);
void patient_close(struct patient *patient);

#endif
