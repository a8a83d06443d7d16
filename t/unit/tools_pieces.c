/* mailboxes that are read in pieces hold the messages that they hold when read whole */
#include "t/unit/tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "tools/pieces.h"

#define FROM "From jean@univ.example Thu Aug 22 12:36:23 2002"

struct seen {
    struct buf all; /* the messages, each with a mark behind it */
    size_t n, problems;
    char problem[200];
};

static void on_message(void *data, struct str raw)
{
    struct seen *seen = data;
    buf_add(&seen->all, raw);
    buf_add(&seen->all, STR("\1"));
    seen->n++;
}

static void on_problem(void *data, const char *text)
{
    struct seen *seen = data;
    seen->problems++;
    str_copy(str_sub(str_of(text), 0, sizeof seen->problem - 1), seen->problem,
             sizeof seen->problem);
}

static void seen_init(struct seen *seen)
{
    *seen = (struct seen){.all = BUF_INIT((size_t)512 << 20)};
}

static void read_all(struct pieces *pieces, struct seen *seen)
{
    struct piece_reader reader = {.on_message = on_message, .on_problem = on_problem, .data = seen};
    piece_reader_init(&reader);
    for (size_t i = 0; i < pieces->n; i++)
        piece_read(&reader, pieces, i);
    piece_reader_free(&reader);
}

static char path[] = "/tmp/poterne-pieces-XXXXXX";

static void write_file(struct str bytes)
{
    int fd = open(path, O_WRONLY | O_TRUNC);
    struct err err;
    assert_true(fd >= 0);
    assert_int_equal(fsio_write(fd, bytes, path, &err), 0);
    close(fd);
}

