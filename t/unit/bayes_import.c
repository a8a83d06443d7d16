/* Portable text, and the dumps of other filters that are made into it. */
#include "t/unit/tap.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fsio.h"
#include "bayes/features/grams_pack.h"
#include "bayes/features/tokens.h"
#include "bayes/transfer/import.h"
#include "bayes/transfer/portable.h"

static int file_of(const char *text)
{
    struct err err;
    int fd = memfd_create("t", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fsio_pwrite(fd, str_of(text), 0, "t", &err), 0);
    return fd;
}

/* --- grams --- */

static void grams_travel_packed(void **state)
{
    static uint32_t grams[GRAMS_MAX], back[GRAMS_MAX];
    struct buf packed = BUF_INIT(GRAMS_PACKED_BYTES);
    size_t n;
    for (uint32_t i = 0; i < GRAMS_MAX; i++)
        grams[i] = i * 299 + (i == GRAMS_MAX - 1 ? 100 : 0);
    assert_true(grams_pack(&packed, grams, GRAMS_MAX));
    assert_true(buf_ok(&packed));
    assert_true(grams_unpack(buf_str(&packed), back, GRAMS_MAX, &n));
    assert_int_equal(n, GRAMS_MAX);
    assert_memory_equal(grams, back, sizeof grams);
    buf_clear(&packed);
    grams[0] = GRAM_WEIGHTS - 1;
    assert_true(grams_pack(&packed, grams, 1));
    assert_true(grams_unpack(buf_str(&packed), back, 1, &n) && n == 1 && back[0] == grams[0]);
    assert_true(grams_unpack(STR_EMPTY, back, 1, &n) && n == 0);
    buf_release(&packed);
}

static void bad_grams_are_refused(void **state)
{
    uint32_t list[4];
    size_t n;
    struct buf out = BUF_INIT(100);
    const uint32_t twice[] = {3, 3}, falling[] = {5, 4}, large[] = {GRAM_WEIGHTS};
    assert_false(grams_pack(&out, twice, 2) || grams_pack(&out, falling, 2) ||
                 grams_pack(&out, large, 1));
    assert_int_equal(out.n, 0);
    assert_false(grams_unpack(STR("\x80"), list, 4, &n));             /* cut short */
    assert_false(grams_unpack(STR("\x81\x00"), list, 4, &n));         /* longer than need be */
    assert_false(grams_unpack(STR("\x05\x00"), list, 4, &n));         /* the same twice */
    assert_false(grams_unpack(STR("\x80\x80\x40"), list, 4, &n));     /* too large */
    assert_false(grams_unpack(STR("\x80\x80\x80\x01"), list, 4, &n)); /* four bytes */
    assert_false(grams_unpack(STR("\1\1\1\1\1"), list, 4, &n));       /* more than fit */
    buf_release(&out);
}

/* --- portable text --- */

#define HEAD PORTABLE_FIRST "\ntotals\t3\t5\n"

/* 0: well to its end; -1 with err. *tokens are counted. */
static int read_text(const char *text, uint64_t *tokens, struct err *err)
{
    int fd = file_of(text);
    struct portable_in *in = malloc(sizeof *in);
    struct portable_record record;
    int got = portable_open(in, fd, "t", err);
    if (got == 0)
        while ((got = portable_next(in, &record, err)) > 0)
            ;
    *tokens = in->tokens;
    free(in);
    close(fd);
    return got;
}

static void bad(const char *text, const char *why)
{
    struct err err = {""};
    uint64_t tokens;
    if (read_text(text, &tokens, &err) != -1)
        fail_msg("taken: %s", text);
    if (strstr(err.text, why) == NULL)
        fail_msg("%s: expected %s, got %s", text, why, err.text);
}

static void portable_text_is_read(void **state)
{
    struct err err;
    uint64_t tokens;
    assert_int_equal(read_text(HEAD "token\t00000000000000ff\t1\t2\t20000\nweight\t1048575\t-7\n"
                                    "fusion\t0\t2147483647\nend\t5\n",
                               &tokens, &err),
                     0);
    assert_int_equal(tokens, 1);
    assert_int_equal(read_text(HEAD "end\t2\n", &tokens, &err), 0);
}

