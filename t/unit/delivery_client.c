/* The client's side of SMTP and LMTP against scripted next hops: good ones, odd ones, hostile ones.
 */
#include "t/unit/spool_fixture.h"

#include "base/log.h"
#include "gateway/client/client.h"

#define GREETING "220 hop.example ready\r\n"
#define EHLO_FULL                                                                                  \
    "250-hop.example hello\r\n250-PIPELINING\r\n250-SIZE 100000\r\n250-8BITMIME\r\n250 "           \
    "SMTPUTF8\r\n"
#define EHLO_BARE "250 hop.example\r\n"

struct run {
    struct fixture *f;
    struct client client;
    struct spool_file *file;
    enum client_outcome outcome[3];
    char text[3][600];
    int results[3]; /* how many each got: exactly one is right */
};

static void on_result(void *data, size_t i, enum client_outcome outcome, struct str text)
{
    struct run *run = data;
    assert_true(i < 3);
    run->outcome[i] = outcome;
    assert_true(str_copy(text, run->text[i], sizeof run->text[i]));
    run->results[i]++;
}

struct sample {
    const char *body;
    const char *sender;
    const char *recipients[3];
    bool smtputf8;
    bool eightbit;
};

static const struct sample plain = {
    .body = "Subject: x\r\n\r\n.dot\r\nlast\r\n",
    .sender = "s@a.example",
    .recipients = {"one@b.example", "two@b.example", "three@b.example"},
};

static void put(struct fixture *f, const struct sample *sample)
{
    struct spool_recipient recipients[3];
    for (int i = 0; i < 3; i++)
        recipients[i] = (struct spool_recipient){.address = str_of(sample->recipients[i])};
    spool_id_make(f->id);
    struct envelope e = {.id = str_of(f->id),
                         .sender = str_of(sample->sender),
                         .recipients = recipients,
                         .n_recipients = 3,
                         .smtputf8 = sample->smtputf8,
                         .eightbit = sample->eightbit};
    struct spool_writer *w = spool_receive(f->spool, f->id, &f->err);
    assert_int_equal(spool_write(w, str_of(sample->body), &f->err), 0);
    assert_int_equal(spool_commit(&w, &e, SPOOL_QUEUE, &f->err), 0);
}

static void begin(struct run *run, struct fixture *f, enum client_protocol protocol,
                  const struct sample *sample)
{
    *run = (struct run){.f = f};
    put(f, sample);
    assert_int_equal(try_load(f, SPOOL_QUEUE, &run->file), 0);
    client_init(&run->client, protocol, "mx.example",
                &(struct client_hooks){.result = on_result, .data = run});
}

static void end(struct run *run)
{
    client_release(&run->client);
    spool_unload(&run->file);
}

static void hear(struct run *run, const char *bytes)
{
    client_input(&run->client, str_of(bytes));
}

static void expect(struct run *run, const char *bytes)
{
    assert_str(buf_str(&run->client.out), bytes);
    buf_clear(&run->client.out);
}

static void offer(struct run *run)
{
    static const uint32_t all[] = {0, 1, 2};
    assert_int_equal(run->client.state, CLIENT_READY);
    client_begin(&run->client,
                 &(struct client_transaction){.file = run->file, .recipients = all, .n = 3});
}

static void send_body(struct run *run, const char *expected)
{
    assert_int_equal(run->client.state, CLIENT_BODY);
    while (run->client.state == CLIENT_BODY)
        client_pump(&run->client);
    expect(run, expected);
    assert_int_equal(run->client.state, CLIENT_FINAL);
}

static void check(struct run *run, size_t i, enum client_outcome outcome, const char *text)
{
    assert_int_equal(run->results[i], 1);
    assert_int_equal(run->outcome[i], outcome);
    assert_string_equal(run->text[i], text);
}

static void check_all(struct run *run, enum client_outcome outcome, const char *text)
{
    for (size_t i = 0; i < 3; i++)
        check(run, i, outcome, text);
}

#define ENVELOPE                                                                                   \
    "MAIL FROM:<s@a.example> SIZE=26\r\nRCPT TO:<one@b.example>\r\nRCPT TO:<two@b.example>\r\n"    \
    "RCPT TO:<three@b.example>\r\nDATA\r\n"
#define BODY "Subject: x\r\n\r\n..dot\r\nlast\r\n.\r\n"

