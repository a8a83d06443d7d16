#include "t/unit/tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/siphash.h"
#include "bayes/features/known.h"

#define DAY 20000

struct world {
    char folder[64];
    struct conf *conf;
    struct pool *pool;
    struct known *known;
};

static int open_world(void **state)
{
    static struct world w;
    struct err err = {""};
    bool made;
    snprintf(w.folder, sizeof w.folder, "/tmp/poterne-known.XXXXXX");
    assert_non_null(mkdtemp(w.folder));
    w.conf = conf_parse(STR("hostname = mx.own.example\nmanagers = { a@own.example }\n"
                            "domain own.example { next_hop = lmtp://192.0.2.1:24 }\n"),
                        "t.conf", &err);
    if (w.conf == NULL)
        fail_msg("%s", err.text);
    w.pool = pool_new(16 << 20);
    w.known = known_open_writer(w.folder, &made, &err);
    if (w.known == NULL)
        fail_msg("%s", err.text);
    *state = &w;
    return 0;
}

static int close_world(void **state)
{
    static const char *const files[] = {"known", "known.damaged"};
    struct world *w = *state;
    char path[128];
    known_close(&w->known);
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", w->folder, files[i]);
        unlink(path);
    }
    rmdir(w->folder);
    pool_free(&w->pool);
    conf_free(&w->conf);
    return 0;
}

static struct message *parse(struct world *w, const char *raw)
{
    struct err err = {""};
    struct message *message;
    assert_int_equal(message_parse(w->pool, str_of(raw), &mail_limits_default, &message, &err), 0);
    return message;
}

/* How many keys are new. */
static size_t send(struct world *w, const char *raw)
{
    struct err err = {""};
    struct known_keys keys;
    assert_int_equal(known_keys_of(w->known, w->conf, parse(w, raw), w->pool, &keys, &err), 0);
    return known_note(w->known, keys.list, keys.n, DAY);
}

/* "f", "p" and "r" for what is known of it. */
static const char *look(struct world *w, const struct known *known, const char *raw)
{
    static char text[4];
    struct err err = {""};
    struct known_facts facts;
    assert_int_equal(known_look(known, parse(w, raw), w->pool, &facts, &err), 0);
    snprintf(text, sizeof text, "%s%s%s", facts.from ? "f" : "", facts.pair ? "p" : "",
             facts.reply ? "r" : "");
    return text;
}

#define SENT                                                                                       \
    "From: Jean <Jean@own.example>\nTo: \"A, B\" <friend@shop.example>\n"                          \
    "Cc: b@x.example, colleague@own.example\nMessage-ID: <sent-1@own.example>\n\nhello\n"

static void what_was_sent_is_known(void **state)
{
    struct world *w = *state;
    assert_string_equal(look(w, w->known, "From: friend@shop.example\nTo: jean@own.example\n\n"),
                        "");
    assert_int_equal(send(w, SENT), 5);
    assert_int_equal(send(w, SENT), 0);
    assert_string_equal(look(w, w->known,
                             "From: X <FRIEND@shop.example>\nTo: jean@OWN.example\n"
                             "\n"),
                        "fp");
    assert_string_equal(look(w, w->known, "From: b@x.example\nTo: anne@own.example\n\n"), "f");
    assert_string_equal(look(w, w->known,
                             "From: b@x.example\nTo: list@x.example\n"
                             "Cc: jean@own.example\n\n"),
                        "fp");
    assert_string_equal(look(w, w->known,
                             "From: else@x.example\nReferences: <a@b> "
                             "<sent-1@own.example>\n\n"),
                        "r");
    assert_string_equal(look(w, w->known,
                             "From: else@x.example\n"
                             "In-Reply-To: <sent-1@own.example>\n\n"),
                        "r");
    assert_string_equal(look(w, w->known, "From: else@x.example\nTo: friend@shop.example\n\n"), "");
    assert_string_equal(look(w, NULL, "From: friend@shop.example\n\n"), "");
}

/* Colleagues are whom phishing is forged of. */
static void own_addresses_are_never_known(void **state)
{
    struct world *w = *state;
    send(w, SENT);
    assert_string_equal(look(w, w->known, "From: colleague@own.example\nTo: jean@own.example\n\n"),
                        "");
}

static void what_is_no_letter_makes_nobody_known(void **state)
{
    struct world *w = *state;
#define TO "From: jean@own.example\nTo: x@spam.example\nMessage-ID: <12345678@own.example>\n"
    static const char *const mails[] = {
        TO "Auto-Submitted: auto-replied\n\n",
        TO "X-Autoreply: yes\n\n",
        TO "Precedence: auto_reply\n\n",
        TO "Precedence: bulk\n\n",
        TO "Content-Type: multipart/report; boundary=x\n\n",
        "From: stranger@else.example\nTo: x@spam.example\nMessage-ID: <12345678@a>\n\n",
        "To: x@spam.example\nMessage-ID: <12345678@a>\n\n",
        "",
    };
    for (size_t i = 0; i < sizeof mails / sizeof *mails; i++)
        assert_int_equal(send(w, mails[i]), 0);
    assert_int_equal(send(w, TO "Auto-Submitted: no\n\n"), 3);
}

