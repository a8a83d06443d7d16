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
    /* "at least one syntactically valid reporting URI": of any scheme */
    assert_false(record_of("v=DMARC1; p=all; rua=https://b.example/r").unusable);
    assert_true(record_of("v=DMARC1; p=all; rua=https:, mailto:a@, :x, 1a:b").unusable);
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

/* Of what the signature is made: could it be asked for, and does it say t=y? */
enum key { KEY_GOOD, KEY_UNKNOWN, KEY_TESTING };

struct given {
    const char *from; /* header */
    const char *spf;  /* domain with a pass; NULL: none */
    const char *dkim; /* the same */
    enum key key;
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
    dkim.list[0].testing = given.key == KEY_TESTING;
    dkim.list[0].result = given.key == KEY_UNKNOWN ? DKIM_TEMPERROR : DKIM_PASS;
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
    assert_true(
        expect(ZONE, (struct given){from, "example.com", NULL, KEY_GOOD}, DMARC_PASS).spf_aligned);
    assert_true(expect(ZONE, (struct given){from, NULL, "News.Example.com", KEY_GOOD}, DMARC_PASS)
                    .dkim_aligned);
    expect(ZONE, (struct given){from, "example.net", "badexample.com", KEY_GOOD}, DMARC_FAIL);
    expect(ZONE, (struct given){from, NULL, NULL, KEY_GOOD}, DMARC_FAIL);
    expect(ZONE, (struct given){"From: a@mail.example.com", "example.com", NULL, KEY_GOOD},
           DMARC_PASS);
    expect(ZONE, (struct given){"From: a@mail.example.com", "com", NULL, KEY_GOOD}, DMARC_FAIL);
    from = "From: toto@strict.example";
    expect(ZONE, (struct given){from, "mail.strict.example", "mail.strict.example", KEY_GOOD},
           DMARC_FAIL);
    expect(ZONE, (struct given){from, NULL, "strict.example", KEY_GOOD}, DMARC_PASS);
    /* a part of the tree that is another organization */
    expect(ZONE "_dmarc.other.example.com " REJECT "; psd=n\n",
           (struct given){"From: a@example.com", "other.example.com", NULL, KEY_GOOD}, DMARC_FAIL);
    expect(ZONE, (struct given){"From: a@nobody.example", "nobody.example", NULL, KEY_GOOD},
           DMARC_NONE);
    /* whatever stands behind the domain: programs show the address all the same */
    static const char *const shown[] = {
        "From: <a@example.com(x)>",   "From: <a@example.com ;>",
        "From: a@example.com foo",    "From: \"a@example.com\"",
        "From: ceo(x)@example.com",   "From: ceo@(x)example.com",
        "From: <\"a>\"@example.com>", "From: ceo(x)@example.com, b@other.example"};
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        expect(ZONE, (struct given){shown[i], "other.example", NULL, KEY_GOOD}, DMARC_FAIL);
}

static void policies(void **state)
{
    struct dmarc_answer a =
        expect(ZONE, (struct given){"From: a@example.com", NULL, NULL, KEY_GOOD}, DMARC_FAIL);
    assert_int_equal(a.applied, DMARC_POLICY_QUARANTINE);
    assert_str(a.record_domain, "example.com");
    a = expect(ZONE, (struct given){"From: a@mail.example.com", NULL, NULL, KEY_GOOD}, DMARC_FAIL);
    assert_int_equal(a.applied, DMARC_POLICY_REJECT);
    assert_str(a.domain, "mail.example.com");
    a = expect(ZONE, (struct given){"From: a@nowhere.example.com", NULL, NULL, KEY_GOOD},
               DMARC_FAIL);
    assert_int_equal(a.applied, DMARC_POLICY_NONE);
    a = expect("_dmarc.a.example " REJECT "; t=y\n",
               (struct given){"From: b@a.example", NULL, NULL, KEY_GOOD}, DMARC_FAIL);
    assert_int_equal(a.policy, DMARC_POLICY_REJECT);
    assert_int_equal(a.applied, DMARC_POLICY_QUARANTINE);
    /* a public suffix speaks for those who don't */
    a = expect("_dmarc.bank " REJECT "; psd=y\n",
               (struct given){"From: b@a.bank", NULL, NULL, KEY_GOOD}, DMARC_FAIL);
    assert_str(a.record_domain, "bank");
    assert_int_equal(a.applied, DMARC_POLICY_REJECT);
    expect("_dmarc.bank " REJECT "; psd=y\n",
           (struct given){"From: b@a.bank", "c.bank", NULL, KEY_GOOD}, DMARC_FAIL);
    expect("_dmarc.bank " REJECT "; psd=y\n",
           (struct given){"From: b@a.bank", "x.a.bank", NULL, KEY_GOOD}, DMARC_PASS);
    a = expect(ZONE, (struct given){"From: a@example.com", "example.com", NULL, KEY_GOOD},
               DMARC_PASS);
    assert_int_equal(a.applied, DMARC_POLICY_NONE);
}