static void smtp_pipelines(void **state)
{
    struct run run;
    begin(&run, *state, CLIENT_SMTP, &plain);
    hear(&run, GREETING);
    expect(&run, "EHLO mx.example\r\n");
    hear(&run, EHLO_FULL);
    offer(&run);
    expect(&run, ENVELOPE);
    hear(&run, "250 ok\r\n250 ok\r\n550 5.1.1 who?\r\n250 ok\r\n354 go on\r\n");
    send_body(&run, BODY);
    check(&run, 1, CLIENT_REFUSED, "550 5.1.1 who?");
    hear(&run, "250 2.0.0 saved\r\n");
    check(&run, 0, CLIENT_DELIVERED, "250 2.0.0 saved");
    check(&run, 2, CLIENT_DELIVERED, "250 2.0.0 saved");
    /* and again over the same connection */
    memset(run.results, 0, sizeof run.results);
    offer(&run);
    expect(&run, ENVELOPE);
    end(&run);
}

static void lmtp_answers_for_each_recipient(void **state)
{
    struct run run;
    begin(&run, *state, CLIENT_LMTP, &plain);
    hear(&run, GREETING);
    expect(&run, "LHLO mx.example\r\n");
    hear(&run, EHLO_FULL);
    offer(&run);
    expect(&run, ENVELOPE);
    hear(&run, "250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go on\r\n");
    send_body(&run, BODY);
    hear(&run, "250 2.0.0 one\r\n452 4.2.2 full");
    assert_int_equal(run.results[1], 0);
    hear(&run, "\r\n550 no\r\n");
    check(&run, 0, CLIENT_DELIVERED, "250 2.0.0 one");
    check(&run, 1, CLIENT_DEFERRED, "452 4.2.2 full");
    check(&run, 2, CLIENT_REFUSED, "550 no");
    assert_int_equal(run.client.state, CLIENT_READY);
    end(&run);
}

#define EHLO_TLS "250-hop.example\r\n250-STARTTLS\r\n250 SIZE 5\r\n"

static void until_hello(struct run *run, enum client_tls tls, const char *answer)
{
    run->client.tls = tls;
    hear(run, GREETING);
    expect(run, "EHLO mx.example\r\n");
    hear(run, answer);
}

/* RFC 3207 4.2: what was said in clear is forgotten. */
static void starttls_begins_anew(void **state)
{
    struct run run;
    begin(&run, *state, CLIENT_SMTP, &plain);
    until_hello(&run, CLIENT_TLS_MAY, EHLO_TLS);
    expect(&run, "STARTTLS\r\n");
    hear(&run, "220 go on\r\n");
    assert_int_equal(run.client.state, CLIENT_HANDSHAKE);
    client_secured(&run.client);
    expect(&run, "EHLO mx.example\r\n");
    hear(&run, EHLO_FULL);
    assert_int_equal(run.client.offers.size_limit, 100000);
    assert_false(run.client.offers.starttls);
    offer(&run);
    expect(&run, ENVELOPE);
    end(&run);
}

static void what_is_said_behind_starttls_is_not_believed(void **state)
{
    struct run run;
    begin(&run, *state, CLIENT_SMTP, &plain);
    until_hello(&run, CLIENT_TLS_MAY, EHLO_TLS);
    hear(&run, "220 go on\r\n250 injected\r\n");
    assert_int_equal(run.client.state, CLIENT_DEAD);
    end(&run);
}

static void starttls_that_is_refused_is_left_out(void **state)
{
    struct run run;
    begin(&run, *state, CLIENT_SMTP, &plain);
    until_hello(&run, CLIENT_TLS_MAY, EHLO_TLS);
    hear(&run, "454 4.7.0 not now\r\n");
    assert_int_equal(run.client.state, CLIENT_READY);
    end(&run);
}

/* Where TLS failed before: it is tried anew, and nobody is told that he is refused. */
static void a_server_that_takes_nothing_in_clear_is_asked_again(void **state)
{
    struct run run;
    begin(&run, *state, CLIENT_SMTP, &plain);
    until_hello(&run, CLIENT_TLS_NONE, EHLO_FULL);
    offer(&run);
    hear(&run, "530 5.7.0 Must issue a STARTTLS command first\r\n");
    check(&run, 0, CLIENT_DEFERRED, "530 5.7.0 Must issue a STARTTLS command first");
    assert_true(run.client.wants_tls);
    end(&run);
}

