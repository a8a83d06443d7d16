/* A snapshot from a server that sends what it likes: an entry that can't be read whole is nobody
 * who is gone, so there is no snapshot. */
#include "t/unit/tap.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openldap.h>

#include "directory/ldap/lookup.h"
#include "directory/ldap/snapshot.h"

#define LARGE ((size_t)500 * 1024) /* what is copied of one attribute */

static const char settings[] =
    "hostname = mx.a.example\n"
    "ldap staff { servers = ldap://127.0.0.1; base = \"dc=a\"; aliases = -; redirect = - }\n"
    "domain a.example { next_hop = lmtp://192.0.2.1:24; directory = { ldap staff } }\n";

/* The server's answers to the first question on a connection. */
struct server {
    int fd;
    struct buf bytes;
};

static void send_message(struct server *server, BerElement *ber)
{
    struct berval whole;
    assert_int_equal(ber_flatten2(ber, &whole, 0), 0);
    buf_addn(&server->bytes, whole.bv_val, whole.bv_len);
    assert_true(buf_ok(&server->bytes));
    ber_free(ber, 1);
}

static BerElement *begin_entry(void)
{
    BerElement *ber = ber_alloc_t(LBER_USE_DER);
    assert_non_null(ber);
    assert_true(ber_printf(ber, "{it{s{", 1, LDAP_RES_SEARCH_ENTRY, "uid=x,dc=a") >= 0);
    return ber;
}

static void end_entry(struct server *server, BerElement *ber)
{
    assert_true(ber_printf(ber, "}}}") >= 0);
    send_message(server, ber);
}

static void add_attribute(BerElement *ber, const char *name, const char *value)
{
    assert_true(ber_printf(ber, "{s[s]}", name, value) >= 0);
}

static void send_person(struct server *server, const char *address)
{
    BerElement *ber = begin_entry();
    add_attribute(ber, "mail", address);
    end_entry(server, ber);
}

static void send_end(struct server *server)
{
    BerElement *ber = ber_alloc_t(LBER_USE_DER);
    assert_non_null(ber);
    assert_true(ber_printf(ber, "{it{ess}}", 1, LDAP_RES_SEARCH_RESULT, 0, "", "") >= 0);
    send_message(server, ber);
}

/* All at once; what the client asks is not read. */
static void *serve(void *data)
{
    struct server *server = data;
    size_t at = 0;
    while (at < server->bytes.n) {
        ssize_t n = send(server->fd, server->bytes.p + at, server->bytes.n - at, MSG_NOSIGNAL);
        if (n <= 0)
            break;
        at += (size_t)n;
    }
    return NULL;
}

static int read_from(struct server *server, struct ldap_snapshot *snapshot, struct err *err)
{
    static const bool stop;
    struct conf *conf = conf_parse(str_of(settings), "t.conf", err);
    assert_string_equal(err->text, "");
    struct ldap_session session = {.server = "ldap://test"};
    pthread_t thread;
    int fds[2];
    assert_non_null(conf);
    session.site = ldap_site_new(&conf->ldap[0], err);
    assert_non_null(session.site);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    server->fd = fds[0];
    assert_int_equal(ldap_init_fd(fds[1], LDAP_PROTO_TCP, "ldap://127.0.0.1", &session.ld),
                     LDAP_SUCCESS);
    assert_int_equal(pthread_create(&thread, NULL, serve, server), 0);
    int result = ldap_snapshot_read(&session, conf, &stop, snapshot, err);
    ldap_session_close(&session);
    assert_int_equal(pthread_join(thread, NULL), 0);
    close(fds[0]);
    ldap_site_free(&session.site);
    conf_free(&conf);
    buf_release(&server->bytes);
    return result;
}

static void everybody_is_read(void **state)
{
    struct server server = {.bytes = BUF_INIT(LDAP_MESSAGE_MAX)};
    struct ldap_snapshot snapshot;
    struct table_entry entry;
    struct err err = {""};
    send_person(&server, "one@a.example");
    BerElement *bare = begin_entry(); /* of which nothing may be read: no failure */
    end_entry(&server, bare);
    BerElement *empty = begin_entry();
    assert_true(ber_printf(empty, "{s[]}{s[s]}", "description", "mail", "two@a.example") >= 0);
    end_entry(&server, empty);
    send_end(&server);
    int result = read_from(&server, &snapshot, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(result, 0);
    assert_int_equal(snapshot.entries, 3);
    assert_int_equal(table_count(snapshot.table), 2);
    assert_true(table_find(snapshot.table, STR("two@a.example"), &entry));
    table_free(&snapshot.table);
}

static void fails(struct server *server, const char *why)
{
    struct ldap_snapshot snapshot;
    struct err err = {""};
    send_person(server, "last@a.example");
    send_end(server);
    assert_int_equal(read_from(server, &snapshot, &err), -1);
    assert_null(snapshot.table);
    assert_string_equal(err.text, why);
}

static void an_entry_without_room_is_not_passed_over(void **state)
{
    struct server server = {.bytes = BUF_INIT(LDAP_MESSAGE_MAX)};
    char *value = malloc(LARGE + 1);
    assert_non_null(value);
    memset(value, 'x', LARGE);
    value[LARGE] = '\0';
    send_person(&server, "first@a.example");
    BerElement *ber = begin_entry();
    add_attribute(ber, "mail", "large@a.example");
    for (size_t n = 0; n <= LDAP_ENTRY_MAX; n += LARGE)
        add_attribute(ber, "description", value);
    end_entry(&server, ber);
    free(value);
    fails(&server, "ldap://test: an entry can't be read: it is larger than there is room for");
}

static void a_malformed_entry_is_not_passed_over(void **state)
{
    static const char *const shapes[] = {"{si}", "{ss}", "{s}", "{bs}"};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct server server = {.bytes = BUF_INIT(LDAP_MESSAGE_MAX)};
        send_person(&server, "first@a.example");
        BerElement *ber = begin_entry();
        add_attribute(ber, "description", "x");
        int made = i == 0   ? ber_printf(ber, shapes[i], "mail", 7)
                   : i == 1 ? ber_printf(ber, shapes[i], "mail", "odd@a.example")
                   : i == 2 ? ber_printf(ber, shapes[i], "mail")
                            : ber_printf(ber, shapes[i], 1, "odd@a.example");
        assert_true(made >= 0);
        end_entry(&server, ber);
        fails(&server, "ldap://test: an entry can't be read: Decoding error");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_is_read),
        cmocka_unit_test(an_entry_without_room_is_not_passed_over),
        cmocka_unit_test(a_malformed_entry_is_not_passed_over),
    };
    return tap_run(tests, NULL, NULL);
}
