/*
 * md5: MD5 (RFC 1321), as the name of a file that somebody has seen before, which is all that
 * rules use it for. It proves nothing: whoever wants to can make two files of one name.
 */
#ifndef POTERNE_RULES_FACTS_MD5_H
#define POTERNE_RULES_FACTS_MD5_H

#include "base/str.h"

#define MD5_HEX 32

struct md5 {
    uint32_t state[4];
    uint64_t bytes;
    unsigned char block[64];
};

void md5_init(struct md5 *md5);
void md5_add(struct md5 *md5, struct str bytes);
/* In capitals, with a NUL behind them. */
void md5_finish(struct md5 *md5, char hex[MD5_HEX + 1]);

#endif
