/* The manifest of a backup: written and read, cut short, changed, and written by somebody hostile.
 */
#include "t/unit/tap.h"

#include <stdio.h>
#include <string.h>

#include "backup/manifest.h"

#define TEXT_MAX 100000

static struct piece piece_of(const char *path, uint32_t number, uint64_t size)
{
    struct piece piece = {.path = str_of(path),
                          .number = number,
                          .mode = 0640,
                          .size = size,
                          .owner = STR("poterne-edge:poterne")};
    memset(piece.sum, 'a' + (int)(size % 20), sizeof piece.sum);
    return piece;
}

static void add(struct manifest *m, const char *path, uint32_t number, uint64_t size)
{
    struct err err = {""};
    struct piece piece = piece_of(path, number, size);
    assert_int_equal(manifest_add(m, &piece, &err), 0);
}

static struct manifest *some(void)
{
    struct err err = {""};
    struct manifest *m = manifest_new(&err);
    assert_non_null(m);
    m->made = STR("2026-11-23T02:30:00Z");
    m->program = STR("0.1");
    m->hostname = STR("mx.univ.example");
    m->config = STR("/etc/poterne/poterne.conf");
    m->state_dir = STR("/var/lib/poterne");
    m->model = STR("model-412");
    return m;
}

static struct manifest *written_and_read(struct manifest *m, struct err *err)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    assert_int_equal(manifest_put(m, &text, err), 0);
    struct manifest *back = manifest_get(buf_str(&text), err);
    buf_release(&text);
    manifest_free(&m);
    return back;
}

static void what_is_written_is_read(void **state)
{
    struct err err = {""};
    struct manifest *m = some();
    add(m, "state/quarantine/01ARZ3NDEKTSV4RRFFQ69G5FAV", PIECE_WHOLE, 17);
    add(m, "state/journal/journal.sqlite", 1, 5);
    add(m, "state/journal/journal.sqlite", 0, PIECE_SIZE);
    add(m, "settings/etc/poterne/a file%20 of \xc3\xa9\x01", PIECE_WHOLE, 0);
    add(m, "state/gone", PIECE_WHOLE, 3);
    m->pieces[m->n - 1].dropped = true;
    m = written_and_read(m, &err);
    assert_non_null(m);
    assert_int_equal(m->n, 4);
    assert_str(m->made, "2026-11-23T02:30:00Z");
    assert_str(m->config, "/etc/poterne/poterne.conf");
    assert_str(m->model, "model-412");
    assert_str(m->pieces[0].path, "settings/etc/poterne/a file%20 of \xc3\xa9\x01");
    const struct piece *found = manifest_find(m, STR("state/journal/journal.sqlite"), 1);
    assert_non_null(found);
    assert_int_equal(found->size, 5);
    assert_int_equal(found->mode, 0640);
    assert_str(found->owner, "poterne-edge:poterne");
    assert_int_equal(found->sum[31], 'a' + 5);
    assert_null(manifest_find(m, STR("state/gone"), PIECE_WHOLE));
    manifest_free(&m);
}

static void folders_of_settings(void **state)
{
    static const char *const paths[] = {"settings/etc/poterne/lists", "settings/etc",
                                        "settings/etc/poterne", "settings/etc"};
    struct err err = {""};
    struct manifest *m = some();
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        const struct manifest_folder folder = {str_of(paths[i]), 0700 + (uint32_t)i, STR("a b:c")};
        assert_int_equal(manifest_add_folder(m, &folder, &err), 0);
    }
    m = written_and_read(m, &err);
    assert_non_null(m);
    assert_int_equal(m->n_folders, 3);
    assert_str(m->folders[0].path, "settings/etc");
    const struct manifest_folder *found = manifest_folder(m, STR("settings/etc/poterne"));
    assert_non_null(found);
    assert_int_equal(found->mode, 0702);
    assert_str(found->owner, "a b:c");
    assert_null(manifest_folder(m, STR("settings/etc/poterne/x")));
    manifest_free(&m);
    m = some();
    const struct manifest_folder outside = {STR("settings/../etc"), 0700, STR("a:b")};
    assert_int_equal(manifest_add_folder(m, &outside, &err), 0);
    assert_null(written_and_read(m, &err));
}

static void an_empty_one(void **state)
{
    struct err err = {""};
    struct manifest *m = written_and_read(some(), &err);
    assert_non_null(m);
    assert_int_equal(m->n, 0);
    assert_null(manifest_find(m, STR("state/a"), 0));
    manifest_free(&m);
}

