#include "base/sha256.h"

#include <openssl/evp.h>

int sha256_begin(struct sha256 *h, struct err *err)
{
    h->failed = false;
    h->n = 0;
    h->total = 0;
    h->ctx = EVP_MD_CTX_new();
    if (h->ctx && EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL) == 1)
        return 0;
    sha256_free(h);
    return err_set(err, "SHA-256 can't be used");
}

static void update(struct sha256 *h, struct str bytes)
{
    if (bytes.n && EVP_DigestUpdate(h->ctx, bytes.s, bytes.n) != 1)
        h->failed = true;
}

static void flush(struct sha256 *h)
{
    update(h, str_n(h->block, h->n));
    h->n = 0;
}

void sha256_add(struct sha256 *h, struct str bytes)
{
    h->total += bytes.n;
    if (bytes.n > sizeof h->block - h->n)
        flush(h);
    if (bytes.n > sizeof h->block) {
        update(h, bytes);
    } else if (bytes.n) {
        memcpy(h->block + h->n, bytes.s, bytes.n);
        h->n += bytes.n;
    }
}

int sha256_end(struct sha256 *h, unsigned char sum[SHA256_SIZE], struct err *err)
{
    flush(h);
    bool made = !h->failed && EVP_DigestFinal_ex(h->ctx, sum, NULL) == 1;
    sha256_free(h);
    return made ? 0 : err_set(err, "SHA-256 failed");
}

void sha256_free(struct sha256 *h)
{
    EVP_MD_CTX_free(h->ctx);
    h->ctx = NULL;
}

int sha256_of(struct str bytes, unsigned char sum[SHA256_SIZE], struct err *err)
{
    struct sha256 h;
    if (sha256_begin(&h, err) < 0)
        return -1;
    sha256_add(&h, bytes);
    return sha256_end(&h, sum, err);
}