static void bad_portable_text_is_refused(void **state)
{
    bad("", "t:1: this is not");
    bad("poterne-learned\t2\n", "t:1: this is not");
    bad(PORTABLE_FIRST "\n", "malformed totals");
    bad(PORTABLE_FIRST "\ntotals\t3\n", "malformed totals");
    bad(PORTABLE_FIRST "\ntotals\t3\t4294967296\n", "malformed totals");
    bad(HEAD, "cut short");
    bad(HEAD "end\t2", "in the middle of a line");
    bad(HEAD "end\t3\n", "lines are missing");
    bad(HEAD "end\t2\nend\t3\n", "nothing may come after");
    bad(HEAD "token\t00000000000000ff\t4\t2\t20000\nend\t3\n", "t:3: malformed"); /* of 3 */
    bad(HEAD "token\t00000000000000ff\t0\t0\t20000\nend\t3\n", "malformed");
    bad(HEAD "token\t00000000000000fF\t1\t0\t20000\nend\t3\n", "malformed");
    bad(HEAD "token\tff\t1\t0\t20000\nend\t3\n", "malformed");
    bad(HEAD "token\t00000000000000ff\t1\t0\nend\t3\n", "malformed");
    bad(HEAD "token\t00000000000000ff\t1\t0\t1\t1\nend\t3\n", "malformed");
    bad(HEAD "token\t00000000000000ff\t-1\t0\t1\nend\t3\n", "malformed");
    bad(HEAD "weight\t1048576\t1\nend\t3\n", "malformed");
    bad(HEAD "weight\t1\t2147483648\nend\t3\n", "malformed");
    bad(HEAD "fusion\t99\t1\nend\t3\n", "malformed");
    bad(HEAD "else\t99\t1\nend\t3\n", "malformed");
    char *long_line = malloc(20000);
    memset(long_line, 'x', 19999);
    long_line[19998] = '\n';
    long_line[19999] = '\0';
    bad(long_line, "too long");
    free(long_line);
}

/* --- other filters --- */

static struct str convert_text(const char *text, struct import_words *words,
                               struct import_summary *summary, struct buf *out, struct err *err)
{
    int from = file_of(text), to = file_of("");
    int result = import_convert(from, "dump", words, to, "out", summary, err);
    buf_clear(out);
    if (result == 0)
        assert_int_equal(fsio_read_fd(to, out, "out", err), 0);
    close(from);
    close(to);
    return result == 0 ? buf_str(out) : STR_EMPTY;
}

static bool has_token(struct str text, const char *token, const char *counts)
{
    char line[128];
    snprintf(line, sizeof line, "token\t%016llx\t%s\n",
             (unsigned long long)tokens_hash(str_of(token)), counts);
    return str_find(text, str_of(line)) != STR_NONE;
}

static void bogofilters_tokens_go_where_ours_stand(void **state)
{
    struct err err;
    struct import_summary summary;
    struct buf room = BUF_INIT(100000);
    struct str out = convert_text(".MSG_COUNT 10 20 20261122\n"
                                  ".ENCODING 2 0 20261122\n"
                                  "subj:Free 3 0 19700111\n"
                                  "free 2 1 20261122\n"
                                  "FREE 9 20 20261122\n"
                                  "www.shop.example 4 5 20261122\n"
                                  "rcvd:mx.a.example 1 0 20261122\n"
                                  "head:mailman 0 7 20261122\n"
                                  "mime:x 0 7 20261122\n",
                                  NULL, &summary, &room, &err);
    assert_int_equal(summary.format, IMPORT_BOGOFILTER);
    assert_int_equal(summary.spam, 10);
    assert_int_equal(summary.ham, 20);
    assert_int_equal(summary.tokens, 5);
    assert_int_equal(summary.dropped, 2);
    assert_true(str_starts(out, STR(PORTABLE_FIRST "\ntotals\t10\t20\n")));
    assert_true(has_token(out, "subject:free", "3\t0\t10"));
    assert_true(has_token(out, "subject:Free", "3\t0\t10"));
    assert_true(has_token(out, "free", "10\t20\t20779")); /* no more than there are messages */
    assert_true(has_token(out, "FREE", "9\t20\t20779"));
    assert_true(has_token(out, "u:www.shop.example", "4\t5\t20779"));
    assert_true(has_token(out, "www.shop.example", "4\t5\t20779"));
    assert_true(has_token(out, "received:mx.a.example", "1\t0\t20779"));
    assert_true(str_find(out, STR("mailman")) == STR_NONE);
    buf_release(&room);
}

static struct import_words *words_of(const char *const *texts, size_t n)
{
    struct err err;
    struct feature list[16];
    struct features features = {.list = list, .n = n};
    struct import_words *words = import_words_new();
    for (size_t i = 0; i < n; i++)
        list[i] = (struct feature){tokens_hash(str_of(texts[i])), str_of(texts[i])};
    assert_int_equal(import_words_add(words, &features, &err), 0);
    assert_int_equal(import_words_add(words, &features, &err), 0);
    return words;
}

/* As SpamAssassin writes it. */
static void their_line(struct buf *dump, const char *token, const char *counts)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    assert_int_equal(EVP_Digest(token, strlen(token), sum, &n, EVP_sha1(), NULL), 1);
    buf_addf(dump, "t\t%s\t864000\t", counts);
    for (unsigned i = n - 5; i < n; i++)
        buf_addf(dump, "%02x", sum[i]);
    buf_addf(dump, "\n");
}

