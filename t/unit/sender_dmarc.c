#include "t/unit/tap.h"

#include "sender/dmarc.h"
#include "sender/dmarc_walk.h"
#include "sender/dns_file.h"
#include "sender/dns_memo.h"

static struct pool *pool;

/* --- records --- */

static struct dmarc_record record_of(const char *text)
{
    struct dmarc_record record;
    if (!dmarc_record_parse(str_of(text), &record))
        fail_msg("no record: %s", text);
    return record;
}

static void reads_records(void **state)
{
    struct dmarc_record r = record_of("v=DMARC1; p=reject; sp=quarantine; np=none; adkim=s; "
                                      "aspf=r; psd=n; t=y; rua=mailto:a@b.example");
    assert_int_equal(r.policy, DMARC_POLICY_REJECT);
    assert_int_equal(r.subdomain, DMARC_POLICY_QUARANTINE);
    assert_int_equal(r.missing, DMARC_POLICY_NONE);
    assert_true(r.strict_dkim);
    assert_false(r.strict_spf);
    assert_int_equal(r.psd, DMARC_PSD_NO);
    assert_true(r.testing);
    assert_false(r.unusable);
    r = record_of(" v = DMARC1 ;P=Reject;unknown=x;;t=maybe;psd=u");
    assert_int_equal(r.policy, DMARC_POLICY_REJECT);
    assert_int_equal(r.subdomain, DMARC_POLICY_REJECT);
    assert_int_equal(r.missing, DMARC_POLICY_REJECT);
    assert_false(r.testing);
    r = record_of("v=DMARC1; p=none; sp=reject");
    assert_int_equal(r.missing, DMARC_POLICY_REJECT);
    /* pct= is history, and changes nothing */
    assert_int_equal(record_of("v=DMARC1; p=reject; pct=0").policy, DMARC_POLICY_REJECT);
}

static void what_is_no_record(void **state)
{
    static const char *const texts[] = {
        "",
        "v=DMARC1.1; p=none",
        "v=dmarc1; p=none",
        "p=none; v=DMARC1",
        "v=spf1 -all",
        "DMARC1; p=none",
        "v=DMARC1 p=none",
        "; v=DMARC1",
    };
    struct dmarc_record record;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (dmarc_record_parse(str_of(texts[i]), &record))
            fail_msg("taken: %s", texts[i]);
}

static void a_bad_policy_needs_reports(void **state)
{
    /* RFC 9989 4.10.1 */
    assert_true(record_of("v=DMARC1").unusable);
    assert_true(record_of("v=DMARC1; p=rejekt").unusable);
    assert_true(record_of("v=DMARC1; p=reject; sp=what").unusable);
    assert_true(record_of("v=DMARC1; p=reject; np=").unusable);
    assert_true(record_of("v=DMARC1; rua=a@b.example").unusable);
    struct dmarc_record r = record_of("v=DMARC1; p=reject; sp=what; rua=mailto:a@b.example");
    assert_false(r.unusable);
    assert_int_equal(r.policy, DMARC_POLICY_NONE);
    assert_int_equal(r.subdomain, DMARC_POLICY_NONE);
    assert_false(record_of("v=DMARC1; rua=x, mailto:a@b.example!10m").unusable);
}

/* --- the walk --- */

static struct dns_file *zone;

static struct dns_source source_of(const char *text)
{
    struct err err = {""};
    dns_file_free(&zone);
    zone = dns_file_parse(str_of(text), "zone", &err);
    if (!zone)
        fail_msg("%s", err.text);
    return dns_file_source(zone);
}

static void expect_organization(const char *text, const char *domain, const char *organization)
{
    struct dmarc_walk walk;
    const struct dns_source source = source_of(text);
    dmarc_walk(&walk, str_of(domain), &source, pool);
    assert_str(dmarc_walk_organization(&walk), organization);
}

#define REJECT "TXT v=DMARC1; p=reject"

