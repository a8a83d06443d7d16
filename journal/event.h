/*
 * event: what the processes tell the journal. One message an event over a lasting connection;
 * the journal answers `u64 number` once everything up to that event is committed. Who needs the
 * journal's word (delivery, before it unlinks a file) keeps the event until then and sends it again
 * on a new connection; every event can be applied twice without harm.
 */
#ifndef POTERNE_JOURNAL_EVENT_H
#define POTERNE_JOURNAL_EVENT_H

#include "base/recipient.h"
#include "base/wire.h"

/* Longer texts are cut and larger evidence is left out, so that an event fits in a message of
 * base/ipc.h whatever mail made it. */
#define EVENT_TEXT_MAX     4096
#define EVENT_EVIDENCE_MAX (64 * 1024)

enum event_kind {
    EVENT_REFUSED = 1,
    EVENT_MESSAGE = 2,
    EVENT_RECIPIENT = 3,
    EVENT_TLS = 4,
    EVENT_FEEDBACK = 5,
    EVENT_TLS_FEEDBACK = 6,
    EVENT_ACCEPTED = 7,
    EVENT_AUDIT = 8,
    EVENT_CLOSED = 9
};

/* A recipient, a message or a client turned away in SMTP. */
struct event_refused {
    int64_t time_us;    /* since 1970 */
    struct str id;      /* of the message, or empty before there was one */
    struct str session; /* groups the refusals of one session */
    struct str client_ip, client_name, helo;
    struct str sender, recipient; /* empty if not reached */
    struct str stage;             /* "connect" "helo" "mail" "rcpt" "data" "content" */
    uint32_t code;                /* 550 */
    struct str enhanced;          /* "5.1.1" */
    struct str text;
    struct str evidence; /* JSON, when a verdict refused it; else empty */
};

/*
 * A 250, told by who says it, in the moment before it is said: the one word about a message that
 * does not come from where the message lies. What is told later is read out of the file by
 * delivery, so that a file that is gone before would be missed by nobody.
 *
 * It is told and not waited for: once it was sent it outlives the process that sent it (it lies in
 * the journal's socket), and a journal that dies is told again by a process that lives. Both dying
 * within the journal's 50 ms, or the machine, loses this word, but not the message, which was
 * fsync'd: a file without this event is owed as any other. What audit looks for is the other way
 * round: this event, and neither file nor outcome. An fsync of it before the reply would cost each
 * message one, and prove more only where a power cut takes a file that was fsync'd.
 */
struct event_accepted {
    struct str id;
    int64_t time_us; /* of the 250 */
    struct str sender;
    uint32_t n;            /* recipients in the envelope, those redirected to among them */
    struct str recipients; /* their addresses in its order, LF between them; as many as fit */
    uint64_t size;
    bool held; /* committed to quarantine/ */
};

/* How an audit ended (audit/audit.h). Told again with the same time it is not kept twice; one that
 * was told before and is later had a clock that was ahead, and goes. */
struct event_audit {
    int64_t time_us;      /* when it began */
    uint64_t duration_ms; /* that it took */
    uint64_t messages, recipients, findings;
    struct str failure; /* why it could not be done; empty: it was */
    struct str summary; /* JSON object: classes, findings by kind, some of them */
};

/* What somebody has looked into: an audit does not count it as a finding any more. */
struct event_closed {
    int64_t time_us;
    struct str id;      /* as the finding names it: a message, or a file */
    struct str finding; /* its kind, finding_name() */
    struct str why;     /* by whom, and why */
    bool reopened;      /* it is taken back */
};

/* What is known of a message that 250 was said for. Applied twice: the first one counts. */
struct event_message {
    struct str id;
    int64_t time_us;
    struct str client_ip, client_name, helo;
    struct str sender;
    struct str subject; /* UTF-8, at most 200 bytes */
    struct str message_id;
    uint64_t size;
    struct str verdict; /* "ham" "spam" "infected" "unscannable" "banned" "forged" */
    double global, heuristics, bayes;
    struct str held;     /* reason, or empty */
    struct str evidence; /* JSON object */
};

/* What became of one recipient. A later one takes the place of an earlier one, but what is final
 * gives way only to what is final. */