static void spamassassins_tokens_are_found_by_their_sums(void **state)
{
    static const char *const texts[] = {
        "free",           "subject:Offer",        "from:shop.example",
        "u:shop.example", "extraordinarily-long", "odd:zero width"};
    struct err err;
    struct import_summary summary;
    struct buf dump = BUF_INIT(100000), room = BUF_INIT(100000);
    struct import_words *words = words_of(texts, 6);
    buf_addf(&dump, "v\t3\tdb_version # this must be the first line!!!\n"
                    "v\t10\tnum_spam\nv\t20\tnum_nonspam\n");
    their_line(&dump, "free", "5\t1");
    their_line(&dump, "HSubject:Offer", "4\t2");
    their_line(&dump, "H*F:D*shop.example", "3\t0");
    their_line(&dump, "UD:shop.example", "2\t9");
    their_line(&dump, "sk:extraor", "1\t1");
    their_line(&dump, "unknown", "9\t9");
    buf_addf(&dump, "s\ts\t<x@y>\n");
    struct str out = convert_text(buf_cstr(&dump), words, &summary, &room, &err);
    assert_int_equal(summary.format, IMPORT_SPAMASSASSIN);
    assert_int_equal(summary.tokens, 5);
    assert_int_equal(summary.dropped, 1);
    assert_true(has_token(out, "free", "5\t1\t10"));
    assert_true(has_token(out, "subject:Offer", "4\t2\t10"));
    assert_true(has_token(out, "from:shop.example", "3\t0\t10"));
    assert_true(has_token(out, "u:shop.example", "2\t9\t10"));
    assert_true(has_token(out, "extraordinarily-long", "1\t1\t10"));
    import_words_free(&words);
    assert_null(words);
    assert_int_equal(convert_text(buf_cstr(&dump), NULL, &summary, &room, &err).n, 0);
    assert_non_null(strstr(err.text, "name mail of yours"));
    buf_release(&dump);
    buf_release(&room);
}

static void no_dump(const char *text, const char *why)
{
    static const char *const texts[] = {"free"};
    struct err err = {""};
    struct import_summary summary;
    struct buf room = BUF_INIT(100000);
    struct import_words *words = words_of(texts, 1);
    assert_int_equal(convert_text(text, words, &summary, &room, &err).n, 0);
    if (strstr(err.text, why) == NULL)
        fail_msg("%s: expected %s, got %s", text, why, err.text);
    import_words_free(&words);
    buf_release(&room);
}

static void what_is_no_dump_is_refused(void **state)
{
    no_dump("", "neither");
    no_dump("From a@b.example\n", "neither");
    no_dump("free 1 2\n", "neither");
    no_dump("free 1 2 20261122\n", "no .MSG_COUNT");
    no_dump("free 1 2 20261122\nfree one two 3\n", "dump:2: expected TOKEN");
    no_dump("free 1 99999999999 20261122\n", "expected TOKEN");
    no_dump("v\t2\tdb_version\n", "only backups of version 3");
    no_dump("v\t3\tdb_version\nt\t1\t2\t3\t012345678\n", "malformed token");
    no_dump("v\t3\tdb_version\nt\t1\t2\t3\n", "malformed");
    no_dump("v\t3\tdb_version\nx\t1\t2\t3\t4\n", "malformed");
    no_dump("v\t3\tdb_version\nv\tmany\tnum_spam\n", "malformed number");
    no_dump("v\t3\tdb_version\nv\t3\tnum_spam", "middle of a line");
}

/* Ours is only recognised, and can be read from where it stood. */
static void our_own_is_left_as_it_is(void **state)
{
    struct err err;
    struct import_summary summary;
    int from = file_of(HEAD "end\t2\n"), to = file_of("");
    assert_int_equal(import_convert(from, "t", NULL, to, "out", &summary, &err), 0);
    assert_int_equal(summary.format, IMPORT_POTERNE);
    assert_int_equal(lseek(from, 0, SEEK_CUR), 0);
    assert_int_equal(lseek(to, 0, SEEK_END), 0);
    assert_string_equal(import_format_text(summary.format), "poterne");
    close(from);
    close(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grams_travel_packed),
        cmocka_unit_test(bad_grams_are_refused),
        cmocka_unit_test(portable_text_is_read),
        cmocka_unit_test(bad_portable_text_is_refused),
        cmocka_unit_test(bogofilters_tokens_go_where_ours_stand),
        cmocka_unit_test(spamassassins_tokens_are_found_by_their_sums),
        cmocka_unit_test(what_is_no_dump_is_refused),
        cmocka_unit_test(our_own_is_left_as_it_is),
    };
    return tap_run(tests, NULL, NULL);
}
