#include "gateway/pipeline.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>

#include "base/fsio.h"
#include "base/log.h"
#include "base/score.h"
#include "bayes/features/known.h"
#include "gateway/received.h"
#include "sender/authres.h"

#define RECEIVED_MAX       4096
#define TESTS_MAX          (16 * 1024)
#define AUTHENTICATION_MAX (8 * 1024)

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

unsigned pipeline_score_set(const struct conf *conf, const struct model *model)
{
    return (conf->sender.keys ? RULES_SCORE_NET : 0) | (is_trained(model) ? RULES_SCORE_LEARN : 0);
}

static int open_senders(struct pipeline *pipeline, const struct conf *conf, struct err *err)
{
    const struct conf_sender *sender = &conf->sender;
    pipeline->senders =
        (struct sender_policy){.spf = sender->spf, .dkim = sender->dkim, .dmarc = sender->dmarc};
    if (sender->keys && !(pipeline->keys = dns_file_read(sender->keys, err)))
        return -1;
    if (sender->dkim && !(pipeline->dkim = dkim_checker_new(&dkim_policy_default, err)))
        return -1;
    return 0;
}

int pipeline_open(struct pipeline *pipeline, const struct conf *conf, struct err *err)
{
    *pipeline = (struct pipeline){.conf = conf};
    if (mail_preload(err) < 0 || fingerprint_load(err) < 0)
        return -1;
    open_model(pipeline, conf);
    open_known(pipeline, conf);
    const struct ruleset_options options = {.score_set = pipeline_score_set(conf, pipeline->model)};
    pipeline->rules = ruleset_load_with(&options, conf->spam.rules.items, conf->spam.rules.n,
                                        report_mistake, pipeline, err);
    if (pipeline->rules)
        pipeline->scratch = rules_scratch_new(pipeline->rules, err);
    if (pipeline->scratch == NULL || open_senders(pipeline, conf, err) < 0) {
        pipeline_close(pipeline);
        return -1;
    }
    return 0;
}

void pipeline_close(struct pipeline *pipeline)
{
    rules_scratch_free(&pipeline->scratch);
    ruleset_free(&pipeline->rules);
    model_close(&pipeline->model);
    known_close(&pipeline->known);
    dkim_checker_free(&pipeline->dkim);
    dns_file_free(&pipeline->keys);
}

