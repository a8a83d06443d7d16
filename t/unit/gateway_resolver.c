/* What the resolver reads from strangers and from those who ask it, its word about the servers, and
 * the source of answers that stands on its connection. */
#include "t/unit/tap.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "gateway/resolver/client.h"
#include "gateway/resolver/health.h"
#include "gateway/resolver/packet.h"

#define POOL_MAX ((size_t)1024 * 1024)

/* --- packets --- */

/* Writes what a server would send. */
struct packet {
    unsigned char bytes[4096];
    size_t n;
};

static void put(struct packet *p, const void *bytes, size_t n)
{
    assert_true(p->n + n <= sizeof p->bytes);
    memcpy(p->bytes + p->n, bytes, n);
    p->n += n;
}

static void put16(struct packet *p, unsigned v)
{
    const unsigned char bytes[] = {(unsigned char)(v >> 8), (unsigned char)v};
    put(p, bytes, 2);
}

static void put_name(struct packet *p, const char *name)
{
    struct str rest = str_of(name), label;
    while (*name && str_next(&rest, '.', &label)) {
        const unsigned char n = (unsigned char)label.n;
        put(p, &n, 1);
        put(p, label.s, label.n);
    }
    put(p, "", 1);
}

static void begin(struct packet *p, unsigned rcode, unsigned answers, unsigned authority,
                  const char *name, unsigned type)
{
    p->n = 0;
    put16(p, 1234);
    put16(p, 0x8180 | rcode);
    put16(p, 1);
    put16(p, answers);
    put16(p, authority);
    put16(p, 0);
    put_name(p, name);
    put16(p, type);
    put16(p, 1);
}

/* owner NULL: a pointer to the question's name */
static void record(struct packet *p, const char *owner, unsigned type, unsigned ttl,
                   const void *data, size_t n)
{
    if (owner)
        put_name(p, owner);
    else
        put16(p, 0xc00c);
    put16(p, type);
    put16(p, 1);
    put16(p, 0);
    put16(p, ttl);
    put16(p, (unsigned)n);
    put(p, data, n);
}

static struct packet_answer read_packet(const struct packet *p, enum dns_type type,
                                        struct pool *pool)
{
    struct packet_answer answer;
    /* of its own size, so that a sanitizer sees a step too far */
    char *copy = malloc(p->n ? p->n : 1);
    assert_non_null(copy);
    memcpy(copy, p->bytes, p->n);
    packet_read(str_n(copy, p->n), type, pool, &answer);
    free(copy);
    return answer;
}

static void an_answer_is_read(void **state)
{
    struct packet p;
    struct pool *pool = pool_new(POOL_MAX);
    begin(&p, 0, 2, 0, "Mail.Example", DNS_A);
    record(&p, NULL, DNS_A, 300, "\xc0\x00\x02\x01", 4);
    record(&p, "mail.EXAMPLE", DNS_A, 60, "\xc0\x00\x02\x02", 4);
    struct packet_answer a = read_packet(&p, DNS_A, pool);
    assert_int_equal(a.status, DNS_FOUND);
    assert_int_equal(a.n, 2);
    assert_int_equal(a.ttl, 60);
    assert_memory_equal(a.records[1].data.s, "\xc0\x00\x02\x02", 4);

    begin(&p, 0, 1, 0, "x.example", DNS_TXT);
    record(&p, NULL, DNS_TXT, 60,
           "\5v=spf\0\003"
           "1 a",
           11);
    a = read_packet(&p, DNS_TXT, pool);
    assert_int_equal(a.n, 1);
    assert_true(str_eq(a.records[0].data, STR("v=spf1 a")));

    begin(&p, 0, 2, 0, "x.example", DNS_MX);
    record(&p, NULL, DNS_MX, 60, "\0\012\2mX\xc0\x0c", 7);
    record(&p, NULL, DNS_MX, 60, "\0\0\0", 3);
    a = read_packet(&p, DNS_MX, pool);
    assert_int_equal(a.n, 2);
    assert_int_equal(a.records[0].preference, 10);
    assert_true(str_eq(a.records[0].data, STR("mx.x.example")));
    assert_int_equal(a.records[1].data.n, 0); /* the null MX */
    pool_free(&pool);
}

