/*
 * tag: lists of name=value with ';' between them, as DKIM, ARC and DMARC write them (RFC 6376 3.2).
 */
#ifndef POTERNE_SENDER_TAG_H
#define POTERNE_SENDER_TAG_H

#include "base/str.h"

/* Takes the next one off the front, blanks and folds around both trimmed; false at the end. One
 * without '=' has an empty value, and one of nothing an empty name. */
static inline bool tag_next(struct str *rest, struct str *name, struct str *value)
{
    struct str tag;
    if (!str_next(rest, ';', &tag))
        return false;
    size_t equals = str_chr(tag, '=');
    *name = str_trim(str_sub(tag, 0, equals == STR_NONE ? tag.n : equals));
    *value = equals == STR_NONE ? STR_EMPTY : str_trim(str_from(tag, equals + 1));
    return true;
}

/* The value of the first tag of that name, whose case counts; .s NULL: there is none. */
static inline struct str tag_value(struct str list, struct str wanted)
{
    struct str name, value;
    while (tag_next(&list, &name, &value))
        if (str_eq(name, wanted))
            return value.s ? value : STR("");
    return STR_EMPTY;
}

#endif
