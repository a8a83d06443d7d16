#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "bayes/ledger/db.h"
#include "bayes/model/model.h"
#include "bayes/model/model_format.h"

#define READ_AT_ONCE (1024u * 1024) /* bytes of tokens.db for one call */
#define MODEL_MODE   0644

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

/* As it will be used: what was written must be what is read. */
static struct model *model_verified(const char *path, uint64_t generation, size_t tokens,
                                    struct err *err)
{
    struct model *model = model_open_path(path, err);
    if (model && (model_generation(model) != generation || model_tokens(model) != tokens)) {
        err_set(err, "%s is not what was written", path);
        model_close(&model);
    }
    return model;
}

static int model_save(struct ledger *ledger, const char *path, uint64_t generation,
                      struct tokens *tokens, struct err *err)
{
    struct model_facts facts = {.generation = generation,
                                .built = (uint64_t)time(NULL),
                                .known = ledger_knowledge(ledger)};
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, MODEL_MODE);
    if (fd < 0)
        return err_sys(err, "cannot create %s", path);
    int result = model_write(fd, path, &facts, tokens->list, tokens->n, err);
    close(fd);
    return result;
}

struct model *ledger_model(struct ledger *ledger, const char *path, uint64_t generation,
                           struct err *err)
{
    struct tokens tokens = {NULL, 0, 0};
    struct model *model = NULL;
    if (tokens_read(ledger, &tokens, err) == 0 &&
        model_save(ledger, path, generation, &tokens, err) == 0)
        model = model_verified(path, generation, tokens.n, err);
    free(tokens.list);
    return model;
}
