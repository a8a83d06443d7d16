/*
 * workers: how many processes of a kind run where the settings leave that to us (0).
 */
#ifndef POTERNE_BASE_WORKERS_H
#define POTERNE_BASE_WORKERS_H

#include "base/conf.h"

unsigned processors(void); /* of this machine, that are in use; 1 at least */
/* WORKERS_CONTENT for each processor: a worker waits a moment for what the resolver knows already.
 */
#define WORKERS_CONTENT 2
unsigned workers_content(const struct conf *conf);
/* Two a processor, WORKERS_ANTIVIRUS_LEAST at least: a hostile message may keep one busy for the
 * whole of antivirus.timeout, and beside a few of those other mail must go on. */
#define WORKERS_ANTIVIRUS_LEAST 4
unsigned workers_antivirus(const struct conf *conf);

#endif
