#include "sender/dkim.h"

#include <opendkim/dkim.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/ascii.h"
#include "sender/canon.h"
#include "sender/field.h"
#include "sender/sign_key.h"
#include "sender/tag.h"

/* The key lookup of one signature. */
struct lookup {
    const DKIM_SIGINFO *signature;
    bool found;
    bool failed;      /* temporarily */
    const char *note; /* why there can be no key */
    char key[DKIM_KEY_MAX + 1];
};

struct job {
    const struct dkim_policy *policy;
    const struct dns_source *dns;
    struct pool *pool;
    struct lookup lookups[DKIM_SIGNATURES_MAX];
    size_t n;
};

struct dkim_checker {
    DKIM_LIB *library;
    struct dkim_policy policy;
};

const struct dkim_policy dkim_policy_default = {.min_key_bits = 1024};

const char *dkim_result_name(enum dkim_result result)
{
    static const char *const names[] = {
        [DKIM_PASS] = "pass",           [DKIM_FAIL] = "fail",           [DKIM_NEUTRAL] = "neutral",
        [DKIM_TEMPERROR] = "temperror", [DKIM_PERMERROR] = "permerror",
    };
    return (unsigned)result < sizeof names / sizeof *names ? names[result] : "?";
}

/* --- keys --- */

/* Selector and domain come from the message: what is no host name is never asked for. */
static bool key_name(DKIM_SIGINFO *signature, char *name, size_t size)
{
    const char *selector = (const char *)dkim_sig_getselector(signature);
    const char *domain = (const char *)dkim_sig_getdomain(signature);
    if (!selector || !domain)
        return false;
    int n = snprintf(name, size, "%s." DKIM_DNSKEYNAME ".%s", selector, domain);
    if (n < 0 || (size_t)n >= size)
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
           (size_t)n;
}

/* q=: ways to ask for the key; dns/txt is the only one and the default (RFC 6376 3.5). */
static bool asks_dns(const struct dkim_policy *policy, const char *methods)
{
    struct str rest = str_of(methods);
    struct str method;
    if (!methods)
        return true;
    while (str_next(&rest, ':', &method)) {
        method = str_trim(method);
        if (str_ieq(method, STR("dns/txt")) ||
            (policy->accept_drafts && str_ieq(method, STR("dns"))))
            return true;
    }
    return false;
}

static const char *tag(DKIM_SIGINFO *signature, const char *name)
{
    return (const char *)dkim_sig_gettagvalue(signature, false, (u_char *)name);
}

/* Not NULL: why this signature can't be good, whatever its key is. */
static const char *not_accepted(const struct dkim_policy *policy, DKIM_SIGINFO *signature)
{
    const char *algorithm = tag(signature, "a");
    if (algorithm && strcasecmp(algorithm, "rsa-sha1") == 0 && !policy->accept_sha1)
        return "rsa-sha1 is not accepted (RFC 8301)";
    if (!asks_dns(policy, tag(signature, "q")))
        return "no known way to ask for the key (q=)";
    return NULL;
}

/* Fills in lookup->key, or why there is none. */
static void find_key(const struct job *job, DKIM_SIGINFO *signature, struct lookup *lookup)
{
    char name[DKIM_NAME_MAX + 1];
    lookup->note = not_accepted(job->policy, signature);
    if (lookup->note)
        return;
    if (!key_name(signature, name, sizeof name)) {
        lookup->note = "selector and domain are no host name";
        return;
    }
    const struct dns_query answer = dns_ask(job->dns, job->pool, DNS_TXT, str_of(name));
    if (answer.status == DNS_TEMP_FAILED || answer.status == DNS_BOGUS)
        lookup->failed = true;
    else if (answer.status == DNS_FOUND && answer.n > 1)
        lookup->note = "more than one key record";
    else if (answer.status == DNS_FOUND &&
             !str_copy(answer.records[0].data, lookup->key, sizeof lookup->key))
        lookup->note = "the key record is too long or holds NUL";
    else
        lookup->found = answer.status == DNS_FOUND;
}

/*
 * The library's hook. It never says "try again" or "error": that would end the whole message, and
 * the other signatures with it; judge() knows better from the lookup.
 */
