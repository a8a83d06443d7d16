/*
 * read: a report taken apart, in a process of its own (reader.h): originals, who they are, what can
 * be learned of each; an answer to a digest; the polite answer where nothing can be learned.
 */
#ifndef POTERNE_GATEWAY_REPORTS_READ_H
#define POTERNE_GATEWAY_REPORTS_READ_H

#include "gateway/reports/request.h"
#include "reports/answer.h"
#include "reports/key.h"

struct read_job {
    const struct conf *conf;
    struct report_request request;
    const struct keys *keys;
    const struct answer_times *times;
    struct str own_text;   /* of the answer; empty: ours */
    const char *answer_id; /* of the mail that the answer would be */
    int64_t now;           /* seconds since 1970 */
};

#define READ_POOL_MAX   ((size_t)512 * 1024 * 1024) /* for a report, and again for one original */
#define READ_MEMORY_MAX (3 * READ_POOL_MAX)

/* What a reader runs: data is a struct read_job, fd the file; findings.h in result. */
int report_read(void *data, int fd, struct buf *result, struct err *err);

#endif
