/*
 * pipeline: the content step on one message, in the order in which it happens:
 *
 *   raw ─► MIME ─► text ─┬─► one round of questions ─► SPF, DKIM, ARC, DMARC
 *                        ├─► features ─► model   pass 2
 *                        ├─► rules    pass 1, which can look at the signatures and at pass 2
 *                        └─► edits    what delivery will change in the header
 *
 * Used by the content process and, on files, by `poterne check`. A pipeline is opened once (rules
 * and model are read from files), shared after fork, and then needs no file and no network.
 */
#ifndef POTERNE_GATEWAY_PIPELINE_H
#define POTERNE_GATEWAY_PIPELINE_H

#include "bayes/bayes.h"
#include "gateway/scan.h"
#include "gateway/zones.h"
#include "rules/rules.h"
#include "sender/dns_file.h"
#include "sender/dns_memo.h"
#include "sender/sender.h"

/* Memory for one message beside its own bytes: 20 MB of mail decode into less than this. */
#define PIPELINE_POOL_MAX ((size_t)512 * 1024 * 1024)

/* Messages of each class that must have been learned until rules can look at pass 2 (check_bayes):
 * what SpamAssassin wants of its own. What pass 2 adds to the verdict grows from the first on. */
#define PIPELINE_TRAINED_MIN 200

struct pipeline {
    const struct conf *conf;
    struct ruleset *rules;
    struct rules_scratch *scratch; /* one process, one message at a time */
    struct zones *zones;           /* as scratch */
    struct model *model;           /* NULL: pass 1 decides alone */
    struct known *known;           /* NULL: nobody is known */
    struct sender_policy senders;
    struct dkim_checker *dkim; /* NULL: signatures are not checked */
    struct dns_file *keys;     /* of the settings; NULL: none are kept by hand */
    unsigned mistakes;         /* in rule files; each was logged */
};

struct pipeline_result {
    struct message *message;
    struct mail_text *text;
    const struct scan_request *envelope;
    bool asked; /* there was a DNS to ask */
    struct sender_facts sender;
    struct dns_memo_count dns;
    struct features features;
    struct rules_result rules;
    struct bayes_result bayes;
};

/* dns: there will be one to ask. A missing or damaged model is logged and done without; missing
 * rules are an error. */
int pipeline_open(struct pipeline *pipeline, const struct conf *conf, bool dns, struct err *err);
void pipeline_close(struct pipeline *pipeline);

/* The current model; NULL where there is none yet, or bayes is not enabled. */
int pipeline_open_model(const struct conf *conf, struct model **model, struct err *err);
/* Whether a model of so many messages counts as trained. */
bool pipeline_is_trained(uint64_t spam, uint64_t ham);
/* Which of a rule's four scores counts: with network where there is a DNS or a file in its stead,
 * with learning where the model (may be NULL) is trained. */
unsigned pipeline_score_set(const struct conf *conf, bool dns, const struct model *model);

/* What must be known from the DNS is asked of `dns`, about the sender the file sender.keys where
 * there is one; what has neither (dns is dns_source_none) is not checked. raw must stay until the
 * pool is emptied. 1: questions were put off (dns->put_off), and there is no result: run it again
 * when they are answered. -1: out of memory, or larger than the limits allow. */
int pipeline_run(const struct pipeline *pipeline, const struct scan_request *envelope,
                 struct str raw, const struct dns_source *dns, struct pool *pool,
                 struct pipeline_result *result, struct err *err);

/* What edge needs of it; evidence is left out here (gateway/evidence.h). */
int pipeline_facts(const struct pipeline *pipeline, const struct pipeline_result *result,
                   struct pool *pool, struct content_facts *facts, struct err *err);

#endif
