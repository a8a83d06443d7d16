/* The parts of edge that stand alone: waiting line, clients, killers, Received, envelope. */
#include "t/unit/tap.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "gateway/edge/client.h"
#include "gateway/edge/envelope.h"
#include "gateway/edge/killers.h"
#include "gateway/received.h"

/* --- line --- */

static void clients_take_turns(void **state)
{
    struct line line = {.limit = 10};
    struct line_queue a = {0}, b = {0};
    struct line_place places[6] = {{0}};
    for (int i = 0; i < 4; i++)
        assert_null(line_enter(&line, &a, &places[i]));
    assert_null(line_enter(&line, &b, &places[4]));
    assert_null(line_enter(&line, &b, &places[5]));
    const int order[] = {0, 4, 1, 5, 2, 3};
    for (int i = 0; i < 6; i++)
        assert_ptr_equal(line_take(&line), &places[order[i]]);
    assert_null(line_take(&line));
    assert_int_equal(line.n, 0);
}

static void who_has_most_makes_room(void **state)
{
    struct line line = {.limit = 3};
    struct line_queue a = {0}, b = {0};
    struct line_place places[6] = {{0}};
    for (int i = 0; i < 3; i++)
        assert_null(line_enter(&line, &a, &places[i]));
    assert_ptr_equal(line_enter(&line, &a, &places[3]), &places[3]);
    assert_ptr_equal(line_enter(&line, &b, &places[4]), &places[2]);
    assert_null(places[2].queue);
    /* two and one: the third of two is none too many, so the newcomer goes */
    assert_ptr_equal(line_enter(&line, &b, &places[5]), &places[5]);
    assert_int_equal(line.n, 3);
    while (line_take(&line))
        ;
}

static void places_can_be_left(void **state)
{
    struct line line = {.limit = 100};
    struct line_queue queues[3] = {{0}};
    struct line_place places[30] = {{0}};
    for (int i = 0; i < 30; i++)
        assert_null(line_enter(&line, &queues[i % 3], &places[i]));
    for (int i = 0; i < 30; i += 2)
        line_leave(&line, &places[i]);
    line_leave(&line, &places[0]); /* twice is fine */
    assert_int_equal(line.n, 15);
    for (int i = 0; i < 15; i++) {
        const struct line_place *p = line_take(&line);
        assert_non_null(p);
        assert_int_equal((p - places) % 2, 1);
    }
    assert_null(line_take(&line));
}

/* --- clients --- */

static struct sockaddr_storage address_of(const char *text)
{
    struct sockaddr_storage address = {0};
    struct sockaddr_in *in4 = (struct sockaddr_in *)&address;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address;
    if (inet_pton(AF_INET, text, &in4->sin_addr) == 1)
        address.ss_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1)
        address.ss_family = AF_INET6;
    else
        fail();
    return address;
}

static bool same_client(struct clients *clients, const char *one, const char *other)
{
    struct sockaddr_storage x = address_of(one), y = address_of(other);
    struct client *a = client_hold(clients, &x);
    struct client *b = client_hold(clients, &y);
    bool same = a == b;
    client_release(clients, &a);
    client_release(clients, &b);
    return same;
}

static void clients_by_address(void **state)
{
    struct clients *clients = clients_new();
    char ip[CLIENT_IP_SIZE];
    assert_true(same_client(clients, "192.0.2.1", "192.0.2.1"));
    assert_false(same_client(clients, "192.0.2.1", "192.0.2.2"));
    assert_true(same_client(clients, "192.0.2.1", "::ffff:192.0.2.1"));
    assert_true(same_client(clients, "2001:db8::1", "2001:db8::2:3"));
    assert_false(same_client(clients, "2001:db8::1", "2001:db8:0:1::1"));
    struct sockaddr_storage mapped = address_of("::ffff:192.0.2.1");
    client_ip(&mapped, ip);
    assert_string_equal(ip, "192.0.2.1");
    clients_free(&clients);
    assert_null(clients);
}

/* --- killers --- */

static void two_deaths_with_answers_between(void **state)
{
    struct killers *k = calloc(1, sizeof *k);
    unsigned char one[KILLER_DIGEST] = {1}, two[KILLER_DIGEST] = {2};
    assert_false(killers_note(k, one, 0, 10));
    assert_false(killers_guilty(k, one));
    assert_false(killers_note(k, one, 0, 10)); /* the step has answered nobody since */
    assert_false(killers_note(k, one, 1, 11)); /* another step */
    assert_true(killers_note(k, one, 0, 11));
    assert_true(killers_guilty(k, one));
    assert_false(killers_guilty(k, two));
    free(k);
}

