#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/conf_table.h"
#include "base/domain.h"
#include "base/fsio.h"

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

/* --- what is right --- */

#define QUICK_SCANS "antivirus { timeout = 1s }\ncontent { timeout = 1s }\n"

static void dns_leaves_time_for_the_scan(void **state)
{
    struct conf *conf = good("smtp { scan_timeout = 4s }\n" QUICK_SCANS DOMAIN);
    assert_int_equal(conf->resolver.time_per_message, 2);
    conf_free(&conf);
    conf = good("smtp { scan_timeout = 2s }\n" QUICK_SCANS DOMAIN);
    assert_int_equal(conf->resolver.time_per_message, 1);
    conf_free(&conf);
    conf = good("resolver { time_per_message = 4s }\n" DOMAIN);
    assert_int_equal(conf->resolver.time_per_message, 4);
    conf_free(&conf);
}

static void three_facts_are_enough(void **state)
{
    struct conf *conf = good("hostname = mx.univ-nantes.example\n"
                             "managers = { postmaster@univ-nantes.example }\n"
                             "domain univ-nantes.example { next_hop = lmtp://192.0.2.10:24 }\n");
    assert_string_equal(conf->hostname, "mx.univ-nantes.example");
    assert_int_equal(conf->managers.n, 1);
    assert_string_equal(conf->managers.items[0], "postmaster@univ-nantes.example");
    assert_int_equal(conf->n_domains, 1);
    assert_string_equal(conf->domains[0].name, "univ-nantes.example");
    assert_int_equal(conf->domains[0].next_hop.items[0].kind, HOP_LMTP);
    assert_string_equal(conf->domains[0].next_hop.items[0].host, "192.0.2.10");
    assert_int_equal(conf->domains[0].next_hop.items[0].port, 24);
    assert_int_equal(conf->smtp.size_limit, 20 * 1024 * 1024);
    assert_string_equal(conf->spam.subject_tag, "[SPAM] ");
    assert_true(conf->spam.required == 5.0);
    assert_int_equal(conf->antivirus.found, ACT_QUARANTINE);
    assert_int_equal(conf->antivirus.unavailable, ACT_DEFER);
    assert_int_equal(conf->antivirus.unscannable, ACT_DELIVER_MARKED);
    assert_int_equal(conf->queue.lifetime, 5 * 86400);
    assert_null(conf->smtp.tls_certificate);
    assert_true(conf->bayes.enabled);
    conf_free(&conf);
    assert_null(conf);
    conf_free(&conf);
}

static void hostname_may_be_left_out(void **state)
{
    struct conf *conf = good(DOMAIN);
    assert_true(strlen(conf->hostname) > 0);
    conf_free(&conf);
}

static void sections_and_settings_stand_on_one_line(void **state)
{
    struct conf *conf = good(
        "domain univ-nantes.example {\n"
        "    directory = { file \"/etc/poterne/functional\", file /etc/poterne/more }\n"
        "    next_hop  = lmtp://192.0.2.10:24\n"
        "}\n"
        "spam      { subject_tag = \"[SPAM] \"; reports = traitementspam@univ-nantes.example }\n"
        "antivirus { engines = { clamav, yara }; found = quarantine; unavailable = defer; "
        "unscannable = deliver-marked }\n");
    assert_int_equal(conf->domains[0].directory.n, 2);
    assert_string_equal(conf->domains[0].directory.items[0], "file /etc/poterne/functional");
    assert_string_equal(conf->domains[0].directory.items[1], "file /etc/poterne/more");
    assert_string_equal(conf->spam.reports, "traitementspam@univ-nantes.example");
    assert_int_equal(conf->antivirus.engines.n, 2);
    assert_string_equal(conf->antivirus.engines.items[1], "yara");
    conf_free(&conf);
}

static void syntax_is_free(void **state)
{
    struct conf *conf = good("\xef\xbb\xbf# all of it\r\n"
                             "hostname=mx.example.org;;\r\n"
                             "managers = { # several\r\n"
                             "  a@example.org,\r\n"
                             "\r\n"
                             "  b@example.org , # the last\r\n"
                             "}\r\n"
                             "spam{subject_tag=\"a \\\"b\\\\ # {;}\"}smtp\r\n"
                             "{\r\n"
                             "}\r\n"
                             "spam { required = 7.5 } # again\r\n"
                             "domain \"example.org\"{next_hop=smtp://[2001:db8::1]:2525}");
    assert_string_equal(conf->hostname, "mx.example.org");
    assert_int_equal(conf->managers.n, 2);
    assert_string_equal(conf->spam.subject_tag, "a \"b\\ # {;}");
    assert_true(conf->spam.required == 7.5);
    assert_string_equal(conf->domains[0].next_hop.items[0].host, "2001:db8::1");
    conf_free(&conf);
}

