/*
 * AUTH exchanges over TLS, from bytes to who has logged in. What is asked for must have stood in
 * the input in base64, encoded here anew; only the right password logs in; nothing of a password
 * stays where the input stood; and bytes one by one are answered as all at once. The first byte: 1
 * the answer to a login comes late, 2 logins are only offered, and this is no submission.
 */
#include <stdio.h>
#include <stdlib.h>

#include "gateway/smtp/smtp.h"

#define INPUT_MAX  (64 * 1024)
#define OUTPUT_MAX (1024 * 1024)
#define TOKEN_MAX  4096

#define TOKENS                                                                                     \
    3 /* a password may stand for itself, or behind a user name, with or without another */

struct world {
    struct smtp_session *session;
    struct str input;
    struct buf output;
    bool late;
    bool waits;
    bool right;                /* the one that waits */
    bool in;                   /* somebody has logged in */
    struct buf tokens[TOKENS]; /* what may have stood for the last password */
    unsigned asked;
};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void encode(struct str bytes, struct buf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.n; i += 3) {
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (i + k < bytes.n ? (unsigned char)bytes.s[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            buf_addc(out, i + k > bytes.n ? '=' : digits[bits >> (18 - 6 * k) & 63]);
    }
}

/* How often, also where one begins within another. */
static unsigned occurrences(struct str in, struct str token)
{
    unsigned n = 0;
    for (size_t at; token.n && (at = str_find(in, token)) != STR_NONE; n++)
        in = str_from(in, at + 1);
    return n;
}

static bool stood(struct world *w, struct str bytes, struct buf *token)
{
    buf_clear(token);
    encode(bytes, token);
    require(buf_ok(token));
    return occurrences(w->input, buf_str(token)) > 0;
}

static bool stood_plain(struct world *w, struct str authzid, struct str user, struct str password,
                        struct buf *token)
{
    char room[TOKEN_MAX];
    struct buf message = BUF_OVER(room);
    buf_add(&message, authzid);
    buf_addc(&message, '\0');
    buf_add(&message, user);
    buf_addc(&message, '\0');
    buf_add(&message, password);
    return stood(w, buf_str(&message), token);
}

static void tell(struct world *w, bool right)
{
    require(!w->in);
    w->in = right;
    smtp_login_answer(w->session, right ? SMTP_AUTH_OK : SMTP_AUTH_WRONG, STR_EMPTY);
}

static void on_login(void *owner, struct str user, struct str password)
{
    struct world *w = owner;
    require(!w->waits && !w->in);
    w->asked++;
    if (password.n) {
        char room[TOKEN_MAX];
        struct buf name = BUF_OVER(room);
        bool in_turn = stood(w, password, &w->tokens[0]) && stood(w, user, &name);
        bool plain = stood_plain(w, STR_EMPTY, user, password, &w->tokens[1]);
        bool twice = stood_plain(w, user, user, password, &w->tokens[2]);
        require(user.n && str_chr(user, '\0') == STR_NONE && str_chr(password, '\0') == STR_NONE);
        require(in_turn || plain || twice);
    }
    bool right = str_eq(user, STR("jean")) && str_eq(password, STR("secret"));
    w->waits = w->late;
    w->right = right;
    if (!w->late)
        tell(w, right);
}

static enum smtp_status on_helo(void *owner, struct str name)
{
    return SMTP_NONE;
}

static enum smtp_status on_mail(void *owner, struct str sender, uint64_t bytes, struct buf *words)
{
    return SMTP_SENDER_NOT_YOURS;
}

static void on_refused(void *owner, const struct smtp_refusal *refusal)
{
    const struct world *w = owner;
    (void)refusal;
    require(w->session != NULL);
}

static const struct smtp_ops ops = {.helo = on_helo,
                                    .login = on_login,
                                    .mail = on_mail,
                                    .refused = on_refused};

static void collect(struct world *w)
{
    struct str out;
    while ((out = smtp_output(w->session)).n > 0) {
        buf_add(&w->output, out);
        smtp_sent(w->session, out.n);
    }
}

/* What stood for a password stands in the owner's bytes once less, where its line was whole in
 * them: elsewhere the same may stand, in a line that is no password's. */
static bool is_gone(const struct world *w, struct str before, struct str after)
{
    bool anywhere = false;
    for (size_t i = 0; i < TOKENS; i++) {
        struct str token = buf_str(&w->tokens[i]);
        unsigned n = occurrences(before, token);
        if (n > occurrences(after, token))
            return true;
        anywhere |= n > 0;
    }
    return !anywhere;
}

static void feed(struct world *w, struct str block)
{
    unsigned before = w->asked;
    bool whole = block.n == w->input.n;
    char *copy = malloc(block.n);
    require(copy != NULL);
    memcpy(copy, block.s, block.n);
    for (size_t i = 0; i < TOKENS; i++)
        buf_clear(&w->tokens[i]);
    smtp_input(w->session, str_n(copy, block.n));
    require(!whole || w->asked != before + 1 || is_gone(w, block, str_n(copy, block.n)));
    free(copy);
    collect(w);
}

static void converse(struct world *w, const struct smtp_config *config, bool late, struct str input,
                     size_t step)
{
    *w = (struct world){.input = input, .late = late};
    buf_init(&w->output, OUTPUT_MAX);
    for (size_t i = 0; i < TOKENS; i++)
        buf_init(&w->tokens[i], TOKEN_MAX);
    w->session = smtp_new(config, w);
    require(w->session != NULL);
    smtp_offer_login(w->session, !config->submission);
    smtp_greet_tls(w->session);
    collect(w);
    feed(w, STR("EHLO c\r\n"));
    while (input.n > 0 && smtp_wants(w->session) != SMTP_WANT_CLOSE) {
        struct str block = str_sub(input, 0, step);
        if (w->waits) {
            w->waits = false;
            tell(w, w->right);
            collect(w);
        } else {
            require(smtp_wants(w->session) == SMTP_WANT_INPUT);
            feed(w, block);
            input = str_from(input, block.n);
        }
    }
    while (w->waits) {
        w->waits = false;
        tell(w, w->right);
        collect(w);
    }
    require(w->in == smtp_authenticated(w->session));
}

static void stop(struct world *w)
{
    smtp_free(&w->session);
    buf_release(&w->output);
    for (size_t i = 0; i < TOKENS; i++)
        buf_release(&w->tokens[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world whole, bytes;
    static struct conf conf = {.hostname = "mx.ours.example"};
    if (size < 2 || size > INPUT_MAX)
        return 0;
    conf.smtp.size_limit = 1000;
    conf.smtp.line_limit = 512;
    conf.smtp.recipients_limit = conf.smtp.messages_limit = 10;
    conf.smtp.errors_limit = conf.smtp.commands_limit = 100;
    conf.submission.failures_limit = 5;
    const struct smtp_config config = {&conf, &ops, "admin@ours.example", false, !(data[0] & 2)};
    struct str input = str_n((const char *)data + 1, size - 1);
    converse(&whole, &config, data[0] & 1, input, SMTP_BLOCK_MAX);
    converse(&bytes, &config, data[0] & 1, input, 1);
    require(whole.asked == bytes.asked && whole.in == bytes.in);
    require(str_eq(buf_str(&whole.output), buf_str(&bytes.output)));
    stop(&whole);
    stop(&bytes);
    return 0;
}
