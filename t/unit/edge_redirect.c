/* One RCPT, several recipients. */
#include "t/unit/tap.h"

#include <stdio.h>

#include "base/recipient.h"
#include "directory/directory.h"
#include "gateway/edge/redirect.h"

static const char settings[] =
    "hostname = mx.a.example\n"
    "domain a.example { next_hop = lmtp://192.0.2.1:24 }\n"
    "domain sub.example { next_hop = lmtp://192.0.2.1:24; redirect_sender = \"@srs.example\" }\n"
    "domain own.example { next_hop = lmtp://192.0.2.1:24; redirect_sender = office@own.example }\n";

struct fixture {
    struct conf *conf;
    struct pool *pool;
    struct srs_keys keys;
    struct content_facts content;
    struct envelope e;
    struct spool_recipient recipients[20];
    struct str ways[20];
};

static int up(void **state)
{
    static struct fixture f;
    struct err err = {""};
    f = (struct fixture){.conf = conf_parse(str_of(settings), "t.conf", &err)};
    f.pool = pool_new(10000000);
    f.e.sender = STR("s@remote.example");
    f.e.recipients = f.recipients;
    *state = &f;
    if (f.conf == NULL)
        print_error("%s\n", err.text);
    return f.conf && f.pool && srs_key_add(&f.keys, (const unsigned char *)"k", 1, &err) == 0 ? 0
                                                                                              : -1;
}

static int down(void **state)
{
    struct fixture *f = *state;
    conf_free(&f->conf);
    pool_free(&f->pool);
    return 0;
}

/* "a@x+ b@y c@z": who keeps a copy has a "+". */
static void add(struct fixture *f, const char *address, const char *way)
{
    struct redirect_way w = {.rule = "the rule"};
    struct str rest = str_of(way), word;
    while (rest.n && str_next(&rest, ' ', &word)) {
        struct redirect_hop *hop = &w.hops[w.n++];
        hop->keep = str_ends(word, STR("+"));
        str_copy(str_sub(word, 0, word.n - hop->keep), hop->address, sizeof hop->address);
        str_copy(str_of(hop->address), hop->person, sizeof hop->person);
    }
    struct buf bytes = BUF_INIT(100000);
    redirect_way_put(&bytes, &w);
    size_t i = f->e.n_recipients++;
    f->recipients[i] =
        (struct spool_recipient){.address = str_of(address), .how = STR("file staff")};
    f->ways[i] = w.n ? pool_str(f->pool, buf_str(&bytes)) : STR_EMPTY;
    buf_release(&bytes);
}

static void redirect(struct fixture *f)
{
    struct err err = {""};
    const struct redirection r = {f->conf, &f->keys, &f->content, 1800000000};
    int result = redirect_recipients(&f->e, f->ways, &r, f->pool, &err);
    if (result < 0)
        print_error("%s\n", err.text);
    assert_int_equal(result, 0);
}

static void expect(struct fixture *f, size_t i, const char *address, unsigned state,
                   const char *fields)
{
    assert_true(i < f->e.n_recipients);
    assert_str(f->e.recipients[i].address, address);
    assert_int_equal(f->e.recipients[i].state, state);
    assert_str(f->e.recipients[i].fields, fields);
}

static void one_becomes_two(void **state)
{
    struct fixture *f = *state;
    add(f, "plain@a.example", "");
    add(f, "jean@a.example", "jean@a.example x@lab.example");
    add(f, "anne@a.example", "anne@a.example+ y@lab.example");
    redirect(f);
    assert_int_equal(f->e.n_recipients, 5);
    expect(f, 0, "plain@a.example", RCPT_OWED, "");
    expect(f, 1, "jean@a.example", RCPT_REDIRECTED, "");
    expect(f, 2, "x@lab.example", RCPT_OWED, "Delivered-To: jean@a.example\r\n");
    expect(f, 3, "anne@a.example", RCPT_OWED, "");
    expect(f, 4, "y@lab.example", RCPT_OWED, "Delivered-To: anne@a.example\r\n");
    assert_str(f->e.recipients[2].how, "redirected from jean@a.example (the rule)");
    assert_true(str_starts(f->e.recipients[2].sender, STR("SRS0=")));
    assert_true(str_ends(f->e.recipients[2].sender, STR("=remote.example=s@a.example")));
    assert_int_equal(f->e.recipients[3].sender.n, 0);
}

static void a_chain_is_told_in_its_copies(void **state)
{
    struct fixture *f = *state;
    add(f, "a@a.example", "a@a.example b@sub.example+ x@lab.example");
    redirect(f);
    assert_int_equal(f->e.n_recipients, 3);
    expect(f, 0, "a@a.example", RCPT_REDIRECTED, "");
    expect(f, 1, "b@sub.example", RCPT_OWED, "Delivered-To: a@a.example\r\n");
    expect(f, 2, "x@lab.example", RCPT_OWED,
           "Delivered-To: b@sub.example\r\nDelivered-To: a@a.example\r\n");
    assert_int_equal(f->e.recipients[1].sender.n, 0);
    assert_true(str_ends(f->e.recipients[2].sender, STR("@srs.example")));
}

