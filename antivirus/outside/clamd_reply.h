/*
 * clamd_reply: one line that clamd answers in a session (clamd(8), IDSESSION): "ID: what it says".
 * What is not understood is CLAMD_NONSENSE, never clean.
 */
#ifndef POTERNE_ANTIVIRUS_OUTSIDE_CLAMD_REPLY_H
#define POTERNE_ANTIVIRUS_OUTSIDE_CLAMD_REPLY_H

#include "base/str.h"

#define CLAMD_ID_MAX 1000000

/* The error after which clamd closes the session (StreamMaxLength in clamd.conf(5)). */
#define CLAMD_OVER_LIMIT "INSTREAM size limit exceeded."

enum clamd_says {
    CLAMD_NONSENSE,
    CLAMD_OK,          /* "stream: OK", "fd[7]: OK" */
    CLAMD_FOUND,       /* "stream: Eicar-Signature FOUND" */
    CLAMD_UNSCANNABLE, /* something was not looked at, and asking again will not help */
    CLAMD_ERROR,       /* "fd[7]: Can't allocate memory ERROR" */
    CLAMD_OTHER        /* answers to other commands: "ClamAV 1.4.6/27831/Sat Nov 21 …" */
};

struct clamd_reply {
    uint64_t id;
    enum clamd_says says;
    struct str text; /* signature, error or whole line; points into the line */
};

/* `line` is without the NUL at its end. */
void clamd_reply_read(struct str line, struct clamd_reply *reply);

#endif
