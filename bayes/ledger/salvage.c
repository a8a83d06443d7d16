#include "bayes/ledger/salvage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"

#define KEY_MAX    16
#define GAPS_MAX   20000      /* bad places in one file before the rest is given up */
#define SKIP_FIRST (1u << 24) /* of 2^56: the first step over a bad page, then twice as far … */

/* --- the logs --- */

static void move_away(const char *folder, const char *name)
{
    char from[PATH_MAX], to[PATH_MAX], unread[64];
    snprintf(unread, sizeof unread, "%s.unread", name);
    if (fsio_join(from, sizeof from, folder, name, NULL) == 0 &&
        fsio_join(to, sizeof to, folder, unread, NULL) == 0 && access(from, F_OK) == 0)
        fsio_rename_durable(from, to, NULL);
}

/* Recovery, a checkpoint, and an end. */
static bool logs_replay(const char *folder)
{
    struct ledger *ledger = calloc(1, sizeof *ledger);
    bool good = false;
    if (ledger == NULL)
        return false;
    str_copy(str_of(folder), ledger->folder, sizeof ledger->folder);
    if (ledger_env_open(ledger, folder) == 0)
        good = ledger->env->txn_checkpoint(ledger->env, 0, 0, DB_FORCE) == 0;
    ledger->broken = !good;
    ledger_env_close(ledger);
    free(ledger);
    return good;
}

bool salvage_logs(const char *folder)
{
    move_away(folder, "tokens.db");
    move_away(folder, "sources.db");
    move_away(folder, "steps.db");
    if (logs_replay(folder))
        return true;
    move_away(folder, "rehearsal.db");
    if (logs_replay(folder))
        return true;
    move_away(folder, "totals.db");
    move_away(folder, "held.db");
    return logs_replay(folder);
}

/* --- records --- */

struct walk {
    char path[PATH_MAX];
    size_t key_size;
    DB *db;
    DBC *cursor;
    char *room;
};

static void quiet(const DB_ENV *env, const char *prefix, const char *message)
{
}

static void walk_close(struct walk *walk)
{
    if (walk->cursor)
        walk->cursor->close(walk->cursor);
    if (walk->db)
        walk->db->close(walk->db, DB_NOSYNC);
    walk->cursor = NULL;
    walk->db = NULL;
}

/* Anew after each bad page, since that ends a handle's life. */
static int walk_open(struct walk *walk)
{
    walk_close(walk);
    int code = db_create(&walk->db, NULL, 0);
    if (code != 0)
        return code;
    walk->db->set_errcall(walk->db, quiet);
    code = walk->db->open(walk->db, NULL, walk->path, NULL, DB_BTREE, DB_RDONLY, 0);
    if (code == 0)
        code = walk->db->cursor(walk->db, NULL, &walk->cursor, 0);
    return code;
}

/* A file that was cut gets its last page back, empty: it can't be opened otherwise. */
static void pages_complete(const char *path)
{
    struct stat st;
    const off_t page = LEDGER_PAGE_SIZE;
    if (stat(path, &st) == 0 && st.st_size % page &&
        truncate(path, (st.st_size / page + 1) * page) < 0)
        log_warning("cannot complete the last page of %s: %s", path, strerror(errno));
}

/* The record at or after key, which becomes its key; only the key when `whole` is false. */
static int walk_get(struct walk *walk, uint8_t *key, bool whole, size_t *got)
{
    DBT k = {.data = key,
             .size = (u_int32_t)walk->key_size,
             .ulen = KEY_MAX,
             .flags = DB_DBT_USERMEM};
    DBT v = dbt_into(walk->room, RECORD_MAX);
    if (!whole)
        v.flags |= DB_DBT_PARTIAL;
    int code = walk->cursor->get(walk->cursor, &k, &v, DB_SET_RANGE);
    *got = v.size;
    return code == 0 && k.size != walk->key_size ? DB_VERIFY_BAD : code;
}

/* key + step, in units of its last byte or, for a skip, of 2^8 below its first; false at the end */
static bool key_add(uint8_t *key, size_t n, uint64_t step)
{
    for (size_t i = n; i-- > 0 && step;) {
        uint64_t sum = key[i] + (step & 0xff);
        key[i] = (uint8_t)sum;
        step = (step >> 8) + (sum >> 8);
    }
    return step == 0;
}

/* Over what could not be read: the one record, if its key can be, or a part of the tree. */
static bool walk_skip(struct walk *walk, uint8_t *key, uint64_t *skip)
{
    uint8_t next[KEY_MAX];
    size_t got;
    memcpy(next, key, sizeof next);
    if (walk_open(walk) == 0 && walk_get(walk, next, false, &got) == 0 && *skip == SKIP_FIRST) {
        memcpy(key, next, sizeof next);
        return key_add(key, walk->key_size, 1) && walk_open(walk) == 0;
    }
    *skip = *skip < UINT64_MAX / 4 ? *skip * 2 : *skip;
    return key_add(key, walk->key_size, *skip) && walk_open(walk) == 0;
}

static int records_walk(struct walk *walk,
                        int (*each)(void *data, const uint8_t *key, struct str value,
                                    struct err *err),
                        void *data, struct salvage *salvage, struct err *err)
{
    uint8_t key[KEY_MAX] = {0};
    uint64_t skip = SKIP_FIRST;
    for (;;) {
        size_t got;
        int code = walk_get(walk, key, true, &got);
        if (code == DB_NOTFOUND)
            return 0;
        if (code != 0) {
            if (++salvage->gaps == GAPS_MAX || !walk_skip(walk, key, &skip))
                return 0;
            continue;
        }
        skip = SKIP_FIRST;
        int result = each(data, key, str_n(walk->room, got), err);
        if (result < 0)
            return -1;
        salvage->records += result == 0;
        salvage->gaps += result > 0;
        if (!key_add(key, walk->key_size, 1))
            return 0;
    }
}

int salvage_walk(const char *folder, const char *name, size_t key_size,
                 int (*each)(void *data, const uint8_t *key, struct str value, struct err *err),
                 void *data, struct salvage *salvage, struct err *err)
{
    struct walk walk = {.key_size = key_size, .room = malloc(RECORD_MAX)};
    int result = 0;
    *salvage = (struct salvage){false, 0, 0};
    if (walk.room == NULL)
        return err_set(err, "out of memory");
    if (fsio_join(walk.path, sizeof walk.path, folder, name, err) < 0) {
        free(walk.room);
        return -1;
    }
    pages_complete(walk.path);
    salvage->opened = walk_open(&walk) == 0;
    if (salvage->opened)
        result = records_walk(&walk, each, data, salvage, err);
    walk_close(&walk);
    free(walk.room);
    return result;
}
