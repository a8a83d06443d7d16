/* memory: what a process keeps of its own (anonymous memory: signatures, not files that it maps),
 * and what antivirus.memory_limit means on this machine. */
#ifndef POTERNE_GATEWAY_ANTIVIRUS_MEMORY_H
#define POTERNE_GATEWAY_ANTIVIRUS_MEMORY_H

#include <sys/types.h>

#include "base/conf.h"

struct memory {
    uint64_t own;  /* bytes that it holds now, swapped or not, and that no file stands for */
    uint64_t peak; /* bytes that it had in memory at most, files included */
    uint64_t size; /* bytes of address space that it uses now (what RLIMIT_AS bounds) */
};

/* False: the process is not there, or /proc is not. pid 0: this one. */
bool memory_of(pid_t pid, struct memory *memory);

/* Bytes, never 0. */
uint64_t memory_limit(const struct conf_antivirus *conf);

#endif
