#include "audit/audit.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "audit/folders.h"
#include "journal/time_id.h"

#define POOL_MAX      ((size_t)2 * SPOOL_RECORDS_MAX)
#define AGAIN_MAX     10 /* looks at a message that moves while it is looked at */
#define PROGRESS_STEP 1000
#define BEHIND_IDS    "~" /* behind every character of an id */

struct run {
    const struct audit_wish *wish;
    struct audit_result *result;
    struct audit_folders folders;
    struct spool *spool;
    struct walk *walk, *again;
    struct pool *pool, *file_pool, *again_pool; /* of one message */
    struct pool *long_pool;                     /* of the run */
    struct str from, before, swept;
    char from_text[TIME_ID_SIZE], before_text[TIME_ID_SIZE];
    size_t at[AUDIT_FOLDERS]; /* in the lists */
    uint64_t done, total;
    struct err *err;
};

/* --- one message --- */

/* The file's recipients, when it was last changed, or why it can't be read. False: it is not there
 * any more. */
static bool read_file(struct run *run, struct pool *pool, struct audit_case *c)
{
    enum spool_state state = c->in_queue ? SPOOL_QUEUE : SPOOL_QUARANTINE;
    struct spool_file *file;
    struct err err = {""};
    bool corrupt;
    spool_name id;
    str_copy(c->id, id, sizeof id);
    if (spool_look(run->spool, state, id, pool, &file, &corrupt, &err) == 0) {
        c->file = &file->envelope; /* it lives in pool */
        c->file_s = spool_file_time(run->spool, state, id);
        spool_unload(&file);
        return true;
    }
    if (!corrupt && errno == ENOENT)
        return false;
    struct str why = pool_strf(pool, "%s", err.text);
    c->unreadable = true;
    c->why = why.s ? why.s : "out of memory";
    return true;
}

static int exists(void *data, struct str id)
{
    const struct run *run = data;
    int where = audit_look(&run->folders, id);
    return where != 0 ? (where < 0 ? -1 : 1) : walk_knows(run->again, id, run->err);
}

static struct audit_case case_of(const struct run *run, struct str id, int where)
{
    return (struct audit_case){.id = id,
                               .in_queue = where & 1 << AUDIT_IN_QUEUE,
                               .in_quarantine = where & 1 << AUDIT_IN_QUARANTINE,
                               .in_corrupt = where & 1 << AUDIT_IN_CORRUPT,
                               .now_s = run->wish->now_us / 1000000,
                               .quick = run->wish->quick,
                               .swept = run->swept};
}

static bool has_file(const struct audit_case *c)
{
    return c->in_queue || c->in_quarantine;
}

/* One look at it by itself, in the order that audit.h says. 1: the case is what there is; 0: it
 * moved; -1. */
static int look_again(struct run *run, struct str id, struct walk_message *m, struct audit_case *c)
{
    int where = audit_look(&run->folders, id);
    if (where < 0)
        return err_sys(run->err, "cannot look for %.*s", STR_ARG(id));
    struct str behind = pool_strf(run->again_pool, "%.*s\1", STR_ARG(id));
    if (behind.s == NULL)
        return err_set(run->err, "out of memory");
    if (walk_begin(run->again, id, behind, run->err) < 0)
        return -1;
    int known = walk_next(run->again, run->again_pool, m, run->err);
    walk_end(run->again);
    if (known < 0)
        return -1;
    *c = case_of(run, id, where);
    c->journal = known ? m : NULL;
    return !has_file(c) || run->wish->quick || read_file(run, run->again_pool, c);
}

/* It is in the sums; taken out of them again where somebody has closed it. */
static void tell(void *data, const struct finding *finding)
{
    struct run *run = data;
    struct finding f = *finding;
    struct audit_sums *sums = &run->result->sums;
    int closed = walk_closed(run->again, f.id, str_of(finding_name(f.kind)), run->again_pool,
                             &f.why, run->err);
    f.closed = closed > 0;
    sums->failed |= closed < 0;
    if (f.closed) {
        sums->findings--;
        sums->kinds[f.kind]--;
        run->result->closed++;
    }
    if (!f.closed || run->wish->closed_too)
        run->wish->found(run->wish->data, &f);
}

