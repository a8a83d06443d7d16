/*
 * order: a decision about many proposals, carried out piece by piece so that whoever does it can do
 * other things in between. proposals_order() (store.h) puts it on disk, as FOLDER/orders/N.order
 * with all its numbers, before anything of it is done; it goes when all is. So a crash loses no
 * decision: the order is begun again from its start, and what was done already stays as it is.
 *
 *   order_next(store, &order, &err);                      1: there is one, the oldest
 *   while (order_step(order, store, &err) == 0) …         other things in between
 *   order_free(&order);
 *
 * Two processes that carry out the same one at a time do no harm.
 */
#ifndef POTERNE_REPORTS_ORDER_H
#define POTERNE_REPORTS_ORDER_H

#include "reports/store.h"

#define ORDERS_DIR "orders" /* in the store's folder */
#define ORDERS_MAX 1000     /* that wait; then no more is taken */

struct order;

/* 1; 0: there is none; -1 with err. One that can't be read is set aside in FOLDER/damaged. */
int order_next(struct proposals *store, struct order **order, struct err *err);
/* Decides about PROPOSALS_AT_ONCE more. 1: that was the last, the order has gone; 0: there are
 * more; -1 with err: try this again later. */
int order_step(struct order *order, struct proposals *store, struct err *err);
void order_free(struct order **order);
/* Carries out all there are. */
int orders_finish(struct proposals *store, struct err *err);

struct order_progress {
    uint64_t order; /* its name */
    uint64_t n, at; /* proposals, and those that are behind */
    struct proposal_decided decided;
};
struct order_progress order_progress(const struct order *order);

#endif
