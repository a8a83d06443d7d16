/*
 * role: asks the outside scanners about a message (antivirus/outside/outside.h). It opens
 * connections to them, files below RUN_DIR/avlink only, and execs the configured programs only.
 * poterned starts it where antivirus.engines names an outside scanner.
 */
#ifndef POTERNE_GATEWAY_AVLINK_ROLE_H
#define POTERNE_GATEWAY_AVLINK_ROLE_H

#include "base/role.h"

extern const struct role avlink_role;

/* One request: a scan_request with a descriptor in, av_answers out (gateway/scan.h). */
role_handler avlink_handle;

#endif
