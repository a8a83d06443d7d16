#include "gateway/reports/decide.h"

bool report_class(const struct report_case *c, enum learn_class *class)
{
    *class = LEARN_SPAM;
    if (c->address == REPORT_ADDRESS_SPAM)
        return true;
    if (c->address == REPORT_ADDRESS_EITHER && c->judged == MARKED_HAM)
        return true;
    /* who sends an abuse report says what it is about; elsewhere the address does */
    if (c->address == REPORT_ADDRESS_EITHER && c->judged == MARKED_NOT &&
        c->feedback == FEEDBACK_SPAM)
        return true;
    *class = LEARN_HAM;
    if (c->address == REPORT_ADDRESS_HAM)
        return true;
    if (c->address != REPORT_ADDRESS_EITHER)
        return false;
    return c->judged == MARKED_SPAM || (c->judged == MARKED_NOT && c->feedback == FEEDBACK_HAM);
}

enum report_action report_decide(const struct report_case *c, enum learn_class *class)
{
    if (c->identity == IDENTITY_FORGED)
        return ACTION_REFUSE;
    if (!report_class(c, class))
        return ACTION_UNCLEAR;
    return c->manager && c->identity != IDENTITY_ALTERED ? ACTION_LEARN : ACTION_PROPOSE;
}