static void units(void **state)
{
    struct conf *conf = good(DOMAIN "smtp { size_limit = 64k; command_timeout = 90\n"
                                    "data_timeout = 90s; session_timeout = 2h\n"
                                    "scan_timeout = 10min }\n"
                                    "queue { lifetime = 2w; retry_max = 1d; free_space_min = 2G }");
    assert_int_equal(conf->smtp.size_limit, 65536);
    assert_int_equal(conf->smtp.command_timeout, 90);
    assert_int_equal(conf->smtp.data_timeout, 90);
    assert_int_equal(conf->smtp.session_timeout, 7200);
    assert_int_equal(conf->smtp.scan_timeout, 600);
    assert_int_equal(conf->queue.lifetime, 14 * 86400);
    assert_true(conf->queue.free_space_min == (size_t)2 << 30);
    conf_free(&conf);
}

static void one_value_stands_for_a_list(void **state)
{
    struct conf *conf = good(DOMAIN "smtp { listen = 127.0.0.1:2525 }");
    assert_int_equal(conf->smtp.listen.n, 1);
    assert_string_equal(conf->smtp.listen.items[0], "127.0.0.1:2525");
    conf_free(&conf);
}

static struct conf_hop hop_of(struct conf *conf, const char *domain)
{
    const struct conf_domain *found = conf_domain_find(conf, str_of(domain));
    assert_non_null(found);
    return found->next_hop.items[0];
}

