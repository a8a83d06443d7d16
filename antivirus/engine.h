/*
 * engine: one antivirus engine. The only place in poterne with a vtable for scanners.
 * "clean" is said only when the engine looked at all of it; a limit, a password, a broken archive
 * that could not be opened, a timeout is AV_UNSCANNABLE with the reason; an engine that could not
 * do its work at all is AV_FAILED.
 */
#ifndef POTERNE_ANTIVIRUS_ENGINE_H
#define POTERNE_ANTIVIRUS_ENGINE_H

#include "base/conf.h"
#include "base/pool.h"

enum av_result { AV_CLEAN, AV_INFECTED, AV_UNSCANNABLE, AV_FAILED };

#define AV_ENGINES_MAX 8
#define AV_NAME_MAX    256

struct av_answer {
    char engine[32];
    enum av_result result;
    char name[AV_NAME_MAX]; /* signature, or the reason */
    char version[64];       /* engine and signatures */
    unsigned microseconds;
};

struct engine {
    const char *name;
    const struct engine_ops *ops;
    void *data;
};

struct engine_ops {
    /* Loads signatures; done once, before the sandbox. */
    int (*open)(struct engine *engine, const struct conf_antivirus *conf, struct err *err);
    /* fd is the whole message, read-only; raw are the same bytes. Fills answer, always. */
    void (*scan)(struct engine *engine, int fd, struct str raw, struct av_answer *answer);
    void (*close)(struct engine *engine);
};

extern const struct engine_ops engine_clamav_ops;
extern const struct engine_ops engine_yara_ops;

struct engines {
    struct engine list[AV_ENGINES_MAX];
    size_t n;
};

/* Opens the configured ones in order; -1 if one can't (all are closed again). */
int engines_open(struct engines *engines, const struct conf_antivirus *conf, struct err *err);
void engines_close(struct engines *engines);
/* answers has room for engines->n */
void engines_scan(struct engines *engines, int fd, struct str raw, struct av_answer *answers);

/* Here and not in engine.c, so that who only names results need not link the engines. */
static inline const char *av_result_name(enum av_result result)
{
    static const char *const names[] = {"clean", "infected", "unscannable", "failed"};
    return names[result];
}

#endif
