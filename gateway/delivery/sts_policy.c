#include "gateway/delivery/sts_policy.h"

#include <stdlib.h>

#include "base/ascii.h"

#define RECORD_VERSION "v=STSv1"
#define POLICY_VERSION "STSv1"

/* --- the record --- */

static bool take_id(struct str value, char id[STS_ID_MAX + 1])
{
    for (size_t i = 0; i < value.n; i++)
        if (!ascii_is_alnum(value.s[i]))
            return false;
    return value.n > 0 && str_copy(value, id, STS_ID_MAX + 1);
}

/* "v=STSv1; id=20260101T0000;" with what else may stand there later. */
static bool read_record(struct str text, char id[STS_ID_MAX + 1])
{
    const struct str key = STR("id=");
    struct str field;
    bool first = true, found = false;
    while (str_next(&text, ';', &field)) {
        field = str_trim(field);
        if (first && !str_eq(field, STR(RECORD_VERSION)))
            return false;
        first = false;
        if (!found && str_starts(field, key)) {
            if (!take_id(str_from(field, key.n), id))
                return false;
            found = true;
        }
    }
    return found;
}

bool sts_find_id(const struct dns_record *records, size_t n, char id[STS_ID_MAX + 1])
{
    const struct dns_record *one = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!str_starts(records[i].data, STR(RECORD_VERSION)))
            continue;
        if (one)
            return false;
        one = &records[i];
    }
    return one && read_record(one->data, id);
}

/* --- the policy --- */

const char *sts_mode_name(enum sts_mode mode)
{
    static const char *const names[] = {"none", "testing", "enforce"};
    return names[mode];
}

struct reading {
    struct sts_policy *policy;
    bool has_version, has_mode, has_age;
};

static int take_mode(struct reading *r, struct str value, struct err *err)
{
    for (int mode = STS_NONE; mode <= STS_ENFORCE; mode++)
        if (str_eq(value, str_of(sts_mode_name((enum sts_mode)mode)))) {
            r->policy->mode = (enum sts_mode)mode;
            r->has_mode = true;
            return 0;
        }
    return err_set(err, "its mode is none of enforce, testing, none");
}

static int take_age(struct reading *r, struct str value, struct err *err)
{
    uint64_t age;
    if (!str_to_u64(value, UINT32_MAX, &age))
        return err_set(err, "its max_age is no number of seconds");
    r->policy->max_age = age > STS_MAX_AGE_MAX ? STS_MAX_AGE_MAX : (uint32_t)age;
    r->has_age = true;
    return 0;
}

/* Kept in its normal form; what comes of a line is never longer than A-labels make it. */
static int take_mx(struct reading *r, struct str value, struct err *err)
{
    struct sts_policy *p = r->policy;
    char normal[DOMAIN_SIZE];
    bool any = str_starts(value, STR("*."));
    if (p->n_mx == STS_MX_MAX)
        return err_set(err, "it has more than %d patterns of servers", STS_MX_MAX);
    if (!str_is_ascii(value) || !domain_normal(str_from(value, any ? 2 : 0), normal))
        return err_set(err, "one of its patterns is no server's name");
    struct str kept = {p->bytes + p->n_bytes, strlen(normal) + (any ? 2 : 0)};
    memcpy(p->bytes + p->n_bytes, "*.", 2);
    memcpy(p->bytes + p->n_bytes + (any ? 2 : 0), normal, strlen(normal));
    p->n_bytes += kept.n;
    p->mx[p->n_mx++] = kept;
    return 0;
}

/* Of a field that may stand once the first counts; what is not known is for later versions. */
static int take_line(struct reading *r, struct str line, struct err *err)
{
    struct str key, value = line;
    if (!str_next(&value, ':', &key) || key.n == line.n)
        return str_trim(line).n ? err_set(err, "it has a line without a colon") : 0;
    key = str_trim(key);
    value = str_trim(value);
    if (str_eq(key, STR("version")) && !r->has_version) {
        r->has_version = true;
        return str_eq(value, STR(POLICY_VERSION)) ? 0 : err_set(err, "its version is not STSv1");
    }
    if (str_eq(key, STR("mode")) && !r->has_mode)
        return take_mode(r, value, err);
    if (str_eq(key, STR("max_age")) && !r->has_age)
        return take_age(r, value, err);
    return str_eq(key, STR("mx")) ? take_mx(r, value, err) : 0;
}

static int read_lines(struct reading *r, struct str text, struct err *err)
{
    struct str line;
    while (str_next_line(&text, &line))
        if (take_line(r, line, err) < 0)
            return -1;
    if (!r->has_version || !r->has_mode || !r->has_age)
        return err_set(err, "it lacks its version, mode or max_age");
    if (r->policy->mode != STS_NONE && r->policy->n_mx == 0)
        return err_set(err, "it names no server");
    return 0;
}

struct sts_policy *sts_policy_read(struct str text, struct err *err)
{
    struct reading r = {.policy = NULL};
    if (text.n > STS_BYTES_MAX) {
        err_set(err, "it is larger than %zu bytes", STS_BYTES_MAX);
        return NULL;
    }
    /* a pattern is no longer than its line, but for the two bytes that are written ahead */
    r.policy = calloc(1, sizeof *r.policy + text.n + 2);
    if (r.policy == NULL) {
        err_set(err, "out of memory for it");
        return NULL;
    }
    if (read_lines(&r, text, err) == 0)
        return r.policy;
    free(r.policy);
    return NULL;
}

static bool matches(struct str pattern, struct str host)
{
    size_t dot = str_chr(host, '.');
    if (!str_starts(pattern, STR("*.")))
        return str_eq(pattern, host);
    return dot != STR_NONE && dot > 0 && str_eq(str_from(pattern, 1), str_from(host, dot));
}

bool sts_policy_lists(const struct sts_policy *policy, const char *host)
{
    for (size_t i = 0; i < policy->n_mx; i++)
        if (matches(policy->mx[i], str_of(host)))
            return true;
    return false;
}
