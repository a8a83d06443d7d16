/* vault: the index of quarantine/, kept in step with what delivery does there. It is a help to who
 * searches and nothing else: when it can't be written, mail goes on. */
#include <limits.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"
#include "gateway/delivery/delivery.h"
#include "quarantine/index.h"
#include "quarantine/quarantine.h"

#define COMPLAIN_SECONDS 60 /* between two complaints about the index, or sweeps on its account */

static void complain(struct delivery *delivery, const struct err *err)
{
    int64_t now = clock_seconds();
    if (now < delivery->vault_quiet_until)
        return;
    delivery->vault_quiet_until = now + COMPLAIN_SECONDS;
    log_warning("%s; searching the quarantine reads the files instead", err->text);
}

void vault_start(struct delivery *delivery)
{
    char folder[PATH_MAX];
    struct err err;
    if (fsio_join(folder, sizeof folder, delivery->conf->state_dir, "quarantine", &err) == 0)
        delivery->vault = held_index_open(folder, &err);
    if (delivery->vault == NULL)
        complain(delivery, &err);
}

void vault_stop(struct delivery *delivery)
{
    held_index_close(&delivery->vault);
}

void vault_commit(struct delivery *delivery)
{
    struct err err;
    if (delivery->vault && held_index_commit(delivery->vault, &err) < 0)
        complain(delivery, &err);
}

void vault_rest(struct delivery *delivery)
{
    if (delivery->vault)
        held_index_rest(delivery->vault);
}

void vault_tick(struct delivery *delivery)
{
    if (delivery->vault == NULL && clock_seconds() >= delivery->vault_quiet_until)
        vault_start(delivery);
    vault_commit(delivery);
    /* a sweep that is under way may have passed some of what is lost: there will be another, but
     * not one after the other while the disk is full */
    int64_t now = clock_seconds();
    if (delivery->vault && now >= delivery->vault_hurry_from && held_index_lacks(delivery->vault)) {
        delivery->vault_hurry_from = now + COMPLAIN_SECONDS;
        sweep_hurry(&delivery->held_sweep);
    }
}

bool vault_knows(struct delivery *delivery, const char *id)
{
    int64_t size = spool_file_size(delivery->spool, SPOOL_QUARANTINE, id);
    return delivery->vault && size >= 0 &&
           held_index_knows(delivery->vault, str_of(id), (uint64_t)size);
}

int vault_put(struct delivery *delivery, const struct spool_file *file)
{
    struct err err;
    struct held held;
    int result = -1;
    if (delivery->vault == NULL)
        return -1;
    struct pool *pool = pool_new(DELIVERY_LOAD_MAX);
    if (pool == NULL)
        err_set(&err, "out of memory");
    else if (held_read(file, pool, &held, &err) == 0)
        result = held_index_put(delivery->vault, &held, &err);
    if (result < 0)
        complain(delivery, &err);
    pool_free(&pool);
    return result;
}

void vault_renew(struct delivery *delivery, const char *id)
{
    struct spool_file *file;
    struct err err;
    bool corrupt;
    struct pool *pool = pool_new(DELIVERY_LOAD_MAX);
    if (pool &&
        spool_peek(delivery->spool, SPOOL_QUARANTINE, id, pool, &file, &corrupt, &err) == 0) {
        if (quarantine_held_count(&file->envelope))
            vault_put(delivery, file);
        spool_unload(&file);
    }
    pool_free(&pool);
}

int vault_drop(struct delivery *delivery, const char *id)
{
    struct err err;
    if (delivery->vault == NULL)
        return -1;
    int result = held_index_drop(delivery->vault, str_of(id), &err);
    if (result < 0)
        complain(delivery, &err);
    return result;
}

static bool is_gone(void *data, const char *id)
{
    const struct delivery *delivery = data;
    return spool_file_size(delivery->spool, SPOOL_QUARANTINE, id) < 0;
}

void vault_swept(struct delivery *delivery, const char (*ids)[SPOOL_ID_LEN + 1], size_t n)
{
    struct err err;
    if (delivery->vault && held_index_forget(delivery->vault, ids, n, is_gone, delivery, &err) < 0)
        complain(delivery, &err);
}
