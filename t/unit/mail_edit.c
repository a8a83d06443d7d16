#include "t/unit/tap.h"

#include "mail/edit.h"

#define POOL_MAX (64 * 1024 * 1024)
#define OUT_MAX  (32 * 1024 * 1024)

static struct str edited(struct pool *pool, struct str raw, const char *tag, const char *top,
                         struct buf *out)
{
    struct message *m = NULL;
    struct edits edits;
    struct err err;
    assert_int_equal(message_parse(pool, raw, &mail_limits_default, &m, &err), 0);
    assert_int_equal(edits_make(pool, m, str_of(tag), &edits, &err), 0);
    if (top)
        assert_int_equal(edits_insert_top(pool, &edits, str_of(top), &err), 0);
    uint64_t end = 0;
    for (size_t i = 0; i < edits.n; i++) {
        assert_true(edits.list[i].at >= end);
        end = edits.list[i].at + edits.list[i].remove;
    }
    assert_true(edits.n <= EDITS_MAX);
    assert_true(end <= raw.n);
    edits_apply(&edits, raw, out);
    assert_true(buf_ok(out));
    return buf_str(out);
}

static void check_top(const char *raw, const char *tag, const char *top, const char *expected)
{
    struct pool *pool = pool_new(POOL_MAX);
    struct buf out = BUF_INIT(OUT_MAX);
    struct str got = edited(pool, str_of(raw), tag, top, &out);
    if (!str_eq(got, str_of(expected)))
        fail_msg("\"%s\" became \"%.*s\"", raw, STR_ARG(got));
    buf_release(&out);
    pool_free(&pool);
}

static void check(const char *raw, const char *expected)
{
    check_top(raw, "[SPAM] ", NULL, expected);
}

static void nothing_to_edit(void **state)
{
    check_top("Subject: x\r\n\r\nX-Spam-Flag: YES\r\n", "", NULL,
              "Subject: x\r\n\r\nX-Spam-Flag: YES\r\n");
}

static void our_own_fields_are_removed(void **state)
{
    check_top("x-spam-flag: YES\r\nA: b\r\nX-Spam-Score : 9\r\n\tfold\r\nX-POTERNE-Id: 1\r\n"
              "X-Spam-Status:\r\nX-Spam-Level: *\r\nX-Spam-Checker-Version: 1\r\n"
              "X-Spam-Other: kept\r\n\r\nbody",
              "", NULL, "A: b\r\nX-Spam-Other: kept\r\n\r\nbody");
    check_top("X-Spam-Flag: NO\n\n", "", NULL, "\n");
    check_top("X-Spam-Flag: NO", "", NULL, "");
}

static void subject_is_tagged(void **state)
{
    check("Subject: buy now\r\n\r\nb", "Subject: [SPAM] buy now\r\n\r\nb");
    check("subject:buy now\r\n\r\n", "subject: [SPAM] buy now\r\n\r\n");
    check("Subject:\tbuy\r\n now\r\n\r\n", "Subject:\t[SPAM] buy\r\n now\r\n\r\n");
    check("Subject: =?utf-8?q?caf=C3=A9?=\r\n =?utf-8?q?x?=\r\n\r\n",
          "Subject: [SPAM] =?utf-8?q?caf=C3=A9?=\r\n =?utf-8?q?x?=\r\n\r\n");
    check("Subject: x\n\nbody\n", "Subject: [SPAM] x\n\nbody\n");
}

static void empty_and_folded_subjects(void **state)
{
    check("Subject:\r\nA: b\r\n\r\n", "Subject: [SPAM]\r\nA: b\r\n\r\n");
    check("Subject: \r\n\r\n", "Subject: [SPAM]\r\n\r\n");
    check("Subject:\r\n =?utf-8?q?x?=\r\n\r\n", "Subject: [SPAM]\r\n =?utf-8?q?x?=\r\n\r\n");
    check("Subject:", "Subject: [SPAM]");
}

