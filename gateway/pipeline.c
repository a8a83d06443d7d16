#include "gateway/pipeline.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>

#include "base/algorithms.h"
#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"
#include "bayes/features/known.h"
#include "gateway/received.h"

#define RECEIVED_MAX 4096

static void report_mistake(void *data, const char *file, unsigned line, const char *what)
{
    struct pipeline *pipeline = data;
    pipeline->mistakes++;
    log_warning("%s:%u: %s", file, line, what);
}

int pipeline_open_model(const struct conf *conf, struct model **model, struct err *err)
{
    char path[PATH_MAX];
    *model = NULL;
    if (!conf->bayes.enabled)
        return 0;
    if (fsio_join(path, sizeof path, conf->state_dir, "bayes/current", err) < 0)
        return -1;
    *model = model_open_path(path, err);
    return *model || errno == ENOENT ? 0 : -1;
}

static void open_model(struct pipeline *pipeline, const struct conf *conf)
{
    struct err err = {""};
    if (pipeline_open_model(conf, &pipeline->model, &err) < 0)
        log_error("%s; pass 1 decides alone; a reload of the gateway makes it anew", err.text);
    else if (pipeline->model == NULL && conf->bayes.enabled)
        log_info("no model yet: pass 1 decides alone until something was learned");
}

/* Whom the own users write to; without it their mail is as any other. */
static void open_known(struct pipeline *pipeline, const struct conf *conf)
{
    struct err err = {""};
    if (conf->bayes.enabled && known_open_state(conf, &pipeline->known, &err) < 0)
        log_error("%s; nobody is known", err.text);
}

bool pipeline_is_trained(uint64_t spam, uint64_t ham)
{
    return spam >= PIPELINE_TRAINED_MIN && ham >= PIPELINE_TRAINED_MIN;
}

static bool is_trained(const struct model *model)
{
    return model && pipeline_is_trained(model_spam(model), model_ham(model));
}

unsigned pipeline_score_set(const struct conf *conf, bool dns, const struct model *model)
{
    return (dns || conf->sender.keys ? RULES_SCORE_NET : 0) |
           (is_trained(model) ? RULES_SCORE_LEARN : 0);
}

static int open_senders(struct pipeline *pipeline, const struct conf *conf, struct err *err)
{
    const struct conf_sender *sender = &conf->sender;
    pipeline->senders = (struct sender_policy){
        .spf = sender->spf,
        .dkim = sender->dkim,
        .dmarc = sender->dmarc,
        .arc = sender->arc,
        .trusted = sender->trusted_sealers.items,
        .n_trusted = sender->trusted_sealers.n,
    };
    if (sender->arc && arc_preload(err) < 0)
        return -1;
    if (sender->keys && !(pipeline->keys = dns_file_read(sender->keys, err)))
        return -1;
    if (sender->dkim && !(pipeline->dkim = dkim_checker_new(&dkim_policy_default, err)))
        return -1;
    return 0;
}

int pipeline_open(struct pipeline *pipeline, const struct conf *conf, bool dns, struct err *err)
{
    *pipeline = (struct pipeline){.conf = conf};
    if (algorithms_load(err) < 0 || mail_preload(err) < 0 || fingerprint_load(err) < 0)
        return -1;
    open_model(pipeline, conf);
    open_known(pipeline, conf);
    const struct ruleset_options options = {.score_set =
                                                pipeline_score_set(conf, dns, pipeline->model)};
    pipeline->rules = ruleset_load_with(&options, conf->spam.rules.items, conf->spam.rules.n,
                                        report_mistake, pipeline, err);
    if (pipeline->rules)
        pipeline->scratch = rules_scratch_new(pipeline->rules, err);
    if (pipeline->scratch && !(pipeline->zones = zones_new(pipeline->rules)))
        err_set(err, "out of memory");
    if (pipeline->zones == NULL || open_senders(pipeline, conf, err) < 0) {
        pipeline_close(pipeline);
        return -1;
    }
    return 0;
}

void pipeline_close(struct pipeline *pipeline)
{
    zones_free(&pipeline->zones);
    rules_scratch_free(&pipeline->scratch);
    ruleset_free(&pipeline->rules);
    model_close(&pipeline->model);
    known_close(&pipeline->known);
    dkim_checker_free(&pipeline->dkim);
    dns_file_free(&pipeline->keys);
}

/* As edge will write it, for rules that look at the way a message came. .s NULL: it comes out of a
 * file, with the Received of whoever took it. */
