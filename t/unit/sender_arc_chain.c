/* Chains of any length, as RFC 8617 5.1 says how to make them: instances, what sealers found, what
 * they signed, the limit of 50 sets. Signed here with a key made for each run. */
#include "t/unit/tap.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "sender/arc.h"
#include "sender/canon.h"
#include "sender/dns_file.h"

#define FROM    "From: Jean <jean@author.example>"
#define SUBJECT "Subject: A letter"
#define BODY    "Bonjour.\r\n"
#define SETS    (ARC_SETS_MAX + 1)

struct set {
    char field[3][512]; /* results, signature, seal; without CR LF */
};

struct chain {
    struct set sets[SETS];
    unsigned n;
};

static EVP_PKEY *key;
static char zone[256];
static struct pool *pool;

static void base64(const unsigned char *bytes, size_t n, char *text)
{
    EVP_EncodeBlock((unsigned char *)text, bytes, (int)n);
}

/* RFC 8463: Ed25519 of the SHA-256. */
static void sign(struct buf *bytes, char *text)
{
    unsigned char digest[CANON_DIGEST], signature[64];
    unsigned n_digest = 0;
    size_t n = sizeof signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_true(buf_ok(bytes));
    EVP_Digest(bytes->p, bytes->n, digest, &n_digest, EVP_sha256(), NULL);
    assert_int_equal(EVP_DigestSignInit(context, NULL, NULL, NULL, key), 1);
    assert_int_equal(EVP_DigestSign(context, signature, &n, digest, n_digest), 1);
    EVP_MD_CTX_free(context);
    base64(signature, n, text);
}

static void put(struct buf *bytes, const char *field, bool last)
{
    canon_field(CANON_RELAXED, str_of(field), bytes);
    if (!last)
        buf_add(bytes, STR("\r\n"));
}

static void sign_message(struct set *set, unsigned instance, const char *names)
{
    unsigned char digest[CANON_DIGEST];
    char hash[64], signature[128];
    struct buf bytes = BUF_INIT(1 << 16);
    assert_true(canon_body(CANON_RELAXED, STR(BODY), digest));
    base64(digest, sizeof digest, hash);
    int n = snprintf(set->field[1], sizeof set->field[1],
                     "ARC-Message-Signature: i=%u; a=ed25519-sha256; c=relaxed/relaxed; "
                     "d=list.example; s=s1; h=%s; bh=%s; b=",
                     instance, names, hash);
    if (strstr(names, "from"))
        put(&bytes, FROM, false);
    put(&bytes, SUBJECT, false);
    put(&bytes, set->field[1], true);
    sign(&bytes, signature);
    snprintf(set->field[1] + n, sizeof set->field[1] - (size_t)n, "%s", signature);
    buf_release(&bytes);
}

static void seal(struct chain *chain, unsigned instance, const char *found)
{
    char signature[128];
    struct buf bytes = BUF_INIT(1 << 20);
    char *own = chain->sets[instance - 1].field[2];
    int n = snprintf(own, sizeof chain->sets->field[2],
                     "ARC-Seal: i=%u; a=ed25519-sha256; cv=%s; d=list.example; s=s1; b=", instance,
                     found);
    for (unsigned i = 0; i < instance; i++)
        for (unsigned kind = 0; kind < 3; kind++)
            put(&bytes, chain->sets[i].field[kind], i + 1 == instance && kind == 2);
    sign(&bytes, signature);
    snprintf(own + n, sizeof chain->sets->field[2] - (size_t)n, "%s", signature);
    buf_release(&bytes);
}

/* One more set, whose sealer found that of the chain before and signed these fields. */
static void add_set(struct chain *chain, const char *found, const char *names)
{
    unsigned instance = ++chain->n;
    struct set *set = &chain->sets[instance - 1];
    snprintf(set->field[0], sizeof set->field[0],
             "ARC-Authentication-Results: i=%u; list.example; arc=%s", instance, found);
    sign_message(set, instance, names);
    seal(chain, instance, found);
}