static void tls_that_must_be_is(void **state)
{
    struct run run;
    begin(&run, *state, CLIENT_SMTP, &plain);
    until_hello(&run, CLIENT_TLS_MUST, EHLO_TLS);
    hear(&run, "454 4.7.0 not now\r\n");
    assert_int_equal(run.client.state, CLIENT_DEAD);
    end(&run);
    begin(&run, *state, CLIENT_SMTP, &plain);
    until_hello(&run, CLIENT_TLS_MUST, EHLO_FULL);
    assert_int_equal(run.client.state, CLIENT_DEAD);
    end(&run);
    begin(&run, *state, CLIENT_SMTP, &plain);
    until_hello(&run, CLIENT_TLS_MUST, "502 no EHLO\r\n");
    expect(&run, "HELO mx.example\r\n");
    hear(&run, "250 hello\r\n");
    assert_int_equal(run.client.state, CLIENT_DEAD);
    end(&run);
}

static void without_tls_it_is_not_asked_for(void **state)
{
    struct run run;
    begin(&run, *state, CLIENT_SMTP, &plain);
    until_hello(&run, CLIENT_TLS_NONE, EHLO_TLS);
    assert_int_equal(run.client.state, CLIENT_READY);
    end(&run);
}

/* --- REQUIRETLS (RFC 8689) --- */

static void with_requiretls(struct run *run, struct fixture *f, enum client_protocol protocol,
                            enum client_tls tls, bool proved, const char *offers)
{
    begin(run, f, protocol, &plain);
    run->client.tls = tls;
    run->file->envelope.requiretls = true;
    run->client.proved = proved;
    hear(run, GREETING);
    buf_clear(&run->client.out);
    hear(run, offers);
    offer(run);
}

static void requiretls_needs_proof_and_promise(void **state)
{
    struct run run;
    with_requiretls(&run, *state, CLIENT_SMTP, CLIENT_TLS_MAY, true,
                    "250-hop.example\r\n250 REQUIRETLS\r\n");
    expect(&run, "MAIL FROM:<s@a.example> REQUIRETLS\r\n");
    end(&run);
    with_requiretls(&run, *state, CLIENT_SMTP, CLIENT_TLS_MAY, false,
                    "250-hop.example\r\n250 REQUIRETLS\r\n");
    check_all(&run, CLIENT_REFUSED,
              "5.7.30 REQUIRETLS: the next hop has not proved over TLS who it is");
    expect(&run, "");
    end(&run);
    with_requiretls(&run, *state, CLIENT_SMTP, CLIENT_TLS_MAY, true, EHLO_BARE);
    check_all(&run, CLIENT_REFUSED, "5.7.30 REQUIRETLS: the next hop does not promise it");
    expect(&run, "");
    end(&run);
    /* it was not tried: another connection may prove it */
    with_requiretls(&run, *state, CLIENT_SMTP, CLIENT_TLS_NONE, false, EHLO_BARE);
    check_all(&run, CLIENT_DEFERRED, "4.7.30 REQUIRETLS: this connection is in clear");
    assert_true(run.client.wants_tls);
    end(&run);
    /* a connection that is for such mail alone ends before it is ready */
    begin(&run, *state, CLIENT_SMTP, &plain);
    run.client.requiretls = true;
    hear(&run, GREETING EHLO_BARE);
    assert_int_equal(run.client.state, CLIENT_DEAD);
    assert_true(run.client.lacks);
    end(&run);
    /* where it is stored */
    with_requiretls(&run, *state, CLIENT_LMTP, CLIENT_TLS_NONE, false, EHLO_BARE);
    expect(&run, "MAIL FROM:<s@a.example>\r\n");
    end(&run);
}

/* Every byte on its own gives the same as all at once. */
static void bytes_may_come_one_by_one(void **state)
{
    static const char script[] = GREETING EHLO_FULL;
    struct run run;
    begin(&run, *state, CLIENT_SMTP, &plain);
    for (const char *p = script; *p; p++)
        client_input(&run.client, str_n(p, 1));
    expect(&run, "EHLO mx.example\r\n");
    assert_true(run.client.offers.pipelining && run.client.offers.smtputf8);
    assert_int_equal(run.client.offers.size_limit, 100000);
    end(&run);
}

