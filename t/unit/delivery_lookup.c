/* Which hop an address goes to, and that it costs the same however many others there are; and what
 * it means for a hop that a server says nothing, or that nobody knows who its servers are. */
#include "t/unit/tap.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "gateway/delivery/delivery.h"

#define OTHERS  OUTSIDE_HOPS_MAX
#define LOOKUPS 2000
#define FACTOR  20 /* a walk past the others takes some thousand times as long */
#define SLACK   0.002

static const char settings[] = "hostname = mx.example\nmanagers = { m@a.example }\n"
                               "domain a.example { next_hop = lmtp://127.0.0.1:24 }\n"
                               "domain b.example { next_hop = lmtp://127.0.0.1:25 }\n"
                               "domain c.example { next_hop = lmtp://127.0.0.1:24 }\n"
                               "domain d.example { next_hop = smtp://127.0.0.1:24; tls = must }\n"
                               "domain e.example { next_hop = smtp://127.0.0.1:24 }\n"
                               "outside { next_hop = smtp://127.0.0.1:26 }\n"
                               "route partner.example { next_hop = smtp://127.0.0.1:27 }\n"
                               "route .partner.example { next_hop = smtp://127.0.0.1:28 }\n"
                               "route far.example { tls = must }\n";

struct world {
    struct delivery delivery;
    struct delivery_loaded loaded;
    struct conf *conf;
};

static int up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct err err;
    assert_non_null(w);
    w->conf = conf_parse(str_of(settings), "t.conf", &err);
    if (w->conf == NULL)
        fail_msg("%s", err.text);
    w->delivery.conf = w->conf;
    w->delivery.base = event_base_new();
    w->delivery.loaded = &w->loaded;
    w->loaded.routes = routes_load(w->conf, &err);
    assert_non_null(w->loaded.routes);
    assert_int_equal(outside_start(&w->delivery, &err), 0);
    assert_int_equal(hops_make(&w->delivery, &err), 0);
    *state = w;
    return 0;
}

static int down(void **state)
{
    struct world *w = *state;
    outside_stop(&w->delivery);
    hops_free(&w->delivery);
    routes_free(&w->loaded.routes);
    event_base_free(w->delivery.base);
    conf_free(&w->conf);
    free(w);
    return 0;
}

static struct hop *hop_of(struct world *w, const char *address, enum policy_asked asked)
{
    struct hop *hop;
    assert_int_equal(hop_for(&w->delivery, str_of(address), asked, &hop), 1);
    return hop;
}

static const char *goes_to(struct world *w, const char *address)
{
    return hop_of(w, address, ASKED_NOTHING)->text;
}

static void each_domain_has_its_own(void **state)
{
    struct world *w = *state;
    assert_string_equal(goes_to(w, "x@a.example"), "lmtp://127.0.0.1:24");
    assert_string_equal(goes_to(w, "x@b.example"), "lmtp://127.0.0.1:25");
    assert_string_equal(goes_to(w, "postmaster"), "lmtp://127.0.0.1:24");
    assert_string_equal(goes_to(w, "x@elsewhere.example"), "smtp://127.0.0.1:26");
    /* the same server is one line, whatever the domain … */
    assert_ptr_equal(hop_of(w, "x@a.example", ASKED_NOTHING),
                     hop_of(w, "x@c.example", ASKED_NOTHING));
    /* … unless it is gone to in another way */
    assert_ptr_not_equal(hop_of(w, "x@d.example", ASKED_NOTHING),
                         hop_of(w, "x@e.example", ASKED_NOTHING));
}

static void some_domains_have_a_route(void **state)
{
    struct world *w = *state;
    assert_string_equal(goes_to(w, "x@partner.example"), "smtp://127.0.0.1:27");
    assert_string_equal(goes_to(w, "x@PARTNER.example"), "smtp://127.0.0.1:27");
    assert_string_equal(goes_to(w, "x@a.b.partner.example"), "smtp://127.0.0.1:28");
    assert_string_equal(goes_to(w, "x@b.partner.example"), "smtp://127.0.0.1:28");
    assert_string_equal(goes_to(w, "x@notpartner.example"), "smtp://127.0.0.1:26");
    const struct hop *far = hop_of(w, "x@far.example", ASKED_NOTHING);
    assert_string_equal(far->text, "smtp://127.0.0.1:26");
    assert_int_equal(far->route->tls, OUTSIDE_TLS_MUST);
    assert_ptr_not_equal(far, hop_of(w, "x@elsewhere.example", ASKED_NOTHING));
    assert_ptr_equal(hop_of(w, "x@a.b.partner.example", ASKED_NOTHING),
                     hop_of(w, "x@c.partner.example", ASKED_NOTHING));
}

/* A server of the settings is gone to as they say, unless REQUIRETLS asks for more. */
static void what_the_sender_asked_is_another_line(void **state)
{
    struct world *w = *state;
    struct hop *usual = hop_of(w, "x@elsewhere.example", ASKED_NOTHING);
    assert_ptr_equal(hop_of(w, "x@elsewhere.example", ASKED_WAIVED), usual);
    assert_ptr_not_equal(hop_of(w, "x@elsewhere.example", ASKED_REQUIRED), usual);
    assert_ptr_equal(hop_of(w, "x@a.example", ASKED_REQUIRED),
                     hop_of(w, "x@a.example", ASKED_NOTHING));
}

