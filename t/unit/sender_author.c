/* author: which addresses a reader may take for the author's, and what is no From at all. */
#include "t/unit/tap.h"

#include <stdio.h>

#include "sender/author.h"

static bool is_jeans(void *data, struct str address)
{
    static const char *const own[] = {"jean@a.example", "press@a.example", "\"jean d\"@a.example"};
    (void)data;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (str_ieq(address, str_of(own[i])))
            return true;
    return false;
}

static enum author_result check(const char *header, char shown[64])
{
    struct buf out = {.p = shown, .cap = 64, .max = 63};
    enum author_result result = author_check(str_of(header), is_jeans, NULL, &out);
    buf_cstr(&out);
    return result;
}

static void expect(enum author_result wanted, const char *header, const char *address)
{
    char shown[64] = "";
    enum author_result got = check(header, shown);
    if (got != wanted || (address && strcmp(shown, address) != 0))
        fail_msg("%s: %d (%s), wanted %d (%s)", header, got, shown, wanted, address);
}

static void own_names(void **state)
{
    static const char *const fine[] = {
        "From: jean@a.example\r\n\r\n",
        "From: Jean <JEAN@A.example>\r\nSubject: x\r\n\r\nFrom: boss@a.example\r\n",
        "from : =?utf-8?q?Jean_=C3=A9?= <jean@a.example>\r\n",
        "From: \"'jean@a.example'\" <jean@a.example>\r\n",
        "From: \xe2\x80\x9cjean@a.example\xe2\x80\x9d <jean@a.example>\r\n",
        "From: =?utf-8?b?amVhbkBhLmV4YW1wbGU=?= <jean@a.example>\r\n",
        "From: Jean @ work <jean@a.example>\r\n",
        "From: @jean (on the net) <jean@a.example>\r\n",
        "From: jean@a.example,\r\n\tpress@a.example\r\nSender: press@a.example\r\n",
        "From: A group: jean@a.example, press@a.example;\r\n",
        "From: \"jean d\"@a.example\r\n",
        "Subject: x\r\nSender: jean@a.example\r\nFrom: jean@a.example (Jean)",
    };
    (void)state;
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
        expect(AUTHOR_FINE, fine[i], "");
}

static void other_names(void **state)
{
    static const struct {
        const char *header, *shown;
    } tries[] = {
        {"From: boss@a.example\r\n", "boss@a.example"},
        {"From: jean@a.example, boss@a.example\r\n", "boss@a.example"},
        {"From: jean@a.example; boss@a.example\r\n", "boss@a.example"},
        {"From: <jean@a.example> <boss@a.example>\r\n", "boss@a.example"},
        {"From: Us: jean@a.example, boss@a.example;\r\n", "boss@a.example"},
        {"From: boss@a.example <jean@a.example>\r\n", "boss@a.example"},
        {"From: \"boss@a.example\" <jean@a.example>\r\n", "boss@a.example"},
        {"From: \"'boss@a.example'\" <jean@a.example>\r\n", "'boss@a.example"},
        {"From: jean@a.example (boss@a.example)\r\n", "boss@a.example"},
        {"From: =?utf-8?q?boss=40a=2Eexample?= <jean@a.example>\r\n", "boss@a.example"},
        {"From: =?utf-8?b?Ym9zc0BhLmV4YW1wbGU=?= <jean@a.example>\r\n", "boss@a.example"},
        {"From: =?utf-8?q?boss?=\r\n =?x?q?=40a.example?= <jean@a.example>\r\n", "boss@a.example"},
        {"From: \xe2\x80\x9c"
         "boss@a.example\xe2\x80\x9d <jean@a.example>\r\n",
         "\xe2\x80\x9c"
         "boss@a.example"},
        {"From: jean@a.example\r\nSender: boss@a.example\r\n", "boss@a.example"},
        {"From: jean@a.example.evil.example\r\n", "jean@a.example.evil.example"},
        {"Junk\r\nFrom: boss@a.example\r\n", "boss@a.example"},
        {"From: \"boss\"@a.example <jean@a.example>\r\n", "\"boss\"@a.example"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++)
        expect(AUTHOR_DENIED, tries[i].header, tries[i].shown);
}

static void no_name(void **state)
{
    static const struct {
        enum author_result result;
        const char *header;
    } tries[] = {
        {AUTHOR_MISSING, ""},
        {AUTHOR_MISSING, "Subject: x\r\n\r\nFrom: jean@a.example\r\n"},
        {AUTHOR_MISSING, "Sender: jean@a.example\r\n"},
        {AUTHOR_MISSING, "X-From: jean@a.example\r\n"},
        {AUTHOR_TWICE, "From: jean@a.example\r\nFrom: jean@a.example\r\n"},
        {AUTHOR_TWICE, "From: jean@a.example\r\nX: y\r\nfrom: boss@a.example\r\n"},
        {AUTHOR_TWICE, "Sender: jean@a.example\r\nFrom: jean@a.example\r\nSender: x@y.example\r\n"},
        {AUTHOR_MALFORMED, "From:\r\n"},
        {AUTHOR_MALFORMED, "From: Jean\r\n"},
        {AUTHOR_MALFORMED, "From: jean@\r\n"},
        {AUTHOR_MALFORMED, "From: <>\r\n"},
        {AUTHOR_MALFORMED, "From: undisclosed:;\r\n"},
        {AUTHOR_MALFORMED, "From: <@x.example:jean@a.example>\r\n"},
        {AUTHOR_MALFORMED, "From: boss@a.example@a.example\r\n"},
        {AUTHOR_MALFORMED, "From: =?utf-8?q?boss=40a.example?=\r\n"},
        {AUTHOR_MALFORMED, "From: <=?utf-8?q?boss=40a.example?=>\r\n"},
        {AUTHOR_MALFORMED, "From: jean@a.example\r\nSender: jean@a.example, press@a.example\r\n"},
        {AUTHOR_MALFORMED, " From: boss@a.example\r\nFrom: jean@a.example\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++)
        expect(tries[i].result, tries[i].header, "");
}

static void a_long_one(void **state)
{
    struct buf header = BUF_INIT(2 * AUTHOR_FIELD_MAX);
    char shown[64];
    (void)state;
    buf_add(&header, STR("From: jean@a.example"));
    while (header.n < AUTHOR_FIELD_MAX)
        buf_add(&header, STR(",\r\n jean@a.example"));
    assert_int_equal(check(buf_cstr(&header), shown), AUTHOR_MALFORMED);
    buf_cut(&header, AUTHOR_FIELD_MAX / 2);
    buf_add(&header, STR(",\r\n jean@a.example\r\n"));
    size_t comma = str_rchr(str_sub(buf_str(&header), 0, AUTHOR_FIELD_MAX / 2), ',');
    buf_cut(&header, comma);
    assert_int_equal(check(buf_cstr(&header), shown), AUTHOR_FINE);
    buf_release(&header);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_names),
        cmocka_unit_test(other_names),
        cmocka_unit_test(no_name),
        cmocka_unit_test(a_long_one),
    };
    return tap_run(tests, NULL, NULL);
}
