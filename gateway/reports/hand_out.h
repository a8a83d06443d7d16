/*
 * hand_out: a report about a day goes to those whom its domain names: as a mail into our queue, or
 * posted to an HTTPS server (RFC 8460 3, 5.4). What became of each is noted (tally/sent.h): a mail
 * is made once at most; what a server does not take is tried again, with growing pauses, for a day
 * (5.5), which may bring it the same report, with the same id, twice.
 */
#ifndef POTERNE_GATEWAY_REPORTS_HAND_OUT_H
#define POTERNE_GATEWAY_REPORTS_HAND_OUT_H

#include "gateway/outgoing.h"
#include "tally/rua.h"
#include "tally/shares.h"

#define HAND_OUT_POST_MS     20000 /* for one server to take a report */
#define HAND_OUT_FIRST_PAUSE 900   /* seconds until the second try; then as long as it was tried */
#define HAND_OUT_SECONDS     86400 /* … and so long it is */

struct hand_out {
    const struct tally_maker *maker;
    const struct post *post;
    const char *run_dir;
    struct shares shares; /* of the day and kind at hand */
    int64_t now_s;        /* since 1970 */
    int64_t post_until;   /* monotonic ms: then no server is asked any more, for now */
    bool at_once;         /* a manager asks for it: no pause counts */
    bool waits;           /* set: somebody did not take it yet */
};

struct handed {
    const struct tally_subject *subject;
    struct str gzip; /* the report */
};

/* To each that is named. -1: what is done can't be noted. */
int hand_out(struct hand_out *h, const struct handed *what, const struct rua_list *list,
             const struct sent_book *book, struct err *err);
/* What waits of a line of SENT_WAITING; whom the domain does not name any more gets none. */
int hand_out_again(struct hand_out *h, const struct handed *what, const struct rua_list *list,
                   struct str detail, const struct sent_book *book, struct err *err);
/* Whether anything of such a line is due. */
bool hand_out_due(const struct hand_out *h, struct str detail);

#endif
