/*
 * sources: what the managers' digest says of sources of recipients that are not well: asked of the
 * directory process, as `poterne directory` asks it.
 */
#ifndef POTERNE_GATEWAY_REPORTS_SOURCES_H
#define POTERNE_GATEWAY_REPORTS_SOURCES_H

#include "base/conf.h"
#include "base/pool.h"

#define SOURCE_LINES_MAX  20
#define SOURCES_ANSWER_MS 3000 /* the directory process answers that from memory */

/* Lines in pool; none where all are well. One that does not answer gives none, which is logged. */
size_t source_lines(const struct conf *conf, struct pool *pool, struct str lines[SOURCE_LINES_MAX]);
/* The same of its answer, a text of JSON; what is none of its words says nothing. */
size_t source_lines_of(struct str answer, struct pool *pool, struct str lines[SOURCE_LINES_MAX]);

#endif
