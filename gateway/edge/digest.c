#include "gateway/edge/digest.h"

#include <openssl/evp.h>

#include "base/fsio.h"

#define PIECE (64 * 1024)

static int add_file(EVP_MD_CTX *ctx, int fd, uint64_t from, uint64_t size, struct err *err)
{
    struct buf piece = BUF_INIT(PIECE);
    int result = 0;
    for (uint64_t end = from + size; from < end && result == 0;) {
        size_t n = end - from < PIECE ? (size_t)(end - from) : PIECE;
        buf_clear(&piece);
        result = fsio_pread(fd, &piece, n, (off_t)from, "message", err);
        if (result == 0 && EVP_DigestUpdate(ctx, piece.p, piece.n) != 1)
            result = err_set(err, "SHA-256 failed");
        from += n;
    }
    buf_release(&piece);
    return result;
}

int edge_digest(int fd, uint64_t from, uint64_t size, unsigned char digest[KILLER_DIGEST],
                struct err *err)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int result = -1;
    if (ctx == NULL || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
        err_set(err, "SHA-256 can't be used");
    else
        result = add_file(ctx, fd, from, size, err);
    if (result == 0 && EVP_DigestFinal_ex(ctx, digest, NULL) != 1)
        result = err_set(err, "SHA-256 failed");
    EVP_MD_CTX_free(ctx);
    return result;
}
