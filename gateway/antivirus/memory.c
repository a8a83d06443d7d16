#include "gateway/antivirus/memory.h"

#include <stdio.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/str.h"

#define STATUS_MAX 16384
/* Sums of them can be counted in bytes. */
#define KILOBYTES_MAX (UINT64_MAX / 1024 / 2)
#define UNKNOWN       ((uint64_t)1024 * 1024 * 1024)

/* The number behind "NAME:", which is in kB; 0 when it is not there. */
static uint64_t kilobytes(struct str status, struct str name)
{
    size_t at = str_find(status, name);
    if (at == STR_NONE)
        return 0;
    struct str rest = str_from(status, at + name.n);
    while (rest.n > 0 && (rest.s[0] == ' ' || rest.s[0] == '\t'))
        rest = str_from(rest, 1);
    size_t digits = 0;
    while (digits < rest.n && rest.s[digits] >= '0' && rest.s[digits] <= '9')
        digits++;
    uint64_t n = 0;
    return str_to_u64(str_sub(rest, 0, digits), KILOBYTES_MAX, &n) ? n : 0;
}

bool memory_of(pid_t pid, struct memory *memory)
{
    char path[64] = "/proc/self/status";
    struct buf status = BUF_INIT(STATUS_MAX);
    struct err err;
    if (pid > 0)
        snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    bool read = fsio_read_file(path, &status, &err) == 0;
    memory->own = 1024 * (kilobytes(buf_str(&status), STR("\nRssAnon:")) +
                          kilobytes(buf_str(&status), STR("\nVmSwap:")));
    memory->peak = 1024 * kilobytes(buf_str(&status), STR("\nVmHWM:"));
    memory->size = 1024 * kilobytes(buf_str(&status), STR("\nVmSize:"));
    buf_release(&status);
    return read && memory->own > 0;
}

uint64_t memory_limit(const struct conf_antivirus *conf)
{
    if (conf->memory_limit > 0)
        return conf->memory_limit;
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size / 4 * 3 : UNKNOWN;
}
