/*
 * learn_reader: one piece of mail taken apart, in a child process, and what the child says of it,
 * for who teaches. Both are the same program, so numbers travel as they are.
 */
#ifndef POTERNE_TOOLS_LEARN_READER_H
#define POTERNE_TOOLS_LEARN_READER_H

#include "bayes/features/known.h"
#include "bayes/learn/learn.h"
#include "tools/pieces.h"

/* What is wanted of the messages. */
enum learn_want {
    WANT_DIGESTS,  /* to ask whether they are known */
    WANT_FEATURES, /* to learn them */
    WANT_ANSWERS, /* as above, of answers to what own users sent and mail from whom they wrote to */
    WANT_KEYS,    /* of known.h: they are what own users sent */
};

struct learn_reader {
    struct piece_reader piece;
    struct pool *pool; /* of one message */
    const struct conf *conf;
    const struct known *known; /* NULL: nobody is known */
    struct buf scratch;
    /* of the piece that is being read */
    enum learn_want want;
    const bool *skip; /* [n_skip], by the message's place in the piece: it is not wanted */
    size_t n_skip, at;
    struct buf *out;
};

int learn_reader_init(struct learn_reader *reader, const struct conf *conf,
                      const struct known *known, struct err *err);
void learn_reader_free(struct learn_reader *reader);

/* Appends a record for each message that is wanted, and for each that can't be read. */
void learn_read(struct learn_reader *reader, const struct pieces *pieces, size_t piece,
                enum learn_want want, const bool *skip, size_t n_skip, struct buf *out);

enum learn_record_kind {
    RECORD_DIGEST,  /* digest */
    RECORD_MESSAGE, /* features, but for the tokens' texts */
    RECORD_KEYS,    /* keys, when */
    RECORD_PASSED,  /* not meant: nothing */
    RECORD_PROBLEM, /* text */
};

/* One record; what it points to is its own and is filled anew by the next. */
struct learn_record {
    enum learn_record_kind kind;
    struct features features; /* its lists have room for the largest message */
    struct known_keys keys;
    int64_t when;
    struct str text;
};
int learn_record_init(struct learn_record *record, struct err *err);
void learn_record_free(struct learn_record *record);
/* Takes the next one off *said; false at the end. */
bool learn_record_next(struct str *said, struct learn_record *record);

#endif
