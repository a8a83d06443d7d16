/*
 * clock: the monotonic clock, for limits and pauses. Only differences mean something; it can't
 * fail and does not jump when somebody sets the time.
 */
#ifndef POTERNE_BASE_CLOCK_H
#define POTERNE_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static inline int64_t clock_ms(void)
{
    return clock_us() / 1000;
}

static inline int64_t clock_seconds(void)
{
    return clock_us() / 1000000;
}

/* Seconds since the machine started, those that it slept included. */
static inline int64_t clock_uptime(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return t.tv_sec;
}

#endif
