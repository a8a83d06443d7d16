#include "tally/rua.h"

#include "base/ascii.h"
#include "mail/transfer.h"
#include "sender/tag.h"

static bool is_printable(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.s[i] <= ' ' || text.s[i] >= 127)
            return false;
    return text.n > 0;
}

/* "!10m" behind an URI (RFC 7489 6.3), taken off; what can't be read says nothing. */
static uint64_t take_size(struct str *uri)
{
    static const char units[] = "kmgt";
    size_t mark = str_rchr(*uri, '!');
    uint64_t number, unit = 1;
    if (mark == STR_NONE)
        return 0;
    struct str size = str_from(*uri, mark + 1);
    const char *at = size.n ? strchr(units, str_lower_char(size.s[size.n - 1])) : NULL;
    if (at && *at) {
        unit = (uint64_t)1 << (10 * (at - units + 1));
        size = str_sub(size, 0, size.n - 1);
    }
    if (!str_to_u64(size, (uint64_t)1 << 20, &number))
        return 0;
    *uri = str_sub(*uri, 0, mark);
    return number * unit;
}

/* No quoted local parts and no literals: nobody has such an address for reports, and what is
 * written into a header needs no quoting so. */
static bool is_plain_local(struct str local)
{
    static const char atext[] = "!#$%&'*+-/=?^_`{|}~.";
    for (size_t i = 0; i < local.n; i++)
        if (!ascii_is_alnum(local.s[i]) && !strchr(atext, local.s[i]))
            return false;
    return local.n > 0 && local.n <= 64 && local.s[0] != '.' && local.s[local.n - 1] != '.' &&
           str_find(local, STR("..")) == STR_NONE;
}

static bool read_mailto(struct str rest, struct rua *rua)
{
    char address[RUA_ADDRESS_MAX + 2];
    struct buf out = BUF_OVER(address);
    size_t question = str_chr(rest, '?');
    transfer_percent(str_sub(rest, 0, question == STR_NONE ? rest.n : question), &out);
    struct str text = buf_str(&out);
    size_t at = str_rchr(text, '@');
    if (!buf_ok(&out) || at == STR_NONE || text.n > RUA_ADDRESS_MAX || !is_printable(text) ||
        !is_plain_local(str_sub(text, 0, at)) ||
        !domain_normal(str_from(text, at + 1), rua->host) ||
        str_chr(str_of(rua->host), '.') == STR_NONE)
        return false;
    rua->way = RUA_MAILTO;
    return str_copy(text, rua->target, sizeof rua->target);
}

static bool read_https(struct str uri, struct str rest, struct rua *rua)
{
    size_t end = 0;
    while (end < rest.n && !memchr("/?#:", rest.s[end], 4))
        end++;
    if (!is_printable(uri) || !domain_normal(str_sub(rest, 0, end), rua->host))
        return false;
    rua->way = RUA_HTTPS;
    return str_copy(uri, rua->target, sizeof rua->target);
}

static bool read_uri(enum tally_kind kind, struct str uri, struct rua *rua)
{
    static const struct str mailto = STR("mailto:"), https = STR("https://");
    *rua = (struct rua){.size_max = take_size(&uri)};
    if (str_istarts(uri, mailto))
        return read_mailto(str_from(uri, mailto.n), rua);
    return kind == TALLY_TLS && str_istarts(uri, https) &&
           read_https(uri, str_from(uri, https.n), rua);
}

static void read_list(enum tally_kind kind, struct str value, struct rua_list *list)
{
    struct str uri;
    while (str_next(&value, ',', &uri)) {
        uri = str_trim(uri);
        if (uri.n == 0)
            continue;
        if (list->n < RUA_MAX && read_uri(kind, uri, &list->list[list->n]))
            list->n++;
        else
            list->passed_over++;
    }
}

bool rua_is_record(enum tally_kind kind, struct str record)
{
    struct str name, value;
    return tag_next(&record, &name, &value) && str_eq(name, STR("v")) &&
           str_eq(value, kind == TALLY_TLS ? STR("TLSRPTv1") : STR("DMARC1"));
}

bool rua_read(enum tally_kind kind, struct str record, struct rua_list *list)
{
    struct str name, value;
    bool seen = false;
    *list = (struct rua_list){.n = 0};
    if (!rua_is_record(kind, record))
        return false;
    while (tag_next(&record, &name, &value))
        if (!seen && str_ieq(name, STR("rua"))) {
            seen = true;
            read_list(kind, value, list);
        }
    return true;
}
