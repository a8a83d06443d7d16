#include "base/algorithms.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <stdbool.h>

/* OpenSSL makes all of a kind before it shows the first.
 * NOLINTBEGIN(bugprone-macro-parentheses): of a type there can be none */
#define SEES(name, type)                                                                           \
    static void name(type *algorithm, void *data)                                                  \
    {                                                                                              \
    }
SEES(see_digest, EVP_MD)
SEES(see_cipher, EVP_CIPHER)
SEES(see_mac, EVP_MAC)
SEES(see_kdf, EVP_KDF)
SEES(see_random, EVP_RAND)
SEES(see_keys, EVP_KEYMGMT)
SEES(see_exchange, EVP_KEYEXCH)
SEES(see_signature, EVP_SIGNATURE)
/* NOLINTEND(bugprone-macro-parentheses) */

static void fetch_all(void)
{
    EVP_MD_do_all_provided(NULL, see_digest, NULL);
    EVP_CIPHER_do_all_provided(NULL, see_cipher, NULL);
    EVP_MAC_do_all_provided(NULL, see_mac, NULL);
    EVP_KDF_do_all_provided(NULL, see_kdf, NULL);
    EVP_RAND_do_all_provided(NULL, see_random, NULL);
    EVP_KEYMGMT_do_all_provided(NULL, see_keys, NULL);
    EVP_KEYEXCH_do_all_provided(NULL, see_exchange, NULL);
    EVP_SIGNATURE_do_all_provided(NULL, see_signature, NULL);
}

/* It tells of that by its queue of errors alone. */
static bool memory_failed(void)
{
    bool failed = false;
    unsigned long error;
    while ((error = ERR_get_error()) != 0)
        failed |= ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE;
    return failed;
}

int algorithms_load(struct err *err)
{
    unsigned char bytes[16];
    ERR_clear_error();
    fetch_all();
    EVP_MD *sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
    bool there = sha256 && RAND_bytes(bytes, sizeof bytes) == 1;
    EVP_MD_free(sha256);
    if (memory_failed())
        return err_set(err, "out of memory for OpenSSL's algorithms");
    return there
               ? 0
               : err_set(err, "OpenSSL has no SHA-256, or no random numbers: look at its settings "
                              "(openssl version -d tells where they are)");
}
