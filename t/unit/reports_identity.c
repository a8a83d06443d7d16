/* A message is scanned, edited, delivered, changed by what stands behind us, and comes back. */
#include "t/unit/tap.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bayes/features/features.h"
#include "journal/store.h"
#include "mail/edit.h"
#include "reports/identity.h"
#include "reports/signature.h"

#define TAG "[SPAM] "
#define ID  "01JD8Z3V5M7K9Q2R4T6W8X0Y1Z"
#define ID2 "01JD8Z3V5M7K9Q2R4T6W8X0Y2A"
#define OWN_RECEIVED                                                                               \
    "Received: from a.example (unknown [192.0.2.1])\r\n\tby mx.ours.example (poterne) with ESMTP " \
    "id " ID "\r\n\tfor <jean@ours.example>;\r\n\tSun, 22 Nov 2026 08:00:00 +0000\r\n"

static struct pool *pool;
static char folder[64];
static struct journal *journal;
static struct keys keys = {.n = 1};

#define SENT                                                                                       \
    "Received: from b.example by a.example; Sun, 22 Nov 2026 07:59:00 +0000\r\n"                   \
    "From: Prize <win@prize.example>\r\nTo: jean@ours.example\r\nX-Spam-Flag: NO\r\n"              \
    "Subject: You win\r\nDate: Sun, 22 Nov 2026 08:00:00 +0000\r\n"                                \
    "Message-ID: <1@prize.example>\r\nX-Mailer: Bulk 1\r\n\r\n"                                    \
    "Dear you,  \r\n\r\nclick http://prize.example/\r\n\r\n"

/* --- the journal --- */

static void put_message(struct journal_store *store, const char *id, const char *evidence)
{
    struct err err;
    struct event message = {.kind = EVENT_MESSAGE,
                            .message = {.id = str_of(id),
                                        .time_us = 1795000000000000,
                                        .sender = STR("win@prize.example"),
                                        .subject = STR("You win"),
                                        .message_id = STR("<1@prize.example>"),
                                        .verdict = STR("spam"),
                                        .global = -2,
                                        .evidence = str_of(evidence)}};
    struct event recipient = {
        .kind = EVENT_RECIPIENT,
        .recipient = {.id = str_of(id),
                      .address = STR("j.toto@ours.example"),
                      .how = STR("file people, alias of Jean@ours.example (as of 08:00)"),
                      .state = RCPT_DELIVERED,
                      .time_us = 1795000000000000}};
    assert_int_equal(journal_store_apply(store, &message, &err), 0);
    assert_int_equal(journal_store_apply(store, &recipient, &err), 0);
}

static struct restored restore(struct str original)
{
    struct restored r;
    struct err err;
    assert_int_equal(restore_original(pool, original, STR(TAG), &r, &err), 0);
    return r;
}

static int set_up(void **state)
{
    struct err err = {""};
    char hex[FINGERPRINT_HEX_SIZE], evidence[200];
    pool = pool_new(64 * 1024 * 1024);
    snprintf(folder, sizeof folder, "/tmp/reports-identity-XXXXXX");
    if (pool == NULL || mkdtemp(folder) == NULL)
        return -1;
    struct journal_store *store = journal_store_open(folder, &err);
    struct restored r = restore(STR(SENT));
    fingerprint_hex(&r.fingerprint, hex);
    snprintf(evidence, sizeof evidence, "{\"fingerprint\":\"%s\"}", hex);
    put_message(store, ID, "{}");
    put_message(store, ID2, evidence);
    if (journal_store_commit(store, &err) < 0)
        return -1;
    journal_store_close(&store);
    journal = journal_open(folder, &err);
    memset(keys.bytes[0], 7, KEY_SIZE);
    return journal ? 0 : -1;
}

static int tear_down(void **state)
{
    char path[400];
    journal_close(&journal);
    DIR *dir = opendir(folder);
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        unlink(path);
    }
    closedir(dir);
    rmdir(folder);
    pool_free(&pool);
    return 0;
}

