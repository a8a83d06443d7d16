#include "gateway/scan.h"

#include <stdio.h>

#include "base/fsio.h"
#include "base/log.h"
#include "mail/edit_wire.h"

void scan_request_put(struct buf *out, const struct scan_request *request)
{
    wire_str(out, request->id);
    wire_u64(out, request->offset);
    wire_u64(out, request->size);
    wire_str(out, request->client_ip);
    wire_str(out, request->client_name);
    wire_str(out, request->helo);
    wire_str(out, request->sender);
}

bool scan_request_get(struct str message, struct scan_request *request)
{
    struct wire w = wire_of(message);
    request->id = wire_get_str(&w);
    request->offset = wire_get_u64(&w);
    request->size = wire_get_u64(&w);
    request->client_ip = wire_get_str(&w);
    request->client_name = wire_get_str(&w);
    request->helo = wire_get_str(&w);
    request->sender = wire_get_str(&w);
    return wire_done(&w);
}

int scan_request_read(struct str message, const struct ipc_fds *fds, uint64_t size_limit,
                      struct scan_request *request, struct buf *raw, struct err *err)
{
    if (!scan_request_get(message, request) || fds->n != 1)
        return err_set(err, "malformed scan request");
    if (request->size > size_limit)
        return err_set(err, "message of %llu bytes is above smtp.size_limit",
                       (unsigned long long)request->size);
    buf_init(raw, request->size);
    return fsio_pread(fds->fd[0], raw, request->size, (off_t)request->offset, "message", err);
}

void scan_waits_put(struct buf *out, size_t open, struct str fresh)
{
    wire_u8(out, SCAN_WAITS);
    wire_u32(out, (uint32_t)open);
    wire_str(out, fresh);
}

bool scan_waits_get(struct str message, uint32_t *open, struct str *fresh)
{
    struct wire w = wire_of(message);
    bool waits = wire_get_u8(&w) == SCAN_WAITS;
    *open = wire_get_u32(&w);
    *fresh = wire_get_str(&w);
    return waits && wire_done(&w);
}

void content_facts_put(struct buf *out, const struct content_facts *facts)
{
    wire_u8(out, SCAN_FACTS);
    wire_f64(out, facts->heuristics);
    wire_f64(out, facts->bayes);
    wire_f64(out, facts->required);
    wire_u8(out, facts->bayes_used);
    wire_str(out, facts->tests);
    wire_str(out, facts->rules_generation);
    wire_u64(out, facts->model_generation);
    wire_str(out, facts->subject);
    wire_str(out, facts->message_id);
    wire_u32(out, facts->received_hops);
    wire_str(out, facts->delivered_to);
    wire_u8(out, facts->delivered_to_cut);
    wire_u8(out, facts->tls_waived);
    wire_str(out, facts->authentication);
    wire_u8(out, (uint8_t)facts->dmarc);
    wire_str(out, facts->dmarc_domain);
    wire_str(out, facts->vouching);
    wire_str(out, facts->evidence);
    wire_u8(out, facts->fingerprinted ? (uint8_t)facts->fingerprint.missing : 0);
    wire_str(out, facts->fingerprinted
                      ? str_n((const char *)facts->fingerprint.bytes, FINGERPRINT_SIZE)
                      : STR_EMPTY);
    edits_put(out, &facts->edits);
    edits_put(out, &facts->tagged);
}

static void get_fingerprint(struct wire *w, struct content_facts *facts)
{
    facts->fingerprint.missing = wire_get_u8(w) & MISSING_ALL;
    struct str bytes = wire_get_str(w);
    facts->fingerprinted = bytes.n == FINGERPRINT_SIZE;
    if (facts->fingerprinted)
        memcpy(facts->fingerprint.bytes, bytes.s, FINGERPRINT_SIZE);
    else if (bytes.n)
        w->bad = true;
}

