#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "tools/files.h"

#define FROM "From jean@univ.example Thu Aug 22 12:36:23 2002\n"

static const char mailbox[] =
    FROM "Subject: one\n\nfirst\n\nFrom here it is only text\n>From x\n\n" FROM
         "Subject: two\n\nsecond\n";

static void mailbox_is_split_at_separators_only(void **state)
{
    struct str rest = str_of(mailbox);
    struct buf message = BUF_INIT(1000);
    assert_true(mbox_is(rest));
    assert_true(mbox_next(&rest, &message));
    assert_str(buf_str(&message), "Subject: one\n\nfirst\n\nFrom here it is only text\nFrom x\n");
    assert_true(mbox_next(&rest, &message));
    assert_str(buf_str(&message), "Subject: two\n\nsecond\n");
    assert_false(mbox_next(&rest, &message));
    buf_release(&message);
}

static void quoting_is_undone_by_one_level(void **state)
{
    struct str rest = STR(FROM "a: b\n\n>>From x\n>from x\n> From x\n");
    struct buf message = BUF_INIT(1000);
    assert_true(mbox_next(&rest, &message));
    assert_str(buf_str(&message), "a: b\n\n>From x\n>from x\n> From x\n");
    buf_release(&message);
}

static void cr_lf_mailbox_keeps_its_line_ends(void **state)
{
    struct str rest = STR("From a Thu Aug 22 12:36:23 2002\r\nA: 1\r\n\r\nx\r\n\r\n"
                          "From a Thu Aug  2 12:36:23 2002\r\nA: 2\r\n\r\ny");
    struct buf message = BUF_INIT(1000);
    assert_true(mbox_is(rest));
    assert_true(mbox_next(&rest, &message));
    assert_str(buf_str(&message), "A: 1\r\n\r\nx\r\n");
    assert_true(mbox_next(&rest, &message));
    assert_str(buf_str(&message), "A: 2\r\n\r\ny");
    buf_release(&message);
}

static void one_message_is_no_mailbox(void **state)
{
    assert_false(mbox_is(STR("")));
    assert_false(mbox_is(STR("Subject: x\n\n" FROM)));
    assert_false(mbox_is(STR(FROM "Subject: x\n\nbody\n")));
    /* no empty line before it: a line of the text */
    assert_false(mbox_is(STR(FROM "Subject: x\n\nbody\n" FROM "more\n")));
    assert_false(mbox_is(STR(FROM "Subject: x\n\nFrom me to you\n")));
}

/* Whoever reads in pieces may not have more of it. */
static void separator_counts_up_to_its_maximum(void **state)
{
    static const char date[] = " Mon Jul  6 10:00:00 2026\n\n";
    char text[2 * MBOX_LINE_MAX];
    size_t resume, most = MBOX_LINE_MAX - strlen(date) + 2; /* its line end does not count */
    memset(text, 's', sizeof text);
    memcpy(text, "From ", 5);
    memcpy(text + most, date, sizeof date);
    assert_int_equal(mbox_find(str_of(text), 0, true, true, &resume), 0);
    memset(text, 's', sizeof text);
    memcpy(text, "From ", 5);
    memcpy(text + most + 1, date, sizeof date);
    assert_true(mbox_find(str_of(text), 0, true, true, &resume) == STR_NONE);
}

static void line_of_a_mailbox_is_dropped_when_it_is_one(void **state)
{
    assert_str(mbox_line_dropped(STR(FROM "a: b\n")), "a: b\n");
    assert_str(mbox_line_dropped(STR("From: me\n")), "From: me\n");
    assert_str(mbox_line_dropped(STR("From me\nTo: you\n")), "From me\nTo: you\n");
    assert_str(mbox_line_dropped(STR("From  Thu Aug 22 12:36:23 2002\nx")), "x");
}

/* --- folders --- */

static char top[] = "/tmp/poterne-unit-XXXXXX";

static void make_file(const char *name)
{
    char path[256];
    struct err err;
    snprintf(path, sizeof path, "%s/%s", top, name);
    assert_int_equal(fsio_replace(path, STR("x"), 0600, &err), 0);
}

static void make_folder(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", top, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static int make_tree(void **state)
{
    char target[256], link[256];
    assert_non_null(mkdtemp(top));
    make_file("b");
    make_file("a");
    make_file(".hidden");
    make_folder("sub");
    make_file("sub/c");
    make_folder("box");
    make_folder("box/cur");
    make_folder("box/new");
    make_folder("box/tmp");
    make_file("box/cur/m1");
    make_file("box/new/m2");
    make_file("box/tmp/m3");
    make_file("box/dovecot-uidlist");
    snprintf(target, sizeof target, "%s/sub", top);
    snprintf(link, sizeof link, "%s/sub/loop", top);
    return symlink(target, link);
}

static int remove_tree(void **state)
{
    static const char *const names[] = {"box/cur/m1",
                                        "box/new/m2",
                                        "box/tmp/m3",
                                        "box/dovecot-uidlist",
                                        "box/cur",
                                        "box/new",
                                        "box/tmp",
                                        "box",
                                        "sub/loop",
                                        "sub/c",
                                        "sub",
                                        "a",
                                        "b",
                                        ".hidden",
                                        ""};
    char path[256];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", top, names[i]);
        assert_int_equal(remove(path), 0);
    }
    return 0;
}

