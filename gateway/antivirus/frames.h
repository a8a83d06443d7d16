/*
 * frames: files that stand in a text between lines of their own, as they did before MIME, and that
 * many mail programs still show as attachments whatever the header says: uuencode and its base64
 * form (POSIX uuencode), yEnc (version 1.3).
 */
#ifndef POTERNE_GATEWAY_ANTIVIRUS_FRAMES_H
#define POTERNE_GATEWAY_ANTIVIRUS_FRAMES_H

#include "base/buf.h"

enum av_frame_kind { AV_FRAME_UU, AV_FRAME_BASE64, AV_FRAME_YENC };

struct av_frame {
    enum av_frame_kind kind;
    struct str name;  /* of the file, as written */
    struct str lines; /* between the frame's first and last line */
    /* yEnc in several parts: which of how many (0: not said), and the place of its first byte in
     * the file, from 1 on */
    uint64_t part, total, begin;
};

/* Takes the text up to the end of the next frame off *rest; false: there is none. All calls for
 * one text together read it once. */
bool av_frame_next(struct str *rest, struct av_frame *frame);
/* Appends at most frame->lines.n + 3 bytes to out. */
void av_frame_decode(const struct av_frame *frame, struct buf *out);

static inline bool av_frame_is_fragment(const struct av_frame *frame)
{
    return frame->kind == AV_FRAME_YENC && (frame->part > 1 || frame->total > 1);
}

#endif
