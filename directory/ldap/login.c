#include "directory/ldap/login.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/network.h"
#include "directory/ldap/filter.h"
#include "directory/ldap/lookup.h"
#include "directory/ldap/state.h"

#define ENTRIES_MAX 2 /* one too many is enough to know */

struct ldap_login {
    struct ldap_session session;
    struct pool *pool;
    struct buf filter;
};

void ldap_login_close(struct ldap_login **login)
{
    struct ldap_login *gone = *login;
    *login = NULL;
    if (gone == NULL)
        return;
    ldap_session_close(&gone->session);
    ldap_site_free(&gone->session.site);
    pool_free(&gone->pool);
    buf_release(&gone->filter);
    free(gone);
}

/* Nothing between us and it: an address that only begins so may be anywhere. */
static bool is_on_this_machine(struct str host)
{
    struct network loop;
    size_t end = str_starts(host, STR("[")) ? str_chr(host, ']') : str_chr(host, ':');
    struct str name = end == STR_NONE ? host : str_sub(host, 0, end);
    if (str_starts(name, STR("[")))
        return str_eq(name, STR("[::1"));
    return str_ieq(name, STR("localhost")) ||
           (network_parse(STR("127.0.0.0/8"), &loop) && network_holds(&loop, name));
}

/* A password never goes over a network in clear. */
static bool is_in_clear(const struct conf_ldap *conf)
{
    for (size_t i = 0; i < conf->servers.n; i++) {
        struct str server = str_of(conf->servers.items[i]);
        struct str host = str_from(server, STR("ldap://").n);
        if (str_istarts(server, STR("ldap://")) && !conf->starttls && !is_on_this_machine(host))
            return true;
    }
    return false;
}

/* Only a login asks for them. */
static void add_secrets(struct ldap_shape *shape, const struct conf_ldap *conf)
{
    const char *const names[] = {conf->app_passwords, conf->totp};
    size_t n = 0;
    while (shape->attributes[n])
        n++;
    for (size_t i = 0; i < 2 && n < SHAPE_ATTRIBUTES_MAX; i++)
        if (*names[i])
            shape->attributes[n++] = names[i];
    for (size_t i = 0; ldap_state_attributes[i] && n < SHAPE_ATTRIBUTES_MAX; i++)
        shape->attributes[n++] = ldap_state_attributes[i];
    shape->attributes[n] = NULL;
}

struct ldap_login *ldap_login_open(const struct conf_ldap *conf, struct err *err)
{
    if (is_in_clear(conf)) {
        err_set(err,
                "ldap %s: people log in there (submission), and passwords are not sent in clear; "
                "expected ldaps:// or starttls = yes, or submission.inside = no where "
                "there is no port for it",
                conf->name);
        return NULL;
    }
    struct ldap_login *login = calloc(1, sizeof *login);
    if (login == NULL) {
        err_set(err, "ldap %s: out of memory", conf->name);
        return NULL;
    }
    login->filter = BUF_INIT(LDAP_FILTER_MAX);
    login->pool = pool_new(LDAP_ENTRY_MAX);
    if (login->pool == NULL)
        err_set(err, "ldap %s: out of memory", conf->name);
    else
        login->session.site = ldap_site_new(conf, err);
    if (login->session.site == NULL)
        ldap_login_close(&login);
    else
        add_secrets(&login->session.site->shape, conf);
    return login;
}

static void set_away(struct login_answer *answer, const char *why)
{
    attempt_refuse(answer, LOGIN_AWAY, why);
}

/* --- the bind --- */

/* "… AcceptSecurityContext error, data 532, v4563": the codes of a Windows log-on. */
static enum login_result windows_result(const char *words)
{
    static const struct {
        const char *word;
        enum login_result result;
    } meanings[] = {
        {"data 532,", LOGIN_EXPIRED},  {"data 773,", LOGIN_MUST_CHANGE},
        {"data 775,", LOGIN_LOCKED},   {"data 533,", LOGIN_DISABLED},
        {"data 701,", LOGIN_DISABLED},
    };
    for (size_t i = 0; words && i < sizeof meanings / sizeof meanings[0]; i++)
        if (strstr(words, meanings[i].word))
            return meanings[i].result;
    return LOGIN_WRONG;
}

