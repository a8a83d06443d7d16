#include <stdlib.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/random.h"
#include "bayes/model/model.h"
#include "bayes/model/model_format.h"

_Static_assert(FUSION_INPUTS <= MODEL_FUSION_MAX, "the fusion fits into the header");

#define SLOTS_AT_ONCE 4096

struct table {
    int fd;
    const char *path;
    size_t at;        /* of the table in the file */
    uint64_t written; /* slots, those in the block included */
    uint64_t sum;
    size_t n;
    struct model_slot block[SLOTS_AT_ONCE];
};

uint64_t model_sum(uint64_t sum, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i + 8 <= n; i += 8) {
        uint64_t word;
        memcpy(&word, p + i, 8);
        sum = (sum ^ word) * 0x9fb21c651e98df25u;
        sum ^= sum >> 29;
    }
    return sum;
}

static int table_flush(struct table *table, struct err *err)
{
    size_t size = table->n * sizeof table->block[0];
    off_t at = (off_t)(table->at + (table->written - table->n) * sizeof table->block[0]);
    table->sum = model_sum(table->sum, table->block, size);
    table->n = 0;
    return fsio_pwrite(table->fd, str_n((const char *)table->block, size), at, table->path, err);
}

static int table_put(struct table *table, struct model_slot slot, struct err *err)
{
    if (table->n == SLOTS_AT_ONCE && table_flush(table, err) < 0)
        return -1;
    table->block[table->n++] = slot;
    table->written++;
    return 0;
}

static int token_order(const void *a, const void *b)
{
    uint64_t x = ((const struct model_token *)a)->hash;
    uint64_t y = ((const struct model_token *)b)->hash;
    return x < y ? -1 : x > y;
}

/* The tokens' hashes are keys by now, in rising order. */
static int table_fill(struct table *table, uint64_t homes, const struct model_token *tokens,
                      size_t n, struct err *err)
{
    const struct model_slot empty = {0, 0, 0};
    for (size_t i = 0; i < n; i++) {
        uint64_t home = model_home(tokens[i].hash, homes);
        struct model_slot slot = {tokens[i].hash, tokens[i].counts.spam, tokens[i].counts.ham};
        while (table->written < home)
            if (table_put(table, empty, err) < 0)
                return -1;
        if (table_put(table, slot, err) < 0)
            return -1;
    }
    do {
        if (table_put(table, empty, err) < 0)
            return -1;
    } while (table->written <= homes);
    return table_flush(table, err);
}

/* What stands between the header and the table is summed with the table. */
static uint64_t filling_sum(void)
{
    const char zeros[MODEL_WEIGHTS_AT - sizeof(struct model_header)] = {0};
    return model_sum(0, zeros, sizeof zeros);
}

static int weights_write(struct table *table, const int32_t *weights, uint64_t n, struct err *err)
{
    struct str bytes = str_n((const char *)weights, n * sizeof weights[0]);
    table->at = model_table_at(n);
    if (n == 0)
        return 0;
    table->sum = model_sum(table->sum, bytes.s, bytes.n);
    return fsio_pwrite(table->fd, bytes, MODEL_WEIGHTS_AT, table->path, err);
}

static int header_write(int fd, const char *path, struct model_header *header, struct err *err)
{
    char page[MODEL_WEIGHTS_AT] = {0};
    header->header_sum = model_sum(0, header, offsetof(struct model_header, header_sum));
    memcpy(page, header, sizeof *header);
    return fsio_pwrite(fd, str_n(page, sizeof page), 0, path, err);
}

/* Turns hashes into keys, sorts, and leaves out what has no count; returns how many stay. */
static size_t tokens_prepare(struct model_token *tokens, size_t n, uint64_t salt)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (tokens[i].counts.spam == 0 && tokens[i].counts.ham == 0)
            continue;
        tokens[kept] = tokens[i];
        tokens[kept++].hash = model_key(tokens[i].hash, salt);
    }
    if (kept)
        qsort(tokens, kept, sizeof tokens[0], token_order);
    return kept;
}

int model_write(int fd, const char *path, const struct model_facts *facts,
                struct model_token *tokens, size_t n, struct err *err)
{
    struct model_header header = {
        .magic = MODEL_MAGIC,
        .version = MODEL_VERSION,
        .slot_size = sizeof(struct model_slot),
        .generation = facts->generation,
        .built = facts->built,
        .spam = facts->known.spam,
        .ham = facts->known.ham,
        .weights = facts->known.weights ? GRAM_WEIGHTS : 0,
        .fusion_inputs = FUSION_INPUTS,
    };
    memcpy(header.fusion, facts->known.fusion.learned, sizeof facts->known.fusion.learned);
    if (n > MODEL_TOKENS_MAX)
        return err_set(err, "%s: %zu tokens are more than the limit of %llu", path, n,
                       (unsigned long long)MODEL_TOKENS_MAX);
    random_fill(&header.salt, sizeof header.salt);
    struct table *table = calloc(1, sizeof *table);
    if (table == NULL)
        return err_set(err, "%s: out of memory", path);
    table->fd = fd;
    table->path = path;
    table->sum = filling_sum();
    header.tokens = tokens_prepare(tokens, n, header.salt);
    header.homes = header.tokens + header.tokens / 2 + 1;
    int result = weights_write(table, facts->known.weights, header.weights, err);
    if (result == 0)
        result = table_fill(table, header.homes, tokens, (size_t)header.tokens, err);
    header.slots = table->written;
    header.body_sum = table->sum;
    free(table);
    if (result < 0 || header_write(fd, path, &header, err) < 0)
        return -1;
    return fsync(fd) == 0 ? 0 : err_sys(err, "cannot fsync %s", path);
}

int model_caution_write(int fd, const char *path, double caution, struct err *err)
{
    struct model_header header;
    struct buf bytes = BUF_INIT(sizeof header);
    int result = fsio_pread(fd, &bytes, sizeof header, 0, path, err);
    if (result == 0) {
        memcpy(&header, bytes.p, sizeof header);
        header.caution = caution;
        result = header_write(fd, path, &header, err);
    }
    buf_release(&bytes);
    if (result == 0 && fsync(fd) < 0)
        result = err_sys(err, "cannot fsync %s", path);
    return result;
}