static void without_pipelining_each_waits(void **state)
{
    struct run run;
    begin(&run, *state, CLIENT_SMTP, &plain);
    hear(&run, GREETING);
    buf_clear(&run.client.out);
    hear(&run, EHLO_BARE);
    offer(&run);
    expect(&run, "MAIL FROM:<s@a.example>\r\n");
    hear(&run, "250 ok\r\n");
    expect(&run, "RCPT TO:<one@b.example>\r\n");
    hear(&run, "450 busy\r\n");
    expect(&run, "RCPT TO:<two@b.example>\r\n");
    hear(&run, "550 no\r\n");
    expect(&run, "RCPT TO:<three@b.example>\r\n");
    hear(&run, "250 ok\r\n");
    expect(&run, "DATA\r\n");
    hear(&run, "354 ok\r\n");
    send_body(&run, BODY);
    hear(&run, "250 done\r\n");
    check(&run, 0, CLIENT_DEFERRED, "450 busy");
    check(&run, 1, CLIENT_REFUSED, "550 no");
    check(&run, 2, CLIENT_DELIVERED, "250 done");
    end(&run);
}

static void old_servers_are_greeted_again(void **state)
{
    struct run run;
    begin(&run, *state, CLIENT_SMTP, &plain);
    hear(&run, "220-hop\r\n220 hop\r\n");
    expect(&run, "EHLO mx.example\r\n");
    hear(&run, "502 what?\r\n");
    expect(&run, "HELO mx.example\r\n");
    hear(&run, "250 hop\r\n");
    assert_int_equal(run.client.state, CLIENT_READY);
    assert_false(run.client.offers.pipelining);
    end(&run);
}

static void lmtp_has_no_helo(void **state)
{
    struct run run;
    begin(&run, *state, CLIENT_LMTP, &plain);
    hear(&run, GREETING "502 what?\r\n");
    assert_int_equal(run.client.state, CLIENT_DEAD);
    end(&run);
}

static void a_refused_sender_is_an_answer_for_all(void **state)
{
    for (int pipelining = 0; pipelining < 2; pipelining++) {
        struct run run;
        begin(&run, *state, CLIENT_SMTP, &plain);
        hear(&run, GREETING);
        hear(&run, pipelining ? EHLO_FULL : EHLO_BARE);
        offer(&run);
        hear(&run,
             pipelining ? "550 no\r\n503 no\r\n503 no\r\n503 no\r\n503 no\r\n" : "550 no\r\n");
        check_all(&run, CLIENT_REFUSED, "550 no");
        assert_int_equal(run.client.state, CLIENT_READY);
        buf_clear(&run.client.out);
        memset(run.results, 0, sizeof run.results);
        offer(&run);
        assert_true(str_starts(buf_str(&run.client.out), STR("RSET\r\n")));
        end(&run);
    }
}

static void nobody_accepted_sends_nothing(void **state)
{
    struct run run;
    begin(&run, *state, CLIENT_SMTP, &plain);
    hear(&run, GREETING EHLO_FULL);
    offer(&run);
    hear(&run, "250 ok\r\n550 a\r\n450 b\r\n550 c\r\n503 no one\r\n");
    check(&run, 0, CLIENT_REFUSED, "550 a");
    check(&run, 1, CLIENT_DEFERRED, "450 b");
    assert_int_equal(run.client.state, CLIENT_READY);
    end(&run);
}

static void nobody_accepted_but_354_is_closed(void **state)
{
    struct run run;
    begin(&run, *state, CLIENT_SMTP, &plain);
    hear(&run, GREETING EHLO_FULL);
    offer(&run);
    hear(&run, "250 ok\r\n550 a\r\n550 a\r\n550 a\r\n354 go on\r\n");
    check_all(&run, CLIENT_REFUSED, "550 a");
    assert_int_equal(run.client.state, CLIENT_DEAD);
    end(&run);
}

static void data_may_be_refused(void **state)
{
    struct run run;
    begin(&run, *state, CLIENT_SMTP, &plain);
    hear(&run, GREETING EHLO_FULL);
    offer(&run);
    hear(&run, "250 ok\r\n250 a\r\n250 a\r\n550 c\r\n451 4.3.0 not now\r\n");
    check(&run, 0, CLIENT_DEFERRED, "451 4.3.0 not now");
    check(&run, 1, CLIENT_DEFERRED, "451 4.3.0 not now");
    check(&run, 2, CLIENT_REFUSED, "550 c");
    assert_int_equal(run.client.state, CLIENT_READY);
    assert_true(run.client.reset_first);
    end(&run);
}

