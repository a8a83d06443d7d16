#include "directory/ldap/session.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fsio.h"

#define SYSTEM_CA "/etc/ssl/certs/ca-certificates.crt"
#define SITE_MAX  ((size_t)1024 * 1024)

void ldap_prepare(void)
{
    int version = LDAP_VERSION3;
    setenv("LDAPNOINIT", "1", 1);
    ldap_set_option(NULL, LDAP_OPT_PROTOCOL_VERSION, &version);
}

/* --- the site --- */

static int read_password(struct ldap_site *site, struct err *err)
{
    struct buf text = BUF_INIT(4096);
    struct str rest, line;
    if (site->conf->password_file == NULL)
        return 0;
    int result = fsio_read_file(site->conf->password_file, &text, err);
    rest = buf_str(&text);
    if (result == 0 && (!str_next_line(&rest, &line) || line.n == 0 ||
                        !str_copy(line, site->password, sizeof site->password)))
        result =
            err_set(err, "%s: expected a password in its first line", site->conf->password_file);
    if (text.n)
        explicit_bzero(text.p, text.n);
    buf_release(&text);
    return result;
}

struct ldap_site *ldap_site_new(const struct conf_ldap *conf, struct err *err)
{
    struct ldap_site *site = calloc(1, sizeof *site);
    if (site) {
        site->conf = conf;
        site->pool = pool_new(SITE_MAX);
    }
    if (site == NULL || site->pool == NULL)
        err_set(err, "out of memory");
    else if (ldap_shape_make(conf, site->pool, &site->shape, err) == 0 &&
             read_password(site, err) == 0)
        return site;
    err_prefix(err, "ldap %s", conf->name);
    ldap_site_free(&site);
    return NULL;
}

void ldap_site_free(struct ldap_site **site)
{
    struct ldap_site *gone = *site;
    if (gone == NULL)
        return;
    *site = NULL;
    explicit_bzero(gone->password, sizeof gone->password);
    pool_free(&gone->pool);
    free(gone);
}

static bool is_resting(const struct ldap_site *site, size_t i)
{
    return __atomic_load_n(&site->rest_until[i], __ATOMIC_RELAXED) > clock_seconds();
}

static void set_rest(struct ldap_site *site, size_t i, bool rest)
{
    int64_t until = rest ? clock_seconds() + LDAP_SERVER_REST : 0;
    __atomic_store_n(&site->rest_until[i], until, __ATOMIC_RELAXED);
}

/* --- a connection --- */

void ldap_session_close(struct ldap_session *session)
{
    if (session->ld)
        ldap_unbind_ext_s(session->ld, NULL, NULL);
    session->ld = NULL;
}

/* "ldap staff, ldaps://ldap1: Can't contact LDAP server (certificate …)" */
static int failed(struct ldap_session *session, const char *what, int code, struct err *err)
{
    char *more = NULL;
    if (session->ld)
        ldap_get_option(session->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &more);
    err_set(err, "%s: %s: %s%s%.300s%s", session->server, what, ldap_err2string(code),
            more && *more ? " (" : "", more ? more : "", more && *more ? ")" : "");
    ldap_memfree(more);
    return -1;
}

static bool bound_messages(LDAP *ld)
{
    Sockbuf *sockets = NULL;
    ber_len_t max = LDAP_MESSAGE_MAX;
    return ldap_get_option(ld, LDAP_OPT_SOCKBUF, &sockets) == LDAP_OPT_SUCCESS && sockets &&
           ber_sockbuf_ctrl(sockets, LBER_SB_OPT_SET_MAX_INCOMING, &max) > 0;
}