static void errors(void **state)
{
    const struct given nobody = {"From: a@b.example.com", NULL, NULL, KEY_GOOD};
    expect("_dmarc.b.example.com TEMPFAIL\n", nobody, DMARC_TEMPERROR);
    expect("_dmarc.example.com TEMPFAIL\n", nobody, DMARC_TEMPERROR);
    /* its own policy is known; whose organization it is, not: that matters where somebody else
     * vouches who might be of the same */
    const char *hidden = "_dmarc.b.example.com " REJECT "\n_dmarc.example.com TEMPFAIL\n";
    expect(hidden, nobody, DMARC_FAIL);
    expect(hidden, (struct given){"From: a@b.example.com", "example.com", NULL, KEY_GOOD},
           DMARC_TEMPERROR);
    expect(hidden, (struct given){"From: a@b.example.com", NULL, "c.example.com", KEY_UNKNOWN},
           DMARC_TEMPERROR);
    expect("_dmarc.b.example.com " REJECT "; aspf=s\n_dmarc.example.com TEMPFAIL\n",
           (struct given){"From: a@b.example.com", "example.com", NULL, KEY_GOOD}, DMARC_FAIL);
    /* 5.3.6: which policy holds hangs on whether the author's domain is there; where that is not
     * known it is the milder one, so that nobody gets away by hiding it */
    expect("_dmarc.example.com " REJECT "; sp=none\nb.example.com TEMPFAIL\n", nobody, DMARC_FAIL);
    struct dmarc_answer a =
        expect("_dmarc.example.com " REJECT "; sp=quarantine; np=reject\nb.example.com TEMPFAIL\n",
               nobody, DMARC_FAIL);
    assert_int_equal(a.applied, DMARC_POLICY_QUARANTINE);
    a = expect("_dmarc.example.com " REJECT "; sp=none; np=reject\nb.example.com TEMPFAIL\n",
               nobody, DMARC_FAIL);
    assert_int_equal(a.applied, DMARC_POLICY_NONE);
    expect("_dmarc.b.example.com " REJECT "\n_dmarc.example.com TEMPFAIL\n",
           (struct given){"From: a@b.example.com", "b.example.com", NULL, KEY_GOOD}, DMARC_PASS);
    expect("_dmarc.b.example.com TXT v=DMARC1; p=all\n", nobody, DMARC_PERMERROR);
    /* a key that could not be asked for might have been the good one */
    expect("_dmarc.example.com " REJECT "\n",
           (struct given){"From: a@b.example.com", NULL, "example.com", KEY_UNKNOWN},
           DMARC_TEMPERROR);
    expect("_dmarc.example.com " REJECT "\n",
           (struct given){"From: a@b.example.com", NULL, "example.net", KEY_UNKNOWN}, DMARC_FAIL);
}

static void a_key_in_testing_mode_aligns_nothing(void **state)
{
    const char *from = "From: a@example.com";
    expect(ZONE, (struct given){from, NULL, "example.com", KEY_TESTING}, DMARC_FAIL);
    expect(ZONE, (struct given){from, NULL, "example.com", KEY_GOOD}, DMARC_PASS);
}