static void subject_is_not_tagged_twice(void **state)
{
    check("Subject: [SPAM] x\r\n\r\n", "Subject: [SPAM] x\r\n\r\n");
    check("Subject: [spam]x\r\n\r\n", "Subject: [spam]x\r\n\r\n");
    check("Subject: =?utf-8?q?=5BSPAM=5D_x?=\r\n\r\n", "Subject: =?utf-8?q?=5BSPAM=5D_x?=\r\n\r\n");
    check("Subject: =?utf-8?b?W1NQ?=\r\n =?utf-8?b?QU1dIHg=?=\r\n\r\n",
          "Subject: =?utf-8?b?W1NQ?=\r\n =?utf-8?b?QU1dIHg=?=\r\n\r\n");
    check("Subject: Re: [SPAM] x\r\n\r\n", "Subject: [SPAM] Re: [SPAM] x\r\n\r\n");
}

static void each_subject_is_tagged(void **state)
{
    check("Subject: a\r\nSubject: [SPAM] b\r\nSUBJECT : c\r\n\r\n",
          "Subject: [SPAM] a\r\nSubject: [SPAM] b\r\nSUBJECT : [SPAM] c\r\n\r\n");
}

static void missing_subject_is_added(void **state)
{
    check("A: b\r\n\r\nbody", "A: b\r\nSubject: [SPAM]\r\n\r\nbody");
    check("\r\nbody", "Subject: [SPAM]\r\n\r\nbody");
    check("A: b", "A: b\r\nSubject: [SPAM]\r\n");
    check("", "Subject: [SPAM]\r\n");
    check("X-Spam-Flag: NO\r\n\r\nbody", "Subject: [SPAM]\r\n\r\nbody");
}

static void lines_go_to_the_top(void **state)
{
    check_top("A: b\r\n\r\nbody", "", "X: y\r\n", "X: y\r\nA: b\r\n\r\nbody");
    check_top("From x Mon\r\nA: b\r\n\r\nbody", "", "X: y\r\n",
              "From x Mon\r\nX: y\r\nA: b\r\n\r\nbody");
    check_top("X-Spam-Flag: NO\r\nA: b\r\n\r\n", "", "X-Spam-Flag: YES\r\n",
              "X-Spam-Flag: YES\r\nA: b\r\n\r\n");
    check_top("", "[S]", "X: y\r\n", "X: y\r\nSubject: [S]\r\n");
}

static void header_gets_its_end(void **state)
{
    check_top("just text\r\nmore", "", "X: y\r\n", "X: y\r\n\r\njust text\r\nmore");
    check_top("A: b\r\ntext\r\n\r\nmore", "", "X: y\r\n", "X: y\r\nA: b\r\n\r\ntext\r\n\r\nmore");
    check("A: b\r\ntext\r\n", "A: b\r\nSubject: [SPAM]\r\n\r\ntext\r\n");
}

static void tags_outside_ascii_are_encoded(void **state)
{
    check_top("Subject: x\r\n\r\n", "[INDÉSIRABLE] ", NULL,
              "Subject: =?UTF-8?Q?=5BIND=C3=89SIRABLE=5D?= x\r\n\r\n");
    check_top("Subject: =?utf-8?q?x?=\r\n\r\n", "[É] ", NULL,
              "Subject: =?UTF-8?Q?=5B=C3=89=5D_?= =?utf-8?q?x?=\r\n\r\n");
    check_top("Subject: x\r\n\r\n", "[A\r\nB: c]", NULL, "Subject: [AB: c] x\r\n\r\n");
}