/* All that compares paths compares one spelling. */
static void paths_have_one_spelling(void **state)
{
    struct conf *conf = good(
        "state_dir = \"/var//lib/./poterne/\"\nrun_dir = \"/.//\"\n"
        "directory { files = { \"/etc//one\", \"/etc/.two/.\", \"//etc/three...\" } }\n"
        "domain a.example { next_hop = smtp://192.0.2.1\n"
        "  directory = { file \"/etc/./four/\", \"/etc//five\", accounts /etc/six, quota x } }\n"
        "quota x { address = 127.0.0.1:1 }\n");
    const char *const files[] = {"/etc/one", "/etc/.two", "/etc/three..."};
    const char *const sources[] = {"file /etc/four", "/etc/five", "accounts /etc/six", "quota x"};
    const struct conf_list *list = &conf_domain_find(conf, STR("a.example"))->directory;
    assert_string_equal(conf->state_dir, "/var/lib/poterne");
    assert_string_equal(conf->run_dir, "/");
    assert_int_equal(conf->directory_files.n, 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(conf->directory_files.items[i], files[i]);
    assert_int_equal(list->n, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(list->items[i], sources[i]);
    conf_free(&conf);
}

static void next_hops(void **state)
{
    struct conf *conf = good("domain a.example { next_hop = smtp://192.0.2.1 }\n"
                             "domain b.example { next_hop = lmtp://[::1] }\n"
                             "domain c.example { next_hop = lmtp:///run/dovecot/lmtp }\n"
                             "domain d.example { next_hop = maildir:///var/mail/%d/%u }\n");
    struct conf_hop hop = hop_of(conf, "a.example");
    assert_int_equal(hop.kind, HOP_SMTP);
    assert_int_equal(hop.port, 25);
    assert_null(hop.path);
    hop = hop_of(conf, "b.example");
    assert_string_equal(hop.host, "::1");
    assert_int_equal(hop.port, 24);
    hop = hop_of(conf, "c.example");
    assert_int_equal(hop.kind, HOP_LMTP);
    assert_null(hop.host);
    assert_string_equal(hop.path, "/run/dovecot/lmtp");
    hop = hop_of(conf, "d.example");
    assert_int_equal(hop.kind, HOP_MAILDIR);
    assert_string_equal(hop.path, "/var/mail/%d/%u");
    assert_string_equal(hop.text, "maildir:///var/mail/%d/%u");
    conf_free(&conf);
}

static void domains_are_found_in_any_form(void **state)
{
    struct conf *conf = good("domain Universit\xc3\xa9.example { next_hop = smtp://192.0.2.1 }\n"
                             "domain B.example. { next_hop = smtp://192.0.2.2 }\n"
                             "domain a.example { next_hop = smtp://192.0.2.3 }\n");
    assert_string_equal(conf->domains[0].name, "a.example");
    assert_string_equal(conf->domains[2].name, "xn--universit-j4a.example");
    assert_ptr_equal(conf_domain_find(conf, STR("UNIVERSIT\xc3\x89.Example")), &conf->domains[2]);
    assert_ptr_equal(conf_domain_find(conf, STR("xn--Universit-j4a.example")), &conf->domains[2]);
    assert_ptr_equal(conf_domain_find(conf, STR("b.EXAMPLE")), &conf->domains[1]);
    assert_null(conf_domain_find(conf, STR("c.example")));
    assert_null(conf_domain_find(conf, STR("")));
    assert_null(conf_domain_find(conf, str_n("a.example\0", 10)));
    conf_free(&conf);
}

static void host_names_have_one_form(void **state)
{
    char out[DOMAIN_SIZE];
    assert_true(domain_normal(STR("MX_1.Example.ORG."), out));
    assert_string_equal(out, "mx_1.example.org");
    static const char *const wrong[] = {"",      ".",     "..",    "a..b",      "-a.b",
                                        "a-.b",  "a b.c", "a/b.c", "[1.2.3.4]", "\xff\xfe.example",
                                        "a.\xc3"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(domain_normal(str_of(wrong[i]), out));
        assert_string_equal(out, "");
    }
    char name[300];
    memset(name, 'a', sizeof name);
    assert_false(domain_normal(str_n(name, 64), out));
    for (size_t i = 50; i < sizeof name; i += 50)
        name[i] = '.';
    assert_true(domain_normal(str_n(name, 253), out));
    assert_false(domain_normal(str_n(name, 254), out));
}

static void senders_of_redirected_mail_have_one_form(void **state)
{
    struct conf *conf =
        good("domain a.example { next_hop = smtp://192.0.2.1; redirect_sender = srs }\n"
             "domain b.example { next_hop = smtp://192.0.2.1;"
             " redirect_sender = \"@SRS.Universit\xc3\xa9.example.\" }\n"
             "domain c.example { next_hop = smtp://192.0.2.1;"
             " redirect_sender = Office@Universit\xc3\xa9.example }\n");
    assert_string_equal(conf->domains[0].redirect_sender, "srs");
    assert_string_equal(conf->domains[1].redirect_sender, "@srs.xn--universit-j4a.example");
    assert_string_equal(conf->domains[2].redirect_sender, "Office@xn--universit-j4a.example");
    conf_free(&conf);
}

static void mail_is_held_for_the_longest_of_all(void **state)
{
    struct conf *conf = good("domain a.example { next_hop = smtp://192.0.2.1 }\n");
    assert_int_equal(conf_quarantine_longest(conf), 30 * 86400);
    conf_free(&conf);
    conf = good("domain a.example { next_hop = smtp://192.0.2.1 }\n"
                "quarantine { keep_virus = 1d; keep_policy = 90d }\n");
    assert_int_equal(conf_quarantine_longest(conf), 90 * 86400);
    conf_free(&conf);
    conf = good("domain a.example { next_hop = smtp://192.0.2.1 }\n"
                "quarantine { keep_undeliverable = 0; keep_policy = 90d }\n");
    assert_int_equal(conf_quarantine_longest(conf), 0);
    conf_free(&conf);
}

/* --- what is wrong --- */

static void syntax_mistakes(void **state)
{
    bad("hostname\n", "t.conf:1: expected = for a setting or { for a section behind hostname");
    bad("hostname =\n", "t.conf:1: expected a value, found the end of the line");
    bad("\nhostname = a b\n",
        "t.conf:2: expected ; or the end of the line behind the value of hostname, found `b`");
    bad("hostname = \"a\n", "t.conf:1: text without its closing \"; expected it on the same line");
    bad("hostname = \"\\x\"\n",
        "t.conf:1: unknown escape in a text; expected \\\" \\\\ \\n or \\t");
    bad("hostname = 'a'\n", "t.conf:1: texts are quoted with \", not with '");
    bad("smtp {\n\n", "t.conf:1: section smtp without its closing }");
    bad("}\n", "t.conf:1: } without a section that it could close");
    bad("managers = { a@b.example\n\n", "t.conf:1: list without its closing }");
    bad("managers = { a@b.example;\n}", "t.conf:1: expected , or } in a list, found `;`");
    bad("managers = { a@b.example\nc@d.example }",
        "t.conf:2: expected , or } in a list, found `c`");
    bad("smtp {\nspam {\n} }",
        "t.conf:2: expected = behind spam (sections do not nest; smtp is not closed yet)");
    bad("= 5\n", "t.conf:1: expected the name of a setting or section, found `=`");
    bad("\"x\" = 5\n", "t.conf:1: expected the name of a setting or section, found `\"`");
    bad("h\xc3\xb4te = 5\n", "t.conf:1: expected = for a setting or { for a section behind h");
    bad("hostname\n\nmanagers = { }\n",
        "t.conf:1: expected = for a setting or { for a section behind hostname");
    bad("# x\n\x01\n", "t.conf:2: control byte 0x01; expected text");
    bad("hostname = a\x7f\n", "t.conf:1: control byte 0x7f; expected text");
}

static void nul_bytes_are_refused(void **state)
{
    struct err err = {""};
    assert_null(conf_parse(str_n("hostname = a\0b\n", 15), "t.conf", &err));
    assert_string_equal(err.text, "t.conf:1: control byte 0x00; expected text");
}

static void unknown_names(void **state)
{
    bad("spma { }", "t.conf:1: unknown section spma; did you mean spam?");
    bad("frobnicate { }",
        "t.conf:1: unknown section frobnicate; poterne.conf(5) names all there are");
    bad("\nsmtp { sizelimit = 3 }",
        "t.conf:2: unknown setting sizelimit in section smtp; did you mean size_limit?");
    bad("hostnam = x", "t.conf:1: unknown setting hostnam; did you mean hostname?");
    bad("size_limit = 3", "t.conf:1: size_limit belongs into section smtp { … }");
    bad("smtp { hostname = x }", "t.conf:1: hostname belongs outside of all sections");
    bad("domain a.b { frobnicate = 3 }", "t.conf:1: unknown setting frobnicate in section domain; "
                                         "poterne.conf(5) names all there are; and 1 more: "
                                         "poterne config check");
    bad("smtp x { }", "t.conf:1: section smtp takes no name; expected smtp { … }");
    bad("domain { }", "t.conf:1: section domain without a name; expected domain NAME { … }");
    bad("domain a..b { }", "t.conf:1: domain a..b: expected a domain name such as example.org");
}

static void values_out_of_bounds(void **state)
{
    bad("smtp { size_limit = 20X }", "t.conf:1: size_limit = 20X: expected a size such as 20M "
                                     "(units k, M, G) from 64k to 1G");
    bad("smtp { size_limit = 1k }", "t.conf:1: size_limit = 1k: expected a size such as 20M (units "
                                    "k, M, G) from 64k to 1G");
    bad("smtp { size_limit = 99999999999999999999G }",
        "t.conf:1: size_limit = 99999999999999999999G: expected a size such as 20M (units k, M, G) "
        "from 64k to 1G");
    bad("smtp { size_limit = 18014398509481985G }",
        "t.conf:1: size_limit = 18014398509481985G: expected a size such as 20M (units k, M, G) "
        "from 64k to 1G");
    bad("smtp { errors_limit = -1 }",
        "t.conf:1: errors_limit = -1: expected a number from 1 to 100000");
    bad("smtp { errors_limit = 1k }",
        "t.conf:1: errors_limit = 1k: expected a number from 1 to 100000");
    bad("smtp { command_timeout = 5m }", "t.conf:1: command_timeout = 5m: expected a time such as "
                                         "15min (units s, min, h, d) from 1s to 1h");
    bad("spam { required = many }",
        "t.conf:1: required = many: expected a number such as 5.0, from 0 to 1000");
    bad("spam { required = 1001 }",
        "t.conf:1: required = 1001: expected a number such as 5.0, from 0 to 1000");
    bad("bayes { enabled = true }", "t.conf:1: enabled = true: expected yes or no");
    bad("bayes { enabled = { yes } }", "t.conf:1: enabled: expected one value, not a list");
}

static void values_of_the_wrong_kind(void **state)
{
    bad("antivirus { engines = { clamav, 5 } }",
        "t.conf:1: engines: item `5`: expected one of clamav, yara, files");
    bad("antivirus { engines = { clamav, clamav } }",
        "t.conf:1: engines: item `clamav` stands there twice");
    bad("antivirus { found = pass }", "t.conf:1: found = pass: expected one of quarantine, reject");
    bad("log_level = loud", "t.conf:1: log_level = loud: expected one of debug, info, warning, "
                            "error");
    bad("state_dir = var/lib",
        "t.conf:1: state_dir = var/lib: expected an absolute path without ..");
    bad("state_dir = \"\"", "t.conf:1: state_dir = : expected an absolute path without ..");
    bad("state_dir = /a/../b",
        "t.conf:1: state_dir = /a/../b: expected an absolute path without ..");
    bad("managers = { root }", "t.conf:1: managers: item `root`: expected a mail address such as "
                               "postmaster@example.org");
    bad("spam { reports = \"a b@c.example\" }",
        "t.conf:1: reports = a b@c.example: expected a mail "
        "address such as postmaster@example.org");
    bad("spam { subject_tag = \"a\\nBcc: x\" }",
        "t.conf:1: subject_tag: expected a text on one line, without tabs");
    bad("domain a.b { redirect_sender = \"@a b\" }",
        "t.conf:1: redirect_sender = @a b: expected srs, a domain such as @srs.example.org, or a "
        "mail address with ASCII before its @");
    bad("domain a.b { redirect_sender = \"j\xc3\xa9@a.example\" }",
        "t.conf:1: redirect_sender = j\xc3\xa9@a.example: expected srs, a domain such as "
        "@srs.example.org, or a mail address with ASCII before its @");
    bad("user_prefix = \"../x\"", "t.conf:1: user_prefix = ../x: expected a name of letters, "
                                  "digits, - and _ (at most 24)");
    bad("hostname = a_b..c", "t.conf:1: hostname = a_b..c: expected a host name such as "
                             "mx.example.org");
    bad("directory { files = { people } }",
        "t.conf:1: files: item `people`: expected an absolute path without ..");
    bad("domain a.b { directory = { nis \"staff\" } }",
        "t.conf:1: directory: item `nis staff`: expected a source such as file "
        "\"/etc/poterne/recipients\", accounts \"/path\", ldap NAME, sqlite NAME, call_ahead or "
        "quota NAME");
}

static void report_addresses(void **state)
{
    struct conf *conf = good(DOMAIN "spam { reports = wrong@example.org }\n"
                                    "reports { spam = Spam@Example.ORG; ham = ham@example.org\n"
                                    "trusted = { 10.0.0.0/8, 2001:db8::/32, 192.0.2.1 } }");
    assert_string_equal(conf->spam.reports, "wrong@example.org");
    assert_string_equal(conf->reports.spam, "Spam@Example.ORG");
    assert_string_equal(conf->reports.ham, "ham@example.org");
    assert_int_equal(conf->reports.trusted.n, 3);
    assert_int_equal(conf->reports.lifetime, 30 * 86400);
    conf_free(&conf);
    bad(DOMAIN "reports { spam = spam@elsewhere.example }",
        "t.conf:2: report address in none of our domains; expected one such as spam@ and a domain "
        "that has a section here");
    bad(DOMAIN "reports { spam = a@example.org\nham = A@example.org }",
        "t.conf:3: this report address has another meaning too; expected each address once");
    bad(DOMAIN "reports { trusted = 10.0.0.1/8 }",
        "t.conf:2: trusted = 10.0.0.1/8: item `10.0.0.1/8`: expected a network such as 10.0.0.0/8, "
        "2001:db8::/32 or 192.0.2.1");
    bad(DOMAIN "reports { digest_hour = 24 }",
        "t.conf:2: digest_hour = 24: expected a number from 0 to 23");
}

static void addresses_to_listen_on(void **state)
{
    static const char *const wrong[] = {"25",          "localhost:25",  "127.0.0.1",
                                        "127.0.0.1:0", "1.2.3.4:65536", "::1:25",
                                        "[::1]25",     "[::1",          "[1.2.3.4]:25",
                                        "1.2.3:25",    "1.2.3.4:25x"};
    char text[200], expected[300];
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        snprintf(text, sizeof text, DOMAIN "smtp { listen = \"%s\" }", wrong[i]);
        snprintf(expected, sizeof expected,
                 "t.conf:2: listen = %s: item `%s`: expected address:port such as 0.0.0.0:25 or "
                 "[::]:25",
                 wrong[i], wrong[i]);
        bad(text, expected);
    }
    bad("smtp { listen = { } }", "t.conf:1: listen: expected 1 to 16 items");
}

static void what_does_not_fit_together(void **state)
{
    bad("", "t.conf: no domain; expected domain NAME { next_hop = … }");
    bad("domain a.b { }", "t.conf:1: domain a.b has no next_hop; expected next_hop = "
                          "lmtp://192.0.2.10:24 or another");
    bad("directory { files = { } }\n" DOMAIN,
        "t.conf:2: domain example.org has no recipients; expected directory = file /path here, or "
        "files in section directory");
    bad(DOMAIN "\ndomain EXAMPLE.org { next_hop = smtp://192.0.2.1 }",
        "t.conf:3: domain example.org is there already in t.conf:1");
    bad("hostname = a.b\nhostname = a.c\n", "t.conf:2: hostname is set already in line 1");
    bad("spam { required = 4 }\nspam { required = 5 }", "t.conf:2: required is set already in line "
                                                        "1");
    bad(DOMAIN "smtp {\ntls_key = /k.pem }",
        "t.conf:3: tls_certificate and tls_key go together; expected both or none");
    bad(DOMAIN "smtp {\ntls_certificate = /c.pem }",
        "t.conf:3: tls_certificate and tls_key go together; expected both or none");
    bad(DOMAIN "queue { retry_first = 5h }",
        "t.conf:2: retry_first is longer than retry_max; expected it shorter");
    bad(DOMAIN "smtp {\nscan_timeout = 10s }",
        "t.conf:3: timeout of antivirus is longer than scan_timeout of smtp; expected it shorter; "
        "and 1 more: poterne config check");
    bad(DOMAIN "smtp { sessions_limit = 10 }",
        "t.conf:2: client_sessions_limit is above sessions_limit; expected it below");
    bad(DOMAIN
        "run_dir = /"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "t.conf:2: run_dir is too long for the names of sockets in it; expected at most 82 bytes");
}

static void oversize_is_refused(void **state)
{
    struct buf text = BUF_INIT(2 * CONF_TEXT_MAX);
    struct err err = {""};
    for (unsigned i = 0; i < 10001; i++)
        buf_addf(&text, "domain d%u.example {\n}\n", i);
    assert_null(conf_parse(buf_str(&text), "t.conf", &err));
    assert_string_equal(err.text, "t.conf: 10001 sections domain; at most 10000 can be used");
    buf_clear(&text);
    buf_addf(&text, "spam { subject_tag = %05000d }", 0);
    assert_null(conf_parse(buf_str(&text), "t.conf", &err));
    assert_string_equal(err.text, "t.conf:1: value longer than 4096 bytes");
    buf_clear(&text);
    buf_addf(&text, "%*s", CONF_TEXT_MAX + 1, "");
    assert_null(conf_parse(buf_str(&text), "t.conf", &err));
    assert_string_equal(err.text, "t.conf: larger than the limit of 8388608 bytes");
    buf_release(&text);
}

/* --- showing --- */

/* Without what stands behind the last # of each line: where the value came from. */
static void without_origins(struct str text, struct buf *out)
{
    struct str line;
    while (str_next_line(&text, &line)) {
        size_t at = str_rchr(line, '#');
        buf_add(out, str_trim(str_sub(line, 0, at == STR_NONE ? line.n : at)));
        buf_addc(out, '\n');
    }
}

static void shown_settings_are_the_same_settings(void **state)
{
    struct conf *conf = good("hostname = mx.example.org\n"
                             "spam { subject_tag = \"a \\\"\\\\ # b\" }\n"
                             "smtp { listen = { [::1]:25, 127.0.0.1:25 } }\n"
                             "domain b.example { next_hop = maildir:///v/%d/%u; directory = "
                             "{ file \"/etc/a b\" } }\n" DOMAIN);
    struct buf first = BUF_INIT(CONF_TEXT_MAX), second = BUF_INIT(CONF_TEXT_MAX);
    struct buf a = BUF_INIT(CONF_TEXT_MAX), b = BUF_INIT(CONF_TEXT_MAX);
    conf_show(conf, &first);
    struct conf *again = good(buf_cstr(&first));
    conf_show(again, &second);
    without_origins(buf_str(&first), &a);
    without_origins(buf_str(&second), &b);
    assert_string_equal(buf_cstr(&a), buf_cstr(&b));
    assert_non_null(strstr(buf_cstr(&first), "# t.conf:2\n"));
    assert_non_null(strstr(buf_cstr(&first), "size_limit = 20M                              "
                                             "# default\n"));
    assert_string_equal(again->spam.subject_tag, "a \"\\ # b");
    buf_release(&first);
    buf_release(&second);
    buf_release(&a);
    buf_release(&b);
    conf_free(&conf);
    conf_free(&again);
}

/* --- files --- */

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[200];
    struct err err = {""};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(fsio_replace(path, str_of(text), 0600, &err), 0);
}

