/* What waits for a manager: proposals on disk, their index, limits, decisions. */
#include "t/unit/reports_fixture.h"

#include <fcntl.h>
#include <sys/wait.h>

#include "base/fsio.h"

static const char *path_in(const struct fixture *f, const char *name)
{
    static char path[160];
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    return path;
}

static bool there(const struct fixture *f, const char *name)
{
    return access(path_in(f, name), F_OK) == 0;
}

static struct proposal_list list(struct fixture *f, struct proposal_filter filter)
{
    struct proposal_list found;
    if (proposals_list(f->store, &filter, f->pool, &found, &f->err) != 0)
        fail_msg("%s", f->err.text);
    return found;
}

/* --- keeping --- */

static void test_kept_as_told(void **state)
{
    struct fixture *f = *state;
    open_store(f);
    assert_int_equal(add(f, a_report(77, "Jean.Toto@Example.org")), PROPOSAL_NEW);
    open_store(f);
    struct proposal p = load(f, 1);
    assert_int_equal(p.number, 1);
    assert_int_equal(p.digest, 77);
    assert_int_equal(p.direction, LEARN_SPAM);
    assert_int_equal(p.identity, IDENTITY_GENUINE);
    assert_str(p.id, "01JD8Z3V5M7K9Q2R4T6W8X0Y1Z");
    assert_str(p.subject, "Réunion <b>");
    assert_str(p.sender, "shop@shop.example");
    assert_str(p.verdict, "ham");
    assert_true(p.global == 2.5 && p.heuristics == 3.25 && p.bayes == -0.75);
    assert_int_equal(p.size, 20);
    assert_true(p.kept);
    assert_int_equal(p.state, PROPOSAL_WAITING);
    assert_int_equal(p.changed_us, NOW_US);
    assert_int_equal(p.n_reporters, 1);
    assert_true(str_ieq(p.reporters[0].address, STR("jean.toto@example.org")));
    assert_int_equal(proposals_original(f->store, 1, &f->buf, &f->err), 1);
    assert_str(buf_str(&f->buf), "Subject: x\r\n\r\nbody\r\n");
    assert_int_equal(proposals_original(f->store, 2, &f->buf, &f->err), 0);
    assert_int_equal(proposals_load(f->store, 2, f->pool, &p, &f->err), 0);
}

static void test_same_message_is_one_proposal(void **state)
{
    struct fixture *f = *state;
    open_store(f);
    assert_int_equal(add(f, a_report(1, "a@example.org")), PROPOSAL_NEW);
    assert_int_equal(add(f, a_report(1, "A@EXAMPLE.org")), PROPOSAL_KNOWN);
    assert_int_equal(add(f, a_report(1, "b@example.org")), PROPOSAL_JOINED);
    assert_int_equal(load(f, 1).n_reporters, 2);
    /* the other way round, or an altered copy, is something else */
    struct proposal other = a_report(1, "c@example.org");
    other.direction = LEARN_HAM;
    assert_int_equal(add(f, other), PROPOSAL_NEW);
    other = a_report(1, "c@example.org");
    other.identity = IDENTITY_ALTERED;
    assert_int_equal(add(f, other), PROPOSAL_NEW);
    struct proposal_list found = list(f, (struct proposal_filter){0});
    assert_int_equal(found.n, 3);
    found = list(f, (struct proposal_filter){.reporter = STR("C@example.org")});
    assert_int_equal(found.n, 2);
    found = list(f, (struct proposal_filter){.directions = 1u << LEARN_HAM});
    assert_int_equal(found.n, 1);
    assert_int_equal(found.lines[0].lead.number, 2);
}

