/* lists_answer: the answers of t/lib/Poterne/ListsServer.pm, without a network. */
#ifndef POTERNE_T_PARITY_LISTS_ANSWER_H
#define POTERNE_T_PARITY_LISTS_ANSWER_H

#include "sender/dns.h"

#define LISTS_MAX 100

struct lists {
    struct str zones[LISTS_MAX]; /* names below these are those of lists */
    size_t n;
    uint64_t asked;
};

struct dns_source lists_source(struct lists *lists);

#endif
