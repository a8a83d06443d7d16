/* Publishing with what is expected of it: shared by the tests of what goes live. */
#ifndef POTERNE_T_UNIT_PUBLISH_WORLD_H
#define POTERNE_T_UNIT_PUBLISH_WORLD_H

#include "t/unit/tap.h"

#include "bayes/publish/publish.h"

static inline struct generation publish(struct ledger *ledger, enum learn_publish how,
                                        enum publish_result expected)
{
    struct generation made;
    struct err err = {""};
    enum publish_result result = publish_model(ledger, how, &made, &err);
    if (result != expected)
        fail_msg("%d instead of %d: %s %s", result, expected, err.text, made.why);
    return made;
}

#endif