static void aliases_are_followed(void **state)
{
    struct packet p;
    struct pool *pool = pool_new(POOL_MAX);
    begin(&p, 0, 3, 0, "a.example", DNS_A);
    record(&p, NULL, 5, 20, "\1b\7example", 11);
    record(&p, "b.example", DNS_A, 60, "\xc0\x00\x02\x01", 4);
    record(&p, "c.example", DNS_A, 60, "\xc0\x00\x02\x09", 4); /* nobody asked for it */
    struct packet_answer a = read_packet(&p, DNS_A, pool);
    assert_int_equal(a.status, DNS_FOUND);
    assert_int_equal(a.n, 1);
    assert_int_equal(a.ttl, 20);
    pool_free(&pool);
}

static void nothing_is_told_apart_from_failure(void **state)
{
    struct packet p;
    struct pool *pool = pool_new(POOL_MAX);
    begin(&p, 3, 0, 1, "a.example", DNS_A);
    record(&p, "example", 6, 77, "\0\0", 2);
    struct packet_answer a = read_packet(&p, DNS_A, pool);
    assert_int_equal(a.status, DNS_NO_NAME);
    assert_int_equal(a.ttl, 77);
    begin(&p, 0, 0, 0, "a.example", DNS_A);
    assert_int_equal(read_packet(&p, DNS_A, pool).status, DNS_NO_DATA);
    begin(&p, 2, 0, 0, "a.example", DNS_A);
    assert_int_equal(read_packet(&p, DNS_A, pool).status, DNS_TEMP_FAILED);
    begin(&p, 5, 0, 0, "a.example", DNS_A);
    assert_int_equal(read_packet(&p, DNS_A, pool).status, DNS_TEMP_FAILED);
    pool_free(&pool);
}

static void hostile_packets_do_no_harm(void **state)
{
    struct packet p;
    struct pool *pool = pool_new(POOL_MAX);
    /* a pointer to itself, one forwards, and two that point at each other */
    static const unsigned to[] = {0xc00c, 0xc0ff, 0xc00e};
    for (size_t i = 0; i < 3; i++) {
        begin(&p, 0, 1, 0, "a.example", DNS_A);
        p.n = 12;
        put16(&p, to[i]);
        put16(&p, 0xc00c);
        assert_int_equal(read_packet(&p, DNS_A, pool).status, DNS_TEMP_FAILED);
    }
    /* more answers promised than there are */
    begin(&p, 0, 9, 0, "a.example", DNS_A);
    record(&p, NULL, DNS_A, 300, "\xc0\x00\x02\x01", 4);
    assert_int_equal(read_packet(&p, DNS_A, pool).status, DNS_TEMP_FAILED);
    /* an address of the wrong size, a string beyond its record, a name with a line end in it */
    begin(&p, 0, 1, 0, "a.example", DNS_A);
    record(&p, NULL, DNS_A, 300, "\xc0\x00\x02", 3);
    assert_int_equal(read_packet(&p, DNS_A, pool).status, DNS_NO_DATA);
    begin(&p, 0, 1, 0, "a.example", DNS_TXT);
    record(&p, NULL, DNS_TXT, 300,
           "\xff"
           "ab",
           3);
    assert_int_equal(read_packet(&p, DNS_TXT, pool).status, DNS_NO_DATA);
    begin(&p, 0, 1, 0, "a.example", DNS_PTR);
    record(&p, NULL, DNS_PTR, 300, "\3a\nb\0", 5);
    assert_int_equal(read_packet(&p, DNS_PTR, pool).status, DNS_NO_DATA);
    /* every cut */
    begin(&p, 0, 2, 0, "a.example", DNS_MX);
    record(&p, NULL, DNS_MX, 60, "\0\012\2mx\xc0\x0c", 7);
    record(&p, NULL, DNS_MX, 60, "\0\012\2my\xc0\x0c", 7);
    for (size_t whole = p.n; p.n > 0;) {
        p.n--;
        assert_true(p.n == whole || read_packet(&p, DNS_MX, pool).status == DNS_TEMP_FAILED);
    }
    pool_free(&pool);
}