static void test_many_reporters_are_bounded(void **state)
{
    struct fixture *f = *state;
    char who[64];
    open_store(f);
    for (unsigned i = 0; i < PROPOSAL_REPORTERS_MAX; i++) {
        snprintf(who, sizeof who, "user%u@example.org", i);
        assert_int_equal(add(f, a_report(1, who)), i ? PROPOSAL_JOINED : PROPOSAL_NEW);
    }
    assert_int_equal(add(f, a_report(1, "late@example.org")), PROPOSAL_KNOWN);
    assert_int_equal(load(f, 1).n_reporters, PROPOSAL_REPORTERS_MAX);
}

static void test_long_texts_are_cut_between_characters(void **state)
{
    struct fixture *f = *state;
    static char text[3 * PROPOSAL_TEXT_MAX];
    for (size_t i = 0; i + 1 < sizeof text; i += 2)
        memcpy(text + i, "é", 2);
    open_store(f);
    struct proposal p = a_report(1, "a@example.org");
    p.subject = str_n(text + 1, sizeof text - 2);
    p.subject.s--;
    p.subject.n = PROPOSAL_TEXT_MAX * 2;
    assert_int_equal(add(f, p), PROPOSAL_NEW);
    p = load(f, 1);
    assert_int_equal(p.subject.n, PROPOSAL_TEXT_MAX);
    p = a_report(2, "a@example.org");
    text[0] = 'x';
    memmove(text + 1, text + 2, sizeof text - 2);
    p.subject = str_n(text, PROPOSAL_TEXT_MAX * 2);
    assert_int_equal(add(f, p), PROPOSAL_NEW);
    assert_int_equal(load(f, 2).subject.n, PROPOSAL_TEXT_MAX - 1);
}

/* --- after a crash, after damage --- */

static void test_crash_between_original_and_facts(void **state)
{
    struct fixture *f = *state;
    open_store(f);
    add(f, a_report(1, "a@example.org"));
    proposals_close(&f->store);
    /* a second one, whose facts never came; facts of the first, half written anew */
    assert_int_equal(fsio_replace(path_in(f, "proposals/2.eml"), STR("half"), 0600, &f->err), 0);
    assert_int_equal(fsio_replace(path_in(f, "proposals/1.new"), STR("poterne prop"), 0600,
                                  &f->err),
                     0);
    open_store(f);
    assert_false(there(f, "proposals/2.eml"));
    assert_false(there(f, "proposals/1.new"));
    assert_int_equal(list(f, (struct proposal_filter){0}).n, 1);
    assert_int_equal(add(f, a_report(2, "a@example.org")), PROPOSAL_NEW);
    assert_int_equal(load(f, 2).digest, 2);
}

static void test_crash_between_facts_and_index(void **state)
{
    struct fixture *f = *state;
    open_store(f);
    add(f, a_report(1, "a@example.org"));
    proposals_close(&f->store);
    assert_int_equal(fsio_read_file(path_in(f, "index.sqlite"), &f->buf, &f->err), 0);
    open_store(f);
    add(f, a_report(2, "b@example.org"));
    decide_one(f, false, 1);
    proposals_close(&f->store);
    /* the index as it was before both */
    assert_int_equal(fsio_replace(path_in(f, "index.sqlite"), buf_str(&f->buf), 0600, &f->err), 0);
    unlink(path_in(f, "index.sqlite-wal"));
    unlink(path_in(f, "index.sqlite-shm"));
    open_store(f);
    assert_int_equal(list(f, (struct proposal_filter){.states = 1u << PROPOSAL_WAITING}).n, 1);
    assert_int_equal(list(f, (struct proposal_filter){.states = 1u << PROPOSAL_REJECTED}).n, 1);
    assert_int_equal(add(f, a_report(2, "b@example.org")), PROPOSAL_KNOWN);
    assert_int_equal(add(f, a_report(3, "b@example.org")), PROPOSAL_NEW);
    assert_int_equal(load(f, 3).digest, 3);
}