static void read_file(struct str bytes, struct seen *seen)
{
    struct pieces pieces = PIECES_INIT;
    struct err err = {""};
    write_file(bytes);
    seen_init(seen);
    if (pieces_add(&pieces, path, FILES_ALL, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(pieces.bytes, bytes.n);
    read_all(&pieces, seen);
    pieces_free(&pieces);
}

/* Lines that are no separators, and some that only look like one. */
static void put_message(struct buf *out, unsigned *seed, const char *end, size_t lines)
{
    static const char *const texts[] = {
        "a word or two", ">From quoted", "From here on", "", "Fro", ">>From twice", FROM " x", "-",
    };
    buf_addf(out, FROM "%sSubject: %u%s%s", end, *seed, end, end);
    for (size_t i = 0; i < lines; i++) {
        unsigned k = (unsigned)rand_r(seed) % 8;
        /* a separator's twin has a line before it */
        buf_addf(out, "%s%s%s%s", k == 6 ? "x" : "", k == 6 ? end : "", texts[k], end);
    }
    buf_add(out, str_of(end));
}

static void check_mailbox(struct str bytes)
{
    struct seen pieces, whole;
    struct str rest = bytes;
    struct buf message = BUF_INIT(bytes.n + 1);
    read_file(bytes, &pieces);
    seen_init(&whole);
    assert_true(mbox_is(bytes));
    while (mbox_next(&rest, &message))
        on_message(&whole, buf_str(&message));
    assert_int_equal(pieces.problems, 0);
    assert_int_equal(pieces.n, whole.n);
    assert_true(str_eq(buf_str(&pieces.all), buf_str(&whole.all)));
    buf_release(&message);
    buf_release(&pieces.all);
    buf_release(&whole.all);
}

static void pieces_hold_what_the_mailbox_holds(void **state)
{
    struct buf bytes = BUF_INIT((size_t)16 << 20);
    unsigned seed = 7;
    for (unsigned round = 0; round < 6; round++) {
        buf_clear(&bytes);
        for (unsigned i = 0; bytes.n < 3 * PIECE_BYTES; i++) /* some are larger than a piece */
            put_message(&bytes, &seed, round % 2 ? "\r\n" : "\n",
                        i == 5 && round > 3 ? 60000 : (unsigned)rand_r(&seed) % 200);
        assert_true(buf_ok(&bytes));
        check_mailbox(buf_str(&bytes));
    }
    buf_release(&bytes);
}

/* Whatever of it lies on the border between two pieces. */
static void a_separator_may_lie_anywhere(void **state)
{
    struct buf bytes = BUF_INIT((size_t)16 << 20);
    for (size_t shift = 0; shift < sizeof FROM + 8; shift++) {
        buf_clear(&bytes);
        buf_add(&bytes, STR(FROM "\nA: b\n\n"));
        while (bytes.n < PIECE_BYTES - shift - 2)
            buf_addc(&bytes, 'x');
        buf_add(&bytes, STR("\n\n" FROM "\r\nC: d\n\nsecond\n\n" FROM "\nE: f\n\n"));
        while (bytes.n < 2 * PIECE_BYTES)
            buf_addc(&bytes, 'y');
        check_mailbox(buf_str(&bytes));
    }
    buf_release(&bytes);
}

static void one_large_message_is_no_mailbox(void **state)
{
    struct buf bytes = BUF_INIT((size_t)16 << 20);
    struct seen seen;
    for (unsigned with_line = 0; with_line < 2; with_line++) {
        buf_clear(&bytes);
        buf_add(&bytes, with_line ? STR(FROM "\nA: b\n\n>From x\n") : STR("A: b\n\n>From x\n"));
        while (bytes.n < 3 * PIECE_BYTES)
            buf_add(&bytes, STR("some text\n"));
        read_file(buf_str(&bytes), &seen);
        assert_int_equal(seen.n, 1);
        assert_int_equal(seen.problems, 0);
        assert_true(str_starts(buf_str(&seen.all), STR("A: b\n\n>From x\n")));
        buf_release(&seen.all);
    }
    buf_release(&bytes);
}

static void what_is_too_large_is_left_out_and_told(void **state)
{
    struct buf bytes = BUF_INIT(2 * PIECE_MESSAGE_MAX);
    struct seen seen;
    buf_add(&bytes, STR(FROM "\nA: 1\n\nx\n\n" FROM "\nA: 2\n\n"));
    char *to = buf_room(&bytes, PIECE_MESSAGE_MAX);
    assert_non_null(to);
    memset(to, 'x', PIECE_MESSAGE_MAX);
    buf_filled(&bytes, PIECE_MESSAGE_MAX);
    buf_add(&bytes, STR("\n\n" FROM "\nA: 3\n\nx\n"));
    read_file(buf_str(&bytes), &seen);
    assert_int_equal(seen.n, 2);
    assert_int_equal(seen.problems, 1);
    assert_non_null(strstr(seen.problem, "larger than 128 MB"));
    assert_str(buf_str(&seen.all), "A: 1\n\nx\n\1A: 3\n\nx\n\1");
    buf_release(&seen.all);
    buf_release(&bytes);
}

static void what_has_gone_or_shrunk_is_told(void **state)
{
    struct pieces pieces = PIECES_INIT;
    struct buf bytes = BUF_INIT((size_t)16 << 20);
    struct err err = {""};
    struct seen seen;
    unsigned seed = 1;
    while (bytes.n < 2 * PIECE_BYTES)
        put_message(&bytes, &seed, "\n", 100);
    write_file(buf_str(&bytes));
    assert_int_equal(pieces_add(&pieces, path, FILES_ALL, &err), 0);
    assert_int_equal(truncate(path, PIECE_BYTES / 2), 0);
    seen_init(&seen);
    read_all(&pieces, &seen);
    assert_true(seen.problems > 0);
    buf_release(&seen.all);
    pieces_free(&pieces);
    buf_release(&bytes);
}

static void an_empty_mailbox_has_no_message(void **state)
{
    struct seen seen;
    read_file(STR_EMPTY, &seen);
    assert_int_equal(seen.n + seen.problems, 0);
    buf_release(&seen.all);
}

/* Learned as it is, it would be one message of noise. */
static void a_compressed_mailbox_is_told(void **state)
{
    static const struct {
        struct str bytes;
        const char *unpacker;
    } cases[] = {{STR("\x1f\x8b\x08\0rest"), "(gunzip)"},
                 {STR("BZh91AY&SYrest"), "(bunzip2)"},
                 {STR("\xfd"
                      "7zXZ\0rest"),
                  "(unxz)"},
                 {STR("\x28\xb5\x2f\xfdrest"), "(unzstd)"},
                 {STR("PK\x03\x04rest"), "(unzip)"}};
    struct seen seen;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        read_file(cases[i].bytes, &seen);
        assert_int_equal(seen.n, 0);
        assert_int_equal(seen.problems, 1);
        assert_non_null(strstr(seen.problem, cases[i].unpacker));
        buf_release(&seen.all);
    }
    read_file(STR("BZh9: a field of that name\n\nx\n"), &seen);
    assert_int_equal(seen.n, 1);
    buf_release(&seen.all);
}

static void standard_input_is_read_in_pieces_too(void **state)
{
    struct pieces pieces = PIECES_INIT;
    struct buf bytes = BUF_INIT((size_t)16 << 20);
    struct err err = {""};
    struct seen seen;
    unsigned seed = 3;
    size_t n = 0;
    for (; bytes.n < 2 * PIECE_BYTES; n++)
        put_message(&bytes, &seed, "\n", 100);
    write_file(buf_str(&bytes));
    assert_non_null(freopen(path, "r", stdin));
    assert_int_equal(pieces_add(&pieces, "-", FILES_ALL, &err), 0);
    assert_true(pieces.n > 1);
    assert_int_equal(pieces_add(&pieces, "-", FILES_ALL, &err), -1);
    seen_init(&seen);
    read_all(&pieces, &seen);
    assert_true(seen.n >= n);
    assert_int_equal(seen.problems, 0);
    buf_release(&seen.all);
    pieces_free(&pieces);
    buf_release(&bytes);
}

static int make_file(void **state)
{
    int fd = mkstemp(path);
    if (fd >= 0)
        close(fd);
    return fd < 0;
}

static int remove_file(void **state)
{
    return unlink(path);
}

/* --- two kinds in turns --- */

/* Of each kind so many pieces of so many bytes, the first kind first. */
static void pieces_of(struct pieces *pieces, const size_t n[2], const uint64_t size[2])
{
    *pieces = PIECES_INIT;
    pieces->list = calloc(n[0] + n[1], sizeof *pieces->list);
    assert_non_null(pieces->list);
    for (uint8_t kind = 0; kind < 2; kind++)
        for (size_t i = 0; i < n[kind]; i++)
            pieces->list[pieces->n++] =
                (struct piece){.file = i, .to = size[kind], .size = size[kind], .kind = kind};
    pieces->cap = pieces->n;
}

static void of_both_kinds_the_same_share_is_behind(void **state)
{
    const size_t n[2] = {300, 40};
    const uint64_t size[2] = {1000, 9000};
    size_t seen[2] = {0, 0};
    struct pieces pieces;
    struct err err;
    pieces_of(&pieces, n, size);
    assert_int_equal(pieces_interleave(&pieces, &err), 0);
    assert_int_equal(pieces.n, 340);
    for (size_t i = 0; i < pieces.n; i++) {
        uint8_t kind = pieces.list[i].kind;
        assert_int_equal(pieces.list[i].file, seen[kind]); /* each kind in its order */
        seen[kind]++;
        double first = (double)seen[0] / 300, second = (double)seen[1] / 40;
        assert_true(first - second < 0.03 && second - first < 0.03);
    }
    pieces_free(&pieces);
}

static void empty_files_and_one_kind_are_no_trouble(void **state)
{
    const size_t n[2] = {3, 3}, one[2] = {5, 0};
    const uint64_t size[2] = {0, 0};
    static const uint8_t turns[] = {0, 1, 0, 1, 0, 1};
    struct pieces pieces;
    struct err err;
    pieces_of(&pieces, n, size);
    assert_int_equal(pieces_interleave(&pieces, &err), 0);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(pieces.list[i].kind, turns[i]);
    pieces_free(&pieces);
    pieces_of(&pieces, one, size);
    assert_int_equal(pieces_interleave(&pieces, &err), 0);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(pieces.list[i].file, i);
    pieces_free(&pieces);
    pieces = PIECES_INIT;
    assert_int_equal(pieces_interleave(&pieces, &err), 0);
    pieces_free(&pieces);
}

/* Cut where two kinds are taken in turns, a mailbox holds what it holds otherwise. */
static void a_mailbox_may_be_cut_finer(void **state)
{
    struct buf bytes = BUF_INIT(8 * PIECE_BYTES);
    struct pieces pieces = PIECES_INIT;
    struct seen whole, fine;
    struct err err;
    unsigned seed = 5;
    while (bytes.n < 2 * PIECE_BYTES)
        put_message(&bytes, &seed, "\n", 40);
    read_file(buf_str(&bytes), &whole);
    pieces.cut_at = PIECE_TURN_BYTES;
    seen_init(&fine);
    assert_int_equal(pieces_add(&pieces, path, FILES_ALL, &err), 0);
    assert_true(pieces.n > 2 * PIECE_BYTES / PIECE_TURN_BYTES);
    read_all(&pieces, &fine);
    assert_true(str_eq(buf_str(&whole.all), buf_str(&fine.all)));
    assert_int_equal(whole.n, fine.n);
    assert_int_equal(fine.problems, 0);
    pieces_free(&pieces);
    buf_release(&whole.all);
    buf_release(&fine.all);
    buf_release(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_hold_what_the_mailbox_holds),
        cmocka_unit_test(a_separator_may_lie_anywhere),
        cmocka_unit_test(one_large_message_is_no_mailbox),
        cmocka_unit_test(what_is_too_large_is_left_out_and_told),
        cmocka_unit_test(what_has_gone_or_shrunk_is_told),
        cmocka_unit_test(an_empty_mailbox_has_no_message),
        cmocka_unit_test(a_compressed_mailbox_is_told),
        cmocka_unit_test(standard_input_is_read_in_pieces_too),
        cmocka_unit_test(of_both_kinds_the_same_share_is_behind),
        cmocka_unit_test(empty_files_and_one_kind_are_no_trouble),
        cmocka_unit_test(a_mailbox_may_be_cut_finer),
    };
    return tap_run(tests, make_file, remove_file);
}
