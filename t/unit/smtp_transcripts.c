/*
 * Plays the sessions of t/smtp/ against the machine and wants every reply to be exactly the one
 * written there; once as written, once byte by byte, which must make no difference.
 *
 * C: line      the client sends it with CR LF      c: bytes     it sends them as they are
 * S: line      the next reply line                 M: / R:      the next message / refusal (fake.h)
 * answer N known|unknown|down|report               answers the Nth waiting look-up (from 0)
 * login ok|wrong                                   answers the login that waits
 * verdict queued|failed                            answers the message that waits
 * tls          the handshake is done               closed       the session wants to be closed
 * session      this one is over, another begins
 * ignored N    the last N bytes were not read      drain, timeout
 * set NAME N   before the first C:                 whole        not byte by byte
 * C and c lines in a row are sent in one go; in them \r \n \0 \\ \xNN are bytes, and \*N{text}
 * stands for N times the text. An empty line ends a row. # starts a comment.
 */
#include "base/fsio.h"
#include "t/smtp/fake.h"

#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX (16 * 1024 * 1024)

struct play {
    struct fake fake;
    const char *path;
    size_t line, step;
    bool started;
    bool failed;
    struct buf row; /* C lines not yet sent */
    size_t ignored;
    size_t taken_output, taken_messages, taken_refusals;
};