struct event_recipient {
    struct str id;
    uint32_t index;     /* in the envelope */
    struct str address; /* as given at RCPT */
    struct str how;     /* what the directory said */
    enum recipient_state state;
    int64_t time_us;
    struct str relay;  /* where to */
    struct str detail; /* next hop's answer, or why */
};

/*
 * How a session with a server of another domain ended, as far as TLS goes (RFC 8460): one event for
 * each session and policy that was in force. Told by one process in the order of time, so that one
 * that comes twice is counted once. The journal keeps counts of a day (UTC), not the events.
 */
struct event_tls {
    int64_t time_us;
    struct str domain;      /* of the recipients, A-labels: whose policy it is */
    struct str policy_type; /* "tlsa" "sts" "no-policy-found" */
    struct str policy;      /* its lines (TLSA records; lines of the STS policy), LF between them */
    struct str mx_hosts;    /* the mx patterns of an STS policy, LF between them */
    struct str sending_ip;  /* ours */
    struct str receiving_ip;   /* the server's; empty: none was reached */
    struct str receiving_mx;   /* its name */
    struct str receiving_helo; /* what it calls itself; may be empty */
    struct str result;         /* empty: the session was secured as the policy asks; else
                                  one of RFC 8460 4.3, event_tls_failure() */
    struct str reason;         /* of a failure, for people: at most EVENT_TLS_REASON_MAX are kept */
};
#define EVENT_TLS_REASON_MAX 200
/* Is it a result type of RFC 8460 4.3? */
bool event_tls_failure(struct str result);

/* A report that somebody sent us about domains of ours. */
struct event_report {
    int64_t time_us;    /* when it came */
    struct str message; /* id of the mail that it came in */
    struct str org, email, report_id;
    uint64_t digest;   /* of the whole report */
    struct str signer; /* who sent it, as DKIM proves: an organization's domain; empty: nobody */
    int64_t begin_s, end_s;
};

/*
 * One record of a DMARC aggregate report. Told again, or in a report with the same maker, signer
 * and id, it is not counted again; a different report with the same ones (another digest) is not
 * taken at all.
 */
struct event_feedback {
    struct event_report report;
    struct str domain, policy;
    uint32_t index; /* of the record */
    uint64_t n;     /* messages */
    struct str source_ip, disposition, dkim, spf, override, header_from, envelope_from, results;
};

/* Likewise of a TLS report (RFC 8460): sessions of one policy that ended alike. */
struct event_tls_feedback {
    struct event_report report;
    struct str domain; /* the policy's */
    uint32_t index;
    uint64_t n;                     /* sessions */
    struct str policy_type, result; /* result: empty: they were secured */
    struct str sending_ip, receiving_mx, receiving_ip, reason;
};

void event_refused_put(struct buf *out, uint64_t number, const struct event_refused *event);
void event_message_put(struct buf *out, uint64_t number, const struct event_message *event);
void event_recipient_put(struct buf *out, uint64_t number, const struct event_recipient *event);
void event_tls_put(struct buf *out, uint64_t number, const struct event_tls *event);
void event_feedback_put(struct buf *out, uint64_t number, const struct event_feedback *event);
void event_tls_feedback_put(struct buf *out, uint64_t number,
                            const struct event_tls_feedback *event);
void event_accepted_put(struct buf *out, uint64_t number, const struct event_accepted *event);
void event_audit_put(struct buf *out, uint64_t number, const struct event_audit *event);
void event_closed_put(struct buf *out, uint64_t number, const struct event_closed *event);

struct event {
    uint64_t number;
    enum event_kind kind;
    union {
        struct event_refused refused;
        struct event_message message;
        struct event_recipient recipient;
        struct event_tls tls;
        struct event_feedback feedback;
        struct event_tls_feedback tls_feedback;
        struct event_accepted accepted;
        struct event_audit audit;
        struct event_closed closed;
    };
};
/* The texts point into the message. false: malformed (the number is right if it was there) */
bool event_get(struct str message, struct event *event);

void event_ack_put(struct buf *out, uint64_t number);
bool event_ack_get(struct str message, uint64_t *number);

#endif
