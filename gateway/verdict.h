/*
 * verdict: the decision about a message: a pure function of facts and policy. It reads no clock, no
 * file and no global, so that it can be replayed.
 */
#ifndef POTERNE_GATEWAY_VERDICT_H
#define POTERNE_GATEWAY_VERDICT_H

#include "gateway/scan.h"
#include "reports/key.h"

enum verdict_class {
    VERDICT_HAM,
    VERDICT_SPAM,
    VERDICT_INFECTED,
    VERDICT_UNSCANNABLE,
    VERDICT_BANNED, /* by the file policy, whose rule names the action */
    VERDICT_FORGED, /* by the policy of the domain that it says to be from (DMARC) */
};
enum verdict_action { VERDICT_DELIVER, VERDICT_QUARANTINE, VERDICT_REJECT, VERDICT_DEFER };

struct verdict_facts {
    const struct content_facts *content; /* NULL: content gave no answer */
    const struct av_answer *answers;
    size_t n_answers;
    bool antivirus_failed; /* no process gave an answer: each engine has failed, or none is named */
    double listed;    /* points of the DNS lists that hold the client; below 0: it is allowed … */
    struct str lists; /* … as tests: "LIST_NAME=1.0,LIST_OTHER=-2.0" */
    enum conf_dmarc dmarc; /* what is done at most, as all recipients' domains say */
    bool
        ours; /* what our own people send (gate/ours.h): it is neither tagged nor judged by DMARC */
};

struct verdict {
    enum verdict_class class;
    enum verdict_action action;
    double global, heuristics, bayes; /* the mission's sign: spam is what is not above 0 */
    bool tag;                         /* Subject gets the prefix */
    char reason[AV_NAME_MAX + 64];    /* why it was not simply delivered */
};

void verdict_decide(const struct verdict_facts *facts, const struct conf *conf,
                    struct verdict *verdict);
/*
 * The message is a report, which goes to no mailbox: what is attached to it is what it is about. It
 * is not tagged, nor held or refused for what was found in it; what could not be examined now is
 * deferred like any other.
 */
void verdict_let_report_in(struct verdict *verdict);
const char *verdict_class_name(enum verdict_class class);

/* The header lines that we add on top: X-Spam-*, X-Poterne-*, the id signed with the first of the
 * keys (reports/signature.h). -1: it could not be signed. */
int verdict_headers(const struct verdict *verdict, const struct verdict_facts *facts,
                    const struct conf *conf, const struct keys *keys, struct str id,
                    struct buf *out, struct err *err);

#endif
