#include "gateway/tls.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include "base/log.h"

/* The first of OpenSSL's errors, which is the cause; the rest is forgotten. */
static int openssl_failed(struct err *err, const char *what, const char *path)
{
    char text[256] = "no reason given";
    unsigned long code = ERR_get_error();
    if (code)
        ERR_error_string_n(code, text, sizeof text);
    ERR_clear_error();
    return err_set(err, "%s %s: %s", what, path, text);
}

static int load_files(SSL_CTX *ctx, const struct conf_smtp *conf, struct err *err)
{
    const char *key = conf->tls_key && conf->tls_key[0] ? conf->tls_key : conf->tls_certificate;
    if (SSL_CTX_use_certificate_chain_file(ctx, conf->tls_certificate) != 1)
        return openssl_failed(err, "smtp.tls_certificate", conf->tls_certificate);
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
        return openssl_failed(err, "smtp.tls_key", key);
    if (SSL_CTX_check_private_key(ctx) != 1)
        return openssl_failed(err, "smtp.tls_key does not belong to smtp.tls_certificate:", key);
    return 0;
}

static void set_up(SSL_CTX *ctx)
{
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
    /* tickets serve clients that come back; a cache would only take memory */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_dh_auto(ctx, 1);
}

/* A handshake with itself loads whatever OpenSSL loads late: algorithms, random numbers. */
static int warm_up(SSL_CTX *ctx, struct err *err)
{
    unsigned char bytes[16];
    SSL *ssl = SSL_new(ctx);
    bool ok = ssl != NULL && RAND_bytes(bytes, sizeof bytes) == 1;
    SSL_free(ssl);
    return ok ? 0 : openssl_failed(err, "TLS", "can't be started");
}

int tls_load(const struct conf_smtp *conf, SSL_CTX **tls, struct err *err)
{
    *tls = NULL;
    if (conf->tls_certificate == NULL || conf->tls_certificate[0] == '\0')
        return 0;
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (ctx == NULL)
        return openssl_failed(err, "TLS", "can't be started");
    set_up(ctx);
    if (load_files(ctx, conf, err) < 0 || warm_up(ctx, err) < 0) {
        SSL_CTX_free(ctx);
        return -1;
    }
    *tls = ctx;
    return 0;
}

int tls_days_left(const SSL_CTX *tls)
{
    const X509 *certificate = SSL_CTX_get0_certificate(tls);
    int days, seconds;
    if (certificate == NULL ||
        ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)) != 1)
        return INT_MAX;
    return seconds < 0 ? days - 1 : days;
}

/* Without them no certificate is valid, which is what then is said of it. */
static void load_trusted(SSL_CTX *ctx, const char *trusted)
{
    struct err err;
    if (trusted == NULL || SSL_CTX_load_verify_file(ctx, trusted) == 1)
        return;
    openssl_failed(&err, "cannot read the trusted authorities in", trusted);
    log_error("%s; no certificate is believed (Debian has them in the package ca-certificates)",
              err.text);
}

int tls_load_client(const char *trusted, SSL_CTX **tls, struct err *err)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL)
        return openssl_failed(err, "TLS", "can't be started");
    set_up(ctx);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    load_trusted(ctx, trusted);
    if (warm_up(ctx, err) < 0) {
        SSL_CTX_free(ctx);
        return -1;
    }
    *tls = ctx;
    return 0;
}

static SSL *start_on(SSL_CTX *tls, int fd)
{
    SSL *ssl = SSL_new(tls);
    if (ssl && SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        ssl = NULL;
    }
    return ssl;
}

SSL *tls_accept_start(SSL_CTX *tls, int fd)
{
    SSL *ssl = start_on(tls, fd);
    if (ssl)
        SSL_set_accept_state(ssl);
    return ssl;
}

SSL *tls_connect_start(SSL_CTX *tls, int fd)
{
    SSL *ssl = start_on(tls, fd);
    if (ssl)
        SSL_set_connect_state(ssl);
    return ssl;
}

static int wants(SSL *ssl, int result)
{
    switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return TLS_WANTS_READ;
    case SSL_ERROR_WANT_WRITE:
        return TLS_WANTS_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        return -1;
    }
}

int tls_handshake(SSL *ssl, struct err *err)
{
    ERR_clear_error();
    int result = SSL_do_handshake(ssl);
    if (result == 1)
        return 1;
    result = wants(ssl, result);
    if (result == TLS_WANTS_READ || result == TLS_WANTS_WRITE)
        return result;
    return openssl_failed(err, "TLS", "handshake failed");
}

ssize_t tls_read(SSL *ssl, void *to, size_t n)
{
    ERR_clear_error();
    int result = SSL_read(ssl, to, n > INT_MAX ? INT_MAX : (int)n);
    return result > 0 ? result : wants(ssl, result);
}

ssize_t tls_write(SSL *ssl, struct str bytes)
{
    ERR_clear_error();
    int result = SSL_write(ssl, bytes.s, bytes.n > INT_MAX ? INT_MAX : (int)bytes.n);
    return result > 0 ? result : wants(ssl, result);
}

void tls_end(SSL **ssl)
{
    if (*ssl == NULL)
        return;
    ERR_clear_error();
    if (SSL_is_init_finished(*ssl))
        SSL_shutdown(*ssl);
    ERR_clear_error();
    SSL_free(*ssl);
    *ssl = NULL;
}
