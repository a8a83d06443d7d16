/* LDAP without a server: filters, entries in both shapes, a snapshot on disk; the words of quota.
 */
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fsio.h"
#include "directory/ldap/filter.h"
#include "directory/ldap/snapshot.h"
#include "directory/quota.h"

static void filter_is(const char *template, const char *text, const char *expected)
{
    struct buf out = BUF_INIT(LDAP_FILTER_MAX);
    struct address address;
    assert_true(address_normal(str_of(text), false, &address));
    ldap_filter_make(&out, template, &address);
    assert_true(buf_ok(&out));
    assert_string_equal(buf_cstr(&out), expected);
    buf_release(&out);
}

static void filters_are_escaped(void **state)
{
    filter_is("(mail=%a)", "Jean.Toto@A.example", "(mail=jean.toto@a.example)");
    filter_is("(|(uid=%u)(d=%d)(p=100%%))", "j@a.example", "(|(uid=j)(d=a.example)(p=100%))");
    filter_is("(mail=%a)", "*@a.example", "(mail=\\2a@a.example)");
    filter_is("(mail=%a)", "\"x)(uid=*\"@a.example",
              "(mail=\\22x\\29\\28uid\\3d\\2a\\22@a.example)");
    filter_is("(mail=%a)", "\"a\\\\b\"@a.example", "(mail=\\22a\\5c\\5cb\\22@a.example)");
    filter_is("(mail=%a)", "j\xc3\xa9@a.example", "(mail=j\\c3\\a9@a.example)");
    filter_is("(mail=%a", "j@a.example", "(mail=j@a.example");
    struct buf out = BUF_INIT(100);
    ldap_filter_value(&out, str_n("a\0b", 3));
    assert_string_equal(buf_cstr(&out), "a\\00b");
    buf_release(&out);
}

/* --- entries --- */

#define VALUES_MAX 8

struct line {
    const char *name;
    const char *values[VALUES_MAX];
};

struct world {
    struct pool *pool;
    struct conf *conf;
    struct ldap_shape shape;
};

static void open_shape(struct world *w, const char *settings)
{
    struct buf text = BUF_INIT(4000);
    struct err err = {""};
    pool_free(&w->pool);
    conf_free(&w->conf);
    w->pool = pool_new(1024 * 1024);
    buf_addf(&text,
             "hostname = mx.a.example\nldap x { servers = ldap://192.0.2.1; base = \"dc=a\"; %s }\n"
             "domain a.example { next_hop = lmtp://192.0.2.1:24; directory = { ldap x } }\n",
             settings);
    w->conf = conf_parse(buf_str(&text), "t.conf", &err);
    if (w->conf == NULL)
        print_error("%s\n", err.text);
    assert_non_null(w->conf);
    assert_int_equal(ldap_shape_make(&w->conf->ldap[0], w->pool, &w->shape, &err), 0);
    buf_release(&text);
}

static int set_up(void **state)
{
    static struct world w;
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    pool_free(&w->pool);
    conf_free(&w->conf);
    return 0;
}

static struct ldap_who read_entry(struct world *w, const struct line *lines, size_t n)
{
    struct ldap_attribute attributes[16] = {0};
    struct str values[16][VALUES_MAX];
    struct ldap_entry entry = {attributes, n};
    struct ldap_who who;
    for (size_t i = 0; i < n; i++) {
        attributes[i] = (struct ldap_attribute){str_of(lines[i].name), values[i], 0, 0};
        for (size_t k = 0; k < VALUES_MAX && lines[i].values[k]; k++)
            values[i][attributes[i].n++] = str_of(lines[i].values[k]);
        attributes[i].all = attributes[i].n;
    }
    assert_int_equal(ldap_entry_read(&w->shape, &entry, w->pool, &who), 0);
    return who;
}