static void names_are_escaped(void **state)
{
    char text[PACKET_NAME_TEXT];
    struct buf odd = BUF_INIT(300);
    assert_true(packet_name_text(STR("mx.Example."), text));
    assert_string_equal(text, "mx.Example.");
    assert_true(packet_name_text(STR("a\\b.\"x y\n.\xc3\xa9"), text));
    assert_string_equal(text, "a\\092b.\\034x\\032y\\010.\\195\\169");
    for (int i = 0; i < 126; i++)
        buf_addf(&odd, "\x01.");
    buf_addc(&odd, '\x01');
    assert_true(packet_name_text(buf_str(&odd), text));
    buf_add(&odd, STR(".a"));
    assert_false(packet_name_text(buf_str(&odd), text));
    buf_release(&odd);
    assert_false(packet_name_text(STR("a..b"), text));
    assert_false(packet_name_text(STR(""), text));
}

/* --- health --- */

static void silence_is_noticed_and_ends(void **state)
{
    struct health h = {0};
    assert_false(health_answered(&h, 1000, 500));
    for (unsigned i = 0; i < HEALTH_SILENT_MAX; i++)
        assert_false(health_silent(&h, 2000 + i, 4000));
    assert_true(health_probe_silent(&h, 2010, 4000));
    assert_true(h.away && health_doubtful(&h, 0, 4000));
    assert_false(health_silent(&h, 2011, 4100)); /* told once */
    assert_true(health_answered(&h, 5000, 500));
    assert_false(h.away || health_doubtful(&h, 0, 5000));
    assert_int_equal(h.outages, 1);
}

/* Names are the sender's choice: however many are silent, and whenever the probe is answered. */
static void silent_names_alone_are_no_outage(void **state)
{
    struct health h = {0};
    for (unsigned i = 0; i < 1000; i++)
        assert_false(health_silent(&h, 1000 + i, 3000));
    assert_false(h.away);
    assert_true(health_doubtful(&h, 0, 3000));
    assert_false(health_answered(&h, 2500, 500)); /* the probe */
    for (unsigned i = 0; i < 1000; i++)
        assert_false(health_silent(&h, 2000, 4000));
    assert_int_equal(h.silent, 0);
    /* nor is a probe alone: our own name may be what is dead */
    for (unsigned i = 0; i < 1000; i++)
        assert_false(health_probe_silent(&h, 5000 + i, 7000));
    assert_int_equal(h.outages, 0);
}

static void a_slow_question_is_doubted_early(void **state)
{
    struct health h = {0};
    assert_false(health_doubtful(&h, 0, 9000));
    assert_false(health_doubtful(&h, 9000, 9000 + HEALTH_DOUBT_MS - 1));
    assert_true(health_doubtful(&h, 9000, 9000 + HEALTH_DOUBT_MS));
    health_answered(&h, 9001, 500);
    assert_false(health_doubtful(&h, 9000, 9000 + HEALTH_DOUBT_MS));
}

static void a_dead_name_is_no_outage(void **state)
{
    struct health h = {0};
    for (unsigned i = 0; i < 100; i++) {
        assert_false(health_answered(&h, 1000 * i + 1, 500));
        assert_false(health_silent(&h, 1000 * i, 1000 * i + 1500));
    }
    assert_int_equal(h.outages, 0);
}

/* --- time --- */

