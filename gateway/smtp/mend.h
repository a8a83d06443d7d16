/*
 * mend: a message whose line ends not all servers read alike becomes one that they do: a CR or an
 * LF that stands alone becomes CR LF, a NUL goes. It is done on the way in, behind the search for
 * the end of DATA (body.h): what was the message's middle stays its middle, and what is scanned,
 * kept and handed on are the same bytes. A sound message comes out as it is.
 */
#ifndef POTERNE_GATEWAY_SMTP_MEND_H
#define POTERNE_GATEWAY_SMTP_MEND_H

#include "gateway/smtp/body.h"

struct smtp_mender {
    bool after_cr; /* the last byte was a CR, which is handed on and waits for its LF */
    bool in_line;  /* the last line has no end yet */
};

/* Takes bytes of a message in any pieces; zeros are the state to begin with. `sound`: there is
 * nothing to mend in them nor was there before, as body.h has noted. */
void smtp_mend(struct smtp_mender *mender, struct str in, bool sound, smtp_body_sink *sink,
               void *data);
/* At the end of a message that may lack its last CR LF. */
void smtp_mend_finish(struct smtp_mender *mender, smtp_body_sink *sink, void *data);

#endif
