/*
 * unlock: opens the encrypted zip archives of a message (ZipCrypto, and WinZip's AES) with
 * passwords out of its own text, so that every engine sees what is in them: each decrypted file
 * becomes one more part. What can't be opened is named in message->left_out: then nothing is clean.
 * (Of 7z and RAR no library here decrypts; of them that they are encrypted is told.)
 *
 * Costs next to nothing where nothing is encrypted: only then is the text asked for. Bounded by the
 * limits below and by the size that unlock_new() is given.
 */
#ifndef POTERNE_ANTIVIRUS_FILES_UNLOCK_H
#define POTERNE_ANTIVIRUS_FILES_UNLOCK_H

#include "antivirus/engine.h"

/* The first two are the highest that files_limit and recursion_limit can be: what is within those
 * must not fail here. */
#define UNLOCK_FILES_MAX    1000000 /* looked at in archives of one message */
#define UNLOCK_DEPTH_MAX    100     /* archives inside one another */
#define UNLOCK_MS           5000    /* for one message, all together */
#define UNLOCK_ARCHIVES_MAX 50      /* encrypted ones of one message */

struct unlock;

/* size_max: bytes unpacked while looking for encrypted archives, and again what is decrypted. NULL:
 * out of memory. */
struct unlock *unlock_new(size_t size_max);
void unlock_free(struct unlock **unlock);

/* The message's text in UTF-8: the subject first, then its lines or paragraphs. Called at most once
 * for a message. Returns how many. */
typedef size_t unlock_text(void *data, struct str raw, const struct str **texts);

/* Decrypted files are added to message->parts (which then is unlock's own array), until the next
 * call; the parts that were there must live as long. */
void unlock_message(struct unlock *unlock, struct av_message *message, unlock_text *text,
                    void *data);

#endif