static void a_circular_makes_nobody_known(void **state)
{
    struct world *w = *state;
    struct buf raw = BUF_INIT(1 << 20);
    for (unsigned n = KNOWN_RECIPIENTS_MAX; n <= KNOWN_RECIPIENTS_MAX + 1; n++) {
        buf_clear(&raw);
        buf_add(&raw, STR("From: jean@own.example\nMessage-ID: <circular@own.example>\n"));
        for (unsigned i = 0; i < n; i++)
            buf_addf(&raw, "%s: a%u@b%u.example\n", i % 2 ? "To" : "Bcc", i, n);
        buf_addc(&raw, '\n');
        /* fields beyond the twentieth of a name are not read */
        assert_int_equal(send(w, buf_cstr(&raw)), 2 * 40 + (n == KNOWN_RECIPIENTS_MAX));
    }
    buf_clear(&raw);
    buf_add(&raw,
            STR("From: jean@own.example\nMessage-ID: <circular-2@own.example>\nTo: a@c.example"));
    for (unsigned i = 0; i < KNOWN_RECIPIENTS_MAX; i++)
        buf_addf(&raw, ",\n c%u@d.example", i);
    buf_add(&raw, STR("\n\n"));
    assert_int_equal(send(w, buf_cstr(&raw)), 0);
    buf_release(&raw);
}

static void others_see_at_once_what_is_noted(void **state)
{
    struct world *w = *state;
    struct err err = {""};
    bool made;
    char path[128];
    snprintf(path, sizeof path, "%s/known", w->folder);
    int fd = open(path, O_RDONLY);
    struct known *reader = known_open(fd, path, &err);
    close(fd);
    assert_non_null(reader);
    send(w, SENT);
    assert_string_equal(look(w, reader, "From: friend@shop.example\n\n"), "f");
    assert_int_equal(known_sync(w->known, &err), 0);
    known_close(&w->known);
    w->known = known_open_writer(w->folder, &made, &err);
    assert_non_null(w->known);
    assert_false(made);
    assert_int_equal(send(w, SENT), 0);
    known_close(&reader);
}

static void a_full_bucket_forgets_the_oldest(void **state)
{
    struct world *w = *state;
    uint64_t keys[9];
    for (uint64_t i = 0; i < 9; i++)
        keys[i] = (i + 1) * KNOWN_BUCKETS; /* all of them in one bucket */
    for (uint32_t i = 0; i < 8; i++)
        assert_int_equal(known_note(w->known, &keys[i], 1, DAY + i), 1);
    assert_int_equal(known_note(w->known, &keys[0], 1, DAY + 50), 0);
    assert_int_equal(known_note(w->known, &keys[8], 1, DAY), 0); /* older than all of them */
    assert_int_equal(known_note(w->known, &keys[8], 1, DAY + 60), 1);
    assert_int_equal(known_note(w->known, &keys[0], 1, DAY + 61), 0);
    assert_int_equal(known_note(w->known, &keys[1], 1, DAY + 62), 1); /* it was the oldest */
}

static void a_damaged_table_is_set_aside(void **state)
{
    struct world *w = *state;
    struct err err = {""};
    bool made;
    char path[128], damaged[128];
    struct stat st;
    snprintf(path, sizeof path, "%s/known", w->folder);
    snprintf(damaged, sizeof damaged, "%s/known.damaged", w->folder);
    send(w, SENT);
    known_close(&w->known);
    assert_int_equal(truncate(path, 5000), 0);
    int fd = open(path, O_RDONLY);
    assert_null(known_open(fd, path, &err));
    close(fd);
    w->known = known_open_writer(w->folder, &made, &err);
    assert_non_null(w->known);
    assert_true(made);
    assert_int_equal(stat(damaged, &st), 0);
    assert_int_equal(send(w, SENT), 5);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07007, 0);
    assert_true(st.st_blocks * 512 < 1 << 20); /* it has holes */
}

static void too_little_memory_is_an_error(void **state)
{
    struct world *w = *state;
    struct err err = {""};
    struct known_facts facts;
    struct known_keys keys;
    struct message *message = parse(w, SENT);
    struct pool *small = pool_new(8);
    assert_int_equal(known_look(w->known, message, small, &facts, &err), -1);
    assert_int_equal(known_keys_of(w->known, w->conf, message, small, &keys, &err), -1);
    pool_free(&small);
}

/* Of the paper's appendix A, and from its reference implementation. */
static void the_hash_is_siphash(void **state)
{
    unsigned char key[SIPHASH_KEY_SIZE], text[15];
    for (unsigned char i = 0; i < 16; i++)
        key[i] = i;
    for (unsigned char i = 0; i < 15; i++)
        text[i] = i;
    assert_true(siphash(key, str_n((char *)text, 15)) == 0xa129ca6149be45e5u);
    assert_true(siphash(key, str_n((char *)text, 0)) == 0x726fdb47dd0e0e31u);
    assert_true(siphash(key, str_n((char *)text, 8)) == 0x93f5f5799a932462u);
}

int main(void)
{
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)
    const struct CMUnitTest tests[] = {
        IN_WORLD(what_was_sent_is_known),
        IN_WORLD(own_addresses_are_never_known),
        IN_WORLD(what_is_no_letter_makes_nobody_known),
        IN_WORLD(a_circular_makes_nobody_known),
        IN_WORLD(others_see_at_once_what_is_noted),
        IN_WORLD(a_full_bucket_forgets_the_oldest),
        IN_WORLD(a_damaged_table_is_set_aside),
        IN_WORLD(too_little_memory_is_an_error),
        cmocka_unit_test(the_hash_is_siphash),
    };
    return tap_run(tests, NULL, NULL);
}
