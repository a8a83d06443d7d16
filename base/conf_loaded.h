/*
 * conf_loaded: what stands behind a struct conf: its memory, and for each setting the entry that
 * it came from. Known to the conf_*.c files only.
 */
#ifndef POTERNE_BASE_CONF_LOADED_H
#define POTERNE_BASE_CONF_LOADED_H

#include "base/conf_syntax.h"
#include "base/conf_table.h"

#define CONF_MEMORY_MAX ((size_t)128 * 1024 * 1024)

/* Where a value came from. file NULL: it is the default. */
struct conf_origin {
    struct conf_value value;
    const char *file;
    unsigned line;
};

/* A section with a name. */
struct conf_titled_origin {
    const char *name;             /* as in the struct that it fills */
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
    struct conf_origin *origins; /* one for each row of conf_settings */
    /* of each kind, in the order in which the struct conf has them */
    struct conf_titled_origin *titled[TITLED_KINDS];
    struct conf_mistakes *mistakes; /* while it is read */
};

static inline const struct conf_loaded *conf_loaded(const struct conf *conf)
{
    return (const struct conf_loaded *)conf;
}

/* How many sections of a kind there are. */
static inline size_t conf_titled_count(const struct conf *conf, enum conf_titled_kind kind)
{
    return *(const size_t *)((const char *)conf + conf_titled[kind].count);
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
/* Looks at what one section with a name says, once all of it is understood; -1: err, without its
 * place (conf_directory.c). */
int conf_check_ldap(struct conf_loaded *loaded, size_t i, struct err *err);
int conf_check_sqlite(struct conf_loaded *loaded, size_t i, struct err *err);
int conf_check_quota(struct conf_loaded *loaded, size_t i, struct err *err);
/* Likewise (conf_route.c). */
int conf_check_route(struct conf_loaded *loaded, size_t i, struct err *err);
int conf_check_domain_way(const struct conf_domain *domain, struct err *err);
/* What of them does not go together; NULL: nothing. */
struct conf_way_mistake {
    const char *name, *other; /* settings */
    const char *text;
};
const struct conf_way_mistake *conf_way_check(const struct conf_hops *hops,
                                              const struct conf_way *way);
/* They all speak SMTP. */
bool conf_hops_mail_servers(const struct conf_hops *hops);
/* One name stands there twice. */
bool conf_hops_name_twice(const struct conf_hops *hops);
/* Every source that is named has its section. */
void conf_check_sources(const struct conf_loaded *loaded);
/* Do the values go with one another? What does not is a mistake. */
void conf_check(const struct conf_loaded *loaded);

#endif
