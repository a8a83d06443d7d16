#include "gateway/antivirus/generation.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "antivirus/signature_files.h"
#include "base/log.h"
#include "gateway/antivirus/memory.h"

#define MIB ((uint64_t)1024 * 1024)

struct av_engine_counts {
    atomic_uint_least64_t answered[STATUS_RESULTS];
    atomic_uint_least64_t microseconds;
};
#define COUNTS_SIZE (AV_ENGINES_MAX * sizeof(struct av_engine_counts))

static void describe(struct generation *g, size_t i, const struct signature_files *files)
{
    const struct engine *engine = &g->engines.list[i];
    struct av_engine_status *status = &g->status.engines[i];
    *status = (struct av_engine_status){.signatures = engine->signatures, .made = engine->made};
    snprintf(status->name, sizeof status->name, "%s", engine->name);
    snprintf(status->version, sizeof status->version, "%s", engine->version);
    if (status->made == 0 && strcmp(engine->name, "clamav") == 0)
        status->made = files->clamav_newest;
    if (status->made == 0 && strcmp(engine->name, "yara") == 0)
        status->made = files->yara_newest;
    if (status->made == 0 && strcmp(engine->name, "files") == 0)
        status->made = files->policy_newest;
}

static void measure(struct generation *g, int64_t began_ms)
{
    struct memory memory;
    malloc_trim(0); /* compiling left much behind that would count for the workers' whole life */
    memory_of(0, &memory);
    g->status.memory = memory.own;
    g->status.memory_peak = memory.peak;
    g->status.load_ms = (uint32_t)(clock_ms() - began_ms);
    for (size_t i = 0; i < g->engines.n; i++)
        log_info("%s", g->engines.list[i].version);
    log_info("signatures loaded in %.1f s; they take %llu MiB, %llu MiB at peak",
             (double)g->status.load_ms / 1000, (unsigned long long)(memory.own / MIB),
             (unsigned long long)(memory.peak / MIB));
}

/* Was it the limit that poterned set for the time of loading? */
static bool lacked_room(void)
{
    struct rlimit limit;
    struct memory memory;
    return getrlimit(RLIMIT_DATA, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
           memory_of(0, &memory) && memory.peak > limit.rlim_cur / 4 * 3;
}

/* From here on it is RLIMIT_AS that bounds (role.c). */
static int lift_load_limit(struct err *err)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_DATA, &limit) < 0)
        return err_sys(err, "cannot read the limit of memory");
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_DATA, &limit) == 0 ? 0 : err_sys(err, "cannot raise it again");
}

static int load_steps(struct generation *g, const struct role_env *env, const char *tmp_dir,
                      struct err *err)
{
    const struct conf_antivirus *conf = &env->conf->antivirus;
    struct signature_files files;
    int64_t began_ms = clock_ms();
    /* before anything is read: what changes from now on is another set */
    if (signature_files_look(conf, NULL, NULL, &files, err) < 0)
        return err_prefix(err, "antivirus");
    if (engines_open(&g->engines, conf, tmp_dir, err) < 0)
        return -1;
    void *counts =
        mmap(NULL, COUNTS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (counts == MAP_FAILED)
        return err_sys(err, "no memory for the counts of answers");
    g->counts = counts;
    g->status = (struct av_status){.generation = env->generation,
                                   .fingerprint = files.fingerprint,
                                   .loaded = time(NULL),
                                   .memory_limit = memory_limit(conf),
                                   .pid = (uint32_t)getpid(),
                                   .n = g->engines.n};
    for (size_t i = 0; i < g->engines.n; i++)
        describe(g, i, &files);
    measure(g, began_ms);
    return lift_load_limit(err);
}

int generation_load(struct generation *g, const struct role_env *env, const char *tmp_dir,
                    struct err *err)
{
    if (load_steps(g, env, tmp_dir, err) == 0)
        return 0;
    if (lacked_room())
        err_prefix(err, "there is no room for these signatures within antivirus.memory_limit");
    generation_unload(g);
    role_tell(env, ROLE_REFUSED);
    return -1;
}

void generation_unload(struct generation *g)
{
    engines_close(&g->engines);
    if (g->counts)
        munmap(g->counts, COUNTS_SIZE);
    g->counts = NULL;
}

void generation_count(struct generation *g, const struct av_answer *answers)
{
    for (size_t i = 0; i < g->engines.n; i++) {
        struct av_engine_counts *counts = &g->counts[i];
        if ((unsigned)answers[i].result < STATUS_RESULTS)
            atomic_fetch_add_explicit(&counts->answered[answers[i].result], 1,
                                      memory_order_relaxed);
        atomic_fetch_add_explicit(&counts->microseconds, answers[i].microseconds,
                                  memory_order_relaxed);
    }
}

void generation_status(const struct generation *g, struct av_status *status)
{
    *status = g->status;
    for (size_t i = 0; i < g->engines.n; i++) {
        struct av_engine_counts *counts = &g->counts[i];
        for (size_t k = 0; k < STATUS_RESULTS; k++)
            status->engines[i].answered[k] =
                atomic_load_explicit(&counts->answered[k], memory_order_relaxed);
        status->engines[i].microseconds =
            atomic_load_explicit(&counts->microseconds, memory_order_relaxed);
    }
}