static void drop_ins_take_precedence(void **state)
{
    char folder[] = "/tmp/poterne-conf.XXXXXX";
    char path[200], expected[300], command[200];
    struct err err = {""};
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/conf.d", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    write_file(folder, "poterne.conf", "hostname = one.example\n" DOMAIN);
    write_file(folder, "conf.d/20-b.conf", "hostname = three.example\n");
    write_file(folder, "conf.d/10-a.conf", "hostname = two.example\nspam { required = 6 }\n");
    write_file(folder, "conf.d/.hidden.conf", "rubbish");
    write_file(folder, "conf.d/30-c.conf.old", "rubbish");
    snprintf(path, sizeof path, "%s/poterne.conf", folder);
    struct conf *conf = conf_read(path, NULL, NULL, &err);
    if (conf == NULL)
        print_error("%s\n", err.text);
    assert_non_null(conf);
    assert_string_equal(conf->hostname, "three.example");
    assert_true(conf->spam.required == 6);
    assert_string_equal(conf->path, path);
    conf_free(&conf);
    write_file(folder, "conf.d/30-c.conf", "\n\nrubbish");
    assert_null(conf_read(path, NULL, NULL, &err));
    snprintf(expected, sizeof expected,
             "%s/conf.d/30-c.conf:3: expected = for a setting or { for a section behind rubbish",
             folder);
    assert_string_equal(err.text, expected);
    static const char *const names[] = {"conf.d/10-a.conf",    "conf.d/20-b.conf",
                                        "conf.d/30-c.conf",    "conf.d/30-c.conf.old",
                                        "conf.d/.hidden.conf", "poterne.conf"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(command, sizeof command, "%s/%s", folder, names[i]);
        unlink(command);
    }
    snprintf(command, sizeof command, "%s/conf.d", folder);
    rmdir(command);
    assert_int_equal(rmdir(folder), 0);
}