static void long_lines_are_folded(void **state)
{
    struct pool *pool = pool_new(POOL_MAX);
    struct buf raw = BUF_INIT(10000), out = BUF_INIT(20000);
    buf_add(&raw, STR("Subject: "));
    while (raw.n < 997)
        buf_addc(&raw, 'x');
    buf_add(&raw, STR("\r\n\r\n"));
    struct str got = edited(pool, buf_str(&raw), "[SPAM] ", NULL, &out);
    assert_true(str_starts(got, STR("Subject: [SPAM]\r\n xxx")));
    buf_release(&raw);
    buf_release(&out);
    pool_free(&pool);
}

/* More fields to remove than edits: every other line of 20 MB. */
static void a_header_full_of_forgeries(void **state)
{
    struct pool *pool = pool_new(POOL_MAX);
    struct buf raw = BUF_INIT(OUT_MAX), out = BUF_INIT(OUT_MAX), want = BUF_INIT(OUT_MAX);
    while (raw.n < 4 * 1024 * 1024) {
        buf_add(&raw, STR("X-Spam-Flag: NO\r\nA: b\r\n"));
        buf_add(&want, STR("A: b\r\n"));
    }
    buf_add(&raw, STR("Subject: x\r\n\r\nX-Spam-Flag: body\r\n"));
    buf_add(&want, STR("Subject: [SPAM] x\r\n\r\nX-Spam-Flag: body\r\n"));
    struct str got = edited(pool, buf_str(&raw), "[SPAM] ", "", &out);
    assert_true(str_eq(got, buf_str(&want)));
    buf_release(&raw);
    buf_release(&out);
    buf_release(&want);
    pool_free(&pool);
}

static void a_header_full_of_subjects(void **state)
{
    struct pool *pool = pool_new(POOL_MAX);
    struct buf raw = BUF_INIT(OUT_MAX), out = BUF_INIT(OUT_MAX);
    while (raw.n < 1024 * 1024)
        buf_add(&raw, STR("Subject: x\r\n"));
    buf_add(&raw, STR("\r\nbody"));
    struct str got = edited(pool, buf_str(&raw), "[SPAM] ", NULL, &out);
    assert_true(str_ends(got, STR("Subject: [SPAM] x\r\n\r\nbody")));
    assert_int_equal(str_find(got, STR("Subject: x")), STR_NONE);
    buf_release(&raw);
    buf_release(&out);
    pool_free(&pool);
}

static void a_small_pool_fails_cleanly(void **state)
{
    struct str raw = STR("X-Spam-Flag: a\r\nSubject: =?utf-8?q?a?=\r\n =?utf-8?q?b?=\r\n\r\n");
    int failed = 0;
    for (size_t max = 0; max < 8000; max += 16) {
        struct pool *pool = pool_new(max);
        struct message *m = NULL;
        struct edits edits;
        struct err err = {""};
        if (message_parse(pool, raw, &mail_limits_default, &m, &err) == 0 &&
            (edits_make(pool, m, STR("[SPAM]"), &edits, &err) < 0 ||
             edits_insert_top(pool, &edits, STR("A: b\r\n"), &err) < 0)) {
            assert_true(err.text[0]);
            failed++;
        }
        pool_free(&pool);
    }
    assert_true(failed > 0 && failed < 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_to_edit),
        cmocka_unit_test(our_own_fields_are_removed),
        cmocka_unit_test(subject_is_tagged),
        cmocka_unit_test(empty_and_folded_subjects),
        cmocka_unit_test(subject_is_not_tagged_twice),
        cmocka_unit_test(each_subject_is_tagged),
        cmocka_unit_test(missing_subject_is_added),
        cmocka_unit_test(lines_go_to_the_top),
        cmocka_unit_test(header_gets_its_end),
        cmocka_unit_test(tags_outside_ascii_are_encoded),
        cmocka_unit_test(long_lines_are_folded),
        cmocka_unit_test(a_header_full_of_forgeries),
        cmocka_unit_test(a_header_full_of_subjects),
        cmocka_unit_test(a_small_pool_fails_cleanly),
    };
    return tap_run(tests, NULL, NULL);
}
