/*
 * request: a report on its way from delivery to the process `reports`: one request on a connection
 * of its own to RUN_DIR/reports.sock, with a read-only descriptor of its file in the spool. The
 * verbs of tools on the same socket (reports/ask.h) are others.
 *
 *   u8 REPORT_REQUEST, str id, str address, str sender, str client_ip, u64 offset, u64 size,
 *   str evidence
 *   answer: u8 outcome, str text
 *
 * Delivery asks again after a crash; what was learned or kept already changes nothing then.
 */
#ifndef POTERNE_GATEWAY_REPORTS_REQUEST_H
#define POTERNE_GATEWAY_REPORTS_REQUEST_H

#include "base/wire.h"

#define REPORT_SOCKET  "reports"
#define REPORT_REQUEST 1

struct report_request {
    struct str id;
    struct str address; /* the report address, as given at RCPT */
    struct str sender;  /* of the envelope; empty: the null sender */
    struct str client_ip;
    uint64_t offset, size; /* of the message in the file */
    struct str evidence;   /* JSON: what was found out when it came in */
};

enum report_outcome {
    REPORT_DONE,  /* text: what became of it */
    REPORT_LATER, /* text: why not now */
    REPORT_NEVER  /* text: why trying again would not help */
};

struct report_reply {
    enum report_outcome outcome;
    struct str text;
};

void report_request_put(struct buf *out, const struct report_request *request);
/* Texts point into the message; false when malformed. */
bool report_request_get(struct str message, struct report_request *request);
void report_reply_put(struct buf *out, const struct report_reply *reply);
bool report_reply_get(struct str message, struct report_reply *reply);

#endif