static DKIM_CBSTAT on_key(DKIM *dkim, DKIM_SIGINFO *signature, u_char *out, size_t size)
{
    struct job *job = dkim_get_user_context(dkim);
    if (job->n == DKIM_SIGNATURES_MAX)
        return DKIM_CBSTAT_NOTFOUND;
    struct lookup *lookup = &job->lookups[job->n++];
    memset(lookup, 0, sizeof *lookup);
    lookup->signature = signature;
    find_key(job, signature, lookup);
    size_t n = strlen(lookup->key);
    if (lookup->found && n >= size)
        lookup->note = "the key record is too long";
    if (!lookup->found || n >= size)
        return DKIM_CBSTAT_NOTFOUND;
    memcpy(out, lookup->key, n + 1);
    return DKIM_CBSTAT_CONTINUE;
}

/* --- the library --- */

static int set_options(struct dkim_checker *checker, struct err *err)
{
    unsigned flags = DKIM_LIBFLAGS_BADSIGHANDLES;
    unsigned bits = checker->policy.min_key_bits;
    uint64_t now = checker->policy.now;
    if (checker->policy.accept_drafts)
        flags |= DKIM_LIBFLAGS_ACCEPTV05;
    DKIM_LIB *library = checker->library;
    if (dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof flags) !=
            DKIM_STAT_OK ||
        dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_MINKEYBITS, &bits, sizeof bits) !=
            DKIM_STAT_OK ||
        (now && dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_FIXEDTIME, &now, sizeof now) !=
                    DKIM_STAT_OK) ||
        dkim_set_key_lookup(library, on_key) != DKIM_STAT_OK)
        return err_set(err, "libopendkim does not take its options");
    if (!dkim_libfeature(library, DKIM_FEATURE_SHA256))
        return err_set(err, "this libopendkim has no SHA-256");
    return 0;
}

struct dkim_checker *dkim_checker_new(const struct dkim_policy *policy, struct err *err)
{
    struct dkim_checker *checker = calloc(1, sizeof *checker);
    if (!checker) {
        err_set(err, "out of memory");
        return NULL;
    }
    checker->policy = *policy;
    checker->library = dkim_init(NULL, NULL);
    if (!checker->library)
        err_set(err, "libopendkim does not start");
    if (!checker->library || set_options(checker, err) < 0)
        dkim_checker_free(&checker);
    return checker;
}

void dkim_checker_free(struct dkim_checker **checker)
{
    if (!*checker)
        return;
    if ((*checker)->library)
        dkim_close((*checker)->library);
    free(*checker);
    *checker = NULL;
}

/* --- one message --- */

static bool is_signature(const struct field *field)
{
    return str_ieq(field->name, STR(DKIM_SIGNHEADER));
}

static bool is_taken(const struct field *field)
{
    return is_signature(field) && field->end - field->at <= DKIM_SIGNATURE_MAX;
}

/* What a first look at a header says. */
struct header_look {
    size_t signatures;
    bool too_much; /* some of it is not verified */
};

static struct header_look look_at_header(struct str raw)
{
    struct field_walk walk = field_walk_of(raw);
    struct field field;
    struct header_look look = {.signatures = 0};
    size_t fields = 0;
    while (field_next(&walk, &field)) {
        look.signatures += is_signature(&field);
        if (!is_signature(&field))
            look.too_much |= field.end - field.at > DKIM_FIELD_MAX || ++fields > DKIM_FIELDS_MAX;
    }
    return look;
}

void dkim_ahead(struct str raw, struct pool *pool, struct dns_query *queries, size_t *n, size_t max)
{
    struct field_walk walk = field_walk_of(raw);
    struct field field;
    size_t signatures = 0;
    while (*n < max && signatures < DKIM_SIGNATURES_MAX && field_next(&walk, &field)) {
        if (!is_taken(&field))
            continue;
        signatures++;
        struct str name = sign_key_name(pool, field.value);
        if (name.n > 0)
            queries[(*n)++] = (struct dns_query){.type = DNS_TXT, .name = name};
    }
}

/* Of a name no more than a name can have. */
static struct str kept_name(struct pool *pool, struct str name)
{
    return pool_str(pool, str_sub(name, 0, DKIM_NAME_MAX));
}

/* A header that is not looked at to its end: a signature that fits the rest says nothing. */
static int refuse_all(struct str raw, struct pool *pool, struct dkim_results *results,
                      struct err *err)
{
    struct field_walk walk = field_walk_of(raw);
    struct field field;
    while (results->n < DKIM_SIGNATURES_MAX && field_next(&walk, &field)) {
        if (!is_taken(&field))
            continue;
        struct dkim_signature *out = &results->list[results->n++];
        out->result = DKIM_PERMERROR;
        out->reason = STR("the header has too many or too long fields");
        out->domain = kept_name(pool, tag_value(field.value, STR("d")));
        out->selector = kept_name(pool, tag_value(field.value, STR("s")));
        out->algorithm = out->start = STR("");
        if (!out->domain.s || !out->selector.s)
            return err_set(err, "dkim: out of memory");
    }
    return 0;
}

