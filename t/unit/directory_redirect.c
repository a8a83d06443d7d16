/* Where the mail of somebody goes who redirects it: rules, chains, circles. */
#include "t/unit/tap.h"

#include <stdio.h>

#include "base/wire.h"
#include "directory/freemail.h"
#include "directory/redirect.h"

static const char settings[] =
    "hostname = mx.a.example\n"
    "directory { files = { } }\n"
    "sqlite map { file = /nowhere; query = \"select ?\" }\n"
    "domain a.example { next_hop = lmtp://192.0.2.1:24; directory = { sqlite map };\n"
    " redirect_only_to = { lab.example, .cnrs.example, xn--caf-dma.example } }\n"
    "domain strict.example { next_hop = lmtp://192.0.2.1:24; directory = { sqlite map };\n"
    " redirect_refused = reject; redirect_only_to = lab.example }\n"
    "domain keep.example { next_hop = lmtp://192.0.2.1:24; directory = { sqlite map };\n"
    " redirect_keep = yes; redirect_refused = reject }\n";

static const struct source_ops map_ops = {.catch_all = true};
static const struct source_ops *const ops[CONF_SOURCE_KINDS] = {[SOURCE_SQLITE] = &map_ops};

#define FULL .quota_used = 9, .quota_limit = 9
static const struct {
    const char *key;
    struct person person;
    bool away;
} people[] = {
    {"plain@a.example", {.flags = 0}, false},
    {"out@a.example", {.redirect = STR("x@lab.example")}, false},
    {"case@a.example", {.redirect = STR("X.Case@LAB.example")}, false},
    {"caseours@a.example", {.redirect = STR("Case@A.example")}, false},
    {"casecircle@a.example", {.redirect = STR("CaseCircle@A.example")}, false},
    {"plaincase@a.example", {.redirect = STR("Plain@A.example")}, false},
    {"below@a.example", {.redirect = STR("x@inist.cnrs.example")}, false},
    {"beside@a.example", {.redirect = STR("x@cnrs.example")}, false},
    {"trick@a.example", {.redirect = STR("x@evillab.example")}, false},
    {"idn@a.example", {.redirect = STR("x@caf\xc3\xa9.example")}, false},
    {"free@a.example", {.redirect = STR("x@gmail.com")}, false},
    {"freekept@a.example", {.redirect = STR("x@gmail.com"), .flags = PERSON_KEEP}, false},
    {"free@strict.example", {.redirect = STR("x@gmail.com")}, false},
    {"postmaster@strict.example", {.redirect = STR("x@gmail.com")}, false},
    {"postmaster@a.example", {.redirect = STR("gone@a.example")}, false},
    {"freekept@strict.example", {.redirect = STR("x@gmail.com"), .flags = PERSON_KEEP}, false},
    {"kept@a.example", {.redirect = STR("x@lab.example"), .flags = PERSON_KEEP}, false},
    {"any@keep.example", {.redirect = STR("out@a.example")}, false},
    {"not@keep.example", {.redirect = STR("out@a.example"), .flags = PERSON_NO_KEEP}, false},
    {"none@keep.example", {.redirect = STR("x@lab.example"), .flags = PERSON_NO_KEEP}, false},
    {"one@a.example", {.redirect = STR("two@a.example")}, false},
    {"two@a.example", {.redirect = STR("one@a.example")}, false},
    {"self@a.example", {.redirect = STR("self@a.example")}, false},
    {"alias@a.example", {.address = STR("circle@a.example"), .flags = PERSON_ALIAS}, false},
    {"circle@a.example", {.redirect = STR("alias@a.example")}, false},
    {"c1@a.example", {.redirect = STR("c2@a.example")}, false},
    {"c2@a.example", {.redirect = STR("c3@a.example")}, false},
    {"c3@a.example", {.redirect = STR("c4@a.example")}, false},
    {"c4@a.example", {.redirect = STR("c5@a.example")}, false},
    {"c5@a.example", {.redirect = STR("c6@a.example")}, false},
    {"c6@a.example", {.redirect = STR("c7@a.example")}, false},
    {"nobody@a.example", {.redirect = STR("unknown@a.example")}, false},
    {"off@a.example", {.flags = PERSON_DISABLED, .redirect = STR("x@lab.example")}, false},
    {"tooff@a.example", {.redirect = STR("off@a.example")}, false},
    {"full@a.example", {FULL}, false},
    {"tofull@a.example", {.redirect = STR("full@a.example")}, false},
    {"fullout@a.example", {FULL, .redirect = STR("x@lab.example")}, false},
    {"fullkept@a.example", {FULL, .redirect = STR("x@lab.example"), .flags = PERSON_KEEP}, false},
    {"fullfree@a.example", {FULL, .redirect = STR("x@gmail.com")}, false},
    {"tofullfree@a.example", {.redirect = STR("fullfree@a.example")}, false},
    {"gone@a.example", {.flags = 0}, true},
    {"togone@a.example", {.redirect = STR("gone@a.example")}, false},
    {"closed@a.example",
     {.flags = PERSON_GROUP | PERSON_CLOSED, .writers = STR("w@b.example")},
     false},
    {"toclosed@a.example", {.redirect = STR("closed@a.example")}, false},
    {"bad@a.example", {.redirect = STR("no address")}, false},
};

