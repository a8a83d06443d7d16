#include "bayes/transfer/portable.h"

#include <inttypes.h>

#include "base/fsio.h"
#include "bayes/model/model_format.h"

#define BUF_FULL (256u * 1024)
#define DAY_MAX  1000000u /* the year 4707 */
#define HASH_HEX 16
#define FIELDS   5

/* --- writing --- */

static int flush(struct portable_out *out, size_t unless, struct err *err)
{
    if (!buf_ok(&out->buf))
        return err_set(err, "%s: out of memory", out->path);
    if (out->buf.n < unless)
        return 0;
    int result = fsio_write(out->fd, buf_str(&out->buf), out->path, err);
    buf_clear(&out->buf);
    return result;
}

static int line_put(struct portable_out *out, struct err *err)
{
    out->lines++;
    return flush(out, BUF_FULL, err);
}

int portable_begin(struct portable_out *out, int fd, const char *path, uint64_t spam, uint64_t ham,
                   struct err *err)
{
    *out = (struct portable_out){fd, path, 0, BUF_INIT(2 * BUF_FULL)};
    buf_addf(&out->buf, PORTABLE_FIRST "\ntotals\t%" PRIu64 "\t%" PRIu64 "\n", spam, ham);
    out->lines = 1;
    return line_put(out, err);
}

int portable_token(struct portable_out *out, uint64_t hash, struct model_counts counts,
                   uint32_t day, struct err *err)
{
    buf_addf(&out->buf, "token\t%016" PRIx64 "\t%" PRIu32 "\t%" PRIu32 "\t%" PRIu32 "\n", hash,
             counts.spam, counts.ham, day);
    return line_put(out, err);
}

int portable_weights(struct portable_out *out, const int32_t *weights, struct err *err)
{
    for (uint32_t i = 0; i < GRAM_WEIGHTS; i++) {
        if (weights[i] == 0)
            continue;
        buf_addf(&out->buf, "weight\t%" PRIu32 "\t%" PRId32 "\n", i, weights[i]);
        if (line_put(out, err) < 0)
            return -1;
    }
    return 0;
}

int portable_fusion(struct portable_out *out, const struct fusion *fusion, struct err *err)
{
    for (unsigned i = 0; i < FUSION_INPUTS; i++) {
        buf_addf(&out->buf, "fusion\t%u\t%" PRId32 "\n", i, fusion->learned[i]);
        if (line_put(out, err) < 0)
            return -1;
    }
    return 0;
}

int portable_end(struct portable_out *out, struct err *err)
{
    buf_addf(&out->buf, "end\t%" PRIu64 "\n", out->lines);
    return flush(out, 0, err);
}

void portable_free(struct portable_out *out)
{
    buf_release(&out->buf);
}

/* --- reading --- */

/* The fields of a line; false when they are not `want`. */
static bool fields_of(struct str line, struct str fields[FIELDS], size_t want)
{
    size_t n = 0;
    struct str field;
    while (n < FIELDS && str_next(&line, '\t', &field))
        fields[n++] = field;
    return n == want && line.n == 0;
}

static bool hash_of(struct str text, uint64_t *hash)
{
    *hash = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.s[i];
        if ((c < '0' || c > '9') && (c < 'a' || c > 'f'))
            return false;
        *hash = *hash << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return text.n == HASH_HEX;
}

static bool value_of(struct str text, int32_t *value)
{
    uint64_t number;
    bool minus = text.n && text.s[0] == '-';
    if (!str_to_u64(str_from(text, minus), (uint64_t)INT32_MAX + minus, &number))
        return false;
    *value = (int32_t)(minus ? -(int64_t)number : (int64_t)number);
    return true;
}

static bool number_of(struct str text, uint64_t max, uint32_t *number)
{
    uint64_t wide = 0;
    bool good = str_to_u64(text, max < UINT32_MAX ? max : UINT32_MAX, &wide);
    *number = (uint32_t)wide;
    return good;
}

static bool token_read(struct portable_in *in, struct str line, struct portable_record *record)
{
    struct str f[FIELDS];
    record->kind = PORTABLE_TOKEN;
    return fields_of(line, f, 5) && hash_of(f[1], &record->hash) &&
           number_of(f[2], in->spam, &record->counts.spam) &&
           number_of(f[3], in->ham, &record->counts.ham) &&
           (record->counts.spam || record->counts.ham) && number_of(f[4], DAY_MAX, &record->day) &&
           ++in->tokens <= MODEL_TOKENS_MAX;
}

static bool value_read(struct str line, enum portable_kind kind, uint32_t below,
                       struct portable_record *record)
{
    struct str f[FIELDS];
    record->kind = kind;
    return fields_of(line, f, 3) && number_of(f[1], below - 1, &record->at) &&
           value_of(f[2], &record->value);
}

static int end_read(struct portable_in *in, struct str line, struct err *err)
{
    struct str f[FIELDS], more;
    uint64_t lines;
    if (!fields_of(line, f, 2) || !str_to_u64(f[1], UINT64_MAX, &lines))
        return lines_err(&in->lines, "malformed", err);
    if (lines != in->lines.number - 1)
        return lines_err(&in->lines, "lines are missing before this one", err);
    int got = lines_next(&in->lines, &more, err);
    return got > 0 ? lines_err(&in->lines, "nothing may come after the end", err) : got;
}

int portable_open(struct portable_in *in, int fd, const char *path, struct err *err)
{
    struct str line, f[FIELDS];
    lines_init(&in->lines, fd, path);
    in->tokens = 0;
    int got = lines_next(&in->lines, &line, err);
    if (got < 0)
        return -1;
    if (got == 0 || !str_eq(line, STR(PORTABLE_FIRST)))
        return lines_err(&in->lines, "this is not what `poterne model export` writes", err);
    got = lines_next(&in->lines, &line, err);
    if (got < 0)
        return -1;
    /* Totals are counted in 64 bits, tokens in 32. */
    if (got == 0 || !fields_of(line, f, 3) || !str_eq(f[0], STR("totals")) ||
        !str_to_u64(f[1], UINT32_MAX, &in->spam) || !str_to_u64(f[2], UINT32_MAX, &in->ham))
        return lines_err(&in->lines, "malformed totals", err);
    return 0;
}

int portable_next(struct portable_in *in, struct portable_record *record, struct err *err)
{
    struct str line;
    bool good = false;
    int got = lines_next(&in->lines, &line, err);
    if (got < 0)
        return -1;
    if (got == 0)
        return lines_err(&in->lines, "the end is missing: the file is cut short", err);
    *record = (struct portable_record){.kind = PORTABLE_TOKEN};
    if (str_starts(line, STR("end\t")))
        return end_read(in, line, err);
    if (str_starts(line, STR("token\t")))
        good = token_read(in, line, record);
    else if (str_starts(line, STR("weight\t")))
        good = value_read(line, PORTABLE_WEIGHT, GRAM_WEIGHTS, record);
    else if (str_starts(line, STR("fusion\t")))
        good = value_read(line, PORTABLE_FUSION, FUSION_INPUTS, record);
    return good ? 1 : lines_err(&in->lines, "malformed", err);
}
