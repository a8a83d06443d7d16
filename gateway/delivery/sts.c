#include "gateway/delivery/sts.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"

#define RECORD_NAME_SIZE (DOMAIN_SIZE + sizeof "_mta-sts.")

static int64_t wall_seconds(void)
{
    return (int64_t)time(NULL);
}

static void drop(struct sts_domain *d)
{
    free(d->entry.policy);
    d->entry.policy = NULL;
}

const struct sts_policy *sts_policy_of(const struct sts_domain *d)
{
    return d->entry.policy;
}

void sts_domain_release(struct sts_domain *d)
{
    drop(d);
}

static void finish(struct sts_domain *d)
{
    d->busy = false;
    d->known(d->asker);
}

static void could_not(struct sts_domain *d, enum proof_fault fault, const char *what,
                      struct str why)
{
    d->fault = fault;
    d->retry_at = wall_seconds() + STS_RETRY_SECONDS;
    snprintf(d->why, sizeof d->why, "%s%s%.*s", what, why.n ? ": " : "", STR_ARG(why));
    log_info("MTA-STS policy of %s: %s; %s", d->domain, d->why,
             d->entry.policy ? "the one that is kept holds on" : "it counts as none");
    finish(d);
}

/* --- fetching --- */

static bool is_plain_text(struct str type)
{
    const struct str plain = STR("text/plain");
    return str_istarts(type, plain) &&
           (type.n == plain.n || type.s[plain.n] == ';' || type.s[plain.n] == ' ');
}

static void take_policy(struct sts_domain *d, struct str text)
{
    struct err err;
    struct sts_policy *policy = sts_policy_read(text, &err);
    if (policy == NULL) {
        could_not(d, FAULT_STS_POLICY_INVALID, "it is not valid", str_of(err.text));
        return;
    }
    drop(d);
    d->fault = FAULT_NONE;
    d->entry.policy = policy;
    d->entry.fetched = wall_seconds();
    if (!d->unasked)
        d->entry.wanted = d->entry.fetched;
    memcpy(d->entry.id, d->id, sizeof d->entry.id);
    log_info("MTA-STS policy of %s: %s, for %u s", d->domain, sts_mode_name(policy->mode),
             policy->max_age);
    sts_cache_store(d->sts->cache, d->sts->workers, d->domain, &d->entry, text);
    finish(d);
}

static void on_fetched(void *asker, const struct fetch_answer *answer)
{
    struct sts_domain *d = asker;
    char status[32];
    if (answer->result == FETCH_UNTRUSTED) {
        could_not(d, FAULT_STS_WEBPKI_INVALID, fetch_result_name(answer->result), answer->note);
    } else if (answer->result != FETCH_ANSWERED) {
        /* the note has times in it: in a report each would be a failure of its own kind */
        log_info("MTA-STS policy of %s: %.*s", d->domain, STR_ARG(answer->note));
        could_not(d, FAULT_STS_POLICY_FETCH_ERROR, fetch_result_name(answer->result), STR_EMPTY);
    } else if (answer->status != 200) {
        snprintf(status, sizeof status, "HTTP status %u", answer->status);
        could_not(d, FAULT_STS_POLICY_FETCH_ERROR, status, STR_EMPTY);
    } else if (!is_plain_text(answer->type)) {
        could_not(d, FAULT_STS_POLICY_INVALID, "its type is not text/plain", answer->type);
    } else {
        take_policy(d, answer->body);
    }
}

static void fetch(struct sts_domain *d)
{
    char url[DOMAIN_SIZE + 64];
    snprintf(url, sizeof url, "https://mta-sts.%s/.well-known/mta-sts.txt", d->domain);
    const struct fetch_request request = {.target = FETCH_STRANGER,
                                          .method = FETCH_GET,
                                          .milliseconds = STS_FETCH_MS,
                                          .answer_max = STS_BYTES_MAX,
                                          .url = str_of(url)};
    if (!fetch_desk_ask(d->sts->fetch, &request, on_fetched, d))
        could_not(d, FAULT_STS_POLICY_FETCH_ERROR, "nobody can be asked to fetch it now",
                  STR_EMPTY);
}

/* --- asking --- */

/* What is kept is not what the record tells of, or grows old. */
static bool is_wanted(const struct sts_domain *d, int64_t now)
{
    bool other = d->entry.policy == NULL || strcmp(d->entry.id, d->id) != 0;
    return other || sts_entry_old(&d->entry, now) ||
           (!d->unasked && now - d->entry.wanted >= STS_REFRESH);
}

static void on_record(void *asker, uint32_t ticket, const struct resolver_answer *answer)
{
    struct sts_domain *d = asker;
    char id[STS_ID_MAX + 1];
    int64_t now = wall_seconds();
    bool found = answer->status == DNS_FOUND && sts_find_id(answer->records, answer->n, id);
    bool known = answer->status != DNS_TEMP_FAILED && answer->status != DNS_BOGUS;
    if (found && strcmp(id, d->id) != 0)
        d->retry_at = 0;
    if (found)
        memcpy(d->id, id, sizeof id);
    bool wanted = found && is_wanted(d, now);
    if (known && !wanted)
        d->fault = FAULT_NONE;
    if (wanted && now >= d->retry_at)
        fetch(d);
    else
        finish(d);
}

/* What is kept, if it still holds. */
static void look_at_kept(struct sts_domain *d)
{
    int64_t now = wall_seconds();
    if (!d->begun && sts_cache_load(d->sts->cache, d->domain, now, &d->entry))
        memcpy(d->id, d->entry.id, sizeof d->id);
    d->begun = true;
    if (d->entry.policy && now >= d->entry.fetched + d->entry.policy->max_age)
        drop(d);
}

void sts_look(const struct sts *sts, struct sts_domain *d, const char *name,
              void (*known)(void *asker), void *asker)
{
    char record[RECORD_NAME_SIZE];
    d->sts = sts;
    d->domain = name;
    d->known = known;
    d->asker = asker;
    d->busy = true;
    look_at_kept(d);
    snprintf(record, sizeof record, "_mta-sts.%s", name);
    if (!dns_desk_ask(sts->dns, DNS_TXT, str_of(record), on_record, d, 0))
        finish(d);
}
