/*
 * content: takes a message apart for the engines: each part of it, decoded, as our own MIME
 * parser finds them. Where the message can be read in more than one way (an encoding named twice,
 * unknown or broken), it is decoded in all of them, since mail programs differ in what they show:
 * nothing may hide behind the difference.
 */
#ifndef POTERNE_GATEWAY_ANTIVIRUS_CONTENT_H
#define POTERNE_GATEWAY_ANTIVIRUS_CONTENT_H

#include "antivirus/engine.h"
#include "base/pool.h"

/* Memory for the structure of one message, beside its bytes. */
#define AV_STRUCTURE_MAX ((size_t)128 * 1024 * 1024)

struct av_content;

/* decoded_max: bytes of all decoded parts of one message together */
struct av_content *av_content_new(size_t decoded_max);
void av_content_free(struct av_content **content);

/*
 * Fills in message; it lives until the next call, and raw must live as long. Never fails: what
 * could not be taken apart is named in message->left_out.
 */
void av_content_make(struct av_content *content, struct str raw, struct av_message *message);

#endif
