/*
 * sha256: SHA-256 (FIPS 180-4) of what is added in small pieces: they are gathered, since a call of
 * OpenSSL costs more than a line's hash. Link with OPENSSL_LIBS. OpenSSL loads what it needs at the
 * first use: make one before a sandbox closes.
 */
#ifndef POTERNE_BASE_SHA256_H
#define POTERNE_BASE_SHA256_H

#include "base/err.h"
#include "base/str.h"

#define SHA256_SIZE  32
#define SHA256_BLOCK 4096

struct sha256 {
    struct evp_md_ctx_st *ctx;
    bool failed; /* told at the end */
    size_t n;    /* in block */
    uint64_t total;
    char block[SHA256_BLOCK];
};

/* To be ended or freed, unless it fails. */
int sha256_begin(struct sha256 *h, struct err *err);
void sha256_add(struct sha256 *h, struct str bytes);
/* Frees it too. */
int sha256_end(struct sha256 *h, unsigned char sum[SHA256_SIZE], struct err *err);
void sha256_free(struct sha256 *h);
/* All at once. */
int sha256_of(struct str bytes, unsigned char sum[SHA256_SIZE], struct err *err);

#endif