static void note_mistake(void *data, const char *text)
{
    struct buf *all = data;
    buf_addf(all, "%s\n", text + str_rchr(str_of(text), '/') + 1);
}

static void all_mistakes_are_told(void **state)
{
    char path[] = "/tmp/poterne-conf-XXXXXX";
    const char text[] = "smtp { size_limit = lots }\n"
                        "nonsense { size_limit = 3 }\n"
                        "spam { requred = 5 }\n"
                        "queue { retry_max = soon }\n";
    struct buf all = BUF_INIT(4096);
    struct err err = {""};
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, text, sizeof text - 1) == (ssize_t)sizeof text - 1);
    close(fd);
    assert_null(conf_read(path, note_mistake, &all, &err));
    assert_int_equal(unlink(path), 0);
    const int lines[] = {2, 3, 1, 4};
    struct str rest = buf_str(&all), line;
    for (size_t i = 0; i < 4; i++) {
        char place[16];
        assert_true(str_next(&rest, '\n', &line));
        snprintf(place, sizeof place, ":%d: ", lines[i]);
        assert_true(str_find(line, str_of(place)) != STR_NONE);
    }
    assert_int_equal(rest.n, 0);
    assert_true(str_ends(str_of(err.text), STR("; and 3 more: poterne config check")));
    buf_release(&all);
}

