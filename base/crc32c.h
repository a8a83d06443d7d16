/*
 * crc32c: the Castagnoli checksum (RFC 3720 appendix B.4) that guards what we keep on disk. The
 * processor's own instruction is used where there is one.
 */
#ifndef POTERNE_BASE_CRC32C_H
#define POTERNE_BASE_CRC32C_H

#include "base/str.h"

/* Goes on from the checksum of the bytes before; start with 0. */
uint32_t crc32c(uint32_t before, struct str bytes);
/* The same without the instruction, for processors that lack it and for the test of both. */
uint32_t crc32c_portable(uint32_t before, struct str bytes);

#endif
