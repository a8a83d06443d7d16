#include "directory/ldap/filter.h"

#include "base/ascii.h"

void ldap_filter_value(struct buf *out, struct str value)
{
    for (size_t i = 0; i < value.n; i++) {
        char c = value.s[i];
        if (ascii_is_alnum(c) || (c && strchr("@.-_+", c)))
            buf_addc(out, c);
        else
            buf_addf(out, "\\%02x", (unsigned)(unsigned char)c);
    }
}

void ldap_filter_make(struct buf *out, const char *template, const struct address *address)
{
    struct str whole = str_of(address->text);
    for (const char *p = template; *p; p++) {
        if (*p != '%' || p[1] == '\0') {
            buf_addc(out, *p);
            continue;
        }
        switch (*++p) {
        case 'a':
            ldap_filter_value(out, whole);
            break;
        case 'u':
            ldap_filter_value(out, str_sub(whole, 0, address->local_n));
            break;
        case 'd':
            ldap_filter_value(out, address_domain(address));
            break;
        default:
            buf_addc(out, *p);
        }
    }
}
