/* The bytes of a bounce: whatever strangers wrote, it stays a message of three parts. */
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>

#include "bounce/compose.h"
#include "mail/message.h"

#define US ((int64_t)1000000)

static const struct bounce_failure plain = {.address = STR("a@far.example"),
                                            .relay = STR("mx.far.example [192.0.2.1]:25, TLSv1.3"),
                                            .detail = STR("550 5.1.1 no such user"),
                                            .time_us = 1795312056 * US};

static struct bounce sample(void)
{
    return (struct bounce){.id = STR("01BOUNCE"),
                           .message_id = STR("01ORIG.0@mx.ours.example"),
                           .hostname = STR("mx.ours.example"),
                           .from = STR("postmaster@ours.example"),
                           .to = STR("me@ours.example"),
                           .language = LANGUAGE_FR,
                           .now_us = 1795312060 * US,
                           .subject = STR("d\xc3\xa9j\xc3\xa0"),
                           .about = STR("<1@ours.example>"),
                           .arrived_us = 1795312050 * US,
                           .original = STR("Subject: x\r\n\r\nhello\r\n"),
                           .whole = true,
                           .failures = &plain,
                           .n = 1};
}

static struct buf composed(const struct bounce *bounce)
{
    struct buf out = BUF_INIT(BOUNCE_SIZE_MAX);
    bounce_compose(bounce, &out);
    assert_true(buf_ok(&out));
    return out;
}

static void assert_has(const struct buf *text, const char *what)
{
    if (str_find(buf_str(text), str_of(what)) == STR_NONE)
        fail_msg("not in it: %s", what);
}

/* Of the three parts below the root the types; a returned message has parts of its own. */
static void assert_parts(const struct buf *text, const char *status, const char *original)
{
    struct pool *pool = pool_new(16 * 1024 * 1024);
    struct message *m;
    struct err err;
    assert_int_equal(message_parse(pool, buf_str(text), &mail_limits_default, &m, &err), 0);
    assert_str(m->root->type, "multipart/report");
    assert_str(part_param(m->root, STR("report-type")), "delivery-status");
    const struct part *part = m->root->child;
    assert_non_null(part);
    assert_str(part->type, "text/plain");
    part = part->next;
    assert_non_null(part);
    assert_str(part->type, status);
    part = part->next;
    assert_non_null(part);
    assert_str(part->type, original);
    assert_null(part->next);
    pool_free(&pool);
}

static void assert_two_parts(const struct buf *text)
{
    struct pool *pool = pool_new(16 * 1024 * 1024);
    struct message *m;
    struct err err;
    assert_int_equal(message_parse(pool, buf_str(text), &mail_limits_default, &m, &err), 0);
    assert_non_null(m->root->child);
    assert_str(m->root->child->type, "text/plain");
    assert_non_null(m->root->child->next);
    assert_str(m->root->child->next->type, "message/delivery-status");
    assert_null(m->root->child->next->next);
    pool_free(&pool);
}

static void plain_one(void **state)
{
    struct bounce b = sample();
    struct buf text = composed(&b);
    (void)state;
    assert_parts(&text, "message/delivery-status", "message/rfc822");
    assert_has(&text, "To: <me@ours.example>\r\n");
    assert_has(&text, "\r\nMessage-ID: <01ORIG.0@mx.ours.example>\r\n");
    assert_has(&text, "\r\nAuto-Submitted: auto-replied\r\n");
    assert_has(&text, "\r\nContent-Language: fr\r\n");
    assert_has(&text, "\r\nReporting-MTA: dns; mx.ours.example\r\nArrival-Date: ");
    assert_has(&text, "\r\n\r\nFinal-Recipient: rfc822; a@far.example\r\nAction: failed\r\n"
                      "Status: 5.1.1\r\nRemote-MTA: dns; mx.far.example\r\n"
                      "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\nLast-Attempt-Date: ");
    buf_release(&text);
    b.whole = false;
    b.original = STR("Subject: x\r\n");
    text = composed(&b);
    assert_parts(&text, "message/delivery-status", "text/rfc822-headers");
    buf_release(&text);
}

