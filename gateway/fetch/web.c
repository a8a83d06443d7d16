#include "gateway/fetch/web.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <event2/event_struct.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "gateway/loop.h"

#define BLOCK      16384L /* bytes that curl reads at once */
#define RESOLVE    (DNS_NAME_MAX + 16 + WEB_ADDRESSES_MAX * (INET6_ADDRSTRLEN + 4))
#define USER_AGENT "poterne"

struct web {
    struct event_base *base;
    CURLM *multi;
    struct event timer;
    X509_STORE *trusted, *own; /* of strangers; of our own servers */
};

struct transfer {
    struct web *web;
    CURL *easy;
    struct curl_slist *resolve, *headers;
    const struct networks *never_to;
    struct buf body;
    size_t header;
    bool too_large, forbidden;
    web_done *done;
    void *data;
    char error[CURL_ERROR_SIZE];
};

/* --- its end --- */

static enum fetch_result result_of(const struct transfer *t, CURLcode code)
{
    if (t->too_large)
        return FETCH_TOO_LARGE;
    if (t->forbidden)
        return FETCH_FORBIDDEN;
    switch (code) {
    case CURLE_OK:
        return FETCH_ANSWERED;
    case CURLE_COULDNT_CONNECT:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
        return FETCH_UNREACHABLE;
    case CURLE_OPERATION_TIMEDOUT:
        return FETCH_TIMEOUT;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
        return FETCH_UNTRUSTED;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CIPHER:
        return FETCH_TLS_FAILED;
    case CURLE_FILESIZE_EXCEEDED:
        return FETCH_TOO_LARGE;
    case CURLE_COULDNT_RESOLVE_HOST:
        return FETCH_DNS_FAILED;
    case CURLE_OUT_OF_MEMORY:
        return FETCH_BUSY;
    default:
        return FETCH_MALFORMED;
    }
}

static void tell(struct transfer *t, CURLcode code)
{
    struct fetch_answer answer = {.result = result_of(t, code)};
    char *type = NULL;
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    answer.status = (unsigned)status;
    if (answer.result == FETCH_ANSWERED) {
        curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type);
        answer.type = str_of(type);
        answer.body = buf_str(&t->body);
    } else {
        answer.note = str_of(t->error[0] ? t->error : curl_easy_strerror(code));
    }
    if (answer.result == FETCH_TOO_LARGE)
        answer.note = STR("the answer is larger than what was asked for");
    if (answer.result == FETCH_FORBIDDEN)
        answer.note = STR("its address is in outside.never_to");
    t->done(t->data, &answer);
}

static void look_what_is_done(struct web *web)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(web->multi, &left)) != NULL) {
        struct transfer *t = NULL;
        CURLcode code = message->data.result;
        if (message->msg == CURLMSG_DONE &&
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t) == CURLE_OK)
            tell(t, code);
    }
}

/* --- curl in the loop --- */

static void on_ready(evutil_socket_t fd, short what, void *data)
{
    struct web *web = data;
    int running;
    int flags = (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);
    curl_multi_socket_action(web->multi, fd, flags, &running);
    look_what_is_done(web);
}

static void on_timer(evutil_socket_t fd, short what, void *data)
{
    struct web *web = data;
    int running;
    curl_multi_socket_action(web->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    look_what_is_done(web);
}

/* What curl waits for at a socket of its own; `known` is what we kept for it. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *known)
{
    struct web *web = data;
    struct event *event = known;
    short wanted = (short)((what & CURL_POLL_IN ? EV_READ : 0) |
                           (what & CURL_POLL_OUT ? EV_WRITE : 0) | EV_PERSIST);
    if (event)
        event_free(event);
    event = what == CURL_POLL_REMOVE ? NULL : event_new(web->base, fd, wanted, on_ready, web);
    curl_multi_assign(web->multi, fd, event);
    if (what == CURL_POLL_REMOVE || (event && event_add(event, NULL) == 0))
        return 0;
    log_error("out of memory for a connection");
    return -1;
}

static int on_timer_wanted(CURLM *multi, long ms, void *data)
{
    struct web *web = data;
    struct timeval wait = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
    if (ms < 0)
        return event_del(&web->timer);
    loop_wait(&web->timer, &wait);
    return 0;
}

/* --- what a transfer does --- */

/* The last look: whoever filled in the addresses has looked, too. */
static bool may_go_to(const struct transfer *t, const struct sockaddr *address)
{
    char text[INET6_ADDRSTRLEN];
    const struct sockaddr_in *four = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
    const void *bytes = address->sa_family == AF_INET    ? (const void *)&four->sin_addr
                        : address->sa_family == AF_INET6 ? (const void *)&six->sin6_addr
                                                         : NULL;
    if (bytes == NULL || inet_ntop(address->sa_family, bytes, text, sizeof text) == NULL)
        return false;
    return t->never_to == NULL || !networks_hold(t->never_to, str_of(text));
}

static curl_socket_t open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *t = data;
    if (!may_go_to(t, &address->addr)) {
        t->forbidden = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                  address->protocol);
}

