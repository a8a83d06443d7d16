/*
 * witness: how late it was when the quarantine was last looked through for what is old. A wall
 * clock that was set years ahead must not make everything old at one look.
 */
#ifndef POTERNE_QUARANTINE_WITNESS_H
#define POTERNE_QUARANTINE_WITNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define WITNESS_FILE "expire.stamp"
#define WITNESS_JUMP (3 * 86400) /* seconds between two looks that are as many as are believed */

/*
 * folder: STATE_DIR/quarantine; now: seconds since 1970. False: since the last look more time went
 * by than is believed; err says so. True, and the look is noted, where it is believed or `anyway`
 * is said, and at the first look; err is set (else empty) when that could not be written down.
 */
bool witness_trusts(const char *folder, int64_t now, bool anyway, struct err *err);

#endif
