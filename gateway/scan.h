/*
 * scan: what edge asks content and antivirus about a message, and what they answer. Each is one
 * request on a connection of its own (base/ipc.h) with one descriptor: the file, read-only, the
 * message standing at `offset`. content gets a second one where the DNS is asked: a connection to
 * the resolver (gateway/resolver/protocol.h) whose first message edge has sent.
 *
 * content waits for no slow name server. It answers SCAN_WAITS then: what it asked, and how many
 * answers are to come over that connection. Edge takes them, and asks content again, any of its
 * workers, with a third descriptor: a file of all that is known so far (gateway/resolver/known.h).
 */
#ifndef POTERNE_GATEWAY_SCAN_H
#define POTERNE_GATEWAY_SCAN_H

#include "antivirus/engine.h"
#include "base/ipc.h"
#include "base/wire.h"
#include "mail/edit.h"
#include "reports/fingerprint.h"
#include "sender/dmarc_record.h"

struct scan_request {
    struct str id;
    uint64_t offset;
    uint64_t size;
    struct str client_ip, client_name, helo;
    struct str sender;
};

void scan_request_put(struct buf *out, const struct scan_request *request);
bool scan_request_get(struct str message, struct scan_request *request);
/* For who is asked: the request and its message, appended to raw, whose maximum is set to its size.
 * -1: malformed, above size_limit, or not to be read. */
int scan_request_read(struct str message, const struct ipc_fds *fds, uint64_t size_limit,
                      struct scan_request *request, struct buf *raw, struct err *err);

/* The first byte of content's answer. */
enum scan_answer { SCAN_FACTS = 1, SCAN_WAITS = 2 };

#define SCAN_EVIDENCE_MAX (48 * 1024)

#define DELIVERED_TO_MAX   50 /* fields; as many hops as a message may have (headers_hops_limit) */
#define DELIVERED_TO_BYTES (16 * 1024)

/* What pass 1 and pass 2 found; texts point into the message (get) or live in a pool (made). */
struct content_facts {
    double heuristics; /* required - sum of rule scores */
    double bayes;      /* bits */
    double required;
    bool bayes_used;
    struct str tests; /* "HTML_HIDDEN=2.1,SHORT_URL=1.8" for X-Spam-Status */
    struct str rules_generation;
    uint64_t model_generation;
    struct str subject, message_id;
    uint32_t received_hops;    /* Received fields */
    struct str delivered_to;   /* values of the Delivered-To fields, a line each */
    bool delivered_to_cut;     /* there were more than DELIVERED_TO_MAX, or longer ones */
    bool tls_waived;           /* TLS-Required: No (RFC 8689 3) */
    struct str authentication; /* Authentication-Results line with CR LF; may be empty */
    enum dmarc_policy dmarc;   /* what the author's domain asks for, as the message fails DMARC */
    struct str dmarc_domain;
    struct str vouching; /* the domain that vouches for the client (sender/spf.h: a narrow pass);
                            empty: none */
    struct str evidence; /* JSON object: rules, bayes, structure */
    bool fingerprinted;  /* false: none was made, and the id can't be signed */
    struct fingerprint fingerprint;
    struct edits edits;  /* always: our own header fields removed */
    struct edits tagged; /* the same with the subject tagged */
};

/* u8 SCAN_WAITS, u32 open, str fresh: records of known.h. The text points into the message. */
void scan_waits_put(struct buf *out, size_t open, struct str fresh);
bool scan_waits_get(struct str message, uint32_t *open, struct str *fresh);

void content_facts_put(struct buf *out, const struct content_facts *facts);
bool content_facts_get(struct str message, struct pool *pool, struct content_facts *facts);

void av_answers_put(struct buf *out, const struct av_answer *answers, size_t n);
bool av_answers_get(struct str message, struct av_answer *answers, size_t *n);

/* What is not clean, a line each. */
void av_answers_log(struct str id, const struct av_answer *answers, size_t n);

enum av_speaker { AV_SPEAKER_ANTIVIRUS, AV_SPEAKER_AVLINK };

/*
 * Adds what one process replied to the *n answers of `all` (room for AV_ENGINES_MAX): of avlink
 * only what the outside scanners of the settings say, of antivirus only what others say, so that
 * neither can speak for the other's engines. False: the reply can't be read, nothing is added.
 */
bool av_answers_add(const struct conf_antivirus *conf, enum av_speaker speaker, struct str reply,
                    struct av_answer *all, size_t *n);

/*
 * Brings the answers of several processes (AV_ENGINES_MAX at most in all) into the order of
 * antivirus.engines: an engine that is configured and gave none has failed. Returns how many there
 * are in `out` (room for AV_ENGINES_MAX).
 */
size_t av_answers_order(const struct conf_antivirus *conf, const struct av_answer *answers,
                        size_t n, struct av_answer *out);

#endif
