/* What the answer to a bind means, who may send from what, and the reply on its way to edge. */
#include "t/unit/tap.h"

#include <stdio.h>

#include "directory/ldap/login.h"
#include "directory/ldap/state.h"

static void binds(void **state)
{
    const int no = LDAP_INVALID_CREDENTIALS;
    assert_int_equal(ldap_login_result(LDAP_SUCCESS, "", PP_noError), LOGIN_OK);
    assert_int_equal(ldap_login_result(LDAP_SUCCESS, NULL, PP_changeAfterReset), LOGIN_MUST_CHANGE);
    assert_int_equal(ldap_login_result(no, NULL, PP_noError), LOGIN_WRONG);
    assert_int_equal(ldap_login_result(no, NULL, PP_passwordExpired), LOGIN_EXPIRED);
    assert_int_equal(ldap_login_result(no, NULL, PP_accountLocked), LOGIN_LOCKED);
    assert_int_equal(ldap_login_result(LDAP_INAPPROPRIATE_AUTH, NULL, PP_noError), LOGIN_WRONG);
    assert_int_equal(ldap_login_result(LDAP_CONSTRAINT_VIOLATION, NULL, PP_noError), LOGIN_LOCKED);
    assert_int_equal(ldap_login_result(LDAP_UNWILLING_TO_PERFORM, NULL, PP_accountLocked),
                     LOGIN_LOCKED);
    assert_int_equal(ldap_login_result(LDAP_BUSY, NULL, PP_noError), LOGIN_AWAY);
    assert_int_equal(ldap_login_result(LDAP_SERVER_DOWN, NULL, PP_noError), LOGIN_AWAY);
    assert_int_equal(ldap_login_result(LDAP_UNWILLING_TO_PERFORM, NULL, PP_noError), LOGIN_AWAY);
}

static enum login_result windows(const char *data)
{
    char words[200];
    snprintf(
        words, sizeof words,
        "80090308: LdapErr: DSID-0C090446, comment: AcceptSecurityContext error, data %s, v4563",
        data);
    return ldap_login_result(LDAP_INVALID_CREDENTIALS, words, PP_noError);
}

static void active_directory(void **state)
{
    assert_int_equal(windows("52e"), LOGIN_WRONG);
    assert_int_equal(windows("525"), LOGIN_WRONG);
    assert_int_equal(windows("532"), LOGIN_EXPIRED);
    assert_int_equal(windows("533"), LOGIN_DISABLED);
    assert_int_equal(windows("701"), LOGIN_DISABLED);
    assert_int_equal(windows("773"), LOGIN_MUST_CHANGE);
    assert_int_equal(windows("775"), LOGIN_LOCKED);
}

/* One attribute, now = 20 000 days after 1970. */
static enum login_result state_of(const char *name, const char *value)
{
    struct str values[] = {str_of(value)};
    struct ldap_attribute one = {.name = str_of(name), .values = values, .n = 1, .all = 1};
    const struct ldap_entry entry = {.attributes = &one, .n = 1};
    const char *why;
    return ldap_state_read(&entry, (int64_t)20000 * 86400, &why);
}

static void what_an_entry_says_of_its_account(void **state)
{
    (void)state;
    assert_int_equal(state_of("mail", "jean@univ.example"), LOGIN_OK);
    assert_int_equal(state_of("pwdAccountLockedTime", "000001010000Z"), LOGIN_LOCKED);
    assert_int_equal(state_of("PWDACCOUNTLOCKEDTIME", "00000101000000Z"), LOGIN_LOCKED);
    /* somebody guessed, and it passes */
    assert_int_equal(state_of("pwdAccountLockedTime", "20261123080000Z"), LOGIN_OK);
    assert_int_equal(state_of("nsAccountLock", "TRUE"), LOGIN_DISABLED);
    assert_int_equal(state_of("nsAccountLock", "false"), LOGIN_OK);
    assert_int_equal(state_of("shadowExpire", "-1"), LOGIN_OK);
    assert_int_equal(state_of("shadowExpire", "20001"), LOGIN_OK);
    assert_int_equal(state_of("shadowExpire", "20000"), LOGIN_DISABLED);
    assert_int_equal(state_of("shadowExpire", "1"), LOGIN_DISABLED);
    assert_int_equal(state_of("shadowExpire", "soon"), LOGIN_DISABLED);
    assert_int_equal(state_of("accountExpires", "0"), LOGIN_OK);
    assert_int_equal(state_of("accountExpires", "9223372036854775807"), LOGIN_OK);
    assert_int_equal(state_of("accountExpires", "133724736000000000"), LOGIN_DISABLED);
    assert_int_equal(state_of("accountExpires", "133724736010000000"), LOGIN_OK); /* in a second */
    assert_int_equal(state_of("accountExpires", "never"), LOGIN_DISABLED);
}

static void senders(void **state)
{
    const char *own = "jean@univ.example jtoto@univ.example press@univ.example";
    assert_true(login_may_send(own, STR("Jean@UNIV.example"), ""));
    assert_true(login_may_send(own, STR("press@univ.example"), ""));
    assert_true(login_may_send(own, STR("jean+list@univ.example"), "+"));
    assert_false(login_may_send(own, STR("jean+list@univ.example"), ""));
    assert_false(login_may_send(own, STR("+jean@univ.example"), "+"));
    assert_false(login_may_send(own, STR("jean@univ.example.evil.example"), "+"));
    assert_false(login_may_send(own, STR("anne@univ.example"), "+"));
    assert_false(login_may_send(own, STR(""), "+"));
    assert_false(login_may_send("", STR("jean@univ.example"), "+"));
}

static void replies(void **state)
{
    struct login_answer told = {.result = LOGIN_OK,
                                .account = "jean@univ.example",
                                .addresses = "jean@univ.example",
                                .soon = true,
                                .expires = 86400};
    struct login_answer heard;
    struct buf bytes = BUF_INIT(10000);
    uint32_t number;
    login_reply_put(&bytes, 7, &told);
    assert_true(login_reply_get(buf_str(&bytes), &number, &heard));
    assert_int_equal(number, 7);
    assert_string_equal(heard.account, told.account);
    assert_int_equal(heard.expires, 86400);
    for (size_t n = 0; n < bytes.n; n++)
        assert_false(login_reply_get(str_n(bytes.p, n), &number, &heard));
    buf_clear(&bytes);
    told.account[0] = '\0'; /* let in, and nobody */
    login_reply_put(&bytes, 7, &told);
    assert_false(login_reply_get(buf_str(&bytes), &number, &heard));
    buf_release(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binds),
        cmocka_unit_test(active_directory),
        cmocka_unit_test(what_an_entry_says_of_its_account),
        cmocka_unit_test(senders),
        cmocka_unit_test(replies),
    };
    return tap_run(tests, NULL, NULL);
}