#define ENTRY(w, ...)                                                                              \
    read_entry(w, (const struct line[]){__VA_ARGS__},                                              \
               sizeof((const struct line[]){__VA_ARGS__}) / sizeof(struct line))

static void people_of_openldap(void **state)
{
    struct world *w = *state;
    open_shape(w, "quota_used = used; quota_limit = most; quota_unit = 1k; identities = sends");
    struct ldap_who who =
        ENTRY(w, {"Mail", {"Jean.Toto@A.example"}},
              {"mailAlternateAddress;x-old", {"jtoto@a.example", "no address", "JTOTO@a.example"}},
              {"used", {"5"}}, {"most", {"10"}}, {"sends", {"info@a.example", "b@a.example"}},
              {"mailForwardingAddress", {"smtp:J.Toto@Lab.example"}});
    assert_int_equal(who.n, 2);
    assert_string_equal(who.addresses[0].text, "jean.toto@a.example");
    assert_string_equal(who.addresses[1].text, "jtoto@a.example");
    assert_int_equal(who.person.quota_used, 5 * 1024);
    assert_int_equal(who.person.quota_limit, 10 * 1024);
    assert_str(who.person.redirect, "J.Toto@lab.example");
    assert_str(who.person.identities, "info@a.example b@a.example");
    assert_int_equal(who.person.flags, 0);
    who = ENTRY(w, {"mail", {"b@a.example", "a@a.example"}}, {"accountStatus", {"DISABLED"}});
    assert_string_equal(who.addresses[0].text, "a@a.example");
    assert_int_equal(who.person.flags, PERSON_DISABLED);
    who = ENTRY(w, {"most", {"99999999999999999999"}}, {"used", {"18446744073709551615"}});
    assert_int_equal(who.n, 0);
    assert_int_equal(who.person.quota_limit, 0);
    assert_true(who.person.quota_used == UINT64_MAX);
}

static void a_copy_is_kept_where_the_entry_says_so(void **state)
{
    struct world *w = *state;
    open_shape(w, "redirect_keep = deliveryMode=keep");
    struct ldap_who who =
        ENTRY(w, {"mail", {"a@a.example"}}, {"mailForwardingAddress", {"j@lab.example"}},
              {"deliveryMode", {"keep"}});
    assert_int_equal(who.person.flags, PERSON_KEEP);
    who = ENTRY(w, {"mail", {"a@a.example"}}, {"deliveryMode", {"keep"}});
    assert_int_equal(who.person.flags, 0);
}

static void people_of_active_directory(void **state)
{
    struct world *w = *state;
    open_shape(w, "preset = active_directory; rewrite = yes");
    struct ldap_who who =
        ENTRY(w, {"mail", {"old@a.example"}}, {"userAccountControl", {"66048"}},
              {"proxyAddresses",
               {"smtp:a@a.example", "SMTP:Anne@A.example", "x500:/o=a/cn=anne@a.example",
                "sip:anne@a.example", "X400:c=fr;a= ;"}});
    assert_int_equal(who.n, 3);
    assert_string_equal(who.addresses[0].text, "anne@a.example");
    assert_int_equal(who.person.flags, PERSON_REWRITE);
    who = ENTRY(w, {"proxyAddresses", {"SMTP:p@a.example"}}, {"userAccountControl", {"514"}});
    assert_int_equal(who.person.flags, PERSON_DISABLED);
    who = ENTRY(w, {"proxyAddresses", {"SMTP:p@a.example"}}, {"userAccountControl", {"514"}},
                {"msExchRecipientTypeDetails", {"34359738368"}});
    assert_int_equal(who.person.flags, 0);
    who =
        ENTRY(w, {"proxyAddresses", {"SMTP:p@a.example"}}, {"userAccountControl", {"-2147483646"}});
    assert_int_equal(who.person.flags, PERSON_DISABLED);
    who = ENTRY(w, {"userAccountControl", {"514 "}});
    assert_int_equal(who.person.flags, 0);
}

