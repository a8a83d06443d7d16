/* clock: what the benchmarks measure with, in seconds. */
#ifndef POTERNE_T_BENCH_CLOCK_H
#define POTERNE_T_BENCH_CLOCK_H

#include <time.h>

static inline double clock_read(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* processor time of this process */
static inline double cpu_now(void)
{
    return clock_read(CLOCK_PROCESS_CPUTIME_ID);
}

static inline double wall_now(void)
{
    return clock_read(CLOCK_MONOTONIC);
}

#endif
