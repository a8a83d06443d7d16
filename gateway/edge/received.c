#include "gateway/edge/received.h"

#include "mail/date.h"

static bool is_ascii(struct str x)
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

void received_put(struct buf *out, const struct envelope *e, struct str hostname, struct str tls)
{
    bool plain = e->smtputf8 || is_ascii(e->helo);
    struct str helo = plain && e->helo.n ? e->helo : STR("unknown");
    struct str name = e->client_name.n ? e->client_name : STR("unknown");
    buf_addf(out, "Received: from %.*s (%.*s [%s%.*s])\r\n", STR_ARG(helo), STR_ARG(name),
             tag_of(e->client_ip), STR_ARG(e->client_ip));
    if (tls.n)
        buf_addf(out, "\t(using %.*s)\r\n", STR_ARG(tls));
    buf_addf(out, "\tby %.*s (poterne) with %.*s id %.*s", STR_ARG(hostname), STR_ARG(e->protocol),
             STR_ARG(e->id));
    if (e->n_recipients == 1 && (e->smtputf8 || is_ascii(e->recipients[0].address)))
        buf_addf(out, "\r\n\tfor <%.*s>", STR_ARG(e->recipients[0].address));
    buf_add(out, STR(";\r\n\t"));
    mail_date_put(out, e->time_us / 1000000);
    buf_add(out, STR("\r\n"));
}
