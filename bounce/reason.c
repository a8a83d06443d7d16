#include "bounce/reason.h"

#include <stdio.h>

#include "base/ascii.h"
#include "base/network.h"

#define UNPROVED   "4.7.5" /* RFC 3463 3.8: said by us, of TLS */
#define EXPIRED    "4.4.7" /* 3.5 */
#define NOT_SECURE ".7.30" /* RFC 8689 7.2, of any class */
#define CODE_LEN   3
#define NUMBER_MAX 3 /* digits */

static bool takes_code(struct str *rest, char *class)
{
    bool is_code = rest->n >= CODE_LEN && rest->s[0] >= '2' && rest->s[0] <= '5' &&
                   ascii_is_digit(rest->s[1]) && ascii_is_digit(rest->s[2]) &&
                   (rest->n == CODE_LEN || rest->s[CODE_LEN] == ' ');
    if (!is_code)
        return false;
    *class = rest->s[0];
    *rest = str_trim(str_from(*rest, CODE_LEN));
    return true;
}

static size_t digits(struct str x, size_t at)
{
    size_t n = 0;
    while (at + n < x.n && n <= NUMBER_MAX && ascii_is_digit(x.s[at + n]))
        n++;
    return n <= NUMBER_MAX ? n : 0;
}

/* Bytes of "5.1.1" at the beginning; 0: there is none. */
static size_t status_length(struct str x)
{
    if (x.n < 5 || (x.s[0] != '2' && x.s[0] != '4' && x.s[0] != '5') || x.s[1] != '.')
        return 0;
    size_t subject = digits(x, 2);
    size_t dot = 2 + subject;
    if (subject == 0 || dot >= x.n || x.s[dot] != '.')
        return 0;
    size_t detail = digits(x, dot + 1);
    size_t end = dot + 1 + detail;
    return detail && (end == x.n || x.s[end] == ' ') ? end : 0;
}

static enum reason_kind kind_of(const char *status)
{
    static const struct {
        const char *after_class; /* a whole one, or how it begins where it ends in a dot */
        enum reason_kind kind;
    } kinds[] = {
        {"1.1", REASON_NO_MAILBOX}, {"1.6", REASON_NO_MAILBOX}, {"2.1", REASON_NO_MAILBOX},
        {"1.2", REASON_NO_DOMAIN},  {"1.10", REASON_NO_DOMAIN}, {"2.2", REASON_FULL},
        {"2.3", REASON_TOO_LARGE},  {"3.4", REASON_TOO_LARGE},  {"7.30", REASON_NOT_SECURE},
        {"7.", REASON_POLICY},
    };
    struct str rest = str_of(status + 2);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct str want = str_of(kinds[i].after_class);
        if (str_eq(rest, want) || (str_ends(want, STR(".")) && str_starts(rest, want)))
            return kinds[i].kind;
    }
    return REASON_OTHER;
}

struct reason reason_of(struct str detail)
{
    const struct str at_last = STR(REASON_AT_LAST);
    struct reason reason = {.status = "5.0.0", .answer = detail};
    reason.expired = str_starts(detail, STR(REASON_EXPIRED));
    size_t last = reason.expired ? str_find(detail, at_last) : STR_NONE;
    char class = '\0';
    if (last != STR_NONE)
        reason.answer = str_from(detail, last + at_last.n);
    struct str rest = reason.answer;
    reason.of_server = takes_code(&rest, &class);
    size_t n = status_length(rest);
    if (reason.expired) {
        bool unproved = !reason.of_server && str_eq(str_sub(rest, 0, n), STR(UNPROVED));
        bool not_secure = n && str_eq(str_sub(rest, 1, n), STR(NOT_SECURE));
        snprintf(reason.status, sizeof reason.status, "%s", unproved ? UNPROVED : EXPIRED);
        reason.kind = unproved ? REASON_UNPROVED : not_secure ? REASON_NOT_SECURE : REASON_TOO_LATE;
        return reason;
    }
    if (n && (class == '\0' || rest.s[0] == class))
        snprintf(reason.status, sizeof reason.status, "%.*s", (int)n, rest.s);
    else if (class)
        snprintf(reason.status, sizeof reason.status, "%c.0.0", class);
    reason.kind = kind_of(reason.status);
    return reason;
}

static bool is_name(struct str x)
{
    for (size_t i = 0; i < x.n; i++)
        if (!ascii_is_alnum(x.s[i]) && x.s[i] != '-' && x.s[i] != '.' && x.s[i] != '_')
            return false;
    return x.n > 0;
}

struct str reason_server(struct str relay, char *room, size_t size)
{
    struct sockaddr_storage ignored;
    size_t scheme = str_find(relay, STR("://"));
    struct str host = scheme == STR_NONE ? relay : str_from(relay, scheme + 3);
    host = str_sub(host, 0, str_chr(host, ' '));
    if (str_starts(host, STR("[")))
        host = str_sub(host, 1, str_chr(host, ']'));
    else
        host = str_sub(host, 0, str_chr(host, ':'));
    int n = 0;
    if (network_sockaddr(host, 0, &ignored) > 0)
        n = snprintf(room, size, str_chr(host, ':') == STR_NONE ? "[%.*s]" : "[IPv6:%.*s]",
                     STR_ARG(host));
    else if (is_name(host))
        n = snprintf(room, size, "%.*s", STR_ARG(host));
    return n > 0 && (size_t)n < size ? str_n(room, (size_t)n) : STR_EMPTY;
}
