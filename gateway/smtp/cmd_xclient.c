/*
 * XCLIENT (Postfix's XCLIENT_README): a server of ours in front of this one says whose session it
 * passes on; what follows is that client's. Values are xtext (RFC 3461 4); [UNAVAILABLE] and
 * [TEMPUNAVAIL] say that there is none. LOGIN, ports, the destination and REVERSE_NAME, which
 * nobody has checked, are read and not used.
 */
#include <stdlib.h>

#include "base/hex.h"
#include "gateway/smtp/address.h"
#include "gateway/smtp/machine.h"

#define VALUE_MAX 255 /* bytes, decoded */

struct values {
    char text[4][VALUE_MAX + 1];
    struct str name, address, helo, proto;
};

static bool decode(struct str from, char *room, struct str *value)
{
    size_t n = 0;
    for (size_t i = 0; i < from.n; i++, n++) {
        unsigned char c = (unsigned char)from.s[i];
        if (c == '+') {
            int byte = hex_byte(from, i + 1);
            if (byte < 0)
                return false;
            c = (unsigned char)byte;
            i += 2;
        }
        if (n == VALUE_MAX || c <= ' ' || c == 127)
            return false;
        room[n] = (char)c;
    }
    *value = str_n(room, n);
    return n > 0;
}

static bool unavailable(struct str value)
{
    return str_ieq(value, STR("[UNAVAILABLE]")) || str_ieq(value, STR("[TEMPUNAVAIL]"));
}

static bool is_unused(struct str name)
{
    static const struct str names[] = {STR("PORT"), STR("LOGIN"), STR("DESTADDR"), STR("DESTPORT"),
                                       STR("REVERSE_NAME")};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_ieq(name, names[i]))
            return true;
    return false;
}

static bool take_value(struct values *v, struct str name, struct str value)
{
    const struct {
        struct str name;
        struct str *value;
    } used[] = {
        {STR("NAME"), &v->name},
        {STR("ADDR"), &v->address},
        {STR("HELO"), &v->helo},
        {STR("PROTO"), &v->proto},
    };
    for (size_t i = 0; i < sizeof used / sizeof used[0]; i++) {
        if (!str_ieq(name, used[i].name))
            continue;
        if (!unavailable(value))
            return decode(value, v->text[i], used[i].value);
        *used[i].value = STR("");
        return true;
    }
    return is_unused(name);
}

static bool values_valid(struct values *v)
{
    if (str_istarts(v->address, STR("IPV6:")))
        v->address = str_from(v->address, 5);
    bool proto =
        v->proto.n == 0 || str_ieq(v->proto, STR("SMTP")) || str_ieq(v->proto, STR("ESMTP"));
    return proto && (v->name.n == 0 || smtp_helo_name_valid(v->name)) &&
           (v->helo.n == 0 || smtp_helo_name_valid(v->helo));
}

static bool read_values(struct str args, struct values *v)
{
    struct str word;
    while (str_next(&args, ' ', &word)) {
        size_t equals = str_chr(word, '=');
        if (word.n == 0)
            continue;
        if (equals == STR_NONE ||
            !take_value(v, str_sub(word, 0, equals), str_from(word, equals + 1)))
            return false;
    }
    return values_valid(v);
}

static bool keep_helo(struct smtp_session *s, struct str helo)
{
    if (helo.s == NULL)
        return true;
    char *copy = helo.n ? strndup(helo.s, helo.n) : NULL;
    if (helo.n && copy == NULL)
        return false;
    free(s->client_helo);
    s->client_helo = copy;
    return true;
}

enum smtp_status cmd_xclient(struct smtp_session *s, struct str args)
{
    struct values v = {.name = STR_EMPTY};
    if (!s->trusted)
        return SMTP_XCLIENT_DENIED;
    if (!read_values(args, &v))
        return SMTP_BAD_ARGUMENT;
    const struct smtp_xclient client = {v.name, v.address};
    enum smtp_status status = s->config->ops->xclient(s->owner, &client);
    if (status != SMTP_NONE)
        return status;
    if (!keep_helo(s, v.helo))
        return SMTP_NO_MEMORY;
    if (v.proto.s) {
        s->client_extended = str_ieq(v.proto, STR("ESMTP"));
        s->client_plain = str_ieq(v.proto, STR("SMTP"));
    }
    s->authenticated = false; /* that was somebody else */
    session_restart(s);
    session_say_banner(s);
    return SMTP_NONE;
}