/* Who takes the index as it is still makes a new one where there is none. */
static void test_opened_again(void **state)
{
    struct fixture *f = *state;
    open_store(f);
    add(f, a_report(1, "a@example.org"));
    proposals_close(&f->store);
    f->store = proposals_reopen(f->folder, &f->err);
    assert_non_null(f->store);
    assert_int_equal(list(f, (struct proposal_filter){0}).n, 1);
    proposals_close(&f->store);
    unlink(path_in(f, "index.sqlite"));
    f->store = proposals_reopen(f->folder, &f->err);
    assert_non_null(f->store);
    assert_int_equal(list(f, (struct proposal_filter){0}).n, 1);
    /* … and when it is taken away under its feet */
    unlink(path_in(f, "index.sqlite"));
    unlink(path_in(f, "index.sqlite-wal"));
    unlink(path_in(f, "index.sqlite-shm"));
    assert_int_equal(add(f, a_report(2, "a@example.org")), PROPOSAL_NEW);
    assert_int_equal(list(f, (struct proposal_filter){0}).n, 2);
}

static void damage_index(struct fixture *f)
{
    static char noise[64 * 1024];
    memset(noise, 0x5a, sizeof noise);
    assert_int_equal(fsio_replace(path_in(f, "index.sqlite"), str_n(noise, sizeof noise), 0600,
                                  &f->err),
                     0);
}

static void test_damaged_index_is_made_anew(void **state)
{
    struct fixture *f = *state;
    open_store(f);
    add(f, a_report(1, "a@example.org"));
    add(f, a_report(1, "b@example.org"));
    add(f, a_report(2, "b@example.org"));
    decide_one(f, false, 2);
    proposals_close(&f->store);
    damage_index(f);
    assert_null(proposals_view(f->folder, &f->err));
    open_store(f);
    struct proposal_list found =
        list(f, (struct proposal_filter){.reporter = STR("b@example.org")});
    assert_int_equal(found.n, 2);
    assert_int_equal(load(f, 2).state, PROPOSAL_REJECTED);
    assert_str(load(f, 2).decider, "boss@example.org");
    proposals_close(&f->store);
    unlink(path_in(f, "index.sqlite"));
    open_store(f);
    assert_int_equal(list(f, (struct proposal_filter){0}).n, 2);
}

/* Pages behind the first are read later: damage shows in the middle of the work. */
static void test_index_damaged_in_the_middle(void **state)
{
    struct fixture *f = *state;
    open_store(f);
    for (unsigned i = 1; i <= 200; i++)
        add(f, a_report(i, "a@example.org"));
    proposals_close(&f->store);
    assert_int_equal(fsio_read_file(path_in(f, "index.sqlite"), &f->buf, &f->err), 0);
    assert_true(f->buf.n > 16384);
    memset(f->buf.p + 4096, 0x5a, f->buf.n - 4096);
    assert_int_equal(fsio_replace(path_in(f, "index.sqlite"), buf_str(&f->buf), 0600, &f->err), 0);
    open_store(f);
    assert_int_equal(list(f, (struct proposal_filter){0}).n, 200);
    assert_int_equal(add(f, a_report(201, "a@example.org")), PROPOSAL_NEW);
}

/* Cut anywhere, or with one byte changed, facts are damaged and never something else. */
static void test_facts_are_whole_or_damaged(void **state)
{
    struct fixture *f = *state;
    struct proposal p = a_report(1, "a@example.org"), read;
    p.number = 1;
    proposal_put(&f->buf, &p);
    struct str facts = buf_str(&f->buf);
    assert_int_equal(proposal_get(facts, f->pool, &read, &f->err), 0);
    for (size_t n = 0; n < facts.n; n++) {
        assert_int_equal(proposal_get(str_sub(facts, 0, n), f->pool, &read, &f->err), -1);
        f->buf.p[n] ^= 0x10;
        assert_int_equal(proposal_get(facts, f->pool, &read, &f->err), -1);
        f->buf.p[n] ^= 0x10;
    }
}