/* --- scanned and delivered --- */

struct scanned {
    struct fingerprint fingerprint;
    uint64_t digest;
    struct str delivered;
};

/* As content and edge do it. */
static struct scanned deliver(struct str raw, bool spam)
{
    struct scanned s;
    struct message *m;
    struct edits edits;
    struct err err;
    struct buf lines = BUF_INIT(4096), out = BUF_INIT(raw.n + 65536);
    assert_int_equal(message_parse(pool, raw, &mail_limits_default, &m, &err), 0);
    assert_int_equal(fingerprint_make(pool, m, STR(TAG), &s.fingerprint, &err), 0);
    assert_int_equal(features_digest(pool, m, &s.digest, &err), 0);
    assert_int_equal(edits_make(pool, m, spam ? STR(TAG) : STR(""), &edits, &err), 0);
    buf_add(&lines, STR(OWN_RECEIVED));
    buf_addf(&lines,
             "%sX-Spam-Score: 7.0\r\nX-Spam-Status: %s, score=7.0 required=5.0\r\n"
             "\ttests=A=1\r\nX-Poterne-Score: global=-2\r\n",
             spam ? "X-Spam-Flag: YES\r\n" : "", spam ? "Yes" : "No");
    assert_int_equal(signature_put(&lines, &keys, STR(ID), spam, &s.fingerprint, &err), 0);
    assert_int_equal(edits_insert_top(pool, &edits, pool_str(pool, buf_str(&lines)), &err), 0);
    edits_apply(&edits, raw, &out);
    assert_true(buf_ok(&out));
    s.delivered = pool_str(pool, buf_str(&out));
    buf_release(&lines);
    buf_release(&out);
    return s;
}

static struct identity identify(const struct restored *r, struct journal *known,
                                const char *reporter)
{
    struct identity identity;
    struct err err;
    assert_int_equal(identity_check(r, STR(TAG), &keys, known, str_of(reporter), pool, &identity,
                                    &err),
                     0);
    assert_non_null(identity.why);
    return identity;
}

static void assert_same(const struct scanned *s, struct str original, bool spam)
{
    struct restored r = restore(original);
    struct identity identity = identify(&r, NULL, "");
    struct err err;
    uint64_t digest;
    assert_memory_equal(&r.fingerprint, &s->fingerprint, sizeof s->fingerprint);
    assert_int_equal(features_digest(pool, r.message, &digest, &err), 0);
    assert_true(digest == s->digest);
    assert_str(r.id, ID);
    assert_int_equal(r.marked, spam ? MARKED_SPAM : MARKED_HAM);
    assert_int_equal(identity.kind, IDENTITY_GENUINE);
    assert_int_equal(identity.judged, spam ? MARKED_SPAM : MARKED_HAM);
}

/* Replaces all `what` by `with`. */
static struct str replaced(struct str text, const char *what, const char *with)
{
    struct buf out = BUF_INIT(2 * text.n + 65536);
    for (size_t at; (at = str_find(text, str_of(what))) != STR_NONE;) {
        buf_add(&out, str_sub(text, 0, at));
        buf_add(&out, str_of(with));
        text = str_from(text, at + strlen(what));
    }
    buf_add(&out, text);
    assert_true(buf_ok(&out));
    struct str copy = pool_str(pool, buf_str(&out));
    buf_release(&out);
    return copy;
}

static struct str with_top(const char *top, struct str text)
{
    const struct str both[] = {str_of(top), text};
    return pool_join(pool, both, 2);
}

static void a_message_comes_back_as_it_was_scanned(void **state)
{
    for (int spam = 0; spam < 2; spam++) {
        struct scanned s = deliver(STR(SENT), spam);
        struct restored r = restore(s.delivered);
        /* what we remove on the way in is not there again; all else is, byte for byte */
        assert_true(str_eq(r.message->raw, replaced(STR(SENT), "X-Spam-Flag: NO\r\n", "")));
        assert_int_equal(r.tagged, spam);
        assert_same(&s, s.delivered, spam);
    }
}

