/*
 * What one source has taught: a counter for each reporter, each day of reports and each campaign,
 * in the same transaction as what it taught, and taken back with it.
 *
 *   sources.db: 'r' reporter | 'd' day, 8 bytes | 'c' campaign, 8 bytes → struct source_record
 */
#include "bayes/ledger/db.h"

struct source_key {
    size_t n;
    char bytes[1 + LEARN_REPORTER_MAX];
};

static struct source_key key_text(char kind, struct str text)
{
    struct source_key key = {.n = 1 + text.n, .bytes = {kind}};
    memcpy(key.bytes + 1, text.n ? text.s : "", text.n);
    return key;
}

static struct source_key key_number(char kind, uint64_t number)
{
    uint64_t wire = htobe64(number);
    return key_text(kind, str_n((const char *)&wire, sizeof wire));
}

/* A counter that a message counts in, and the cap on it. */
struct share {
    enum ledger_cap cap;
    unsigned percent;
    uint64_t free; /* messages that are allowed whatever their share */
    struct source_key key;
};

#define SHARES_MAX 3

static bool is_report(const struct learn_source *source)
{
    return source->kind == LEARN_BY_MANAGER || source->kind == LEARN_BY_PROPOSAL;
}

static size_t shares_of(const struct ledger *ledger, const struct learn_source *source,
                        struct share *shares)
{
    const struct ledger_policy *policy = &ledger->policy;
    size_t n = 0;
    if (is_report(source) && source->reporter.n)
        shares[n++] = (struct share){LEDGER_CAP_REPORTER, policy->reporter_share,
                                     LEDGER_REPORTER_FREE, key_text('r', source->reporter)};
    if (is_report(source))
        shares[n++] = (struct share){LEDGER_CAP_DAY, policy->day_share, LEDGER_DAY_FREE,
                                     key_number('d', (uint64_t)source->when / SECONDS_PER_DAY)};
    if (source->campaign && source->kind != LEARN_BY_SENT)
        shares[n++] = (struct share){LEDGER_CAP_CAMPAIGN, policy->campaign_share,
                                     LEDGER_CAMPAIGN_FREE, key_number('c', source->campaign)};
    return n;
}

static int source_get(struct ledger *ledger, DB_TXN *txn, const struct source_key *of,
                      struct source_record *record, struct err *err)
{
    DBT key = dbt_of(of->bytes, of->n), value = dbt_into(record, sizeof *record);
    *record = (struct source_record){0, 0};
    int code = ledger->sources->get(ledger->sources, txn, &key, &value, 0);
    if (code == 0 && value.size != sizeof *record)
        return ledger_contradiction(ledger, "a source's record is malformed", err);
    return code && code != DB_NOTFOUND ? ledger_db_err(ledger, code, "reading a source", err) : 0;
}

static int source_put(struct ledger *ledger, DB_TXN *txn, const struct source_key *of,
                      const struct source_record *record, struct err *err)
{
    DBT key = dbt_of(of->bytes, of->n), value = dbt_of(record, sizeof *record);
    int code = record->spam || record->ham
                   ? ledger->sources->put(ledger->sources, txn, &key, &value, 0)
                   : ledger->sources->del(ledger->sources, txn, &key, 0);
    return code && code != DB_NOTFOUND ? ledger_db_err(ledger, code, "writing a source", err) : 0;
}

int ledger_sources_count(struct ledger *ledger, DB_TXN *txn, enum learn_class class,
                         const struct learn_source *source, int32_t step, struct err *err)
{
    struct share shares[SHARES_MAX];
    size_t n = shares_of(ledger, source, shares);
    for (size_t i = 0; i < n; i++) {
        struct source_record record;
        if (source_get(ledger, txn, &shares[i].key, &record, err) < 0)
            return -1;
        uint32_t *count = class == LEARN_SPAM ? &record.spam : &record.ham;
        if (step < 0 && *count == 0)
            return ledger_contradiction(ledger, "a source has taught less than it taught", err);
        *count += (uint32_t)step;
        if (source_put(ledger, txn, &shares[i].key, &record, err) < 0)
            return -1;
    }
    return 0;
}

int ledger_cap_of(struct ledger *ledger, DB_TXN *txn, const struct ledger_totals *totals,
                  enum learn_class class, const struct learn_source *source, enum ledger_cap *cap,
                  struct err *err)
{
    struct share shares[SHARES_MAX];
    uint64_t learned = class == LEARN_SPAM ? totals->spam : totals->ham;
    size_t n = shares_of(ledger, source, shares);
    *cap = LEDGER_CAP_NONE;
    for (size_t i = 0; i < n && *cap == LEDGER_CAP_NONE; i++) {
        struct source_record record;
        if (shares[i].percent == 0)
            continue;
        if (source_get(ledger, txn, &shares[i].key, &record, err) < 0)
            return -1;
        uint64_t taught = class == LEARN_SPAM ? record.spam : record.ham;
        if (taught >= shares[i].free && taught + 1 > (learned + 1) * shares[i].percent / 100)
            *cap = shares[i].cap;
    }
    return 0;
}

void ledger_policy_set(struct ledger *ledger, const struct ledger_policy *policy)
{
    ledger->policy = *policy;
}

struct ledger_policy ledger_policy_of(const struct conf *conf)
{
    const struct conf_bayes *bayes = &conf->bayes;
    return (struct ledger_policy){bayes->reporter_share, bayes->day_share, bayes->campaign_share,
                                  bayes->hold_out};
}

const char *ledger_cap_text(enum ledger_cap cap)
{
    switch (cap) {
    case LEDGER_CAP_REPORTER:
        return "this reporter has taught as large a share as one may (bayes.reporter_share)";
    case LEDGER_CAP_DAY:
        return "the reports of this day have taught as large a share as those of one day may "
               "(bayes.day_share)";
    case LEDGER_CAP_CAMPAIGN:
        return "messages nearly identical to this one have taught as large a share as they may "
               "(bayes.campaign_share)";
    case LEDGER_CAP_NONE:
        break;
    }
    return "";
}

enum learn_answer ledger_answer(enum learn_result result)
{
    switch (result) {
    case LEARN_DONE:
        return LEARN_ANSWER_DONE;
    case LEARN_KNOWN:
        return LEARN_ANSWER_KNOWN;
    case LEARN_CAPPED:
        return LEARN_ANSWER_CAPPED;
    case LEARN_FAILED:
        break;
    }
    return LEARN_ANSWER_FAILED;
}