static void walks_up_the_tree(void **state)
{
    struct str names[DMARC_WALK_MAX];
    assert_int_equal(dmarc_walk_names(STR("a.b.example"), pool, names), 3);
    assert_str(names[0], "_dmarc.a.b.example");
    assert_str(names[2], "_dmarc.example");
    /* RFC 9989 4.10: at most eight, and long names go to seven labels at once */
    assert_int_equal(dmarc_walk_names(STR("a.b.c.d.e.f.g.h.i.j.mail.example.com"), pool, names), 8);
    assert_str(names[0], "_dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com");
    assert_str(names[1], "_dmarc.g.h.i.j.mail.example.com");
    assert_str(names[7], "_dmarc.com");
    assert_int_equal(dmarc_walk_names(STR("b.c.d.e.f.g.example.com"), pool, names), 8);
    assert_str(names[1], "_dmarc.c.d.e.f.g.example.com");
    assert_int_equal(dmarc_walk_names(STR("com"), pool, names), 1);
    assert_int_equal(dmarc_walk_names(STR(""), pool, names), 0);
}

static void finds_organizations(void **state)
{
    /* the fewest labels */
    expect_organization("_dmarc.a.mail.example.com " REJECT "\n_dmarc.mail.example.com " REJECT
                        "\n_dmarc.example.com " REJECT "\n",
                        "a.mail.example.com", "example.com");
    /* psd=n is it, whatever stands above */
    expect_organization("_dmarc.mail.example.com " REJECT "; psd=n\n_dmarc.example.com " REJECT
                        "\n",
                        "a.mail.example.com", "mail.example.com");
    /* psd=y is one label too high */
    expect_organization("_dmarc.example.com " REJECT "\n_dmarc.com " REJECT "; psd=y\n",
                        "mail.example.com", "example.com");
    expect_organization("_dmarc.com " REJECT "; psd=y\n", "a.mail.example.com", "example.com");
    /* … but where the walk starts at it */
    expect_organization("_dmarc.com " REJECT "; psd=y\n", "com", "com");
    expect_organization("", "mail.example.com", "mail.example.com");
    /* several records are none */
    expect_organization("_dmarc.example.com " REJECT "\n_dmarc.example.com " REJECT
                        "\n_dmarc.mail.example.com " REJECT "\n",
                        "a.mail.example.com", "mail.example.com");
    expect_organization("_dmarc.example.com " REJECT "\n_dmarc.example.com TXT note\n",
                        "mail.example.com", "example.com");
}

/* --- messages --- */

struct given {
    const char *from;  /* header */
    const char *spf;   /* domain with a pass; NULL: none */
    const char *dkim;  /* the same */
    bool unknown_dkim; /* its key could not be asked for */
};

static struct dmarc_answer check(const char *text, struct given given)
{
    const struct dns_source file = source_of(text);
    struct dns_memo *memo = dns_memo_new(pool, &file);
    const struct dns_source dns = dns_memo_source(memo);
    const struct spf_answer spf = {.result = given.spf ? SPF_PASS : SPF_FAIL,
                                   .domain = str_of(given.spf)};
    struct dkim_results dkim = {.n = given.dkim ? 1 : 0};
    dkim.list[0].domain = str_of(given.dkim);
    dkim.list[0].result = given.unknown_dkim ? DKIM_TEMPERROR : DKIM_PASS;
    struct message *message;
    struct dmarc_authors authors;
    struct dmarc_answer answer;
    struct err err = {""};
    struct str raw = pool_strf(pool, "%s\r\nSubject: x\r\n\r\nbody\r\n", given.from);
    assert_int_equal(message_parse(pool, raw, &mail_limits_default, &message, &err), 0);
    assert_int_equal(dmarc_authors(message, pool, &authors, &err), 0);
    struct dns_query ahead[100];
    size_t n = 0;
    dmarc_ahead(&authors, pool, ahead, &n, 100);
    dns.ask(dns.data, pool, ahead, n);
    dmarc_check(&authors, &spf, &dkim, &dns, pool, &answer);
    return answer;
}

