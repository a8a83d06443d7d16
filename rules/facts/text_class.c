#include "rules/facts/text_class.h"

#include "base/ascii.h"

size_t text_wide_blank(struct str x, size_t at)
{
    const unsigned char *p = (const unsigned char *)x.s + at;
    size_t left = x.n - at;
    if (left >= 2 && p[0] == 0xc2)
        return p[1] == 0x85 || p[1] == 0xa0 ? 2 : 0;
    if (left < 3)
        return 0;
    bool blank =
        (p[0] == 0xe2 && p[1] == 0x80 &&
         ((p[2] >= 0x80 && p[2] <= 0x8a) || p[2] == 0xa8 || p[2] == 0xa9 || p[2] == 0xaf)) ||
        (p[0] == 0xe2 && p[1] == 0x81 && p[2] == 0x9f) ||
        (p[0] == 0xe3 && p[1] == 0x80 && p[2] == 0x80) ||
        (p[0] == 0xe1 && p[1] == 0x9a && p[2] == 0x80);
    return blank ? 3 : 0;
}

size_t text_count(struct str x, bool wide, size_t *blanks)
{
    size_t n = 0;
    *blanks = 0;
    for (size_t i = 0; i < x.n; i++) {
        unsigned char c = (unsigned char)x.s[i];
        n += (c & 0xc0) != 0x80;
        if (c < 0x80)
            *blanks += ascii_is_space(x.s[i]);
        else if (wide && c >= 0xc2)
            *blanks += text_wide_blank(x, i) > 0;
    }
    return n;
}
