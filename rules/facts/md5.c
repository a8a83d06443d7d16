#include "rules/facts/md5.h"

/* RFC 1321 3.4: 2^32 times the sine of 1 to 64. */
static const uint32_t sines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

static const unsigned char turns[4][4] = {{7, 12, 17, 22},
                                          {5, 9, 14, 20},
                                          {4, 11, 16, 23},
                                          {6, 10, 15, 21}};

static uint32_t turn_left(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

static uint32_t little32(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The function of the round, and which word of the block takes part in its step. */
static uint32_t mix(unsigned step, const uint32_t *s, unsigned *word)
{
    switch (step / 16) {
    case 0:
        *word = step;
        return (s[1] & s[2]) | (~s[1] & s[3]);
    case 1:
        *word = (5 * step + 1) % 16;
        return (s[3] & s[1]) | (~s[3] & s[2]);
    case 2:
        *word = (3 * step + 5) % 16;
        return s[1] ^ s[2] ^ s[3];
    default:
        *word = 7 * step % 16;
        return s[2] ^ (s[1] | ~s[3]);
    }
}

static void add_block(struct md5 *md5, const unsigned char *block)
{
    uint32_t s[4];
    memcpy(s, md5->state, sizeof s);
    for (unsigned step = 0; step < 64; step++) {
        unsigned word;
        uint32_t sum = s[0] + mix(step, s, &word) + sines[step];
        sum += little32(block + word * 4);
        s[0] = s[3];
        s[3] = s[2];
        s[2] = s[1];
        s[1] += turn_left(sum, turns[step / 16][step % 4]);
    }
    for (unsigned i = 0; i < 4; i++)
        md5->state[i] += s[i];
}

void md5_init(struct md5 *md5)
{
    *md5 = (struct md5){.state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}};
}

void md5_add(struct md5 *md5, struct str bytes)
{
    size_t held = md5->bytes % sizeof md5->block;
    md5->bytes += bytes.n;
    while (bytes.n) {
        if (held == 0 && bytes.n >= sizeof md5->block) {
            add_block(md5, (const unsigned char *)bytes.s);
            bytes = str_from(bytes, sizeof md5->block);
            continue;
        }
        size_t room = sizeof md5->block - held, n = bytes.n < room ? bytes.n : room;
        memcpy(md5->block + held, bytes.s, n);
        held += n;
        bytes = str_from(bytes, n);
        if (held == sizeof md5->block) {
            add_block(md5, md5->block);
            held = 0;
        }
    }
}

void md5_finish(struct md5 *md5, char hex[MD5_HEX + 1])
{
    static const char padding[64] = {(char)0x80};
    uint64_t bits = md5->bytes * 8;
    size_t held = md5->bytes % 64;
    char length[8];
    for (unsigned i = 0; i < 8; i++)
        length[i] = (char)(bits >> (8 * i));
    md5_add(md5, str_n(padding, held < 56 ? 56 - held : 120 - held));
    md5_add(md5, str_n(length, sizeof length));
    for (unsigned i = 0; i < 16; i++) {
        uint32_t byte = md5->state[i / 4] >> (8 * (i % 4)) & 0xff;
        hex[2 * i] = "0123456789ABCDEF"[byte >> 4];
        hex[2 * i + 1] = "0123456789ABCDEF"[byte & 15];
    }
    hex[MD5_HEX] = 0;
}
