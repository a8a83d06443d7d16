#include "bayes/ledger/ledger.h"

int ledger_ask(struct ledger *ledger, enum learn_class class, const uint64_t *digests, size_t n,
               char *answers, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        enum learn_class now = LEARN_FORGET;
        if (ledger_message(ledger, digests[i], &now, err) < 0)
            return -1;
        answers[i] = now == class ? LEARN_ASK_YES : LEARN_ASK_NO;
    }
    return 0;
}
