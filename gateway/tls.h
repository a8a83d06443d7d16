/*
 * tls: both sides of TLS 1.2 and up with OpenSSL, over a non-blocking socket.
 * Everything is loaded before the sandbox closes.
 */
#ifndef POTERNE_GATEWAY_TLS_H
#define POTERNE_GATEWAY_TLS_H

#include <openssl/ssl.h>
#include <sys/types.h>

#include "base/conf.h"

/* *tls stays NULL when no certificate is configured. -1 with err set: files that can't be used. */
int tls_load(const struct conf_smtp *conf, SSL_CTX **tls, struct err *err);

/* Until the certificate that is shown to clients ends; below 0 after that. INT_MAX: it does not
 * say. */
int tls_days_left(const SSL_CTX *tls);

/* For connections of ours: they are encrypted, and what the other side shows is looked at by
 * whoever asks for it (gateway/client/proof.h). `trusted`: PEM file of the authorities that are
 * believed; NULL, or one that can't be read, which is logged: none is. */
int tls_load_client(const char *trusted, SSL_CTX **tls, struct err *err);

/* Like read() and write() on a non-blocking socket, but for the results below. */
#define TLS_WANTS_READ  (-2)
#define TLS_WANTS_WRITE (-3)

SSL *tls_accept_start(SSL_CTX *tls, int fd);  /* NULL: out of memory */
SSL *tls_connect_start(SSL_CTX *tls, int fd); /* likewise */
/* 1 done, TLS_WANTS_…, or -1 */
int tls_handshake(SSL *ssl, struct err *err);
/* > 0 bytes; 0 the peer has ended; TLS_WANTS_…; -1 */
ssize_t tls_read(SSL *ssl, void *to, size_t n);
ssize_t tls_write(SSL *ssl, struct str bytes);
/* Says good-bye if that does not wait, and frees. NULL is fine. */
void tls_end(SSL **ssl);

#endif
