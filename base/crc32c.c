#include "base/crc32c.h"

#define NIBBLE_BITS 4

/* Remainders of the reflected polynomial 0x82f63b78 for every 4-bit value. */
static const uint32_t nibbles[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
    0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

uint32_t crc32c_portable(uint32_t before, struct str bytes)
{
    uint32_t crc = ~before;
    for (size_t i = 0; i < bytes.n; i++) {
        crc ^= (unsigned char)bytes.s[i];
        crc = (crc >> NIBBLE_BITS) ^ nibbles[crc & 15];
        crc = (crc >> NIBBLE_BITS) ^ nibbles[crc & 15];
    }
    return ~crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t before, struct str bytes)
{
    uint64_t crc = (uint32_t)~before;
    const char *p = bytes.s;
    size_t n = bytes.n;
    for (; n >= sizeof(uint64_t); n -= sizeof(uint64_t), p += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, p, sizeof word);
        crc = __builtin_ia32_crc32di(crc, word);
    }
    for (; n; n--, p++)
        crc = __builtin_ia32_crc32qi((uint32_t)crc, (unsigned char)*p);
    return ~(uint32_t)crc;
}

uint32_t crc32c(uint32_t before, struct str bytes)
{
    if (__builtin_cpu_supports("sse4.2"))
        return crc32c_sse42(before, bytes);
    return crc32c_portable(before, bytes);
}

#else

uint32_t crc32c(uint32_t before, struct str bytes)
{
    return crc32c_portable(before, bytes);
}

#endif
