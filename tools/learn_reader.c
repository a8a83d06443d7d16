#include "tools/learn_reader.h"

#include <stdlib.h>

#include "base/wire.h"
#include "bayes/features/features.h"
#include "rules/facts/date.h"

#define POOL_MAX  ((size_t)512 * 1024 * 1024) /* for one message */
#define LISTS_MAX ((size_t)1024 * 1024)       /* bytes of a message's tokens, or grams */

int learn_reader_init(struct learn_reader *reader, const struct conf *conf,
                      const struct known *known, struct err *err)
{
    *reader = (struct learn_reader){.pool = pool_new(POOL_MAX),
                                    .conf = conf,
                                    .known = known,
                                    .scratch = BUF_INIT(LISTS_MAX)};
    piece_reader_init(&reader->piece);
    return reader->pool ? 0 : err_set(err, "out of memory");
}

void learn_reader_free(struct learn_reader *reader)
{
    piece_reader_free(&reader->piece);
    pool_free(&reader->pool);
    buf_release(&reader->scratch);
}

/* ---- in the child */

static void on_problem(void *data, const char *text)
{
    struct learn_reader *reader = data;
    wire_u8(reader->out, RECORD_PROBLEM);
    wire_str(reader->out, str_of(text));
}

static void put_array(struct buf *out, const void *list, size_t n, size_t size)
{
    wire_str(out, str_n(list, n * size));
}

static void put_features(struct learn_reader *reader, const struct features *features)
{
    struct buf *hashes = &reader->scratch;
    buf_clear(hashes);
    for (size_t i = 0; i < features->n; i++)
        buf_addn(hashes, &features->list[i].hash, sizeof features->list[i].hash);
    wire_u8(reader->out, RECORD_MESSAGE);
    wire_u64(reader->out, features->digest);
    wire_u64(reader->out, features->campaign);
    wire_str(reader->out, buf_str(hashes));
    put_array(reader->out, features->grams, features->n_grams, sizeof features->grams[0]);
}

static int64_t time_of(const struct message *message, struct pool *pool)
{
    const struct header *header = message_header(message, STR("Date"));
    int64_t when = 0;
    return header && date_parse(header_unfold(pool, header), &when) ? when : 0;
}

static int read_keys(struct learn_reader *reader, const struct message *message, struct err *err)
{
    struct known_keys keys;
    if (known_keys_of(reader->known, reader->conf, message, reader->pool, &keys, err) < 0)
        return -1;
    wire_u8(reader->out, keys.n ? RECORD_KEYS : RECORD_PASSED);
    if (keys.n == 0)
        return 0;
    wire_i64(reader->out, time_of(message, reader->pool));
    put_array(reader->out, keys.list, keys.n, sizeof keys.list[0]);
    return 0;
}

static int read_features(struct learn_reader *reader, const struct message *message,
                         struct err *err)
{
    struct known_facts facts;
    struct mail_text *text;
    struct features features;
    if (reader->want == WANT_ANSWERS) {
        if (known_look(reader->known, message, reader->pool, &facts, err) < 0)
            return -1;
        if (!facts.reply && !facts.pair) {
            wire_u8(reader->out, RECORD_PASSED);
            return 0;
        }
    }
    if (mail_text_make(reader->pool, message, &text, err) < 0 ||
        features_extract(reader->pool, message, text, reader->known, &features, err) < 0 ||
        features_identify(reader->pool, message, text, &features, err) < 0)
        return -1;
    put_features(reader, &features);
    return 0;
}

static int read_message(struct learn_reader *reader, struct str raw, struct err *err)
{
    struct message *message;
    if (message_parse(reader->pool, raw, &mail_limits_default, &message, err) < 0)
        return -1;
    if (reader->want == WANT_KEYS)
        return read_keys(reader, message, err);
    if (reader->want != WANT_DIGESTS)
        return read_features(reader, message, err);
    uint64_t digest;
    if (features_digest(reader->pool, message, &digest, err) < 0)
        return -1;
    wire_u8(reader->out, RECORD_DIGEST);
    wire_u64(reader->out, digest);
    return 0;
}

static void on_message(void *data, struct str raw)
{
    struct learn_reader *reader = data;
    struct err err = {""};
    size_t at = reader->at++;
    if (at < reader->n_skip && reader->skip[at])
        return;
    pool_reset(reader->pool);
    if (read_message(reader, raw, &err) < 0)
        on_problem(reader, err.text);
}

void learn_read(struct learn_reader *reader, const struct pieces *pieces, size_t piece,
                enum learn_want want, const bool *skip, size_t n_skip, struct buf *out)
{
    reader->want = want;
    reader->skip = skip;
    reader->n_skip = n_skip;
    reader->at = 0;
    reader->out = out;
    reader->piece.data = reader;
    reader->piece.on_message = on_message;
    reader->piece.on_problem = on_problem;
    piece_read(&reader->piece, pieces, piece);
}

/* ---- in the parent */

int learn_record_init(struct learn_record *record, struct err *err)
{
    *record = (struct learn_record){.when = 0};
    record->features.list = calloc(FEATURES_MAX, sizeof record->features.list[0]);
    record->features.grams = calloc(GRAMS_MAX, sizeof record->features.grams[0]);
    return record->features.list && record->features.grams ? 0 : err_set(err, "out of memory");
}

void learn_record_free(struct learn_record *record)
{
    free(record->features.list);
    free(record->features.grams);
}

/* How many there are; those beyond `most` are none that we have written. */
static size_t get_array(struct wire *w, void *list, size_t most, size_t size)
{
    struct str bytes = wire_get_str(w);
    size_t n = bytes.n / size < most ? bytes.n / size : most;
    if (n)
        memcpy(list, bytes.s, n * size);
    return n;
}

static void get_features(struct wire *w, struct features *features)
{
    features->digest = wire_get_u64(w);
    features->campaign = wire_get_u64(w);
    struct str hashes = wire_get_str(w);
    features->n = hashes.n / sizeof(uint64_t);
    features->n = features->n < FEATURES_MAX ? features->n : FEATURES_MAX;
    for (size_t i = 0; i < features->n; i++)
        memcpy(&features->list[i].hash, hashes.s + i * sizeof(uint64_t), sizeof(uint64_t));
    features->n_grams = get_array(w, features->grams, GRAMS_MAX, sizeof features->grams[0]);
}

bool learn_record_next(struct str *said, struct learn_record *record)
{
    struct wire w = wire_of(*said);
    if (said->n == 0)
        return false;
    record->kind = (enum learn_record_kind)wire_get_u8(&w);
    switch (record->kind) {
    case RECORD_DIGEST:
        record->features.digest = wire_get_u64(&w);
        record->features.n = record->features.n_grams = 0;
        break;
    case RECORD_MESSAGE:
        get_features(&w, &record->features);
        break;
    case RECORD_KEYS:
        record->when = wire_get_i64(&w);
        record->keys.n =
            get_array(&w, record->keys.list, KNOWN_KEYS_MAX, sizeof record->keys.list[0]);
        break;
    case RECORD_PROBLEM:
        record->text = wire_get_str(&w);
        break;
    case RECORD_PASSED:
        break;
    }
    *said = w.in;
    return !w.bad;
}