/* RFC 3464 2.2.1, 2.3.1, 2.3.3, 2.3.9 */
static void what_waits(void **state)
{
    struct bounce_failure f = plain;
    struct bounce b = sample();
    (void)state;
    b.event = BOUNCE_DELAY;
    b.envid = STR("QQ+2B1+203");
    b.until_us = 1795744050 * US;
    b.whole = false;
    b.tls_waived = true;
    f.action = ACTION_DELAYED;
    f.orcpt = STR("rfc822;a+2Bb@far.example");
    f.detail = STR("450 4.2.1 later");
    b.failures = &f;
    struct buf text = composed(&b);
    assert_parts(&text, "message/delivery-status", "text/rfc822-headers");
    assert_has(&text, "\r\nTLS-Required: No\r\n");
    assert_has(&text, "\r\n\r\nOriginal-Envelope-Id: QQ+1 3\r\nReporting-MTA: dns; ");
    assert_has(&text, "\r\n\r\nOriginal-Recipient: rfc822; a+b@far.example\r\n"
                      "Final-Recipient: rfc822; a@far.example\r\nAction: delayed\r\n"
                      "Status: 4.2.1\r\nRemote-MTA: dns; mx.far.example\r\n"
                      "Diagnostic-Code: smtp; 450 4.2.1 later\r\nLast-Attempt-Date: ");
    assert_has(&text, "\r\nWill-Retry-Until: ");
    buf_release(&text);
    /* our own words have no status: the class is that of the action */
    f.detail = STR("connection refused");
    f.orcpt = STR("utf-8;ren\\x{E9}@far.example");
    text = composed(&b);
    assert_has(&text, "\r\nStatus: 4.0.0\r\nDiagnostic-Code: x-poterne; connection refused\r\n");
    assert_has(&text, "\r\nOriginal-Recipient: utf-8; ren\\x{E9}@far.example\r\n");
    buf_release(&text);
}

static void what_got_there(void **state)
{
    static const char *const actions[BOUNCE_ACTIONS] = {[ACTION_DELIVERED] = "delivered",
                                                        [ACTION_RELAYED] = "relayed",
                                                        [ACTION_EXPANDED] = "expanded"};
    struct bounce_failure f = plain;
    struct bounce b = sample();
    (void)state;
    b.event = BOUNCE_SUCCESS;
    b.whole = false;
    b.failures = &f;
    f.detail = STR("250 2.1.5 saved");
    for (int i = ACTION_DELIVERED; i < BOUNCE_ACTIONS; i++) {
        char wanted[100];
        f.action = (enum bounce_action)i;
        struct buf text = composed(&b);
        snprintf(wanted, sizeof wanted, "\r\nAction: %s\r\nStatus: 2.1.5\r\n", actions[i]);
        assert_has(&text, wanted);
        assert_true(str_find(buf_str(&text), STR("Will-Retry-Until")) == STR_NONE);
        assert_true(str_find(buf_str(&text), STR("Original-")) == STR_NONE);
        buf_release(&text);
    }
}

static void every_language(void **state)
{
    static const char *const says[CONF_LANGUAGES] = {"no such mailbox", "n'existe pas",
                                                     "gibt es nicht"};
    static const char *const waits[CONF_LANGUAGES] = {
        "We keep trying until 28 November 2026, 01:47 UTC.",
        "Nous essaierons jusqu'au 28/11/2026 =C3=A0 01:47 UTC.",
        "Wir versuchen es noch bis 28.11.2026, 01:47 Uhr UTC."};
    static const char *const got[CONF_LANGUAGES] = {"It was delivered to",
                                                    "Il a =C3=A9t=C3=A9 remis",
                                                    "Sie wurde an diese"};
    struct bounce b = sample();
    (void)state;
    for (int i = 0; i < CONF_LANGUAGES; i++) {
        b.language = (enum conf_language)i;
        struct buf text = composed(&b);
        assert_has(&text, says[i]);
        assert_parts(&text, "message/delivery-status", "message/rfc822");
        buf_release(&text);
        struct bounce_failure f = plain;
        struct bounce other = b;
        other.until_us = 1795830420 * US;
        other.failures = &f;
        other.event = BOUNCE_DELAY;
        f.action = ACTION_DELAYED;
        text = composed(&other);
        assert_has(&text, waits[i]);
        buf_release(&text);
        other.event = BOUNCE_SUCCESS;
        f.action = ACTION_DELIVERED;
        text = composed(&other);
        assert_has(&text, got[i]);
        buf_release(&text);
    }
}

/* RFC 8689 5: of what could not go over TLS nothing is said. */
static void redacted_one(void **state)
{
    static const char *const subjects[CONF_LANGUAGES] = {
        "Subject: A message of yours was not delivered\r\n", "Subject: =?", "Subject: Eine Ihrer"};
    struct bounce_failure f = plain;
    struct bounce b = sample();
    (void)state;
    f.address = STR("me@ours.example");
    f.detail = STR("5.7.30 REQUIRETLS: the next hop does not promise it");
    b.failures = &f;
    b.subject = STR("secret");
    b.about = STR("<secret@ours.example>");
    b.original = STR("Subject: secret\r\n\r\nsecret\r\n");
    b.redacted = STR("01HELDBACK");
    for (int i = 0; i < CONF_LANGUAGES; i++) {
        b.language = (enum conf_language)i;
        struct buf text = composed(&b);
        assert_two_parts(&text);
        assert_has(&text, subjects[i]);
        assert_has(&text, "\r\n    01HELDBACK\r\n");
        assert_has(&text, "Final-Recipient: rfc822; me@ours.example\r\nAction: failed\r\n"
                          "Status: 5.7.30\r\nDiagnostic-Code: x-poterne; 5.7.30 REQUIRETLS");
        assert_true(str_find(buf_str(&text), STR("secret")) == STR_NONE);
        assert_true(str_find(buf_str(&text), STR("In-Reply-To")) == STR_NONE);
        buf_release(&text);
    }
}

