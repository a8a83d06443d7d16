/*
 * scan: has a message looked at by content, antivirus and (where an outside scanner is configured)
 * avlink at once (gateway/scan.h), each on a connection of its own. So many at a time, but for
 * those that only wait for the DNS; the others wait in a line that is fair between clients and
 * bounded. Whatever becomes of it, `done` is called once, unless it is cancelled; never from within
 * scan_start().
 */
#ifndef POTERNE_GATEWAY_EDGE_SCAN_H
#define POTERNE_GATEWAY_EDGE_SCAN_H

#include <event2/event.h>

#include "gateway/edge/line.h"
#include "gateway/scan.h"

enum scan_step { SCAN_CONTENT, SCAN_ANTIVIRUS, SCAN_AVLINK, SCAN_STEPS };

enum step_result {
    STEP_NONE,     /* not asked: no engine is configured */
    STEP_ANSWERED, /* reply holds it */
    STEP_DIED,     /* the worker went away without an answer */
    STEP_FAILED    /* could not be asked, or no answer in time */
};

enum scan_result {
    SCAN_DONE,      /* look at the steps */
    SCAN_BUSY,      /* no place in the line, or too long in it */
    SCAN_NO_MEMORY, /* not begun */
};

struct scan_outcome {
    enum scan_result result;
    struct {
        enum step_result result;
        struct str reply; /* lives until scan_free() */
    } steps[SCAN_STEPS];
};

typedef void scan_done(void *data, const struct scan_outcome *outcome);

struct scanner;
struct scan;

struct scanner *scanner_open(struct event_base *base, const struct conf *conf, struct err *err);
/* Only when no scan is left. */
void scanner_close(struct scanner **scanner);
/* The request's texts are not kept; fd becomes the scan's, which closes it. NULL: out of memory
 * (fd is closed). */
struct scan *scan_start(struct scanner *scanner, struct line_queue *queue,
                        const struct scan_request *request, int fd, scan_done *done, void *data);
/* The read-only descriptor of the message; valid until scan_free(). */
int scan_fd(const struct scan *scan);
/* Ends it, whatever its state: `done` will not be called any more. */
void scan_free(struct scanner *scanner, struct scan **scan);
/* Messages that a step has answered since the start. */
uint64_t scanner_answered(const struct scanner *scanner, enum scan_step step);
/* Once a second. */
void scanner_tick(struct scanner *scanner);

#endif