struct world {
    struct conf *conf;
    struct directory *directory;
};

static int set_up(void **state)
{
    static struct world w;
    struct err err = {""};
    w.conf = conf_parse(str_of(settings), "t.conf", &err);
    if (w.conf == NULL)
        print_error("%s\n", err.text);
    assert_non_null(w.conf);
    w.directory = directory_open(w.conf, ops, &err);
    assert_non_null(w.directory);
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    directory_close(&w->directory);
    conf_free(&w->conf);
    return 0;
}

static void say(struct str key, struct finding *finding)
{
    finding_no(finding);
    for (size_t i = 0; i < sizeof people / sizeof people[0]; i++) {
        if (!str_eq(key, str_of(people[i].key)))
            continue;
        if (people[i].away)
            finding_away(finding, true, "no road to it");
        else
            finding_yes(finding, &people[i].person);
    }
}

/* As it comes out of a reply. */
static struct directory_answer ask_as(void **state, const char *address, const char *sender)
{
    struct world *w = *state;
    static struct search search;
    static struct directory_answer answer;
    struct redirect redirect = {.leaves = false};
    struct finding finding;
    struct buf bytes = BUF_INIT(100000);
    uint32_t number;
    search_begin(&search, w->directory, str_of(address), str_of(sender));
    do {
        while (search_step(&search) == SEARCH_ASK) {
            say(search.key, &finding);
            search_told(&search, &finding, 0);
        }
    } while (redirect_step(&redirect, &search));
    directory_reply_put(&bytes, 7, &search.answer);
    assert_true(directory_reply_get(buf_str(&bytes), &number, &answer));
    buf_release(&bytes);
    return answer;
}

static struct directory_answer ask(void **state, const char *address)
{
    return ask_as(state, address, "s@remote.example");
}

/* Who gets it, in order. */
static const char *goes_to(const struct redirect_way *way)
{
    static char text[4000];
    struct buf out = BUF_OVER(text);
    for (size_t i = 0; i < way->n; i++)
        if (way->hops[i].keep || i + 1 == way->n)
            buf_addf(&out, "%s ", way->hops[i].address);
    return buf_cstr(&out);
}

#define KNOWN(address, to, words)                                                                  \
    do {                                                                                           \
        struct directory_answer a_ = ask(state, address);                                          \
        assert_int_equal(a_.result, DIRECTORY_KNOWN);                                              \
        assert_string_equal(goes_to(&a_.way), to);                                                 \
        if (strstr(a_.how, words) == NULL)                                                         \
            print_error("%s: %s\n", address, a_.how);                                              \
        assert_non_null(strstr(a_.how, words));                                                    \
    } while (0)

static void only_to_what_is_listed(void **state)
{
    KNOWN("plain@a.example", "", "sqlite map");
    KNOWN("out@a.example", "x@lab.example ",
          "redirected to x@lab.example (redirect_only_to of a.example)");
    KNOWN("below@a.example", "x@inist.cnrs.example ", "redirected to x@inist.cnrs.example");
    KNOWN("idn@a.example", "x@xn--caf-dma.example ", "redirected to");
    KNOWN("beside@a.example", "",
          "not redirected to x@cnrs.example: redirect_only_to of a.example does not list "
          "cnrs.example");
    KNOWN("trick@a.example", "", "does not list evillab.example");
    KNOWN("bad@a.example", "", "it is no mail address");
    KNOWN("free@a.example", "",
          "gmail.com is a free mail service, and redirect_only_to of a.example does not list it");
    KNOWN("freekept@a.example", "", "not redirected to x@gmail.com");
}

static void refused_where_the_domain_says_so(void **state)
{
    struct directory_answer a = ask(state, "free@strict.example");
    assert_int_equal(a.result, DIRECTORY_NO_REDIRECT);
    assert_string_equal(a.way.rule, "gmail.com is a free mail service, and redirect_only_to of "
                                    "strict.example does not list it");
    assert_int_equal(a.way.n, 0);
    KNOWN("freekept@strict.example", "", "not redirected");
    a = ask(state, "none@keep.example");
    assert_int_equal(a.result, DIRECTORY_NO_REDIRECT);
    assert_string_equal(a.way.rule, "redirect_only_to of keep.example lists no domain");
}

/* RFC 5321 4.5.1 */
static void postmaster_always_takes_mail(void **state)
{
    struct directory_answer a = ask(state, "postmaster@strict.example");
    assert_int_equal(a.result, DIRECTORY_KNOWN);
    assert_int_equal(a.way.n, 0);
    assert_true(str_find(str_of(a.how), STR("free mail service")) != STR_NONE);
    a = ask(state, "postmaster@a.example");
    assert_int_equal(a.result, DIRECTORY_KNOWN);
    assert_int_equal(a.way.n, 0);
}