static DKIM_STAT feed_header(DKIM *dkim, struct str raw, size_t *body)
{
    struct field_walk walk = field_walk_of(raw);
    struct field field;
    size_t signatures = 0;
    DKIM_STAT status = DKIM_STAT_OK;
    while (field_next(&walk, &field) && status != DKIM_STAT_NORESOURCE) {
        if (is_signature(&field) && (!is_taken(&field) || ++signatures > DKIM_SIGNATURES_MAX))
            continue;
        struct str bytes = str_sub(raw, field.at, field.end);
        if (str_ends(bytes, STR("\r\n")))
            bytes.n -= 2;
        /* it takes a pointer to bytes that it does not change */
        status = dkim_header(dkim, (u_char *)bytes.s, bytes.n);
    }
    *body = walk.at;
    /* a field that the library can't read is left out of what it verifies */
    return status == DKIM_STAT_NORESOURCE ? status : DKIM_STAT_OK;
}

static const struct lookup *lookup_of(const struct job *job, const DKIM_SIGINFO *signature)
{
    for (size_t i = 0; i < job->n; i++)
        if (job->lookups[i].signature == signature)
            return &job->lookups[i];
    return NULL;
}

static enum dkim_result result_of_error(DKIM_SIGERROR error)
{
    switch (error) {
    case DKIM_SIGERROR_BADSIG:
        return DKIM_FAIL;
    case DKIM_SIGERROR_KEYFAIL:
        return DKIM_TEMPERROR;
    case DKIM_SIGERROR_UNKNOWN:
    case DKIM_SIGERROR_VERSION:
    case DKIM_SIGERROR_DOMAIN:
    case DKIM_SIGERROR_TIMESTAMPS:
    case DKIM_SIGERROR_INVALID_HC:
    case DKIM_SIGERROR_INVALID_BC:
    case DKIM_SIGERROR_MISSING_A:
    case DKIM_SIGERROR_INVALID_A:
    case DKIM_SIGERROR_MISSING_H:
    case DKIM_SIGERROR_INVALID_L:
    case DKIM_SIGERROR_INVALID_Q:
    case DKIM_SIGERROR_INVALID_QO:
    case DKIM_SIGERROR_MISSING_D:
    case DKIM_SIGERROR_EMPTY_D:
    case DKIM_SIGERROR_MISSING_S:
    case DKIM_SIGERROR_EMPTY_S:
    case DKIM_SIGERROR_MISSING_B:
    case DKIM_SIGERROR_EMPTY_B:
    case DKIM_SIGERROR_CORRUPT_B:
    case DKIM_SIGERROR_MISSING_BH:
    case DKIM_SIGERROR_EMPTY_BH:
    case DKIM_SIGERROR_CORRUPT_BH:
    case DKIM_SIGERROR_EMPTY_H:
    case DKIM_SIGERROR_INVALID_H:
    case DKIM_SIGERROR_MISSING_V:
    case DKIM_SIGERROR_EMPTY_V:
        return DKIM_NEUTRAL;
    default:
        return DKIM_PERMERROR;
    }
}

static void judge(DKIM_SIGINFO *signature, const struct lookup *lookup, struct dkim_signature *out)
{
    DKIM_SIGERROR error = dkim_sig_geterror(signature);
    const char *error_text = dkim_sig_geterrorstr(error);
    out->reason = str_of(error_text ? error_text : "cannot be verified");
    if (lookup && lookup->failed) {
        out->result = DKIM_TEMPERROR;
        out->reason = STR("the key could not be looked up");
    } else if (lookup && lookup->note) {
        out->result = DKIM_PERMERROR;
        out->reason = str_of(lookup->note);
    } else if (dkim_sig_getbh(signature) == DKIM_SIGBH_MISMATCH &&
               (error == DKIM_SIGERROR_OK || error == DKIM_SIGERROR_BADSIG)) {
        out->result = DKIM_FAIL;
        out->reason = STR("body hash did not verify");
    } else if (error != DKIM_SIGERROR_OK) {
        out->result = result_of_error(error);
    } else if (DKIM_SIG_CHECK(signature)) {
        out->result = DKIM_PASS;
        out->reason = out->partial ? STR("only part of the body is signed (l=)") : STR_EMPTY;
    } else {
        bool looked_at = dkim_sig_getflags(signature) & DKIM_SIGFLAG_PROCESSED;
        out->result = looked_at ? DKIM_FAIL : DKIM_NEUTRAL;
        out->reason = STR("not verified");
    }
}

