#include "bounce/compose.h"

#include <stdio.h>

#include "bounce/language.h"
#include "bounce/reason.h"
#include "bounce/words.h"
#include "mail/date.h"
#include "mail/transfer.h"
#include "mail/utf8.h"
#include "mail/word.h"

#define TEXT_MAX     (4 * 1024 * 1024) /* the part for people, before it is encoded */
#define LOCAL_TYPE   "x-poterne"       /* of a diagnostic that no server said */
#define ADDRESS_ROOM (BOUNCE_ADDRESS_MAX + 8)

/* --- strangers' texts --- */

static void put_ascii(struct str text, size_t max, struct buf *out)
{
    for (size_t i = 0; i < text.n && i < max; i++)
        buf_addc(out, text.s[i] >= ' ' && text.s[i] < 127 ? text.s[i] : '?');
}

/* Characters that steer a terminal or a reader, or end a line, become a question mark. */
static void put_utf8(struct str text, size_t max, struct buf *out)
{
    char bytes[4];
    for (size_t at = 0; at < text.n && at < max;) {
        uint32_t c = utf8_next(text, &at);
        bool control = c < ' ' || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
        if (c == UTF8_BAD || control)
            buf_addc(out, '?');
        else
            buf_addn(out, bytes, utf8_put(bytes, c));
    }
}

static void put_address(const struct bounce *bounce, struct str address, struct buf *out)
{
    if (bounce->international)
        put_utf8(address, BOUNCE_ADDRESS_MAX, out);
    else
        put_ascii(address, BOUNCE_ADDRESS_MAX, out);
}

/* The types of RFC 3464 2.3.2 and RFC 6533 3: utf-8-addr-unitext, or -xtext in ASCII. */
static void put_typed_address(const struct bounce *bounce, struct str address, struct buf *out)
{
    if (str_is_ascii(address)) {
        buf_add(out, STR("rfc822; "));
        put_ascii(address, BOUNCE_ADDRESS_MAX, out);
        return;
    }
    buf_add(out, STR("utf-8; "));
    for (size_t at = 0; at < address.n && at < BOUNCE_ADDRESS_MAX;) {
        size_t from = at;
        uint32_t c = utf8_next(address, &at);
        bool plain = c > ' ' && c < 127 && c != '+' && c != '=' && c != '\\';
        if (c == UTF8_BAD)
            buf_addc(out, '?');
        else if (plain || (c >= 0xa0 && bounce->international))
            buf_add(out, str_sub(address, from, at));
        else
            buf_addf(out, "\\x{%02X}", (unsigned)c);
    }
}

/* --- the header --- */

static bool is_message_id(struct str id)
{
    for (size_t i = 0; i < id.n; i++)
        if (id.s[i] <= ' ' || id.s[i] >= 127)
            return false;
    return id.n > 2 && id.s[0] == '<' && id.s[id.n - 1] == '>';
}

void bounce_subject(const struct bounce *bounce, struct buf *out)
{
    if (bounce->redacted.n) {
        buf_add(out, str_of(bounce_words(bounce->language)->redacted_subject));
        return;
    }
    buf_add(out, str_of(bounce_words(bounce->language)->subject[bounce->event]));
    put_utf8(bounce->subject, BOUNCE_SUBJECT_MAX / 2, out);
}

static void put_header(const struct bounce *bounce, struct buf *out)
{
    char room[BOUNCE_SUBJECT_MAX];
    struct buf subject = BUF_OVER(room);
    bounce_subject(bounce, &subject);
    buf_addf(out, "From: %s <", bounce_words(bounce->language)->from);
    put_address(bounce, bounce->from, out);
    buf_add(out, STR(">\r\nTo: <"));
    put_address(bounce, bounce->to, out);
    buf_add(out, STR(">\r\nDate: "));
    mail_date_put(out, bounce->now_us / 1000000);
    buf_addf(out, "\r\nMessage-ID: <%.*s>\r\n", STR_ARG(bounce->message_id));
    if (is_message_id(bounce->about) && bounce->redacted.n == 0)
        buf_addf(out, "In-Reply-To: %.*s\r\nReferences: %.*s\r\n", STR_ARG(bounce->about),
                 STR_ARG(bounce->about));
    buf_add(out, STR("Subject: "));
    words_encode(buf_str(&subject), out);
    if (bounce->tls_waived)
        buf_add(out, STR("\r\nTLS-Required: No"));
    buf_addf(out,
             "\r\nAuto-Submitted: auto-replied\r\nX-Auto-Response-Suppress: All\r\n"
             "MIME-Version: 1.0\r\nContent-Language: %s\r\n"
             "Content-Type: multipart/report; report-type=delivery-status;\r\n"
             "\tboundary=\"=_%.*s\"\r\n\r\n",
             language_tag(bounce->language), STR_ARG(bounce->id));
}