static void what_comes_back_stays(void **state)
{
    struct fixture *f = *state;
    f->content.delivered_to = STR("other@a.example\n<JEAN@A.example>\nb@sub.example\n");
    add(f, "jean@a.example", "jean@a.example x@lab.example");
    add(f, "a@a.example", "a@a.example b@sub.example x@lab.example");
    add(f, "free@a.example", "free@a.example y@lab.example");
    redirect(f);
    assert_int_equal(f->e.n_recipients, 5);
    expect(f, 0, "jean@a.example", RCPT_OWED, "");
    assert_str(f->e.recipients[0].how,
               "file staff; not redirected: it was there before (Delivered-To)");
    expect(f, 1, "a@a.example", RCPT_REDIRECTED, "");
    expect(f, 2, "b@sub.example", RCPT_OWED, "Delivered-To: a@a.example\r\n");
    expect(f, 3, "free@a.example", RCPT_REDIRECTED, "");
}

static void what_was_not_read_stays(void **state)
{
    struct fixture *f = *state;
    struct err err;
    f->content.delivered_to_cut = true;
    add(f, "jean@a.example", "jean@a.example x@lab.example");
    redirect(f);
    assert_int_equal(f->e.n_recipients, 1);
    expect(f, 0, "jean@a.example", RCPT_OWED, "");
    const struct redirection unread = {f->conf, &f->keys, NULL, 0};
    assert_int_equal(redirect_recipients(&f->e, f->ways, &unread, f->pool, &err), 0);
    expect(f, 0, "jean@a.example", RCPT_OWED, "");
}

static void nobody_gets_it_twice(void **state)
{
    struct fixture *f = *state;
    add(f, "a@a.example", "a@a.example B@a.example");
    add(f, "b@a.example", "b@a.example a@a.example");
    add(f, "c@a.example", "c@a.example x@lab.example");
    add(f, "d@a.example", "d@a.example X@lab.example");
    add(f, "e@a.example", "");
    add(f, "E@a.example", "");
    redirect(f);
    size_t owed = 0;
    for (size_t i = 0; i < f->e.n_recipients; i++)
        owed += f->e.recipients[i].state == RCPT_OWED;
    assert_int_equal(owed, 5);
    assert_int_equal(f->e.n_recipients, 7);
}

static void senders_fit_the_domain(void **state)
{
    struct fixture *f = *state;
    add(f, "a@own.example", "a@own.example x@lab.example");
    add(f, "b@a.example", "b@a.example y@lab.example");
    f->e.sender = STR("a.very.long.local.part.that.does.not.fit.into.anything@remote.example");
    redirect(f);
    assert_str(f->e.recipients[1].sender, "office@own.example");
    assert_str(f->e.recipients[3].sender, "postmaster@a.example");
}

static void some_senders_stay(void **state)
{
    static const char *const senders[] = {"", "boss@sub.example"};
    struct fixture *f = *state;
    for (size_t i = 0; i < 2; i++) {
        f->e.n_recipients = 0;
        f->e.recipients = f->recipients;
        f->e.sender = str_of(senders[i]);
        add(f, "a@own.example", "a@own.example x@lab.example");
        add(f, "b@a.example", "b@a.example y@lab.example");
        redirect(f);
        for (size_t k = 0; k < 4; k++)
            assert_int_equal(f->e.recipients[k].sender.n, 0);
    }
}

/* RFC 3461 5.2.7: what was asked of notices goes on with the sender; a return address of ours asks
 * for failures alone, any other for nothing. */