static void too_large_is_known_before(void **state)
{
    struct run run;
    begin(&run, *state, CLIENT_SMTP, &plain);
    hear(&run, GREETING "250-hop\r\n250 SIZE 20\r\n");
    buf_clear(&run.client.out);
    offer(&run);
    check_all(&run, CLIENT_REFUSED,
              "5.3.4 message of 26 bytes is larger than the next hop takes (SIZE 20)");
    expect(&run, "");
    assert_int_equal(run.client.state, CLIENT_READY);
    end(&run);
}

static void addresses_with_utf8_need_smtputf8(void **state)
{
    static const struct sample utf8 = {
        .body = "\r\nx\r\n",
        .sender = "s@a.example",
        .recipients = {"one@b.example", "g\xc3\xa9rard@b.example", "a\r\nDATA@b.example"},
        .smtputf8 = true,
        .eightbit = true,
    };
    struct run run;
    begin(&run, *state, CLIENT_SMTP, &utf8);
    hear(&run, GREETING "250-hop\r\n250-PIPELINING\r\n250 8BITMIME\r\n");
    buf_clear(&run.client.out);
    offer(&run);
    expect(&run, "MAIL FROM:<s@a.example> BODY=8BITMIME\r\nRCPT TO:<one@b.example>\r\nDATA\r\n");
    check(&run, 1, CLIENT_REFUSED,
          "5.6.7 the next hop does not take internationalised addresses (no SMTPUTF8)");
    check(&run, 2, CLIENT_REFUSED, "5.1.3 the address has control characters in it");
    hear(&run, "250 ok\r\n250 ok\r\n354 ok\r\n");
    send_body(&run, "\r\nx\r\n.\r\n");
    hear(&run, "250 ok\r\n");
    check(&run, 0, CLIENT_DELIVERED, "250 ok");
    end(&run);
    begin(&run, *state, CLIENT_SMTP, &utf8);
    hear(&run, GREETING "250-hop\r\n250-PIPELINING\r\n250 SMTPUTF8\r\n");
    buf_clear(&run.client.out);
    offer(&run);
    expect(&run, "MAIL FROM:<s@a.example> SMTPUTF8\r\nRCPT TO:<one@b.example>\r\n"
                 "RCPT TO:<g\xc3\xa9rard@b.example>\r\nDATA\r\n");
    end(&run);
}

static struct sample sample_with(const char *body, bool smtputf8)
{
    struct sample sample = plain;
    sample.body = body;
    sample.smtputf8 = smtputf8;
    return sample;
}

/* RFC 6531 3.2. A client that asked for SMTPUTF8 without need made no such message, and who gets it
 * by LMTP keeps it. */
