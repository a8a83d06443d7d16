/*
 * learn_orders: what an administrator asks beside teaching: publish, roll back, export, import,
 * compare. As all of learn_client.h it goes to the running learner, or is done here where none
 * runs.
 * 0 or -1; *summary is filled either way (learn_client.h).
 */
#ifndef POTERNE_BAYES_LEARN_LEARN_ORDERS_H
#define POTERNE_BAYES_LEARN_LEARN_ORDERS_H

#include "bayes/learn/learn_client.h"
#include "bayes/ledger/export.h"
#include "bayes/publish/guard.h"

/* summary->refused says why the former model stays, if so. */
int order_publish(struct learn_client *client, enum learn_publish how,
                  struct learn_summary *summary, struct err *err);
/* to 0: the last one that has proved itself. */
int order_rollback(struct learn_client *client, uint64_t to, struct learn_summary *summary,
                   struct err *err);

/* fd is a plain file, at its beginning; path is for messages. */
int order_export(struct learn_client *client, int fd, const char *path,
                 struct learn_summary *summary, struct err *err);
int order_import(struct learn_client *client, int fd, const char *path,
                 struct import_summary *imported, struct learn_summary *summary, struct err *err);

/* What two kept generations make of the held-out mail. */
int order_compare(struct learn_client *client, uint64_t before, uint64_t after,
                  struct guard_report *report, struct err *err);

/* As they travel. */
void guard_report_put(struct buf *out, const struct guard_report *report);
bool guard_report_get(struct str text, struct guard_report *report);
void import_summary_put(struct buf *out, const struct import_summary *summary);
bool import_summary_get(struct str text, struct import_summary *summary);

#endif