static void test_damaged_facts_are_set_aside(void **state)
{
    struct fixture *f = *state;
    open_store(f);
    add(f, a_report(1, "a@example.org"));
    add(f, a_report(2, "a@example.org"));
    proposals_close(&f->store);
    int fd = open(path_in(f, "proposals/1.facts"), O_WRONLY);
    assert_int_equal(pwrite(fd, "\xff", 1, 40), 1);
    close(fd);
    open_store(f);
    assert_int_equal(list(f, (struct proposal_filter){0}).n, 1);
    assert_true(there(f, "damaged/1.facts"));
    assert_true(there(f, "damaged/1.eml"));
    assert_int_equal(add(f, a_report(1, "a@example.org")), PROPOSAL_NEW);
    assert_int_equal(load(f, 3).digest, 1);
}

/* A process killed while it adds: nothing that it said to have kept is lost. */
static void test_killed_while_adding(void **state)
{
    struct fixture *f = *state;
    uint64_t said = 0, number;
    for (unsigned round = 0; round < 10; round++) {
        int pipe_fd[2];
        assert_int_equal(pipe(pipe_fd), 0);
        pid_t pid = fork();
        if (pid == 0) {
            open_store(f);
            for (uint64_t i = 0;; i++) {
                struct proposal p = a_report(round * 1000000u + i + 1, "a@example.org");
                enum proposal_added added;
                if (proposals_add(f->store, &roomy, &p, STR("x: y\r\n\r\n"), &added, &f->err) != 0)
                    _exit(1);
                if (write(pipe_fd[1], &p.number, sizeof p.number) < 0)
                    _exit(1);
            }
        }
        close(pipe_fd[1]);
        usleep(20000 + round * 7000);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        while (read(pipe_fd[0], &number, sizeof number) == sizeof number)
            said = number;
        close(pipe_fd[0]);
        open_store(f);
        for (uint64_t i = 1; i <= said; i++)
            load(f, i);
        struct proposal_list found = list(f, (struct proposal_filter){0});
        assert_true(found.n == said || found.n == said + 1);
        said = found.n;
        proposals_close(&f->store);
        pool_reset(f->pool);
    }
}

/* --- limits --- */

static void test_reporter_and_day(void **state)
{
    struct fixture *f = *state;
    const struct proposal_limits limits = {1000, 3, (uint64_t)1 << 30};
    open_store(f);
    for (uint64_t i = 1; i <= 5; i++) {
        struct proposal p = a_report(i, "a@example.org");
        enum proposal_added added = add_within(f, &limits, &p, STR("x: y\r\n\r\n"));
        assert_int_equal(added, i <= 3 ? PROPOSAL_NEW : PROPOSAL_REFUSED);
    }
    assert_non_null(strstr(f->err.text, "a@example.org"));
    struct proposal p = a_report(9, "b@example.org");
    assert_int_equal(add_within(f, &limits, &p, STR("x: y\r\n\r\n")), PROPOSAL_NEW);
    p = a_report(10, "a@example.org");
    p.reporters[0].time_us += DAY_US + 1;
    assert_int_equal(add_within(f, &limits, &p, STR("x: y\r\n\r\n")), PROPOSAL_NEW);
}

static void test_who_filled_the_store_gives_way(void **state)
{
    struct fixture *f = *state;
    const struct proposal_limits limits = {20, 1000, (uint64_t)1 << 30};
    open_store(f);
    struct proposal p = a_report(1000, "quiet@example.org");
    assert_int_equal(add_within(f, &limits, &p, STR("x: y\r\n\r\n")), PROPOSAL_NEW);
    for (uint64_t i = 1; i <= 30; i++) {
        p = a_report(i, "loud@example.org");
        enum proposal_added added = add_within(f, &limits, &p, STR("x: y\r\n\r\n"));
        assert_int_equal(added, i <= 19 ? PROPOSAL_NEW : PROPOSAL_REFUSED);
    }
    p = a_report(2000, "other@example.org");
    assert_int_equal(add_within(f, &limits, &p, STR("x: y\r\n\r\n")), PROPOSAL_NEW);
    assert_int_equal(load(f, 1).state, PROPOSAL_WAITING); /* the quiet one's */
    assert_int_equal(load(f, 2).state, PROPOSAL_EXPIRED); /* the loud one's oldest */
    assert_false(there(f, "proposals/2.eml"));
    struct proposal_totals totals;
    assert_int_equal(proposals_totals(f->store, &totals, &f->err), 0);
    assert_int_equal(totals.in[PROPOSAL_WAITING], 20);
    /* reported again, it waits again, as far as there is room */
    p = a_report(1, "third@example.org");
    assert_int_equal(add_within(f, &limits, &p, STR("x: y\r\n\r\n")), PROPOSAL_NEW);
    assert_int_equal(load(f, 2).state, PROPOSAL_WAITING);
    assert_true(there(f, "proposals/2.eml"));
    assert_int_equal(load(f, 2).n_reporters, 2);
}

