/*
 * feedback: reports about a day that others send to reports.dmarc (DMARC aggregate reports) and
 * reports.tls (RFC 8460), in two steps, each in a process of its own (reader.h): one takes the mail
 * apart and has no way to anybody; the other tells the journal, and reads nothing but what the
 * first found.
 */
#ifndef POTERNE_GATEWAY_REPORTS_FEEDBACK_H
#define POTERNE_GATEWAY_REPORTS_FEEDBACK_H

#include "gateway/reports/read.h"

#define FEEDBACK_FOUND_MAX    ((size_t)48 * 1024 * 1024) /* bytes between the two */
#define FEEDBACK_FILES_MAX    20                         /* of a mail, and of a zip file */
#define FEEDBACK_TELL_SECONDS 45

/* The first step: data is a struct read_job. Result: a text for the journal, then records. -1:
 * there is no report in it that can be read; err says why. */
int feedback_read(void *data, int fd, struct buf *result, struct err *err);

struct feedback_telling {
    const struct conf *conf;
    struct buf found; /* what the first step found */
};
/* The second one: data is a struct feedback_telling. 0 when the journal has committed all. */
int feedback_tell(void *data, int fd, struct buf *result, struct err *err);
/* The text of what was found; empty: it makes no sense. */
struct str feedback_text(struct str found);

#endif