static void the_oldest_killer_makes_room(void **state)
{
    struct killers *k = calloc(1, sizeof *k);
    for (unsigned i = 0; i < KILLERS_MAX + 1; i++) {
        unsigned char digest[KILLER_DIGEST] = {(unsigned char)i, (unsigned char)(i >> 8)};
        killers_note(k, digest, 0, 0);
        assert_int_equal(killers_note(k, digest, 0, 1), 1);
    }
    unsigned char first[KILLER_DIGEST] = {0}, second[KILLER_DIGEST] = {1};
    assert_false(killers_guilty(k, first));
    assert_true(killers_guilty(k, second));
    free(k);
}

/* --- envelope and Received --- */

static struct smtp_recipient *recipients_of(struct pool *pool, const char *const *list, size_t n)
{
    struct smtp_recipient *r = POOL_ARRAY(pool, n, struct smtp_recipient);
    for (size_t i = 0; i < n; i++) {
        r[i].address = str_of(list[i]);
        r[i].how = STR("file");
        r[i].next = i + 1 < n ? &r[i + 1] : NULL;
    }
    return r;
}

static void nobody_is_named_twice(void **state)
{
    static const char *const list[] = {"z@ours.example", "a@ours.example", "z@OURS.example",
                                       "Z@ours.example", "a@ours.example", "b@ours.example"};
    struct pool *pool = pool_new(1000000);
    struct err err;
    struct envelope e = {0};
    struct str *ways;
    struct arrival_origin origin = {.ip = STR("192.0.2.1"), .helo = STR(""), .protocol = "SMTP"};
    struct smtp_envelope from = {.recipients = recipients_of(pool, list, 6), .n_recipients = 6};
    assert_int_equal(envelope_copy(&e, &ways, &from, &origin, pool, &err), 0);
    assert_int_equal(e.n_recipients, 4);
    assert_str(e.recipients[0].address, "z@ours.example");
    assert_str(e.recipients[1].address, "a@ours.example");
    assert_str(e.recipients[2].address, "Z@ours.example");
    assert_str(e.recipients[3].address, "b@ours.example");
    assert_str(e.recipients[3].how, "file");
    pool_free(&pool);
}

static void received_says_how_it_came(void **state)
{
    struct spool_recipient rcpt[2] = {{.address = STR("jean@ours.example")},
                                      {.address = STR("x@y")}};
    struct envelope e = {.id = STR("01ARZ3NDEKTSV4RRFFQ69G5FAV"),
                         .time_us = 1700000000123456,
                         .client_ip = STR("2001:db8::1"),
                         .helo = STR("client.example"),
                         .protocol = STR("ESMTPS"),
                         .recipients = rcpt,
                         .n_recipients = 1};
    struct buf out = BUF_INIT(2000);
    envelope_received(&out, &e, STR("mx.ours.example"), STR("TLSv1.3 with cipher X"));
    assert_str(buf_str(&out), "Received: from client.example (unknown [IPv6:2001:db8::1])\r\n"
                              "\t(using TLSv1.3 with cipher X)\r\n"
                              "\tby mx.ours.example (poterne) with ESMTPS id "
                              "01ARZ3NDEKTSV4RRFFQ69G5FAV\r\n"
                              "\tfor <jean@ours.example>;\r\n"
                              "\tTue, 14 Nov 2023 22:13:20 +0000\r\n");
    buf_clear(&out);
    e.n_recipients = 2;
    e.helo = STR("\xc3\xa9.example");
    envelope_received(&out, &e, STR("mx.ours.example"), STR_EMPTY);
    assert_int_equal(str_find(buf_str(&out), STR("jean")), STR_NONE);
    assert_int_equal(str_find(buf_str(&out), STR("\xc3")), STR_NONE);
    buf_release(&out);
}

/* as the rules are shown it, before the message has an id */
static void received_without_what_is_not_known_yet(void **state)
{
    const struct received hop = {.client_ip = STR("192.0.2.1"),
                                 .helo = STR("\xc3\xa9.example"),
                                 .hostname = STR("mx.ours.example"),
                                 .protocol = STR("ESMTP"),
                                 .time = 1700000000};
    struct buf out = BUF_INIT(2000);
    received_put(&out, &hop, "\n");
    assert_str(buf_str(&out), " from unknown (unknown [192.0.2.1])\n"
                              "\tby mx.ours.example (poterne) with ESMTP;\n"
                              "\tTue, 14 Nov 2023 22:13:20 +0000\n");
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_take_turns),
        cmocka_unit_test(who_has_most_makes_room),
        cmocka_unit_test(places_can_be_left),
        cmocka_unit_test(clients_by_address),
        cmocka_unit_test(two_deaths_with_answers_between),
        cmocka_unit_test(the_oldest_killer_makes_room),
        cmocka_unit_test(nobody_is_named_twice),
        cmocka_unit_test(received_says_how_it_came),
        cmocka_unit_test(received_without_what_is_not_known_yet),
    };
    return tap_run(tests, NULL, NULL);
}
