/* content_type: what SpamAssassin reads out of a Content-Type value (Util.pm of 4.0.1). */
#ifndef POTERNE_RULES_CONTENT_TYPE_H
#define POTERNE_RULES_CONTENT_TYPE_H

#include "base/pool.h"

struct content_type {
    struct str type;     /* lower case; a "text/…" that is not known is "text/plain" */
    struct str boundary; /* .s NULL: none; these three point into the value or the pool */
    struct str charset;
    struct str name;
    bool missing; /* there was no type; it is set all the same */
};

/* value: decoded and unfolded; .s NULL or empty: there was no such field. False: no memory. */
bool content_type_read(struct pool *pool, struct str value, struct content_type *type);

/* The file name in a Content-Disposition value; empty: none. */
struct str disposition_name(struct str value);

#endif