static void outside_scanners(void **state)
{
    struct conf *conf =
        good(DOMAIN "antivirus { engines = { two, yara, one } }\n"
                    "scanner two { type = clamd; address = \"[::1]:3310\" }\n"
                    "scanner one { type = clamd; address = /run/clamd.ctl }\n"
                    "scanner four { type = command; clean = 0; infected = { 1, 2 }\n"
                    "  command = { /opt/a, -x, -x, %f }\n"
                    "  found = \"Found: (.*)\" }\n"
                    "scanner three { type = icap; method = reqmod\n"
                    "  address = icap://192.0.2.1/av?mode=simple }\n");
    const struct conf_scanner *one = conf_scanner_find(&conf->antivirus, "one");
    const struct conf_scanner *two = conf_scanner_find(&conf->antivirus, "two");
    const struct conf_scanner *three = conf_scanner_find(&conf->antivirus, "three");
    assert_int_equal(conf->antivirus.n_scanners, 4);
    assert_null(conf_scanner_find(&conf->antivirus, "yara"));
    assert_string_equal(one->address.path, "/run/clamd.ctl");
    assert_null(one->address.host);
    assert_int_equal(two->type, SCANNER_CLAMD);
    assert_string_equal(two->address.host, "::1");
    assert_int_equal(two->address.port, 3310);
    assert_int_equal(three->type, SCANNER_ICAP);
    assert_int_equal(three->method, ICAP_REQMOD);
    assert_string_equal(three->address.host, "192.0.2.1");
    assert_int_equal(three->address.port, 1344);
    assert_str(three->address.authority, "192.0.2.1");
    const struct conf_scanner *four = conf_scanner_find(&conf->antivirus, "four");
    assert_int_equal(four->type, SCANNER_COMMAND);
    assert_int_equal(four->command.n, 4);
    assert_string_equal(four->command.items[2], "-x");
    assert_string_equal(four->found, "Found: (.*)");
    /* what a process of the gateway is given says the same */
    struct buf text = BUF_INIT(CONF_TEXT_MAX);
    conf_show(conf, &text);
    struct conf *again = good(buf_cstr(&text));
    assert_int_equal(again->antivirus.n_scanners, 4);
    assert_string_equal(conf_scanner_find(&again->antivirus, "one")->address.path,
                        "/run/clamd.ctl");
    buf_release(&text);
    conf_free(&again);
    conf_free(&conf);
}

