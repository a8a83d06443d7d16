/* state_check STATE_DIR: what a start finds after a cut of power, told a line each:
 *   queue|quarantine ID STATE…   the message is whole; its recipients' states (base/recipient.h)
 *   damaged FOLDER ID WHY
 *   outcome ID STATE…            what the journal says became of its recipients
 *   learned N                    messages of ham and spam that the ledger knows, held-out ones too
 *   failed WHAT                  what could not be opened, or is not sound
 * It opens everything as the programs do, so what they mend at a start is mended. */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fsio.h"
#include "bayes/ledger/ledger.h"
#include "journal/store.h"
#include "spool/spool.h"

#define POOL_MAX (64 * 1024 * 1024)

struct look {
    struct spool *spool;
    enum spool_state state;
    const char *name;
};

static int look_at(void *data, const char *id)
{
    const struct look *look = data;
    struct pool *pool = pool_new(POOL_MAX);
    struct spool_file *file;
    struct err err = {""};
    bool corrupt;
    if (pool == NULL || spool_load(look->spool, look->state, id, pool, &file, &corrupt, &err) < 0) {
        printf("damaged %s %s %s\n", look->name, id, err.text);
    } else {
        printf("%s %s", look->name, id);
        for (size_t i = 0; i < file->envelope.n_recipients; i++)
            printf(" %u", file->envelope.recipients[i].state);
        printf("\n");
        spool_unload(&file);
    }
    pool_free(&pool);
    return 0;
}

static void look_at_spool(const char *root)
{
    struct err err = {""};
    struct spool *spool = spool_open(root, &err);
    if (spool == NULL || spool_recover(spool, &err) < 0) {
        printf("failed spool: %s\n", err.text);
        spool_close(&spool);
        return;
    }
    struct look folders[] = {{spool, SPOOL_QUEUE, "queue"},
                             {spool, SPOOL_QUARANTINE, "quarantine"}};
    for (size_t i = 0; i < 2; i++)
        if (spool_each(spool, folders[i].state, look_at, &folders[i], &err) < 0)
            printf("failed %s: %s\n", folders[i].name, err.text);
    spool_close(&spool);
}

static int on_outcome(void *data, int n, char **values, char **names)
{
    (void)data;
    (void)n;
    (void)names;
    printf("outcome %s %s\n", values[0], values[1]);
    return 0;
}

static int on_check(void *data, int n, char **values, char **names)
{
    (void)data;
    (void)n;
    (void)names;
    if (strcmp(values[0], "ok") != 0)
        printf("failed journal: %s\n", values[0]);
    return 0;
}

static void look_at_journal(const char *root)
{
    char folder[4096], path[4096];
    struct err err = {""};
    sqlite3 *db = NULL;
    if (fsio_join(folder, sizeof folder, root, "journal", &err) < 0 ||
        fsio_join(path, sizeof path, folder, "journal.sqlite", &err) < 0 ||
        fsio_mkdir(folder, 0770, &err) < 0) {
        printf("failed journal: %s\n", err.text);
        return;
    }
    struct journal_store *store = journal_store_open(folder, &err);
    if (store == NULL)
        printf("failed journal: %s\n", err.text);
    journal_store_close(&store);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
        sqlite3_exec(db, "PRAGMA integrity_check", on_check, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(db, "SELECT id, group_concat(state, ' ') FROM recipient GROUP BY id",
                     on_outcome, NULL, NULL) != SQLITE_OK)
        printf("failed journal: %s\n", db ? sqlite3_errmsg(db) : "out of memory");
    sqlite3_close(db);
}

static void look_at_ledger(const char *root)
{
    char folder[4096];
    struct err err = {""};
    struct ledger *ledger = NULL;
    if (fsio_join(folder, sizeof folder, root, "bayes", &err) == 0 &&
        fsio_mkdir(folder, 0770, &err) == 0)
        ledger = ledger_open(folder, &err);
    if (ledger == NULL) {
        printf("failed ledger: %s\n", err.text);
        return;
    }
    struct ledger_totals totals = ledger_totals(ledger);
    printf("learned %" PRIu64 "\n", totals.ham + totals.spam + totals.held_ham + totals.held_spam);
    ledger_close(&ledger);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: state_check STATE_DIR\n", stderr);
        return 2;
    }
    umask(0007);
    look_at_spool(argv[1]);
    look_at_journal(argv[1]);
    look_at_ledger(argv[1]);
    return 0;
}
