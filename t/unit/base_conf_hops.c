/* Where mail goes by the settings: next hops in order, servers by name, routes of single domains,
 * and what of that does not fit together. */
#include "t/unit/tap.h"

#include "base/conf.h"

#define DOMAIN "domain example.org { next_hop = lmtp://192.0.2.10:24 }\n"

static struct conf *good(const char *text)
{
    struct err err = {""};
    struct conf *conf = conf_parse(str_of(text), "t.conf", &err);
    if (conf == NULL)
        print_error("unexpected: %s\n", err.text);
    assert_non_null(conf);
    return conf;
}

/* The first mistake must be told so: FILE:LINE: and words that help. */
static void bad(const char *text, const char *expected)
{
    struct err err = {""};
    assert_null(conf_parse(str_of(text), "t.conf", &err));
    if (strcmp(err.text, expected) != 0)
        print_error("for: %s\nexpected: %s\ngot:      %s\n", text, expected, err.text);
    assert_string_equal(err.text, expected);
}

static void next_hops_have_an_order(void **state)
{
    struct conf *conf =
        good("domain a.example { next_hop = { lmtp://192.0.2.2, smtp://192.0.2.1 } }\n");
    const struct conf_hops *hops = &conf->domains[0].next_hop;
    assert_int_equal(hops->n, 2);
    assert_string_equal(hops->items[0].host, "192.0.2.2");
    assert_int_equal(hops->items[0].kind, HOP_LMTP);
    assert_string_equal(hops->items[1].host, "192.0.2.1");
    assert_int_equal(hops->items[1].kind, HOP_SMTP);
    conf_free(&conf);
    bad("domain a.b { next_hop = { } }", "t.conf:1: next_hop: expected 1 to 16 next hops");
    bad("domain a.b { next_hop = { lmtp://192.0.2.2, lmtp://192.0.2.2 } }",
        "t.conf:1: next_hop: item `lmtp://192.0.2.2` stands there twice");
    bad("domain a.b { next_hop = { lmtp://192.0.2.2, maildir:///v/%d/%u } }",
        "t.conf:1: domain a.b has a Maildir among several next hops; expected servers, or the "
        "Maildir alone");
}

static void outside_has_a_server(void **state)
{
    struct conf *conf = good(DOMAIN);
    assert_int_equal(conf->outside.next_hop.n, 0);
    conf_free(&conf);
    conf = good(DOMAIN "outside { next_hop = smtp://192.0.2.1 }");
    assert_int_equal(conf->outside.next_hop.n, 1);
    assert_int_equal(conf->outside.next_hop.items[0].kind, HOP_SMTP);
    assert_string_equal(conf->outside.next_hop.items[0].host, "192.0.2.1");
    assert_int_equal(conf->outside.next_hop.items[0].port, 25);
    conf_free(&conf);
}

static const char *route_of(struct conf *conf, const char *domain)
{
    const struct conf_route *route = conf_route_find(conf, str_of(domain));
    return route ? route->name : "none";
}

static void the_longest_route_is_taken(void **state)
{
    struct conf *conf = good(DOMAIN "route .example { next_hop = smtp://192.0.2.1 }\n"
                                    "route .b.example { next_hop = mx }\n"
                                    "route Universit\xc3\xa9.b.example { tls = must }\n");
    assert_string_equal(route_of(conf, "x.example"), ".example");
    assert_string_equal(route_of(conf, "b.example"), ".example");
    assert_string_equal(route_of(conf, "a.B.example"), ".b.example");
    assert_string_equal(route_of(conf, "c.a.b.example."), ".b.example");
    assert_string_equal(route_of(conf, "xn--universit-j4a.b.example"),
                        "xn--universit-j4a.b.example");
    assert_string_equal(route_of(conf, "example"), "none");
    assert_string_equal(route_of(conf, "x.example.org"), "none");
    assert_string_equal(route_of(conf, ""), "none");
    conf_free(&conf);
}

static void a_route_is_as_outside_but_for_what_it_says(void **state)
{
    struct conf *conf = good(
        DOMAIN
        "outside { next_hop = smtp://mail.example:587; tls = verify; login = us; "
        "password_file = /p; helo = out.example; source = 192.0.2.9 }\n"
        "route a.example { tls = must; helo = a.out.example }\n"
        "route b.example { next_hop = mx }\n"
        "route c.example { next_hop = { smtp://192.0.2.1, smtp://192.0.2.2:26 }; tls = may }\n");
    struct conf_leaving l = conf_route_leaving(conf, conf_route_find(conf, STR("a.example")));
    assert_string_equal(l.next_hop.items[0].host, "mail.example");
    assert_true(l.next_hop.items[0].named);
    assert_int_equal(l.next_hop.items[0].port, 587);
    assert_int_equal(l.way.tls, OUTSIDE_TLS_MUST);
    assert_string_equal(l.way.helo, "a.out.example");
    assert_string_equal(l.way.login, "us");
    l = conf_route_leaving(conf, conf_route_find(conf, STR("b.example")));
    assert_int_equal(l.next_hop.n, 0);
    assert_int_equal(l.way.tls, OUTSIDE_TLS_VERIFY);
    assert_string_equal(l.way.login, "");
    assert_null(l.way.password_file);
    l = conf_route_leaving(conf, conf_route_find(conf, STR("c.example")));
    assert_int_equal(l.next_hop.n, 2);
    assert_string_equal(l.way.login, ""); /* a password is one server's */
    assert_string_equal(l.way.helo, "out.example");
    assert_string_equal(l.way.source.items[0], "192.0.2.9");
    assert_true(conf_asks_for_servers(conf));
    assert_false(conf_mails_by_mx(conf));
    conf_free(&conf);
}

