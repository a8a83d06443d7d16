#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"
#include "bayes/ledger_db.h"
#include "bayes/model.h"
#include "bayes/model_format.h"

#define READ_AT_ONCE   (1024u * 1024) /* bytes of tokens.db for one call */
#define MODEL_MODE     0644
#define MODEL_PREFIX   "model-"
#define MODEL_BESIDE   "model.new"
#define CURRENT        "current"
#define CURRENT_BESIDE "current.new"

struct tokens {
    struct model_token *list;
    size_t n;
    size_t cap;
};

static int tokens_add(struct tokens *tokens, struct model_token token)
{
    if (tokens->n == tokens->cap) {
        size_t cap = tokens->cap ? tokens->cap * 2 : 65536;
        struct model_token *list = realloc(tokens->list, cap * sizeof *list);
        if (list == NULL || cap > MODEL_TOKENS_MAX * 2) {
            tokens->list = list ? list : tokens->list;
            return -1;
        }
        tokens->list = list;
        tokens->cap = cap;
    }
    tokens->list[tokens->n++] = token;
    return 0;
}

/* One block of key/value pairs as the bulk cursor gave it. */
static int tokens_take(struct ledger *ledger, struct tokens *tokens, DBT *block, struct err *err)
{
    void *at;
    for (DB_MULTIPLE_INIT(at, block); at != NULL;) {
        void *key, *value;
        size_t key_size, value_size;
        DB_MULTIPLE_KEY_NEXT(at, block, key, key_size, value, value_size);
        if (at == NULL)
            break;
        struct token_record record;
        uint64_t wire;
        if (key_size != sizeof wire || value_size != sizeof record)
            return ledger_contradiction(ledger, "a token's record is malformed", err);
        memcpy(&wire, key, sizeof wire);
        memcpy(&record, value, sizeof record);
        struct model_token token = {be64toh(wire), {record.spam, record.ham}};
        if (tokens_add(tokens, token) < 0)
            return err_set(err, "ledger %s/ledger: out of memory after %zu tokens", ledger->folder,
                           tokens->n);
    }
    return 0;
}

static int tokens_read(struct ledger *ledger, struct tokens *tokens, struct err *err)
{
    DBC *cursor;
    DBT key = {0};
    DBT block = {.ulen = READ_AT_ONCE, .flags = DB_DBT_USERMEM, .data = malloc(READ_AT_ONCE)};
    if (block.data == NULL)
        return err_set(err, "ledger %s/ledger: out of memory", ledger->folder);
    int result = 0;
    int code = ledger->tokens->cursor(ledger->tokens, NULL, &cursor, 0);
    if (code == 0) {
        while (result == 0 &&
               (code = cursor->get(cursor, &key, &block, DB_NEXT | DB_MULTIPLE_KEY)) == 0)
            result = tokens_take(ledger, tokens, &block, err);
        cursor->close(cursor);
    }
    free(block.data);
    if (result == 0 && code != 0 && code != DB_NOTFOUND)
        result = ledger_db_err(ledger, code, "reading the tokens", err);
    return result;
}

/* The number in "model-N"; 0 for any other name. */
static uint64_t model_name_number(const char *name)
{
    uint64_t number = 0;
    struct str rest = str_of(name);
    if (!str_starts(rest, STR(MODEL_PREFIX)) ||
        !str_to_u64(str_from(rest, strlen(MODEL_PREFIX)), INT64_MAX, &number))
        return 0;
    return number;
}

/* The largest number of a model in the folder that is below `below`; 0: none. */
static int model_largest(const char *folder, uint64_t below, uint64_t *largest, struct err *err)
{
    DIR *dir = opendir(folder);
    *largest = 0;
    if (dir == NULL)
        return err_sys(err, "cannot read folder %s", folder);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        uint64_t number = model_name_number(entry->d_name);
        if (number < below && number > *largest)
            *largest = number;
    }
    closedir(dir);
    return 0;
}