/* Many strangers with one report each push out nobody, and nobody whom managers agreed with. */
static void test_a_flood_of_strangers(void **state)
{
    struct fixture *f = *state;
    const struct proposal_limits limits = {20, 1000, (uint64_t)1 << 30};
    char who[64];
    open_store(f);
    add(f, a_report(1000, "proven@example.org"));
    decide_one(f, true, 1);
    for (uint64_t i = 1; i <= 5; i++)
        add(f, a_report(1000 + i, "proven@example.org"));
    for (unsigned i = 1; i <= 100; i++) {
        snprintf(who, sizeof who, "stranger%u@example.org", i);
        struct proposal p = a_report(i, who);
        enum proposal_added added = add_within(f, &limits, &p, STR("x: y\r\n\r\n"));
        assert_int_equal(added, i <= 15 ? PROPOSAL_NEW : PROPOSAL_REFUSED);
    }
    for (uint64_t i = 2; i <= 6; i++)
        assert_int_equal(load(f, i).state, PROPOSAL_WAITING);
    /* strangers give way to who is proven, the oldest first; then the proven to one another */
    struct proposal p = a_report(2000, "proven@example.org");
    assert_int_equal(add_within(f, &limits, &p, STR("x: y\r\n\r\n")), PROPOSAL_NEW);
    assert_int_equal(load(f, 7).state, PROPOSAL_EXPIRED);
    assert_int_equal(load(f, 8).state, PROPOSAL_WAITING);
}

static void test_bytes(void **state)
{
    struct fixture *f = *state;
    static char large[1000];
    memset(large, 'x', sizeof large);
    const struct proposal_limits limits = {1000, 1000, 5500};
    open_store(f);
    for (uint64_t i = 1; i <= 5; i++) {
        struct proposal p = a_report(i, "a@example.org");
        assert_int_equal(add_within(f, &limits, &p, str_n(large, sizeof large)), PROPOSAL_NEW);
    }
    decide_one(f, false, 2);
    /* what was decided gives way first, its facts stay */
    struct proposal p = a_report(6, "a@example.org");
    assert_int_equal(add_within(f, &limits, &p, str_n(large, sizeof large)), PROPOSAL_NEW);
    assert_false(there(f, "proposals/2.eml"));
    assert_int_equal(load(f, 2).state, PROPOSAL_REJECTED);
    p = a_report(7, "a@example.org");
    assert_int_equal(add_within(f, &limits, &p, str_n(large, sizeof large)), PROPOSAL_REFUSED);
    p = a_report(8, "b@example.org");
    assert_int_equal(add_within(f, &limits, &p, str_n(large, sizeof large)), PROPOSAL_NEW);
    assert_int_equal(load(f, 1).state, PROPOSAL_EXPIRED);
    /* rejected by mistake: too late, the original is gone */
    assert_int_equal(decide_one(f, true, 2).late, 1);
}

/* --- groups --- */