static void notices_follow_the_sender(void **state)
{
    static const struct {
        const char *sender, *first, *way;
        unsigned asked, becomes;
        const char *orcpt;
    } cases[] = {
        {"s@remote.example", "b@a.example", "b@a.example y@lab.example", 0, DSN_FAILURE,
         "rfc822;b"},
        {"s@remote.example", "b@a.example", "b@a.example y@lab.example", DSN_FAILURE | DSN_SUCCESS,
         DSN_FAILURE, "rfc822;b"},
        {"s@remote.example", "b@a.example", "b@a.example y@lab.example", DSN_SUCCESS, DSN_NEVER,
         "rfc822;b"},
        {"s@remote.example", "b@a.example", "b@a.example y@lab.example", DSN_DELAY, DSN_NEVER,
         "rfc822;b"},
        {"s@remote.example", "b@a.example", "b@a.example y@lab.example", DSN_NEVER, DSN_NEVER,
         "rfc822;b"},
        {"s@remote.example", "a@own.example", "a@own.example y@lab.example", DSN_NEVER, 0, ""},
        {"s@remote.example", "b@a.example", "b@a.example c@sub.example", DSN_SUCCESS | DSN_DELAY,
         DSN_DELAY, "rfc822;b"},
        {"boss@sub.example", "b@a.example", "b@a.example y@lab.example", DSN_SUCCESS, DSN_NEVER,
         "rfc822;b"},
        {"boss@sub.example", "b@a.example", "b@a.example y@lab.example", 0, 0, "rfc822;b"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        f->e.n_recipients = 0;
        f->e.recipients = f->recipients;
        f->e.sender = str_of(cases[i].sender);
        add(f, cases[i].first, cases[i].way);
        f->recipients[0].notify = cases[i].asked;
        f->recipients[0].orcpt = STR("rfc822;b");
        redirect(f);
        assert_int_equal(f->e.n_recipients, 2);
        assert_int_equal(f->e.recipients[0].notify, cases[i].asked);
        assert_int_equal(f->e.recipients[1].notify, cases[i].becomes);
        assert_str(f->e.recipients[1].orcpt, cases[i].orcpt);
    }
}

static void nothing_is_lost_at_the_limit(void **state)
{
    struct fixture *f = *state;
    struct str *ways = POOL_ARRAY(f->pool, SPOOL_RECIPIENTS_MAX, struct str);
    struct spool_recipient *many =
        POOL_ARRAY(f->pool, SPOOL_RECIPIENTS_MAX, struct spool_recipient);
    add(f, "jean@a.example", "jean@a.example x@lab.example");
    for (size_t i = 0; i < SPOOL_RECIPIENTS_MAX; i++) {
        many[i].address = pool_strf(f->pool, "u%zu@a.example", i);
        many[i].how = STR("");
        ways[i] = f->ways[0];
    }
    f->e.recipients = many;
    f->e.n_recipients = SPOOL_RECIPIENTS_MAX;
    const struct redirection r = {f->conf, &f->keys, &f->content, 0};
    struct err err;
    assert_int_equal(redirect_recipients(&f->e, ways, &r, f->pool, &err), 0);
    assert_int_equal(f->e.n_recipients, SPOOL_RECIPIENTS_MAX);
    for (size_t i = 0; i < SPOOL_RECIPIENTS_MAX; i++)
        assert_int_equal(f->e.recipients[i].state, RCPT_OWED);
}

/* A chain as long as its texts may be, for each of many: what they become fits into an envelope. */
static void nothing_is_lost_at_the_limit_of_bytes(void **state)
{
    enum { MANY = 1000 };
    struct fixture *f = *state;
    static struct spool_recipient many[MANY];
    static struct str ways[MANY];
    char way[4 * 260] = "", local[61];
    struct buf text = BUF_INIT(sizeof way);
    memset(local, 'x', sizeof local - 1);
    local[sizeof local - 1] = '\0';
    for (int i = 0; i < 6; i++)
        buf_addf(&text, "%s%d@a.example+ ", local, i);
    str_copy(buf_str(&text), way, sizeof way);
    buf_release(&text);
    add(f, "jean@a.example", way);
    for (size_t i = 0; i < MANY; i++) {
        many[i].address = pool_strf(f->pool, "u%zu@a.example", i);
        many[i].how = STR("file staff");
        ways[i] = f->ways[0];
    }
    f->e.recipients = many;
    f->e.n_recipients = MANY;
    const struct redirection r = {f->conf, &f->keys, &f->content, 0};
    struct err err;
    assert_int_equal(redirect_recipients(&f->e, ways, &r, f->pool, &err), 0);
    size_t bytes = 0, named = 0, stay = 0;
    for (size_t i = 0; i < f->e.n_recipients; i++) {
        bytes += spool_recipient_bytes(&f->e.recipients[i]);
        named += str_starts(f->e.recipients[i].address, STR("u"));
        stay += str_find(f->e.recipients[i].how,
                         STR("; not redirected: the message has too many")) != STR_NONE;
    }
    assert_true(bytes <= SPOOL_RECIPIENTS_BYTES);
    assert_int_equal(named, MANY);
    assert_true(stay > 0 && stay < MANY);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(one_becomes_two),
        WITH(a_chain_is_told_in_its_copies),
        WITH(what_comes_back_stays),
        WITH(what_was_not_read_stays),
        WITH(nobody_gets_it_twice),
        WITH(senders_fit_the_domain),
        WITH(some_senders_stay),
        WITH(notices_follow_the_sender),
        WITH(nothing_is_lost_at_the_limit),
        WITH(nothing_is_lost_at_the_limit_of_bytes),
    };
    return tap_run(tests, NULL, NULL);
}