static void put_delimiter(const struct bounce *bounce, const char *end, struct buf *out)
{
    buf_addf(out, "\r\n--=_%.*s%s\r\n", STR_ARG(bounce->id), end);
}

/* --- for people --- */

/* The class of its status is that of the action (RFC 3464 2.3.4), whatever a server made of it. */
static struct reason reason_for(const struct bounce_failure *failure)
{
    struct reason reason = reason_of(failure->detail);
    char class = failure->action == ACTION_DELAYED ? '4' : '2';
    if (failure->action != ACTION_FAILED && reason.status[0] != class)
        snprintf(reason.status, sizeof reason.status, "%c.0.0", class);
    return reason;
}

static void put_reason(const struct bounce *bounce, const struct bounce_failure *failure,
                       const struct reason *reason, struct buf *text)
{
    const struct bounce_words *words = bounce_words(bounce->language);
    buf_addf(text, "\n    %s",
             reason->of_server && !reason->expired ? words->answer : words->reason);
    if (failure->discreet)
        buf_add(text, str_of(reason->status));
    else
        put_utf8(failure->detail, BOUNCE_ANSWER_MAX, text);
}

static void put_failure(const struct bounce *bounce, const struct bounce_failure *failure,
                        struct buf *text)
{
    const struct bounce_words *words = bounce_words(bounce->language);
    struct reason reason = reason_for(failure);
    buf_addc(text, '\n');
    put_utf8(failure->address, BOUNCE_ADDRESS_MAX, text);
    if (failure->action == ACTION_FAILED)
        buf_addf(text, "\n    %s", words->what[reason.kind]);
    else if (failure->action != ACTION_DELAYED)
        buf_addf(text, "\n    %s", words->got_there[failure->action]);
    if (bounce->event != BOUNCE_SUCCESS)
        put_reason(bounce, failure, &reason, text);
    buf_addc(text, '\n');
}

/* What happened, and which message it was. */
static void put_story(const struct bounce *bounce, struct buf *text)
{
    const struct bounce_words *words = bounce_words(bounce->language);
    buf_addf(text, "%s\n", words->opening[bounce->event]);
    for (size_t i = 0; i < bounce->n; i++)
        put_failure(bounce, &bounce->failures[i], text);
    if (bounce->event == BOUNCE_DELAY) {
        buf_addf(text, "\n%s", words->until);
        bounce_put_time(bounce->language, bounce->until_us / 1000000, text);
        buf_add(text, STR(".\n"));
    }
    buf_addf(text, "\n%s\n    %s", words->message, words->field_subject);
    put_utf8(bounce->subject, BOUNCE_SUBJECT_MAX, text);
    buf_addf(text, "\n    %s", words->field_time);
    bounce_put_time(bounce->language, bounce->arrived_us / 1000000, text);
    buf_addf(text, "\n\n%s ", bounce->whole ? words->whole : words->header);
}

static void put_text(const struct bounce *bounce, struct buf *out)
{
    const struct bounce_words *words = bounce_words(bounce->language);
    struct buf text = BUF_INIT(TEXT_MAX);
    buf_addf(&text, "%s%.*s.\n\n", words->greeting, STR_ARG(bounce->hostname));
    if (bounce->redacted.n)
        buf_addf(&text, "%s\n\n%s\n\n    %.*s\n\n", words->redacted, words->reference,
                 STR_ARG(bounce->redacted));
    else
        put_story(bounce, &text);
    buf_add(&text, str_of(words->help));
    put_utf8(bounce->from, BOUNCE_ADDRESS_MAX, &text);
    buf_add(&text, STR(".\n"));
    buf_addf(out,
             "Content-Type: text/plain; charset=utf-8\r\nContent-Language: %s\r\n"
             "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
             language_tag(bounce->language));
    transfer_qp_put(buf_str(&text), out);
    out->failed |= text.failed;
    buf_release(&text);
}

/* --- for programs --- */

static void put_diagnostic(const struct bounce_failure *failure, const struct reason *reason,
                           struct buf *out)
{
    char room[ADDRESS_ROOM];
    struct str server = reason_server(failure->relay, room, sizeof room);
    if (failure->discreet) {
        buf_addf(out, "Diagnostic-Code: " LOCAL_TYPE "; %s\r\n", reason->status);
        return;
    }
    if (reason->of_server && server.n)
        buf_addf(out, "Remote-MTA: dns; %.*s\r\n", STR_ARG(server));
    buf_addf(out, "Diagnostic-Code: %s; ", reason->of_server ? "smtp" : LOCAL_TYPE);
    put_ascii(reason->of_server ? reason->answer : failure->detail, BOUNCE_ANSWER_MAX, out);
    buf_add(out, STR("\r\n"));
}

