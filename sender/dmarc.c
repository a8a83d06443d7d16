#include "sender/dmarc.h"

#include "base/domain.h"
#include "mail/address.h"
#include "sender/dmarc_walk.h"
#include "sender/field.h"

const char *dmarc_result_name(enum dmarc_result result)
{
    static const char *const names[] = {
        [DMARC_NONE] = "none",           [DMARC_PASS] = "pass",           [DMARC_FAIL] = "fail",
        [DMARC_TEMPERROR] = "temperror", [DMARC_PERMERROR] = "permerror",
    };
    return (unsigned)result < sizeof names / sizeof *names ? names[result] : "?";
}

/* --- who the authors are --- */

/* Mail programs show a domain whatever stands behind it, and whatever comment before it. */
static struct str shown_domain(struct str text)
{
    static const struct str ends = STR(" \t\r\n\"'()<>[],;:\\@");
    struct str domain = str_trim(text);
    size_t n = 0;
    while (str_starts(domain, STR("("))) {
        size_t end = str_chr(domain, ')');
        domain = str_trim(str_from(domain, end == STR_NONE ? domain.n : end + 1));
    }
    while (n < domain.n && str_chr(ends, domain.s[n]) == STR_NONE)
        n++;
    return str_sub(domain, 0, n);
}

/* 1: it is among them now; 0: that is no domain; -1: out of memory. */
static int add_author(struct str shown, struct pool *pool, struct dmarc_authors *authors)
{
    char domain[DOMAIN_SIZE];
    if (!domain_normal(shown, domain))
        return 0;
    for (size_t i = 0; i < authors->n; i++)
        if (str_eq(authors->domains[i], str_of(domain)))
            return 1;
    if (authors->n == DMARC_AUTHORS_MAX) {
        authors->more = true;
        return 1;
    }
    struct str copy = pool_str(pool, str_of(domain));
    if (!copy.s)
        return -1;
    authors->domains[authors->n++] = copy;
    return 1;
}

/* Some program may read another domain out of it than we do. */
static bool is_ambiguous(struct str address)
{
    return str_chr(address, '@') != str_rchr(address, '@') || str_chr(address, '<') != STR_NONE;
}

/* An address that could not be read: some program shows what follows any @ in the field. */
static int add_hidden(struct str field, struct pool *pool, struct dmarc_authors *authors)
{
    size_t at;
    while (!authors->more && (at = str_chr(field, '@')) != STR_NONE) {
        field = str_from(field, at + 1);
        if (add_author(shown_domain(field), pool, authors) < 0)
            return -1;
    }
    return 0;
}

static int add_field(struct str field, struct pool *pool, struct dmarc_authors *authors)
{
    struct mail_address address;
    struct str rest = field;
    int added = 1;
    bool broken = false;
    while (!authors->more && added >= 0 && mail_address_next(&rest, &address)) {
        added = add_author(shown_domain(domain_of_address(address.address)), pool, authors);
        broken |= added == 0 || is_ambiguous(address.address);
    }
    if (added < 0)
        return -1;
    return broken ? add_hidden(field, pool, authors) : 0;
}

int dmarc_authors(const struct message *message, struct pool *pool, struct dmarc_authors *authors,
                  struct err *err)
{
    /* not part_header(): its fields end at a limit, and readers' don't */
    struct field_walk walk = field_walk_of(message->root->head);
    struct field field;
    *authors = (struct dmarc_authors){.n = 0};
    while (!authors->more && field_next(&walk, &field)) {
        if (!str_ieq(field.name, STR("From")))
            continue;
        struct str value = header_unfold(pool, &(struct header){.value = field.value});
        if (!value.s || add_field(value, pool, authors) < 0)
            return err_set(err, "dmarc: out of memory");
    }
    return 0;
}

void dmarc_ahead(const struct dmarc_authors *authors, struct pool *pool, struct dns_query *queries,
                 size_t *n, size_t max)
{
    struct str names[DMARC_WALK_MAX];
    for (size_t i = 0; i < authors->n; i++) {
        size_t count = dmarc_walk_names(authors->domains[i], pool, names);
        for (size_t k = 0; k < count && *n < max; k++)
            queries[(*n)++] = (struct dns_query){.type = DNS_TXT, .name = names[k]};
        if (*n < max) /* whether it is there at all */
            queries[(*n)++] = (struct dns_query){.type = DNS_A, .name = authors->domains[i]};
    }
}

/* --- alignment --- */

struct check {
    const struct dns_source *dns;
    struct pool *pool;
    struct dmarc_walk walk;  /* of the author */
    struct str organization; /* empty: not known */
    bool unsure;             /* a DNS failure hides whether something is aligned */
};

/* RFC 9989 4.10.2: of the same organization, which what is below it need not be. */
static bool is_aligned(struct check *check, struct str domain, bool strict)
{
    struct dmarc_walk walk;
    char normal[DOMAIN_SIZE];
    if (!domain_normal(domain, normal))
        return false;
    struct str name = str_of(normal);
    if (str_eq(name, check->walk.domain))
        return true;
    if (strict)
        return false;
    if (check->organization.n == 0)
        check->unsure = true;
    if (!domain_holds(check->organization, name))
        return false;
    if (str_eq(name, check->organization))
        return true;
    dmarc_walk(&walk, name, check->dns, check->pool);
    check->unsure |= walk.failed;
    return !walk.failed && str_eq(dmarc_walk_organization(&walk), check->organization);
}