static void headers_with_utf8_need_smtputf8(void **state)
{
    static const struct {
        const char *body;
        bool smtputf8;
        enum client_protocol protocol;
        bool refused;
    } cases[] = {
        {"Subject: caf\xc3\xa9\r\n\r\nx\r\n", true, CLIENT_SMTP, true},
        {"Subject: x\r\nFrom: \xe2\x82\xac <s@a.example>", true, CLIENT_SMTP, true},
        {"Subject: x\r\n\r\ncaf\xc3\xa9\r\n", true, CLIENT_SMTP, false},
        {"\r\nSubject: caf\xc3\xa9\r\n", true, CLIENT_SMTP, false},
        {"", true, CLIENT_SMTP, false},
        {"Subject: caf\xc3\xa9\r\n\r\nx\r\n", false, CLIENT_SMTP, false},
        {"Subject: caf\xc3\xa9\r\n\r\nx\r\n", true, CLIENT_LMTP, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct run run;
        struct sample sample = sample_with(cases[i].body, cases[i].smtputf8);
        begin(&run, *state, cases[i].protocol, &sample);
        hear(&run, GREETING EHLO_BARE);
        buf_clear(&run.client.out);
        offer(&run);
        expect(&run, cases[i].refused ? "" : "MAIL FROM:<s@a.example>\r\n");
        if (cases[i].refused)
            check_all(&run, CLIENT_REFUSED,
                      "5.6.9 the next hop does not take internationalised header fields "
                      "(no SMTPUTF8)");
        end(&run);
    }
}

/* A header longer than what is read at once. */
static void utf8_is_found_wherever_it_is_in_the_header(void **state)
{
    static char body[3 * BODY_STEP];
    for (size_t n = BODY_STEP - 4; n < BODY_STEP + 4; n++) {
        struct run run;
        memset(body, 'x', n);
        snprintf(body + n, sizeof body - n, "\r\nY: \xc3\xa9\r\n\r\n");
        struct sample sample = sample_with(body, true);
        begin(&run, *state, CLIENT_SMTP, &sample);
        hear(&run, GREETING EHLO_BARE);
        offer(&run);
        assert_int_equal(run.outcome[0], CLIENT_REFUSED);
        end(&run);
        snprintf(body + n, sizeof body - n, "\r\n\r\nY: \xc3\xa9\r\n\r\n");
        begin(&run, *state, CLIENT_SMTP, &sample);
        hear(&run, GREETING EHLO_BARE);
        offer(&run);
        assert_int_equal(run.results[0], 0);
        end(&run);
    }
}

/* After each reply of a whole dialogue the connection goes: who had no answer is tried again. */
static void a_close_at_any_step_defers(void **state)
{
    static const char *const replies[] = {"250 ok\r\n", "250 ok\r\n", "250 ok\r\n",
                                          "250 ok\r\n", "354 ok\r\n", NULL};
    for (size_t n = 0; n < sizeof replies / sizeof *replies; n++) {
        struct run run;
        begin(&run, *state, CLIENT_SMTP, &plain);
        hear(&run, GREETING EHLO_FULL);
        offer(&run);
        for (size_t i = 0; i < n; i++)
            hear(&run, replies[i]);
        assert_int_equal(client_is_untouched(&run.client), n == 0);
        client_abandon(&run.client, "connection lost");
        check_all(&run, CLIENT_DEFERRED, "connection lost");
        assert_true(run.client.abandoned);
        client_abandon(&run.client, "again");
        check_all(&run, CLIENT_DEFERRED, "connection lost");
        end(&run);
    }
}

static void a_421_is_not_an_answer_for_the_message(void **state)
{
    struct run run;
    begin(&run, *state, CLIENT_SMTP, &plain);
    hear(&run, GREETING EHLO_FULL);
    offer(&run);
    hear(&run, "421 4.4.2 idle too long\r\n");
    assert_int_equal(run.client.state, CLIENT_DEAD);
    assert_true(client_is_untouched(&run.client));
    client_abandon(&run.client, "");
    check_all(&run, CLIENT_DEFERRED, "closed the connection with 421 4.4.2 idle too long");
    end(&run);
}

static void a_refusal_while_sending_is_heard(void **state)
{
    struct run run;
    begin(&run, *state, CLIENT_SMTP, &plain);
    hear(&run, GREETING EHLO_FULL);
    offer(&run);
    hear(&run, "250 ok\r\n250 ok\r\n250 ok\r\n550 c\r\n354 go on\r\n");
    client_cut_off(&run.client, STR("552 5.3.4 too large\r\n"), "connection lost");
    check(&run, 0, CLIENT_REFUSED, "552 5.3.4 too large");
    check(&run, 2, CLIENT_REFUSED, "550 c");
    assert_false(run.client.abandoned);
    end(&run);
}

/* The end of the message has not been sent: nobody can have taken it. */
static void a_success_while_sending_is_not_believed(void **state)
{
    struct run run;
    begin(&run, *state, CLIENT_SMTP, &plain);
    hear(&run, GREETING EHLO_FULL);
    offer(&run);
    hear(&run, "250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go on\r\n");
    client_cut_off(&run.client, STR("250 saved\r\n"), "connection lost");
    check_all(&run, CLIENT_DEFERRED, "connection lost");
    end(&run);
}

static void nonsense_ends_the_connection(void **state)
{
    static const char data_taken_without_354[] =
        "250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n";
    static const char *const nonsense[] = {
        "hello\r\n",          "999 what\r\n", "100 what\r\n", "25 ok\r\n",  "250ok\r\n",
        "250-a\r\n251 b\r\n", "\r\n",         "+OK\r\n",      "354 ok\r\n", data_taken_without_354,
    };
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        struct run run;
        begin(&run, *state, CLIENT_SMTP, &plain);
        hear(&run, GREETING EHLO_FULL);
        offer(&run);
        hear(&run, nonsense[i]);
        assert_int_equal(run.client.state, CLIENT_DEAD);
        client_abandon(&run.client, "");
        for (size_t r = 0; r < 3; r++) {
            assert_int_equal(run.results[r], 1);
            assert_int_equal(run.outcome[r], CLIENT_DEFERRED);
        }
        end(&run);
    }
}

