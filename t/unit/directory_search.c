/* A question on its way through sources that must be asked, scripted. */
#include "t/unit/tap.h"

#include <stdio.h>

#include "directory/search.h"

static const char settings[] =
    "hostname = mx.a.example\n"
    "directory { files = { }; subaddress = + }\n"
    "ldap one { servers = ldap://192.0.2.1; base = \"dc=a\"; snapshot = 0 }\n"
    "ldap two { servers = ldap://192.0.2.1; base = \"dc=b\"; snapshot = 0 }\n"
    "sqlite map { file = /nowhere; query = \"select ?\" }\n"
    "quota box { address = 192.0.2.1:12340 }\n"
    "domain a.example { next_hop = lmtp://192.0.2.1:24;"
    " directory = { ldap one, ldap two, sqlite map, quota box } }\n";

static const struct source_ops plain_ops = {0};
static const struct source_ops map_ops = {.catch_all = true};
static const struct source_ops quota_ops = {.quota = true};
static const struct source_ops *const ops[CONF_SOURCE_KINDS] = {
    [SOURCE_LDAP] = &plain_ops, [SOURCE_SQLITE] = &map_ops, [SOURCE_QUOTA] = &quota_ops};

struct world {
    struct conf *conf;
    struct directory *directory;
    struct buf asked; /* "one jean@a.example; two …" */
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
    w.asked = BUF_INIT(4000);
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    directory_close(&w->directory);
    conf_free(&w->conf);
    buf_release(&w->asked);
    return 0;
}

/* What a source says of a key; else NO. */
struct script {
    const char *source, *key;
    enum source_said said;
    struct person person;
};

static struct directory_answer ask(struct world *w, const char *address, const char *sender,
                                   const struct script *script, size_t n)
{
    struct search search;
    struct finding finding;
    buf_clear(&w->asked);
    search_begin(&search, w->directory, str_of(address), str_of(sender));
    while (search_step(&search) == SEARCH_ASK) {
        finding_no(&finding);
        buf_addf(&w->asked, "%s %.*s; ", search.source->name, STR_ARG(search.key));
        for (size_t i = 0; i < n; i++) {
            if (strcmp(script[i].source, search.source->name) != 0 ||
                !str_eq(search.key, str_of(script[i].key)))
                continue;
            if (script[i].said == SAID_YES)
                finding_yes(&finding, &script[i].person);
            else if (script[i].said == SAID_AWAY)
                finding_away(&finding, true, "no road to it");
        }
        search_told(&search, &finding, 0);
    }
    return search.answer;
}

#define ASK(w, address, ...)                                                                       \
    ask(w, address, "x@remote.example", (const struct script[]){__VA_ARGS__},                      \
        sizeof((const struct script[]){__VA_ARGS__}) / sizeof(struct script))

static void the_first_that_knows_answers(void **state)
{
    struct world *w = *state;
    struct directory_answer a =
        ASK(w, "J@A.example", {"two", "j@a.example", SAID_YES, {.address = STR("jean@a.example")}},
            {"map", "j@a.example", SAID_YES, {.flags = 0}});
    assert_int_equal(a.result, DIRECTORY_KNOWN);
    assert_string_equal(a.address, "jean@a.example");
    assert_string_equal(a.how, "ldap two");
    assert_string_equal(buf_cstr(&w->asked),
                        "one j@a.example; two j@a.example; box jean@a.example; ");
}

static void extension_then_catch_all(void **state)
{
    struct world *w = *state;
    struct directory_answer a =
        ASK(w, "j+l@a.example", {"two", "j@a.example", SAID_YES, {.flags = 0}});
    assert_int_equal(a.result, DIRECTORY_KNOWN);
    assert_string_equal(a.address, "j@a.example");
    assert_non_null(strstr(a.how, "with an extension"));
    a = ASK(w, "any@a.example", {"map", "@a.example", SAID_YES, {.flags = 0}});
    assert_int_equal(a.result, DIRECTORY_KNOWN);
    assert_string_equal(a.address, "any@a.example");
    assert_string_equal(buf_cstr(&w->asked), "one any@a.example; two any@a.example; "
                                             "map any@a.example; map @a.example; "
                                             "box any@a.example; ");
}

static void away_is_never_unknown(void **state)
{
    struct world *w = *state;
    struct directory_answer a =
        ASK(w, "j@a.example", {"one", "j@a.example", SAID_AWAY, {.flags = 0}});
    assert_int_equal(a.result, DIRECTORY_UNAVAILABLE);
    assert_string_equal(a.how, "ldap one can't be asked: no road to it");
    a = ASK(w, "j@a.example", {"one", "j@a.example", SAID_AWAY, {.flags = 0}},
            {"map", "j@a.example", SAID_YES, {.flags = 0}});
    assert_int_equal(a.result, DIRECTORY_KNOWN);
    a = ASK(w, "j@a.example", {"map", "@a.example", SAID_AWAY, {.flags = 0}});
    assert_int_equal(a.result, DIRECTORY_UNAVAILABLE);
    a = ASK(w, "j@a.example", {"none", "", SAID_NO, {.flags = 0}});
    assert_int_equal(a.result, DIRECTORY_UNKNOWN);
}