/* Whatever is silent in one round, the next ones have time too; all of them have an end. */
static void no_round_takes_all_the_time(void **state)
{
    int64_t left = 5000;
    unsigned rounds = 0;
    assert_int_equal(resolver_round_ms(left), 2500);
    for (; left > 0; rounds++) {
        int64_t time = resolver_round_ms(left);
        if (time <= 0 || time > left || (left >= 2 * RESOLVER_ROUND_MIN_MS && time > left / 2))
            fail_msg("%lld of %lld ms", (long long)time, (long long)left);
        left -= time;
    }
    assert_in_range(rounds, 6, 10);
    assert_int_equal(resolver_round_ms(1), 1);
    assert_int_equal(resolver_round_ms(0), 0);
    assert_int_equal(resolver_round_ms(-5), 0);
}

/* --- the client --- */

/* Both ends of a connection: [0] the client's, [1] who plays the resolver. */
static void make_pair(int fd[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd), 0);
}

static void reply(int fd, const struct resolver_answer *answer)
{
    struct buf message = BUF_INIT(IPC_MSG_MAX);
    struct err err;
    resolver_answer_put(&message, answer);
    assert_int_equal(ipc_send(fd, buf_str(&message), NULL, &err), 1);
    buf_release(&message);
}

static void answers_find_their_questions(void **state)
{
    int fd[2];
    struct pool *pool = pool_new(POOL_MAX);
    struct resolver_client client;
    const struct dns_record one = {.data = STR("v=spf1"), .preference = 3};
    struct dns_query list[] = {
        {.type = DNS_A, .name = STR("a.example")},
        {.type = DNS_A, .name = STR("known"), .status = DNS_NO_NAME},
        {.type = DNS_TXT, .name = STR("c.example")},
        {.type = DNS_A, .name = STR("x..y")},
    };
    make_pair(fd);
    /* they lie there before they are asked for, in another order, with a stranger among them */
    reply(fd[1], &(struct resolver_answer){.number = 77, .status = DNS_NO_NAME});
    reply(fd[1], &(struct resolver_answer){.number = 3,
                                           .status = DNS_FOUND,
                                           .flags = RESOLVER_SECURE,
                                           .ttl = 9,
                                           .records = &one,
                                           .n = 1});
    reply(fd[1], &(struct resolver_answer){.number = 1, .status = DNS_NO_DATA});
    resolver_client_init(&client, fd[0], NULL);
    struct dns_source source = resolver_client_source(&client);
    source.ask(source.data, pool, list, 4);
    assert_false(client.put_off);
    assert_int_equal(list[0].status, DNS_NO_DATA);
    assert_int_equal(list[1].status, DNS_NO_NAME);
    assert_int_equal(list[2].status, DNS_FOUND);
    assert_true(list[2].secure);
    assert_int_equal(list[2].ttl, 9);
    assert_int_equal(list[2].records[0].preference, 3);
    assert_true(str_eq(list[2].records[0].data, STR("v=spf1")));
    assert_int_equal(list[3].status, DNS_BAD_NAME);
    resolver_client_release(&client);
    close(fd[0]);
    close(fd[1]);
    pool_free(&pool);
}

static void a_lost_resolver_fails_for_now(void **state)
{
    int fd[2];
    struct pool *pool = pool_new(POOL_MAX);
    struct resolver_client client;
    struct dns_query q = {.type = DNS_A, .name = STR("a.example")};
    make_pair(fd);
    resolver_client_init(&client, fd[0], NULL);
    struct dns_source source = resolver_client_source(&client);
    close(fd[1]);
    source.ask(source.data, pool, &q, 1);
    assert_int_equal(q.status, DNS_TEMP_FAILED);
    assert_false(client.put_off); /* nobody would answer who waits */
    q.status = DNS_ASKED_NOT;
    source.ask(source.data, pool, &q, 1);
    assert_int_equal(q.status, DNS_TEMP_FAILED);
    resolver_client_release(&client);
    close(fd[0]);
    pool_free(&pool);
}

/* What was asked and answered until now, as who waits hands it on. */
static void hand_on(struct buf *records, const struct resolver_client *client)
{
    buf_add(records, buf_str(&client->fresh));
}

