/* store_add: what comes, and who gives way when there is too much of it. */
#include "reports/store_open.h"

#define DAY_US    ((int64_t)86400 * 1000000)
#define ROOM_MAX  1000 /* proposals that give way to one new one: it may be large */
#define NAMED_MAX 64   /* bytes of an address in a message to people */

struct adding {
    struct proposals *store;
    const struct proposal_limits *limits;
    struct proposal *proposal; /* the new one */
    struct str original;
    struct err *err;
};

/* --- one that is there already --- */

static int find_same(const struct adding *a, int64_t *number)
{
    const struct proposal *p = a->proposal;
    sqlite3_stmt *stmt = store_prepare(a->store,
                                       "SELECT number FROM proposal WHERE digest = ?1 AND"
                                       " direction = ?2 AND identity = ?3 ORDER BY number LIMIT 1",
                                       a->err);
    if (stmt) {
        sqlite3_bind_int64(stmt, 1, (int64_t)p->digest);
        sqlite3_bind_int64(stmt, 2, p->direction);
        sqlite3_bind_int64(stmt, 3, p->identity);
    }
    return store_get_number(a->store, stmt, number, a->err);
}

static int write_one(const struct adding *a, const struct proposal *proposal)
{
    if (store_facts_stage(a->store, proposal, a->err) < 0 ||
        store_facts_commit(a->store, &proposal->number, 1, a->err) < 0)
        return -1;
    return store_index_put(a->store, proposal, a->err);
}

static bool reported_by(const struct proposal *proposal, struct str address)
{
    for (size_t i = 0; i < proposal->n_reporters; i++)
        if (str_ieq(proposal->reporters[i].address, address))
            return true;
    return false;
}

/* The reporter behind those who are there. */
static int join(const struct adding *a, struct proposal *known)
{
    size_t n = known->n_reporters;
    struct proposal_reporter *all = POOL_ARRAY(a->store->pool, n + 1, struct proposal_reporter);
    if (all == NULL)
        return err_set(a->err, "out of memory for a proposal");
    memcpy(all, known->reporters, n * sizeof *all);
    all[n] = a->proposal->reporters[0];
    known->reporters = all;
    known->n_reporters = n + 1;
    return write_one(a, known);
}

/* One that nobody decided about in time waits again. */
static int revive(const struct adding *a, struct proposal *known)
{
    known->state = PROPOSAL_WAITING;
    known->changed_us = a->proposal->reporters[0].time_us;
    known->kept = true;
    if (store_original_write(a->store, known->number, a->original, a->err) < 0)
        return -1;
    known->size = a->original.n;
    if (!reported_by(known, a->proposal->reporters[0].address) &&
        known->n_reporters < PROPOSAL_REPORTERS_MAX)
        return join(a, known);
    return write_one(a, known);
}

/* --- limits --- */

static int count(const struct adding *a, const char *sql, int64_t *n)
{
    return store_get_number(a->store, store_prepare(a->store, sql, a->err), n, a->err);
}

static int reported_today(const struct adding *a, int64_t *n)
{
    sqlite3_stmt *stmt =
        store_prepare(a->store,
                      "SELECT count(*) FROM proposal WHERE reporter = ?1 AND time_us > ?2", a->err);
    if (stmt) {
        db_bind(stmt, 1, a->proposal->reporters[0].address);
        sqlite3_bind_int64(stmt, 2, a->proposal->reporters[0].time_us - DAY_US);
    }
    return store_get_number(a->store, stmt, n, a->err);
}

/* The original of what was decided longest ago; its facts stay. *number 0: there is none. */
static int drop_decided(const struct adding *a, int64_t *number)
{
    /* the states that need no original any more */
    if (count(a,
              "SELECT number FROM proposal WHERE kept = 1 AND state >= 3"
              " ORDER BY changed_us LIMIT 1",
              number) < 0 ||
        *number == 0)
        return *number == 0 ? 0 : -1;
    if (store_original_drop(a->store, (uint64_t)*number, a->err) < 0)
        return -1;
    sqlite3_stmt *stmt =
        store_prepare(a->store, "UPDATE proposal SET kept = 0 WHERE number = ?1", a->err);
    if (stmt)
        sqlite3_bind_int64(stmt, 1, *number);
    return store_run(a->store, stmt, a->err);
}
_Static_assert(PROPOSAL_LEARNED == 3 && PROPOSAL_REJECTED == 4 && PROPOSAL_EXPIRED == 5 &&
                   PROPOSAL_STATES == 6,
               "these stand in the SQL above");

