/*
 * schema: the journal's tables, and the statements that write to them. Another layout is another
 * JOURNAL_SCHEMA_VERSION (db.h) and a way from the old one to it.
 */
#ifndef POTERNE_JOURNAL_SCHEMA_H
#define POTERNE_JOURNAL_SCHEMA_H

#include <sqlite3.h>

#include "base/err.h"

enum store_statement {
    STORE_BEGIN,
    STORE_COMMIT,
    STORE_MESSAGE,
    STORE_RECIPIENT,
    STORE_OUTCOME,
    STORE_REFUSED,
    STORE_DOOM,
    STORE_DOOM_ORPHANS,
    STORE_DOOM_ACCEPTED,
    STORE_DROP_ACCEPTED,
    STORE_DROP_OUTCOMES,
    STORE_DROP_RECIPIENTS,
    STORE_DROP_MESSAGES,
    STORE_DROP_DOOMED,
    STORE_DROP_REFUSALS,
    STORE_SWEPT,
    STORE_ACCEPTED,
    STORE_AUDIT,
    STORE_DROP_LATER_AUDITS,
    STORE_DROP_AUDITS,
    STORE_CLOSED,
    STORE_REOPENED,
    STORE_DROP_CLOSED,
    /* tally.c: the same for each kind of tally, kind by kind */
    STORE_DMARC_FIND,
    STORE_DMARC_COUNT,
    STORE_DMARC_ADD,
    STORE_DMARC_DROP,
    STORE_TLS_FIND,
    STORE_TLS_COUNT,
    STORE_TLS_ADD,
    STORE_TLS_DROP,
    STORE_ROOM_USE,
    STORE_ROOM_LOST,
    STORE_ROOM_SUM,
    STORE_ROOM_DROP,
    STORE_ROOM_DROP_DAY,
    STORE_EVIDENCE,
    STORE_FEEDBACK,
    STORE_FEEDBACK_ROW,
    STORE_FEEDBACK_TLS_ROW,
    STORE_FEEDBACK_GROWN,
    STORE_FEEDBACK_DROP_ROWS,
    STORE_FEEDBACK_DROP_TLS_ROWS,
    STORE_FEEDBACK_DROP,
    STORE_STATEMENTS
};

/* SQL: as many recipients of OF.id were heard of as were accepted; at least one. Those that were
 * not tried yet have no row. Schema 5 and later. */
#define SCHEMA_ALL_TOLD(OF)                                                                        \
    "(SELECT count(*) FROM recipient r WHERE r.id = " OF ".id) >= max(1, coalesce("                \
    "(SELECT n FROM accepted x WHERE x.id = " OF ".id), 1))"

/* SQL: something of OF.id is to be done, or not all of it was heard of. */
#define SCHEMA_IS_OPEN(OF)                                                                         \
    "(EXISTS (SELECT 1 FROM recipient o WHERE o.id = " OF ".id AND o.state NOT IN (2, 5, 6, 7))"   \
    " OR NOT (" SCHEMA_ALL_TOLD(OF) "))"

extern const char schema_settings[]; /* of the writer's connection */
extern const char schema_create[];   /* version 1 */
extern const char schema_tally[];    /* from version 1 to 2 */
extern const char schema_feedback[]; /* from version 2 to 3 */
extern const char schema_signers[];  /* from version 3 to 4 */
extern const char schema_accepted[]; /* from version 4 to 5 */
extern const char schema_closed[];   /* from version 5 to 6 */
extern const char *const schema_statements[STORE_STATEMENTS];

/* All tables, as this poterne has them, out of those that there are; path is for err. */
int schema_make(sqlite3 *db, const char *path, struct err *err);

#endif
