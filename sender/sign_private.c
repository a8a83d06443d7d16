#include "sender/sign_private.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/fsio.h"
#include "sender/sign_key.h"
#include "sender/tag.h"

#define ED25519_BYTES 32

const char *sign_kind_name(enum sign_kind kind)
{
    return kind == SIGN_ED25519 ? "ed25519" : "rsa";
}

/* --- where they are --- */

int sign_folder(const struct conf *conf, char path[PATH_MAX], struct err *err)
{
    if (conf->dkim.keys == NULL)
        return fsio_join(path, PATH_MAX, conf->state_dir, "dkim", err);
    return str_copy(str_of(conf->dkim.keys), path, PATH_MAX)
               ? 0
               : err_set(err, "dkim.keys: the path is too long");
}

int sign_key_path(const struct conf *conf, const char *domain, const char *selector,
                  char path[PATH_MAX], struct err *err)
{
    char folder[PATH_MAX];
    char name[2 * NAME_MAX + 2];
    int n = snprintf(name, sizeof name, "%s/%s" SIGN_KEY_END, domain, selector);
    if (n < 0 || (size_t)n >= sizeof name)
        return err_set(err, "%s, %s: the names are too long", domain, selector);
    return sign_folder(conf, folder, err) < 0 ? -1 : fsio_join(path, PATH_MAX, folder, name, err);
}

/* --- a key --- */

static int ssl_failed(struct err *err, const char *what)
{
    char text[128];
    ERR_error_string_n(ERR_get_error(), text, sizeof text);
    ERR_clear_error();
    return err_set(err, "%s: %s", what, text);
}

void sign_private_free(struct sign_private **key)
{
    struct sign_private *old = *key;
    *key = NULL;
    if (old == NULL)
        return;
    EVP_PKEY_free(old->pkey);
    if (old->pem.p)
        explicit_bzero(old->pem.p, old->pem.n);
    buf_release(&old->pem);
    free(old);
}

static struct sign_private *key_new(struct err *err)
{
    struct sign_private *key = calloc(1, sizeof *key);
    if (key)
        buf_init(&key->pem, SIGN_KEY_FILE_MAX);
    else
        err_set(err, "out of memory for a key");
    return key;
}

static int write_pem(struct sign_private *key, struct err *err)
{
    char *text;
    BIO *bio = BIO_new(BIO_s_secmem());
    int result =
        bio && PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) == 1
            ? 0
            : ssl_failed(err, "cannot write a new key");
    long n = result == 0 ? BIO_get_mem_data(bio, &text) : 0;
    if (result == 0)
        buf_addn(&key->pem, text, (size_t)n);
    BIO_free(bio);
    return result;
}

/* The library takes a C string. */
static int end_pem(struct sign_private *key, struct err *err)
{
    (void)buf_cstr(&key->pem);
    return buf_ok(&key->pem) ? 0 : err_set(err, "out of memory for a key");
}

struct sign_private *sign_private_make(enum sign_kind kind, struct err *err)
{
    struct sign_private *key = key_new(err);
    if (key == NULL)
        return NULL;
    key->kind = kind;
    key->pkey = kind == SIGN_RSA ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)SIGN_RSA_BITS)
                                 : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    int result = key->pkey ? write_pem(key, err) : ssl_failed(err, "cannot make a key");
    if (result == 0)
        result = end_pem(key, err);
    if (result == 0)
        key->bits = (unsigned)EVP_PKEY_bits(key->pkey);
    else
        sign_private_free(&key);
    return key;
}

static int read_file(struct sign_private *key, const char *path, struct err *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return err_sys(err, "cannot open %s", path);
    int result = fstat(fd, &st) < 0     ? err_sys(err, "cannot look at %s", path)
                 : !S_ISREG(st.st_mode) ? err_set(err, "%s is no file", path)
                                        : fsio_read_fd(fd, &key->pem, path, err);
    if (result == 0)
        key->open_to_all = (st.st_mode & S_IRWXO) != 0;
    fsio_close_quiet(&fd);
    return result;
}

