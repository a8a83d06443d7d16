#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"
#include "base/random.h"
#include "bayes/ledger/aside.h"

#define N_DBS_1 3 /* of version 1 */
#define N_DBS_2 6

/* One that is not there is met when it is opened. */
static int db_verify(struct ledger *ledger, const char *name)
{
    DB *db;
    char at[64], path[PATH_MAX];
    snprintf(at, sizeof at, "ledger/%s", name);
    if (fsio_join(path, sizeof path, ledger->folder, at, NULL) < 0 || access(path, F_OK) != 0)
        return 0;
    int code = db_create(&db, ledger->env, 0);
    /* DB->verify() ends the handle's life whatever it returns. */
    return code ? code : db->verify(db, name, NULL, NULL, 0);
}

/* After an earlier run met a bad page: is there still one? 0, or a database error. */
static int verify_if_suspect(struct ledger *ledger)
{
    char marker[PATH_MAX];
    if (fsio_join(marker, sizeof marker, ledger->folder, SUSPECT_MARKER, NULL) < 0 ||
        access(marker, F_OK) != 0)
        return 0;
    log_warning("ledger %s/ledger: an earlier run met a bad page, verifying all of it",
                ledger->folder);
    struct db_place places[N_DBS];
    int code = 0;
    ledger_dbs(ledger, places);
    for (size_t i = 0; i < N_DBS && code == 0; i++)
        code = db_verify(ledger, places[i].name);
    if (code == 0 && unlink(marker) != 0)
        code = errno;
    return code;
}

/* Does this answer, or what was behind it, speak of the files' content, and not of rights, space
 * or memory? */
static bool is_damage(int code)
{
    switch (code) {
    case EACCES:
    case EPERM:
    case EROFS:
    case ENOSPC:
    case EDQUOT:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case EINTR:
    case DB_VERSION_MISMATCH:
        return false;
    default:
        return true;
    }
}

static int dbs_open(struct ledger *ledger, DB_TXN *txn, size_t from, size_t to)
{
    struct db_place places[N_DBS];
    int code = 0;
    ledger_dbs(ledger, places);
    for (size_t i = from; i < to && code == 0; i++)
        code = ledger_db_open(ledger, txn, places[i].db, places[i].name);
    return code;
}

/* What a ledger begins with. */
enum beginning {
    FROM_VERSION_1, /* with what it has */
    FROM_VERSION_2, /* likewise; its weights are read */
    FROM_MODEL,     /* with what the current model knows, if there is one */
    FROM_NOTHING,
};

static size_t dbs_there(enum beginning beginning)
{
    switch (beginning) {
    case FROM_VERSION_1:
        return N_DBS_1;
    case FROM_VERSION_2:
        return N_DBS_2;
    case FROM_MODEL:
    case FROM_NOTHING:
        return 0;
    }
    return 0;
}

/* The weights go into a new file, which the same transaction names: what version 2 noted in
 * steps.db is not needed any more. */
static int steps_finish(struct ledger *ledger, DB_TXN *txn, struct err *err)
{
    u_int32_t count;
    int code = ledger->steps->truncate(ledger->steps, txn, &count, 0);
    if (code != 0)
        return ledger_db_err(ledger, code, "clearing the steps", err);
    return ledger_weights_write(ledger, ++ledger->weights_file, err);
}

/* Databases that were not there come into being together with what is in them, or not at all:
 * all of a new ledger, or those that an earlier version had not. */
static int dbs_create(struct ledger *ledger, enum beginning beginning, struct err *err)
{
    DB_TXN *txn;
    if (beginning != FROM_VERSION_2)
        random_fill(&ledger->salt, sizeof ledger->salt);
    int code = ledger->env->txn_begin(ledger->env, NULL, &txn, 0);
    if (code != 0)
        return ledger_db_err(ledger, code, "beginning a transaction", err);
    code = dbs_open(ledger, txn, dbs_there(beginning), N_DBS);
    int result = code ? ledger_db_err(ledger, code, "creating the databases", err) : 0;
    if (result == 0 && beginning == FROM_VERSION_2)
        result = steps_finish(ledger, txn, err);
    if (result == 0 && beginning == FROM_MODEL)
        result = ledger_seed(ledger, txn, err);
    else if (result == 0)
        result = ledger_totals_put(ledger, txn, &ledger->totals, ledger->changed, err);
    if (result < 0) {
        txn->abort(txn);
        return -1;
    }
    code = txn->commit(txn, DB_TXN_SYNC);
    return code ? ledger_db_err(ledger, code, "committing", err) : 0;
}

/* One that is there while another is not is no new ledger but a damaged one. */
static bool is_new(struct ledger *ledger)
{
    struct db_place places[N_DBS];
    char name[64], path[PATH_MAX];
    ledger_dbs(ledger, places);
    for (size_t i = 0; i < N_DBS; i++) {
        snprintf(name, sizeof name, "ledger/%s", places[i].name);
        if (fsio_join(path, sizeof path, ledger->folder, name, NULL) < 0 || access(path, F_OK) == 0)
            return false;
    }
    return true;
}