static void expect_without(const struct chain *chain, unsigned missing, enum arc_result result,
                           const char *reason)
{
    struct err err = {""};
    struct arc_answer answer;
    struct buf mail = BUF_INIT(1 << 20);
    struct dns_file *file = dns_file_parse(str_of(zone), "zone", &err);
    assert_non_null(file);
    const struct dns_source dns = dns_file_source(file);
    for (unsigned i = chain->n; i > 0; i--)
        for (unsigned kind = 3; kind > 0 && i != missing; kind--)
            buf_addf(&mail, "%s\r\n", chain->sets[i - 1].field[kind - 1]);
    buf_add(&mail, STR(FROM "\r\n" SUBJECT "\r\n\r\n" BODY));
    pool_reset(pool);
    assert_int_equal(arc_check(buf_str(&mail), &dns, pool, &answer, &err), 0);
    if (answer.result != result || str_find(answer.reason, str_of(reason)) == STR_NONE)
        fail_msg("%u sets: %s (%.*s)", chain->n, arc_result_name(answer.result),
                 STR_ARG(answer.reason));
    dns_file_free(&file);
    buf_release(&mail);
}

static void expect(const struct chain *chain, enum arc_result result, const char *reason)
{
    expect_without(chain, 0, result, reason);
}

/* 4.2.1, 5.2: up to 50, and not one more. */
static void fifty_sets_and_no_more(void **state)
{
    static struct chain chain;
    chain.n = 0;
    add_set(&chain, "none", "from:subject");
    expect(&chain, ARC_PASS, "");
    while (chain.n < ARC_SETS_MAX)
        add_set(&chain, "pass", "from:subject");
    expect(&chain, ARC_PASS, "");
    add_set(&chain, "pass", "from:subject");
    expect(&chain, ARC_FAIL, "instance");
}

/* 5.2 step 3: from 1 on, none left out. */
static void gaps_fail(void **state)
{
    static struct chain chain;
    chain.n = 0;
    add_set(&chain, "none", "from:subject");
    add_set(&chain, "pass", "from:subject");
    add_set(&chain, "pass", "from:subject");
    expect(&chain, ARC_PASS, "");
    expect_without(&chain, 1, ARC_FAIL, "not whole");
    expect_without(&chain, 2, ARC_FAIL, "not whole");
    /* without the newest it is the chain that it was before */
    expect_without(&chain, 3, ARC_PASS, "");
}

/* 4.1.3, 5.2 steps 2 and 3: none of the first, pass of all others; who found fail ends it. */
static void what_sealers_found(void **state)
{
    static const char *const found[] = {"fail", "pass", "none", "Pass", ""};
    static struct chain chain;
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        chain.n = 0;
        add_set(&chain, found[i], "from:subject");
        expect(&chain, strcmp(found[i], "none") == 0 ? ARC_PASS : ARC_FAIL, "");
        chain.n = 0;
        add_set(&chain, "none", "from:subject");
        add_set(&chain, found[i], "from:subject");
        expect(&chain, strcmp(found[i], "pass") == 0 ? ARC_PASS : ARC_FAIL, "");
    }
}

/* 4.1.2, RFC 6376 5.4: a signature that does not cover From says nothing of the author; and seals
 * are none of its business. */
static void the_signature_covers_from(void **state)
{
    static struct chain chain;
    static const struct {
        const char *names;
        enum arc_result result;
    } cases[] = {
        {"from:subject", ARC_PASS}, {"FROM : subject", ARC_FAIL}, /* not signed so here, but read */
        {"subject", ARC_FAIL},      {"from:subject:arc-seal", ARC_FAIL}, {"", ARC_FAIL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        chain.n = 0;
        add_set(&chain, "none", cases[i].names);
        expect(&chain, cases[i].result, i == 2 ? "not From" : "");
    }
    /* only the newest signature is asked: those before need not fit any more */
    chain.n = 0;
    add_set(&chain, "none", "subject");
    add_set(&chain, "pass", "from:subject");
    expect(&chain, ARC_PASS, "");
}

static int open_all(void **state)
{
    unsigned char public[32];
    char text[64];
    size_t n = sizeof public;
    key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    pool = pool_new(1 << 26);
    if (!key || !pool || EVP_PKEY_get_raw_public_key(key, public, &n) != 1)
        return -1;
    base64(public, n, text);
    snprintf(zone, sizeof zone, "s1._domainkey.list.example TXT v=DKIM1; k=ed25519; p=%s\n", text);
    return 0;
}

static int close_all(void **state)
{
    EVP_PKEY_free(key);
    pool_free(&pool);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fifty_sets_and_no_more),
        cmocka_unit_test(gaps_fail),
        cmocka_unit_test(what_sealers_found),
        cmocka_unit_test(the_signature_covers_from),
    };
    return tap_run(tests, open_all, close_all);
}
