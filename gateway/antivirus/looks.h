/*
 * looks: what encoding the bytes themselves look like, for where the header does not name it, or in
 * a way that only some mail programs understand.
 */
#ifndef POTERNE_GATEWAY_ANTIVIRUS_LOOKS_H
#define POTERNE_GATEWAY_ANTIVIRUS_LOOKS_H

#include "mail/message.h"

/* 1 << enum encoding for each of ENC_BASE64 and ENC_QP that the text looks like; a text may. */
unsigned av_looks_encoded(struct str text);
/* Takes the text up to the end of the next run of base64 lines off *rest; false: there is none. */
bool av_looks_base64_next(struct str *rest, struct str *run);
/* Does it begin with a header that speaks of MIME, or with a delimiter? */
bool av_looks_like_message(struct str bytes);

#endif