/* What every version has. 0, or a database error; *tried says at what. */
static int ledger_read(struct ledger *ledger, uint32_t *version, const char **tried)
{
    *tried = "verifying";
    int code = verify_if_suspect(ledger);
    if (code == 0) {
        *tried = "opening the databases";
        code = dbs_open(ledger, NULL, 0, N_DBS_1);
    }
    if (code == 0) {
        *tried = "reading the totals";
        code = ledger_state_get(ledger, version);
    }
    if (code == 0 && *version != 1) {
        *tried = "opening the databases";
        code = dbs_open(ledger, NULL, N_DBS_1, *version == 2 ? N_DBS_2 : N_DBS);
    }
    if (code == 0 && *version == 2) {
        *tried = "reading the weights";
        code = ledger_weights_load(ledger, *version);
    }
    return code;
}

/* 0 open; 1 damaged; -1 another failure. err is filled unless 0. */
static int ledger_try(struct ledger *ledger, enum beginning beginning, struct err *err)
{
    char home[PATH_MAX];
    const char *tried = "opening (with recovery)";
    uint32_t version = 0;
    if (fsio_join(home, sizeof home, ledger->folder, "ledger", err) < 0 ||
        fsio_mkdir(home, 0750, err) < 0)
        return -1;
    int code = ledger_env_open(ledger, home);
    bool new = code == 0 && is_new(ledger);
    if (code == 0 && !new)
        code = ledger_read(ledger, &version, &tried);
    if (code == 0 && version < LEDGER_VERSION && !new)
        beginning = version == 1 ? FROM_VERSION_1 : FROM_VERSION_2;
    if (code == 0 && (new || version < LEDGER_VERSION) && dbs_create(ledger, beginning, err) < 0)
        return -1;
    if (code == 0) {
        tried = "reading the weights";
        code = ledger_weights_load(ledger, LEDGER_VERSION);
    }
    if (code == 0) {
        tried = "reading whom to rehearse";
        code = ledger_rehearsal_load(ledger);
    }
    if (code == 0)
        return 0;
    if (code == DB_RUNRECOVERY && ledger->panic)
        code = ledger->panic;
    ledger_db_err(ledger, code, tried, err);
    return is_damage(code) ? 1 : -1;
}

/* Nothing more is written to it, and nothing of it is kept. */
static void ledger_abandon(struct ledger *ledger)
{
    const struct ledger_state nothing = {.weights_file = 0};
    ledger->broken = true;
    ledger_env_close(ledger);
    ledger->broken = false;
    ledger_state_set(ledger, &nothing);
    free(ledger->weights);
    ledger->weights = NULL;
    rehearsal_free(&ledger->rehearsal);
    ledger->steps_pending = 0;
}

/* The first attempts read what is left of the damaged ledger; one after those (which may have
 * ended this program) only the model. */
static int ledger_replace(struct ledger *ledger, const struct aside *aside, struct err *err)
{
    bool read = aside->attempts <= ASIDE_ATTEMPTS;
    if (ledger_try(ledger, read ? FROM_NOTHING : FROM_MODEL, err) == 0 &&
        (!read || ledger_rebuild(ledger, aside->path, err) == 0))
        return aside_done(ledger, err);
    aside_failed(ledger, aside);
    return -1;
}

static int ledger_start(struct ledger *ledger, struct err *err)
{
    struct aside aside;
    int result = aside_unfinished(ledger, &aside, err);
    if (result == 0)
        result = ledger_try(ledger, FROM_MODEL, err);
    else if (result > 0)
        return ledger_replace(ledger, &aside, err);
    if (result <= 0)
        return result;
    log_error("%s", err->text);
    ledger_abandon(ledger);
    if (aside_set(ledger, &aside, err) < 0)
        return -1;
    return ledger_replace(ledger, &aside, err);
}

struct ledger *ledger_open(const char *folder, struct err *err)
{
    struct err local;
    char lock[PATH_MAX];
    struct ledger *ledger = calloc(1, sizeof *ledger);
    if (ledger == NULL) {
        err_set(err, "ledger %s: out of memory", folder);
        return NULL;
    }
    if (err == NULL)
        err = &local;
    ledger->lock_fd = -1;
    if (!str_copy(str_of(folder), ledger->folder, sizeof ledger->folder)) {
        err_set(err, "ledger: path too long");
        ledger_close(&ledger);
        return NULL;
    }
    if (fsio_join(lock, sizeof lock, folder, "lock", err) == 0)
        ledger->lock_fd = fsio_lock(lock, err);
    if (ledger->lock_fd < 0 || ledger_start(ledger, err) < 0)
        ledger_close(&ledger);
    return ledger;
}

void ledger_close(struct ledger **ledger)
{
    if (*ledger == NULL)
        return;
    ledger_env_close(*ledger);
    free((*ledger)->weights);
    rehearsal_free(&(*ledger)->rehearsal);
    fsio_close_quiet(&(*ledger)->lock_fd);
    free(*ledger);
    *ledger = NULL;
}

int ledger_sync(struct ledger *ledger, struct err *err)
{
    int code = ledger->env->log_flush(ledger->env, NULL);
    return code ? ledger_db_err(ledger, code, "flushing the log", err) : 0;
}

bool ledger_changed(const struct ledger *ledger)
{
    return ledger->changed;
}

bool ledger_broken(const struct ledger *ledger)
{
    return ledger->broken;
}