enum login_result ldap_login_result(int code, const char *words, LDAPPasswordPolicyError policy)
{
    if (code == LDAP_SUCCESS)
        return policy == PP_changeAfterReset ? LOGIN_MUST_CHANGE : LOGIN_OK;
    if (policy == PP_passwordExpired)
        return LOGIN_EXPIRED;
    /* 389 Directory Server says "constraint violation" of one who tried too often */
    if (policy == PP_accountLocked || code == LDAP_CONSTRAINT_VIOLATION)
        return LOGIN_LOCKED;
    if (code == LDAP_INVALID_CREDENTIALS)
        return windows_result(words);
    /* an entry that has no password, or is gone since it was found */
    if (code == LDAP_INAPPROPRIATE_AUTH || code == LDAP_NO_SUCH_OBJECT)
        return LOGIN_WRONG;
    return LOGIN_AWAY;
}

/* What the control says; of a success also how long the password still lasts. */
static LDAPPasswordPolicyError read_policy(LDAP *ld, LDAPControl **controls,
                                           struct login_answer *answer)
{
    LDAPPasswordPolicyError error = PP_noError;
    ber_int_t expires = -1, grace = -1;
    LDAPControl *control = ldap_control_find(LDAP_CONTROL_PASSWORDPOLICYRESPONSE, controls, NULL);
    if (control == NULL ||
        ldap_parse_passwordpolicy_control(ld, control, &expires, &grace, &error) != LDAP_SUCCESS)
        return PP_noError;
    answer->soon = expires >= 0 || grace >= 0;
    answer->expires = expires > 0 ? (uint64_t)expires : 0;
    return error;
}

static void read_bind(LDAP *ld, LDAPMessage *result, struct login_answer *answer)
{
    LDAPControl **controls = NULL;
    char *words = NULL;
    int code = LDAP_OTHER;
    if (ldap_parse_result(ld, result, &code, NULL, &words, NULL, &controls, 0) != LDAP_SUCCESS) {
        set_away(answer, "the answer to the bind is not understood");
        return;
    }
    LDAPPasswordPolicyError policy = read_policy(ld, controls, answer);
    answer->result = ldap_login_result(code, words, policy);
    if (answer->result != LOGIN_OK)
        snprintf(answer->note, sizeof answer->note, "%s%s%.100s%s%s", ldap_err2string(code),
                 words && *words ? ": " : "", words ? words : "", policy == PP_noError ? "" : ", ",
                 policy == PP_noError ? "" : ldap_passwordpolicy_err2txt(policy));
    ldap_controls_free(controls);
    ldap_memfree(words);
}

/* The connection is somebody else's afterwards: the caller closes it. */
static void try_bind(struct ldap_session *session, const char *dn, const char *password,
                     struct login_answer *answer)
{
    struct timeval limit = {.tv_sec = session->site->conf->timeout};
    struct berval secret = {strlen(password), (char *)(uintptr_t)password};
    LDAPControl *policy = NULL;
    LDAPMessage *result = NULL;
    int number = -1;
    if (ldap_create_passwordpolicy_control(session->ld, &policy) != LDAP_SUCCESS) {
        set_away(answer, "out of memory");
        return;
    }
    LDAPControl *controls[] = {policy, NULL};
    int code = ldap_sasl_bind(session->ld, dn, LDAP_SASL_SIMPLE, &secret, controls, NULL, &number);
    ldap_control_free(policy);
    int got =
        code == LDAP_SUCCESS ? ldap_result(session->ld, number, LDAP_MSG_ALL, &limit, &result) : -1;
    if (got > 0)
        read_bind(session->ld, result, answer);
    else
        set_away(answer, got == 0 ? "no answer to the bind in time" : "the connection is lost");
    ldap_msgfree(result);
}

/* --- the entry --- */

/* Those for which there is no room it can't send from: the official one is the first. */
static void take_addresses(const struct ldap_who *who, struct login_answer *answer)
{
    struct buf list = BUF_OVER(answer->addresses);
    struct str granted = who->person.identities, one;
    for (size_t i = 0; i < who->n && list.n + strlen(who->addresses[i].text) < list.max; i++)
        buf_addf(&list, "%s%s", i ? " " : "", who->addresses[i].text);
    while (str_next(&granted, ' ', &one))
        if (one.n && list.n + one.n < list.max)
            buf_addf(&list, " %.*s", STR_ARG(one));
    buf_cstr(&list);
}

static void add_values(const struct ldap_entry *entry, const char *name, enum factor_kind kind,
                       struct factors *factors)
{
    for (size_t i = 0; *name && i < entry->n; i++)
        for (size_t k = 0;
             str_ieq(entry->attributes[i].name, str_of(name)) && k < entry->attributes[i].n; k++)
            factors_add(factors, kind, entry->attributes[i].values[k]);
}