static void wrong_scanners(void **state)
{
    bad(DOMAIN "\nantivirus { engines = { clamav, sophos } }",
        "t.conf:3: engines: item `sophos`: expected one of clamav, yara, files, or the name of a "
        "section "
        "scanner");
    bad(DOMAIN "scanner { }",
        "t.conf:2: section scanner without a name; expected scanner NAME { … }");
    bad(DOMAIN "scanner yara { }",
        "t.conf:2: scanner yara: expected a name of letters, digits, - and _ (at most 24) that is "
        "no engine of ours");
    bad(DOMAIN "scanner \"a b\" { }",
        "t.conf:2: scanner a b: expected a name of letters, digits, - and _ (at most 24) that is "
        "no engine of ours");
    bad(DOMAIN "scanner a { address = /a }",
        "t.conf:2: scanner a has no type; expected type = clamd or another");
    bad(DOMAIN "scanner a { type = clamd }",
        "t.conf:2: scanner a: expected an address, such as address = /run/clamav/clamd.ctl");
    bad(DOMAIN "scanner a { type = command; preset = uvscan; address = /a }",
        "t.conf:2: scanner a: expected no address, which a command does not have");
    bad(DOMAIN "scanner a { type = command }",
        "t.conf:2: scanner a: expected a preset, or command, clean and infected");
    bad(DOMAIN "scanner a { type = command; command = { /bin/a, x }; clean = 0; infected = 1 }",
        "t.conf:2: scanner a: expected %f among the arguments of command");
    bad(DOMAIN "scanner a { type = command; preset = eset; command = { /bin/a, x } }",
        "t.conf:2: scanner a: expected %f among the arguments of command");
    bad(DOMAIN "scanner a { type = command; command = { a, %f }; clean = 0; infected = 1 }",
        "t.conf:2: scanner a: expected the program's absolute path in command");
    bad(DOMAIN "scanner a { type = command; clean = { 0, 256 } }",
        "t.conf:2: clean: item `256`: expected a number from 0 to 255");
    bad(DOMAIN "scanner a { type = clamd; address = localhost:3310 }",
        "t.conf:2: address = localhost:3310: expected the path of a socket (at most 107 bytes), or "
        "a numeric address and a port such as 127.0.0.1:3310 or [::1]:3310, or "
        "icap://127.0.0.1:1344/avscan");
    bad(DOMAIN "scanner a { type = icap; address = icap://127.0.0.1:1344 }",
        "t.conf:2: address = icap://127.0.0.1:1344: expected a numeric address, a port and a "
        "service, such as icap://127.0.0.1:1344/avscan (host names are not looked up)");
    bad(DOMAIN "scanner a { type = icap; address = \"icap://127.0.0.1/a b\" }",
        "t.conf:2: address = icap://127.0.0.1/a b: expected a numeric address, a port and a "
        "service, such as icap://127.0.0.1:1344/avscan (host names are not looked up)");
    bad(DOMAIN "scanner a { type = icap; address = /run/icap }",
        "t.conf:2: scanner a: type and address do not go together; expected icap://... for icap "
        "only");
    bad(DOMAIN "scanner a { type = clamd; address = /a }\nscanner a { }",
        "t.conf:3: scanner a is there already in t.conf:2");
    bad(DOMAIN "scanner a { adress = /a }",
        "t.conf:2: unknown setting adress in section scanner; did you mean address?; and 1 more: "
        "poterne config check");
}

