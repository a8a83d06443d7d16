/*
 * algorithms: what OpenSSL has, fetched before it is needed. libcrypto 3.0 looks an algorithm up at
 * its first use, and where it has no memory then it keeps for good that there is none: one
 * allocation that fails in the first handshake of a process makes all later ones fail, too
 * ("unsupported"). What was fetched once is found without that.
 * Link with OPENSSL_LIBS.
 */
#ifndef POTERNE_BASE_ALGORITHMS_H
#define POTERNE_BASE_ALGORITHMS_H

#include "base/err.h"

/* Once, before a sandbox closes: OpenSSL reads its settings, opens its source of random numbers,
 * and knows all algorithms of its providers. -1 with err set: it can't, or it has no SHA-256. */
int algorithms_load(struct err *err);

#endif
