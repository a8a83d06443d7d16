#include "gateway/directory/tokens.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/sha256.h"
#include "gateway/gate/table.h"

struct tokens {
    pthread_mutex_t lock;
    struct gate_table *table;
};

static bool key_of(struct str secret, struct gate_key *key)
{
    unsigned char sum[SHA256_SIZE];
    struct sha256 hash;
    struct err err = {""};
    if (sha256_begin(&hash, &err) < 0)
        return false;
    sha256_add(&hash, secret);
    bool made = sha256_end(&hash, sum, &err) == 0;
    sha256_free(&hash);
    memcpy(key->bytes, sum, sizeof key->bytes);
    return made;
}

struct tokens *tokens_open(const char *state_dir, struct err *err)
{
    struct tokens *t = calloc(1, sizeof *t);
    struct gate_key key;
    if (t == NULL || !key_of(STR(""), &key)) { /* OpenSSL loads what it needs */
        free(t);
        err_set(err, "out of memory");
        return NULL;
    }
    t->table = gate_table_open(state_dir, TOKENS_TABLE, TOKENS_ENTRIES, err);
    if (t->table == NULL) {
        free(t);
        return NULL;
    }
    pthread_mutex_init(&t->lock, NULL);
    return t;
}

void tokens_close(struct tokens **tokens)
{
    struct tokens *t = *tokens;
    *tokens = NULL;
    if (t == NULL)
        return;
    gate_table_close(&t->table);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

bool tokens_take(void *data, struct str secret, uint64_t step)
{
    struct tokens *t = data;
    struct gate_key key;
    bool taken = false;
    if (step > UINT32_MAX || !key_of(secret, &key)) {
        log_error("a token's number can't be noted as used, and is not taken");
        return false;
    }
    pthread_mutex_lock(&t->lock);
    struct gate_entry *e = gate_table_take(t->table, &key, (uint32_t)time(NULL));
    if (e && e->until < step) {
        e->until = (uint32_t)step;
        taken = true;
    }
    pthread_mutex_unlock(&t->lock);
    return taken;
}