/* Paths that would lead out, or name what no file is. */
static void paths_that_lead_outside(void **state)
{
    static const char *const bad[] = {
        "",           "state",           "state/",         "/etc/passwd", "state//a",
        "state/../a", "state/a/..",      "state/./a",      "other/a",     "../state/a",
        "state/a/",   "settings/../etc", "settings//etc/x"};
    struct err err = {""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(manifest_path_ok(str_of(bad[i])));
        struct manifest *m = some();
        add(m, bad[i], PIECE_WHOLE, 1);
        assert_null(written_and_read(m, &err));
    }
    assert_false(manifest_path_ok(str_n("state/a\0b", 9)));
    assert_true(manifest_path_ok(STR("state/..a/b..")));
    char deep[3 * MANIFEST_DEPTH_MAX + 10] = "state";
    for (size_t i = 0; i < MANIFEST_DEPTH_MAX; i++)
        memcpy(deep + 5 + 2 * i, "/a", 3);
    assert_false(manifest_path_ok(str_of(deep)));
    char longest[MANIFEST_PATH_MAX + 2] = "state/";
    memset(longest + 6, 'a', sizeof longest - 7);
    assert_false(manifest_path_ok(str_of(longest)));
}

/* The folder of the settings says what may be put back without being asked for. */
static void settings_are_named_by_a_whole_path(void **state)
{
    static const char *const bad[] = {"",        "/",         "poterne.conf",
                                      "../x",    "/etc/../x", "/etc/./x",
                                      "/etc//x", "//x",       "/etc/poterne/"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err err = {""};
        struct manifest *m = some();
        m->config = str_of(bad[i]);
        assert_null(written_and_read(m, &err));
        assert_non_null(strstr(err.text, "line 5 can't be meant"));
    }
    struct err err = {""};
    struct manifest *m = some();
    m->config = STR("/poterne.conf");
    m = written_and_read(m, &err);
    assert_non_null(m);
    manifest_free(&m);
}

static void pieces_that_do_not_follow(void **state)
{
    static const struct {
        uint32_t first;
        uint64_t size;
        uint32_t second;
    } cases[] = {{0, PIECE_SIZE, 2},
                 {1, PIECE_SIZE, 2},
                 {0, 10, 1},
                 {PIECE_WHOLE, 10, 0},
                 {PIECE_WHOLE, 10, PIECE_WHOLE},
                 {0, PIECE_SIZE, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err = {""};
        struct manifest *m = some();
        add(m, "state/a", cases[i].first, cases[i].size);
        add(m, "state/a", cases[i].second, 4);
        assert_null(written_and_read(m, &err));
        assert_non_null(strstr(err.text, "not in order, or pieces of one are missing"));
    }
}

/* Cut anywhere, or with any bit turned, it is none. */
static void damaged_ones(void **state)
{
    struct err err = {""};
    struct buf text = BUF_INIT(TEXT_MAX);
    struct manifest *m = some();
    add(m, "state/a", PIECE_WHOLE, 1);
    assert_int_equal(manifest_put(m, &text, &err), 0);
    manifest_free(&m);
    for (size_t n = 0; n < text.n; n++)
        assert_null(manifest_get(str_n(text.p, n), &err));
    for (size_t i = 0; i < text.n; i++) {
        text.p[i] ^= 1;
        m = manifest_get(buf_str(&text), &err);
        assert_null(m);
        text.p[i] ^= 1;
    }
    m = manifest_get(buf_str(&text), &err);
    assert_non_null(m);
    manifest_free(&m);
    buf_release(&text);
}

static void one_of_a_later_version(void **state)
{
    struct err err = {""};
    assert_null(manifest_get(STR("poterne backup 2\nwhatever\n"), &err));
    assert_non_null(strstr(err.text, "version 2, this poterne reads 1"));
    assert_null(manifest_get(STR("something else\n"), &err));
    assert_non_null(strstr(err.text, "no manifest of poterne"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(folders_of_settings),
        cmocka_unit_test(an_empty_one),
        cmocka_unit_test(paths_that_lead_outside),
        cmocka_unit_test(settings_are_named_by_a_whole_path),
        cmocka_unit_test(pieces_that_do_not_follow),
        cmocka_unit_test(damaged_ones),
        cmocka_unit_test(one_of_a_later_version),
    };
    return tap_run(tests, NULL, NULL);
}