static void what_stands_behind_us_does_not_matter(void **state)
{
    static const char *const tops[] = {
        "Return-Path: <win@prize.example>\r\nDelivered-To: jean@ours.example\r\n"
        "Received: from mx.ours.example\r\n\tby imap.ours.example with LMTP\r\n",
        "From win@prize.example Sun Nov 22 08:00:00 2026\r\nX-Mozilla-Status: 0001\r\n",
        "X-Account-Key: account1\r\nDKIM-Signature: v=1; d=ours.example; s=x; b=y\r\n"
        "ARC-Seal: i=1; a=b\r\nX-Any: thing\r\n",
    };
    for (int spam = 0; spam < 2; spam++) {
        struct scanned s = deliver(STR(SENT), spam);
        for (size_t i = 0; i < sizeof tops / sizeof *tops; i++) {
            struct str text = with_top(tops[i], s.delivered);
            assert_same(&s, text, spam);
            assert_same(&s, replaced(text, "\r\n", "\n"), spam);
            assert_same(&s, replaced(text, "  \r\n", "\r\n"), spam);
            assert_same(&s, replaced(text, "prize.example/\r\n\r\n", "prize.example/"), spam);
            assert_same(&s,
                        replaced(text, "X-Mailer: Bulk 1\r\n",
                                 "X-Mailer: Bulk\r\n 1\r\nX-UID: 7\r\nStatus: RO\r\n"),
                        spam);
        }
    }
}

static void a_header_in_another_order_is_read_too(void **state)
{
    struct scanned s = deliver(STR(SENT), true);
    /* as Exchange has it: trace, the sender's fields, then what it does not know */
    struct str text =
        STR("Received: from edge.ours.example by mbx.ours.example; Sun\r\n" OWN_RECEIVED
            "Received: from b.example by a.example; Sun, 22 Nov 2026 07:59:00 +0000\r\n"
            "Return-Path: win@prize.example\r\n"
            "From: Prize <win@prize.example>\r\nTo: jean@ours.example\r\n"
            "Subject: =?utf-8?B?W1NQQU1dIFlvdSB3aW4=?=\r\nDate: Sun, 22 Nov 2026 08:00:00 +0000\r\n"
            "Message-ID: <1@prize.example>\r\nX-Mailer: Bulk 1\r\nX-Spam-Flag: YES\r\n"
            "X-Spam-Status: Yes, score=7.0\r\n");
    struct restored was = restore(s.delivered);
    struct buf whole = BUF_INIT(65536);
    buf_addf(&whole,
             "%.*sX-Poterne-Id: " ID "; s=%.*s\r\nX-MS-Exchange-Organization-SCL: 1\r\n\r\n"
             "Dear you,\r\n\r\nclick http://prize.example/\r\n",
             STR_ARG(text), STR_ARG(was.signature));
    assert_same(&s, buf_str(&whole), true);
    struct restored r = restore(buf_str(&whole));
    /* the hops that we saw are the message's; ours and those behind us are not */
    size_t from = 0;
    const struct header *received = part_header(r.message->root, STR("Received"), &from);
    assert_non_null(received);
    assert_true(str_find(received->value, STR("by a.example")) != STR_NONE);
    assert_null(part_header(r.message->root, STR("Received"), &from));
    assert_null(message_header(r.message, STR("Return-Path")));
    buf_release(&whole);
}

static void what_a_server_added_because_it_was_missing_goes(void **state)
{
    struct scanned s = deliver(STR("Subject: x\r\nX-Mailer: y\r\n\r\nbody\r\n"), true);
    /* Postfix adds at the end of the header, others on top */
    struct str text =
        replaced(s.delivered, "X-Mailer: y\r\n",
                 "X-Mailer: y\r\nMessage-Id: <1@mx>\r\nDate: Sun\r\nFrom: MAILER-DAEMON\r\n");
    assert_same(&s, text, true);
    assert_same(&s, with_top("X-Any: x\r\nTo: undisclosed-recipients:;\r\n", text), true);
    /* but not what was there */
    s = deliver(STR(SENT), true);
    struct restored r = restore(replaced(s.delivered, ID "; s=", ID "; m=f; s="));
    assert_null(message_header(r.message, STR("From")));
    assert_int_equal(identify(&r, NULL, "").kind, IDENTITY_FORGED);
}