static void add_campaign(struct fixture *f, unsigned n, uint64_t campaign, enum identity_kind kind,
                         uint64_t from)
{
    static const char *const who[] = {"a@example.org", "b@example.org", "c@example.org"};
    for (unsigned i = 0; i < n; i++) {
        struct proposal p = a_report(from + i, who[i % 3]);
        p.campaign = campaign;
        p.identity = kind;
        assert_int_equal(add(f, p), PROPOSAL_NEW);
    }
}

static void test_campaign_is_one_line(void **state)
{
    struct fixture *f = *state;
    open_store(f);
    add_campaign(f, 90, 0xffffffffffffff00u, IDENTITY_GENUINE, 1);
    add_campaign(f, 10, 0xffffffffffffff00u, IDENTITY_ALTERED, 1000);
    add(f, a_report(5000, "d@example.org"));
    add(f, a_report(5001, "d@example.org"));
    struct proposal_list found = list(f, (struct proposal_filter){.grouped = true});
    assert_int_equal(found.n, 4);
    assert_int_equal(found.lines[0].n, 90);
    assert_int_equal(found.lines[0].reporters, 3);
    assert_int_equal(found.lines[0].lead.number, 1);
    assert_int_equal(found.lines[0].last, 90);
    assert_int_equal(list(f, (struct proposal_filter){0}).n, 102);
    found = list(f, (struct proposal_filter){.limit = 5});
    assert_int_equal(found.n, 5);
    assert_true(found.more);

    /* the group is decided at once, without its altered copies and what came later */
    const struct proposal_range lead = {1, 1};
    struct proposal_decided decided = decide(
        f, true,
        (struct proposal_choice){.ranges = &lead, .n_ranges = 1, .groups = true, .up_to = 80});
    assert_int_equal(decided.changed, 80);
    decided =
        decide(f, true, (struct proposal_choice){.ranges = &lead, .n_ranges = 1, .groups = true});
    assert_int_equal(decided.changed, 10);
    assert_int_equal(decided.same, 1);
    assert_int_equal(load(f, 91).state, PROPOSAL_WAITING);
    assert_int_equal(list(f, (struct proposal_filter){.states = 1u << PROPOSAL_ACCEPTED}).n, 90);
}

/* --- deciding --- */

static void test_decisions(void **state)
{
    struct fixture *f = *state;
    open_store(f);
    for (uint64_t i = 1; i <= 6; i++)
        add(f, a_report(i, i == 6 ? "b@example.org" : "a@example.org"));
    const struct proposal_range ranges[] = {{1, 2}, {4, 4}, {99, 99}};
    struct proposal_decided decided =
        decide(f, true, (struct proposal_choice){.ranges = ranges, .n_ranges = 3});
    assert_int_equal(decided.changed, 3);
    assert_int_equal(decided.missing, 1);
    struct proposal p = load(f, 1);
    assert_int_equal(p.state, PROPOSAL_ACCEPTED);
    assert_str(p.decider, "boss@example.org");
    assert_str(p.why, "seen");
    assert_int_equal(p.decided_us, NOW_US + SECOND_US);
    /* another mind before it is learned */
    assert_int_equal(decide_one(f, false, 4).changed, 1);
    assert_int_equal(decide_one(f, false, 4).same, 1);
    assert_int_equal(decide_one(f, true, 4).changed, 1);
    assert_int_equal(decide_one(f, true, 4).same, 1);
    /* a range means what waits: 4 keeps its decision */
    const struct proposal_range all = {1, UINT64_MAX};
    decided = decide(f, false, (struct proposal_choice){.ranges = &all, .n_ranges = 1});
    assert_int_equal(decided.changed, 3);
    assert_int_equal(load(f, 4).state, PROPOSAL_ACCEPTED);
    add(f, a_report(7, "b@example.org"));
    decided = decide(f, true, (struct proposal_choice){.reporter = STR("B@example.org")});
    assert_int_equal(decided.changed, 1);
    assert_int_equal(load(f, 7).state, PROPOSAL_ACCEPTED);
}

