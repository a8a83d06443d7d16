/* what is more than a limit of the facts is said in the result, never silently left out */
#include "t/unit/rules_world.h"

#include "rules/facts/header.h"
#include "rules/facts/html_facts.h"
#include "rules/facts/html_links.h"
#include "rules/facts/html_parse.h"
#include "rules/facts/parts.h"
#include "rules/facts/relays.h"
#include "rules/facts/uris.h"
#include "rules/facts/view.h"

#define MESSAGE_MAX ((size_t)64 * 1024 * 1024)
#define POOL_MAX    ((size_t)1024 * 1024 * 1024)

static const char rules[] = "body B /never/\nrawbody R /never/\nuri U /never/\nfull F /never/\n"
                            "header H X-Long =~ /never/\nheader A ALL =~ /never/\n"
                            "header L X-Spam-Relays-Untrusted =~ /never/\n"
                            "mimeheader M Content-Type =~ /never/\n";

#define PLAIN "Subject: s\n\n"
#define HTML  "Subject: s\nContent-Type: text/html\n\n"
#define MIXED "Subject: s\nContent-Type: multipart/mixed; boundary=b\n\n"

struct shape {
    const char *name, *head, *piece;
    size_t times;
    const char *tail;
    bool truncated;
};

static const struct shape shapes[] = {
    {"a letter", PLAIN, "hello\n", 10, "", false},
    {"HTML", HTML, "<p><b>x</b> <a href=\"http://a.example/\">a</a></p>\n", 10, "", false},
    {"parts", MIXED, "--b\n\nx\n", 10, "--b--\n", false},
    {"a long text part", PLAIN, "hello\n", 100000, "", true},
    {"a long HTML part", HTML, "<p>hello</p>\n", 100000, "", true},
    {"a long field", "X-Long: ", "x ", HEADER_VALUE_MAX, "\n\nx\n", true},
    {"many fields", "", "X-Long: #\n", HEADER_VALUES_MAX + 1, "\nx\n", true},
    {"many relays", "", "Received: from a# (a [192.0.2.1]) by b; x\n", RELAYS_MAX + 1, "\nx\n",
     true},
    {"many parts", MIXED, "--b\n\nx\n", PARTS_SIBLINGS_MAX + 1, "--b--\n", true},
    {"many links", PLAIN, "http://a.example/# ", FACT_URIS_MAX * 9, "\n", true},
    {"a long link", HTML "<a href=http://a.example/", "x", FACT_URI_MAX + 1, ">a</a>\n", true},
    {"deep HTML", HTML, "<div>", HTML_FACTS_DEPTH_MAX + 1, "\n", true},
    {"many attributes", HTML "<p ", "a=b ", HTML_PARSE_ATTRIBUTES_MAX + 1, ">x\n", true},
    {"many anchors", HTML, "<a href=x>", HTML_ANCHORS_MAX + 1, "x\n", true},
    {"a long message", MIXED "--b\nContent-Type: image/png\n\n", "x\n", VIEW_FULL_MAX, "--b--\n",
     true},
};

/* What is the same may be taken once: "#" stands for the piece's number. */
static void put_piece(struct buf *raw, const char *piece, size_t number)
{
    for (; *piece; piece++) {
        if (*piece == '#')
            buf_addf(raw, "%zu", number);
        else
            buf_addc(raw, *piece);
    }
}

static void each_limit_is_told(void **state)
{
    struct err err = {""};
    struct world w;
    struct pool *pool = pool_new(POOL_MAX);
    struct buf raw = BUF_INIT(MESSAGE_MAX);
    world_open(&w, rules, 0);
    assert_non_null(pool);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const struct shape *shape = &shapes[i];
        const struct rules_input input = {.now = 0};
        struct rules_result result;
        buf_clear(&raw);
        buf_add(&raw, str_of(shape->head));
        for (size_t k = 0; k < shape->times; k++)
            put_piece(&raw, shape->piece, k);
        buf_add(&raw, str_of(shape->tail));
        pool_reset(pool);
        if (ruleset_run_raw(w.set, w.scratch, buf_str(&raw), &input, pool, &result, &err) < 0)
            fail_msg("%s: %s", shape->name, err.text);
        if (result.truncated != shape->truncated)
            fail_msg("%s: truncated is %d", shape->name, result.truncated);
    }
    buf_release(&raw);
    pool_free(&pool);
    world_close(&w);
}

/* A word that stands far behind; what of it rules saw. */
static void check_scan(const char *text, unsigned hits, bool truncated)
{
    struct err err = {""};
    struct world w;
    struct pool *pool = pool_new(POOL_MAX);
    struct buf raw = BUF_INIT(MESSAGE_MAX);
    const struct rules_input input = {.now = 0};
    struct rules_result result;
    world_open(&w, text, 0);
    assert_non_null(pool);
    buf_add(&raw, STR(PLAIN));
    for (size_t i = 0; i < 100000; i++)
        buf_add(&raw, STR("hello\n"));
    buf_add(&raw, STR("far\n"));
    assert_int_equal(ruleset_run_raw(w.set, w.scratch, buf_str(&raw), &input, pool, &result, &err),
                     0);
    assert_int_equal(result.n_hits, hits);
    assert_int_equal(result.truncated, truncated);
    buf_release(&raw);
    pool_free(&pool);
    world_close(&w);
}

static void a_site_says_how_much_is_looked_at(void **state)
{
#define FAR "body B /far/\nrawbody R /far/\n"
    check_scan(FAR, 0, true);
    check_scan(FAR "body_part_scan_size 700000\n", 1, true);
    check_scan(FAR "rawbody_part_scan_size 700000\n", 1, true);
    check_scan(FAR "body_part_scan_size 0\nrawbody_part_scan_size 0\n", 2, false);
    check_scan(FAR "body_part_scan_size 100\nrawbody_part_scan_size 99999999999\n", 1, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_limit_is_told),
        cmocka_unit_test(a_site_says_how_much_is_looked_at),
    };
    return tap_run(tests, NULL, NULL);
}
