#include "base/score.h"
#include "gateway/pipeline.h"
#include "sender/authres.h"

#define TESTS_MAX          (16 * 1024)
#define AUTHENTICATION_MAX (32 * 1024) /* ten signatures, each name as long as it may be */

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

/* Who had it on its way here: a redirection that it comes back from is not done again. */
static void find_delivered_to(const struct message *message, struct pool *pool,
                              struct content_facts *facts)
{
    struct buf out = BUF_INIT(DELIVERED_TO_BYTES);
    const struct header *h;
    size_t from = 0, n = 0;
    while ((h = part_header(message->root, STR("Delivered-To"), &from)) && n++ < DELIVERED_TO_MAX) {
        buf_add(&out, str_trim(header_unfold(pool, h)));
        buf_addc(&out, '\n');
    }
    facts->delivered_to = buf_ok(&out) ? pool_str(pool, buf_str(&out)) : STR_EMPTY;
    facts->delivered_to_cut =
        h != NULL || !buf_ok(&out) || (out.n && facts->delivered_to.s == NULL);
    buf_release(&out);
}

/* The sender would rather have it go without proof of the server than not at all: the field stands
 * there once, and says No (RFC 8689 3). */
static bool waives_tls(const struct message *message, struct pool *pool)
{
    const struct str name = STR("TLS-Required");
    size_t from = 0;
    const struct header *h = part_header(message->root, name, &from);
    return h && str_ieq(str_trim(header_unfold(pool, h)), STR("No")) &&
           part_header(message->root, name, &from) == NULL;
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
    if (sender->arc_checked)
        authres_arc(&out, &sender->arc, envelope->client_ip);
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

static struct str vouching(const struct sender_facts *sender)
{
    bool does = sender->spf_checked && sender->spf.result == SPF_PASS && sender->spf.narrow;
    return does ? sender->spf.domain : STR_EMPTY;
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
        .vouching = vouching(&result->sender),
    };
    find_delivered_to(result->message, pool, facts);
    facts->tls_waived = waives_tls(result->message, pool);
    if (fingerprint_make(pool, result->message, str_of(spam->subject_tag), &facts->fingerprint,
                         err) < 0)
        return -1;
    facts->fingerprinted = true;
    if (header_edits(pipeline, result, STR_EMPTY, pool, &facts->edits, err) < 0)
        return -1;
    return header_edits(pipeline, result, str_of(spam->subject_tag), pool, &facts->tagged, err);
}
