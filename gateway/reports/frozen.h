/* frozen: what the digest says of accounts that may send nothing (gateway/gate/senders.h). */
#ifndef POTERNE_GATEWAY_REPORTS_FROZEN_H
#define POTERNE_GATEWAY_REPORTS_FROZEN_H

#include "base/conf.h"
#include "base/pool.h"

#define FROZEN_LINES_MAX 20

/* A line for each, who was frozen last first; the last line says how many more there are. As long
 * as there is one the digest tells, each day. How many; texts live in pool. */
size_t frozen_lines(const struct conf *conf, struct pool *pool, struct str lines[FROZEN_LINES_MAX]);

#endif
