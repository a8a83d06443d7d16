/* How many recipients a message may have where each of them is as long as may be. */
#include "t/unit/tap.h"

#include <stdio.h>

#include "t/smtp/fake.h"

#define LOCAL 60
#define HOW   4 /* "fake" */

static unsigned ask(struct fake *f, const char *line)
{
    fake_feed(f, str_of(line), SMTP_BLOCK_MAX);
    unsigned code = 0;
    sscanf(f->output.p ? f->output.p : "", "%3u", &code);
    return code;
}

static unsigned say(struct fake *f, const char *line)
{
    buf_clear(&f->output);
    return ask(f, line);
}

/* The client is told before the end of the message, by a code at which it sends to the rest apart
 * (RFC 5321 4.5.3.1.10), and the message goes on with those who were taken. */
static void those_beyond_the_bytes_come_again(void **state)
{
    const size_t each = LOCAL + 5 + sizeof "@ours.example" - 1 + HOW + SMTP_RECIPIENT_BYTES;
    struct fake f;
    char line[200], local[LOCAL + 1];
    size_t n = 0;
    fake_start(&f);
    f.conf.smtp.recipients_limit = 100000;
    f.conf.smtp.commands_limit = 100000;
    memset(local, 'x', LOCAL);
    local[LOCAL] = '\0';
    buf_clear(&f.output);
    say(&f, "");
    assert_int_equal(say(&f, "EHLO client.example\r\n"), 250);
    assert_int_equal(say(&f, "MAIL FROM:<s@remote.example>\r\n"), 250);
    for (;;) {
        snprintf(line, sizeof line, "RCPT TO:<%s%05zu@ours.example>\r\n", local, n);
        unsigned code = say(&f, line);
        if (code != 250) {
            assert_int_equal(code, 452);
            break;
        }
        n++;
        assert_true(n * each <= SMTP_RECIPIENTS_BYTES);
    }
    assert_true((n + 1) * each > SMTP_RECIPIENTS_BYTES);
    assert_int_equal(say(&f, "RCPT TO:<x@elsewhere.example>\r\n"), 550);
    assert_int_equal(say(&f, "DATA\r\n"), 354);
    assert_int_equal(say(&f, "hello\r\n.\r\n"), 250);
    /* and the next one has all its room again */
    assert_int_equal(say(&f, "MAIL FROM:<s@remote.example>\r\n"), 250);
    assert_int_equal(say(&f, line), 250);
    fake_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_beyond_the_bytes_come_again),
    };
    return tap_run(tests, NULL, NULL);
}
