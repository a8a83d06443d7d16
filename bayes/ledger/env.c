#include <stdio.h>

#include "base/fsio.h"
#include "base/log.h"
#include "bayes/ledger/db.h"

#define CACHE_SIZE    (128u * 1024 * 1024)
#define LOG_FILE_SIZE (16u * 1024 * 1024)
#define LOG_BUFFER    (4u * 1024 * 1024)
#define FILE_MODE     0640
#define SAID_MAX      20 /* of what Berkeley DB says of one environment, in the log */

/* The environment's last words, and a marker so that the next open looks at every page. */
static void ledger_break(struct ledger *ledger)
{
    char marker[PATH_MAX];
    if (!ledger->broken &&
        fsio_join(marker, sizeof marker, ledger->folder, SUSPECT_MARKER, NULL) == 0)
        fsio_replace(marker, STR("a page could not be read or written: verify at the next open\n"),
                     FILE_MODE, NULL);
    ledger->broken = true;
}

int ledger_db_err(struct ledger *ledger, int code, const char *tried, struct err *err)
{
    err_set(err, "ledger %s/ledger: %s failed: %s%s%s", ledger->folder, tried, db_strerror(code),
            ledger->detail[0] ? ": " : "", ledger->detail);
    if (code == DB_RUNRECOVERY || code == DB_CHKSUM_FAIL || code == DB_PAGE_NOTFOUND)
        ledger_break(ledger);
    ledger->detail[0] = '\0';
    return -1;
}

int ledger_contradiction(struct ledger *ledger, const char *what, struct err *err)
{
    return err_set(err, "ledger %s/ledger contradicts itself: %s", ledger->folder, what);
}

static void on_db_message(const DB_ENV *env, const char *prefix, const char *message)
{
    struct ledger *ledger = env->app_private;
    if (ledger->said++ < SAID_MAX)
        log_warning("ledger %s/ledger: %s", ledger->folder, message);
    if (ledger->detail[0] == '\0')
        snprintf(ledger->detail, sizeof ledger->detail, "%s", message);
}

/* Berkeley DB answers DB_RUNRECOVERY from then on; only here it says why. */
static void on_db_event(DB_ENV *env, u_int32_t event, void *info)
{
    struct ledger *ledger = env->app_private;
    if (event == DB_EVENT_PANIC && ledger->panic == 0)
        ledger->panic = *(const int *)info;
}

static int env_configure(DB_ENV *env)
{
    int code = env->set_event_notify(env, on_db_event);
    if (code == 0)
        code = env->set_cachesize(env, 0, CACHE_SIZE, 1);
    if (code == 0)
        code = env->set_lg_max(env, LOG_FILE_SIZE);
    if (code == 0)
        code = env->set_lg_bsize(env, LOG_BUFFER);
    if (code == 0)
        code = env->log_set_config(env, DB_LOG_AUTO_REMOVE, 1);
    if (code == 0)
        code = env->set_flags(env, DB_TXN_WRITE_NOSYNC, 1);
    return code;
}

/* One process and one thread: the environment's state lives in this process's own memory, and
 * the lock file stands for the lock manager. */
int ledger_env_open(struct ledger *ledger, const char *home)
{
    const u_int32_t flags =
        DB_CREATE | DB_PRIVATE | DB_INIT_MPOOL | DB_INIT_TXN | DB_INIT_LOG | DB_RECOVER;
    int code = db_env_create(&ledger->env, 0);
    if (code != 0)
        return code;
    ledger->panic = 0;
    ledger->said = 0;
    ledger->env->app_private = ledger;
    ledger->env->set_errcall(ledger->env, on_db_message);
    code = env_configure(ledger->env);
    return code ? code : ledger->env->open(ledger->env, home, flags, FILE_MODE);
}

int ledger_db_open(struct ledger *ledger, DB_TXN *txn, DB **db, const char *name)
{
    int code = db_create(db, ledger->env, 0);
    if (code == 0 && txn)
        code = (*db)->set_pagesize(*db, LEDGER_PAGE_SIZE);
    if (code == 0 && txn)
        code = (*db)->set_flags(*db, DB_CHKSUM);
    if (code == 0)
        code = (*db)->open(*db, txn, name, NULL, DB_BTREE,
                           txn ? DB_CREATE | DB_EXCL : DB_AUTO_COMMIT, FILE_MODE);
    return code;
}

static void db_close(DB **db, u_int32_t flags)
{
    if (*db)
        (*db)->close(*db, flags);
    *db = NULL;
}

void ledger_dbs(struct ledger *ledger, struct db_place places[N_DBS])
{
    const struct db_place all[N_DBS] = {{"messages.db", &ledger->messages},
                                        {"tokens.db", &ledger->tokens},
                                        {"totals.db", &ledger->totals_db},
                                        {"sources.db", &ledger->sources},
                                        {"held.db", &ledger->held},
                                        {"steps.db", &ledger->steps},
                                        {"rehearsal.db", &ledger->rehearsal_db}};
    memcpy(places, all, sizeof all);
}

void ledger_env_close(struct ledger *ledger)
{
    /* A broken environment is only to give its memory back, which it refuses while it panics. */
    u_int32_t flags = ledger->broken ? DB_NOSYNC : 0;
    struct db_place places[N_DBS];
    if (ledger->env == NULL)
        return;
    if (ledger->broken)
        ledger->env->set_flags(ledger->env, DB_NOPANIC, 1);
    else if (ledger->totals_db)
        ledger->env->txn_checkpoint(ledger->env, 0, 0, 0);
    ledger_dbs(ledger, places);
    for (size_t i = 0; i < N_DBS; i++)
        db_close(places[i].db, flags);
    ledger->env->close(ledger->env, 0);
    ledger->env = NULL;
}
