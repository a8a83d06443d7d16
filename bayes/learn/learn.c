#include "bayes/learn/learn.h"

#include <endian.h>
#include <stdlib.h>

#include "base/fsio.h"
#include "bayes/features/grams_pack.h"

#define FEATURE_SIZE sizeof(uint64_t)

static void message_put(struct buf *out, const struct learn_request *request)
{
    wire_u8(out, (uint8_t)request->class);
    wire_u64(out, request->digest);
    wire_u32(out, request->n);
    wire_str(out, request->features);
    wire_str(out, request->grams);
    wire_u8(out, (uint8_t)request->source.kind);
    wire_i64(out, request->source.when);
    wire_u64(out, request->source.campaign);
    wire_str(out, request->source.reporter);
}

void learn_request_put(struct buf *out, const struct learn_request *request)
{
    wire_u64(out, request->number);
    wire_u8(out, (uint8_t)request->verb);
    if (learn_verb_lists(request->verb))
        message_put(out, request);
    if (request->verb == LEARN_PUBLISH)
        wire_u8(out, (uint8_t)request->publish);
    if (request->verb == LEARN_ROLLBACK || request->verb == LEARN_COMPARE)
        wire_u64(out, request->generation);
    if (request->verb == LEARN_COMPARE)
        wire_u64(out, request->other);
}

static bool source_get(struct wire *w, struct learn_source *source)
{
    uint8_t kind = wire_get_u8(w);
    source->kind = (enum learn_kind)kind;
    source->when = wire_get_i64(w);
    source->campaign = wire_get_u64(w);
    source->reporter = wire_get_str(w);
    return kind <= LEARN_BY_SENT && source->when >= 0 && source->reporter.n <= LEARN_REPORTER_MAX;
}

static bool message_get(struct wire *w, struct learn_request *request)
{
    uint8_t class = wire_get_u8(w);
    request->class = (enum learn_class) class;
    request->digest = wire_get_u64(w);
    request->n = wire_get_u32(w);
    request->features = wire_get_str(w);
    request->grams = wire_get_str(w);
    return source_get(w, &request->source) && class <= LEARN_FORGET;
}

static bool publish_get(struct wire *w, struct learn_request *request)
{
    uint8_t publish = wire_get_u8(w);
    request->publish = (enum learn_publish)publish;
    return publish <= LEARN_PUBLISH_FORCED;
}

bool learn_request_get(struct str message, struct learn_request *request)
{
    struct wire w = wire_of(message);
    bool sense = true;
    *request = (struct learn_request){.number = wire_get_u64(&w)};
    uint8_t verb = wire_get_u8(&w);
    if (verb < LEARN_MESSAGE || verb > LEARN_HOLD)
        return false;
    request->verb = (enum learn_verb)verb;
    if (learn_verb_lists(request->verb))
        sense = message_get(&w, request);
    if (request->verb == LEARN_PUBLISH)
        sense = publish_get(&w, request);
    if (request->verb == LEARN_ROLLBACK || request->verb == LEARN_COMPARE)
        request->generation = wire_get_u64(&w);
    if (request->verb == LEARN_COMPARE)
        request->other = wire_get_u64(&w);
    return wire_done(&w) && sense;
}

void learn_reply_put(struct buf *out, const struct learn_reply *reply)
{
    wire_u64(out, reply->number);
    wire_u8(out, (uint8_t)reply->answer);
    wire_u64(out, reply->spam);
    wire_u64(out, reply->ham);
    wire_u64(out, reply->held);
    wire_u64(out, reply->generation);
    wire_str(out, reply->text);
}

bool learn_reply_get(struct str message, struct learn_reply *reply)
{
    struct wire w = wire_of(message);
    *reply = (struct learn_reply){.number = wire_get_u64(&w)};
    uint8_t answer = wire_get_u8(&w);
    reply->spam = wire_get_u64(&w);
    reply->ham = wire_get_u64(&w);
    reply->held = wire_get_u64(&w);
    reply->generation = wire_get_u64(&w);
    reply->text = wire_get_str(&w);
    reply->answer = (enum learn_answer)answer;
    return wire_done(&w) && answer <= LEARN_ANSWER_REFUSED;
}

/* The bytes, wherever they travelled; into `from` when they came in a file. */
static int features_bytes(const struct learn_request *request, int fd, struct buf *from,
                          struct str *bytes, struct err *err)
{
    size_t size = request->n * FEATURE_SIZE;
    if (request->n > FEATURES_MAX)
        return err_set(err, "%u features in one message, the limit is %d", request->n,
                       FEATURES_MAX);
    *bytes = request->features;
    if (fd >= 0 && bytes->n == 0) {
        if (fsio_pread(fd, from, size, 0, "the passed features", err) < 0)
            return -1;
        *bytes = buf_str(from);
    }
    if (bytes->n != size)
        return err_set(err, "%u features announced, %zu bytes came", request->n, bytes->n);
    return 0;
}

uint64_t *learn_request_features(const struct learn_request *request, int fd, struct err *err)
{
    struct buf from = BUF_INIT(FEATURES_MAX * FEATURE_SIZE);
    struct str bytes = STR_EMPTY;
    uint64_t *list = NULL;
    if (features_bytes(request, fd, &from, &bytes, err) == 0) {
        list = calloc(request->n + 1, FEATURE_SIZE);
        if (list == NULL)
            err_set(err, "out of memory for %u features", request->n);
    }
    if (list && bytes.n)
        memcpy(list, bytes.s, bytes.n);
    buf_release(&from);
    for (uint32_t i = 0; list && i < request->n; i++) {
        list[i] = le64toh(list[i]);
        if (i && list[i - 1] >= list[i]) {
            err_set(err, "the features are not in rising order");
            free(list);
            list = NULL;
        }
    }
    return list;
}

uint32_t *learn_request_grams(const struct learn_request *request, size_t *n, struct err *err)
{
    uint32_t *list = calloc(GRAMS_MAX, sizeof *list);
    if (list == NULL) {
        err_set(err, "out of memory for the grams of a message");
        return NULL;
    }
    if (grams_unpack(request->grams, list, GRAMS_MAX, n))
        return list;
    err_set(err, "the grams are not in rising order, or more than %d", GRAMS_MAX);
    free(list);
    return NULL;
}