static void groups(void **state)
{
    struct world *w = *state;
    open_shape(w, "group_size_limit = 3; writers = may");
    struct ldap_who who = ENTRY(w, {"objectClass", {"top", "GroupOfNames"}},
                                {"mail", {"g@a.example"}}, {"member", {"a", "b", "c"}});
    assert_int_equal(who.person.flags, PERSON_GROUP);
    assert_int_equal(who.person.members, 3);
    /* the server gives out no more at once, and says that there are more */
    who = ENTRY(w, {"objectClass", {"groupOfNames"}}, {"member", {""}},
                {"member;range=0-2", {"a", "b", "c"}});
    assert_int_equal(who.person.flags, PERSON_GROUP | PERSON_CLOSED);
    who = ENTRY(w, {"objectClass", {"groupOfNames"}}, {"member;range=0-*", {"a", "b", "c"}});
    assert_int_equal(who.person.flags, PERSON_GROUP);
    who = ENTRY(w, {"objectClass", {"groupOfNames"}}, {"may", {"cn=dean,dc=a"}});
    assert_int_equal(who.person.flags, PERSON_GROUP | PERSON_CLOSED);
    assert_int_equal(who.person.writers.n, 0);
    assert_int_equal(who.n_writers, 1);
    assert_true(str_eq(who.writers[0], STR("cn=dean,dc=a")));
    who = ENTRY(w, {"objectClass", {"groupOfNames"}},
                {"may", {"everybody", "cn=a@b,dc=a", "dean@a.example", "smtp:boss=a@a.example"}});
    assert_int_equal(who.n_writers, 1);
    assert_true(str_eq(who.person.writers, STR("dean@a.example boss=a@a.example")));
    who = ENTRY(w, {"objectClass", {"person"}}, {"may", {"dean@a.example"}});
    assert_int_equal(who.person.flags, 0);
}

static void groups_of_active_directory(void **state)
{
    struct world *w = *state;
    open_shape(w, "preset = active_directory");
    struct ldap_who who = ENTRY(w, {"objectClass", {"top", "group"}}, {"mail", {"g@a.example"}});
    assert_int_equal(who.person.flags, PERSON_GROUP);
    who = ENTRY(w, {"objectClass", {"group"}}, {"authOrig", {"CN=Dean,DC=a"}});
    assert_int_equal(who.person.flags, PERSON_GROUP | PERSON_CLOSED);
    assert_int_equal(who.n_writers, 1);
    who = ENTRY(w, {"objectClass", {"group"}}, {"msExchRequireAuthToSendTo", {"TRUE"}});
    assert_int_equal(who.person.flags, PERSON_GROUP | PERSON_CLOSED);
    who = ENTRY(w, {"objectClass", {"group"}}, {"msExchRequireAuthToSendTo", {"FALSE"}});
    assert_int_equal(who.person.flags, PERSON_GROUP);
}

static void settings_take_the_place_of_the_preset(void **state)
{
    struct world *w = *state;
    open_shape(w, "address = addr; aliases = -; disabled = { gone, \"kind=x\" }; redirect = -");
    struct ldap_who who = ENTRY(w, {"mail", {"m@a.example"}}, {"addr", {"a@a.example"}},
                                {"mailLocalAddress", {"l@a.example"}}, {"gone", {"maybe"}},
                                {"mailForwardingAddress", {"f@a.example"}});
    assert_int_equal(who.n, 1);
    assert_string_equal(who.addresses[0].text, "a@a.example");
    assert_int_equal(who.person.flags, PERSON_DISABLED);
    assert_int_equal(who.person.redirect.n, 0);
}

/* --- a snapshot on disk --- */