/* No passphrase is asked for: there is nobody who could type it. */
static int no_passphrase(char *text, int size, int writing, void *data)
{
    return -1;
}

static int parse_pem(struct sign_private *key, const char *path, struct err *err)
{
    BIO *bio = BIO_new_mem_buf(key->pem.p, (int)key->pem.n);
    key->pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    if (key->pkey == NULL)
        return err_set(err, "%s: no private key in PEM form", path);
    key->bits = (unsigned)EVP_PKEY_bits(key->pkey);
    if (EVP_PKEY_base_id(key->pkey) == EVP_PKEY_ED25519) {
        key->kind = SIGN_ED25519;
        return 0;
    }
    key->kind = SIGN_RSA;
    if (EVP_PKEY_base_id(key->pkey) != EVP_PKEY_RSA)
        return err_set(err, "%s: neither an RSA nor an Ed25519 key", path);
    if (key->bits < SIGN_RSA_BITS_MIN || key->bits > SIGN_RSA_BITS_MAX)
        return err_set(err, "%s: an RSA key of %u bits; receivers take those of %d to %d", path,
                       key->bits, SIGN_RSA_BITS_MIN, SIGN_RSA_BITS_MAX);
    return 0;
}

struct sign_private *sign_private_read(const char *path, struct err *err)
{
    struct sign_private *key = key_new(err);
    if (key &&
        (read_file(key, path, err) < 0 || end_pem(key, err) < 0 || parse_pem(key, path, err) < 0))
        sign_private_free(&key);
    return key;
}

/* --- its record --- */

static int add_base64(struct buf *out, const unsigned char *bytes, size_t n, struct err *err)
{
    unsigned char text[4 * ((SIGN_RECORD_MAX + 2) / 3) + 1];
    if (n > SIGN_RECORD_MAX)
        return err_set(err, "the public key is too large for a record");
    int length = EVP_EncodeBlock(text, bytes, (int)n);
    buf_addn(out, text, (size_t)length);
    return buf_ok(out) ? 0 : err_set(err, "out of memory for a record");
}

/* RFC 8463 4.2: the bare 32 bytes, where RSA has a SubjectPublicKeyInfo. */
static int add_public(const struct sign_private *key, struct buf *out, struct err *err)
{
    unsigned char raw[ED25519_BYTES];
    size_t n = sizeof raw;
    if (key->kind == SIGN_ED25519)
        return EVP_PKEY_get_raw_public_key(key->pkey, raw, &n) == 1
                   ? add_base64(out, raw, n, err)
                   : ssl_failed(err, "cannot write a public key");
    unsigned char *der = NULL;
    int length = i2d_PUBKEY(key->pkey, &der);
    if (length < 0)
        return ssl_failed(err, "cannot write a public key");
    int result = add_base64(out, der, (size_t)length, err);
    OPENSSL_free(der);
    return result;
}

int sign_private_record(const struct sign_private *key, struct buf *out, struct err *err)
{
    buf_addf(out, "v=DKIM1; k=%s; p=", sign_kind_name(key->kind));
    return add_public(key, out, err);
}

const char *sign_private_differs(const struct sign_private *key, struct str record, bool *testing)
{
    const char *why = NULL;
    struct str flags = tag_value(record, STR("t"));
    struct str flag;
    *testing = false;
    while (str_next(&flags, ':', &flag))
        *testing = *testing || str_eq(str_trim(flag), STR("y"));
    struct sign_key *published =
        sign_key_read(record, key->kind == SIGN_RSA ? STR("rsa-sha256") : STR("ed25519-sha256"),
                      &why);
    if (published && EVP_PKEY_eq(sign_key_pkey(published), key->pkey) != 1)
        why = "it is of another key";
    sign_key_free(&published);
    return why;
}
