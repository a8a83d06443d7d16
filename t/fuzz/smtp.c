/*
 * The SMTP machine against any bytes. Beyond not crashing: every session says the same whether its
 * bytes come at once or one by one; replies are well-formed lines; no more messages are accepted
 * than the input has ends of one; what was begun is ended or aborted (t/smtp/fake.c aborts else).
 * The first byte chooses: 1 STARTTLS is offered, 2 small limits, 4 a full disk, 8 look-ups and
 * verdicts are answered late, and when the session is drained (the upper bits).
 * The length: odd ones have their line ends mended, every other two are trusted, every other four
 * are submissions, where nobody sends mail who has not logged in; every other eight get DSN.
 */
#include "t/smtp/fake.h"

#include <stdio.h>
#include <stdlib.h>

#define INPUT_MAX (256 * 1024)

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_same(const struct buf *whole, const struct buf *bytes)
{
    if (str_eq(buf_str(whole), buf_str(bytes)))
        return;
    fprintf(stderr, "at once:\n%.*s\none by one:\n%.*s\n", STR_ARG(buf_str(whole)),
            STR_ARG(buf_str(bytes)));
    abort();
}

static void check_replies(struct str out)
{
    struct str line;
    while (out.n > 0) {
        size_t end = str_find(out, STR("\r\n"));
        require(end != STR_NONE && end >= 4 && end <= 510);
        line = str_sub(out, 0, end);
        require(line.s[0] >= '2' && line.s[0] <= '5' && (line.s[3] == ' ' || line.s[3] == '-'));
        for (size_t i = 0; i < line.n; i++)
            require(line.s[i] >= ' ' && line.s[i] <= '~');
        out = str_from(out, end + 2);
    }
}

static size_t count(struct str in, struct str what)
{
    size_t n = 0;
    for (size_t at; (at = str_ifind(in, what)) != STR_NONE; n++)
        in = str_from(in, at + 1);
    return n;
}

/* Answers what is late, newest question first, until the session wants input again. */
static void catch_up(struct fake *f)
{
    while (f->n_waiting > 0)
        fake_answer(f, f->n_waiting - 1,
                    f->n_waiting % 3 ? SMTP_RECIPIENT_OK : SMTP_DIRECTORY_DOWN);
    fake_login(f, SMTP_AUTH_OK);
    if (f->ended)
        fake_verdict(f, SMTP_QUEUED);
    if (smtp_wants(f->session) == SMTP_WANT_TLS) {
        smtp_tls_started(f->session);
        fake_collect(f);
    }
}

static void converse(struct fake *f, unsigned char flags, struct str in, size_t step)
{
    size_t drain_at = (flags >> 4) ? (size_t)(flags >> 4) * 64 : SIZE_MAX;
    f->config.tls = flags & 1;
    f->full = flags & 4;
    if (flags & 2) {
        f->conf.smtp.size_limit = 64;
        f->conf.smtp.line_limit = 512;
        f->conf.smtp.recipients_limit = 3;
        f->conf.smtp.errors_limit = 5;
        f->conf.smtp.commands_limit = 30;
        f->conf.smtp.messages_limit = 3;
    }
    f->conf.smtp.mend_newlines = in.n & 1;
    f->config.submission = in.n & 4;
    f->conf.oauth.introspection = f->config.submission ? "https://login.example/" : "";
    smtp_trust(f->session, in.n & 2);
    smtp_offer_dsn(f->session, in.n & 8);
    smtp_greet(f->session, SMTP_NONE);
    while (in.n > 0 && smtp_wants(f->session) != SMTP_WANT_CLOSE) {
        size_t fed = fake_feed(f, in, step);
        in = str_from(in, fed);
        if (fed == 0 || !(flags & 8))
            catch_up(f);
        if (in.n < drain_at && drain_at != SIZE_MAX) {
            smtp_drain(f->session);
            drain_at = 0;
        }
    }
    do /* what the session holds back may ask for more answers */
        catch_up(f);
    while (smtp_wants(f->session) == SMTP_WANT_ANSWER || smtp_wants(f->session) == SMTP_WANT_TLS);
    fake_collect(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fake whole, bytes;
    if (size < 2 || size > INPUT_MAX)
        return 0;
    unsigned char flags = data[0];
    struct str in = str_n((const char *)data + 1, size - 1);
    fake_start(&whole);
    converse(&whole, flags, in, SMTP_BLOCK_MAX);
    check_replies(buf_str(&whole.output));
    if (whole.config.submission)
        require(whole.accepted == 0 || (smtp_authenticated(whole.session) && (flags & 1)));
    require(whole.accepted <= count(in, STR("\r\n.\r\n")) + count(in, STR("BDAT")));
    /* handshake, drain and late answers come at other moments when the bytes come one by one */
    if (!(flags & 1) && flags >> 3 == 0) {
        fake_start(&bytes);
        converse(&bytes, flags, in, 1);
        require_same(&whole.output, &bytes.output);
        require_same(&whole.messages, &bytes.messages);
        require_same(&whole.refusals, &bytes.refusals);
        fake_stop(&bytes);
    }
    fake_stop(&whole);
    return 0;
}
