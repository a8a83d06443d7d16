#include "sender/dmarc_record.h"

#include "base/ascii.h"
#include "sender/tag.h"

const char *dmarc_policy_name(enum dmarc_policy policy)
{
    static const char *const names[] = {"none", "quarantine", "reject"};
    return (unsigned)policy < sizeof names / sizeof *names ? names[policy] : "?";
}

/* One p=, sp= or np=. */
struct policy_tag {
    enum dmarc_policy policy;
    bool there;
    bool readable;
};

static void read_policy(struct str value, struct policy_tag *tag)
{
    if (tag->there) /* the first counts */
        return;
    tag->there = true;
    for (enum dmarc_policy p = DMARC_POLICY_NONE; p <= DMARC_POLICY_REJECT; p++)
        if (str_ieq(value, str_of(dmarc_policy_name(p)))) {
            tag->policy = p;
            tag->readable = true;
        }
}

/* A scheme, and something behind it (RFC 3986 3); behind mailto: an address. */
static bool is_uri(struct str uri)
{
    size_t colon = str_chr(uri, ':');
    if (colon == STR_NONE || colon == 0 || colon + 1 == uri.n || !ascii_is_letter(uri.s[0]))
        return false;
    for (size_t i = 1; i < colon; i++)
        if (!ascii_is_alnum(uri.s[i]) && !memchr("+-.", uri.s[i], 3))
            return false;
    size_t at = str_chr(uri, '@');
    return !str_istarts(uri, STR("mailto:")) ||
           (at != STR_NONE && at > colon + 1 && at + 1 < uri.n);
}

/* Whether rua= names somebody to report to (4.10.1), whom we could reach or not. */
static bool has_report_uri(struct str value)
{
    struct str uri;
    while (str_next(&value, ',', &uri))
        if (is_uri(str_trim(uri)))
            return true;
    return false;
}

static unsigned read_failure(struct str value)
{
    struct str one;
    unsigned failure = 0;
    while (str_next(&value, ':', &one)) {
        one = str_trim(one);
        failure |= str_eq(one, STR("0"))    ? DMARC_FO_ALL
                   : str_eq(one, STR("1"))  ? DMARC_FO_ANY
                   : str_ieq(one, STR("d")) ? DMARC_FO_DKIM
                   : str_ieq(one, STR("s")) ? DMARC_FO_SPF
                                            : 0;
    }
    return failure;
}

static void settle(struct dmarc_record *record, const struct policy_tag *p,
                   const struct policy_tag *sp, const struct policy_tag *np, bool reports)
{
    record->reports = reports;
    bool good = p->readable && sp->there == sp->readable && np->there == np->readable;
    if (!good) { /* as if p=none stood there alone; or no DMARC */
        record->unusable = !reports;
        return;
    }
    record->policy = p->policy;
    record->subdomain = sp->there ? sp->policy : record->policy;
    record->missing = np->there ? np->policy : record->subdomain;
    record->has_subdomain = sp->there;
    record->has_missing = np->there;
}

bool dmarc_record_parse(struct str text, struct dmarc_record *record)
{
    struct policy_tag p = {0}, sp = {0}, np = {0};
    struct str name, value;
    bool reports = false;
    *record = (struct dmarc_record){.policy = DMARC_POLICY_NONE};
    /* the version comes first, and is the only value whose case counts */
    if (!tag_next(&text, &name, &value) || !str_ieq(name, STR("v")) ||
        !str_eq(value, STR("DMARC1")))
        return false;
    while (tag_next(&text, &name, &value)) {
        if (str_ieq(name, STR("p")))
            read_policy(value, &p);
        else if (str_ieq(name, STR("sp")))
            read_policy(value, &sp);
        else if (str_ieq(name, STR("np")))
            read_policy(value, &np);
        else if (str_ieq(name, STR("adkim")))
            record->strict_dkim = str_ieq(value, STR("s"));
        else if (str_ieq(name, STR("aspf")))
            record->strict_spf = str_ieq(value, STR("s"));
        else if (str_ieq(name, STR("t")))
            record->testing = str_ieq(value, STR("y"));
        else if (str_ieq(name, STR("psd")))
            record->psd = str_ieq(value, STR("y"))   ? DMARC_PSD_YES
                          : str_ieq(value, STR("n")) ? DMARC_PSD_NO
                                                     : DMARC_PSD_UNKNOWN;
        else if (str_ieq(name, STR("rua")))
            reports = reports || has_report_uri(value);
        else if (str_ieq(name, STR("fo")))
            record->failure = read_failure(value);
    }
    settle(record, &p, &sp, &np, reports);
    return true;
}

static void put_failure(struct buf *out, unsigned failure)
{
    static const struct {
        enum dmarc_failure bit;
        char letter;
    } letters[] = {{DMARC_FO_ALL, '0'},
                   {DMARC_FO_ANY, '1'},
                   {DMARC_FO_DKIM, 'd'},
                   {DMARC_FO_SPF, 's'}};
    const char *before = "; fo=";
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
        if (!(failure & letters[i].bit))
            continue;
        buf_add(out, str_of(before));
        buf_addc(out, letters[i].letter);
        before = ":";
    }
}

void dmarc_record_put(struct buf *out, const struct dmarc_record *record)
{
    buf_addf(out, "p=%s", dmarc_policy_name(record->policy));
    if (record->has_subdomain)
        buf_addf(out, "; sp=%s", dmarc_policy_name(record->subdomain));
    if (record->has_missing)
        buf_addf(out, "; np=%s", dmarc_policy_name(record->missing));
    buf_addf(out, "; adkim=%c; aspf=%c; t=%c", record->strict_dkim ? 's' : 'r',
             record->strict_spf ? 's' : 'r', record->testing ? 'y' : 'n');
    put_failure(out, record->failure);
}