static void missing_file_is_told(void **state)
{
    struct err err = {""};
    assert_null(conf_read("/nonexistent/poterne.conf", NULL, NULL, &err));
    assert_string_equal(err.text,
                        "cannot open /nonexistent/poterne.conf: No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_facts_are_enough),
        cmocka_unit_test(dns_leaves_time_for_the_scan),
        cmocka_unit_test(hostname_may_be_left_out),
        cmocka_unit_test(sections_and_settings_stand_on_one_line),
        cmocka_unit_test(syntax_is_free),
        cmocka_unit_test(units),
        cmocka_unit_test(one_value_stands_for_a_list),
        cmocka_unit_test(paths_have_one_spelling),
        cmocka_unit_test(next_hops),
        cmocka_unit_test(domains_are_found_in_any_form),
        cmocka_unit_test(senders_of_redirected_mail_have_one_form),
        cmocka_unit_test(mail_is_held_for_the_longest_of_all),
        cmocka_unit_test(host_names_have_one_form),
        cmocka_unit_test(syntax_mistakes),
        cmocka_unit_test(report_addresses),
        cmocka_unit_test(nul_bytes_are_refused),
        cmocka_unit_test(unknown_names),
        cmocka_unit_test(values_out_of_bounds),
        cmocka_unit_test(values_of_the_wrong_kind),
        cmocka_unit_test(addresses_to_listen_on),
        cmocka_unit_test(what_does_not_fit_together),
        cmocka_unit_test(oversize_is_refused),
        cmocka_unit_test(shown_settings_are_the_same_settings),
        cmocka_unit_test(drop_ins_take_precedence),
        cmocka_unit_test(all_mistakes_are_told),
        cmocka_unit_test(outside_scanners),
        cmocka_unit_test(wrong_scanners),
        cmocka_unit_test(missing_file_is_told),
    };
    return tap_run(tests, NULL, NULL);
}
