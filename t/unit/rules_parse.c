/* rule files: directives, conditions, includes, what is reported */
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "rules/compile.h"
#include "rules/language/parse.h"

#define REPORTS_MAX 64

struct reports {
    char text[REPORTS_MAX][256];
    size_t n;
};

static void note(void *data, const char *file, unsigned line, const char *what)
{
    struct reports *r = data;
    if (r->n < REPORTS_MAX)
        snprintf(r->text[r->n++], sizeof r->text[0], "%s:%u: %s", file, line, what);
}

static bool reported(const struct reports *r, const char *place, const char *what)
{
    for (size_t i = 0; i < r->n; i++) {
        if (strncmp(r->text[i], place, strlen(place)) == 0 && strstr(r->text[i], what))
            return true;
    }
    return false;
}

static struct book *read_text(const char *text, struct reports *r)
{
    struct err err = {""};
    *r = (struct reports){.n = 0};
    struct book *book = book_new(note, r, &err);
    struct parser parser = {.book = book};
    assert_non_null(book);
    assert_int_equal(parse_text(&parser, str_of(text), "t.cf", &err), 0);
    return book;
}

static const struct definition *find(const struct book *book, const char *name)
{
    const struct definition *definition = book_find(book, str_of(name));
    if (definition == NULL)
        fail_msg("%s is not there", name);
    return definition;
}

static void reads_every_directive(void **state)
{
    struct reports r;
    struct book *book = read_text("# a comment\n"
                                  "header   A  Subject =~ /x\\#y/i # why\r\n"
                                  "header   B  From:addr!~m{z}  [if-unset: no one]\n"
                                  "header   C  exists:X-Mailer\n"
                                  "body     D  /free\\s+money/\n"
                                  "  rawbody  E  /<font/\n"
                                  "uri\tF\t/^http/\n"
                                  "full     G  /./s\n"
                                  "meta     H  (A && B) || C\n"
                                  "mimeheader I Content-Type =~ /pdf/\n"
                                  "body     J  eval:links(1, 2)\n"
                                  "score    A  1.5\n"
                                  "score    B  0 1 2 3.25\n"
                                  "score    A  (0.5)\n"
                                  "describe A  says x#y\n"
                                  "tflags   D  multiple maxhits=3 nosubject net\n"
                                  "tflags   E  nice\n"
                                  "priority D  -100\n"
                                  "test     A  ok anything\n"
                                  "lang fr describe A dit x\n",
                                  &r);
    assert_int_equal(r.n, 0);
    const struct definition *a = find(book, "A");
    assert_int_equal(a->kind, RULE_HEADER);
    assert_str(a->test, "/x#y/i");
    assert_str(a->describe, "says x");
    assert_int_equal(a->line, 2);
    assert_true(compile_score(book, a) == 2.0);
    const struct definition *b = find(book, "B");
    assert_true(b->negated);
    assert_str(b->test, "m{z}");
    assert_str(b->if_unset, "no one");
    assert_true(compile_score(book, b) == 3.25);
    assert_int_equal(find(book, "C")->kind, RULE_EXISTS);
    const struct definition *d = find(book, "D");
    assert_true(d->multiple && d->no_subject && !d->nice);
    assert_int_equal(d->hits_max, 3);
    assert_int_equal(d->priority, -100);
    assert_true(compile_score(book, d) == 1.0);
    assert_true(compile_score(book, find(book, "E")) == -1.0);
    assert_int_equal(find(book, "G")->kind, RULE_FULL);
    assert_str(find(book, "H")->test, "(A && B) || C");
    assert_int_equal(find(book, "I")->kind, RULE_MIMEHEADER);
    assert_str(find(book, "J")->test, "links(1, 2)");
    book_free(&book);
    assert_null(book);
}

static void default_scores(void **state)
{
    struct reports r;
    struct book *book = read_text("body T_X /a/\nbody T_Y /b/\ntflags T_Y nice\n", &r);
    assert_true(compile_score(book, find(book, "T_X")) == 0.01);
    assert_true(compile_score(book, find(book, "T_Y")) == -0.01);
    book_free(&book);
}

