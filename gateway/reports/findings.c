#include "gateway/reports/findings.h"

#include "base/wire.h"

enum item { ITEM_ORIGINAL = 1, ITEM_REST = 2 };

/* --- writing --- */

static void put_features(struct buf *out, const struct features *features)
{
    wire_u64(out, features->digest);
    wire_u64(out, features->campaign);
    wire_u32(out, (uint32_t)features->n);
    for (size_t i = 0; i < features->n; i++)
        wire_u64(out, features->list[i].hash);
    wire_u32(out, (uint32_t)features->n_grams);
    for (size_t i = 0; i < features->n_grams; i++)
        wire_u32(out, features->grams[i]);
}

static void put_text(struct buf *out, struct str text)
{
    wire_str(out, str_sub(text, 0, FINDINGS_TEXT_MAX));
}

void findings_put_original(struct buf *out, const struct found_original *original)
{
    wire_u8(out, ITEM_ORIGINAL);
    wire_u8(out, (uint8_t)original->identity);
    wire_u8(out, (uint8_t)original->judged);
    wire_u8(out, original->received);
    put_text(out, original->why);
    put_text(out, original->id);
    put_text(out, original->subject);
    put_text(out, original->sender);
    put_text(out, original->verdict);
    wire_f64(out, original->global);
    wire_f64(out, original->heuristics);
    wire_f64(out, original->bayes);
    wire_str(out, original->raw);
    put_features(out, &original->features);
}

static void put_digest(struct buf *out, const struct digest_answer *digest)
{
    wire_str(out, str_of(digest->token));
    for (size_t i = 0; i <= DIGEST_LINES_MAX; i++)
        wire_u8(out, (uint8_t)digest->words[i]);
    wire_u8(out, (uint8_t)digest->others);
    wire_u8(out, digest->any);
    wire_u32(out, (uint32_t)digest->n_mistakes);
    for (size_t i = 0; i < digest->n_mistakes; i++)
        wire_str(out, str_of(digest->mistakes[i]));
}

void findings_put(struct buf *out, const struct findings *findings)
{
    wire_u8(out, ITEM_REST);
    put_text(out, findings->claim.from);
    put_text(out, findings->claim.sender);
    wire_u8(out, findings->claim.named);
    wire_u8(out, (uint8_t)findings->feedback);
    put_text(out, findings->left_out);
    wire_u8(out, findings->answers_digest);
    if (findings->answers_digest)
        put_digest(out, &findings->digest);
    wire_u8(out, (uint8_t)findings->answering);
    wire_u8(out, findings->answer_due);
    wire_str(out, findings->answer);
}

/* --- reading --- */

static unsigned get_choice(struct wire *w, unsigned n)
{
    unsigned value = wire_get_u8(w);
    if (value >= n)
        w->bad = true;
    return w->bad ? 0 : value;
}

/* How many follow; no more than the limit, nor than there are bytes for. */
static size_t get_count(struct wire *w, size_t max, size_t size)
{
    size_t n = wire_get_u32(w);
    if (n > max || n > w->in.n / size)
        w->bad = true;
    return w->bad ? 0 : n;
}

/* Rising, each once: what goes to the learner is packed on that. */
static void get_features(struct wire *w, struct pool *pool, struct features *features)
{
    features->digest = wire_get_u64(w);
    features->campaign = wire_get_u64(w);
    features->n = get_count(w, FEATURES_MAX, sizeof(uint64_t));
    features->list = POOL_ARRAY(pool, features->n + 1, struct feature);
    for (size_t i = 0; i < features->n && features->list; i++) {
        features->list[i] = (struct feature){wire_get_u64(w), STR_EMPTY};
        w->bad |= i > 0 && features->list[i].hash <= features->list[i - 1].hash;
    }
    if (features->list == NULL)
        w->bad = true;
    features->n_grams = get_count(w, GRAMS_MAX, sizeof(uint32_t));
    features->grams = POOL_ARRAY(pool, features->n_grams + 1, uint32_t);
    for (size_t i = 0; i < features->n_grams && features->grams; i++) {
        features->grams[i] = wire_get_u32(w);
        w->bad |= features->grams[i] >= GRAM_WEIGHTS ||
                  (i > 0 && features->grams[i] <= features->grams[i - 1]);
    }
    if (features->grams == NULL)
        w->bad = true;
}

static struct str get_text(struct wire *w)
{
    return str_sub(wire_get_str(w), 0, FINDINGS_TEXT_MAX);
}

static void get_original(struct wire *w, struct pool *pool, struct found_original *original)
{
    original->identity = (enum identity_kind)get_choice(w, IDENTITY_FORGED + 1);
    original->judged = (enum marked)get_choice(w, MARKED_SPAM + 1);
    original->received = wire_get_u8(w) != 0;
    original->why = get_text(w);
    original->id = get_text(w);
    original->subject = get_text(w);
    original->sender = get_text(w);
    original->verdict = get_text(w);
    original->global = wire_get_f64(w);
    original->heuristics = wire_get_f64(w);
    original->bayes = wire_get_f64(w);
    original->raw = wire_get_str(w);
    get_features(w, pool, &original->features);
}

static void get_digest(struct wire *w, struct digest_answer *digest)
{
    *digest = (struct digest_answer){.n_mistakes = 0};
    w->bad |= !str_copy(wire_get_str(w), digest->token, sizeof digest->token);
    for (size_t i = 0; i <= DIGEST_LINES_MAX; i++)
        digest->words[i] = (enum digest_word)get_choice(w, DIGEST_REJECT + 1);
    digest->others = (enum digest_word)get_choice(w, DIGEST_REJECT + 1);
    digest->any = wire_get_u8(w) != 0;
    digest->n_mistakes = get_count(w, DIGEST_MISTAKES_MAX, 1);
    for (size_t i = 0; i < digest->n_mistakes; i++)
        w->bad |= !str_copy(wire_get_str(w), digest->mistakes[i], sizeof digest->mistakes[i]);
}

static void get_rest(struct wire *w, struct findings *findings)
{
    findings->claim.from = get_text(w);
    findings->claim.sender = get_text(w);
    findings->claim.named = wire_get_u8(w) != 0;
    findings->feedback = (enum feedback)get_choice(w, FEEDBACK_HAM + 1);
    findings->left_out = get_text(w);
    findings->answers_digest = wire_get_u8(w) != 0;
    if (findings->answers_digest)
        get_digest(w, &findings->digest);
    findings->answering = (enum answer_decision)get_choice(w, ANSWER_DECISIONS);
    findings->answer_due = wire_get_u8(w) != 0;
    findings->answer = wire_get_str(w);
    w->bad |= findings->answer.n > ANSWER_MAIL_MAX;
}

bool findings_get(struct str message, struct pool *pool, struct findings *findings)
{
    struct wire w = wire_of(message);
    unsigned item;
    *findings =
        (struct findings){.originals = POOL_ARRAY(pool, ORIGINALS_MAX, struct found_original)};
    if (findings->originals == NULL)
        return false;
    while ((item = wire_get_u8(&w)) == ITEM_ORIGINAL && !w.bad) {
        if (findings->n_originals == ORIGINALS_MAX)
            return false;
        get_original(&w, pool, &findings->originals[findings->n_originals++]);
    }
    if (item != ITEM_REST)
        return false;
    get_rest(&w, findings);
    return wire_done(&w);
}