static void endless_replies_are_cut(void **state)
{
    struct run run;
    begin(&run, *state, CLIENT_SMTP, &plain);
    for (int i = 0; i < 5000 && run.client.state != CLIENT_DEAD; i++)
        hear(&run, "220 xxxxxxx");
    assert_int_equal(run.client.state, CLIENT_DEAD);
    end(&run);
    begin(&run, *state, CLIENT_SMTP, &plain);
    for (int i = 0; i < 5000 && run.client.state != CLIENT_DEAD; i++)
        hear(&run, "220-more\r\n");
    assert_int_equal(run.client.state, CLIENT_DEAD);
    end(&run);
}

static void replies_are_kept_printable_and_short(void **state)
{
    struct run run;
    struct buf line = BUF_INIT(4000);
    begin(&run, *state, CLIENT_SMTP, &plain);
    hear(&run, GREETING EHLO_FULL);
    offer(&run);
    buf_addf(&line, "550-\x1b[31m\xff red\r\n550 ");
    for (int i = 0; i < 1900; i++)
        buf_addc(&line, 'x');
    buf_addf(&line, "\r\n");
    client_input(&run.client, buf_str(&line));
    assert_int_equal(strlen(run.text[0]), CLIENT_TEXT_MAX);
    assert_true(str_starts(str_of(run.text[0]), STR("550 ?[31m? red xxx")));
    buf_release(&line);
    end(&run);
}

/* --- body --- */

static void body_is(struct fixture *f, const char *text, const struct edit *edits, size_t n,
                    enum body_form form, const char *expected)
{
    struct spool_file *file;
    struct body body;
    struct buf out = BUF_INIT(1000 + BODY_FILL_MAX);
    struct spool_recipient r = {.address = STR("a@b")};
    spool_id_make(f->id);
    struct envelope e = {.id = str_of(f->id),
                         .recipients = &r,
                         .n_recipients = 1,
                         .edits = {.list = (struct edit *)edits, .n = n}};
    struct spool_writer *w = spool_receive(f->spool, f->id, &f->err);
    assert_int_equal(spool_write(w, str_of(text), &f->err), 0);
    assert_int_equal(spool_commit(&w, &e, SPOOL_QUEUE, &f->err), 0);
    assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 0);
    body_begin(&body, file, 0, form);
    assert_int_equal(body_fill(&body, &out, &f->err), 0);
    assert_str(buf_str(&out), expected);
    spool_unload(&file);
    buf_release(&out);
}

static void dots_and_line_ends(void **state)
{
    struct fixture *f = *state;
    body_is(f, "", NULL, 0, BODY_WIRE, ".\r\n");
    body_is(f, "a", NULL, 0, BODY_WIRE, "a\r\n.\r\n");
    body_is(f, "a\r\n", NULL, 0, BODY_WIRE, "a\r\n.\r\n");
    body_is(f, ".\r\n", NULL, 0, BODY_WIRE, "..\r\n.\r\n");
    body_is(f, "a\r\n.b\r\n..\r\n.\r\n", NULL, 0, BODY_WIRE, "a\r\n..b\r\n...\r\n..\r\n.\r\n");
    body_is(f, "a.b\r\n", NULL, 0, BODY_WIRE, "a.b\r\n.\r\n");
    body_is(f, ".a\r\n.\r\nb", NULL, 0, BODY_FILE, ".a\n.\nb\n");
    body_is(f, "", NULL, 0, BODY_FILE, "");
}

/* Smuggling: no bare CR or LF goes out, so no dot behind one ends the message. */
static void bare_line_ends_are_mended(void **state)
{
    struct fixture *f = *state;
    body_is(f, "a\n.\nMAIL\r\n", NULL, 0, BODY_WIRE, "a\r\n..\r\nMAIL\r\n.\r\n");
    body_is(f, "a\r.\r\n", NULL, 0, BODY_WIRE, "a\r\n..\r\n.\r\n");
    body_is(f, "a\r\r\n\r", NULL, 0, BODY_WIRE, "a\r\n\r\n\r\n.\r\n");
    body_is(f, "a\n\n.", NULL, 0, BODY_WIRE, "a\r\n\r\n..\r\n.\r\n");
}

