#include "gateway/evidence_content.h"

#include "base/ascii.h"

json_t *evidence_rules(const struct pipeline *pipeline, const struct rules_result *rules)
{
    json_t *list = json_array();
    for (size_t i = 0; i < rules->n_hits; i++) {
        const struct rule_hit *hit = &rules->hits[i];
        const char *describe = ruleset_describe(pipeline->rules, hit->name);
        json_t *row = json_pack("{s:s, s:f, s:o, s:i}", "name", hit->name, "score", hit->score,
                                "text", evidence_text(hit->text), "times", (int)hit->times);
        if (describe)
            json_object_set_new(row, "describe", evidence_text(str_of(describe)));
        json_array_append_new(list, row);
    }
    return list;
}

/* The first of the rules whose truth hangs on answers that did not come, and of those questions:
 * {"rules", "questions": ["NAME TYPE"]} */
static json_t *evidence_unknown(const struct rules_result *rules)
{
    json_t *names = json_array(), *questions = json_array();
    for (size_t i = 0; i < rules->n_unknown && i < RULES_UNANSWERED_MAX; i++)
        json_array_append_new(names, json_string(rules->unknown[i]));
    for (size_t i = 0; i < rules->n_unanswered && i < RULES_UNANSWERED_MAX; i++) {
        const struct dns_query *query = &rules->unanswered[i];
        json_array_append_new(questions, json_sprintf("%.*s %s", STR_ARG(query->name),
                                                      dns_type_name(query->type)));
    }
    return json_pack("{s:o, s:o}", "rules", names, "questions", questions);
}

json_t *evidence_bayes(const struct bayes_result *bayes)
{
    json_t *tokens = json_array();
    for (size_t i = 0; i < bayes->n_tokens; i++) {
        const struct bayes_token *t = &bayes->tokens[i];
        json_array_append_new(tokens,
                              json_pack("{s:o, s:f, s:I, s:I}", "text", evidence_text(t->text),
                                        "probability", t->probability, "spam", (json_int_t)t->spam,
                                        "ham", (json_int_t)t->ham));
    }
    return json_pack("{s:b, s:f, s:o}", "used", (int)bayes->used, "probability", bayes->probability,
                     "tokens", tokens);
}

/* A host name out of mail, no longer than one can be; of what is none '?' is kept, so that nobody
 * fills the evidence with what takes many bytes to write. */
static json_t *evidence_name(struct str name)
{
    char clean[DNS_NAME_MAX];
    name = str_sub(name, 0, sizeof clean);
    for (size_t i = 0; i < name.n; i++)
        clean[i] = ascii_is_word(name.s[i]) || memchr("-.", name.s[i], 2) ? name.s[i] : '?';
    return json_stringn(clean, name.n);
}

/* [{"domain", "selector", "result", "reason", "testing", "partial"}] */
static json_t *evidence_dkim(const struct dkim_results *dkim)
{
    json_t *list = json_array();
    for (size_t i = 0; i < dkim->n; i++) {
        const struct dkim_signature *d = &dkim->list[i];
        json_array_append_new(list, json_pack("{s:o, s:o, s:s, s:o, s:b, s:b}", "domain",
                                              evidence_name(d->domain), "selector",
                                              evidence_name(d->selector), "result",
                                              dkim_result_name(d->result), "reason",
                                              evidence_text(d->reason), "testing", (int)d->testing,
                                              "partial", (int)d->partial));
    }
    return list;
}

/* {"result", "domain", "mechanism", "reason", "explanation"} */
static json_t *evidence_spf(const struct spf_answer *spf)
{
    return json_pack("{s:s, s:o, s:o, s:o, s:o}", "result", spf_result_name(spf->result), "domain",
                     evidence_name(spf->domain), "mechanism", evidence_text(spf->mechanism),
                     "reason", evidence_text(spf->reason), "explanation",
                     evidence_text(spf->explanation));
}

/* {"result", "domain", "record", "policy", "applied", "spf_aligned", "dkim_aligned", "reason"};
 * where the domain wants aggregate reports (the journal's tally.c reads these): "published", and
 * "vouched" by a trusted sealer */