static int set_options(struct ldap_session *session)
{
    const struct conf_ldap *conf = session->site->conf;
    LDAP *ld = session->ld;
    struct timeval connect = {.tv_sec = conf->connect_timeout};
    struct timeval answer = {.tv_sec = conf->timeout};
    int version = LDAP_VERSION3, hard = LDAP_OPT_X_TLS_HARD, client = 0;
    int least = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2;
    const char *ca = conf->ca_file ? conf->ca_file : SYSTEM_CA;
    bool tls = conf->starttls || str_istarts(str_of(session->server), STR("ldaps:"));
    bool good = ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version) == LDAP_OPT_SUCCESS &&
                ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &connect) == LDAP_OPT_SUCCESS &&
                ldap_set_option(ld, LDAP_OPT_TIMEOUT, &answer) == LDAP_OPT_SUCCESS &&
                ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) == LDAP_OPT_SUCCESS &&
                ldap_set_option(ld, LDAP_OPT_RESTART, LDAP_OPT_ON) == LDAP_OPT_SUCCESS;
    if (good && tls)
        good = ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, ca) == LDAP_OPT_SUCCESS &&
               ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &hard) == LDAP_OPT_SUCCESS &&
               ldap_set_option(ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &least) == LDAP_OPT_SUCCESS &&
               ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &client) == LDAP_OPT_SUCCESS;
    return good && bound_messages(ld) ? LDAP_SUCCESS : LDAP_LOCAL_ERROR;
}

static int connect_one(struct ldap_session *session, struct err *err)
{
    const struct conf_ldap *conf = session->site->conf;
    struct berval password = {strlen(session->site->password), session->site->password};
    bool plain = !str_istarts(str_of(session->server), STR("ldaps:"));
    session->generation++;
    int code = ldap_initialize(&session->ld, session->server);
    if (code != LDAP_SUCCESS)
        return failed(session, "cannot begin", code, err);
    code = set_options(session);
    if (code != LDAP_SUCCESS)
        return failed(session, "cannot use ca_file or the time limits", code, err);
    if (conf->starttls && plain) {
        code = ldap_start_tls_s(session->ld, NULL, NULL);
        if (code != LDAP_SUCCESS)
            return failed(session, "cannot start TLS", code, err);
    }
    code = ldap_sasl_bind_s(session->ld, *conf->bind_dn ? conf->bind_dn : NULL, LDAP_SASL_SIMPLE,
                            &password, NULL, NULL, NULL);
    return code == LDAP_SUCCESS ? 0 : failed(session, "cannot bind", code, err);
}

/* Those that rest come last, so that none is given up for ever. */
static int connect_any(struct ldap_session *session, struct err *err)
{
    struct ldap_site *site = session->site;
    const struct conf_list *servers = &site->conf->servers;
    bool resting[16];
    size_t n = servers->n < 16 ? servers->n : 16;
    for (size_t i = 0; i < n; i++)
        resting[i] = is_resting(site, i);
    for (unsigned round = 0; round < 2; round++) {
        for (size_t i = 0; i < n; i++) {
            if (resting[i] != (round == 1))
                continue;
            session->server = servers->items[i];
            int result = connect_one(session, err);
            set_rest(site, i, result < 0);
            if (result == 0)
                return 0;
            ldap_session_close(session);
        }
    }
    return -1;
}

/* What tells of the connection and not of the question. */
static bool is_lost(int code)
{
    return code < 0 || code == LDAP_BUSY || code == LDAP_UNAVAILABLE ||
           code == LDAP_UNWILLING_TO_PERFORM || code == LDAP_PROTOCOL_ERROR ||
           code == LDAP_INSUFFICIENT_ACCESS || code == LDAP_OPERATIONS_ERROR;
}

static int search_once(struct ldap_session *session, const struct ldap_query *query,
                       LDAPMessage **result)
{
    const struct ldap_site *site = session->site;
    struct timeval limit = {.tv_sec = site->conf->timeout};
    *result = NULL;
    const char *base = query->base ? query->base : site->conf->base;
    int scope = query->base ? LDAP_SCOPE_BASE : LDAP_SCOPE_SUBTREE;
    return ldap_search_ext_s(session->ld, base, scope, query->filter,
                             (char **)site->shape.attributes, 0, query->controls, NULL, &limit,
                             query->limit, result);
}