static void later(struct buf *records, const struct resolver_answer *answer)
{
    struct buf message = BUF_INIT(IPC_MSG_MAX);
    resolver_answer_put(&message, answer);
    known_put(records, KNOWN_ANSWER, buf_str(&message));
    buf_release(&message);
}

static void a_slow_answer_is_put_off(void **state)
{
    int fd[2];
    struct err err;
    struct pool *pool = pool_new(POOL_MAX);
    struct resolver_client client;
    struct buf records = BUF_INIT(KNOWN_MAX), asked = BUF_INIT(IPC_MSG_MAX);
    struct dns_query list[] = {{.type = DNS_A, .name = STR("quick.example")},
                               {.type = DNS_A, .name = STR("slow.example")}};
    struct dns_query more = {.type = DNS_TXT, .name = STR("slow.example")};
    make_pair(fd);
    reply(fd[1], &(struct resolver_answer){.number = 1, .status = DNS_NO_NAME});
    resolver_client_init(&client, fd[0], NULL);
    struct dns_source source = resolver_client_source(&client);
    int64_t from = clock_ms();
    source.ask(source.data, pool, list, 2);
    source.ask(source.data, pool, &more, 1); /* asked, and not waited for */
    assert_in_range(clock_ms() - from, 0, 500);
    assert_int_equal(list[0].status, DNS_NO_NAME);
    assert_int_equal(list[1].status, DNS_TEMP_FAILED);
    assert_int_equal(more.status, DNS_TEMP_FAILED);
    assert_true(*source.put_off);
    assert_int_equal(client.open, 2);
    assert_int_equal(ipc_recv(fd[1], &asked, NULL, &err), 1);
    assert_int_equal(ipc_recv(fd[1], &asked, NULL, &err), 1);
    hand_on(&records, &client);
    resolver_client_release(&client);

    /* again, with one of the two answers: the other never came, and is not asked for again */
    later(&records, &(struct resolver_answer){.number = 3, .status = DNS_NO_DATA});
    const struct known *known = known_read(pool, buf_str(&records));
    assert_non_null(known);
    resolver_client_init(&client, fd[0], known);
    source = resolver_client_source(&client);
    list[0].status = list[1].status = more.status = DNS_ASKED_NOT;
    source.ask(source.data, pool, list, 2);
    source.ask(source.data, pool, &more, 1);
    assert_int_equal(list[0].status, DNS_NO_NAME);
    assert_int_equal(list[1].status, DNS_TEMP_FAILED);
    assert_int_equal(more.status, DNS_NO_DATA);
    assert_false(*source.put_off);
    assert_int_equal(ipc_recv(fd[1], &asked, NULL, &err), 0);

    /* what is new has a number of its own */
    struct dns_query fresh = {.type = DNS_MX, .name = STR("slow.example")};
    reply(fd[1], &(struct resolver_answer){.number = 7, .status = DNS_NO_DATA});
    source.ask(source.data, pool, &fresh, 1);
    assert_int_equal(fresh.status, DNS_NO_DATA);
    resolver_client_release(&client);
    buf_release(&records);
    buf_release(&asked);
    close(fd[0]);
    close(fd[1]);
    pool_free(&pool);
}

static void what_is_known_may_be_damaged(void **state)
{
    struct pool *pool = pool_new(POOL_MAX);
    struct buf records = BUF_INIT(KNOWN_MAX), questions = BUF_INIT(IPC_MSG_MAX);
    resolver_question_put(&questions, 5, DNS_A, STR("a.example"));
    resolver_question_put(&questions, 6, DNS_MX, STR("a.example"));
    known_put(&records, KNOWN_QUESTIONS, buf_str(&questions));
    size_t asked = records.n;
    later(&records, &(struct resolver_answer){.number = 6, .status = DNS_NO_NAME});
    for (size_t n = 0; n <= records.n; n++) {
        const struct known *known = known_read(pool, str_sub(buf_str(&records), 0, n));
        assert_int_equal(known != NULL, n == 0 || n == asked || n == records.n);
        assert_int_equal(known ? known_last(known) : 0, known && n > 0 ? 6 : 0);
    }
    char room[8];
    struct buf again = BUF_OVER(room);
    struct dns_query gone = {.type = DNS_A, .name = STR("a.example")};
    assert_true(known_answer(known_read(pool, buf_str(&records)), &gone));
    assert_int_equal(gone.status, DNS_TEMP_FAILED); /* asked, and no answer came */
    wire_u32(&again, 5);
    known_put(&records, KNOWN_AGAIN, buf_str(&again));
    gone.status = DNS_ASKED_NOT;
    assert_false(known_answer(known_read(pool, buf_str(&records)), &gone));
    buf_addc(&records, 9);
    assert_null(known_read(pool, buf_str(&records)));
    buf_release(&records);
    buf_release(&questions);
    pool_free(&pool);
}

