#include "gateway/evidence.h"

#include <stdlib.h>

#include "mail/utf8.h"

json_t *evidence_text(struct str x)
{
    json_t *text = json_stringn(x.n ? x.s : "", x.n);
    if (text)
        return text;
    char clean[4 * EVIDENCE_TEXT_MAX];
    return json_stringn(clean, utf8_mend(str_sub(x, 0, EVIDENCE_TEXT_MAX), clean, sizeof clean));
}

json_t *evidence_antivirus(const struct av_answer *answers, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        const struct av_answer *a = &answers[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o, s:i}", "engine", a->engine,
                                              "result", av_result_name(a->result), "name",
                                              evidence_text(str_of(a->name)), "version",
                                              evidence_text(str_of(a->version)), "microseconds",
                                              (int)a->microseconds));
    }
    return list;
}

json_t *evidence_scores(const struct verdict *verdict)
{
    return json_pack("{s:f, s:f, s:f}", "global", verdict->global, "heuristics",
                     verdict->heuristics, "bayes", verdict->bayes);
}

int evidence_dump(json_t *object, struct buf *out)
{
    char *text = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
    json_decref(object);
    if (text == NULL)
        return -1;
    buf_add(out, str_of(text));
    free(text);
    return buf_ok(out) ? 0 : -1;
}

int evidence_whole(const struct verdict *verdict, const struct verdict_facts *facts,
                   struct buf *out)
{
    size_t start = out->n;
    char fingerprint[FINGERPRINT_HEX_SIZE];
    bool known = facts->content && facts->content->fingerprinted;
    if (known)
        fingerprint_hex(&facts->content->fingerprint, fingerprint);
    json_t *object =
        json_pack("{s:s, s:o, s:o, s:o, s:s*, s:o*}", "verdict", verdict_class_name(verdict->class),
                  "reason", evidence_text(str_of(verdict->reason)), "score",
                  evidence_scores(verdict), "antivirus",
                  evidence_antivirus(facts->answers, facts->n_answers), "fingerprint",
                  known ? fingerprint : NULL, "ours", facts->ours ? json_true() : NULL);
    if (evidence_dump(object, out) < 0)
        return -1;
    if (facts->content == NULL || facts->content->evidence.n == 0)
        return 0;
    /* content's own object becomes the last member: spliced as text, for it was JSON when made */
    if (out->n == start || out->p[out->n - 1] != '}')
        return -1;
    buf_cut(out, out->n - 1);
    buf_add(out, STR(",\"content\":"));
    buf_add(out, facts->content->evidence);
    buf_addc(out, '}');
    return buf_ok(out) ? 0 : -1;
}
