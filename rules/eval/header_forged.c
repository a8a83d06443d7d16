#include "rules/eval/header.h"
#include "rules/facts/ip.h"
#include "rules/facts/relays.h"

#define GOOGLE_MARK_MIN 60 /* bytes of the marks that Google's servers leave */

double eval_fake_aol_relay(struct eval_context *c)
{
    struct str received = look_get_squeezed(c, "Received");
    if (!look_for_any_case(c, " rly-%[a-z]%[a-z]%[0-9]%[0-9].", received, NULL))
        return 0;
    return !look_for(c, "/AOL-%[0-9]+.%[0-9]+.%[0-9]+)", received, NULL) &&
           !look_for(c, "ESMTP id %(RELAY%|MAILRELAY%|MAILIN%)", received, NULL);
}

/* ezmlm and MSN's groups take the Received fields away that they got. */
static bool is_gated(struct eval_context *c)
{
    struct str list = look_get(c, "Mailing-List");
    struct str received = facts_get(c->facts, "Received");
    if (received.s == NULL)
        return true;
    if (str_starts(list, STR("contact ")) && str_find(list, STR("; run by ezmlm\n")) != STR_NONE &&
        look_for(c, "contact %_@%_; run by ezmlm", list, NULL) &&
        look_for(c, "mailing list %_@%_", look_get(c, "Delivered-To"), NULL) &&
        look_for(c, "qmail %[0-9]+ invoked %(from network%|by %.{3,20}%)); %[0-9]+ %.{3} %[0-9]",
                 received, NULL))
        return true;
    return look_for(c, "from groups.msn.com (%_.msn.com ", received, NULL);
}

double eval_gated_through_remover(struct eval_context *c)
{
    return is_gated(c);
}

double eval_msn_groups(struct eval_context *c)
{
    struct shape_found to, server, id;
    if (!look_for_any_case(c, "<%a@groups.msn.com>", look_get(c, "To"), &to) ||
        !look_for(c, "from mail pickup service by p%[0-9]%[0-9].groups.msn.com%W",
                  look_get(c, "Received"), &server))
        return 0;
    struct str list = shape_field(&to, 'a'), message_id = look_get(c, "Message-Id");
    struct str host = str_from(server.all, sizeof "from mail pickup service by " - 1);
    if (!look_for(c, "<%a@%_>", message_id, &id) || id.all.s != message_id.s)
        return 0;
    if (str_eq(list, STR("notifications"))) {
        struct str domain = str_sub(str_from(id.all, shape_field(&id, 'a').n + 2), 0, host.n);
        return str_eq(domain, host);
    }
    struct str sender = look_get(c, "EnvelopeFrom:addr");
    size_t at = str_find(sender, list);
    return str_starts(shape_field(&id, 'a'), list) && at != STR_NONE &&
           str_starts(str_from(sender, at + list.n), STR("-bounce@groups.msn.com")) &&
           look_for(c, "-%_@groups.msn.com>", str_from(id.all, 1 + list.n), NULL);
}

static bool has_ip(struct eval_context *c, const char *request)
{
    return ip_find(look_get(c, request)).s != NULL;
}

/* One of the ways in which Hotmail's servers write Received. */
static bool is_from_hotmail(struct eval_context *c, struct str received)
{
    static const char *const with_ip[] = {
        "from %(?%*_.%)hotmail%.{1}com (%_.hotmail%(?.msn%).com%[ )]",
        "from %*_.hotmail%.{1}com ([%I]%[ ):]",
        "from %_ by %_.hotmail%(?.msn%).com with HTTP;",
        "from [66.218%.{1}%_] by %_.yahoo.com",
    };
    static const char *const with_organization[] = {
        "from %*_.outbound.protection.outlook.com (%_.outbound.protection.outlook.com%[ )]",
        "from %*_.%(eur%|nam%)prd%[0-9]+.prod.outlook.com (%I)",
    };
    bool ip = has_ip(c, "X-Originating-Ip");
    bool organization =
        look_for(c, "%(hotmail.com%|msonline-outlook%)", look_get(c, "X-OriginatorOrg"), NULL);
    for (size_t i = 0; ip && i < sizeof with_ip / sizeof *with_ip; i++) {
        if (look_for(c, with_ip[i], received, NULL))
            return true;
    }
    for (size_t i = 0; organization && i < sizeof with_organization / sizeof *with_organization;
         i++) {
        if (look_for(c, with_organization[i], received, NULL))
            return true;
    }
    return false;
}

enum hotmail { HOTMAIL_GOOD, HOTMAIL_FORGED, HOTMAIL_NOT_SEEN };

static enum hotmail judge_hotmail(struct eval_context *c)
{
    bool sender = look_ends_with_host(look_get(c, "From:addr"), "hotmail.com");
    if (!sender && str_find(look_get(c, "Received"), STR("hotmail.com")) == STR_NONE)
        return HOTMAIL_GOOD;
    struct str received = look_get_squeezed(c, "Received");
    if (str_find(received, STR("from mail pickup service by hotmail.com with Microsoft "
                               "SMTPSVC;")) != STR_NONE ||
        eval_msn_groups(c) > 0 || is_gated(c) || is_from_hotmail(c, received))
        return HOTMAIL_GOOD;
    if (look_for(c, "%(from %|HELO %|helo=%)%*_hotmail.com%W", received, NULL))
        return HOTMAIL_FORGED;
    return sender ? HOTMAIL_NOT_SEEN : HOTMAIL_GOOD;
}

