/*
 * normalize: the text of a part to UTF-8 as SpamAssassin does it with normalize_charset on
 * (Message/Node.pm of 4.0.1, without Encode::Detect): valid UTF-8 is taken for that whatever is
 * declared; else the declared charset when every byte fits it; else windows-1252.
 */
#ifndef POTERNE_RULES_NORMALIZE_H
#define POTERNE_RULES_NORMALIZE_H

#include "base/pool.h"

struct normalized {
    struct str text; /* .s NULL: no memory */
    bool wide;       /* characters were decoded; else it is ASCII as it came */
};

struct normalized normalize(struct pool *pool, struct str charset, struct str in);

#endif