static void odd_messages_come_back_too(void **state)
{
    static const char *const odd[] = {
        "\r\nno header\r\n",
        "",
        "Subject:\r\n\r\nx\r\n",
        "Subject: [SPAM] by its sender\r\n\r\nx\r\n",
        "Subject: =?utf-8?q?H=C3=A9?= =?utf-8?q?llo?=\r\n\r\nx\r\n",
        "From: a@b.example\r\nsuddenly the body\r\n",
        "From: a@b.example\r\nthis is no field\r\nTo: c@d.example\r\n\r\nx\r\n",
        "From a@b Sun Nov 22 08:00:00 2026\r\nFrom: a@b.example\r\nSubject: x\r\n\r\nbody\r\n",
        "From: a@b.example\r\nX-Poterne-Id: 01JD8Z3V5M7K9Q2R4T6W8X0Y9Z; "
        "s=AAAAAAAAAAAAAAAAAAAAAA\r\n"
        "X-Spam-Status: No\r\n\r\nx\r\n",
        "From: a@b.example\r\nContent-Type: multipart/mixed; "
        "boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\n"
        "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        "RnJvbTogYUBiLmV4YW1wbGUKU3ViamVjdDogeAoKaGVsbG8K\r\n--b--\r\n",
        "From: a@b.example\r\nSubject: one\r\nSubject: two\r\n\r\nx\r\n",
        "From: a@b.example\r\n\r\n\r\n\r\n>From here\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        for (int spam = 0; spam < 2; spam++) {
            struct scanned s = deliver(str_of(odd[i]), spam);
            assert_same(&s, s.delivered, spam);
            assert_same(&s, with_top("Return-Path: <x@y.example>\r\n", s.delivered), spam);
            assert_same(&s, replaced(s.delivered, "\r\n", "\n"), spam);
        }
}

static void without_an_id_only_what_is_surely_ours_goes(void **state)
{
    struct restored r =
        restore(STR("Received: by x\r\nX-Spam-Flag: YES\r\nFrom: a@b.example\r\n"
                    "Subject: [SPAM] x\r\nX-Poterne-Id: what is this\r\n\r\nbody\r\n"));
    assert_str(r.message->raw, "Received: by x\r\nFrom: a@b.example\r\nSubject: x\r\n\r\nbody\r\n");
    assert_int_equal(r.id.n, 0);
    assert_int_equal(r.marked, MARKED_SPAM);
    struct identity identity = identify(&r, journal, "jean@ours.example");
    assert_int_equal(identity.kind, IDENTITY_UNKNOWN);
    assert_int_equal(identity.judged, MARKED_NOT);
    assert_false(identity.received);
}

/* --- who is who --- */

static void the_journal_knows_whose_message_it_was(void **state)
{
    struct scanned s = deliver(STR(SENT), true);
    struct restored r = restore(s.delivered);
    struct identity identity = identify(&r, journal, "JEAN@ours.example");
    assert_int_equal(identity.kind, IDENTITY_GENUINE);
    assert_true(identity.received);
    assert_non_null(identity.message);
    assert_str(identity.message->event.sender, "win@prize.example");
    assert_true(identify(&r, journal, "j.toto@ours.example").received);
    assert_false(identify(&r, journal, "ada@ours.example").received);
    assert_false(identify(&r, journal, "").received);
    assert_false(identify(&r, NULL, "jean@ours.example").received);
}

