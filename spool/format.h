/*
 * format: the bytes of a spool file. All numbers little-endian.
 *
 *   header   0  magic "poterne\n"       8  u32 version         12  u32 0
 *           16  u64 length of message  24  u32 CRC of message  28  zeros
 *           60  u32 CRC of the 60 bytes before
 *   message  at 64
 *   records  one after another: u32 RECORD_MAGIC, u32 kind, u32 length of payload,
 *            u32 CRC of payload, u32 CRC of the 16 bytes before and the record's place in the
 *            file (u64), then the payload (base/wire.h)
 *
 * The version is 1; it is 2 where a recipient has a sender or header lines of its own: these stand
 * in the envelope then; it is 3 where the envelope says more of the sender beside that, 4 where
 * somebody asked for notices (RFC 3461) or for TLS (RFC 8689), and 5 where it names the account
 * that sent it. Who knows less does not take such a file for one without them. A file of a higher
 * version, or with a good record of a kind or a recipient's state that is not here, was written by
 * a later poterne: whatever follows, it is not damaged. So the 64 bytes' magic, version and CRC
 * stay where they are in every version, and a new kind of record needs no new version.
 *
 * A record that is cut short or fails a CRC ends the list. What is behind it is a torn append if
 * no good record follows, and is overwritten by the next one; if one follows, the file is damaged.
 * But where a sector of it is missing (zeros), power was cut before these appends were synced, and
 * the disk kept the later ones: they go as well, for they may count on what is missing.
 * The magic holds bytes that no text of ours does, so that a text can't play a record.
 */
#ifndef POTERNE_SPOOL_FORMAT_H
#define POTERNE_SPOOL_FORMAT_H

#include "spool/spool.h"

#define RECORD_HEAD_SIZE 20

enum record_kind {
    RECORD_ENVELOPE = 1,  /* first, once */
    RECORD_MARK = 2,      /* i64 time, u8 state, str relay, str detail, u32 count, u32 index… */
    RECORD_HELD = 3,      /* str reason */
    RECORD_JOURNALED = 4, /* empty */
    RECORD_ADDED = 5,     /* i64 time, u8 state, str detail, str address, str how */
    RECORD_NOTE = 6,      /* i64 time, u8 spool_note, u32 count, u32 index… */
    RECORD_BEGUN = 7,     /* i64 time, u8 about, str id, u32 count, u32 index… */
    RECORD_ORDER = 8,     /* i64 time, u8 spool_order_kind, i64 uncounted, str by */
    RECORD_KIND_LAST = RECORD_ORDER
};

#define SPOOL_VERSION_PLAIN      1
#define SPOOL_VERSION_REDIRECTED 2
#define SPOOL_VERSION_PROVED     3
#define SPOOL_VERSION_ASKED      4
#define SPOOL_VERSION            5

struct spool_header {
    uint32_t version;
    uint64_t length;
    uint32_t crc;
};

void header_put(char bytes[SPOOL_HEADER_SIZE], const struct spool_header *header);
/* False when it is none of ours or damaged; else the version may still be above SPOOL_VERSION, and
 * then nothing else counts. */
bool header_get(struct str bytes, struct spool_header *header);

/* Appends a whole record to out, for place `at` in the file. */
void record_put(struct buf *out, uint64_t at, enum record_kind kind, struct str payload);

/* Writes a record behind the last good one of the file, whose records may then take `most` bytes.
 * 0, or -1 with err. */
int record_append(struct spool_file *file, uint64_t most, enum record_kind kind, struct str payload,
                  struct err *err);

/* Somebody was released from quarantine: that is the latest word. */
void envelope_forget_orders(struct envelope *envelope);

enum record_result {
    RECORD_GOOD,
    RECORD_END,
    RECORD_TORN,
    RECORD_LOST, /* likewise, and good ones behind it go as well: a sector is missing */
    RECORD_DAMAGED
};
struct record {
    uint32_t kind;
    struct str payload;
};
/* Takes the next record off *rest, which begins at place *at of the file; moves both on. */
enum record_result record_get(struct str *rest, uint64_t *at, struct record *record);

/* That an envelope needs. */
uint32_t envelope_version(const struct envelope *envelope);
/* -1 when the envelope breaks a limit or its edits do not fit a message of that size. */
int envelope_put(struct buf *out, const struct envelope *envelope, uint64_t message_size,
                 struct err *err);
/* Texts point into payload, lists live in pool. -1: malformed (*corrupt), or no memory. */
int envelope_get(struct str payload, uint32_t version, uint64_t message_size, struct pool *pool,
                 struct envelope *envelope, bool *corrupt, struct err *err);

#endif
