#include "bayes/model/stream.h"

#include <stdlib.h>

/* A message whose class is still to be told. */
struct waiting {
    struct features_view *features;
    bool spam;
};

struct stream {
    struct feedback feedback;
    struct online *online;
    size_t told;             /* messages */
    struct waiting *waiting; /* a ring of feedback.delay; message i at i % delay */
};

/* "25%", "25" or "0.25". */
static bool share_parse(struct str text, double *share)
{
    char digits[16], *end;
    bool percent = text.n && text.s[text.n - 1] == '%';
    text = str_sub(text, 0, text.n - percent);
    if (text.n == 0 || !((text.s[0] >= '0' && text.s[0] <= '9') || text.s[0] == '.') ||
        !str_copy(text, digits, sizeof digits))
        return false;
    *share = strtod(digits, &end);
    if (*end)
        return false;
    if (percent || *share > 1)
        *share /= 100;
    return *share >= 0 && *share <= 1;
}

static bool number_parse(struct str text, size_t *number)
{
    uint64_t n;
    if (!str_to_u64(text, FEEDBACK_NUMBER_MAX, &n))
        return false;
    *number = (size_t)n;
    return true;
}

bool feedback_parse(struct str text, struct feedback *feedback)
{
    size_t equals = str_chr(text, '=');
    struct str name = str_sub(text, 0, equals);
    struct str value = equals == STR_NONE ? STR_EMPTY : str_from(text, equals + 1);
    *feedback = (struct feedback){.kind = FEEDBACK_IMMEDIATE, .first = FEEDBACK_ERRORS_FIRST};
    if (str_eq(name, STR("delayed"))) {
        feedback->kind = FEEDBACK_DELAYED;
        return number_parse(value, &feedback->delay);
    }
    if (str_eq(name, STR("first"))) {
        feedback->kind = FEEDBACK_FIRST;
        return number_parse(value, &feedback->first);
    }
    if (str_eq(name, STR("partial"))) {
        feedback->kind = FEEDBACK_PARTIAL;
        return share_parse(value, &feedback->share);
    }
    if (str_eq(text, STR("errors")))
        feedback->kind = FEEDBACK_ERRORS;
    return str_eq(text, STR("errors")) || str_eq(text, STR("immediate"));
}

struct stream *stream_new(const struct feedback *feedback, struct err *err)
{
    struct stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL) {
        err_set(err, "out of memory for a stream");
        return NULL;
    }
    stream->feedback = *feedback;
    stream->online = online_new(err);
    stream->waiting = calloc(feedback->delay + 1, sizeof *stream->waiting);
    if (stream->waiting == NULL)
        err_set(err, "out of memory for %zu messages", feedback->delay);
    if (stream->online == NULL || stream->waiting == NULL)
        stream_free(&stream);
    return stream;
}

void stream_free(struct stream **stream)
{
    if (*stream) {
        for (size_t i = 0; (*stream)->waiting && i <= (*stream)->feedback.delay; i++)
            features_kept_free(&(*stream)->waiting[i].features);
        free((*stream)->waiting);
        online_free(&(*stream)->online);
    }
    free(*stream);
    *stream = NULL;
}

const struct online *stream_filter(const struct stream *stream)
{
    return stream->online;
}

int stream_classify(const struct stream *stream, const struct features *features, struct pool *pool,
                    struct bayes_result *result, struct err *err)
{
    return online_classify(stream->online, features, pool, result, err);
}

static int learn(struct stream *stream, const struct features_view *features, bool spam,
                 struct err *err)
{
    return online_learn(stream->online, features, spam ? LEARN_SPAM : LEARN_HAM, err);
}

/* Spread evenly over 0 to 1, the same in every run (the finaliser of splitmix64, S. Vigna). */
static double lot(uint64_t number)
{
    uint64_t k = (number + 1) * 0x9e3779b97f4a7c15u;
    k = (k ^ (k >> 30)) * 0xbf58476d1ce4e5b9u;
    k = (k ^ (k >> 27)) * 0x94d049bb133111ebu;
    return (double)((k ^ (k >> 31)) >> 11) / (double)(UINT64_C(1) << 53);
}

static bool is_told(const struct stream *stream, bool wrong)
{
    switch (stream->feedback.kind) {
    case FEEDBACK_IMMEDIATE:
    case FEEDBACK_DELAYED:
        return true;
    case FEEDBACK_PARTIAL:
        return lot(stream->told) < stream->feedback.share;
    case FEEDBACK_FIRST:
        return stream->told < stream->feedback.first;
    case FEEDBACK_ERRORS:
        return wrong || stream->told < stream->feedback.first;
    }
    return false;
}

/* Takes the newest message into the ring, and learns the one that has waited long enough. */
static int learn_later(struct stream *stream, struct features_view **kept, bool spam,
                       struct err *err)
{
    struct waiting *place = &stream->waiting[stream->told % stream->feedback.delay];
    int result = place->features ? learn(stream, place->features, place->spam, err) : 0;
    features_kept_free(&place->features);
    *place = (struct waiting){*kept, spam};
    *kept = NULL;
    return result;
}

int stream_tell(struct stream *stream, const struct features *features, bool spam, bool wrong,
                struct err *err)
{
    int result = 0;
    struct features_view *kept = NULL;
    if (is_told(stream, wrong)) {
        kept = features_keep(features, err);
        if (kept == NULL)
            return -1;
        result = stream->feedback.delay ? learn_later(stream, &kept, spam, err)
                                        : learn(stream, kept, spam, err);
    }
    features_kept_free(&kept);
    stream->told++;
    return result;
}