/* Processor time of many look-ups of a domain of ours. */
static double cost(struct world *w)
{
    clock_t from = clock();
    for (int i = 0; i < LOOKUPS; i++)
        hop_of(w, "x@b.example", ASKED_NOTHING);
    return (double)(clock() - from) / CLOCKS_PER_SEC;
}

static void others_cost_nothing(void **state)
{
    struct world *w = *state;
    double alone = cost(w);
    for (int i = 0; i < OTHERS; i++)
        assert_non_null(hop_new(&w->delivery, HOP_SMTP, "another domain's", true));
    double among_others = cost(w);
    print_message("# %d look-ups: %.6f s alone, %.6f s among %d others\n", LOOKUPS, alone,
                  among_others, OTHERS);
    assert_true(among_others < FACTOR * alone + SLACK);
}

struct server {
    int listener, fd;
    struct conf_hop place;
};

/* Takes connections, and says nothing by itself. */
static void serve(struct server *s)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    s->fd = -1;
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(s->listener >= 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&at, n), 0);
    assert_int_equal(listen(s->listener, 4), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&at, &n), 0);
    s->place = (struct conf_hop){.kind = HOP_SMTP,
                                 .host = "127.0.0.1",
                                 .port = ntohs(at.sin_port),
                                 .text = "a server"};
}

static void stop(const struct server *s)
{
    close(s->listener);
    if (s->fd >= 0)
        close(s->fd);
}

/* Both its greeting and its answer to our hello, in advance. */
static void greet(struct world *w, struct server *s, const struct hop *hop)
{
    static const char both[] = "220 a.example\r\n250 a.example\r\n";
    s->fd = accept(s->listener, NULL, NULL);
    assert_true(s->fd >= 0);
    assert_int_equal(send(s->fd, both, sizeof both - 1, MSG_NOSIGNAL), sizeof both - 1);
    while (hop->n_lanes && !lanes_greeted(hop))
        event_base_loop(w->delivery.base, EVLOOP_ONCE);
    assert_true(lanes_greeted(hop));
}

/* One with these servers, and a lane to the first. */
static struct hop *begin(struct world *w, const struct server *servers, size_t n)
{
    struct err err = {""};
    struct hop *hop = hop_of(w, "x@e.example", ASKED_NOTHING);
    targets_drop(&hop->targets);
    hop->targets = targets_new();
    for (size_t i = 0; i < n; i++)
        assert_true(targets_add_place(hop->targets, &servers[i].place));
    if (lane_open(hop, &err) < 0)
        fail_msg("%s", err.text);
    return hop;
}

/* … makes room for others only when its other servers were tried. */
static void a_silent_server_is_passed_over(void **state)
{
    struct world *w = *state;
    struct server servers[2];
    for (size_t i = 0; i < 2; i++)
        serve(&servers[i]);
    struct hop *hop = begin(w, servers, 2);
    unsigned allowed = hop_lanes_allowed(hop);
    lanes_close_silent(hop, INT64_MAX);
    assert_false(hop->down);
    assert_int_equal(hop->n_lanes, 1);
    greet(w, &servers[1], hop);
    lanes_close_silent(hop, INT64_MAX);
    assert_int_equal(hop->n_lanes, 1);
    assert_int_equal(hop_lanes_allowed(hop), allowed);
    lanes_close(hop, false, "the end");
    for (size_t i = 0; i < 2; i++)
        stop(&servers[i]);
}

static void where_all_are_silent_it_is_down(void **state)
{
    struct world *w = *state;
    struct server servers[2];
    for (size_t i = 0; i < 2; i++)
        serve(&servers[i]);
    struct hop *hop = begin(w, servers, 2);
    lanes_close_silent(hop, INT64_MAX);
    lanes_close_silent(hop, INT64_MAX);
    assert_true(hop->down);
    assert_int_equal(hop->n_lanes, 0);
    assert_true(str_starts(str_of(hop->error), STR("4.4.1 a server: no answer for ")));
    for (size_t i = 0; i < 2; i++)
        stop(&servers[i]);
}

/* Its connections are no fewer for that. */
static void trouble_with_the_dns_is_not_the_servers(void **state)
{
    struct world *w = *state;
    struct server server;
    serve(&server);
    struct hop *hop = begin(w, &server, 1);
    unsigned allowed = hop_lanes_allowed(hop);
    assert_true(allowed > 1);
    greet(w, &server, hop);
    hop_unknown(hop, "4.4.3 no answer");
    assert_false(hop->down);
    assert_int_equal(hop_lanes_allowed(hop), allowed);
    lanes_close(hop, false, "the end");
    hop_unknown(hop, "4.4.3 no answer");
    assert_true(hop->down);
    stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_domain_has_its_own, up, down),
        cmocka_unit_test_setup_teardown(some_domains_have_a_route, up, down),
        cmocka_unit_test_setup_teardown(what_the_sender_asked_is_another_line, up, down),
        cmocka_unit_test_setup_teardown(others_cost_nothing, up, down),
        cmocka_unit_test_setup_teardown(a_silent_server_is_passed_over, up, down),
        cmocka_unit_test_setup_teardown(where_all_are_silent_it_is_down, up, down),
        cmocka_unit_test_setup_teardown(trouble_with_the_dns_is_not_the_servers, up, down),
    };
    return tap_run(tests, NULL, NULL);
}
