#include "gateway/received.h"

#include "mail/date.h"

static bool is_plain(struct str x)
{
    for (size_t i = 0; i < x.n; i++)
        if (x.s[i] < ' ' || x.s[i] > '~')
            return false;
    return true;
}

/* RFC 5321 4.1.3: an IPv6 literal has a tag */
static const char *tag_of(struct str ip)
{
    return str_chr(ip, ':') == STR_NONE ? "" : "IPv6:";
}

void received_put(struct buf *out, const struct received *hop, const char *line_end)
{
    bool plain = hop->smtputf8 || is_plain(hop->helo);
    struct str helo = plain && hop->helo.n ? hop->helo : STR("unknown");
    struct str name = hop->client_name.n ? hop->client_name : STR("unknown");
    buf_addf(out, " from %.*s (%.*s [%s%.*s])%s", STR_ARG(helo), STR_ARG(name),
             tag_of(hop->client_ip), STR_ARG(hop->client_ip), line_end);
    if (hop->tls.n)
        buf_addf(out, "\t(using %.*s)%s", STR_ARG(hop->tls), line_end);
    buf_addf(out, "\tby %.*s (poterne) with %.*s", STR_ARG(hop->hostname), STR_ARG(hop->protocol));
    if (hop->id.n)
        buf_addf(out, " id %.*s", STR_ARG(hop->id));
    if (hop->recipient.n && (hop->smtputf8 || is_plain(hop->recipient)))
        buf_addf(out, "%s\tfor <%.*s>", line_end, STR_ARG(hop->recipient));
    buf_addf(out, ";%s\t", line_end);
    mail_date_put(out, hop->time);
    buf_addf(out, "%s", line_end);
}