/* It did not add up: does it now? What moves all the time is alive. */
static int judge_again(struct run *run, struct str id)
{
    const struct audit_sink sink = {.found = tell, .exists = exists, .data = run};
    struct walk_message m;
    struct audit_case c;
    int settled = 0;
    for (int i = 0; i < AGAIN_MAX && settled == 0; i++) {
        pool_reset(run->again_pool);
        settled = look_again(run, id, &m, &c);
    }
    if (settled > 0)
        audit_judge(&c, &sink, &run->result->sums);
    return settled < 0 ? -1 : 0;
}

static int judge(struct run *run, struct str id, const struct walk_message *m, int where)
{
    const struct audit_sink counted = {.exists = exists, .data = run};
    struct audit_sums sums = run->result->sums;
    struct audit_case c = case_of(run, id, where);
    c.journal = m;
    run->result->messages++;
    if (has_file(&c) && (m == NULL || !m->accepted))
        run->result->unrecorded++;
    pool_reset(run->file_pool);
    if (has_file(&c) && !run->wish->quick && !read_file(run, run->file_pool, &c))
        return judge_again(run, id);
    if (audit_judge(&c, &counted, &sums) > 0)
        return judge_again(run, id);
    run->result->sums = sums;
    return 0;
}

/* --- all of them --- */

/* The smallest id that is next in a list; empty: none is. */
static struct str next_name(const struct run *run)
{
    struct str least = STR_EMPTY;
    for (size_t i = 0; i < AUDIT_IN_INCOMING; i++) {
        const struct spool_names *names = &run->folders.list[i].names;
        if (run->at[i] == names->n)
            continue;
        struct str id = str_n(names->ids[run->at[i]], SPOOL_ID_LEN);
        if (least.n == 0 || str_cmp(id, least) < 0)
            least = id;
    }
    return least;
}

/* In which folders that one lies; the lists go on behind it. */
static int take_name(struct run *run, struct str id)
{
    int where = 0;
    for (size_t i = 0; i < AUDIT_IN_INCOMING; i++) {
        const struct spool_names *names = &run->folders.list[i].names;
        while (run->at[i] < names->n && str_eq(str_n(names->ids[run->at[i]], SPOOL_ID_LEN), id)) {
            where |= 1 << i;
            run->at[i]++;
        }
    }
    return where;
}

static void note_progress(struct run *run)
{
    if (run->wish->progress && ++run->done % PROGRESS_STEP == 0)
        run->wish->progress(run->wish->data, run->done, run->total);
}

/* Both streams by rising ids. What lies in kept/ alone was forgotten by the journal. */
static int merge(struct run *run)
{
    struct walk_message m;
    int known = walk_next(run->walk, run->pool, &m, run->err);
    for (;;) {
        struct str name = next_name(run);
        if (known < 0 || (known == 0 && name.n == 0))
            return known;
        int order = known == 0 ? 1 : name.n == 0 ? -1 : str_cmp(m.id, name);
        struct str id = order <= 0 ? m.id : name;
        int where = order >= 0 ? take_name(run, name) : 0;
        bool kept_alone = order > 0 && where == 1 << AUDIT_IN_KEPT;
        if (!kept_alone && judge(run, id, order <= 0 ? &m : NULL, where) < 0)
            return -1;
        note_progress(run);
        if (order > 0)
            continue; /* the journal's stands as it is */
        pool_reset(run->pool);
        known = walk_next(run->walk, run->pool, &m, run->err);
    }
}

static void tell_beside(struct run *run, enum finding_kind kind, struct str id, const char *text)
{
    struct audit_sums *sums = &run->result->sums;
    if (run->wish->only.n && !str_eq(id, run->wish->only))
        return;
    sums->findings++;
    sums->kinds[kind]++;
    pool_reset(run->again_pool);
    tell(run, &(struct finding){.kind = kind, .id = id, .found = str_of(text)});
}

static void tell_stale(void *data, struct str name, int64_t time_s)
{
    struct run *run = data;
    char text[64];
    snprintf(text, sizeof text, "in incoming/ for %lld hours",
             (long long)(run->wish->now_us / 1000000 - time_s) / 3600);
    tell_beside(run, FINDING_STALE, name, text);
}