/* Fewer bytes taken than there are end the transfer. */
static size_t take_body(char *bytes, size_t one, size_t n, void *data)
{
    struct transfer *t = data;
    buf_addn(&t->body, bytes, n);
    t->too_large = !buf_ok(&t->body);
    return t->too_large ? 0 : n;
}

static size_t take_header(char *bytes, size_t one, size_t n, void *data)
{
    struct transfer *t = data;
    t->header += n;
    t->too_large = t->header > WEB_HEADER_MAX;
    return t->too_large ? 0 : n;
}

/* curl fills its store only afterwards, from nothing, and would keep it for the next transfer,
 * whose store may be the other one: CURLOPT_CA_CACHE_TIMEOUT forbids that. */
static CURLcode set_trusted(CURL *easy, void *tls, void *store)
{
    SSL_CTX_set1_cert_store(tls, store);
    return CURLE_OK;
}

/* --- its beginning --- */

static int set(CURL *easy, CURLoption option, const char *value)
{
    return curl_easy_setopt(easy, option, value) == CURLE_OK ? 0 : -1;
}

static int set_number(CURL *easy, CURLoption option, int64_t value)
{
    return curl_easy_setopt(easy, option, (long)value) == CURLE_OK ? 0 : -1;
}

/* Nothing but HTTPS 1.1, nothing from the machine's own settings, nothing followed. */
static int set_manners(CURL *easy)
{
    return set(easy, CURLOPT_PROTOCOLS_STR, "https") || set(easy, CURLOPT_PROXY, "") ||
           set(easy, CURLOPT_NOPROXY, "*") || set_number(easy, CURLOPT_NETRC, CURL_NETRC_IGNORED) ||
           set_number(easy, CURLOPT_FOLLOWLOCATION, 0) || set_number(easy, CURLOPT_NOSIGNAL, 1) ||
           set_number(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1) ||
           set(easy, CURLOPT_USERAGENT, USER_AGENT) ||
           set_number(easy, CURLOPT_BUFFERSIZE, BLOCK) || set(easy, CURLOPT_CAINFO, NULL) ||
           set(easy, CURLOPT_CAPATH, NULL) || set_number(easy, CURLOPT_CA_CACHE_TIMEOUT, 0) ||
           set_number(easy, CURLOPT_SSL_VERIFYPEER, 1) ||
           set_number(easy, CURLOPT_SSL_VERIFYHOST, 2) ||
           set_number(easy, CURLOPT_SSL_SESSIONID_CACHE, 0) ||
           set_number(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2) ||
           set_number(easy, CURLOPT_CONNECTTIMEOUT_MS, WEB_CONNECT_MS);
}

static int set_hooks(struct transfer *t, X509_STORE *store)
{
    CURL *easy = t->easy;
    return curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->error) ||
           curl_easy_setopt(easy, CURLOPT_PRIVATE, t) ||
           curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) ||
           curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, t) ||
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) ||
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, t) ||
           curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header) ||
           curl_easy_setopt(easy, CURLOPT_HEADERDATA, t) ||
           curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, set_trusted) ||
           curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, store);
}

static int add_line(struct curl_slist **list, CURLoption option, CURL *easy, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (longer == NULL)
        return -1;
    *list = longer;
    return curl_easy_setopt(easy, option, longer) == CURLE_OK ? 0 : -1;
}

static int set_addresses(struct transfer *t, const struct web_request *request)
{
    const struct place *place = request->place;
    char line[RESOLVE];
    if (place->is_address)
        return 0;
    /* "+": curl forgets them after a while, as if they were the DNS's */
    int n = snprintf(line, sizeof line, "+%s:%u:%s", place->host, place->port, request->addresses);
    if (n < 0 || (size_t)n >= sizeof line)
        return -1;
    return add_line(&t->resolve, CURLOPT_RESOLVE, t->easy, line);
}

static int set_post(struct transfer *t, const struct web_request *request)
{
    char line[FETCH_TYPE_MAX + 32];
    if (request->method != FETCH_POST)
        return 0;
    snprintf(line, sizeof line, "Content-Type: %.*s", STR_ARG(request->type));
    return set_number(t->easy, CURLOPT_POST, 1) ||
           set_number(t->easy, CURLOPT_POSTFIELDSIZE, (int64_t)request->body.n) ||
           set(t->easy, CURLOPT_POSTFIELDS, request->body.n ? request->body.s : "") ||
           add_line(&t->headers, CURLOPT_HTTPHEADER, t->easy, line);
}

/* What was opened for our own servers is no way to them for a stranger's words. */
static int set_request(struct transfer *t, const struct web_request *request)
{
    bool stranger = request->never_to != NULL;
    CURL *easy = t->easy;
    if (request->user && (set_number(easy, CURLOPT_HTTPAUTH, (int64_t)CURLAUTH_BASIC) ||
                          set(easy, CURLOPT_USERNAME, request->user) ||
                          set(easy, CURLOPT_PASSWORD, request->password)))
        return -1;
    return set(easy, CURLOPT_URL, request->place->url) ||
           set_number(easy, CURLOPT_TIMEOUT_MS, request->milliseconds) ||
           set_number(easy, CURLOPT_MAXFILESIZE, (int64_t)request->answer_max) ||
           set_number(easy, CURLOPT_FRESH_CONNECT, stranger) ||
           set_number(easy, CURLOPT_FORBID_REUSE, stranger) || set_addresses(t, request) ||
           set_post(t, request);
}