static void several_authors(void **state)
{
    const struct given two = {"From: a@example.com, b@nobody.example", "nobody.example", NULL,
                              KEY_GOOD};
    struct dmarc_answer a = expect(ZONE, two, DMARC_FAIL);
    assert_str(a.domain, "example.com");
    a = expect(ZONE,
               (struct given){"From: b@nobody.example\r\nFrom: a@example.com", NULL, NULL,
                              KEY_GOOD},
               DMARC_FAIL);
    assert_str(a.domain, "example.com");
    /* what the fifth asks for nobody knows: perhaps the most */
    const char *five = "From: a@b.example, a@c.example, a@d.example, a@e.example, a@f.example";
    a = expect(ZONE, (struct given){five, "b.example", NULL, KEY_GOOD}, DMARC_PERMERROR);
    assert_int_equal(a.applied, DMARC_POLICY_REJECT);
    assert_str(a.reason, "the authors are of too many domains");
    five = "From: a@b.example, a@c.example, a@d.example, a@example.com, a@f.example";
    a = expect(ZONE, (struct given){five, NULL, NULL, KEY_GOOD}, DMARC_FAIL);
    assert_int_equal(a.applied, DMARC_POLICY_REJECT);
    /* the strictest of those that fail */
    a = expect("_dmarc.a.example TXT v=DMARC1; p=none\n_dmarc.b.example " REJECT "\n"
               "_dmarc.c.example TXT v=DMARC1; p=quarantine\n",
               (struct given){"From: x@a.example, x@b.example, x@c.example", NULL, NULL, KEY_GOOD},
               DMARC_FAIL);
    assert_str(a.domain, "b.example");
    assert_int_equal(a.applied, DMARC_POLICY_REJECT);
    expect(ZONE, (struct given){"To: a@b.example", NULL, NULL, KEY_GOOD}, DMARC_NONE);
    expect(ZONE, (struct given){"From: nobody", NULL, NULL, KEY_GOOD}, DMARC_NONE);
    /* an international name is asked for in its A-label form */
    a = expect("_dmarc.xn--caf-dma.example " REJECT "\n",
               (struct given){"From: a@caf\xc3\xa9.example", NULL, NULL, KEY_GOOD}, DMARC_FAIL);
    assert_str(a.domain, "xn--caf-dma.example");
}

/* A From that is read in one way here and in another by a program of a reader's. */
static void every_author_a_reader_may_see(void **state)
{
    static const char *const hidden[] = {
        "From: <a@evil.example> <ceo@example.com>",
        "From: <ceo@example.com> <a@evil.example>",
        "From: Boss <a@evil.example> \"Boss\" <ceo@example.com>",
        "From: <a@evil.example> ceo@example.com",
        "From: <ceo@example.com <a@evil.example>",
        "From: <a@evil.example <ceo@example.com>",
        "From: <@example.com:a@evil.example>",
        "From: ceo@example.com: a@evil.example;",
        "From: ceo@example.com@evil.example",
    };
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        expect(ZONE, (struct given){hidden[i], "evil.example", NULL, KEY_GOOD}, DMARC_FAIL);
    /* a display name is no author (11.4), and many have an address there */
    expect(ZONE "_dmarc.list.example " REJECT "\n",
           (struct given){"From: \"ceo@example.com via\" <l@list.example>", "list.example", NULL,
                          0},
           DMARC_PASS);
    expect(ZONE "_dmarc.list.example " REJECT "\n",
           (struct given){"From: ceo@example.com <l@list.example>", "list.example", NULL, KEY_GOOD},
           DMARC_PASS);
}

static void a_from_behind_all_limits_is_seen(void **state)
{
    struct buf from = BUF_INIT(1 << 20);
    buf_add(&from, STR("From: a@evil.example\r\n"));
    for (unsigned i = 0; i < mail_limits_default.headers; i++)
        buf_add(&from, STR("X: x\r\n"));
    buf_add(&from, STR("From: ceo@example.com"));
    const struct dmarc_answer a =
        expect(ZONE, (struct given){buf_cstr(&from), "evil.example", NULL, KEY_GOOD}, DMARC_FAIL);
    assert_str(a.domain, "example.com");
    assert_int_equal(a.applied, DMARC_POLICY_QUARANTINE);
    buf_release(&from);
}

/* --- the examples of appendix B, in our words --- */