static void test_learned_and_capped(void **state)
{
    struct fixture *f = *state;
    uint64_t due[10];
    open_store(f);
    for (uint64_t i = 1; i <= 4; i++)
        add(f, a_report(i, "a@example.org"));
    assert_int_equal(proposals_due(f->store, NOW_US, due, 10, &f->err), 0);
    const struct proposal_range all = {1, 4};
    decide(f, true, (struct proposal_choice){.ranges = &all, .n_ranges = 1});
    assert_int_equal(proposals_due(f->store, NOW_US, due, 10, &f->err), 4);
    assert_int_equal(proposals_due(f->store, NOW_US, due, 2, &f->err), 2);
    assert_int_equal(due[0], 1);
    const struct proposal_taught taught[] = {{1, PROPOSAL_LEARNED, STR_EMPTY},
                                             {2, PROPOSAL_CAPPED,
                                              STR("one reporter's share is used up")},
                                             {3, PROPOSAL_REJECTED, STR("no message")}};
    assert_int_equal(proposals_taught(f->store, taught, 3, NOW_US, &f->err), 0);
    open_store(f);
    assert_int_equal(load(f, 1).state, PROPOSAL_LEARNED);
    assert_int_equal(load(f, 2).state, PROPOSAL_CAPPED);
    assert_str(load(f, 2).why, "one reporter's share is used up");
    assert_int_equal(load(f, 3).state, PROPOSAL_REJECTED);
    assert_int_equal(proposals_due(f->store, NOW_US, due, 10, &f->err), 1);
    assert_int_equal(due[0], 4);
    assert_int_equal(proposals_due(f->store, NOW_US + PROPOSALS_CAPPED_RETRY_US, due, 10, &f->err),
                     2);
    /* learned: no way back from here */
    assert_int_equal(decide_one(f, false, 1).late, 1);
    assert_int_equal(decide_one(f, false, 2).changed, 1);
}

/* A reporter whose account was stolen: nothing of his is learned later. */
static void test_all_of_a_reporter_are_rejected(void **state)
{
    struct fixture *f = *state;
    const struct proposal_choice his = {.reporter = STR("A@example.org")};
    open_store(f);
    for (uint64_t i = 1; i <= 5; i++)
        add(f, a_report(i, i == 5 ? "b@example.org" : "a@example.org"));
    const struct proposal_range but_one = {2, 5};
    decide(f, true, (struct proposal_choice){.ranges = &but_one, .n_ranges = 1});
    const struct proposal_taught taught[] = {{2, PROPOSAL_CAPPED, STR("enough")},
                                             {3, PROPOSAL_LEARNED, STR_EMPTY},
                                             {5, PROPOSAL_CAPPED, STR("enough")}};
    assert_int_equal(proposals_taught(f->store, taught, 3, NOW_US, &f->err), 0);
    /* 1 waits; what was accepted is not accepted again */
    assert_int_equal(decide(f, true, his).changed, 1);
    struct proposal_decided decided = decide(f, false, his);
    assert_int_equal(decided.changed, 3);
    assert_int_equal(load(f, 1).state, PROPOSAL_REJECTED);
    assert_int_equal(load(f, 2).state, PROPOSAL_REJECTED);
    assert_int_equal(load(f, 3).state, PROPOSAL_LEARNED);
    assert_int_equal(load(f, 4).state, PROPOSAL_REJECTED);
    assert_int_equal(load(f, 5).state, PROPOSAL_CAPPED);
}

/* --- ends --- */