/* RFC 3464 2.3.1: as the sender's program said it; no typed address is taken for another one. */
static void put_original_recipient(const struct bounce *bounce, struct str orcpt, struct buf *out)
{
    char room[DSN_ORCPT_MAX];
    struct buf plain = BUF_OVER(room);
    struct str type, address;
    if (orcpt.n == 0 || !dsn_orcpt_valid(orcpt, bounce->international))
        return;
    dsn_orcpt_split(orcpt, &type, &address);
    bool utf8 = str_ieq(type, STR("utf-8"));
    if (!utf8)
        dsn_xtext_decode(address, &plain);
    buf_addf(out, "Original-Recipient: %.*s; ", STR_ARG(type));
    if (utf8 && bounce->international)
        put_utf8(address, DSN_ORCPT_MAX, out);
    else
        put_ascii(utf8 ? address : buf_str(&plain), DSN_ORCPT_MAX, out);
    buf_add(out, STR("\r\n"));
}

static void put_recipient_status(const struct bounce *bounce, const struct bounce_failure *failure,
                                 struct buf *out)
{
    static const char *const actions[BOUNCE_ACTIONS] = {
        [ACTION_FAILED] = "failed",       [ACTION_DELAYED] = "delayed",
        [ACTION_DELIVERED] = "delivered", [ACTION_RELAYED] = "relayed",
        [ACTION_EXPANDED] = "expanded",
    };
    struct reason reason = reason_for(failure);
    buf_add(out, STR("\r\n"));
    put_original_recipient(bounce, failure->orcpt, out);
    buf_add(out, STR("Final-Recipient: "));
    put_typed_address(bounce, failure->address, out);
    buf_addf(out, "\r\nAction: %s\r\nStatus: %s\r\n", actions[failure->action], reason.status);
    if (failure->action != ACTION_EXPANDED)
        put_diagnostic(failure, &reason, out);
    buf_add(out, STR("Last-Attempt-Date: "));
    mail_date_put(out, failure->time_us / 1000000);
    buf_add(out, STR("\r\n"));
    if (failure->action == ACTION_DELAYED) {
        buf_add(out, STR("Will-Retry-Until: "));
        mail_date_put(out, bounce->until_us / 1000000);
        buf_add(out, STR("\r\n"));
    }
}

static void put_envelope_id(struct str envid, struct buf *out)
{
    char room[DSN_ENVID_MAX];
    struct buf plain = BUF_OVER(room);
    if (!dsn_envid_valid(envid))
        return;
    dsn_xtext_decode(envid, &plain);
    buf_add(out, STR("Original-Envelope-Id: "));
    put_ascii(buf_str(&plain), DSN_ENVID_MAX, out);
    buf_add(out, STR("\r\n"));
}

static void put_status(const struct bounce *bounce, struct buf *out)
{
    if (bounce->international)
        buf_add(out, STR("Content-Type: message/global-delivery-status\r\n"
                         "Content-Transfer-Encoding: 8bit\r\n\r\n"));
    else
        buf_add(out, STR("Content-Type: message/delivery-status\r\n\r\n"));
    put_envelope_id(bounce->envid, out);
    buf_addf(out, "Reporting-MTA: dns; %.*s\r\nArrival-Date: ", STR_ARG(bounce->hostname));
    mail_date_put(out, bounce->arrived_us / 1000000);
    buf_add(out, STR("\r\n"));
    for (size_t i = 0; i < bounce->n; i++)
        put_recipient_status(bounce, &bounce->failures[i], out);
}

/* --- what comes back --- */

static void put_original(const struct bounce *bounce, struct buf *out)
{
    static const char *const types[2][2] = {{"text/rfc822-headers", "message/rfc822"},
                                            {"message/global-headers", "message/global"}};
    buf_addf(out, "Content-Type: %s\r\n", types[bounce->international][bounce->whole]);
    if (!str_is_ascii(bounce->original))
        buf_add(out, STR("Content-Transfer-Encoding: 8bit\r\n"));
    buf_add(out, STR("\r\n"));
    buf_add(out, bounce->original);
}

void bounce_compose(const struct bounce *bounce, struct buf *out)
{
    put_header(bounce, out);
    buf_addf(out, "--=_%.*s\r\n", STR_ARG(bounce->id));
    put_text(bounce, out);
    put_delimiter(bounce, "", out);
    put_status(bounce, out);
    if (bounce->redacted.n == 0) {
        put_delimiter(bounce, "", out);
        put_original(bounce, out);
    }
    put_delimiter(bounce, "--", out);
}