static json_t *evidence_dmarc(const struct sender_facts *sender)
{
    const struct dmarc_answer *dmarc = &sender->dmarc;
    struct buf published = BUF_INIT(DMARC_PUBLISHED_MAX);
    json_t *object =
        json_pack("{s:s, s:o, s:o, s:s, s:s, s:b, s:b, s:o}", "result",
                  dmarc_result_name(dmarc->result), "domain", evidence_name(dmarc->domain),
                  "record", evidence_name(dmarc->record_domain), "policy",
                  dmarc_policy_name(dmarc->policy), "applied", dmarc_policy_name(dmarc->applied),
                  "spf_aligned", (int)dmarc->spf_aligned, "dkim_aligned", (int)dmarc->dkim_aligned,
                  "reason", evidence_text(dmarc->reason));
    if (object && dmarc->record_domain.n && dmarc->record.reports) {
        dmarc_record_put(&published, &dmarc->record);
        json_object_set_new(object, "published", evidence_text(buf_str(&published)));
        json_object_set_new(object, "vouched", json_boolean(sender->vouched));
    }
    buf_release(&published);
    return object;
}

/* {"result", "reason", "sealers": [of instance 1, …]} */
static json_t *evidence_arc(const struct arc_answer *arc)
{
    json_t *sealers = json_array();
    for (unsigned i = 0; i < arc->n; i++)
        json_array_append_new(sealers, evidence_name(arc->hops[i].sealer));
    return json_pack("{s:s, s:o, s:o}", "result", arc_result_name(arc->result), "reason",
                     evidence_text(arc->reason), "sealers", sealers);
}

/* Only what was checked: {"spf", "helo", "arc", "dmarc", "dns": {"rounds", "asked", "failed"}} */
static json_t *evidence_sender(const struct pipeline_result *result)
{
    const struct sender_facts *sender = &result->sender;
    json_t *object = json_object();
    if (sender->spf_checked) {
        json_object_set_new(object, "spf", evidence_spf(&sender->spf));
        json_object_set_new(object, "helo", evidence_spf(&sender->helo));
    }
    if (sender->arc_checked && sender->arc.result != ARC_NONE)
        json_object_set_new(object, "arc", evidence_arc(&sender->arc));
    if (sender->dmarc_checked)
        json_object_set_new(object, "dmarc", evidence_dmarc(sender));
    if (result->asked)
        json_object_set_new(object, "dns",
                            json_pack("{s:I, s:I, s:I}", "rounds", (json_int_t)result->dns.rounds,
                                      "asked", (json_int_t)result->dns.asked, "failed",
                                      (json_int_t)result->dns.failed));
    return object;
}

static json_t *content_object(const struct pipeline *pipeline, const struct pipeline_result *result,
                              bool with_rules)
{
    json_t *limited = json_array();
    for (size_t i = 0; i < result->rules.n_limited; i++)
        json_array_append_new(limited, json_string(result->rules.limited[i]));
    json_t *object =
        json_pack("{s:o, s:o, s:o, s:o, s:o, s:s, s:I, s:b}", "rules",
                  with_rules ? evidence_rules(pipeline, &result->rules) : json_array(), "limited",
                  limited, "bayes", evidence_bayes(&result->bayes), "dkim",
                  evidence_dkim(&result->sender.dkim), "sender", evidence_sender(result),
                  "rules_generation", ruleset_generation(pipeline->rules), "model_generation",
                  (json_int_t)(pipeline->model ? model_generation(pipeline->model) : 0),
                  "truncated", (int)result->rules.truncated);
    if (object && result->rules.n_unanswered)
        json_object_set_new(object, "unknown", evidence_unknown(&result->rules));
    return object;
}

int evidence_content(const struct pipeline *pipeline, const struct pipeline_result *result,
                     struct buf *out)
{
    size_t start = out->n;
    if (evidence_dump(content_object(pipeline, result, true), out) == 0 &&
        out->n - start <= SCAN_EVIDENCE_MAX)
        return 0;
    /* thousands of hits: X-Spam-Status still names them */
    out->failed = false;
    buf_cut(out, start);
    return evidence_dump(content_object(pipeline, result, false), out);
}
