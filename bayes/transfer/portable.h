/*
 * portable: what was learned as text, to be carried to another gateway, kept, or looked at. Lines,
 * fields parted by one TAB, numbers decimal, hashes 16 hexadecimal digits in lower case:
 *
 *   poterne-learned  1
 *   totals  SPAM  HAM              messages; comes second, once
 *   token   HASH  SPAM  HAM  DAY   messages with the token; DAY: last seen, days since 1970
 *   weight  POSITION  VALUE        of the grams (regression.h); those that are 0 are left out
 *   fusion  INPUT  VALUE           what the fusion learned (fusion.h)
 *   end     LINES                  lines before this one: a file without it is cut short
 *
 * Tokens come once each; nothing of a single message is in it. The hashes are those of
 * tokens_hash(), the same on every gateway.
 */
#ifndef POTERNE_BAYES_TRANSFER_PORTABLE_H
#define POTERNE_BAYES_TRANSFER_PORTABLE_H

#include "base/buf.h"
#include "bayes/model/model.h"
#include "bayes/transfer/lines.h"

#define PORTABLE_FIRST "poterne-learned\t1"

/* --- writing --- */

struct portable_out {
    int fd;
    const char *path;
    uint64_t lines;
    struct buf buf;
};

int portable_begin(struct portable_out *out, int fd, const char *path, uint64_t spam, uint64_t ham,
                   struct err *err);
int portable_token(struct portable_out *out, uint64_t hash, struct model_counts counts,
                   uint32_t day, struct err *err);
int portable_weights(struct portable_out *out, const int32_t *weights, struct err *err);
int portable_fusion(struct portable_out *out, const struct fusion *fusion, struct err *err);
/* Writes what is left. Whether it worked or not, portable_free() comes next. */
int portable_end(struct portable_out *out, struct err *err);
void portable_free(struct portable_out *out);

/* --- reading --- */

enum portable_kind { PORTABLE_TOKEN, PORTABLE_WEIGHT, PORTABLE_FUSION };

struct portable_record {
    enum portable_kind kind;
    uint64_t hash; /* of a token */
    struct model_counts counts;
    uint32_t day;
    uint32_t at; /* below GRAM_WEIGHTS, or FUSION_INPUTS */
    int32_t value;
};

struct portable_in {
    struct lines lines;
    uint64_t spam; /* once it has begun */
    uint64_t ham;
    uint64_t tokens; /* so far */
};

/* Reads the first two lines. */
int portable_open(struct portable_in *in, int fd, const char *path, struct err *err);
/* 1: a record; 0: the end that the file was meant to have; -1 with err. Counts are at most the
 * totals and not both 0; tokens at most MODEL_TOKENS_MAX. */
int portable_next(struct portable_in *in, struct portable_record *record, struct err *err);

#endif
