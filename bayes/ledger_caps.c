#include "bayes/ledger_db.h"

void ledger_policy_set(struct ledger *ledger, const struct ledger_policy *policy)
{
    ledger->policy = *policy;
}

struct ledger_policy ledger_policy_of(const struct conf *conf)
{
    const struct conf_bayes *bayes = &conf->bayes;
    return (struct ledger_policy){bayes->reporter_share, bayes->day_share, bayes->campaign_share,
                                  bayes->hold_out};
}

const char *ledger_cap_text(enum ledger_cap cap)
{
    switch (cap) {
    case LEDGER_CAP_REPORTER:
        return "this reporter has taught as large a share as one may (bayes.reporter_share)";
    case LEDGER_CAP_DAY:
        return "the reports of this day have taught as large a share as those of one day may "
               "(bayes.day_share)";
    case LEDGER_CAP_CAMPAIGN:
        return "messages nearly identical to this one have taught as large a share as they may "
               "(bayes.campaign_share)";
    case LEDGER_CAP_NONE:
        break;
    }
    return "";
}

enum learn_answer ledger_answer(enum learn_result result)
{
    switch (result) {
    case LEARN_DONE:
        return LEARN_ANSWER_DONE;
    case LEARN_KNOWN:
        return LEARN_ANSWER_KNOWN;
    case LEARN_CAPPED:
        return LEARN_ANSWER_CAPPED;
    case LEARN_FAILED:
        break;
    }
    return LEARN_ANSWER_FAILED;
}
