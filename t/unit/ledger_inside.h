/* What a ledger has in its records: for tests that look further than ledger.h lets them. */
#ifndef POTERNE_T_UNIT_LEDGER_INSIDE_H
#define POTERNE_T_UNIT_LEDGER_INSIDE_H

#include "t/unit/ledger_world.h"

#include "bayes/ledger/record.h"

/* The sum of the steps that message i took, its own and those that others had it take again. */
static inline int32_t step_of(struct ledger *ledger, uint64_t i)
{
    struct err err;
    struct record record;
    struct buf room = BUF_INIT(RECORD_MAX);
    assert_int_equal(ledger_record_get(ledger, NULL, spread(i), &room, &record, &err), 1);
    buf_release(&room);
    return record.head.gram_step;
}

static inline bool may_be_rehearsed(const struct ledger *ledger, uint64_t i, enum learn_class class)
{
    return rehearsal_find(ledger->rehearsal, class, spread(i)) != REHEARSAL_NONE;
}

#endif
