/*
 * ledger_salvage: what can still be read of a database environment that was set aside as damaged.
 * It reads without an environment, record by record, and goes around pages that can't be read.
 */
#ifndef POTERNE_BAYES_LEDGER_SALVAGE_H
#define POTERNE_BAYES_LEDGER_SALVAGE_H

#include "bayes/ledger/record.h"

/* Brings what only the logs have into messages.db, held.db, totals.db and rehearsal.db of the
 * folder; other databases are moved to NAME.unread for that, and those that can't be helped. False
 * when the logs are of no use. */
bool salvage_logs(const char *folder);

struct salvage {
    bool opened;
    uint64_t records; /* that `each` took */
    uint64_t gaps;    /* places where records may be missing */
};

/* Each record of FOLDER/name whose key is key_size bytes and that can be read. A result of `each`
 * below 0 ends it and is returned. */
int salvage_walk(const char *folder, const char *name, size_t key_size,
                 int (*each)(void *data, const uint8_t *key, struct str value, struct err *err),
                 void *data, struct salvage *salvage, struct err *err);

#endif