static void reports_and_goes_on(void **state)
{
    struct reports r;
    struct book *book = read_text("bodi A /x/\n"
                                  "body 1A /x/\n"
                                  "body A\n"
                                  "header A Subject /x/\n"
                                  "header A Sub:foo =~ /x/\n"
                                  "score A 1 2\n"
                                  "score A one\n"
                                  "score A (1)\n"
                                  "score A 99999999\n"
                                  "priority A x\n"
                                  "required_score x\n"
                                  "loadplugin\n"
                                  "uridnsbl A zone\n"
                                  "test A maybe x\n"
                                  "endif\n"
                                  "else\n"
                                  "body OK /x/\n",
                                  &r);
    assert_int_equal(r.n, 16);
    assert_true(reported(&r, "t.cf:1:", "bodi"));
    assert_true(reported(&r, "t.cf:5:", ":foo"));
    assert_true(reported(&r, "t.cf:11:", "number"));
    assert_true(reported(&r, "t.cf:15:", "endif"));
    assert_int_equal(find(book, "OK")->kind, RULE_BODY);
    book_free(&book);
}

static void a_later_test_replaces_and_keeps_the_score(void **state)
{
    struct reports r;
    struct book *book = read_text("header A Subject !~ /x/ [if-unset: y]\n"
                                  "score A 2\n"
                                  "body A /z/\n",
                                  &r);
    const struct definition *a = find(book, "A");
    assert_int_equal(a->kind, RULE_BODY);
    assert_false(a->negated);
    assert_null(a->if_unset.s);
    assert_true(compile_score(book, a) == 2);
    book_free(&book);
}

static void conditions_choose(void **state)
{
    struct reports r;
    struct book *book = read_text("if (version >= 3.004000)\nbody A /x/\nelse\nbody B /x/\nendif\n"
                                  "if version < 3\nbody C /x/\nelse\nbody D /x/\nendif\n"
                                  "ifplugin No::Such\nbody E /x/\nif (version > 1)\nbody F /x/\n"
                                  "else\nbody G /x/\nendif\nelse\nbody H /x/\nendif\n"
                                  "ifplugin Mail::SpamAssassin::Plugin::MIMEHeader\n"
                                  "body I /x/\nendif\n"
                                  "if can(No::such) || !plugin(No::Such)\nbody J /x/\nendif\n"
                                  "ifplugin No::Such\nif nonsense ((\nendif\nendif\n",
                                  &r);
    assert_int_equal(r.n, 0);
    static const char there[] = "ADHIJ";
    for (char c = 'A'; c <= 'J'; c++) {
        if ((book_find(book, str_n(&c, 1)) != NULL) != (strchr(there, c) != NULL))
            fail_msg("%c", c);
    }
    book_free(&book);
}

static void broken_conditions_skip(void **state)
{
    struct reports r;
    struct book *book = read_text("if nonsense((\nbody A /x/\nendif\nbody B /x/\n"
                                  "if 1\nelse\nelse\nendif\nif 1\nbody C /x/\n",
                                  &r);
    assert_int_equal(r.n, 3);
    assert_null(book_find(book, STR("A")));
    assert_non_null(book_find(book, STR("B")));
    assert_non_null(book_find(book, STR("C")));
    assert_true(reported(&r, "t.cf:9:", "no endif"));
    book_free(&book);
}

static void deep_ifs_are_bounded(void **state)
{
    struct reports r;
    struct buf text = BUF_INIT(1 << 20);
    for (int i = 0; i < 2 * PARSE_IF_MAX; i++)
        buf_add(&text, STR("if 1\n"));
    buf_add(&text, STR("body A /x/\n"));
    for (int i = 0; i < 2 * PARSE_IF_MAX; i++)
        buf_add(&text, STR("endif\n"));
    buf_add(&text, STR("body B /x/\n"));
    struct book *book = read_text(buf_cstr(&text), &r);
    assert_int_equal(r.n, 1);
    assert_null(book_find(book, STR("A")));
    assert_non_null(book_find(book, STR("B")));
    book_free(&book);
    buf_release(&text);
}

