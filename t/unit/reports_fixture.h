/* A store of proposals in a folder of its own, for the tests of reports/. */
#ifndef POTERNE_T_UNIT_REPORTS_FIXTURE_H
#define POTERNE_T_UNIT_REPORTS_FIXTURE_H

#include "t/unit/tap.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "reports/store.h"

#define SECOND_US ((int64_t)1000000)
#define DAY_US    (86400 * SECOND_US)
#define NOW_US    (1792000000 * SECOND_US)
#define ORIGINAL  "Subject: x\r\n\r\nbody\r\n"

static const struct proposal_limits roomy = {100000, 100000, (uint64_t)1 << 40};

struct fixture {
    char folder[64];
    struct proposals *store;
    struct pool *pool;
    struct buf buf;
    struct err err;
};

static inline int fixture_remove_one(const char *path, const struct stat *st, int type,
                                     struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static inline int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    snprintf(f->folder, sizeof f->folder, "/tmp/poterne-reports.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->pool = pool_new(64 * 1024 * 1024);
    f->buf = BUF_INIT(PROPOSAL_ORIGINAL_MAX);
    *state = f;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *f = *state;
    proposals_close(&f->store);
    pool_free(&f->pool);
    buf_release(&f->buf);
    assert_int_equal(nftw(f->folder, fixture_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(f);
    return 0;
}

static inline void open_store(struct fixture *f)
{
    proposals_close(&f->store);
    f->store = proposals_open(f->folder, &f->err);
    if (f->store == NULL)
        fail_msg("%s", f->err.text);
}

/* A report of message `digest` by `who`; the other facts can be changed before add(). */
static inline struct proposal a_report(uint64_t digest, const char *who)
{
    static struct proposal_reporter reporter;
    reporter = (struct proposal_reporter){str_of(who), NOW_US};
    return (struct proposal){.digest = digest,
                             .campaign = 0,
                             .direction = LEARN_SPAM,
                             .identity = IDENTITY_GENUINE,
                             .id = STR("01JD8Z3V5M7K9Q2R4T6W8X0Y1Z"),
                             .subject = STR("Réunion <b>"),
                             .sender = STR("shop@shop.example"),
                             .verdict = STR("ham"),
                             .global = 2.5,
                             .heuristics = 3.25,
                             .bayes = -0.75,
                             .reporters = &reporter,
                             .n_reporters = 1};
}

static inline enum proposal_added add_within(struct fixture *f,
                                             const struct proposal_limits *limits,
                                             struct proposal *p, struct str original)
{
    enum proposal_added added;
    int result = proposals_add(f->store, limits, p, original, &added, &f->err);
    if (result != 0)
        fail_msg("%s", f->err.text);
    return added;
}

static inline enum proposal_added add(struct fixture *f, struct proposal p)
{
    return add_within(f, &roomy, &p, STR(ORIGINAL));
}

static inline struct proposal load(struct fixture *f, uint64_t number)
{
    struct proposal p;
    if (proposals_load(f->store, number, f->pool, &p, &f->err) != 1)
        fail_msg("number %llu: %s", (unsigned long long)number, f->err.text);
    return p;
}

static inline struct proposal_decided decide(struct fixture *f, bool accept,
                                             struct proposal_choice choice)
{
    struct proposal_decided decided;
    const struct proposal_decision decision = {accept, STR("boss@example.org"), STR("seen"),
                                               NOW_US + SECOND_US};
    if (proposals_decide(f->store, &choice, &decision, &decided, &f->err) != 0)
        fail_msg("%s", f->err.text);
    return decided;
}

static inline struct proposal_decided decide_one(struct fixture *f, bool accept, uint64_t number)
{
    const struct proposal_range range = {number, number};
    return decide(f, accept, (struct proposal_choice){.ranges = &range, .n_ranges = 1});
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