/* Who is the sender? All that is known beforehand to be asked goes in one round. */
static int check_sender(const struct pipeline *pipeline, const struct scan_request *envelope,
                        struct str raw, const struct dns_source *dns, struct pool *pool,
                        struct pipeline_result *result, struct err *err)
{
    struct dns_query questions[DNS_QUESTIONS_MAX];
    size_t n = 0;
    const struct sender_input input = {
        .raw = raw,
        .message = result->message,
        .envelope = {.client_ip = envelope->client_ip,
                     .helo = envelope->helo,
                     .sender = envelope->sender,
                     .hostname = str_of(pipeline->conf->hostname),
                     .now = (int64_t)time(NULL)},
    };
    if (sender_questions(&pipeline->senders, &input, pool, &result->sender, questions, &n,
                         DNS_QUESTIONS_MAX, err) < 0)
        return -1;
    dns->ask(dns->data, pool, questions, n);
    return sender_check(&pipeline->senders, pipeline->dkim, &input, dns, pool, &result->sender,
                        err);
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

static int run_rules(const struct pipeline *pipeline, const struct scan_request *envelope,
                     struct pool *pool, struct pipeline_result *result, struct err *err)
{
    struct rules_signature signatures[DKIM_SIGNATURES_MAX];
    const struct rules_network network = network_of(&result->sender, signatures);
    int64_t now = (int64_t)time(NULL);
    struct str received;
    if (own_received(pipeline, envelope, now, pool, &received, err) < 0)
        return -1;
    const struct rules_input input = {.message = result->message,
                                      .text = result->text,
                                      .envelope_from = envelope->sender,
                                      .client_ip = envelope->client_ip,
                                      .client_name = envelope->client_name,
                                      .helo = envelope->helo,
                                      .received = received,
                                      .network = result->asked ? &network : NULL,
                                      .now = now,
                                      .bayes_known =
                                          result->bayes.used && is_trained(pipeline->model),
                                      .bayes = result->bayes.probability};
    return ruleset_run(pipeline->rules, pipeline->scratch, &input, pool, &result->rules, err);
}

int pipeline_run(const struct pipeline *pipeline, const struct scan_request *envelope,
                 struct str raw, const struct dns_source *dns, struct pool *pool,
                 struct pipeline_result *result, struct err *err)
{
    *result = (struct pipeline_result){.envelope = envelope};
    if (message_parse(pool, raw, &mail_limits_default, &result->message, err) < 0)
        return -1;
    if (mail_text_make(pool, result->message, &result->text, err) < 0)
        return -1;
    const struct dns_source file = dns_file_source(pipeline->keys);
    if (pipeline->keys)
        dns = &file;
    struct dns_memo *memo = dns_memo_new(pool, dns);
    if (!memo)
        return err_set(err, "out of memory");
    const struct dns_source source = dns_memo_source(memo);
    result->asked = dns != &dns_source_none;
    if (result->asked && check_sender(pipeline, envelope, raw, &source, pool, result, err) < 0)
        return -1;
    if (classify(pipeline, pool, result, err) < 0)
        return -1;
    if (run_rules(pipeline, envelope, pool, result, err) < 0)
        return -1;
    result->dns = dns_memo_count(memo);
    return 0;
}

static struct str tests_of(const struct rules_result *rules, struct pool *pool)
{
    struct buf out = BUF_INIT(TESTS_MAX);
    for (size_t i = 0; i < rules->n_hits; i++)
        buf_addf(&out, "%s%s=%.1f", i ? "," : "", rules->hits[i].name, rules->hits[i].score);
    struct str tests = pool_str(pool, buf_str(&out));
    buf_release(&out);
    return tests;
}

static uint32_t count_received(const struct message *message)
{
    uint32_t n = 0;
    size_t from = 0;
    while (part_header(message->root, STR("Received"), &from))
        n++;
    return n;
}

/* A header's text cut to what the journal keeps, on a character's border. */
static struct str short_text(struct str x, size_t max)
{
    if (x.n <= max)
        return x;
    while (max && ((unsigned char)x.s[max] & 0xc0) == 0x80)
        max--;
    return str_sub(x, 0, max);
}

/* Empty where nothing was checked. */
static struct str authentication_of(const struct pipeline *pipeline,
                                    const struct pipeline_result *result, struct pool *pool)
{
    const struct scan_request *envelope = result->envelope;
    const struct sender_facts *sender = &result->sender;
    struct buf out = BUF_INIT(AUTHENTICATION_MAX);
    if (!result->asked)
        return STR_EMPTY;
    authres_begin(&out, str_of(pipeline->conf->hostname));
    if (envelope->client_name.n > 0)
        authres_iprev(&out, envelope->client_ip, envelope->client_name);
    if (sender->spf_checked)
        authres_spf(&out, &sender->spf, envelope->sender, envelope->helo);
    if (sender->dkim_checked)
        authres_dkim(&out, &sender->dkim);
    if (sender->dmarc_checked)
        authres_dmarc(&out, &sender->dmarc);
    authres_end(&out);
    struct str field = buf_ok(&out) ? pool_str(pool, buf_str(&out)) : STR_EMPTY;
    buf_release(&out);
    return field;
}

/* What only we may write goes, and so does what claims to be our word about the sender. */
static int header_edits(const struct pipeline *pipeline, const struct pipeline_result *result,
                        struct str tag, struct pool *pool, struct edits *edits, struct err *err)
{
    if (edits_make(pool, result->message, tag, edits, err) < 0)
        return -1;
    return authres_remove(pool, result->message, str_of(pipeline->conf->hostname), edits, err);
}

#define SUBJECT_KEPT    200
#define MESSAGE_ID_KEPT 250

int pipeline_facts(const struct pipeline *pipeline, const struct pipeline_result *result,
                   struct pool *pool, struct content_facts *facts, struct err *err)
{
    const struct conf_spam *spam = &pipeline->conf->spam;
    const struct header *id = message_header(result->message, STR("Message-ID"));
    *facts = (struct content_facts){
        .heuristics = score_round(spam->required - result->rules.total),
        .bayes = bayes_points(&result->bayes),
        .bayes_used = result->bayes.used,
        .required = spam->required,
        .tests = tests_of(&result->rules, pool),
        .rules_generation = str_of(ruleset_generation(pipeline->rules)),
        .model_generation = pipeline->model ? model_generation(pipeline->model) : 0,
        .subject = short_text(result->text->subject, SUBJECT_KEPT),
        .message_id = id ? short_text(header_unfold(pool, id), MESSAGE_ID_KEPT) : STR_EMPTY,
        .received_hops = count_received(result->message),
        .authentication = authentication_of(pipeline, result, pool),
        .dmarc = result->sender.dmarc.applied,
        .dmarc_domain = result->sender.dmarc.domain,
    };
    if (fingerprint_make(pool, result->message, str_of(spam->subject_tag), &facts->fingerprint,
                         err) < 0)
        return -1;
    facts->fingerprinted = true;
    if (header_edits(pipeline, result, STR_EMPTY, pool, &facts->edits, err) < 0)
        return -1;
    return header_edits(pipeline, result, str_of(spam->subject_tag), pool, &facts->tagged, err);
}