/* The first bytes of b=, the folds taken out. */
static struct str start_of(struct pool *pool, struct str signature)
{
    char start[DKIM_START];
    size_t n = 0;
    for (size_t i = 0; i < signature.n && n < sizeof start; i++)
        if (!ascii_is_space(signature.s[i]))
            start[n++] = signature.s[i];
    return pool_str(pool, str_n(start, n));
}

static bool describe(DKIM *dkim, DKIM_SIGINFO *signature, struct pool *pool,
                     struct dkim_signature *out)
{
    ssize_t body = 0, covered = 0, limit = 0;
    unsigned bits = 0;
    out->domain = kept_name(pool, str_of((const char *)dkim_sig_getdomain(signature)));
    out->selector = kept_name(pool, str_of((const char *)dkim_sig_getselector(signature)));
    out->algorithm = kept_name(pool, str_of(tag(signature, "a")));
    out->start = start_of(pool, str_of(tag(signature, "b")));
    out->testing = dkim_sig_getflags(signature) & DKIM_SIGFLAG_TESTKEY;
    if (dkim_sig_getkeysize(signature, &bits) == DKIM_STAT_OK)
        out->key_bits = bits;
    if (dkim_sig_getcanonlen(dkim, signature, &body, &covered, &limit) == DKIM_STAT_OK &&
        limit >= 0 && covered < body)
        out->partial = true;
    return out->domain.s && out->selector.s && out->algorithm.s && out->start.s;
}

static int collect(DKIM *dkim, const struct job *job, struct pool *pool,
                   struct dkim_results *results)
{
    DKIM_SIGINFO **list = NULL;
    int n = 0;
    if (dkim_getsiglist(dkim, &list, &n) != DKIM_STAT_OK)
        return 0;
    for (int i = 0; i < n && results->n < DKIM_SIGNATURES_MAX; i++) {
        struct dkim_signature *out = &results->list[results->n++];
        if (!describe(dkim, list[i], pool, out))
            return -1;
        judge(list[i], lookup_of(job, list[i]), out);
    }
    return 0;
}

/* DKIM_STAT_OK also for what is wrong with the message: that stands in the signatures. */
static DKIM_STAT verify(DKIM *dkim, struct str raw)
{
    size_t body;
    bool test_key;
    DKIM_STAT status = feed_header(dkim, raw, &body);
    if (status == DKIM_STAT_OK)
        status = dkim_eoh(dkim);
    if (status == DKIM_STAT_OK && body < raw.n)
        status = dkim_body(dkim, (u_char *)raw.s + body, raw.n - body);
    if (status == DKIM_STAT_OK)
        status = dkim_eom(dkim, &test_key);
    return status == DKIM_STAT_NORESOURCE || status == DKIM_STAT_INTERNAL ? status : DKIM_STAT_OK;
}

static int check_bytes(struct dkim_checker *checker, struct pool *pool, struct str bytes,
                       const struct dns_source *dns, struct dkim_results *results, struct err *err)
{
    struct job job = {.policy = &checker->policy, .dns = dns, .pool = pool};
    DKIM_STAT status = DKIM_STAT_OK;
    DKIM *dkim = dkim_verify(checker->library, (const u_char *)"message", NULL, &status);
    if (!dkim)
        return err_set(err, "dkim: %s", dkim_getresultstr(status));
    dkim_set_user_context(dkim, &job);
    status = verify(dkim, bytes);
    int result = status == DKIM_STAT_OK ? collect(dkim, &job, pool, results) : -1;
    if (result < 0)
        err_set(err, "dkim: %s",
                status == DKIM_STAT_OK ? "out of memory" : dkim_getresultstr(status));
    dkim_free(dkim);
    return result;
}

int dkim_check(struct dkim_checker *checker, struct pool *pool, struct str raw,
               const struct dns_source *dns, struct dkim_results *results, struct err *err)
{
    const struct header_look look = look_at_header(raw);
    memset(results, 0, sizeof *results);
    results->more = look.signatures > DKIM_SIGNATURES_MAX;
    if (look.signatures == 0)
        return 0;
    if (look.too_much)
        return refuse_all(raw, pool, results, err);
    struct buf normal = BUF_INIT(0);
    struct str bytes;
    int result = canon_crlf(raw, &normal, &bytes)
                     ? check_bytes(checker, pool, bytes, dns, results, err)
                     : err_set(err, "dkim: out of memory");
    buf_release(&normal);
    return result;
}