/* Whether a result that is not known now might have been of the author's organization. */
static bool may_align(const struct check *check, struct str domain)
{
    return check->organization.n == 0 || domain_holds(check->organization, domain) ||
           domain_holds(domain, check->organization);
}

static void align(struct check *check, const struct dmarc_record *record,
                  const struct spf_answer *spf, const struct dkim_results *dkim,
                  struct dmarc_answer *answer)
{
    if (spf && spf->result == SPF_PASS)
        answer->spf_aligned = is_aligned(check, spf->domain, record->strict_spf);
    else if (spf && spf->result == SPF_TEMPERROR)
        check->unsure |= may_align(check, spf->domain);
    for (size_t i = 0; dkim && i < dkim->n && !answer->dkim_aligned; i++) {
        const struct dkim_signature *signature = &dkim->list[i];
        if (dkim_vouches(signature))
            answer->dkim_aligned = is_aligned(check, signature->domain, record->strict_dkim);
        else if (signature->result == DKIM_TEMPERROR)
            check->unsure |= may_align(check, signature->domain);
    }
}

/* --- the policy --- */

static void end(struct dmarc_answer *answer, enum dmarc_result result, const char *why)
{
    answer->result = result;
    answer->reason = str_of(why);
}

static enum dmarc_policy policy_for(const struct check *check, const struct dmarc_step *step)
{
    const struct dmarc_record *record = &step->record;
    if (str_eq(step->domain, check->walk.domain))
        return record->policy;
    if (record->missing == record->subdomain)
        return record->subdomain;
    const struct dns_query query = dns_ask(check->dns, check->pool, DNS_A, check->walk.domain);
    /* one of the two holds: where nobody knows which, what both ask for */
    if (query.status == DNS_TEMP_FAILED || query.status == DNS_BOGUS)
        return record->missing < record->subdomain ? record->missing : record->subdomain;
    return query.status == DNS_NO_NAME ? record->missing : record->subdomain;
}

static enum dmarc_policy one_step_less(enum dmarc_policy policy)
{
    return policy == DMARC_POLICY_REJECT ? DMARC_POLICY_QUARANTINE : DMARC_POLICY_NONE;
}

static struct dmarc_answer check_author(struct str author, const struct spf_answer *spf,
                                        const struct dkim_results *dkim,
                                        const struct dns_source *dns, struct pool *pool)
{
    struct check check = {.dns = dns, .pool = pool};
    struct dmarc_answer answer = {.result = DMARC_NONE, .domain = author};
    dmarc_walk(&check.walk, author, dns, pool);
    const struct dmarc_step *step = dmarc_walk_policy(&check.walk);
    bool own = step && str_eq(step->domain, author);
    if (check.walk.own_failed || (check.walk.failed && !own)) {
        end(&answer, DMARC_TEMPERROR, "the DNS did not answer");
        return answer;
    }
    if (!step)
        return answer;
    answer.record_domain = step->domain;
    answer.testing = step->record.testing;
    answer.record = step->record;
    if (step->record.unusable) {
        end(&answer, DMARC_PERMERROR, "the policy can't be read");
        return answer;
    }
    answer.policy = policy_for(&check, step);
    /* with what is above it hidden, a record of its own still says what it asks for */
    check.organization = check.walk.failed ? STR_EMPTY : dmarc_walk_organization(&check.walk);
    align(&check, &step->record, spf, dkim, &answer);
    if (answer.spf_aligned || answer.dkim_aligned)
        end(&answer, DMARC_PASS, NULL);
    else if (check.unsure)
        end(&answer, DMARC_TEMPERROR, "the DNS did not answer");
    else
        end(&answer, DMARC_FAIL, NULL);
    if (answer.result == DMARC_FAIL)
        answer.applied = answer.testing ? one_step_less(answer.policy) : answer.policy;
    return answer;
}

/* How bad an answer is for a message of several authors: one good name must not vouch for a bad. */
static unsigned badness(const struct dmarc_answer *answer)
{
    static const unsigned of_result[] = {
        [DMARC_PASS] = 0,      [DMARC_NONE] = 1, [DMARC_PERMERROR] = 2,
        [DMARC_TEMPERROR] = 3, [DMARC_FAIL] = 4,
    };
    return of_result[answer->result] * 10 + (unsigned)answer->applied;
}

void dmarc_check(const struct dmarc_authors *authors, const struct spf_answer *spf,
                 const struct dkim_results *dkim, const struct dns_source *dns, struct pool *pool,
                 struct dmarc_answer *answer)
{
    *answer = (struct dmarc_answer){.result = DMARC_NONE};
    if (authors->n == 0)
        answer->reason = STR("no author's domain");
    for (size_t i = 0; i < authors->n; i++) {
        const struct dmarc_answer one = check_author(authors->domains[i], spf, dkim, dns, pool);
        if (i == 0 || badness(&one) > badness(answer))
            *answer = one;
    }
    if (!authors->more)
        return;
    /* nobody knows what the rest ask for: perhaps the most (11.5) */
    answer->applied = DMARC_POLICY_REJECT;
    end(answer, answer->result == DMARC_FAIL ? DMARC_FAIL : DMARC_PERMERROR,
        "the authors are of too many domains");
}
