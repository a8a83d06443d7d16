/*
 * search: who is it? One question on its way through the sources of its domain, as a machine that
 * never waits:
 *
 *   search_begin() ─► search_step() ─► SEARCH_DONE: `answer` is it
 *                        ▲   └───────► SEARCH_ASK: ask `source` for `key`, then
 *                        └──────────── search_told()
 *
 * The address is looked for in every source, in order; then without its extension; then the
 * catch-all of its domain. The first source that knows it answers; one that can't be asked is
 * passed over, but then nobody is unknown. Whoever was found is asked for at the domain's quota
 * sources at last; one of those that says nothing is as if it had said that there is room.
 */
#ifndef POTERNE_DIRECTORY_SEARCH_H
#define POTERNE_DIRECTORY_SEARCH_H

#include "directory/sources.h"

enum search_next { SEARCH_DONE, SEARCH_ASK };

/* In the order in which they are taken. */
enum search_stage {
    STAGE_ADDRESS,
    STAGE_SHORTER,   /* jean+list@ as jean@ (RFC 5233) */
    STAGE_CATCH_ALL, /* @domain */
    STAGE_QUOTA,
    STAGE_END
};

struct search {
    /* what must be asked */
    const struct source *source;
    struct str key;
    /* the rest is the search's own */
    const struct directory *directory;
    const struct conf_domain *domain;
    struct source_list sources;
    enum search_stage stage;
    size_t at; /* in sources */
    bool postmaster;
    const struct source *away; /* the first that could not be asked */
    struct address address, shorter;
    char sender[ADDRESS_MAX + 1]; /* normal form; "": none, or no address */
    struct directory_answer answer;
};

void search_begin(struct search *search, const struct directory *directory, struct str address,
                  struct str sender);
/* The same, for one source of the address's domain alone; false: there are not so many. */
bool search_begin_one(struct search *search, const struct directory *directory, struct str address,
                      struct str sender, size_t source);
enum search_next search_step(struct search *search);
/* What the source said; `as_of` is when, if that is not now (0). */
void search_told(struct search *search, const struct finding *finding, time_t as_of);

#endif
