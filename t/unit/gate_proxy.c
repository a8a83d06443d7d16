#include "t/unit/tap.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/buf.h"
#include "gateway/gate/proxy.h"

static void assert_source(const struct sockaddr_storage *source, const char *ip, unsigned port)
{
    char text[INET6_ADDRSTRLEN];
    const struct sockaddr_in *four = (const struct sockaddr_in *)source;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)source;
    bool is_four = source->ss_family == AF_INET;
    const void *bytes = is_four ? (const void *)&four->sin_addr : (const void *)&six->sin6_addr;
    assert_non_null(inet_ntop(source->ss_family, bytes, text, sizeof text));
    assert_string_equal(text, ip);
    assert_int_equal(ntohs(is_four ? four->sin_port : six->sin6_port), port);
}

/* The header, with bytes of SMTP behind it; every beginning of it asks for more. */
static void expect(struct str header, enum proxy_result result, const char *ip, unsigned port)
{
    struct buf in = BUF_INIT(PROXY_MAX + 100);
    struct sockaddr_storage source;
    size_t used;
    for (size_t n = 0; n < header.n; n++)
        assert_int_equal(proxy_read(str_sub(header, 0, n), &source, &used), PROXY_MORE);
    buf_add(&in, header);
    buf_add(&in, STR("EHLO x\r\n"));
    assert_int_equal(proxy_read(buf_str(&in), &source, &used), result);
    assert_int_equal(used, header.n);
    if (ip)
        assert_source(&source, ip, port);
    buf_release(&in);
}

static void expect_bad(struct str in)
{
    struct sockaddr_storage source;
    size_t used;
    assert_int_equal(proxy_read(in, &source, &used), PROXY_BAD);
}

static void version_1(void **state)
{
    expect(STR("PROXY TCP4 192.0.2.1 198.51.100.7 56324 25\r\n"), PROXY_KNOWN, "192.0.2.1", 56324);
    expect(STR("PROXY TCP6 2001:db8::1 2001:db8::2 0 65535\r\n"), PROXY_KNOWN, "2001:db8::1", 0);
    expect(STR("PROXY UNKNOWN\r\n"), PROXY_UNKNOWN, NULL, 0);
    expect(STR("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n"), PROXY_UNKNOWN,
           NULL, 0);
}

static void damaged_lines(void **state)
{
    expect_bad(STR("EHLO client.example\r\n"));
    expect_bad(STR("PROXX"));
    expect_bad(STR("proxy TCP4 192.0.2.1 198.51.100.7 1 25\r\n"));
    expect_bad(STR("PROXY TCP4 192.0.2.1 198.51.100.7 1 25\n"));
    expect_bad(STR("PROXY TCP4 192.0.2.1 198.51.100.7 1 25\rx"));
    expect_bad(STR("PROXY TCP4 192.0.2.1  198.51.100.7 1 25\r\n"));
    expect_bad(STR("PROXY TCP4 192.0.2.1 198.51.100.7 1 25 \r\n"));
    expect_bad(STR("PROXY TCP4 192.0.2.1 198.51.100.7 1\r\n"));
    expect_bad(STR("PROXY TCP4 192.0.2.1 198.51.100.7 1 65536\r\n"));
    expect_bad(STR("PROXY TCP4 192.0.2.1 198.51.100.7 01 25\r\n"));
    expect_bad(STR("PROXY TCP4 192.0.2.1 198.51.100.7 -1 25\r\n"));
    expect_bad(STR("PROXY TCP4 192.0.2.256 198.51.100.7 1 25\r\n"));
    expect_bad(STR("PROXY TCP4 2001:db8::1 2001:db8::2 1 25\r\n"));
    expect_bad(STR("PROXY TCP6 192.0.2.1 198.51.100.7 1 25\r\n"));
    expect_bad(STR("PROXY TCP4 192.0.2.1\0 198.51.100.7 1 25\r\n"));
    expect_bad(STR("PROXY UDP4 192.0.2.1 198.51.100.7 1 25\r\n"));
    expect_bad(STR("PROXY UNKNOWNX\r\n"));
    expect_bad(STR("PROXY UNKNOWN \nx\r\n"));
    expect_bad(STR("PROXY \r\n"));
}

static void a_line_has_an_end(void **state)
{
    struct buf in = BUF_INIT(1000);
    struct sockaddr_storage source;
    size_t used;
    buf_add(&in, STR("PROXY UNKNOWN "));
    while (in.n < PROXY_V1_MAX - 2)
        buf_addc(&in, 'x');
    assert_int_equal(proxy_read(buf_str(&in), &source, &used), PROXY_MORE);
    buf_add(&in, STR("\r\n"));
    assert_int_equal(proxy_read(buf_str(&in), &source, &used), PROXY_UNKNOWN);
    buf_cut(&in, in.n - 2);
    buf_add(&in, STR("x\r\n"));
    expect_bad(buf_str(&in));
    buf_release(&in);
}

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define FOUR      "\xc0\0\2\1\xc6\x33\x64\7\xdc\4\0\x19"
#define SIX       "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\2\xdc\4\0\x19"

static void version_2(void **state)
{
    expect(STR(SIGNATURE "\x21\x11\0\x0c" FOUR), PROXY_KNOWN, "192.0.2.1", 56324);
    expect(STR(SIGNATURE "\x21\x21\0\x24" SIX), PROXY_KNOWN, "2001:db8::1", 56324);
    expect(STR(SIGNATURE "\x20\0\0\0"), PROXY_OWN, NULL, 0);
    expect(STR(SIGNATURE "\x20\x11\0\x03xyz"), PROXY_OWN, NULL, 0);
    expect(STR(SIGNATURE "\x21\0\0\0"), PROXY_UNKNOWN, NULL, 0);
    expect(STR(SIGNATURE "\x21\0\0\2xx"), PROXY_UNKNOWN, NULL, 0);
    /* TLVs: PP2_TYPE_ALPN "h2", then an empty one */
    expect(STR(SIGNATURE "\x21\x11\0\x14" FOUR "\1\0\2h2\4\0\0"), PROXY_KNOWN, "192.0.2.1", 56324);
}

static void damaged_bytes(void **state)
{
    expect_bad(STR("\r\n\r\n\0\r\nQUIT\r\n"));
    expect_bad(STR(SIGNATURE "\x11\x11\0\x0c" FOUR));
    expect_bad(STR(SIGNATURE "\x22\x11\0\x0c" FOUR));
    expect_bad(STR(SIGNATURE "\x21\x12\0\x0c" FOUR));
    expect_bad(STR(SIGNATURE "\x21\x41\0\x0c" FOUR));
    expect_bad(STR(SIGNATURE "\x21\x11\0\x0b" FOUR));
    expect_bad(STR(SIGNATURE "\x21\x21\0\x0c" FOUR));
    expect_bad(STR(SIGNATURE "\x21\x31\0\x0c" FOUR));
    expect_bad(STR(SIGNATURE "\x21\x11\0\x0f" FOUR "\1\0\1"));
    expect_bad(STR(SIGNATURE "\x21\x11\0\x0e" FOUR "\1\0"));
    expect_bad(STR(SIGNATURE "\x21\x11\xff\xff"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_1),         cmocka_unit_test(damaged_lines),
        cmocka_unit_test(a_line_has_an_end), cmocka_unit_test(version_2),
        cmocka_unit_test(damaged_bytes),
    };
    return tap_run(tests, NULL, NULL);
}