static void long_lines_are_skipped(void **state)
{
    struct reports r;
    struct buf text = BUF_INIT(2 * PARSE_LINE_MAX);
    buf_add(&text, STR("body A /"));
    for (int i = 0; i < PARSE_LINE_MAX; i++)
        buf_addc(&text, 'x');
    buf_add(&text, STR("/\nbody B /x/\n"));
    struct book *book = read_text(buf_cstr(&text), &r);
    assert_true(reported(&r, "t.cf:1:", "longer"));
    assert_null(book_find(book, STR("A")));
    assert_non_null(book_find(book, STR("B")));
    book_free(&book);
    buf_release(&text);
}

static struct ruleset *compile_text(const char *text, struct reports *r)
{
    struct err err = {""};
    struct book *book = read_text(text, r);
    struct ruleset *set = compile(book, 1, &err);
    assert_non_null(set);
    book_free(&book);
    return set;
}

static bool has(const struct ruleset *set, const char *name)
{
    return names_find(&set->names, str_of(name)) != NAMES_NONE;
}

static void compiles_only_what_counts(void **state)
{
    struct reports r;
    struct ruleset *set = compile_text("body __USED /a/\nbody __DEAD /(broken/\n"
                                       "body ZERO /b/\nscore ZERO 0\n"
                                       "meta M __USED && ZERO && __DEEP\n"
                                       "meta __DEEP __DEEPER\nbody __DEEPER /c/\n"
                                       "meta OFF __FOR_OFF\nscore OFF 0\nbody __FOR_OFF /d/\n"
                                       "score NOTHING 3\n",
                                       &r);
    assert_int_equal(r.n, 0);
    assert_true(has(set, "__USED") && has(set, "M") && has(set, "__DEEP") && has(set, "__DEEPER"));
    assert_false(has(set, "__DEAD") || has(set, "ZERO") || has(set, "OFF") ||
                 has(set, "__FOR_OFF") || has(set, "NOTHING"));
    ruleset_free(&set);
    assert_null(set);
}

static void reports_what_does_not_compile(void **state)
{
    struct reports r;
    struct ruleset *set = compile_text("body A /(x/\nmeta B A && NOPE\nmeta C (A\n"
                                       "body D eval:nope(1)\nbody E eval:links()\n"
                                       "body F eval:links('1)\nmeta G C + foo(1)\n",
                                       &r);
    assert_true(reported(&r, "t.cf:1:", "A: "));
    assert_false(reported(&r, "t.cf:2:", "'NOPE'")); /* it counts as 0, as in SpamAssassin */
    assert_true(reported(&r, "t.cf:3:", "C: "));
    assert_true(reported(&r, "t.cf:4:", "nope"));
    assert_true(reported(&r, "t.cf:5:", "1 to 2"));
    assert_true(reported(&r, "t.cf:6:", "closing"));
    assert_true(reported(&r, "t.cf:7:", "foo("));
    ruleset_free(&set);
}

static void circles_are_found(void **state)
{
    struct reports r;
    struct ruleset *set = compile_text("meta A B\nmeta B C + 1\nmeta C A\nmeta D A || 1\n"
                                       "meta E E\nmeta F rules_matching(F*)\nmeta G 1\n",
                                       &r);
    assert_int_equal(r.n, 5);
    for (unsigned line = 1; line <= 5; line++) {
        char place[16];
        snprintf(place, sizeof place, "t.cf:%u:", line);
        assert_true(reported(&r, place, "circle"));
    }
    assert_int_equal(set->n_metas, 2);
    ruleset_free(&set);
}

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[512];
    struct err err;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(fsio_replace(path, str_of(text), 0600, &err), 0);
}

static void remove_file(const char *folder, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    remove(path);
}

static bool has_rule(const char *path, const char *name)
{
    struct err err = {""};
    struct ruleset *set = ruleset_load(&path, 1, NULL, NULL, &err);
    bool found = set && names_find(&set->names, str_of(name)) != NAMES_NONE;
    ruleset_free(&set);
    return found;
}

