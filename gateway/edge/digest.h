/* digest: SHA-256 of a message in a file; only for contents that ended a worker. */
#ifndef POTERNE_GATEWAY_EDGE_DIGEST_H
#define POTERNE_GATEWAY_EDGE_DIGEST_H

#include "base/err.h"
#include "gateway/edge/killers.h"

int edge_digest(int fd, uint64_t from, uint64_t size, unsigned char digest[KILLER_DIGEST],
                struct err *err);

#endif