static void a_snapshot_comes_back_whole_or_not(void **state)
{
    char folder[] = "/tmp/poterne-snapshot.XXXXXX", path[80];
    struct ldap_snapshot s = {.table = table_new(), .when = 1000, .shrink = {9, 8, 7, 6}}, back;
    struct table_entry entry, old;
    struct buf file = BUF_INIT(10000);
    struct err err = {""};
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/x", folder);
    entry = (struct table_entry){.address = STR("jean@a.example"), .more = STR("more")};
    assert_int_equal(table_add(s.table, &entry, &old), 1);
    entry = (struct table_entry){.address = STR("j@a.example"), .target = STR("jean@a.example")};
    assert_int_equal(table_add(s.table, &entry, &old), 1);
    assert_int_equal(ldap_snapshot_save(path, 7, &s, &err), 0);
    assert_int_equal(ldap_snapshot_load(path, 7, &back, &err), 1);
    assert_int_equal(back.when, 1000);
    assert_memory_equal(&back.shrink, &s.shrink, sizeof s.shrink);
    assert_int_equal(table_count(back.table), 2);
    assert_true(table_find(back.table, STR("j@a.example"), &entry));
    assert_str(entry.target, "jean@a.example");
    assert_true(table_find(back.table, STR("jean@a.example"), &entry));
    assert_str(entry.more, "more");
    table_free(&back.table);
    assert_int_equal(ldap_snapshot_load(path, 8, &back, &err), 0); /* of other settings */
    assert_int_equal(fsio_read_file(path, &file, &err), 0);
    for (size_t n = 0; n < file.n; n++) {
        assert_int_equal(fsio_replace(path, str_sub(buf_str(&file), 0, n), 0600, &err), 0);
        assert_int_equal(ldap_snapshot_load(path, 7, &back, &err), 0);
        file.p[n] ^= 1;
        assert_int_equal(fsio_replace(path, buf_str(&file), 0600, &err), 0);
        assert_int_equal(ldap_snapshot_load(path, 7, &back, &err), 0);
        file.p[n] ^= 1;
    }
    table_free(&s.table);
    buf_release(&file);
    unlink(path);
    assert_int_equal(rmdir(folder), 0);
}

/* Texts whose checksum is right but that no table of ours wrote. */
static void a_table_of_rubbish_is_none(void **state)
{
    static const char *const texts[] = {"x", "\0\0\0\0\xff\xff\0\0\0\0\0\0aaaaaaaa",
                                        "\0\0\0\0\0\0\0\0\0\0\0\0"};
    static const size_t sizes[] = {1, 20, 12};
    for (size_t i = 0; i < 3; i++) {
        struct buf b = BUF_INIT(1000);
        buf_addn(&b, texts[i], sizes[i]);
        assert_null(table_of(&b));
    }
}

static void words_about_quota(void **state)
{
    assert_true(quota_is_full(STR("552 5.2.2 Mailbox is full")));
    assert_true(quota_is_full(STR("REJECT 5.2.2 Quota exceeded (mailbox for user is full)")));
    assert_true(quota_is_full(STR("DEFER_IF_PERMIT 4.2.2 later")));
    assert_true(quota_is_full(STR("554 5.2.2 full")));
    assert_false(quota_is_full(STR("DUNNO")));
    assert_false(quota_is_full(STR("OK")));
    assert_false(quota_is_full(STR("REJECT Unknown user")));
    assert_false(quota_is_full(STR("550 5.1.1 the user 552 is unknown")));
    assert_false(quota_is_full(STR("")));
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_are_escaped),
        IN_WORLD(people_of_openldap),
        IN_WORLD(a_copy_is_kept_where_the_entry_says_so),
        IN_WORLD(people_of_active_directory),
        IN_WORLD(groups),
        IN_WORLD(groups_of_active_directory),
        IN_WORLD(settings_take_the_place_of_the_preset),
        cmocka_unit_test(a_snapshot_comes_back_whole_or_not),
        cmocka_unit_test(a_table_of_rubbish_is_none),
        cmocka_unit_test(words_about_quota),
    };
    return tap_run(tests, NULL, NULL);
}