static int own_received(const struct pipeline *pipeline, const struct scan_request *envelope,
                        int64_t now, struct pool *pool, struct str *field, struct err *err)
{
    struct buf lines = BUF_INIT(RECEIVED_MAX);
    const struct received hop = {
        .helo = envelope->helo,
        .client_name = envelope->client_name,
        .client_ip = envelope->client_ip,
        .hostname = str_of(pipeline->conf->hostname),
        .protocol = STR("ESMTP"),
        .time = now,
    };
    *field = STR_EMPTY;
    if (envelope->client_ip.n == 0)
        return 0;
    received_put(&lines, &hop, "\n");
    if (buf_ok(&lines))
        *field = pool_str(pool, buf_str(&lines));
    buf_release(&lines);
    return field->s ? 0 : err_set(err, "no room for our Received field");
}

/* As rules call it: the policy of a domain that the message fails; empty: not known. */
static struct str dmarc_word(const struct sender_facts *sender)
{
    if (!sender->dmarc_checked)
        return STR_EMPTY;
    switch (sender->dmarc.result) {
    case DMARC_PASS:
        return STR("pass");
    case DMARC_FAIL:
        return str_of(dmarc_policy_name(sender->dmarc.applied));
    case DMARC_NONE:
        return STR("missing");
    case DMARC_TEMPERROR:
        return STR("temperror");
    case DMARC_PERMERROR:
        break;
    }
    return STR_EMPTY;
}

/* What was found out about the sender, as rules ask for it. `list` has room for all signatures. */
static struct rules_network network_of(const struct sender_facts *sender,
                                       struct rules_signature *list)
{
    struct rules_network network = {
        .signatures = list,
        .dkim_asked = sender->dkim_checked,
        .spf_asked = sender->spf_checked,
        .dmarc = dmarc_word(sender),
    };
    if (sender->spf_checked) {
        network.spf = str_of(spf_result_name(sender->spf.result));
        network.spf_helo = str_of(spf_result_name(sender->helo.result));
    }
    for (size_t i = 0; i < sender->dkim.n; i++) {
        const struct dkim_signature *s = &sender->dkim.list[i];
        if (s->domain.n == 0 || s->selector.n == 0) /* no signature that could be read */
            continue;
        list[network.n_signatures++] = (struct rules_signature){
            .domain = s->domain,
            .pass = s->result == DKIM_PASS,
            .testing = s->testing,
            .unknown = s->result == DKIM_TEMPERROR,
        };
    }
    if (sender->arc_checked && sender->arc.result != ARC_NONE && sender->arc.n > 0)
        list[network.n_signatures++] = (struct rules_signature){
            .domain = sender->arc.hops[sender->arc.n - 1].sealer,
            .pass = sender->arc.result == ARC_PASS,
            .unknown = sender->arc.result == ARC_TEMPERROR,
            .arc = true,
        };
    return network;
}

static int classify(const struct pipeline *pipeline, struct pool *pool,
                    struct pipeline_result *result, struct err *err)
{
    if (pipeline->model == NULL)
        return 0;
    if (features_extract(pool, result->message, result->text, pipeline->known, &result->features,
                         err) < 0)
        return -1;
    return bayes_classify(pipeline->model, &result->features, pool, &result->bayes, err);
}

/* --- one message --- */

/* Whom each step asks. */
struct askers {
    const struct dns_source *dns;
    struct dns_memo *memo;
    struct dns_source remembered;             /* the DNS, through the memo */
    struct dns_source file;                   /* sender.keys */
    const struct dns_source *senders, *rules; /* NULL: nobody */
};

static int open_askers(const struct pipeline *pipeline, const struct dns_source *dns,
                       struct pool *pool, struct askers *askers, struct err *err)
{
    *askers = (struct askers){.dns = dns, .memo = dns_memo_new(pool, dns)};
    if (!askers->memo)
        return err_set(err, "out of memory");
    askers->remembered = dns_memo_source(askers->memo);
    askers->file = dns_file_source(pipeline->keys);
    askers->rules = dns_source_is_none(dns) ? NULL : &askers->remembered;
    askers->senders = pipeline->keys ? &askers->file : askers->rules;
    return 0;
}

static bool put_off(const struct askers *askers)
{
    return askers->dns->put_off && *askers->dns->put_off;
}