static void folders_are_walked_in_order_without_loops(void **state)
{
    static const char *const expected[] = {"a", "b", "box/cur/m1", "box/new/m2", "sub/c"};
    struct file_list list = {0};
    struct err err;
    assert_int_equal(file_list_add(&list, top, FILES_ALL, &err), 0);
    assert_int_equal(list.n, sizeof expected / sizeof expected[0]);
    for (size_t i = 0; i < list.n; i++)
        assert_string_equal(list.paths[i] + strlen(top) + 1, expected[i]);
    file_list_free(&list);
}

/* Maildir++ and Maildirs in folders, each by what its name says. */
static void folders_of_a_maildir_are_meant_by_their_names(void **state)
{
    static const char *const folders[] = {
        "tree",
        "tree/cur",
        "tree/new",
        "tree/.Junk",
        "tree/.Junk/cur",
        "tree/.Junk/new",
        "tree/.Sent",
        "tree/.Sent/cur",
        "tree/.Sent/new",
        "tree/.Archives.Sentinelle",
        "tree/.Archives.Sentinelle/cur",
        "tree/.Archives.Sentinelle/new",
        "tree/.Corbeille.2025",
        "tree/.Corbeille.2025/cur",
        "tree/.Corbeille.2025/new",
        "tree/Brouillons",
        "tree/Brouillons/cur",
        "tree/Brouillons/new",
        "tree/.none",
    };
    static const char *const files[] = {"tree/cur/1",
                                        "tree/.Junk/cur/2",
                                        "tree/.Sent/new/3",
                                        "tree/.Archives.Sentinelle/cur/4",
                                        "tree/.Corbeille.2025/cur/5",
                                        "tree/Brouillons/cur/6"};
    static const char *const expected[] = {"425361", "41", "4251", "3"};
    char tree[256];
    struct err err = {""};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        make_folder(folders[i]);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        make_file(files[i]);
    snprintf(tree, sizeof tree, "%s/tree", top);
    for (enum files_wanted wanted = FILES_ALL; wanted <= FILES_SENT; wanted++) {
        struct file_list list = {0};
        char found[10] = "";
        assert_int_equal(file_list_add(&list, tree, wanted, &err), 0);
        for (size_t i = 0; i < list.n; i++)
            found[i] = list.paths[i][strlen(list.paths[i]) - 1];
        assert_int_equal(list.n, strlen(expected[wanted]));
        for (const char *one = expected[wanted]; *one; one++)
            assert_non_null(strchr(found, *one));
        assert_int_equal(list.n_left_out, wanted == FILES_HAM ? 4 : wanted == FILES_SPAM ? 2 : 0);
        file_list_free(&list);
    }
    for (size_t i = sizeof files / sizeof *files; i-- > 0;) {
        snprintf(tree, sizeof tree, "%s/%s", top, files[i]);
        assert_int_equal(unlink(tree), 0);
    }
    for (size_t i = sizeof folders / sizeof *folders; i-- > 0;) {
        snprintf(tree, sizeof tree, "%s/%s", top, folders[i]);
        assert_int_equal(rmdir(tree), 0);
    }
}

static void names_say_what_folders_are_for(void **state)
{
    assert_int_equal(folder_kind(".INBOX.Spam"), FOLDER_JUNK);
    assert_int_equal(folder_kind(".Courrier ind&AOk-sirable"), FOLDER_JUNK);
    assert_int_equal(folder_kind(".&AMk-l&AOk-ments envoy&AOk-s"), FOLDER_SENT);
    assert_int_equal(folder_kind("Sent Items"), FOLDER_SENT);
    assert_int_equal(folder_kind("Deleted Items"), FOLDER_TRASH);
    assert_int_equal(folder_kind(".Entw&APw-rfe"), FOLDER_DRAFTS);
    assert_int_equal(folder_kind(".Pr&AOk-sentations"), FOLDER_MAIL);
    assert_int_equal(folder_kind(".Absent"), FOLDER_MAIL);
    assert_int_equal(folder_kind(""), FOLDER_MAIL);
}

static void what_is_not_there_is_said(void **state)
{
    struct file_list list = {0};
    struct err err = {""};
    assert_int_equal(file_list_add(&list, "/nonexistent/x", FILES_ALL, &err), -1);
    assert_non_null(strstr(err.text, "/nonexistent/x"));
    assert_int_equal(list.n, 0);
    assert_int_equal(file_list_add(&list, "-", FILES_ALL, &err), 0);
    assert_string_equal(list.paths[0], "-");
    file_list_free(&list);
}

static void a_file_above_the_maximum_is_refused(void **state)
{
    char path[256];
    struct buf small = BUF_INIT(0);
    struct err err = {""};
    snprintf(path, sizeof path, "%s/a", top);
    assert_int_equal(file_read(path, &small, &err), -1);
    assert_non_null(strstr(err.text, "larger"));
    buf_release(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mailbox_is_split_at_separators_only),
        cmocka_unit_test(quoting_is_undone_by_one_level),
        cmocka_unit_test(cr_lf_mailbox_keeps_its_line_ends),
        cmocka_unit_test(one_message_is_no_mailbox),
        cmocka_unit_test(line_of_a_mailbox_is_dropped_when_it_is_one),
        cmocka_unit_test(separator_counts_up_to_its_maximum),
        cmocka_unit_test(folders_are_walked_in_order_without_loops),
        cmocka_unit_test(folders_of_a_maildir_are_meant_by_their_names),
        cmocka_unit_test(names_say_what_folders_are_for),
        cmocka_unit_test(what_is_not_there_is_said),
        cmocka_unit_test(a_file_above_the_maximum_is_refused),
    };
    return tap_run(tests, make_tree, remove_tree);
}
