/*
 * role: asks the engines about a message. No network, no exec, no file but its own
 * folder RUN_DIR/antivirus, where archives are unpacked: each worker holds a numbered folder there
 * under a lock (gateway/antivirus/tmp.h). Signatures are loaded once and shared by the workers.
 */
#ifndef POTERNE_GATEWAY_ANTIVIRUS_ROLE_H
#define POTERNE_GATEWAY_ANTIVIRUS_ROLE_H

#include "base/role.h"

extern const struct role antivirus_role;

/* One request: a scan_request with a descriptor in, av_answers out (gateway/scan.h). */
role_handler antivirus_handle;

#endif