/* --- the protocol --- */

static void messages_survive_the_wire(void **state)
{
    struct buf b = BUF_INIT(IPC_MSG_MAX);
    struct resolver_budget in = {.kind = RESOLVER_MESSAGE, .queries = 5, .milliseconds = 70}, out;
    resolver_budget_put(&b, &in);
    assert_true(resolver_budget_get(buf_str(&b), &out));
    assert_int_equal(out.queries, 5);
    assert_int_equal(out.milliseconds, 70);
    assert_false(resolver_budget_get(str_sub(buf_str(&b), 0, b.n - 1), &out));
    assert_false(resolver_budget_get(STR("\4"), &out));
    assert_false(resolver_budget_get(STR_EMPTY, &out));
    buf_clear(&b);
    wire_u32(&b, 1);
    wire_u8(&b, 99); /* no type of ours */
    wire_str(&b, STR("a.example"));
    struct wire w = wire_of(buf_str(&b));
    uint32_t number;
    enum dns_type type;
    struct str name;
    assert_false(resolver_question_get(&w, &number, &type, &name));
    assert_true(w.bad);
    buf_release(&b);
}

static void an_answer_is_never_too_large(void **state)
{
    static char much[DNS_RECORD_MAX];
    struct buf b = BUF_INIT(IPC_MSG_MAX);
    struct pool *pool = pool_new(POOL_MAX);
    struct dns_record records[DNS_RECORDS_MAX + 20];
    struct resolver_answer answer = {.status = DNS_FOUND, .records = records}, got;
    answer.n = sizeof records / sizeof *records;
    for (size_t i = 0; i < answer.n; i++)
        records[i] = (struct dns_record){.data = str_n(much, sizeof much)};
    resolver_answer_put(&b, &answer);
    assert_true(buf_ok(&b) && b.n <= IPC_MSG_MAX);
    assert_true(resolver_answer_get(buf_str(&b), pool, &got));
    assert_in_range(got.n, 1, RESOLVER_ANSWER_MAX / DNS_RECORD_MAX);
    assert_false(resolver_answer_get(str_sub(buf_str(&b), 0, b.n - 1), pool, &got));
    buf_release(&b);
    pool_free(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_read),
        cmocka_unit_test(aliases_are_followed),
        cmocka_unit_test(nothing_is_told_apart_from_failure),
        cmocka_unit_test(hostile_packets_do_no_harm),
        cmocka_unit_test(names_are_escaped),
        cmocka_unit_test(silence_is_noticed_and_ends),
        cmocka_unit_test(silent_names_alone_are_no_outage),
        cmocka_unit_test(a_slow_question_is_doubted_early),
        cmocka_unit_test(a_dead_name_is_no_outage),
        cmocka_unit_test(no_round_takes_all_the_time),
        cmocka_unit_test(answers_find_their_questions),
        cmocka_unit_test(a_lost_resolver_fails_for_now),
        cmocka_unit_test(a_slow_answer_is_put_off),
        cmocka_unit_test(what_is_known_may_be_damaged),
        cmocka_unit_test(messages_survive_the_wire),
        cmocka_unit_test(an_answer_is_never_too_large),
    };
    return tap_run(tests, NULL, NULL);
}
