/* What the journal forgets. */
#include "journal/db.h"
#include "journal/store_open.h"
#include "journal/tally.h"
#include "journal/time_id.h"

/* At once: a sweep holds up the events for some milliseconds only. */
#define SWEEP_MESSAGES 1000
#define SWEEP_REFUSALS 5000

#define STRANGERS_PART 10 /* of the size: what strangers make us keep, each kind of it */

#define SECOND_US ((int64_t)1000000)
#define DAY_US    (86400 * SECOND_US)

struct sweep {
    struct journal_store *store;
    struct err *err;
    int64_t rows;
};

static int run_counted(struct sweep *sweep, enum store_statement which)
{
    if (store_run(sweep->store, which, sweep->err) < 0)
        return -1;
    sweep->rows += sqlite3_changes64(sweep->store->db);
    return 0;
}

static int doom(struct sweep *sweep, enum store_statement which, struct str before, int64_t cutoff,
                struct str lost)
{
    sqlite3_stmt *stmt = sweep->store->sql[which];
    db_bind(stmt, 1, before);
    sqlite3_bind_int64(stmt, 2, cutoff);
    sqlite3_bind_int64(stmt, 3, SWEEP_MESSAGES);
    if (lost.n)
        db_bind(stmt, 4, lost);
    return store_run(sweep->store, which, sweep->err);
}

/* Settled messages that were made and settled before the cutoff; of those that some recipient is
 * owed of whom nothing is known yet, which no audit should miss, only what is older than `lost`. */
static int drop_messages(struct sweep *sweep, int64_t cutoff, int64_t lost)
{
    static const enum store_statement drops[] = {STORE_DROP_ACCEPTED, STORE_DROP_OUTCOMES,
                                                 STORE_DROP_RECIPIENTS, STORE_DROP_MESSAGES};
    char text[TIME_ID_SIZE], lost_text[TIME_ID_SIZE];
    struct str before = time_id(cutoff, text), never = time_id(lost, lost_text);
    if (doom(sweep, STORE_DOOM, before, cutoff, never) < 0 ||
        doom(sweep, STORE_DOOM_ORPHANS, before, cutoff, never) < 0 ||
        doom(sweep, STORE_DOOM_ACCEPTED, never, lost, STR_EMPTY) < 0 ||
        store_run(sweep->store, STORE_SWEPT, sweep->err) < 0)
        return -1;
    for (size_t i = 0; i < sizeof drops / sizeof drops[0]; i++)
        if (run_counted(sweep, drops[i]) < 0)
            return -1;
    return store_run(sweep->store, STORE_DROP_DOOMED, sweep->err);
}

static int drop_refusals(struct sweep *sweep, int64_t cutoff)
{
    sqlite3_stmt *stmt = sweep->store->sql[STORE_DROP_REFUSALS];
    sqlite3_bind_int64(stmt, 1, cutoff);
    sqlite3_bind_int64(stmt, 2, SWEEP_REFUSALS);
    return run_counted(sweep, STORE_DROP_REFUSALS);
}

/* One audit a day, for those begun by hand are not kept, and what people said of findings: few. */
static int drop_audits(struct sweep *sweep, int64_t cutoff)
{
    sqlite3_bind_int64(sweep->store->sql[STORE_DROP_AUDITS], 1, cutoff);
    sqlite3_bind_int64(sweep->store->sql[STORE_DROP_CLOSED], 1, cutoff);
    return run_counted(sweep, STORE_DROP_AUDITS) < 0 ? -1 : run_counted(sweep, STORE_DROP_CLOSED);
}

static int bytes_used(struct journal_store *store, int64_t *bytes, struct err *err)
{
    int64_t pages, free_pages, page;
    if (db_number(store->db, "PRAGMA page_count", &pages, err) < 0 ||
        db_number(store->db, "PRAGMA freelist_count", &free_pages, err) < 0 ||
        db_number(store->db, "PRAGMA page_size", &page, err) < 0)
        return store_fail(store, err);
    *bytes = (pages - free_pages) * page;
    return 0;
}

/* Above the limit: refusals of the day before go first, since anybody can make any number of
 * them; when there are none, the oldest of all. Goes by the clock as it is: behind one that is not
 * believed no refusal would seem old, and our own would go first. */
static int drop_for_size(struct sweep *sweep, int64_t limit, int64_t cutoff, int64_t now_us)
{
    int64_t bytes = 0;
    int64_t before = sweep->rows;
    if (bytes_used(sweep->store, &bytes, sweep->err) < 0)
        return -1;
    if (bytes <= limit)
        return 0;
    if (drop_refusals(sweep, now_us - DAY_US) < 0)
        return -1;
    if (sweep->rows > before)
        return 0;
    return drop_refusals(sweep, now_us) < 0 ? -1 : drop_messages(sweep, now_us, cutoff);
}

/* When the counts of a day are forgotten. */
static int64_t tally_cutoff(int64_t now_us, uint64_t keep)
{
    uint64_t most = TALLY_KEEP_DAYS * (uint64_t)86400,
             least = TALLY_KEEP_DAYS_MIN * (uint64_t)86400;
    return now_us - (int64_t)(keep > most ? most : keep < least ? least : keep) * SECOND_US;
}

/* Before anything of ours has to go for want of room. A day's counts are bounded so that those of
 * today and yesterday, which no sweep takes, fit. */
static int drop_strangers(struct sweep *sweep, const struct conf_journal *conf, int64_t cutoff,
                          int64_t now_us)
{
    struct journal_store *store = sweep->store;
    int64_t part = (int64_t)(conf->size_limit / STRANGERS_PART), day = part / 4;
    store->tally_day_bytes_max = day < TALLY_DAY_BYTES_MAX ? day : TALLY_DAY_BYTES_MAX;
    return feedback_drop(store, cutoff, part, &sweep->rows, sweep->err) < 0
               ? -1
               : tally_drop(store, now_us, tally_cutoff(now_us, conf->keep), part, &sweep->rows,
                            sweep->err);
}

int journal_store_sweep(struct journal_store *store, const struct conf_journal *conf,
                        int64_t now_us, int64_t believed_us, struct err *err)
{
    struct sweep sweep = {store, err, 0};
    int64_t cutoff = believed_us - (int64_t)conf->keep * SECOND_US;
    if (journal_store_commit(store, err) < 0 || store_begin(store, err) < 0)
        return -1;
    if (drop_messages(&sweep, cutoff, cutoff) < 0 || drop_refusals(&sweep, cutoff) < 0 ||
        drop_audits(&sweep, cutoff) < 0 || drop_strangers(&sweep, conf, cutoff, believed_us) < 0 ||
        drop_for_size(&sweep, (int64_t)conf->size_limit, cutoff, now_us) < 0)
        return -1;
    return journal_store_commit(store, err) < 0 ? -1 : (int)sweep.rows;
}
