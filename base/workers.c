#include "base/workers.h"

#include <unistd.h>

unsigned processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (unsigned)n : 1;
}

unsigned workers_content(const struct conf *conf)
{
    return conf->content.workers ? conf->content.workers : WORKERS_CONTENT * processors();
}

unsigned workers_antivirus(const struct conf *conf)
{
    unsigned n = 2 * processors();
    if (conf->antivirus.workers)
        return conf->antivirus.workers;
    return n > WORKERS_ANTIVIRUS_LEAST ? n : WORKERS_ANTIVIRUS_LEAST;
}
