/* An allocation of a process' first TLS handshake fails, each in turn: the next handshake is a good
 * one all the same. Each try is a process of its own, for which everything is the first time. */
#include "t/unit/tap.h"

#include <openssl/ec.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/algorithms.h"

#define ROUNDS     20 /* of a handshake: each side in its turn */
#define STEP       7  /* every seventh allocation */
#define FAILED_MAX 20000

static long until = -1; /* so many allocations are given yet; -1: all are */
static bool met;        /* one was not */

static bool is_given(void)
{
    if (until < 0 || until-- > 0)
        return true;
    met = true;
    return false;
}

static void *give(size_t n, const char *file, int line)
{
    return is_given() ? malloc(n) : NULL;
}

static void *give_again(void *old, size_t n, const char *file, int line)
{
    return is_given() ? realloc(old, n) : NULL;
}

static void take(void *p, const char *file, int line)
{
    free(p);
}

/* --- two sides in one process --- */

struct sides {
    SSL_CTX *server, *client;
};

static void give_certificate(SSL_CTX *server)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
    assert_int_equal(SSL_CTX_use_certificate(server, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(server, key), 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static struct sides sides_new(void)
{
    struct sides sides = {SSL_CTX_new(TLS_server_method()), SSL_CTX_new(TLS_client_method())};
    assert_non_null(sides.server);
    assert_non_null(sides.client);
    give_certificate(sides.server);
    return sides;
}

static bool shake_hands(const struct sides *sides)
{
    BIO *here = NULL, *there = NULL;
    SSL *server = SSL_new(sides->server), *client = SSL_new(sides->client);
    bool done = false;
    if (server && client && BIO_new_bio_pair(&here, 0, &there, 0) == 1) {
        SSL_set_bio(server, here, here);
        SSL_set_bio(client, there, there);
        SSL_set_accept_state(server);
        SSL_set_connect_state(client);
        for (int i = 0; i < ROUNDS && !done; i++) {
            int connected = SSL_do_handshake(client);
            done = SSL_do_handshake(server) == 1 && connected == 1;
        }
    }
    SSL_free(server);
    SSL_free(client);
    return done;
}

/* --- tries --- */

enum outcome { GOOD, PAST_THE_LAST, LOST };

static enum outcome try_one(long n)
{
    struct err err;
    if (algorithms_load(&err) < 0)
        return LOST;
    struct sides sides = sides_new();
    until = n;
    shake_hands(&sides);
    until = -1;
    if (!met)
        return PAST_THE_LAST;
    return shake_hands(&sides) ? GOOD : LOST;
}

static enum outcome in_a_process(long n)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0)
        _exit((int)try_one(n));
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? (enum outcome)WEXITSTATUS(status) : LOST;
}

static void the_handshake_after_one_that_lacked_memory_is_good(void **state)
{
    enum outcome outcome = GOOD;
    long n = 0;
    for (; outcome == GOOD && n < FAILED_MAX; n += STEP)
        outcome = in_a_process(n);
    print_message("# the first handshake allocates some %ld times\n", n);
    assert_int_equal(outcome, PAST_THE_LAST);
    assert_true(n > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_handshake_after_one_that_lacked_memory_is_good),
    };
    if (CRYPTO_set_mem_functions(give, give_again, take) != 1)
        return 1;
    return tap_run(tests, NULL, NULL);
}