static void test_sweep(void **state)
{
    struct fixture *f = *state;
    const struct proposal_lifetimes lifetimes = {30 * DAY_US, 100 * DAY_US};
    open_store(f);
    add(f, a_report(1, "a@example.org"));
    add(f, a_report(2, "a@example.org"));
    decide_one(f, false, 2);
    assert_int_equal(proposals_sweep(f->store, &lifetimes, NOW_US + 29 * DAY_US, &f->err), 0);
    assert_int_equal(proposals_sweep(f->store, &lifetimes, NOW_US + 31 * DAY_US, &f->err), 1);
    assert_int_equal(load(f, 1).state, PROPOSAL_EXPIRED);
    assert_false(there(f, "proposals/1.eml"));
    assert_int_equal(load(f, 2).state, PROPOSAL_REJECTED);
    assert_int_equal(decide_one(f, true, 1).late, 1);
    /* accepted, but the model takes no more of its kind */
    add(f, a_report(50, "a@example.org"));
    decide_one(f, true, 3);
    const struct proposal_taught capped = {3, PROPOSAL_CAPPED, STR("enough")};
    assert_int_equal(proposals_taught(f->store, &capped, 1, NOW_US + 29 * DAY_US, &f->err), 0);
    assert_int_equal(proposals_sweep(f->store, &lifetimes, NOW_US + 31 * DAY_US, &f->err), 1);
    assert_int_equal(load(f, 3).state, PROPOSAL_EXPIRED);
    assert_int_equal(proposals_sweep(f->store, &lifetimes, NOW_US + 140 * DAY_US, &f->err), 3);
    struct proposal p;
    assert_int_equal(proposals_load(f->store, 2, f->pool, &p, &f->err), 0);
    open_store(f);
    assert_int_equal(list(f, (struct proposal_filter){0}).n, 0);
    assert_int_equal(add(f, a_report(1, "a@example.org")), PROPOSAL_NEW);
    assert_int_equal(load(f, 4).digest, 1); /* no number is used again */
}

/* --- beside one another --- */

static void test_looking_beside_the_writer(void **state)
{
    struct fixture *f = *state;
    assert_null(proposals_view(f->folder, &f->err));
    assert_non_null(strstr(f->err.text, "nothing was reported yet"));
    open_store(f);
    add(f, a_report(1, "a@example.org"));
    struct proposals *view = proposals_view(f->folder, &f->err);
    assert_non_null(view);
    struct proposal_list found;
    const struct proposal_filter any = {0};
    assert_int_equal(proposals_list(view, &any, f->pool, &found, &f->err), 0);
    assert_int_equal(found.n, 1);
    struct proposal p = a_report(2, "a@example.org");
    enum proposal_added added;
    assert_int_equal(proposals_add(view, &roomy, &p, STR("x: y\r\n\r\n"), &added, &f->err), -1);
    /* another writer */
    struct proposals *second = proposals_open(f->folder, &f->err);
    assert_non_null(second);
    assert_int_equal(proposals_add(second, &roomy, &p, STR("x: y\r\n\r\n"), &added, &f->err), 0);
    assert_int_equal(p.number, 2);
    assert_int_equal(add(f, a_report(3, "a@example.org")), PROPOSAL_NEW);
    assert_int_equal(load(f, 3).digest, 3);
    proposals_close(&second);
    proposals_close(&view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_kept_as_told),
        TEST(test_same_message_is_one_proposal),
        TEST(test_many_reporters_are_bounded),
        TEST(test_long_texts_are_cut_between_characters),
        TEST(test_crash_between_original_and_facts),
        TEST(test_crash_between_facts_and_index),
        TEST(test_opened_again),
        TEST(test_damaged_index_is_made_anew),
        TEST(test_index_damaged_in_the_middle),
        TEST(test_facts_are_whole_or_damaged),
        TEST(test_damaged_facts_are_set_aside),
        TEST(test_killed_while_adding),
        TEST(test_reporter_and_day),
        TEST(test_who_filled_the_store_gives_way),
        TEST(test_a_flood_of_strangers),
        TEST(test_bytes),
        TEST(test_campaign_is_one_line),
        TEST(test_decisions),
        TEST(test_learned_and_capped),
        TEST(test_all_of_a_reporter_are_rejected),
        TEST(test_sweep),
        TEST(test_looking_beside_the_writer),
    };
    return tap_run(tests, NULL, NULL);
}