int ldap_session_search(struct ldap_session *session, const struct ldap_query *query,
                        LDAPMessage **result, struct err *err)
{
    for (unsigned tries = 0;; tries++) {
        bool kept = session->ld != NULL;
        if (!kept && connect_any(session, err) < 0)
            return -1;
        int code = search_once(session, query, result);
        /* more than we asked for is an answer: there are several */
        if (code == LDAP_SUCCESS || (code == LDAP_SIZELIMIT_EXCEEDED && query->limit && *result))
            return 0;
        failed(session, "cannot search", code, err);
        ldap_msgfree(*result);
        *result = NULL;
        if (query->base && (code == LDAP_NO_SUCH_OBJECT || code == LDAP_INVALID_DN_SYNTAX))
            return 0;
        if (is_lost(code))
            ldap_session_close(session);
        if (!kept || tries > 0 || code != LDAP_SERVER_DOWN)
            return -1;
    }
}

/* --- entries --- */

static int copy_values(struct ldap_attribute *a, struct berval **values, struct pool *pool)
{
    size_t n = 0, bytes = 0;
    a->all = (size_t)ldap_count_values_len(values);
    while (n < a->all && n < LDAP_VALUES_MAX && bytes < LDAP_VALUES_BYTES)
        bytes += values[n++]->bv_len;
    a->values = POOL_ARRAY(pool, n, struct str);
    if (a->values == NULL)
        return -1;
    for (size_t i = 0; i < n; i++) {
        a->values[i] = pool_str(pool, str_n(values[i]->bv_val, values[i]->bv_len));
        if (a->values[i].s == NULL)
            return -1;
        a->n++;
    }
    return 0;
}

static int copy_attribute(struct ldap_entry *entry, size_t *cap, const char *name,
                          struct berval **values, struct pool *pool)
{
    struct ldap_attribute *more =
        pool_grow(pool, entry->attributes, entry->n, cap, sizeof *entry->attributes);
    struct str copy = pool_str(pool, str_of(name));
    if (more == NULL || copy.s == NULL)
        return -1;
    entry->attributes = more;
    entry->attributes[entry->n] = (struct ldap_attribute){.name = copy};
    return values ? copy_values(&entry->attributes[entry->n++], values, pool) : 0;
}

/* libldap says "no more", "no values", "malformed" and "no memory" by the same NULL; this tells
 * them apart. */
static int last_code(LDAP *ld)
{
    int code = LDAP_SUCCESS;
    ldap_get_option(ld, LDAP_OPT_RESULT_CODE, &code);
    return code;
}

int ldap_session_entry(struct ldap_session *session, LDAPMessage *message, struct pool *pool,
                       struct ldap_entry *entry, struct err *err)
{
    BerElement *ber = NULL;
    LDAP *ld = session->ld;
    size_t cap = 0;
    int result = 0, code = LDAP_SUCCESS;
    *entry = (struct ldap_entry){0};
    ldap_set_option(ld, LDAP_OPT_RESULT_CODE, &code);
    char *name = ldap_first_attribute(ld, message, &ber);
    while (name && result == 0) {
        struct berval **values = ldap_get_values_len(ld, message, name);
        if (values || last_code(ld) == LDAP_SUCCESS)
            result = copy_attribute(entry, &cap, name, values, pool);
        ldap_value_free_len(values);
        ldap_memfree(name);
        name = last_code(ld) == LDAP_SUCCESS ? ldap_next_attribute(ld, message, ber) : NULL;
    }
    ldap_memfree(name);
    ber_free(ber, 0);
    code = last_code(ld);
    if (result == 0 && code == LDAP_SUCCESS)
        return 0;
    return err_set(err, "%s: an entry can't be read: %s", session->server,
                   result < 0 ? "it is larger than there is room for" : ldap_err2string(code));
}