/* sa-update's: a folder a version, in it a file a channel that includes the channel's folder. */
static void takes_the_newest_of_a_channel(void **state)
{
    static const char *const versions[] = {"3.004006", "4.000000", "4.000001", "5.000000", "notes"};
    char root[] = "/tmp/poterne-rules-XXXXXX";
    char folder[64];
    assert_non_null(mkdtemp(root));
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        char text[64];
        snprintf(folder, sizeof folder, "%s/%s", root, versions[i]);
        assert_int_equal(mkdir(folder, 0700), 0);
        snprintf(text, sizeof text, "body V%zu /a/\n", i);
        write_file(folder, "updates_example_org.cf", text);
    }
    assert_true(has_rule(root, "V2"));
    assert_false(has_rule(root, "V1"));
    assert_false(has_rule(root, "V3"));
    write_file(root, "own.cf", "body OWN /a/\n"); /* then it is a folder like any other */
    assert_true(has_rule(root, "OWN"));
    assert_false(has_rule(root, "V2"));
    remove_file(root, "own.cf");
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        snprintf(folder, sizeof folder, "%s/%s", root, versions[i]);
        remove_file(folder, "updates_example_org.cf");
        rmdir(folder);
    }
    assert_int_equal(rmdir(root), 0);
}

static void loads_folders_and_includes(void **state)
{
    char folder[] = "/tmp/poterne-rules-XXXXXX";
    char below[64];
    struct reports r = {.n = 0};
    struct err err = {""};
    assert_non_null(mkdtemp(folder));
    snprintf(below, sizeof below, "%s/more", folder);
    assert_int_equal(mkdir(below, 0700), 0);
    write_file(folder, "20.cf",
               "score A 2\ninclude more/x.inc\ninclude /etc/passwd\n"
               "include ../20.cf\ninclude none.inc\n");
    write_file(folder, "10.cf", "body A /a/\nscore A 1\ndescribe A first\n");
    write_file(folder, "loop.cf", "include loop.cf\n");
    write_file(folder, "README", "not a rule\n");
    write_file(below, "x.inc", "body B /b/\nbad line\n");
    const char *paths[] = {folder, "/nonexistent.cf"};
    struct ruleset *set = ruleset_load(paths, 2, note, &r, &err);
    assert_non_null(set);
    assert_int_equal(ruleset_count(set), 2);
    assert_true(set->rules[names_find(&set->names, STR("A"))].score == 2);
    assert_string_equal(ruleset_describe(set, "A"), "first");
    assert_null(ruleset_describe(set, "B"));
    assert_null(ruleset_describe(set, "C"));
    assert_int_equal(strlen(ruleset_generation(set)), 16);
    assert_int_equal(r.n, 6);
    char generation[17];
    memcpy(generation, ruleset_generation(set), sizeof generation);
    ruleset_free(&set);
    write_file(folder, "10.cf", "body A /a/\nscore A 1.5\ndescribe A first\n");
    set = ruleset_load(paths, 1, NULL, NULL, &err);
    assert_string_not_equal(ruleset_generation(set), generation);
    ruleset_free(&set);
    assert_null(ruleset_load(paths + 1, 1, note, &r, &err));
    assert_non_null(strstr(err.text, "/nonexistent.cf"));
    remove_file(below, "x.inc");
    rmdir(below);
    remove_file(folder, "10.cf");
    remove_file(folder, "20.cf");
    remove_file(folder, "loop.cf");
    remove_file(folder, "README");
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_directive),
        cmocka_unit_test(default_scores),
        cmocka_unit_test(reports_and_goes_on),
        cmocka_unit_test(a_later_test_replaces_and_keeps_the_score),
        cmocka_unit_test(conditions_choose),
        cmocka_unit_test(broken_conditions_skip),
        cmocka_unit_test(deep_ifs_are_bounded),
        cmocka_unit_test(long_lines_are_skipped),
        cmocka_unit_test(compiles_only_what_counts),
        cmocka_unit_test(reports_what_does_not_compile),
        cmocka_unit_test(circles_are_found),
        cmocka_unit_test(loads_folders_and_includes),
        cmocka_unit_test(takes_the_newest_of_a_channel),
    };
    return tap_run(tests, NULL, NULL);
}
