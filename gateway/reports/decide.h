/*
 * decide: what becomes of one original of a report: a pure function of what is known of it.
 *
 *   forged                                    refused, whoever reports it
 *   the direction can't be known              not learned; the reporter is told how it would be
 *   a manager's, genuine or without our id    learned at once
 *   a manager's, altered on the way           waits: a person has to look at it
 *   everybody else's                          waits
 */
#ifndef POTERNE_GATEWAY_REPORTS_DECIDE_H
#define POTERNE_GATEWAY_REPORTS_DECIDE_H

#include "bayes/learn/learn.h"
#include "directory/report.h"
#include "reports/identity.h"
#include "reports/originals.h"

struct report_case {
    enum report_address address; /* that it was sent to */
    enum feedback feedback;      /* what an abuse report says of its message */
    enum identity_kind identity;
    enum marked judged; /* what we said of the message when it came through */
    bool manager;       /* certainly */
};

enum report_action { ACTION_REFUSE, ACTION_UNCLEAR, ACTION_LEARN, ACTION_PROPOSE };

/* What does the report say that the message is? False: it can't be known. */
bool report_class(const struct report_case *c, enum learn_class *class);
/* *class is set for ACTION_LEARN and ACTION_PROPOSE. */
enum report_action report_decide(const struct report_case *c, enum learn_class *class);

#endif
