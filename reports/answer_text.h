/* answer_text: what the answer says, in the languages that we have (UTF-8, LF line ends). */
#ifndef POTERNE_REPORTS_ANSWER_TEXT_H
#define POTERNE_REPORTS_ANSWER_TEXT_H

#include "reports/inline.h"
#include "reports/originals.h"

struct answer_text {
    const char *tag; /* for Content-Language */
    const char *hello;
    const char *shapes[3];  /* by enum letter_shape: why nothing could be learned */
    const char *unreadable; /* why, when what was attached could not be read */
    const char *unclear;    /* why, when it is not known what we said of what was attached */
    const char *to_spam;    /* where to send it instead; each takes an address */
    const char *to_ham;
    const char *how;  /* how to forward as an attachment */
    const char *left; /* above the list of what was left out */
    const char *more; /* below it; takes the number */
    const char *whys[LEFT_WHYS];
    const char *end;
};

const struct answer_text *answer_text_in(enum letter_language language);

#endif