static void tell_unsaid(void *data, struct str id, int64_t time_s)
{
    struct run *run = data;
    (void)time_s;
    if (str_cmp(id, run->from) >= 0 && str_cmp(id, run->before) < 0)
        tell_beside(run, FINDING_UNSAID, id, "it lies in corrupt/ as .unsaid: the disk failed");
}

static void tell_journal(void *data, struct str name, int64_t time_s)
{
    struct run *run = data;
    char text[96], day[32] = "?";
    time_t time = (time_t)time_s;
    struct tm tm;
    if (time_s < run->wish->since_us / 1000000)
        return;
    if (gmtime_r(&time, &tm))
        strftime(day, sizeof day, "%Y-%m-%d %H:%M UTC", &tm);
    snprintf(text, sizeof text, "damaged: what was known at %s is not looked at", day);
    tell_beside(run, FINDING_JOURNAL, name, text);
}

/* What is no message of the spool. */
static int look_beside(struct run *run)
{
    const struct audit_wish *wish = run->wish;
    if (audit_each_unsaid(&run->folders, tell_unsaid, run, run->err) < 0 ||
        audit_each_journal(wish->state_dir, tell_journal, run, run->err) < 0)
        return -1;
    return audit_each_stale(&run->folders, wish->now_us / 1000000 - AUDIT_STALE_SECONDS, tell_stale,
                            run, run->err);
}

/* The folders before the journal. */
static int audit_all(struct run *run)
{
    const struct audit_wish *wish = run->wish;
    uint64_t names = 0;
    if (audit_folders_read(&run->folders, wish->state_dir, run->from, run->before, run->err) < 0)
        return -1;
    for (size_t i = 0; i < AUDIT_FOLDERS; i++)
        names += run->folders.list[i].names.n;
    if (walk_count(run->walk, run->from, run->before, &run->total, run->err) < 0 ||
        walk_swept(run->walk, run->long_pool, &run->swept, run->err) < 0 ||
        walk_begin(run->walk, run->from, run->before, run->err) < 0)
        return -1;
    run->total = run->total > names ? run->total : names;
    return merge(run) < 0 ? -1 : look_beside(run);
}

static int open_all(struct run *run)
{
    const struct audit_wish *wish = run->wish;
    run->pool = pool_new(POOL_MAX);
    run->file_pool = pool_new(POOL_MAX);
    run->again_pool = pool_new(POOL_MAX);
    run->long_pool = pool_new(POOL_MAX);
    if (run->pool == NULL || run->file_pool == NULL || run->again_pool == NULL ||
        run->long_pool == NULL)
        return err_set(run->err, "out of memory");
    run->walk = walk_open(wish->state_dir, !wish->quick, run->err);
    run->again = run->walk ? walk_open(wish->state_dir, !wish->quick, run->err) : NULL;
    run->spool = run->again ? spool_open(wish->state_dir, run->err) : NULL;
    return run->spool ? 0 : -1;
}

/* The ids to be looked at: from, up to before. */
static int find_range(struct run *run)
{
    const struct audit_wish *wish = run->wish;
    run->from = time_id(wish->since_us, run->from_text);
    /* without an end also what came while the clock was ahead */
    run->before = wish->until_us ? time_id(wish->until_us, run->before_text) : STR(BEHIND_IDS);
    if (wish->only.n == 0)
        return 0;
    run->from = wish->only;
    run->before = pool_strf(run->long_pool, "%.*s\1", STR_ARG(wish->only));
    return run->before.s ? 0 : err_set(run->err, "out of memory");
}

int audit_run(const struct audit_wish *wish, struct audit_result *result, struct err *err)
{
    struct run run = {.wish = wish, .result = result, .err = err};
    *result = (struct audit_result){0};
    for (size_t i = 0; i < AUDIT_FOLDERS; i++)
        run.folders.list[i].fd = -1;
    int status = open_all(&run);
    if (status == 0)
        status = find_range(&run);
    if (status == 0)
        status = audit_all(&run);
    if (status == 0 && result->sums.failed)
        status = -1; /* err says of what */
    audit_folders_free(&run.folders);
    spool_close(&run.spool);
    walk_close(&run.again);
    walk_close(&run.walk);
    pool_free(&run.long_pool);
    pool_free(&run.again_pool);
    pool_free(&run.file_pool);
    pool_free(&run.pool);
    return status;
}