/* RFC 5321 2.4 */
static void letters_stay_as_they_are_written(void **state)
{
    KNOWN("case@a.example", "X.Case@lab.example ", "redirected to X.Case@lab.example");
    KNOWN("caseours@a.example", "X.Case@lab.example ", "redirected to X.Case@lab.example");
    KNOWN("casecircle@a.example", "", "not redirected to casecircle@a.example: a circle");
    KNOWN("plaincase@a.example", "Plain@a.example ", "redirected to Plain@a.example");
    struct directory_answer a = ask(state, "plaincase@a.example");
    assert_string_equal(a.way.hops[1].person, "plain@a.example");
}

static void the_mailbox_keeps_a_copy(void **state)
{
    KNOWN("kept@a.example", "kept@a.example x@lab.example ", "kept@a.example keeps a copy");
    KNOWN("any@keep.example", "any@keep.example x@lab.example ", "redirected to x@lab.example");
    KNOWN("not@keep.example", "x@lab.example ", "redirected to x@lab.example");
}

static void circles_end_in_a_mailbox(void **state)
{
    KNOWN("one@a.example", "two@a.example ", "not redirected to one@a.example: a circle");
    KNOWN("two@a.example", "one@a.example ", "a circle");
    KNOWN("self@a.example", "", "not redirected to self@a.example: a circle");
    KNOWN("circle@a.example", "", "not redirected to alias@a.example: a circle");
    KNOWN("c1@a.example", "c6@a.example ",
          "not redirected to c7@a.example: too many redirections behind one another");
}

static void a_target_that_takes_nothing_keeps_it_here(void **state)
{
    KNOWN("nobody@a.example", "", "not redirected to unknown@a.example: no such address here");
    KNOWN("tooff@a.example", "", "not redirected to off@a.example: mailbox is disabled");
    KNOWN("tofull@a.example", "", "not redirected to full@a.example: mailbox is full");
    KNOWN("tofullfree@a.example", "", "not redirected to fullfree@a.example: mailbox is full");
    KNOWN("toclosed@a.example", "", "may not write to this group");
    struct directory_answer a = ask_as(state, "toclosed@a.example", "w@b.example");
    assert_string_equal(goes_to(&a.way), "closed@a.example ");
    assert_int_equal(ask(state, "togone@a.example").result, DIRECTORY_UNAVAILABLE);
    assert_int_equal(ask(state, "off@a.example").result, DIRECTORY_DISABLED);
}

static void a_full_mailbox_matters_where_it_gets_mail(void **state)
{
    KNOWN("fullout@a.example", "x@lab.example ", "redirected to x@lab.example");
    assert_int_equal(ask(state, "fullkept@a.example").result, DIRECTORY_FULL);
    assert_int_equal(ask(state, "fullfree@a.example").result, DIRECTORY_FULL);
}

static void malformed_ways_are_refused(void **state)
{
    struct redirect_way way = {.n = REDIRECT_HOPS_MAX, .rule = "r"};
    struct buf bytes = BUF_INIT(10000);
    redirect_way_put(&bytes, &way);
    struct wire w = wire_of(buf_str(&bytes));
    assert_true(redirect_way_get(&w, &way));
    assert_true(wire_done(&w));
    for (unsigned n = 0; n < 256; n++) {
        bytes.p[4 + 1] = (char)n; /* behind the length and the text of the rule */
        w = wire_of(buf_str(&bytes));
        bool good = redirect_way_get(&w, &way) && wire_done(&w);
        assert_int_equal(good, n == REDIRECT_HOPS_MAX);
    }
    buf_release(&bytes);
}

static void free_services_are_told_by_name(void **state)
{
    assert_true(freemail_is(STR("gmail.com")));
    assert_true(freemail_is(STR("yahoo.co.uk")));
    assert_false(freemail_is(STR("gmail.com.example")));
    assert_false(freemail_is(STR("myyahoo.fr")));
    assert_false(freemail_is(STR("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_to_what_is_listed),
        cmocka_unit_test(refused_where_the_domain_says_so),
        cmocka_unit_test(postmaster_always_takes_mail),
        cmocka_unit_test(letters_stay_as_they_are_written),
        cmocka_unit_test(the_mailbox_keeps_a_copy),
        cmocka_unit_test(circles_end_in_a_mailbox),
        cmocka_unit_test(a_target_that_takes_nothing_keeps_it_here),
        cmocka_unit_test(a_full_mailbox_matters_where_it_gets_mail),
        cmocka_unit_test(malformed_ways_are_refused),
        cmocka_unit_test(free_services_are_told_by_name),
    };
    return tap_run(tests, set_up, tear_down);
}