static void a_changed_original_is_altered(void **state)
{
    struct scanned s = deliver(STR(SENT), true);
    struct restored r = restore(replaced(s.delivered, "Dear you", "Dear me"));
    struct identity identity = identify(&r, journal, "jean@ours.example");
    assert_int_equal(identity.kind, IDENTITY_ALTERED);
    assert_int_equal(identity.judged, MARKED_SPAM); /* by the journal */
    assert_true(identity.received);
    /* without the journal there is nothing that speaks for it */
    assert_int_equal(identify(&r, NULL, "").kind, IDENTITY_FORGED);
    /* the verdict in the header is anybody's: the signed one counts */
    r = restore(replaced(replaced(s.delivered, "X-Spam-Flag: YES", "X-Spam-Flag: NO"),
                         "Status: Yes", "Status: No"));
    assert_int_equal(r.marked, MARKED_HAM);
    assert_int_equal(identify(&r, NULL, "").judged, MARKED_SPAM);
}

static void a_forged_original_is_recognised(void **state)
{
    struct scanned s = deliver(STR(SENT), true);
    /* a real id on another message */
    struct restored r = restore(replaced(s.delivered, "1@prize", "2@prize"));
    struct identity identity = identify(&r, journal, "jean@ours.example");
    assert_int_equal(identity.kind, IDENTITY_FORGED);
    assert_int_equal(identity.judged, MARKED_NOT);
    assert_false(identity.received);
    r = restore(replaced(s.delivered, "You win", "You lose"));
    assert_int_equal(identify(&r, journal, "").kind, IDENTITY_FORGED);
    /* an id that was never given */
    r = restore(replaced(s.delivered, ID, "01JD8Z3V5M7K9Q2R4T6W8X0Y9Z"));
    assert_int_equal(identify(&r, journal, "").kind, IDENTITY_FORGED);
    /* a foreign signature, of another poterne */
    struct keys ours = keys;
    keys.bytes[0][0] ^= 1;
    r = restore(replaced(s.delivered, ID, "01JD8Z3V5M7K9Q2R4T6W8X0Y9Z"));
    assert_int_equal(identify(&r, journal, "").kind, IDENTITY_FORGED);
    keys = ours;
}

static void the_journal_speaks_for_what_a_lost_key_signed(void **state)
{
    struct restored r = restore(STR("X-Poterne-Id: " ID2 "\r\n" SENT));
    struct identity identity = identify(&r, journal, "jean@ours.example");
    assert_int_equal(identity.kind, IDENTITY_GENUINE);
    assert_int_equal(identity.judged, MARKED_SPAM);
    r = restore(STR("X-Poterne-Id: " ID2 "\r\n" SENT "more"));
    assert_int_equal(identify(&r, journal, "").kind, IDENTITY_ALTERED);
}

static void a_journal_that_cannot_be_read_is_no_answer(void **state)
{
    struct scanned s = deliver(STR(SENT), true);
    struct restored r = restore(s.delivered);
    struct pool *small = pool_new(64);
    struct identity identity;
    struct err err = {""};
    assert_int_equal(identity_check(&r, STR(TAG), &keys, journal, STR(""), small, &identity, &err),
                     -1);
    assert_true(err.text[0] != '\0');
    pool_free(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_comes_back_as_it_was_scanned),
        cmocka_unit_test(what_stands_behind_us_does_not_matter),
        cmocka_unit_test(a_header_in_another_order_is_read_too),
        cmocka_unit_test(what_a_server_added_because_it_was_missing_goes),
        cmocka_unit_test(odd_messages_come_back_too),
        cmocka_unit_test(without_an_id_only_what_is_surely_ours_goes),
        cmocka_unit_test(the_journal_knows_whose_message_it_was),
        cmocka_unit_test(a_changed_original_is_altered),
        cmocka_unit_test(a_forged_original_is_recognised),
        cmocka_unit_test(the_journal_speaks_for_what_a_lost_key_signed),
        cmocka_unit_test(a_journal_that_cannot_be_read_is_no_answer),
    };
    return tap_run(tests, set_up, tear_down);
}
