/*
 * frozen: mail of accounts that may send nothing for now (gate/senders.h), and who becomes such an
 * account.
 *
 * What an account brought while it could (envelope.account) waits in the queue while it is frozen:
 * that is looked at before a leg stands in a line, again before it is tried, and when its time
 * would be over, since time does not pass for what waits so. `poterne queue` says why it waits. It
 * goes on within FROZEN_LOOK_SECONDS of the thaw, or begins to at once where delivery is told
 * (NOTICE_THAWED). It waits in the queue and not in quarantine: much of it is the owner's own, and
 * goes on by itself then. What a manager does not want to go can be moved to quarantine
 * (NOTICE_SET_ASIDE), where he looks at it, releases or deletes it; what was released goes, frozen
 * or not, since a person has decided that. Where it can't be known whether an account is frozen,
 * its mail waits likewise.
 *
 * Counted as bounces (gate/bounces.h) are recipients in domains of others whose server said 5xx to
 * them or to the message, and those whose domain takes no mail at all. Both what says that there is
 * no such mailbox (stolen passwords meet old lists) and what says that the mail is not wanted
 * (5.7.x, 554: it is how spam looks from outside): a thief whose list is good is seen by the
 * second alone. Not counted are full mailboxes and messages too large, which say nothing of who
 * sends; what we ourselves refuse to try; what was tried for too long; and next hops of our own
 * domains, where a mistake of the settings would freeze everybody. Bounces that come back as mail
 * are not counted.
 */
#ifndef POTERNE_GATEWAY_DELIVERY_FROZEN_H
#define POTERNE_GATEWAY_DELIVERY_FROZEN_H

#include "gateway/delivery/delivery.h"

#define FROZEN_LOOK_SECONDS 30
/* How the text begins with which they wait: a sender who reads it is told the policy's code. */
#define FROZEN_STATUS "4.7.1 the account that sent it "

/* The job has just been read, and has its legs: those that waited so before a restart do. */
void frozen_adopt(struct job *job);
/* True: the leg, which is in no line, may not go now; its recipients were told why, and it is
 * looked at again in a while. The job may be gone then. */
bool frozen_waits(struct leg *leg);
/* Is it frozen? For a leg whose time is over. */
bool frozen_is(const struct leg *leg);

/* The job is new here: whom it is sent to is counted. */
void frozen_note_sent(const struct job *job);
/* What became of a recipient for good: likewise. */
void frozen_note_result(struct job *job, uint32_t index, bool refused, struct str text);

/* How long it has waited so until now, in microseconds. */
int64_t frozen_time(const struct job *job, int64_t now_us);

/* An account was thawed: what waits for that goes on, DELIVERY_ROUND messages at a time. How many
 * there are. */
int frozen_thawed(struct delivery *delivery, struct str account);
/* What a frozen account has in the queue goes to quarantine, but for what is on its way: of
 * DELIVERY_ROUND messages at a time, so that others have their turn. How many messages, or -1; 0:
 * there is no more. */
int frozen_set_aside(struct delivery *delivery, struct str account, struct str why,
                     struct err *err);

#endif
