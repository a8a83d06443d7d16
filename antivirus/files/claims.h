/* claims: what an extension says that a file is, and whether its bytes say something else. */
#ifndef POTERNE_ANTIVIRUS_FILES_CLAIMS_H
#define POTERNE_ANTIVIRUS_FILES_CLAIMS_H

#include "antivirus/files/kind.h"
#include "antivirus/files/names.h"

/* Some reading of the name has a well-known extension, and the bytes are known to be none of what
 * goes by it. False when the bytes tell nothing. */
bool claims_differ(const struct file_names *names, kind_set kinds);

#endif
