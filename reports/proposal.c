#include "reports/proposal.h"

#include "base/crc32c.h"
#include "base/wire.h"
#include "mail/utf8.h"

#define FACTS_MAGIC "poterne proposal 1\n"
#define CRC_SIZE    4

static const char *const state_names[PROPOSAL_STATES] = {
    [PROPOSAL_WAITING] = "waiting",   [PROPOSAL_ACCEPTED] = "accepted",
    [PROPOSAL_CAPPED] = "capped",     [PROPOSAL_LEARNED] = "learned",
    [PROPOSAL_REJECTED] = "rejected", [PROPOSAL_EXPIRED] = "expired",
};

const char *proposal_state_name(enum proposal_state state)
{
    return state < PROPOSAL_STATES ? state_names[state] : "?";
}

bool proposal_state_find(struct str name, enum proposal_state *state)
{
    for (unsigned i = 0; i < PROPOSAL_STATES; i++) {
        if (!str_eq(name, str_of(state_names[i])))
            continue;
        *state = (enum proposal_state)i;
        return true;
    }
    return false;
}

const char *proposal_direction_name(enum learn_class direction)
{
    return direction == LEARN_SPAM ? "spam" : "ham";
}

static void put_reporters(struct buf *out, const struct proposal *p)
{
    size_t n = p->n_reporters < PROPOSAL_REPORTERS_MAX ? p->n_reporters : PROPOSAL_REPORTERS_MAX;
    wire_u32(out, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        wire_str(out, utf8_head(p->reporters[i].address, PROPOSAL_ADDRESS_MAX));
        wire_i64(out, p->reporters[i].time_us);
    }
}

void proposal_put(struct buf *out, const struct proposal *p)
{
    size_t from = out->n;
    buf_add(out, STR(FACTS_MAGIC));
    wire_u64(out, p->number);
    wire_u64(out, p->digest);
    wire_u64(out, p->campaign);
    wire_u8(out, (uint8_t)p->direction);
    wire_u8(out, (uint8_t)p->identity);
    wire_str(out, utf8_head(p->id, PROPOSAL_ADDRESS_MAX));
    wire_str(out, utf8_head(p->subject, PROPOSAL_TEXT_MAX));
    wire_str(out, utf8_head(p->sender, PROPOSAL_ADDRESS_MAX));
    wire_str(out, utf8_head(p->verdict, PROPOSAL_ADDRESS_MAX));
    wire_f64(out, p->global);
    wire_f64(out, p->heuristics);
    wire_f64(out, p->bayes);
    wire_u64(out, p->size);
    wire_u8(out, (uint8_t)p->state);
    wire_i64(out, p->changed_us);
    wire_str(out, utf8_head(p->decider, PROPOSAL_ADDRESS_MAX));
    wire_i64(out, p->decided_us);
    wire_str(out, utf8_head(p->why, PROPOSAL_TEXT_MAX));
    put_reporters(out, p);
    wire_u32(out, crc32c(0, str_from(buf_str(out), from)));
}

/* -1: no memory. The texts point into what is read. */
static int get_reporters(struct wire *w, struct pool *pool, struct proposal *p)
{
    uint32_t n = wire_get_u32(w);
    if (w->bad || n == 0 || n > PROPOSAL_REPORTERS_MAX) {
        w->bad = true;
        return 0;
    }
    p->reporters = POOL_ARRAY(pool, n, struct proposal_reporter);
    if (p->reporters == NULL)
        return -1;
    for (p->n_reporters = 0; p->n_reporters < n; p->n_reporters++) {
        struct proposal_reporter *r = &p->reporters[p->n_reporters];
        r->address = wire_get_str(w);
        r->time_us = wire_get_i64(w);
    }
    return 0;
}

static int get_fields(struct wire *w, struct pool *pool, struct proposal *p)
{
    *p = (struct proposal){.number = wire_get_u64(w)};
    p->digest = wire_get_u64(w);
    p->campaign = wire_get_u64(w);
    p->direction = (enum learn_class)wire_get_u8(w);
    p->identity = (enum identity_kind)wire_get_u8(w);
    p->id = wire_get_str(w);
    p->subject = wire_get_str(w);
    p->sender = wire_get_str(w);
    p->verdict = wire_get_str(w);
    p->global = wire_get_f64(w);
    p->heuristics = wire_get_f64(w);
    p->bayes = wire_get_f64(w);
    p->size = wire_get_u64(w);
    p->state = (enum proposal_state)wire_get_u8(w);
    p->changed_us = wire_get_i64(w);
    p->decider = wire_get_str(w);
    p->decided_us = wire_get_i64(w);
    p->why = wire_get_str(w);
    return get_reporters(w, pool, p);
}

int proposal_get(struct str bytes, struct pool *pool, struct proposal *proposal, struct err *err)
{
    if (!str_starts(bytes, STR(FACTS_MAGIC)) || bytes.n < sizeof FACTS_MAGIC - 1 + CRC_SIZE)
        return err_set(err, "these are no facts of a proposal, or of another version");
    struct wire sum = wire_of(str_from(bytes, bytes.n - CRC_SIZE));
    struct str checked = str_sub(bytes, 0, bytes.n - CRC_SIZE);
    if (wire_get_u32(&sum) != crc32c(0, checked))
        return err_set(err, "the facts are damaged: their checksum is wrong");
    struct str kept = pool_str(pool, str_from(checked, sizeof FACTS_MAGIC - 1));
    struct wire w = wire_of(kept);
    if (kept.s == NULL || get_fields(&w, pool, proposal) < 0)
        return err_set(err, "out of memory for a proposal");
    if (!wire_done(&w) || proposal->number == 0 || proposal->number > INT64_MAX ||
        proposal->direction > LEARN_SPAM || proposal->identity > IDENTITY_FORGED ||
        proposal->state >= PROPOSAL_STATES)
        return err_set(err, "the facts make no sense");
    return 0;
}