static void fail(struct play *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void fail(struct play *p, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    printf("# %s:%zu: (step %zu) ", p->path, p->line, p->step);
    vprintf(format, ap);
    printf("\n");
    va_end(ap);
    p->failed = true;
}

static void start(struct play *p)
{
    if (p->started)
        return;
    p->started = true;
    p->fake.session = smtp_new(&p->fake.config, &p->fake);
    smtp_trust(p->fake.session, p->fake.trusted);
    smtp_offer_login(p->fake.session, p->fake.login_offered);
    smtp_offer_dsn(p->fake.session, p->fake.dsn);
    smtp_greet(p->fake.session, SMTP_NONE);
    fake_collect(&p->fake);
}

static void send_row(struct play *p)
{
    start(p);
    if (p->row.n == 0)
        return;
    size_t fed = fake_feed(&p->fake, buf_str(&p->row), p->step);
    p->ignored = p->row.n - fed;
    buf_clear(&p->row);
}

static void add_row(struct play *p, struct str text)
{
    size_t star = str_find(text, STR("\\*"));
    size_t open = str_chr(text, '{');
    uint64_t times;
    if (star == STR_NONE || open == STR_NONE || open < star ||
        !str_to_u64(str_sub(text, star + 2, open), 1000000, &times)) {
        fake_unescape(&p->row, text);
        return;
    }
    size_t close = open + str_chr(str_from(text, open), '}');
    fake_unescape(&p->row, str_sub(text, 0, star));
    for (uint64_t i = 0; i < times; i++)
        fake_unescape(&p->row, str_sub(text, open + 1, close));
    add_row(p, str_from(text, close + 1));
}

static void expect(struct play *p, const struct buf *from, size_t *taken, struct str wanted)
{
    struct str rest = str_from(buf_str(from), *taken);
    struct str line = STR("(nothing)");
    size_t before = rest.n;
    if (rest.n)
        str_next_line(&rest, &line);
    *taken += before - rest.n;
    if (!str_eq(line, wanted))
        fail(p, "got \"%.*s\", expected \"%.*s\"", STR_ARG(line), STR_ARG(wanted));
}

static void expect_all_taken(struct play *p)
{
    struct str rest = str_from(buf_str(&p->fake.output), p->taken_output);
    if (rest.n)
        fail(p, "not expected: \"%.*s\"", STR_ARG(rest));
    rest = str_from(buf_str(&p->fake.messages), p->taken_messages);
    if (rest.n)
        fail(p, "message not expected: \"%.*s\"", STR_ARG(rest));
}

static void do_set(struct play *p, struct str rest)
{
    struct conf_smtp *c = &p->fake.conf.smtp;
    struct str name;
    uint64_t value = 0;
    if (!str_next(&rest, ' ', &name) || !str_to_u64(rest, UINT32_MAX, &value))
        fail(p, "set NAME NUMBER");
    if (str_eq(name, STR("size_limit")))
        c->size_limit = value;
    else if (str_eq(name, STR("recipients_limit")))
        c->recipients_limit = (unsigned)value;
    else if (str_eq(name, STR("errors_limit")))
        c->errors_limit = (unsigned)value;
    else if (str_eq(name, STR("commands_limit")))
        c->commands_limit = (unsigned)value;
    else if (str_eq(name, STR("messages_limit")))
        c->messages_limit = (unsigned)value;
    else if (str_eq(name, STR("mend_newlines")))
        c->mend_newlines = value;
    else if (str_eq(name, STR("full")))
        p->fake.full = value;
    else if (str_eq(name, STR("tls")))
        p->fake.config.tls = value;
    else if (str_eq(name, STR("submission")))
        p->fake.config.submission = value;
    else if (str_eq(name, STR("tokens")))
        p->fake.conf.oauth =
            (struct conf_oauth){.introspection = value ? "https://login.example/" : "",
                                .scope = "mail"};
    else if (str_eq(name, STR("failures_limit")))
        p->fake.conf.submission.failures_limit = (unsigned)value;
    else if (str_eq(name, STR("login_offered")))
        p->fake.login_offered = value;
    else if (str_eq(name, STR("trusted")))
        p->fake.trusted = value;
    else if (str_eq(name, STR("dsn")))
        p->fake.dsn = value;
    else if (str_eq(name, STR("judged_apart")))
        fake_judge_apart(&p->fake);
    else
        fail(p, "no such setting");
}

static void do_answer(struct play *p, struct str rest)
{
    struct str number;
    uint64_t index = 0;
    if (!str_next(&rest, ' ', &number) || !str_to_u64(number, FAKE_WAITING_MAX, &index) ||
        index >= p->fake.n_waiting)
        fail(p, "no look-up waits there");
    enum smtp_status status = SMTP_RECIPIENT_OK;
    if (str_eq(rest, STR("unknown")))
        status = SMTP_UNKNOWN_RECIPIENT;
    else if (str_eq(rest, STR("down")))
        status = SMTP_DIRECTORY_DOWN;
    else if (str_eq(rest, STR("report")))
        status = SMTP_REPORT_OK;
    fake_answer(&p->fake, index, status);
}

static void do_verdict(struct play *p, struct str word)
{
    if (!p->fake.ended)
        fail(p, "no message waits for a verdict");
    fake_verdict(&p->fake, str_eq(word, STR("queued")) ? SMTP_QUEUED : SMTP_SCAN_FAILED);
}

static void do_login(struct play *p, struct str word)
{
    if (!p->fake.login)
        fail(p, "no login is awaited");
    fake_login(&p->fake, str_eq(word, STR("ok")) ? SMTP_AUTH_OK : SMTP_AUTH_WRONG);
}

static void do_tls(struct play *p)
{
    if (smtp_wants(p->fake.session) != SMTP_WANT_TLS)
        fail(p, "no handshake is wanted");
    smtp_tls_started(p->fake.session);
    fake_collect(&p->fake);
}

static void expect_closed(struct play *p)
{
    if (smtp_wants(p->fake.session) != SMTP_WANT_CLOSE)
        fail(p, "the session goes on");
}

static void restart(struct play *p)
{
    smtp_free(&p->fake.session);
    p->started = false;
    start(p);
}

static void do_word(struct play *p, struct str word, struct str rest)
{
    struct smtp_session *s = p->fake.session;
    uint64_t n = 0;
    if (str_eq(word, STR("answer")))
        do_answer(p, rest);
    else if (str_eq(word, STR("verdict")))
        do_verdict(p, rest);
    else if (str_eq(word, STR("login")))
        do_login(p, rest);
    else if (str_eq(word, STR("tls")))
        do_tls(p);
    else if (str_eq(word, STR("session")))
        restart(p);
    else if (str_eq(word, STR("drain")))
        smtp_drain(s);
    else if (str_eq(word, STR("timeout")))
        smtp_end(s, SMTP_TIMEOUT);
    else if (str_eq(word, STR("closed")))
        expect_closed(p);
    else if (!str_eq(word, STR("ignored")) || !str_to_u64(rest, TEXT_MAX, &n))
        fail(p, "not understood: %.*s", STR_ARG(word));
    else if (n != p->ignored)
        fail(p, "%zu bytes were not read", p->ignored);
    fake_collect(&p->fake);
}

static void do_line(struct play *p, struct str line)
{
    struct str text = str_from(line, 3);
    if (line.n == 0 || line.s[0] == '#') {
        if (line.n == 0 && p->row.n)
            send_row(p);
    } else if (str_starts(line, STR("C: "))) {
        add_row(p, text);
        buf_add(&p->row, STR("\r\n"));
    } else if (str_starts(line, STR("c: "))) {
        add_row(p, text);
    } else if (str_starts(line, STR("set "))) {
        do_set(p, str_from(line, 4));
    } else if (!str_eq(line, STR("whole"))) {
        send_row(p);
        struct str word = STR_EMPTY;
        struct str rest = line;
        if (str_starts(line, STR("S: ")))
            expect(p, &p->fake.output, &p->taken_output, text);
        else if (str_starts(line, STR("M: ")))
            expect(p, &p->fake.messages, &p->taken_messages, text);
        else if (str_starts(line, STR("R: ")))
            expect(p, &p->fake.refusals, &p->taken_refusals, text);
        else if (str_next(&rest, ' ', &word))
            do_word(p, word, rest);
    }
}

/* Settings are read before the session is made. */
static void prepare(struct play *p)
{
    fake_start(&p->fake);
    smtp_free(&p->fake.session);
    buf_init(&p->row, TEXT_MAX);
}

static bool play(const char *path, struct str script, size_t step)
{
    struct play p = {.path = path, .step = step};
    struct str line;
    prepare(&p);
    while (!p.failed && str_next_line(&script, &line)) {
        p.line++;
        do_line(&p, line);
    }
    send_row(&p);
    if (!p.failed)
        expect_all_taken(&p);
    fake_stop(&p.fake);
    buf_release(&p.row);
    return !p.failed;
}

static bool play_file(const char *path)
{
    struct buf script = BUF_INIT(TEXT_MAX);
    struct err err;
    bool ok = fsio_read_file(path, &script, &err) == 0;
    if (!ok)
        printf("# %s\n", err.text);
    bool whole = str_find(buf_str(&script), STR("\nwhole\n")) != STR_NONE;
    ok = ok && play(path, buf_str(&script), SMTP_BLOCK_MAX);
    ok = ok && (whole || play(path, buf_str(&script), 1));
    buf_release(&script);
    return ok;
}

int main(void)
{
    glob_t files;
    const char *top = getenv("srcdir");
    char pattern[4096];
    snprintf(pattern, sizeof pattern, "%s/t/smtp/*.txt", top ? top : ".");
    if (glob(pattern, 0, NULL, &files) != 0) {
        printf("Bail out! no %s: run from the project's folder\n", pattern);
        return 1;
    }
    int bad = 0;
    printf("1..%zu\n", files.gl_pathc);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        bool ok = play_file(files.gl_pathv[i]);
        bad += !ok;
        printf("%sok %zu - %s\n", ok ? "" : "not ", i + 1, files.gl_pathv[i]);
    }
    globfree(&files);
    return bad ? 1 : 0;
}
