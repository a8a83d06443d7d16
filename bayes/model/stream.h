/*
 * stream: a filter that is judged and taught message by message, as the TREC spam track plays it
 * (online.h is the filter). After each message its class is told: at once, later, for some messages
 * only, or only where the filter was wrong.
 */
#ifndef POTERNE_BAYES_MODEL_STREAM_H
#define POTERNE_BAYES_MODEL_STREAM_H

#include "bayes/model/online.h"

#define FEEDBACK_NUMBER_MAX 1000000

enum feedback_kind {
    FEEDBACK_IMMEDIATE,
    FEEDBACK_DELAYED, /* after `delay` further messages */
    FEEDBACK_PARTIAL, /* for a share of messages, which does not depend on what they are */
    FEEDBACK_FIRST,   /* for the first `first` */
    FEEDBACK_ERRORS   /* for the first `first`, and then where the filter was wrong */
};
#define FEEDBACK_ERRORS_FIRST 100

struct feedback {
    enum feedback_kind kind;
    size_t delay; /* 0 but for FEEDBACK_DELAYED */
    size_t first;
    double share; /* 0 to 1 */
};

/* "immediate", "delayed=N", "partial=P" with P a share ("0.25") or a percentage ("25" or "25%"),
 * "first=N", "errors". False: none of these. */
bool feedback_parse(struct str text, struct feedback *feedback);

struct stream;

struct stream *stream_new(const struct feedback *feedback, struct err *err);
void stream_free(struct stream **stream);
const struct online *stream_filter(const struct stream *stream);

/* What the filter makes of a message. */
int stream_classify(const struct stream *stream, const struct features *features, struct pool *pool,
                    struct bayes_result *result, struct err *err);

/* The class of the message that was just classified; wrong: it was taken for the other. */
int stream_tell(struct stream *stream, const struct features *features, bool spam, bool wrong,
                struct err *err);

#endif
