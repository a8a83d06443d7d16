/*
 * conf_loaded: what stands behind a struct conf: its memory, and for each setting the entry that
 * it came from. Known to the conf_*.c files only.
 */
#ifndef POTERNE_BASE_CONF_LOADED_H
#define POTERNE_BASE_CONF_LOADED_H

#include "base/conf_syntax.h"
#include "base/conf_table.h"

#define CONF_MEMORY_MAX   ((size_t)128 * 1024 * 1024)
#define CONF_DOMAINS_MAX  10000
#define CONF_SCANNERS_MAX 32

/* Where a value came from. file NULL: it is the default. */
struct conf_origin {
    struct conf_value value;
    const char *file;
    unsigned line;
};

/* A section with a name. */
struct conf_titled_origin {
    const char *name;             /* as in struct conf_domain, conf_scanner */
    struct conf_origin section;   /* where it was opened */
    struct conf_origin *settings; /* one for each row of its settings */
};

/* Reading goes on behind a mistake, so that a person hears of all of them at once. */
struct conf_mistakes {
    conf_mistake *tell; /* NULL: nobody asks */
    void *data;
    struct err first;
    size_t n;
};

struct conf_loaded {
    struct conf conf; /* first: a struct conf is one of these */
    struct pool *pool;
    struct conf_entries entries;
    struct conf_origin *origins;         /* one for each row of conf_settings */
    struct conf_titled_origin *domains;  /* in the order of conf.domains */
    struct conf_titled_origin *scanners; /* in the order of conf.antivirus.scanners */
    struct conf_mistakes *mistakes;      /* while it is read */
};

static inline const struct conf_loaded *conf_loaded(const struct conf *conf)
{
    return (const struct conf_loaded *)conf;
}

/* Puts FILE:LINE before what err says; -1. */
static inline int conf_at(struct err *err, const struct conf_origin *origin)
{
    return err_prefix(err, "%s:%u", origin->file, origin->line);
}

/* Makes the settings of entries that were read; takes the pool. NULL when there are mistakes. */
struct conf *conf_load(struct pool *pool, const struct conf_entries *entries, const char *path,
                       struct conf_mistakes *mistakes);
/* Counts and tells what err says. */
void conf_mistake_add(struct conf_mistakes *mistakes, const struct err *err);
/* Do the values go with one another? What does not is a mistake. */
void conf_check(const struct conf_loaded *loaded);

#endif
