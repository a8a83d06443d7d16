/*
 * viruses: what the managers' digest says of infected mail: what is held, what was found most, and
 * which machines of our own sent it.
 */
#ifndef POTERNE_GATEWAY_REPORTS_VIRUSES_H
#define POTERNE_GATEWAY_REPORTS_VIRUSES_H

#include "base/conf.h"
#include "base/pool.h"

#define VIRUS_LINES_MAX 16

/* Lines in pool, from the journal; none when nothing infected came since then. A journal that
 * can't be read gives none, which is logged. */
size_t virus_lines(const struct conf *conf, int64_t since_us, struct pool *pool,
                   struct str lines[VIRUS_LINES_MAX]);

#endif
