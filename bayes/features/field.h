/* field: what a header field holds, by its name, as far as features are concerned. */
#ifndef POTERNE_BAYES_FEATURES_FIELD_H
#define POTERNE_BAYES_FEATURES_FIELD_H

#include "base/str.h"

enum field_kind {
    FIELD_WORDS,    /* its words (what is not in the table) */
    FIELD_SKIP,     /* nothing that should be learned */
    FIELD_OTHERS,   /* no words of its own: read elsewhere, or it says what another field says */
    FIELD_ADDRESS,  /* addresses with names */
    FIELD_RECEIVED, /* hosts and addresses of a hop */
    FIELD_ID,       /* message ids: their domain and shape */
    FIELD_DATE,     /* time zone and shape */
    FIELD_SIGNATURE /* DKIM: who signs, not what */
};

/* name: in lower case */
enum field_kind field_kind(struct str name);

#endif