struct transfer *web_start(struct web *web, const struct web_request *request, web_done *done,
                           void *data)
{
    X509_STORE *store = request->never_to ? web->trusted : web->own;
    struct transfer *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    *t = (struct transfer){.web = web, .never_to = request->never_to, .done = done, .data = data};
    buf_init(&t->body, request->answer_max);
    t->easy = curl_easy_init();
    if (t->easy == NULL || set_manners(t->easy) || set_hooks(t, store) || set_request(t, request) ||
        curl_multi_add_handle(web->multi, t->easy) != CURLM_OK)
        web_end(&t);
    return t;
}

void web_end(struct transfer **transfer)
{
    struct transfer *t = *transfer;
    *transfer = NULL;
    if (t == NULL)
        return;
    if (t->easy) {
        curl_multi_remove_handle(t->web->multi, t->easy);
        curl_easy_cleanup(t->easy);
    }
    curl_slist_free_all(t->resolve);
    curl_slist_free_all(t->headers);
    if (t->body.p) /* who somebody is may stand in it */
        explicit_bzero(t->body.p, t->body.n);
    buf_release(&t->body);
    free(t);
}

/* --- before the sandbox --- */

static X509_STORE *read_store(const char *path, const char *setting, struct err *err)
{
    X509_STORE *store = X509_STORE_new();
    if (store && path && X509_STORE_load_file(store, path) != 1) {
        char why[200] = "no certificate in it";
        unsigned long code = ERR_peek_last_error();
        if (code)
            ERR_error_string_n(code, why, sizeof why);
        err_set(err, "%s: cannot read %s: %s", setting, path, why);
        X509_STORE_free(store);
        store = NULL;
    } else if (store == NULL) {
        err_set(err, "out of memory for certificates");
    }
    ERR_clear_error();
    return store;
}

/* A machine without Debian's ca-certificates serves all the same: nobody is trusted there. */
static int read_stores(struct web *web, const struct conf *conf, struct err *err)
{
    struct err why = {""};
    const char *own = conf->oauth.trusted;
    web->trusted = read_store(conf->fetch.trusted, "fetch.trusted", &why);
    if (web->trusted == NULL) {
        log_error("%s; no HTTPS server is trusted (Debian has the file in the package "
                  "ca-certificates)",
                  why.text);
        web->trusted = read_store(NULL, "fetch.trusted", err);
    }
    if (own)
        web->own = read_store(own, "oauth.trusted", err);
    else if (web->trusted && X509_STORE_up_ref(web->trusted) == 1)
        web->own = web->trusted;
    return web->trusted && web->own ? 0 : -1;
}

/* What curl and OpenSSL load late: algorithms, random numbers, the first handle's things. */
static int warm_up(struct web *web, struct err *err)
{
    unsigned char bytes[16];
    CURL *easy = curl_easy_init();
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    SSL *ssl = tls ? SSL_new(tls) : NULL;
    bool ok = easy && ssl && RAND_bytes(bytes, sizeof bytes) == 1 && set_manners(easy) == 0;
    SSL_free(ssl);
    SSL_CTX_free(tls);
    curl_easy_cleanup(easy);
    return ok ? 0 : err_set(err, "libcurl can't be started");
}

static int start_curl(struct web *web, struct err *err)
{
    if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK || (web->multi = curl_multi_init()) == NULL)
        return err_set(err, "libcurl can't be started");
    bool ok =
        curl_multi_setopt(web->multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
        curl_multi_setopt(web->multi, CURLMOPT_SOCKETDATA, web) == CURLM_OK &&
        curl_multi_setopt(web->multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted) == CURLM_OK &&
        curl_multi_setopt(web->multi, CURLMOPT_TIMERDATA, web) == CURLM_OK &&
        curl_multi_setopt(web->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING) == CURLM_OK &&
        curl_multi_setopt(web->multi, CURLMOPT_MAXCONNECTS, (long)WEB_CONNECTIONS_MAX) == CURLM_OK;
    return ok ? warm_up(web, err) : err_set(err, "libcurl takes no settings");
}

struct web *web_open(const struct conf *conf, struct event_base *base, struct err *err)
{
    struct web *web = calloc(1, sizeof *web);
    if (web == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    web->base = base;
    evtimer_assign(&web->timer, base, on_timer, web);
    if (start_curl(web, err) < 0 || read_stores(web, conf, err) < 0)
        web_close(&web);
    return web;
}

void web_close(struct web **web)
{
    struct web *w = *web;
    *web = NULL;
    if (w == NULL)
        return;
    if (w->multi)
        curl_multi_cleanup(w->multi);
    event_del(&w->timer);
    X509_STORE_free(w->trusted);
    X509_STORE_free(w->own);
    curl_global_cleanup();
    free(w);
}
