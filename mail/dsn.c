#include "mail/dsn.h"

#include "base/ascii.h"
#include "mail/utf8.h"

#define POINT_DIGITS_MAX 6 /* of \x{10FFFF} */

/* --- NOTIFY, RET --- */

static const struct {
    struct str name;
    unsigned bit;
} events[] = {
    {STR("NEVER"), DSN_NEVER},
    {STR("SUCCESS"), DSN_SUCCESS},
    {STR("FAILURE"), DSN_FAILURE},
    {STR("DELAY"), DSN_DELAY},
};

static unsigned event_bit(struct str name)
{
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        if (str_ieq(name, events[i].name))
            return events[i].bit;
    return 0;
}

bool dsn_notify_read(struct str text, unsigned *notify)
{
    *notify = 0;
    for (;;) {
        size_t comma = str_chr(text, ',');
        unsigned bit = event_bit(str_sub(text, 0, comma));
        if (bit == 0 || (*notify & bit))
            return false;
        *notify |= bit;
        if (comma == STR_NONE)
            break;
        text = str_from(text, comma + 1);
    }
    return !(*notify & DSN_NEVER) || *notify == DSN_NEVER;
}

void dsn_notify_put(unsigned notify, struct buf *out)
{
    const char *before = "";
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        if (notify & events[i].bit) {
            buf_addf(out, "%s%.*s", before, STR_ARG(events[i].name));
            before = ",";
        }
}

bool dsn_wants(unsigned notify, unsigned what)
{
    return (notify ? notify : DSN_FAILURE | DSN_DELAY) & what;
}

unsigned dsn_without_success(unsigned notify)
{
    return notify == DSN_SUCCESS ? DSN_NEVER : notify & ~DSN_SUCCESS;
}

bool dsn_ret_read(struct str text, enum dsn_ret *ret)
{
    *ret = str_ieq(text, STR("FULL"))   ? DSN_RET_FULL
           : str_ieq(text, STR("HDRS")) ? DSN_RET_HDRS
                                        : DSN_RET_UNSAID;
    return *ret != DSN_RET_UNSAID;
}

/* --- xtext --- */

/* 0..15, or -1: small letters are none (RFC 3461 4) */
static int upper_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte of "+XY" at `at`, or -1. */
static int hex_char(struct str text, size_t at)
{
    if (at + 3 > text.n)
        return -1;
    int high = upper_digit(text.s[at + 1]), low = upper_digit(text.s[at + 2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* It stands for printable ASCII and nothing else, so that it may be shown in a field. */
static bool xtext_valid(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        int c = text.s[i] == '+' ? hex_char(text, i) : (unsigned char)text.s[i];
        bool coded = text.s[i] == '+';
        if (c < ' ' || c > '~' || (!coded && (c == ' ' || c == '=')))
            return false;
        i += coded ? 2 : 0;
    }
    return text.n > 0;
}

void dsn_xtext_decode(struct str text, struct buf *out)
{
    for (size_t i = 0; i < text.n; i++) {
        int c = text.s[i] == '+' ? hex_char(text, i) : -1;
        buf_addc(out, c < 0 ? text.s[i] : (char)c);
        i += c < 0 ? 0 : 2;
    }
}

bool dsn_envid_valid(struct str text)
{
    return text.n <= DSN_ENVID_MAX && xtext_valid(text);
}

/* --- ORCPT --- */

/* "\x{E9}" at *at, of which this moves to the last byte (RFC 6533 3, EmbeddedUnicodeChar). */
static bool embedded_valid(struct str text, size_t *at)
{
    struct str rest = str_from(text, *at);
    size_t close = str_chr(rest, '}');
    uint32_t point = 0;
    if (!str_starts(rest, STR("\\x{")) || close == STR_NONE || close < 5 ||
        close > 3 + POINT_DIGITS_MAX || rest.s[3] == '0')
        return false;
    for (size_t i = 3; i < close; i++) {
        int digit = upper_digit(rest.s[i]);
        if (digit < 0)
            return false;
        point = point << 4 | (uint32_t)digit;
    }
    *at += close;
    bool control = point < ' ' || (point >= 0x7f && point < 0xa0);
    return !control && point <= 0x10ffff && (point < 0xd800 || point >= 0xe000);
}

/* utf-8-addr-xtext, with `utf8` utf-8-addr-unitext */
static bool utf8_address_valid(struct str text, bool utf8)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.s[i];
        if (c >= 0x80 && utf8) {
            uint32_t point = utf8_next(text, &i);
            if (point == UTF8_BAD || point < 0xa0)
                return false;
            i--;
        } else if (c == '\\' ? !embedded_valid(text, &i)
                             : c <= ' ' || c > '~' || c == '+' || c == '=') {
            return false;
        }
    }
    return text.n > 0;
}

static bool type_valid(struct str type)
{
    for (size_t i = 0; i < type.n; i++)
        if (!ascii_is_alnum(type.s[i]) && type.s[i] != '-' && type.s[i] != '.' && type.s[i] != '_')
            return false;
    return type.n > 0;
}

void dsn_orcpt_split(struct str orcpt, struct str *type, struct str *address)
{
    size_t end = str_chr(orcpt, ';');
    *type = str_sub(orcpt, 0, end);
    *address = end == STR_NONE ? STR_EMPTY : str_from(orcpt, end + 1);
}

void dsn_orcpt_put(struct str orcpt, bool utf8, struct buf *out)
{
    for (size_t at = 0; at < orcpt.n;) {
        size_t from = at;
        uint32_t point = utf8_next(orcpt, &at);
        if (point < 0x80 || utf8)
            buf_add(out, str_sub(orcpt, from, at));
        else
            buf_addf(out, "\\x{%02X}", (unsigned)point);
    }
}

bool dsn_orcpt_valid(struct str text, bool utf8)
{
    struct str type, address;
    dsn_orcpt_split(text, &type, &address);
    if (text.n > DSN_ORCPT_MAX || !type_valid(type))
        return false;
    return str_ieq(type, STR("utf-8")) ? utf8_address_valid(address, utf8) : xtext_valid(address);
}