static void wrong_routes(void **state)
{
    bad(DOMAIN "route a_b/c { }", "t.conf:2: route a_b/c: expected a domain such as example.org, "
                                  "or .example.org for what lies below it");
    bad("domain a.b { next_hop = smtp://192.0.2.1 }\nroute A.b { }",
        "t.conf:2: route a.b: this domain has a section domain, which says where it goes");
    bad(DOMAIN DOMAIN "route x.y { next_hop = mx }",
        "t.conf:2: domain example.org is there already in t.conf:1");
    bad(DOMAIN "route x.y { next_hop = { mx, smtp://192.0.2.1 } }",
        "t.conf:2: next_hop: item `mx`: expected lmtp://address:port, lmtp:///socket, "
        "smtp://address:port or maildir:///folder/%d/%u");
    bad(DOMAIN "route x.y { next_hop = lmtp://192.0.2.1 }",
        "t.conf:2: route x.y: next_hop is no mail server; expected smtp://address:port, "
        "smtp://name:port, or mx alone");
    bad(DOMAIN "route x.y { tls_name = a.b }",
        "t.conf:2: route x.y: tls_name, login and password_file are a server's; expected next_hop "
        "= smtp://… beside them");
    bad(DOMAIN "route x.y { next_hop = smtp://192.0.2.1; tls = verify }",
        "t.conf:2: route x.y: tls verify without tls_name; expected the name that next_hop's "
        "certificate is for");
    bad(DOMAIN "outside { next_hop = smtp://192.0.2.1 }\nresolver { enabled = no }\n"
               "route x.y { next_hop = mx }",
        "t.conf:4: route x.y: its servers are looked up; expected resolver { enabled = yes }");
    bad("domain a.b { next_hop = smtp://192.0.2.1; login = us }",
        "t.conf:1: domain a.b: login and password_file go together; expected both or none");
    bad("domain a.b { next_hop = maildir:///v/%u; tls = must }",
        "t.conf:1: domain a.b: nobody speaks to a Maildir; expected no tls, tls_name, login, "
        "source and helo");
}

static void wrong_next_hops(void **state)
{
    bad(DOMAIN "outside { next_hop = lmtp://192.0.2.1 }",
        "t.conf:2: next_hop of outside is no mail server; expected smtp://address:port");
    bad(DOMAIN "outside { next_hop = smtp://192.0.2 }",
        "t.conf:2: next_hop = smtp://192.0.2: expected a numeric address and a port, such "
        "as 192.0.2.10:25 or [2001:db8::1]:25 (host names are not looked up)");
    bad(DOMAIN "outside { next_hop = mx }",
        "t.conf:2: next_hop = mx: expected lmtp://address:port, lmtp:///socket, "
        "smtp://address:port or maildir:///folder/%d/%u");
    bad(DOMAIN "outside { next_hop = { smtp://a.example:25, smtp://a.example:26 } }",
        "t.conf:2: next_hop of outside has one name twice");
    bad(DOMAIN "outside { next_hop = smtp://a.example }\nresolver { enabled = no }",
        "t.conf:2: next_hop of outside is looked up by its name; expected resolver { enabled = "
        "yes }");
    bad("domain a.b { next_hop = http://x }",
        "t.conf:1: next_hop = http://x: expected lmtp://address:port, lmtp:///socket, "
        "smtp://address:port or maildir:///folder/%d/%u");
    bad("domain a.b { next_hop = smtp://mail.example:25 }",
        "t.conf:1: next_hop = smtp://mail.example:25: expected a numeric address and a port, such "
        "as 192.0.2.10:25 or [2001:db8::1]:25 (host names are not looked up)");
    bad("domain a.b { next_hop = smtp:///run/x }",
        "t.conf:1: next_hop = smtp:///run/x: expected a numeric address and a port, such as "
        "192.0.2.10:25 or [2001:db8::1]:25 (host names are not looked up)");
    bad("domain a.b { next_hop = maildir:///var/mail }",
        "t.conf:1: next_hop = maildir:///var/mail: expected a folder with %u (local part) and, "
        "where there are several domains, %d (domain)");
    bad("domain a.b { next_hop = maildir:///var/%x/%u }",
        "t.conf:1: next_hop = maildir:///var/%x/%u: expected a folder with %u (local part) and, "
        "where there are several domains, %d (domain)");
    bad("domain a.b { next_hop = maildir://var/%u }",
        "t.conf:1: next_hop = maildir://var/%u: expected an absolute path behind maildir://");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(next_hops_have_an_order),
        cmocka_unit_test(outside_has_a_server),
        cmocka_unit_test(the_longest_route_is_taken),
        cmocka_unit_test(a_route_is_as_outside_but_for_what_it_says),
        cmocka_unit_test(wrong_routes),
        cmocka_unit_test(wrong_next_hops),
    };
    return tap_run(tests, NULL, NULL);
}