static int model_path(const char *folder, uint64_t number, char *out, size_t size, struct err *err)
{
    char name[64];
    snprintf(name, sizeof name, MODEL_PREFIX "%" PRIu64, number);
    return ledger_path(folder, name, out, size, err);
}

/* Removes all but the newest; a failure costs only space. */
static void models_expire(const char *folder)
{
    struct err err;
    char path[PATH_MAX];
    uint64_t below = UINT64_MAX, number;
    for (unsigned seen = 0; model_largest(folder, below, &number, &err) == 0 && number;
         below = number, seen++) {
        if (seen < LEDGER_MODELS_KEPT || model_path(folder, number, path, sizeof path, &err) < 0)
            continue;
        if (unlink(path) < 0) {
            log_warning("cannot remove the old model %s: %s", path, strerror(errno));
            return;
        }
    }
}

static int model_verify(const char *path, uint64_t generation, size_t tokens, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, "cannot open %s", path);
    struct model *model = model_open(fd, path, err);
    close(fd);
    if (model == NULL)
        return -1;
    bool good = model_generation(model) == generation && model_tokens(model) == tokens;
    model_close(&model);
    return good ? 0 : err_set(err, "%s is not what was written", path);
}

static int model_build(struct ledger *ledger, const char *path, uint64_t generation,
                       struct err *err)
{
    struct tokens tokens = {NULL, 0, 0};
    struct model_facts facts = {.generation = generation,
                                .built = (uint64_t)time(NULL),
                                .known = ledger_knowledge(ledger)};
    int result = tokens_read(ledger, &tokens, err);
    if (result == 0) {
        int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, MODEL_MODE);
        if (fd < 0)
            result = err_sys(err, "cannot create %s", path);
        else {
            result = model_write(fd, path, &facts, tokens.list, tokens.n, err);
            close(fd);
        }
    }
    free(tokens.list);
    if (result == 0)
        result = model_verify(path, generation, tokens.n, err);
    return result;
}

static int current_switch(const char *folder, uint64_t generation, struct err *err)
{
    char beside[PATH_MAX], current[PATH_MAX], target[64];
    if (ledger_path(folder, CURRENT_BESIDE, beside, sizeof beside, err) < 0 ||
        ledger_path(folder, CURRENT, current, sizeof current, err) < 0)
        return -1;
    snprintf(target, sizeof target, MODEL_PREFIX "%" PRIu64, generation);
    if (unlink(beside) < 0 && errno != ENOENT)
        return err_sys(err, "cannot remove %s", beside);
    if (symlink(target, beside) < 0)
        return err_sys(err, "cannot make the link %s", beside);
    return fsio_rename_durable(beside, current, err);
}

/* One more than any that was there, whatever became of the ledger that made it. */
static int generation_next(struct ledger *ledger, uint64_t *generation, struct err *err)
{
    if (model_largest(ledger->folder, UINT64_MAX, generation, err) < 0)
        return -1;
    if (ledger->totals.generation > *generation)
        *generation = ledger->totals.generation;
    ++*generation;
    return 0;
}

int64_t ledger_publish(struct ledger *ledger, struct err *err)
{
    char beside[PATH_MAX], path[PATH_MAX];
    uint64_t generation;
    if (ledger->broken)
        return err_set(err, "ledger %s/ledger is damaged: it must be opened anew", ledger->folder);
    if (generation_next(ledger, &generation, err) < 0 ||
        ledger_path(ledger->folder, MODEL_BESIDE, beside, sizeof beside, err) < 0 ||
        model_path(ledger->folder, generation, path, sizeof path, err) < 0 ||
        model_build(ledger, beside, generation, err) < 0 ||
        fsio_rename_durable(beside, path, err) < 0 ||
        current_switch(ledger->folder, generation, err) < 0)
        return -1;
    struct ledger_totals totals = ledger->totals;
    totals.generation = generation;
    if (ledger_totals_put(ledger, NULL, &totals, false, err) < 0)
        return -1;
    ledger->totals = totals;
    ledger->changed = false;
    models_expire(ledger->folder);
    return (int64_t)generation;
}
