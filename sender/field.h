/*
 * field: walks over the header of a raw message, field by field, without copying. Line ends may be
 * CR LF or LF. (mail/message.h stands on the same floor and is not used here: signatures are about
 * the bytes, not about what they mean.)
 */
#ifndef POTERNE_SENDER_FIELD_H
#define POTERNE_SENDER_FIELD_H

#include "base/str.h"

struct field {
    struct str name;  /* without blanks before the colon */
    struct str value; /* after the colon, folds included, final line end not */
    size_t at;        /* the whole field in raw: [at, end), line end included */
    size_t end;
};

struct field_walk {
    struct str raw;
    size_t at; /* after the last field: where the body begins (behind the empty line) */
};

static inline struct field_walk field_walk_of(struct str raw)
{
    return (struct field_walk){raw, 0};
}

/* False at the end of the header. Lines that are no field are passed over. */
bool field_next(struct field_walk *walk, struct field *field);

#endif