static void discreet_one(void **state)
{
    struct bounce_failure f = plain;
    struct bounce b = sample();
    f.address = STR("first@ours.example");
    f.discreet = true;
    f.detail = STR("550 5.1.1 <secret@far.example> unknown");
    b.failures = &f;
    struct buf text = composed(&b);
    (void)state;
    assert_true(str_find(buf_str(&text), STR("secret")) == STR_NONE);
    assert_true(str_find(buf_str(&text), STR("far.example")) == STR_NONE);
    assert_has(&text, "Final-Recipient: rfc822; first@ours.example\r\n");
    assert_has(&text, "Status: 5.1.1\r\n");
    buf_release(&text);
}

static void international_one(void **state)
{
    struct bounce_failure f = plain;
    struct bounce b = sample();
    f.address = STR("j\xc3\xa9r+a@far.example");
    b.failures = &f;
    struct buf text = composed(&b);
    (void)state;
    assert_has(&text, "Final-Recipient: utf-8; j\\x{E9}r\\x{2B}a@far.example\r\n");
    assert_parts(&text, "message/delivery-status", "message/rfc822");
    buf_release(&text);
    b.international = true;
    b.to = STR("\xc3\xa9lan@ours.example");
    text = composed(&b);
    assert_has(&text, "Final-Recipient: utf-8; j\xc3\xa9r\\x{2B}"
                      "a@far.example\r\n");
    assert_has(&text, "To: <\xc3\xa9lan@ours.example>\r\n");
    assert_parts(&text, "message/global-delivery-status", "message/global");
    buf_release(&text);
    b.whole = false;
    text = composed(&b);
    assert_parts(&text, "message/global-delivery-status", "message/global-headers");
    buf_release(&text);
}

/* What ends a line, a part or a field in strangers' texts does not do so here. */
static void hostile_one(void **state)
{
    struct bounce_failure f = {.address = STR("\"a\r\nBcc: x\"@far.example"),
                               .relay = STR("mx\r\nX: y"),
                               .detail = STR("550 5.1.1 \r\n--=_01BOUNCE--\r\n\x1b[2J\xff"),
                               .time_us = INT64_MAX};
    struct bounce b = sample();
    b.failures = &f;
    b.subject = STR("x\r\nBcc: y\r\n\r\n\x80\xe2\x80\xa8z");
    b.about = STR("<a\r\nBcc: z>");
    b.to = STR("q\r\nBcc: p@ours.example");
    b.original =
        STR("Content-Type: multipart/mixed; boundary=\"=_01BOUNC\"\r\n\r\n--=_01BOUNC\r\n");
    struct buf text = composed(&b);
    (void)state;
    assert_parts(&text, "message/delivery-status", "message/rfc822");
    assert_true(str_find(buf_str(&text), STR("\nBcc:")) == STR_NONE);
    assert_true(str_find(buf_str(&text), STR("In-Reply-To")) == STR_NONE);
    assert_true(str_find(buf_str(&text), STR("Remote-MTA")) == STR_NONE);
    assert_true(str_find(buf_str(&text), STR("\x1b")) == STR_NONE);
    buf_release(&text);
}

/* As many as there may be, and as long. */
static void largest_one(void **state)
{
    static struct bounce_failure list[BOUNCE_FAILURES_MAX];
    char detail[BOUNCE_ANSWER_MAX + 100];
    struct bounce b = sample();
    (void)state;
    memset(detail, '\x80', sizeof detail);
    for (size_t i = 0; i < BOUNCE_FAILURES_MAX; i++) {
        list[i] = plain;
        list[i].address = str_n(detail, sizeof detail);
        list[i].detail = str_n(detail, sizeof detail);
    }
    b.failures = list;
    b.n = BOUNCE_FAILURES_MAX;
    b.original = str_n(calloc(1, 1024 * 1024), 1024 * 1024);
    assert_non_null(b.original.s);
    struct buf text = composed(&b);
    buf_release(&text);
    free((void *)(uintptr_t)b.original.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_one),         cmocka_unit_test(what_waits),
        cmocka_unit_test(what_got_there),    cmocka_unit_test(every_language),
        cmocka_unit_test(redacted_one),      cmocka_unit_test(discreet_one),
        cmocka_unit_test(international_one), cmocka_unit_test(hostile_one),
        cmocka_unit_test(largest_one),
    };
    return tap_run(tests, NULL, NULL);
}
