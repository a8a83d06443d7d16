#include "gateway/gate/proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define V2_FIXED      16 /* signature, version and command, family, length */
#define V2_VERSION    0x20
#define V2_LOCAL      0x0
#define V2_PROXY      0x1
#define V2_UNSPEC     0x00
#define V2_TCP4       0x11
#define V2_TCP6       0x21
#define V2_UNIX       0x31
#define V2_TCP4_BYTES 12
#define V2_TCP6_BYTES 36
#define V2_UNIX_BYTES 216
#define TLV_FIXED     3 /* type, length */
#define PORT_DIGITS   5

static const struct str v1_start = STR("PROXY ");
static const struct str v2_start = STR("\r\n\r\n\0\r\nQUIT\n");

/* Is one of them the beginning of the other? */
static bool agree(struct str in, struct str start)
{
    return str_starts(in, str_sub(start, 0, in.n));
}

static void set_four(struct sockaddr_storage *source, const void *address, uint16_t port)
{
    struct sockaddr_in *in = (struct sockaddr_in *)source;
    memset(source, 0, sizeof *source);
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    memcpy(&in->sin_addr, address, sizeof in->sin_addr);
}

static void set_six(struct sockaddr_storage *source, const void *address, uint16_t port)
{
    struct sockaddr_in6 *in = (struct sockaddr_in6 *)source;
    memset(source, 0, sizeof *source);
    in->sin6_family = AF_INET6;
    in->sin6_port = htons(port);
    memcpy(&in->sin6_addr, address, sizeof in->sin6_addr);
}

/* --- version 1: a line of text --- */

static bool read_port(struct str text, uint16_t *port)
{
    uint64_t value;
    bool zeros = text.n > 1 && text.s[0] == '0';
    if (text.n == 0 || text.n > PORT_DIGITS || zeros || !str_to_u64(text, UINT16_MAX, &value))
        return false;
    *port = (uint16_t)value;
    return true;
}

static bool read_address(int family, struct str text, unsigned char bytes[16])
{
    char name[INET6_ADDRSTRLEN];
    return text.n < sizeof name && str_copy(text, name, sizeof name) &&
           inet_pton(family, name, bytes) == 1;
}

/* "TCP4 SOURCE DESTINATION PORT PORT" */
static enum proxy_result read_words(struct str line, struct sockaddr_storage *source)
{
    struct str word[5];
    unsigned char from[16], to[16];
    uint16_t port, other;
    for (size_t i = 0; i < 5; i++) {
        size_t space = i < 4 ? str_chr(line, ' ') : line.n;
        if (space == STR_NONE)
            return PROXY_BAD;
        word[i] = str_sub(line, 0, space);
        line = str_from(line, space + 1);
    }
    bool four = str_eq(word[0], STR("TCP4"));
    int family = four ? AF_INET : AF_INET6;
    if ((!four && !str_eq(word[0], STR("TCP6"))) || !read_address(family, word[1], from) ||
        !read_address(family, word[2], to) || !read_port(word[3], &port) ||
        !read_port(word[4], &other))
        return PROXY_BAD;
    if (four)
        set_four(source, from, port);
    else
        set_six(source, from, port);
    return PROXY_KNOWN;
}

static enum proxy_result read_v1(struct str in, struct sockaddr_storage *source, size_t *used)
{
    struct str most = str_sub(in, 0, PROXY_V1_MAX);
    size_t end = str_find(most, STR("\r\n"));
    if (end == STR_NONE) {
        /* whatever a line holds but its end, it holds no LF, and a CR only in front of one */
        size_t cr = str_chr(most, '\r');
        bool wrong = str_chr(most, '\n') != STR_NONE || (cr != STR_NONE && cr + 1 < most.n);
        return wrong || in.n >= PROXY_V1_MAX ? PROXY_BAD : PROXY_MORE;
    }
    if (str_chr(str_sub(most, 0, end), '\r') != STR_NONE ||
        str_chr(str_sub(most, 0, end), '\n') != STR_NONE)
        return PROXY_BAD;
    *used = end + 2;
    struct str line = str_sub(most, v1_start.n, end);
    if (str_eq(line, STR("UNKNOWN")) || str_starts(line, STR("UNKNOWN ")))
        return PROXY_UNKNOWN;
    return read_words(line, source);
}

/* --- version 2: bytes --- */

static uint16_t number_at(struct str in, size_t at)
{
    return (uint16_t)((unsigned char)in.s[at] << 8 | (unsigned char)in.s[at + 1]);
}

static bool tlvs_fit(struct str in)
{
    while (in.n >= TLV_FIXED) {
        size_t n = number_at(in, 1);
        if (n > in.n - TLV_FIXED)
            return false;
        in = str_from(in, TLV_FIXED + n);
    }
    return in.n == 0;
}

static enum proxy_result read_client(unsigned family, struct str body,
                                     struct sockaddr_storage *source)
{
    switch (family) {
    case V2_UNSPEC:
        return PROXY_UNKNOWN;
    case V2_TCP4:
        if (body.n < V2_TCP4_BYTES || !tlvs_fit(str_from(body, V2_TCP4_BYTES)))
            return PROXY_BAD;
        set_four(source, body.s, number_at(body, 8));
        return PROXY_KNOWN;
    case V2_TCP6:
        if (body.n < V2_TCP6_BYTES || !tlvs_fit(str_from(body, V2_TCP6_BYTES)))
            return PROXY_BAD;
        set_six(source, body.s, number_at(body, 32));
        return PROXY_KNOWN;
    case V2_UNIX:
        return body.n < V2_UNIX_BYTES ? PROXY_BAD : PROXY_UNKNOWN;
    default: /* datagrams, and what nobody has defined */
        return PROXY_BAD;
    }
}

static enum proxy_result read_v2(struct str in, struct sockaddr_storage *source, size_t *used)
{
    if (in.n < V2_FIXED)
        return PROXY_MORE;
    unsigned command = (unsigned char)in.s[12];
    size_t n = number_at(in, 14);
    if ((command != (V2_VERSION | V2_LOCAL) && command != (V2_VERSION | V2_PROXY)) ||
        V2_FIXED + n > PROXY_MAX)
        return PROXY_BAD;
    if (in.n < V2_FIXED + n)
        return PROXY_MORE;
    *used = V2_FIXED + n;
    if (command == (V2_VERSION | V2_LOCAL))
        return PROXY_OWN;
    return read_client((unsigned char)in.s[13], str_sub(in, V2_FIXED, *used), source);
}

enum proxy_result proxy_read(struct str in, struct sockaddr_storage *source, size_t *used)
{
    *used = 0;
    bool one = agree(in, v1_start);
    if (!one && !agree(in, v2_start))
        return PROXY_BAD;
    if (in.n < v1_start.n)
        return PROXY_MORE;
    if (one)
        return read_v1(in, source, used);
    return in.n < v2_start.n ? PROXY_MORE : read_v2(in, source, used);
}
