/* What an import brought: the ledger's own (ledger/export.h) and that of other filters' dumps
 * (import.h), which is made into an import of the ledger's first. */
#ifndef POTERNE_BAYES_TRANSFER_IMPORT_SUMMARY_H
#define POTERNE_BAYES_TRANSFER_IMPORT_SUMMARY_H

#include <stdbool.h>
#include <stdint.h>

enum import_format { IMPORT_POTERNE, IMPORT_SPAMASSASSIN, IMPORT_BOGOFILTER };

struct import_summary {
    enum import_format format;
    uint64_t spam; /* messages */
    uint64_t ham;
    uint64_t tokens;  /* taken over */
    uint64_t dropped; /* that have no counterpart here */
};

#endif