/* Of one reporter other than ?1 whom managers agreed with (?2 is 1) or not yet: who has most
 * waiting, counted or in bytes, and more than ?3. The sums are kept by the index (store_index.c).
 */
#define BIGGEST(amount)                                                                            \
    "SELECT oldest FROM tally WHERE (agreed > 0) = ?2 AND reporter <> ?1 AND " amount " > ?3"      \
    " ORDER BY " amount " DESC, oldest LIMIT 1"

static const char *const biggest[] = {BIGGEST("waiting"), BIGGEST("bytes")};
static const char *const own_amount[] = {"SELECT waiting FROM tally WHERE reporter = ?1",
                                         "SELECT bytes FROM tally WHERE reporter = ?1"};
static const char is_proven[] = "SELECT agreed > 0 FROM tally WHERE reporter = ?1";

/* A number about the reporter of the new one. */
static int about_reporter(const struct adding *a, const char *sql, int64_t *number)
{
    sqlite3_stmt *stmt = store_prepare(a->store, sql, a->err);
    if (stmt)
        db_bind(stmt, 1, a->proposal->reporters[0].address);
    return store_get_number(a->store, stmt, number, a->err);
}

/* The oldest of the biggest of them, when it has more than `own`. *number 0: it stays. */
static int find_bigger(const struct adding *a, bool by_bytes, bool proven, int64_t own,
                       int64_t *number)
{
    sqlite3_stmt *stmt = store_prepare(a->store, biggest[by_bytes], a->err);
    if (stmt) {
        db_bind(stmt, 1, a->proposal->reporters[0].address);
        sqlite3_bind_int64(stmt, 2, proven);
        sqlite3_bind_int64(stmt, 3, own);
    }
    return store_get_number(a->store, stmt, number, a->err);
}

/*
 * Who gives way to the new one: whoever has more waiting than its reporter would have. Those whom
 * managers agreed with before give way only to one another; to them, all others do: so a flood of
 * strangers, however many names it has, takes nothing from them. *number 0: nobody.
 */
static int find_giving_way(const struct adding *a, bool by_bytes, int64_t *number)
{
    int64_t proven, own;
    if (about_reporter(a, is_proven, &proven) < 0 ||
        about_reporter(a, own_amount[by_bytes], &own) < 0)
        return -1;
    own += by_bytes ? (int64_t)a->original.n : 1;
    if (find_bigger(a, by_bytes, false, proven ? 0 : own, number) < 0)
        return -1;
    return *number == 0 && proven ? find_bigger(a, by_bytes, true, own, number) : 0;
}

static int expire(const struct adding *a, uint64_t number)
{
    struct proposal proposal;
    bool damaged;
    pool_reset(a->store->pool);
    int got = store_facts(a->store, number, a->store->pool, &proposal, &damaged, a->err);
    if (got <= 0)
        return got < 0 ? -1 : store_index_drop(a->store, number, a->err);
    proposal.state = PROPOSAL_EXPIRED;
    proposal.changed_us = a->proposal->reporters[0].time_us;
    proposal.why = STR("gave way to newer reports: the store is full");
    proposal.kept = false;
    if (write_one(a, &proposal) < 0)
        return -1;
    return store_original_drop(a->store, number, a->err);
}