/* B.1: the same domain, one of the same organization, a stranger. */
static void alignment_as_in_the_appendix(void **state)
{
    static const char relaxed[] = "_dmarc.example.com " REJECT "\n";
    static const char strict[] = "_dmarc.example.com " REJECT "; aspf=s; adkim=s\n";
    const char *from = "From: sender@example.com", *child = "From: sender@child.example.com";
    expect(strict, (struct given){from, "example.com", NULL, KEY_GOOD}, DMARC_PASS);
    expect(relaxed, (struct given){from, "child.example.com", NULL, KEY_GOOD}, DMARC_PASS);
    expect(strict, (struct given){from, "child.example.com", NULL, KEY_GOOD}, DMARC_FAIL);
    expect(relaxed, (struct given){child, "example.net", NULL, KEY_GOOD}, DMARC_FAIL);
    expect(strict, (struct given){from, NULL, "example.com", KEY_GOOD}, DMARC_PASS);
    expect(relaxed, (struct given){child, NULL, "example.com", KEY_GOOD}, DMARC_PASS);
    expect(strict, (struct given){child, NULL, "example.com", KEY_GOOD}, DMARC_FAIL);
    expect(relaxed, (struct given){child, NULL, "example.net", KEY_GOOD}, DMARC_FAIL);
}

/* B.4.1, B.4.2: a signature of a subdomain that has a record of its own, and a deep author. */
static void walks_as_in_the_appendix(void **state)
{
    static const char records[] = "_dmarc.example.com " REJECT "\n"
                                  "_dmarc.signing.example.com TXT v=DMARC1; p=none\n";
    const char *deep = "From: x@a.b.c.d.e.f.g.h.i.j.k.example.com";
    for (size_t i = 0; i < 2; i++) {
        const char *from = i == 0 ? "From: x@example.com" : deep;
        struct dmarc_answer a =
            expect(records, (struct given){from, "example.com", NULL, KEY_GOOD}, DMARC_PASS);
        assert_true(a.spf_aligned);
        a = expect(records, (struct given){from, NULL, "signing.example.com", KEY_GOOD},
                   DMARC_PASS);
        assert_true(a.dkim_aligned);
        a = expect(records, (struct given){from, NULL, NULL, KEY_GOOD}, DMARC_FAIL);
        assert_str(a.record_domain, "example.com");
        assert_int_equal(a.applied, DMARC_POLICY_REJECT);
    }
    /* 5.1.8: a zone cut below the seven labels is never seen */
    expect_organization("_dmarc.example.com " REJECT "\n_dmarc.b.c.d.e.f.g.example.com " REJECT
                        "; psd=n\n",
                        "mail.a.b.c.d.e.f.g.example.com", "example.com");
}

/* B.4.3: two customers of a public suffix. */
static void a_public_suffix_as_in_the_appendix(void **state)
{
    static const char records[] = "_dmarc.bank.example TXT v=DMARC1; p=none; psd=y\n"
                                  "_dmarc.giant.bank.example " REJECT "\n";
    const char *from = "From: x@giant.bank.example";
    expect_organization(records, "giant.bank.example", "giant.bank.example");
    expect_organization(records, "mail.giant.bank.example", "giant.bank.example");
    expect_organization(records, "mail.mega.bank.example", "mega.bank.example");
    expect(records, (struct given){from, "mail.giant.bank.example", NULL, KEY_GOOD}, DMARC_PASS);
    const struct dmarc_answer a =
        expect(records, (struct given){from, NULL, "mail.mega.bank.example", KEY_GOOD}, DMARC_FAIL);
    assert_str(a.record_domain, "giant.bank.example");
    assert_int_equal(a.applied, DMARC_POLICY_REJECT);
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
        cmocka_unit_test(a_key_in_testing_mode_aligns_nothing),
        cmocka_unit_test(several_authors),
        cmocka_unit_test(every_author_a_reader_may_see),
        cmocka_unit_test(a_from_behind_all_limits_is_seen),
        cmocka_unit_test(alignment_as_in_the_appendix),
        cmocka_unit_test(walks_as_in_the_appendix),
        cmocka_unit_test(a_public_suffix_as_in_the_appendix),
    };
    return tap_run(tests, open_pool, close_pool);
}