static void accounts_that_take_no_mail(void **state)
{
    struct world *w = *state;
    const struct person off = {.flags = PERSON_DISABLED};
    const struct person full = {.quota_used = 11, .quota_limit = 10};
    const struct person room = {.quota_used = 9, .quota_limit = 10};
    assert_int_equal(ASK(w, "j@a.example", {"one", "j@a.example", SAID_YES, off}).result,
                     DIRECTORY_DISABLED);
    assert_int_equal(ASK(w, "j@a.example", {"one", "j@a.example", SAID_YES, full}).result,
                     DIRECTORY_FULL);
    assert_int_equal(ASK(w, "j@a.example", {"one", "j@a.example", SAID_YES, room}).result,
                     DIRECTORY_KNOWN);
    /* the mailbox's own word, of its official address */
    struct directory_answer a =
        ASK(w, "j@a.example", {"one", "j@a.example", SAID_YES, {.address = STR("jean@a.example")}},
            {"box", "jean@a.example", SAID_YES, full});
    assert_int_equal(a.result, DIRECTORY_FULL);
    assert_non_null(strstr(a.how, "quota box"));
    assert_int_equal(ASK(w, "j@a.example", {"one", "j@a.example", SAID_YES, {.flags = 0}},
                         {"box", "j@a.example", SAID_AWAY, {.flags = 0}})
                         .result,
                     DIRECTORY_KNOWN);
    /* RFC 5321 4.5.1 */
    assert_int_equal(
        ASK(w, "postmaster@a.example", {"one", "postmaster@a.example", SAID_YES, off}).result,
        DIRECTORY_KNOWN);
    assert_int_equal(
        ASK(w, "postmaster", {"one", "postmaster@a.example", SAID_AWAY, {.flags = 0}}).result,
        DIRECTORY_KNOWN);
}

static void closed_groups(void **state)
{
    struct world *w = *state;
    struct script s = {"one",
                       "all@a.example",
                       SAID_YES,
                       {.flags = PERSON_GROUP | PERSON_CLOSED,
                        .writers = STR("dean@a.example boss@a.example")}};
    assert_int_equal(ask(w, "all@a.example", "x@a.example", &s, 1).result, DIRECTORY_CLOSED);
    assert_int_equal(ask(w, "all@a.example", "", &s, 1).result, DIRECTORY_CLOSED);
    assert_int_equal(ask(w, "all@a.example", "an@a.example", &s, 1).result, DIRECTORY_CLOSED);
    assert_int_equal(ask(w, "all@a.example", "Boss@A.example", &s, 1).result, DIRECTORY_KNOWN);
    /* a list that was cut can't say who is not on it */
    s.person.flags |= PERSON_CUT;
    assert_int_equal(ask(w, "all@a.example", "x@a.example", &s, 1).result, DIRECTORY_UNAVAILABLE);
}

static void damaged_words_are_none(void **state)
{
    struct world *w = *state;
    struct search search;
    struct finding finding = {.said = SAID_YES, .n = 3, .bytes = "\x01\xff"};
    search_begin(&search, w->directory, STR("j@a.example"), STR_EMPTY);
    while (search_step(&search) == SEARCH_ASK)
        search_told(&search, &finding, 0);
    assert_int_equal(search.answer.result, DIRECTORY_UNAVAILABLE);
}

static void one_source_alone(void **state)
{
    struct world *w = *state;
    struct search search;
    size_t n = 0;
    while (search_begin_one(&search, w->directory, STR("j@a.example"), STR_EMPTY, n)) {
        assert_int_equal(search_step(&search), SEARCH_ASK);
        assert_ptr_equal(search.source, w->directory->by_domain[0].items[n]);
        n++;
    }
    assert_int_equal(n, 4);
    assert_false(search_begin_one(&search, w->directory, STR("j@other.example"), STR_EMPTY, 0));
    assert_int_equal(search.answer.result, DIRECTORY_NOT_OURS);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(the_first_that_knows_answers),
        IN_WORLD(extension_then_catch_all),
        IN_WORLD(away_is_never_unknown),
        IN_WORLD(accounts_that_take_no_mail),
        IN_WORLD(closed_groups),
        IN_WORLD(damaged_words_are_none),
        IN_WORLD(one_source_alone),
    };
    return tap_run(tests, NULL, NULL);
}