/* Those of the file and of the entry. */
static void find_factors(const struct ldap_login *login, const struct factor_file *file,
                         const struct ldap_entry *entry, const struct ldap_who *who,
                         struct factors *factors)
{
    const struct conf_ldap *conf = login->session.site->conf;
    for (size_t i = 0; i < who->n; i++)
        factor_file_find(file, str_of(who->addresses[i].text), factors);
    add_values(entry, conf->app_passwords, FACTOR_APP_PASSWORD, factors);
    add_values(entry, conf->totp, FACTOR_TOTP, factors);
}

/* Whose entry a bind is made in the name of. */
struct bind_as {
    struct ldap_session *session;
    const char *dn;
};

static void verify(void *data, const char *password, struct login_answer *answer)
{
    const struct bind_as *as = data;
    try_bind(as->session, as->dn, password, answer);
}

/* An application password is right whatever the directory would say to a bind. */
static void look_at_state(const struct ldap_entry *entry, struct login_answer *answer)
{
    const char *why;
    enum login_result state = ldap_state_read(entry, (int64_t)time(NULL), &why);
    if (answer->result == LOGIN_OK && state != LOGIN_OK)
        attempt_refuse(answer, state, why);
}

/* The password is looked at first: who does not know it learns nothing of the account. */
static void check_entry(struct ldap_login *login, LDAPMessage *message,
                        const struct attempt *attempt, struct login_answer *answer)
{
    struct ldap_session *s = &login->session;
    struct ldap_entry entry;
    struct ldap_who who = {0};
    struct factors factors = {.n = 0};
    struct err err = {""};
    char *dn = ldap_get_dn(s->ld, message);
    if (dn == NULL || *dn == '\0')
        set_away(answer, "the entry has no name");
    else if (ldap_session_entry(s, message, login->pool, &entry, &err) < 0 ||
             ldap_entry_read(&s->site->shape, &entry, login->pool, &who) < 0)
        set_away(answer, err.text[0] ? err.text : "out of memory");
    else if (attempt->password) {
        find_factors(login, attempt->policy->file, &entry, &who, &factors);
        if (attempt_make(attempt, &factors, verify, &(struct bind_as){s, dn}, answer))
            look_at_state(&entry, answer);
    } else {
        answer->result = LOGIN_OK;
    }
    ldap_memfree(dn);
    if (who.n)
        str_copy(str_of(who.addresses[0].text), answer->account, sizeof answer->account);
    if (answer->result != LOGIN_OK)
        return;
    if (who.n == 0 || (who.person.flags & (PERSON_DISABLED | PERSON_GROUP))) {
        answer->result = LOGIN_DISABLED;
        snprintf(answer->note, sizeof answer->note, "%s",
                 who.n == 0 ? "the entry has no mail address" : "the entry is disabled");
    } else {
        take_addresses(&who, answer);
    }
}

/* A server that gives out fewer entries than there are. */
static bool is_cut(struct ldap_session *s, LDAPMessage *result)
{
    int code = LDAP_OTHER;
    return result &&
           (ldap_parse_result(s->ld, result, &code, NULL, NULL, NULL, NULL, 0) != LDAP_SUCCESS ||
            code != LDAP_SUCCESS);
}

bool ldap_login_check(struct ldap_login *login, const struct address *user,
                      const struct attempt *attempt, struct login_answer *answer)
{
    struct ldap_session *s = &login->session;
    const char *filter = s->site->conf->login;
    LDAPMessage *result = NULL;
    struct err err = {""};
    bool found = true;
    *answer = (struct login_answer){.result = LOGIN_WRONG};
    if (attempt->password && *attempt->password == '\0')
        return true;
    pool_reset(login->pool);
    buf_clear(&login->filter);
    ldap_filter_make(&login->filter, *filter ? filter : s->site->shape.filter, user);
    struct ldap_query query = {.filter = buf_cstr(&login->filter), .limit = ENTRIES_MAX};
    if (!buf_ok(&login->filter)) {
        set_away(answer, "the filter is longer than there is room for");
    } else if (ldap_session_search(s, &query, &result, &err) < 0) {
        set_away(answer, err.text);
    } else {
        int n = result ? ldap_count_entries(s->ld, result) : 0;
        found = n != 0;
        if (n == 1 && is_cut(s, result))
            set_away(answer, "the server does not say whether others have that user name");
        else if (n == 1)
            check_entry(login, ldap_first_entry(s->ld, result), attempt, answer);
        else if (n > 1)
            set_away(answer, "several entries have that user name");
        else if (n < 0)
            set_away(answer, "the answer to the search is not understood");
    }
    ldap_msgfree(result);
    ldap_session_close(s);
    return found;
}
