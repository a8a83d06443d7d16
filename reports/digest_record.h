/*
 * digest_record: what the numbers of a digest mean, kept until it can't be answered any more in
 * FOLDER/digests/TOKEN.
 */
#ifndef POTERNE_REPORTS_DIGEST_RECORD_H
#define POTERNE_REPORTS_DIGEST_RECORD_H

#include "reports/digest.h"

struct digest_record {
    char token[DIGEST_TOKEN_LEN + 1];
    int64_t made_us;
    uint64_t up_to;                   /* the highest number of a proposal there was */
    uint64_t leads[DIGEST_LINES_MAX]; /* the proposal that stands for each line's group */
    size_t n;
};

/* A random token. */
void digest_token_make(char token[DIGEST_TOKEN_LEN + 1]);
/* Is `text` one? In any case; `token` gets its own form. */
bool digest_token_read(struct str text, char token[DIGEST_TOKEN_LEN + 1]);

int digest_record_write(struct proposals *store, const struct digest_record *record,
                        struct err *err);
/* 1; 0: there is none of that token; -1: it can't be read, or is damaged. */
int digest_record_read(struct proposals *store, const char *token, struct digest_record *record,
                       struct err *err);

#endif