double eval_forged_hotmail(struct eval_context *c)
{
    return judge_hotmail(c) == HOTMAIL_FORGED;
}

double eval_no_hotmail(struct eval_context *c)
{
    return judge_hotmail(c) == HOTMAIL_NOT_SEEN;
}

double eval_forged_eudoramail(struct eval_context *c)
{
    if (!look_ends_with_host(look_get(c, "From:addr"), "eudoramail.com") || is_gated(c))
        return 0;
    struct str received = look_get_squeezed(c, "Received");
    return !(look_for(c, "by %*_whowhere%.{1}com;", received, NULL) && has_ip(c, "X-Sender-Ip"));
}

/* A relay that can be believed has one of Yahoo's names. */
static bool came_over_yahoo(struct eval_context *c)
{
    const struct relays *relays = facts_relays(c->facts);
    if (relays == NULL)
        return false;
    for (size_t i = 0; i < relays->trusted.n; i++) {
        if (str_ends(relays->trusted.list[i]->rdns, STR(".yahoo.com")))
            return true;
    }
    return relays->untrusted.n && str_ends(relays->untrusted.list[0]->rdns, STR(".yahoo.com"));
}

double eval_forged_yahoo(struct eval_context *c)
{
    static const char *const shapes[] = {
        "by web%_.mail%*_.yahoo.com via HTTP",
        "by sonic%_.consmr.mail%*_.yahoo.com with HTTP",
        "by smtp%_.yahoo.com with SMTP",
        "from [%I] by %_.%(groups%|scd%|dcn%).yahoo.com with NNFMP",
        ("by %[A-Za-z0-9_]+.%[A-Za-z0-9_]+.yahoo.com (%[0-9]+.%[0-9]+.%[0-9]+/%[0-9]+.%[0-9]+."
         "%[0-9]+)%(? with ESMTP%) id %[A-Za-z0-9_]"),
    };
    struct str from = look_get(c, "From:addr");
    if (!look_ends_with_host(from, "yahoo.com"))
        return 0;
    bool resent =
        look_get(c, "Resent-From").n && look_get(c, "Resent-To").n && look_get(c, "X-Received").n;
    struct str received = look_get_squeezed(c, resent ? "X-Received" : "Received");
    if (is_gated(c) || came_over_yahoo(c))
        return 0;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (look_for(c, shapes[i], received, NULL))
            return 0;
    }
    return !(str_iends(from, STR("@reply.yahoo.com")) &&
             look_for(c, "%Wmailer%[0-9]+.bulk.scd.yahoo.com%W", received, NULL));
}

/* Juno's servers always say where the client is. */
static bool is_from_juno(struct eval_context *c)
{
    struct str mailer = look_get(c, "X-Mailer"), received = look_get(c, "Received");
    if (look_get(c, "X-Originating-IP").n == 0)
        return false;
    bool seen = look_for(c, "from%.%W%(juno%|untd%).com%.%[[(]%I%[])]%.by", received, NULL) ||
                look_for(c, " cookie.%(juno%|untd%).com ", received, NULL);
    return seen && str_find(mailer, STR("Juno ")) != STR_NONE;
}

double eval_forged_juno(struct eval_context *c)
{
    if (!look_ends_with_host(look_get(c, "From:addr"), "juno.com") || is_gated(c))
        return 0;
    return !is_from_juno(c);
}

double eval_forged_gmail(struct eval_context *c)
{
    if (!look_ends_with_host(look_get(c, "From:addr"), "gmail.com"))
        return 0;
    struct str over = look_get(c, "X-Received");
    if (look_for(c, "by 10.%_ with SMTP id %_", over, NULL) ||
        look_for(c, "by 2002:a%[0-9]%[0-9]:%[A-Za-z0-9_]+:%_ with SMTP id %_", over, NULL) ||
        look_for(c, "by smtp.googlemail.com with ESMTPSA id %_", look_get(c, "Received"), NULL))
        return 0;
    return look_get(c, "X-Gm-Message-State").n < GOOGLE_MARK_MIN ||
           look_get(c, "X-Google-Smtp-Source").n < GOOGLE_MARK_MIN;
}

double eval_forged_gw05(struct eval_context *c)
{
    static const char shape[] =
        "\nfrom %a by %c with ESMTP; %[^ ]{3}, %[0-9]+ %[^ ]{3} %[0-9]{4} %[0-9]{2}:%[0-9]{2}:"
        "%[0-9]{2} %[-+]*%[0-9]{4}\n%$";
    struct shape_found found;
    return look_for(c, shape, look_get(c, "Received"), &found) &&
           str_chr(shape_field(&found, 'c'), '.') == STR_NONE;
}
