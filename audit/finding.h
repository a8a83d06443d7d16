/*
 * finding: what an audit can find that doesn't add up, and what to do about each kind.
 */
#ifndef POTERNE_AUDIT_FINDING_H
#define POTERNE_AUDIT_FINDING_H

#include "base/str.h"

enum finding_kind {
    FINDING_LOST,          /* accepted, and there is neither a file nor an outcome */
    FINDING_HELD_GONE,     /* likewise of what was in quarantine */
    FINDING_CONTRADICTION, /* two outcomes that exclude each other */
    FINDING_TWICE,         /* delivered twice */
    FINDING_TOLD_TWICE,    /* its sender was told twice that it failed */
    FINDING_NO_ANSWER,     /* delivered, without the next hop's answer */
    FINDING_NO_RECORD,     /* an outcome without a record of when and how */
    FINDING_UNTOLD,        /* failed, and its sender neither told nor unwilling to be */
    FINDING_BOUNCE_GONE,   /* told by a bounce that is nowhere */
    FINDING_BY_NOBODY,     /* deleted, nobody knows by whom */
    FINDING_NO_COPY,       /* redirected, and nobody got it instead */
    FINDING_OWES_AGAIN,    /* has its outcome, and the file still owes it */
    FINDING_DIFFERS,       /* recipients of the file are not those of the journal */
    FINDING_TWO_FILES,     /* in queue/ and quarantine/ */
    FINDING_UNREADABLE,    /* a file that can't be read */
    FINDING_SET_ASIDE,     /* lies in corrupt/ */
    FINDING_UNSAID,        /* lies there since the disk failed; nobody's, for no 250 was said */
    FINDING_LEFT_OVER,     /* settled, and its file still there */
    FINDING_STALE,         /* lies in incoming/ for longer than a day */
    FINDING_JOURNAL        /* a damaged journal: what it alone knew is not looked at */
};
#define FINDING_KINDS 20

struct finding {
    enum finding_kind kind;
    struct str id;        /* of the message; the file's name where it is a journal */
    struct str recipient; /* empty: it is about the message */
    struct str found;
    bool closed;    /* somebody has looked into it: it does not count */
    struct str why; /* closed: by whom, and why */
};

/* "lost": the word in JSON and metrics */
const char *finding_name(enum finding_kind kind);
/* What there should be instead. */
const char *finding_expected(enum finding_kind kind);
/* What a person does next. */
const char *finding_next(enum finding_kind kind);

#endif