static void edits_are_applied(void **state)
{
    struct fixture *f = *state;
    static const struct edit edits[] = {
        {.at = 0, .insert = STR("X: 1\r\n")},
        {.at = 0, .insert = STR("Y: 2\r\n")},
        {.at = 6, .remove = 6},
        {.at = 12, .remove = 3, .insert = STR(".C: new\r\n")},
        {.at = 17, .insert = STR(".end\r\n")},
    };
    body_is(f, "A: a\r\nB: b\r\nC\r\n\r\n", edits, 5, BODY_WIRE,
            "X: 1\r\nY: 2\r\nA: a\r\n..C: new\r\n\r\n..end\r\n.\r\n");
    body_is(f, "A: a\r\nB: b\r\nC\r\n\r\n", edits, 5, BODY_FILE,
            "X: 1\nY: 2\nA: a\n.C: new\n\n.end\n");
}

/* A large message in pieces that cut line ends and dots anywhere. */
static void large_bodies_come_in_pieces(void **state)
{
    struct fixture *f = *state;
    struct buf text = BUF_INIT(1 << 20), wanted = BUF_INIT(2 << 20), out = BUF_INIT(2 << 20);
    struct spool_file *file;
    struct body body;
    for (int i = 0; i < 30000; i++) {
        buf_addf(&text, "%s%.*s\r\n", i % 3 ? "" : ".", i % 7, "abcdefg");
        buf_addf(&wanted, "%s%.*s\r\n", i % 3 ? "" : "..", i % 7, "abcdefg");
    }
    buf_addf(&wanted, ".\r\n");
    put(f, &(struct sample){.body = buf_cstr(&text),
                            .sender = "",
                            .recipients = {"a@b", "b@b", "c@b"}});
    assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 0);
    assert_int_equal(body_size(file, 0), text.n);
    body_begin(&body, file, 0, BODY_WIRE);
    for (int more = 1; more;) {
        struct buf piece = BUF_INIT(BODY_FILL_MAX);
        more = body_fill(&body, &piece, &f->err);
        assert_true(more >= 0 && buf_ok(&piece));
        buf_add(&out, buf_str(&piece));
        buf_release(&piece);
    }
    assert_int_equal(out.n, wanted.n);
    assert_memory_equal(out.p, wanted.p, out.n);
    spool_unload(&file);
    buf_release(&text);
    buf_release(&wanted);
    buf_release(&out);
}

#define WITH_SPOOL(test) cmocka_unit_test_setup_teardown(test, fixture_up, fixture_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SPOOL(smtp_pipelines),
        WITH_SPOOL(starttls_begins_anew),
        WITH_SPOOL(what_is_said_behind_starttls_is_not_believed),
        WITH_SPOOL(starttls_that_is_refused_is_left_out),
        WITH_SPOOL(a_server_that_takes_nothing_in_clear_is_asked_again),
        WITH_SPOOL(tls_that_must_be_is),
        WITH_SPOOL(without_tls_it_is_not_asked_for),
        WITH_SPOOL(requiretls_needs_proof_and_promise),
        WITH_SPOOL(lmtp_answers_for_each_recipient),
        WITH_SPOOL(bytes_may_come_one_by_one),
        WITH_SPOOL(without_pipelining_each_waits),
        WITH_SPOOL(old_servers_are_greeted_again),
        WITH_SPOOL(lmtp_has_no_helo),
        WITH_SPOOL(a_refused_sender_is_an_answer_for_all),
        WITH_SPOOL(nobody_accepted_sends_nothing),
        WITH_SPOOL(nobody_accepted_but_354_is_closed),
        WITH_SPOOL(data_may_be_refused),
        WITH_SPOOL(too_large_is_known_before),
        WITH_SPOOL(addresses_with_utf8_need_smtputf8),
        WITH_SPOOL(headers_with_utf8_need_smtputf8),
        WITH_SPOOL(utf8_is_found_wherever_it_is_in_the_header),
        WITH_SPOOL(a_close_at_any_step_defers),
        WITH_SPOOL(a_421_is_not_an_answer_for_the_message),
        WITH_SPOOL(a_refusal_while_sending_is_heard),
        WITH_SPOOL(a_success_while_sending_is_not_believed),
        WITH_SPOOL(nonsense_ends_the_connection),
        WITH_SPOOL(endless_replies_are_cut),
        WITH_SPOOL(replies_are_kept_printable_and_short),
        WITH_SPOOL(dots_and_line_ends),
        WITH_SPOOL(bare_line_ends_are_mended),
        WITH_SPOOL(edits_are_applied),
        WITH_SPOOL(large_bodies_come_in_pieces),
    };
    log_open("test", LOG_ERROR_LEVEL);
    return tap_run(tests, NULL, NULL);
}
