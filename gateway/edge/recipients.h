/*
 * recipients: asks the directory process about recipients (directory/directory.h) over
 * one lasting connection. Every question gets exactly one answer, unless it is cancelled: when the
 * directory goes away what is open is asked once more if it comes back at once; when
 * it does not, or after RECIPIENTS_TIMEOUT, the answer is DIRECTORY_UNAVAILABLE.
 */
#ifndef POTERNE_GATEWAY_EDGE_RECIPIENTS_H
#define POTERNE_GATEWAY_EDGE_RECIPIENTS_H

#include <event2/event.h>

#include "directory/directory.h"

#define RECIPIENTS_TIMEOUT  10    /* seconds */
#define RECIPIENTS_OPEN_MAX 20000 /* questions open at once */

/* `asker` and `ticket` are those of the question. May come from within recipients_ask(). */
typedef void recipients_answered(void *asker, uint32_t ticket,
                                 const struct directory_answer *answer);

struct recipients_desk;
struct recipients_desk *recipients_open(struct event_base *base, const char *run_dir,
                                        recipients_answered *answered, struct err *err);
void recipients_close(struct recipients_desk **desk);
/* `sender` of the mail that is for it; empty: the null sender. */
void recipients_ask(struct recipients_desk *desk, void *asker, uint32_t ticket, struct str address,
                    struct str sender);
/* No answer comes for that asker any more. */
void recipients_cancel(struct recipients_desk *desk, const void *asker);
/* Once a second. */
void recipients_tick(struct recipients_desk *desk);

#endif
