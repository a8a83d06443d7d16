#include "bayes/model/model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bayes/model/model_format.h"

/* Look-ups whose memory is asked for ahead: hides most of a cache miss each. */
#define FIND_AHEAD  16
#define FIND_WINDOW 4

struct model {
    void *map;
    size_t size;
    const struct model_header *header;
    const struct model_slot *slots; /* set once the header is known to be right */
};

static const struct model_slot *model_slots(const struct model *model)
{
    return (const void *)((const char *)model->map + model_table_at(model->header->weights));
}

static int header_check(const struct model_header *header, size_t size, const char *path,
                        struct err *err)
{
    if (header->magic != MODEL_MAGIC)
        return err_set(err, "%s is not a model file", path);
    if (header->header_sum != model_sum(0, header, offsetof(struct model_header, header_sum)))
        return err_set(err, "%s is damaged (its header's checksum does not match)", path);
    if (header->version != MODEL_VERSION || header->slot_size != sizeof(struct model_slot) ||
        header->fusion_inputs != FUSION_INPUTS)
        return err_set(err,
                       "%s is of format %u, this program reads format %u; the learner builds "
                       "a new one when it starts",
                       path, header->version, MODEL_VERSION);
    if (header->weights != 0 && header->weights != GRAM_WEIGHTS)
        return err_set(err, "%s is damaged (%llu weights of grams)", path,
                       (unsigned long long)header->weights);
    size_t table_at = model_table_at(header->weights);
    if (header->slots > (SIZE_MAX - table_at) / sizeof(struct model_slot) ||
        size != table_at + header->slots * sizeof(struct model_slot))
        return err_set(err, "%s is cut short or grown: %zu bytes, %llu slots announced", path, size,
                       (unsigned long long)header->slots);
    if (header->homes == 0 || header->homes >= header->slots || header->tokens > header->homes)
        return err_set(err, "%s is damaged (its sizes contradict each other)", path);
    return 0;
}

static int model_check(const struct model *model, const char *path, struct err *err)
{
    if (header_check(model->header, model->size, path, err) < 0)
        return -1;
    const struct model_slot *last = &model_slots(model)[model->header->slots - 1];
    uint64_t sum = model_sum(0, model->header + 1, model->size - sizeof *model->header);
    if (sum != model->header->body_sum || last->spam || last->ham)
        return err_set(err, "%s is damaged (the checksum of what it holds does not match)", path);
    return 0;
}

struct model *model_open(int fd, const char *path, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0) {
        err_sys(err, "cannot look at %s", path);
        return NULL;
    }
    if (!S_ISREG(st.st_mode) || st.st_size < (off_t)MODEL_WEIGHTS_AT) {
        err_set(err, "%s is not a model file, or cut short", path);
        return NULL;
    }
    struct model *model = calloc(1, sizeof *model);
    if (model == NULL) {
        err_set(err, "%s: out of memory", path);
        return NULL;
    }
    model->size = (size_t)st.st_size;
    model->map = mmap(NULL, model->size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (model->map == MAP_FAILED) {
        err_sys(err, "cannot map %s", path);
        free(model);
        return NULL;
    }
    model->header = model->map;
    if (model_check(model, path, err) < 0) {
        model_close(&model);
        return NULL;
    }
    model->slots = model_slots(model);
    return model;
}

struct model *model_open_path(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        err_sys(err, "cannot open %s", path);
        return NULL;
    }
    struct model *model = model_open(fd, path, err);
    close(fd);
    if (model == NULL)
        errno = EBADMSG;
    return model;
}

void model_close(struct model **model)
{
    if (*model == NULL)
        return;
    munmap((*model)->map, (*model)->size);
    free(*model);
    *model = NULL;
}

uint64_t model_generation(const struct model *model)
{
    return model->header->generation;
}

uint64_t model_spam(const struct model *model)
{
    return model->header->spam;
}

uint64_t model_ham(const struct model *model)
{
    return model->header->ham;
}

uint64_t model_tokens(const struct model *model)
{
    return model->header->tokens;
}

uint64_t model_built(const struct model *model)
{
    return model->header->built;
}

struct knowledge model_knowledge(const struct model *model)
{
    const struct model_header *header = model->header;
    struct knowledge known = {.spam = header->spam, .ham = header->ham, .caution = header->caution};
    if (header->weights)
        known.weights = (const void *)((const char *)model->map + MODEL_WEIGHTS_AT);
    memcpy(known.fusion.learned, header->fusion, sizeof known.fusion.learned);
    return known;
}

static bool slot_empty(const struct model_slot *slot)
{
    return slot->spam == 0 && slot->ham == 0;
}

/* Slots are looked at FIND_WINDOW at a time: how far a key is from its home can't be foretold, and
 * a wrong guess costs more than to look at all of them. */
static struct model_counts find_from(const struct model *model, uint64_t home, uint64_t key)
{
    const struct model_slot *slot = &model->slots[home], *end = model->slots + model->header->slots;
    for (; end - slot >= FIND_WINDOW; slot += FIND_WINDOW) {
        struct model_counts found = {0, 0};
        for (size_t i = 0; i < FIND_WINDOW; i++) {
            uint32_t mask = slot[i].key == key ? UINT32_MAX : 0;
            found.spam |= slot[i].spam & mask;
            found.ham |= slot[i].ham & mask;
        }
        const struct model_slot *last = &slot[FIND_WINDOW - 1];
        if (slot_empty(last) || last->key >= key)
            return found;
    }
    for (; slot < end; slot++)
        if (slot->key == key)
            return (struct model_counts){slot->spam, slot->ham};
    return (struct model_counts){0, 0};
}

void model_find(const struct model *model, const struct feature *features, size_t n,
                struct model_counts *counts)
{
    uint64_t keys[FIND_AHEAD], homes[FIND_AHEAD];
    const struct model_header *header = model->header;
    for (size_t i = 0; i < n + FIND_AHEAD; i++) {
        uint64_t *key = &keys[i % FIND_AHEAD], *home = &homes[i % FIND_AHEAD];
        if (i >= FIND_AHEAD)
            counts[i - FIND_AHEAD] = find_from(model, *home, *key);
        if (i < n) {
            *key = model_key(features[i].hash, header->salt);
            *home = model_home(*key, header->homes);
            __builtin_prefetch(&model->slots[*home]);
            __builtin_prefetch(&model->slots[*home + FIND_WINDOW - 1]);
        }
    }
}

/* The inverse of model_key(): its steps backwards, with the multipliers' inverses modulo 2^64. */
static uint64_t key_hash(uint64_t k, uint64_t salt)
{
    k = k ^ (k >> 31) ^ (k >> 62);
    k *= 0x319642b2d24d8ec3u;
    k = k ^ (k >> 27) ^ (k >> 54);
    k *= 0x96de1b173f119089u;
    k = k ^ (k >> 30) ^ (k >> 60);
    return k ^ salt;
}

int model_walk(const struct model *model,
               int (*each)(void *data, const struct model_token *token, struct err *err),
               void *data, struct err *err)
{
    for (uint64_t i = 0; i < model->header->slots; i++) {
        const struct model_slot *slot = &model->slots[i];
        if (slot_empty(slot))
            continue;
        struct model_token token = {key_hash(slot->key, model->header->salt),
                                    {slot->spam, slot->ham}};
        int result = each(data, &token, err);
        if (result != 0)
            return result;
    }
    return 0;
}