/* 1 there is room, 0 refused, -1. */
static int make_room(const struct adding *a)
{
    for (unsigned i = 0; i < ROOM_MAX; i++) {
        int64_t waiting, bytes, number = 0;
        if (count(a, "SELECT waiting FROM total", &waiting) < 0 ||
            count(a, "SELECT bytes FROM total", &bytes) < 0)
            return -1;
        bool many = (uint64_t)waiting >= a->limits->waiting;
        bool large = (uint64_t)bytes + a->original.n > a->limits->bytes;
        if (!many && !large)
            return 1;
        if (large && drop_decided(a, &number) < 0)
            return -1;
        if (number)
            continue;
        if (find_giving_way(a, !many, &number) < 0)
            return -1;
        if (number == 0)
            break;
        if (expire(a, (uint64_t)number) < 0)
            return -1;
    }
    err_set(a->err, "too much waits for a manager's word: %llu reports and %llu bytes are the most",
            (unsigned long long)a->limits->waiting, (unsigned long long)a->limits->bytes);
    return 0;
}

static int check_limits(const struct adding *a)
{
    int64_t today;
    if (reported_today(a, &today) < 0)
        return -1;
    if ((uint64_t)today < a->limits->reporter_day)
        return make_room(a);
    struct str who = str_sub(a->proposal->reporters[0].address, 0, NAMED_MAX);
    err_set(a->err, "%.*s reported %lld messages in 24 hours; %llu are the most", STR_ARG(who),
            (long long)today, (unsigned long long)a->limits->reporter_day);
    return 0;
}

/* --- adding --- */

static int add_new(const struct adding *a, enum proposal_added *added)
{
    struct proposal *p = a->proposal;
    int64_t last;
    int room = check_limits(a);
    if (room <= 0) {
        *added = PROPOSAL_REFUSED;
        return room;
    }
    if (count(a, "SELECT seq FROM sqlite_sequence WHERE name = 'proposal'", &last) < 0)
        return -1;
    p->number = (uint64_t)last + 1;
    p->state = PROPOSAL_WAITING;
    p->changed_us = p->reporters[0].time_us;
    p->size = a->original.n;
    p->kept = true;
    p->decider = p->why = STR_EMPTY;
    p->decided_us = 0;
    p->n_reporters = 1;
    *added = PROPOSAL_NEW;
    if (store_original_write(a->store, p->number, a->original, a->err) < 0)
        return -1;
    return write_one(a, p);
}

static int add(const struct adding *a, enum proposal_added *added)
{
    struct proposal known;
    bool damaged;
    int64_t number;
    if (find_same(a, &number) < 0)
        return -1;
    if (number == 0)
        return add_new(a, added);
    pool_reset(a->store->pool);
    int got = store_facts(a->store, (uint64_t)number, a->store->pool, &known, &damaged, a->err);
    if (got <= 0) /* the index is wrong: it is renewed before the next try */
        return err_prefix(a->err, "number %lld", (long long)number);
    a->proposal->number = known.number;
    a->proposal->state = known.state;
    *added = PROPOSAL_KNOWN;
    if (known.state == PROPOSAL_EXPIRED) {
        int room = check_limits(a);
        *added = room > 0 ? PROPOSAL_NEW : PROPOSAL_REFUSED;
        /* making room may have used the store's pool */
        if (room > 0 &&
            store_facts(a->store, (uint64_t)number, a->store->pool, &known, &damaged, a->err) != 1)
            return -1;
        return room > 0 ? revive(a, &known) : room;
    }
    if (reported_by(&known, a->proposal->reporters[0].address) ||
        known.n_reporters >= PROPOSAL_REPORTERS_MAX)
        return 0;
    *added = PROPOSAL_JOINED;
    return join(a, &known);
}

int proposals_add(struct proposals *store, const struct proposal_limits *limits,
                  struct proposal *proposal, struct str original, enum proposal_added *added,
                  struct err *err)
{
    const struct adding a = {store, limits, proposal, original, err};
    if (proposal->n_reporters != 1 || proposal->direction > LEARN_SPAM)
        return err_set(err, "a new proposal has one reporter and a direction");
    if (original.n == 0 || original.n > PROPOSAL_ORIGINAL_MAX)
        return err_set(err, "an original of %zu bytes is not stored", original.n);
    if (store_begin(store, err) < 0)
        return -1;
    int result = add(&a, added);
    return store_end(store, result == 0, err);
}