static int input_for_rules(const struct pipeline *pipeline, const struct pipeline_result *result,
                           int64_t now, struct pool *pool, struct rules_input *input,
                           struct err *err)
{
    const struct scan_request *envelope = result->envelope;
    *input = (struct rules_input){
        .message = result->message,
        .text = result->text,
        .envelope_from = envelope->sender,
        .client_ip = envelope->client_ip,
        .client_name = envelope->client_name,
        .helo = envelope->helo,
        .now = now,
    };
    return own_received(pipeline, envelope, now, pool, &input->received, err);
}

/* All that is known beforehand to be asked for, by whatever step, goes in one round. */
static int ask_ahead(const struct pipeline *pipeline, const struct sender_input *sender,
                     const struct askers *askers, struct pool *pool, struct pipeline_result *result,
                     struct rules_input *input, struct err *err)
{
    struct dns_query queries[DNS_QUESTIONS_MAX];
    struct rules_questions rules = {.n = 0};
    size_t n = 0;
    if (askers->senders && sender_questions(&pipeline->senders, sender, pool, &result->sender,
                                            queries, &n, DNS_QUESTIONS_MAX, err) < 0)
        return -1;
    if (askers->rules &&
        rules_questions(pipeline->rules, pipeline->scratch, input, pool, &rules, err) < 0)
        return -1;
    input->prepared = rules.prepared;
    if (askers->senders != askers->rules) /* the file is no part of the round */
        n = 0;
    int64_t now = clock_seconds();
    if (askers->rules)
        zones_questions(pipeline->zones, now, pool, queries, &n, DNS_QUESTIONS_MAX);
    for (size_t i = 0; i < rules.n && n < DNS_QUESTIONS_MAX; i++)
        queries[n++] = rules.list[i];
    if (askers->rules) {
        askers->rules->ask(askers->rules->data, pool, queries, n);
        if (!put_off(askers))
            zones_take(pipeline->zones, now, pool, askers->rules);
    }
    return 0;
}

static int run_rules(const struct pipeline *pipeline, const struct askers *askers,
                     struct pool *pool, struct rules_input *input, struct pipeline_result *result,
                     struct err *err)
{
    struct rules_signature signatures[DKIM_SIGNATURES_MAX + 1]; /* and the chain of ARC */
    struct rules_network network = network_of(&result->sender, signatures);
    network.dns = askers->rules;
    network.zones_off = zones_off(pipeline->zones, &network.n_zones_off);
    input->network = result->asked ? &network : NULL;
    input->bayes_known = result->bayes.used && is_trained(pipeline->model);
    input->bayes = result->bayes.probability;
    int ran = ruleset_run(pipeline->rules, pipeline->scratch, input, pool, &result->rules, err);
    input->network = NULL; /* it ends here */
    return ran;
}

/* 1: something was put off; what could be asked beside it was. */
static int judge(const struct pipeline *pipeline, const struct sender_input *sender,
                 const struct askers *askers, struct pool *pool, struct pipeline_result *result,
                 struct err *err)
{
    struct rules_input input;
    result->asked = askers->senders != NULL;
    if (input_for_rules(pipeline, result, sender->envelope.now, pool, &input, err) < 0 ||
        ask_ahead(pipeline, sender, askers, pool, result, &input, err) < 0)
        return -1;
    if (put_off(askers))
        return 1;
    if (askers->senders && sender_check(&pipeline->senders, pipeline->dkim, sender, askers->senders,
                                        pool, &result->sender, err) < 0)
        return -1;
    if (put_off(askers))
        return 1;
    if (classify(pipeline, pool, result, err) < 0 ||
        run_rules(pipeline, askers, pool, &input, result, err) < 0)
        return -1;
    return put_off(askers) ? 1 : 0;
}

int pipeline_run(const struct pipeline *pipeline, const struct scan_request *envelope,
                 struct str raw, const struct dns_source *dns, struct pool *pool,
                 struct pipeline_result *result, struct err *err)
{
    struct askers askers;
    *result = (struct pipeline_result){.envelope = envelope};
    if (message_parse(pool, raw, &mail_limits_default, &result->message, err) < 0 ||
        mail_text_make(pool, result->message, &result->text, err) < 0 ||
        open_askers(pipeline, dns, pool, &askers, err) < 0)
        return -1;
    const struct sender_input sender = {
        .raw = raw,
        .message = result->message,
        .envelope = {.client_ip = envelope->client_ip,
                     .helo = envelope->helo,
                     .sender = envelope->sender,
                     .hostname = str_of(pipeline->conf->hostname),
                     .now = (int64_t)time(NULL)},
    };
    int judged = judge(pipeline, &sender, &askers, pool, result, err);
    result->dns = dns_memo_count(askers.memo);
    return judged;
}