static struct dmarc_answer expect(const char *text, struct given given, enum dmarc_result result)
{
    const struct dmarc_answer answer = check(text, given);
    if (answer.result != result)
        fail_msg("%s with %s: %s, expected %s", given.from, text, dmarc_result_name(answer.result),
                 dmarc_result_name(result));
    return answer;
}

#define ZONE                                                                                       \
    "_dmarc.example.com TXT v=DMARC1; p=quarantine; sp=reject; np=none\n"                          \
    "_dmarc.strict.example TXT v=DMARC1; p=reject; adkim=s; aspf=s\n"                              \
    "mail.example.com A 192.0.2.1\n"

static void alignment(void **state)
{
    const char *from = "From: Toto <toto@example.com>";
    assert_true(expect(ZONE, (struct given){from, "example.com", NULL, 0}, DMARC_PASS).spf_aligned);
    assert_true(
        expect(ZONE, (struct given){from, NULL, "News.Example.com", 0}, DMARC_PASS).dkim_aligned);
    expect(ZONE, (struct given){from, "example.net", "badexample.com", 0}, DMARC_FAIL);
    expect(ZONE, (struct given){from, NULL, NULL, 0}, DMARC_FAIL);
    expect(ZONE, (struct given){"From: a@mail.example.com", "example.com", NULL, 0}, DMARC_PASS);
    expect(ZONE, (struct given){"From: a@mail.example.com", "com", NULL, 0}, DMARC_FAIL);
    from = "From: toto@strict.example";
    expect(ZONE, (struct given){from, "mail.strict.example", "mail.strict.example", 0}, DMARC_FAIL);
    expect(ZONE, (struct given){from, NULL, "strict.example", 0}, DMARC_PASS);
    /* a part of the tree that is another organization */
    expect(ZONE "_dmarc.other.example.com " REJECT "; psd=n\n",
           (struct given){"From: a@example.com", "other.example.com", NULL, 0}, DMARC_FAIL);
    expect(ZONE, (struct given){"From: a@nobody.example", "nobody.example", NULL, 0}, DMARC_NONE);
    /* whatever stands behind the domain: programs show the address all the same */
    static const char *const shown[] = {
        "From: <a@example.com(x)>",   "From: <a@example.com ;>",
        "From: a@example.com foo",    "From: \"a@example.com\"",
        "From: ceo(x)@example.com",   "From: ceo@(x)example.com",
        "From: <\"a>\"@example.com>", "From: ceo(x)@example.com, b@other.example"};
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        expect(ZONE, (struct given){shown[i], "other.example", NULL, 0}, DMARC_FAIL);
}

static void policies(void **state)
{
    struct dmarc_answer a =
        expect(ZONE, (struct given){"From: a@example.com", NULL, NULL, 0}, DMARC_FAIL);
    assert_int_equal(a.applied, DMARC_POLICY_QUARANTINE);
    assert_str(a.record_domain, "example.com");
    a = expect(ZONE, (struct given){"From: a@mail.example.com", NULL, NULL, 0}, DMARC_FAIL);
    assert_int_equal(a.applied, DMARC_POLICY_REJECT);
    assert_str(a.domain, "mail.example.com");
    a = expect(ZONE, (struct given){"From: a@nowhere.example.com", NULL, NULL, 0}, DMARC_FAIL);
    assert_int_equal(a.applied, DMARC_POLICY_NONE);
    a = expect("_dmarc.a.example " REJECT "; t=y\n",
               (struct given){"From: b@a.example", NULL, NULL, 0}, DMARC_FAIL);
    assert_int_equal(a.policy, DMARC_POLICY_REJECT);
    assert_int_equal(a.applied, DMARC_POLICY_QUARANTINE);
    /* a public suffix speaks for those who don't */
    a = expect("_dmarc.bank " REJECT "; psd=y\n", (struct given){"From: b@a.bank", NULL, NULL, 0},
               DMARC_FAIL);
    assert_str(a.record_domain, "bank");
    assert_int_equal(a.applied, DMARC_POLICY_REJECT);
    expect("_dmarc.bank " REJECT "; psd=y\n", (struct given){"From: b@a.bank", "c.bank", NULL, 0},
           DMARC_FAIL);
    expect("_dmarc.bank " REJECT "; psd=y\n", (struct given){"From: b@a.bank", "x.a.bank", NULL, 0},
           DMARC_PASS);
    a = expect(ZONE, (struct given){"From: a@example.com", "example.com", NULL, 0}, DMARC_PASS);
    assert_int_equal(a.applied, DMARC_POLICY_NONE);
}