bool content_facts_get(struct str message, struct pool *pool, struct content_facts *facts)
{
    struct wire w = wire_of(message);
    if (wire_get_u8(&w) != SCAN_FACTS)
        return false;
    facts->heuristics = wire_get_f64(&w);
    facts->bayes = wire_get_f64(&w);
    facts->required = wire_get_f64(&w);
    facts->bayes_used = wire_get_u8(&w) != 0;
    facts->tests = wire_get_str(&w);
    facts->rules_generation = wire_get_str(&w);
    facts->model_generation = wire_get_u64(&w);
    facts->subject = wire_get_str(&w);
    facts->message_id = wire_get_str(&w);
    facts->received_hops = wire_get_u32(&w);
    facts->delivered_to = wire_get_str(&w);
    facts->delivered_to_cut = wire_get_u8(&w) != 0;
    facts->tls_waived = wire_get_u8(&w) != 0;
    facts->authentication = wire_get_str(&w);
    uint8_t dmarc = wire_get_u8(&w);
    facts->dmarc = (enum dmarc_policy)dmarc;
    facts->dmarc_domain = wire_get_str(&w);
    facts->vouching = wire_get_str(&w);
    facts->evidence = wire_get_str(&w);
    get_fingerprint(&w, facts);
    return dmarc <= DMARC_POLICY_REJECT && edits_get(&w, pool, &facts->edits) &&
           edits_get(&w, pool, &facts->tagged) && wire_done(&w);
}

void av_answers_log(struct str id, const struct av_answer *answers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (answers[i].result != AV_CLEAN)
            log_info("%.*s: %s: %s (%s)", STR_ARG(id), answers[i].engine,
                     av_result_name(answers[i].result), answers[i].name);
}

void av_answers_put(struct buf *out, const struct av_answer *answers, size_t n)
{
    wire_u32(out, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        wire_str(out, str_of(answers[i].engine));
        wire_u8(out, (uint8_t)answers[i].result);
        wire_str(out, str_of(answers[i].name));
        wire_str(out, str_of(answers[i].version));
        wire_u32(out, answers[i].microseconds);
        wire_u8(out, (uint8_t)answers[i].ban);
        wire_u8(out, answers[i].left_unlooked_at);
    }
}

bool av_answers_get(struct str message, struct av_answer *answers, size_t *n)
{
    struct wire w = wire_of(message);
    bool fits = true;
    *n = wire_get_u32(&w);
    if (w.bad || *n > AV_ENGINES_MAX)
        return false;
    for (size_t i = 0; i < *n; i++) {
        struct av_answer *a = &answers[i];
        fits &= str_copy(wire_get_str(&w), a->engine, sizeof a->engine);
        uint8_t result = wire_get_u8(&w);
        fits &= result <= AV_BANNED;
        a->result = (enum av_result)result;
        fits &= str_copy(wire_get_str(&w), a->name, sizeof a->name);
        fits &= str_copy(wire_get_str(&w), a->version, sizeof a->version);
        a->microseconds = wire_get_u32(&w);
        uint8_t ban = wire_get_u8(&w);
        fits &= ban <= ACT_PASS;
        a->ban = (enum conf_action)ban;
        a->left_unlooked_at = wire_get_u8(&w) != 0;
    }
    return fits && wire_done(&w);
}

bool av_answers_add(const struct conf_antivirus *conf, enum av_speaker speaker, struct str reply,
                    struct av_answer *all, size_t *n)
{
    struct av_answer answers[AV_ENGINES_MAX];
    size_t more = 0;
    if (!av_answers_get(reply, answers, &more))
        return false;
    for (size_t i = 0; i < more && *n < AV_ENGINES_MAX; i++) {
        bool outside = conf_scanner_find(conf, answers[i].engine) != NULL;
        if (outside == (speaker == AV_SPEAKER_AVLINK))
            all[(*n)++] = answers[i];
    }
    return true;
}

static const struct av_answer *answer_of(const struct av_answer *answers, size_t n,
                                         const char *engine)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(answers[i].engine, engine) == 0)
            return &answers[i];
    return NULL;
}

static bool is_configured(const struct conf_antivirus *conf, const char *engine)
{
    for (size_t i = 0; i < conf->engines.n; i++)
        if (strcmp(conf->engines.items[i], engine) == 0)
            return true;
    return false;
}

size_t av_answers_order(const struct conf_antivirus *conf, const struct av_answer *answers,
                        size_t n, struct av_answer *out)
{
    size_t n_out = 0;
    for (size_t i = 0; i < conf->engines.n && n_out < AV_ENGINES_MAX; i++) {
        const char *engine = conf->engines.items[i];
        const struct av_answer *answer = answer_of(answers, n, engine);
        out[n_out] =
            answer ? *answer : (struct av_answer){.result = AV_FAILED, .name = "no answer"};
        if (!answer)
            snprintf(out[n_out].engine, sizeof out[n_out].engine, "%s", engine);
        n_out++;
    }
    /* nothing that was said gets lost, whoever said it */
    for (size_t i = 0; i < n && n_out < AV_ENGINES_MAX; i++)
        if (!is_configured(conf, answers[i].engine))
            out[n_out++] = answers[i];
    return n_out;
}
