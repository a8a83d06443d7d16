/*
 * restored FILE…: each message is scanned, tagged and signed as the gateway does it, changed as
 * servers and mail programs behind it do, attached to a report, found in it and restored. A line
 * for each that does not come back as it was: its name and after which change. At the end "N
 * messages, N not restored".
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/fsio.h"
#include "bayes/features/features.h"
#include "mail/edit.h"
#include "reports/identity.h"
#include "reports/originals.h"
#include "reports/signature.h"

#define MESSAGE_MAX ((size_t)32 * 1024 * 1024)
#define TAG         "[SPAM] "
#define ID          "01JD8Z3V5M7K9Q2R4T6W8X0Y1Z"
#define BOUNDARY    "------------no-message-has-this-line"

struct job {
    struct pool *pool;
    struct keys keys;
    struct fingerprint fingerprint;
    uint64_t digest;
};

static void must(int result, const struct err *err)
{
    if (result == 0)
        return;
    fprintf(stderr, "%s\n", err->text);
    exit(1);
}

static struct str kept(struct job *job, struct buf *out)
{
    static const struct err full = {"out of memory"};
    struct str text = buf_ok(out) ? pool_str(job->pool, buf_str(out)) : STR_EMPTY;
    must(text.s ? 0 : -1, &full);
    buf_release(out);
    return text;
}

static struct str deliver(struct job *job, struct str raw)
{
    struct message *m;
    struct edits edits;
    struct err err;
    struct buf lines = BUF_INIT(4096), out = BUF_INIT(2 * raw.n + 65536);
    must(message_parse(job->pool, raw, &mail_limits_default, &m, &err), &err);
    must(fingerprint_make(job->pool, m, STR(TAG), &job->fingerprint, &err), &err);
    must(features_digest(job->pool, m, &job->digest, &err), &err);
    must(edits_make(job->pool, m, STR(TAG), &edits, &err), &err);
    buf_add(&lines, STR("Received: from x (unknown [192.0.2.1])\r\n\tby mx.ours.example (poterne)"
                        " with ESMTP id " ID ";\r\n\tSun, 22 Nov 2026 08:00:00 +0000\r\n"
                        "X-Spam-Flag: YES\r\nX-Spam-Status: Yes, score=7.0\r\n"));
    must(signature_put(&lines, &job->keys, STR(ID), true, &job->fingerprint, &err), &err);
    must(edits_insert_top(job->pool, &edits, kept(job, &lines), &err), &err);
    edits_apply(&edits, raw, &out);
    return kept(job, &out);
}

/* --- the way behind us --- */

static struct str as_it_is(struct job *job, struct str text)
{
    return text;
}

static struct str with_crlf(struct job *job, struct str text)
{
    struct buf out = BUF_INIT(2 * text.n + 16);
    for (size_t i = 0; i < text.n; i++) {
        if (text.s[i] == '\n' && (i == 0 || text.s[i - 1] != '\r'))
            buf_addc(&out, '\r');
        buf_addc(&out, text.s[i]);
    }
    return kept(job, &out);
}

static struct str with_lf(struct job *job, struct str text)
{
    struct buf out = BUF_INIT(text.n + 16);
    for (size_t i = 0; i < text.n; i++)
        if (text.s[i] != '\r' || i + 1 == text.n || text.s[i + 1] != '\n')
            buf_addc(&out, text.s[i]);
    return kept(job, &out);
}

/* Delivered by LMTP, its lines stripped and kept in an mbox. */
static struct str from_a_mailbox(struct job *job, struct str text)
{
    struct buf out = BUF_INIT(2 * text.n + 1024);
    struct str line;
    bool body = false;
    buf_add(&out, STR("From x@y Sun Nov 22 08:00:00 2026\nReturn-Path: <x@y.example>\n"
                      "Delivered-To: jean@ours.example\nReceived: by imap.ours.example; Sun\n"));
    while (str_next_line(&text, &line)) {
        body |= line.n == 0;
        while (body && line.n && (line.s[line.n - 1] == ' ' || line.s[line.n - 1] == '\t'))
            line.n--;
        if (body && str_starts(line, STR("From ")))
            buf_addc(&out, '>');
        buf_add(&out, line);
        buf_addc(&out, '\n');
    }
    buf_addc(&out, '\n');
    return kept(job, &out);
}

static const struct {
    const char *name;
    struct str (*change)(struct job *job, struct str text);
} ways[] = {{"as it is", as_it_is},
            {"CR LF", with_crlf},
            {"LF", with_lf},
            {"mailbox", from_a_mailbox}};

/* --- and back --- */

static struct str report_with(struct job *job, struct str original)
{
    struct buf out = BUF_INIT(original.n + 4096);
    buf_add(&out, STR("From: jean@ours.example\r\nSubject: Fwd: x\r\nMIME-Version: 1.0\r\n"
                      "Content-Type: multipart/mixed; boundary=\"" BOUNDARY "\"\r\n\r\n--" BOUNDARY
                      "\r\nContent-Type: text/plain\r\n\r\n\r\n--" BOUNDARY
                      "\r\nContent-Type: message/rfc822; name=\"x.eml\"\r\n"
                      "Content-Disposition: attachment; filename=\"x.eml\"\r\n\r\n"));
    buf_add(&out, original);
    buf_add(&out, STR("\r\n--" BOUNDARY "--\r\n"));
    return kept(job, &out);
}

static const char *comes_back(struct job *job, struct str original)
{
    struct message *report;
    struct originals found;
    struct restored r;
    struct identity identity;
    struct err err;
    uint64_t digest;
    must(message_parse(job->pool, report_with(job, original), &report_limits, &report, &err), &err);
    must(originals_find(job->pool, report, &found, &err), &err);
    if (found.n != 1 || found.n_left_out)
        return "not found";
    must(restore_original(job->pool, found.list[0].raw, STR(TAG), &r, &err), &err);
    must(identity_check(&r, STR(TAG), &job->keys, NULL, STR(""), job->pool, &identity, &err), &err);
    if (identity.kind != IDENTITY_GENUINE || identity.judged != MARKED_SPAM)
        return "another fingerprint";
    must(features_digest(job->pool, r.message, &digest, &err), &err);
    return digest != job->digest ? "another digest" : NULL;
}

static unsigned check(struct job *job, const char *path, struct str raw)
{
    unsigned bad = 0;
    struct str delivered = deliver(job, raw);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        const char *what = comes_back(job, ways[i].change(job, delivered));
        if (what)
            printf("%s: %s: %s\n", path, ways[i].name, what);
        bad += what != NULL;
    }
    return bad != 0;
}

int main(int argc, char **argv)
{
    struct job job = {.pool = pool_new((size_t)1024 * 1024 * 1024), .keys = {.n = 1}};
    struct buf raw = BUF_INIT(MESSAGE_MAX);
    struct err err;
    unsigned bad = 0;
    if (job.pool == NULL)
        return 1;
    for (int i = 1; i < argc; i++) {
        buf_clear(&raw);
        pool_reset(job.pool);
        must(fsio_read_file(argv[i], &raw, &err), &err);
        bad += check(&job, argv[i], buf_str(&raw));
    }
    printf("%d messages, %u not restored\n", argc - 1, bad);
    buf_release(&raw);
    pool_free(&job.pool);
    return bad != 0;
}