static void errors(void **state)
{
    const struct given nobody = {"From: a@b.example.com", NULL, NULL, 0};
    expect("_dmarc.b.example.com TEMPFAIL\n", nobody, DMARC_TEMPERROR);
    expect("_dmarc.example.com TEMPFAIL\n", nobody, DMARC_TEMPERROR);
    /* its own policy is known; whose organization it is, not */
    expect("_dmarc.b.example.com " REJECT "\n_dmarc.example.com TEMPFAIL\n", nobody,
           DMARC_TEMPERROR);
    expect("_dmarc.b.example.com " REJECT "\n_dmarc.example.com TEMPFAIL\n",
           (struct given){"From: a@b.example.com", "b.example.com", NULL, 0}, DMARC_PASS);
    expect("_dmarc.b.example.com TXT v=DMARC1; p=all\n", nobody, DMARC_PERMERROR);
    /* a key that could not be asked for might have been the good one */
    expect("_dmarc.example.com " REJECT "\n",
           (struct given){"From: a@b.example.com", NULL, "example.com", true}, DMARC_TEMPERROR);
    expect("_dmarc.example.com " REJECT "\n",
           (struct given){"From: a@b.example.com", NULL, "example.net", true}, DMARC_FAIL);
}

static void several_authors(void **state)
{
    const struct given two = {"From: a@example.com, b@nobody.example", "nobody.example", NULL, 0};
    struct dmarc_answer a = expect(ZONE, two, DMARC_FAIL);
    assert_str(a.domain, "example.com");
    a = expect(ZONE, (struct given){"From: b@nobody.example\r\nFrom: a@example.com", NULL, NULL, 0},
               DMARC_FAIL);
    assert_str(a.domain, "example.com");
    expect(ZONE,
           (struct given){"From: a@b.example, a@c.example, a@d.example, a@e.example, a@f.example",
                          NULL, NULL, 0},
           DMARC_PERMERROR);
    expect(ZONE, (struct given){"To: a@b.example", NULL, NULL, 0}, DMARC_NONE);
    expect(ZONE, (struct given){"From: nobody", NULL, NULL, 0}, DMARC_NONE);
    /* an international name is asked for in its A-label form */
    a = expect("_dmarc.xn--caf-dma.example " REJECT "\n",
               (struct given){"From: a@caf\xc3\xa9.example", NULL, NULL, 0}, DMARC_FAIL);
    assert_str(a.domain, "xn--caf-dma.example");
}

static int open_pool(void **state)
{
    pool = pool_new(1 << 26);
    return pool ? 0 : -1;
}

static int close_pool(void **state)
{
    dns_file_free(&zone);
    pool_free(&pool);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_records),
        cmocka_unit_test(what_is_no_record),
        cmocka_unit_test(a_bad_policy_needs_reports),
        cmocka_unit_test(walks_up_the_tree),
        cmocka_unit_test(finds_organizations),
        cmocka_unit_test(alignment),
        cmocka_unit_test(policies),
        cmocka_unit_test(errors),
        cmocka_unit_test(several_authors),
    };
    return tap_run(tests, open_pool, close_pool);
}
