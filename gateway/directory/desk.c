#include "gateway/directory/desk.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

/* --- replies --- */

static bool is_there(const struct question *q)
{
    return q->client->fd >= 0 && q->client->mark == q->mark;
}

static void send_json(struct desk *desk, const struct question *q)
{
    struct buf json = BUF_INIT(IPC_MSG_MAX / 2);
    if (q->wish == WISH_TEST)
        inspect_test(desk, q, &json);
    else
        inspect_status(desk, &json);
    wire_u32(&desk->reply, q->number);
    wire_str(&desk->reply, buf_ok(&json) ? buf_str(&json) : STR("{}"));
    buf_release(&json);
}

static void send_reply(struct desk *desk, struct question *q)
{
    if (!is_there(q))
        return;
    buf_clear(&desk->reply);
    if (q->wish == WISH_RECIPIENT)
        directory_reply_put(&desk->reply, q->number, &q->search.answer);
    else
        send_json(desk, q);
    if (buf_ok(&desk->reply))
        clients_send(q->client, buf_str(&desk->reply));
    else
        clients_cut_off(q->client, "no memory for its reply");
    desk->answered++;
}

/* --- asking --- */

static struct cache_key key_of(const struct question *q)
{
    return (struct cache_key){q->search.source->identity, q->search.key};
}

static bool is_cached(const struct source *source)
{
    return !source->ops->quota; /* how full a mailbox is changes with every message */
}

/* The source has said, or won't; an old answer of its own takes the place of none. */
static void tell(struct question *q, const struct finding *finding)
{
    if (q->asking)
        askers_leave(q->asking, q->old == CACHE_OLD);
    q->asking = NULL;
    if (finding->said == SAID_AWAY && q->old == CACHE_OLD)
        search_told(&q->search, &q->cached, q->cached_when);
    else
        search_told(&q->search, finding, 0);
}

static void tell_away(struct question *q, const char *why)
{
    struct finding away;
    finding_away(&away, false, why);
    tell(q, &away);
}

static void ask(struct desk *desk, struct question *q)
{
    struct askers *askers = desk->askers[q->search.source->number];
    struct askers_state state;
    int64_t now = clock_ms();
    if (askers == NULL || now >= q->until_ms) {
        tell_away(q, askers ? "no time is left to ask it" : "nobody can ask it");
        return;
    }
    if (!askers_willing(askers)) {
        askers_state(askers, &state);
        tell_away(q, state.trouble);
        return;
    }
    q->asking = askers_ask(askers, q->search.key, q);
    if (q->asking == NULL) {
        tell_away(q, "too many questions wait for it");
        return;
    }
    int64_t until = q->old == CACHE_OLD ? now + DESK_PATIENCE_OLD : q->until_ms;
    q->asking_until_ms = until < q->until_ms ? until : q->until_ms;
}

static void ask_or_use_cache(struct desk *desk, struct question *q)
{
    struct cache_key key = key_of(q);
    q->old = CACHE_NOTHING;
    if (q->wish == WISH_TEST && !q->last) {
        struct trial *t = &q->trials[q->n_trials - 1];
        struct finding cached;
        t->asked = true;
        t->cached = cache_find(desk->cache, &key, time(NULL), &cached, &t->cached_when);
        t->cached_known = t->cached != CACHE_NOTHING && cached.said == SAID_YES;
    } else if (is_cached(q->search.source)) {
        q->old = cache_find(desk->cache, &key, time(NULL), &q->cached, &q->cached_when);
    }
    if (q->old == CACHE_FRESH)
        search_told(&q->search, &q->cached, 0);
    else
        ask(desk, q);
}

/* --- a test: each source by itself, then all of them --- */

static bool next_trial(struct desk *desk, struct question *q)
{
    struct str address = str_of(q->address);
    if (q->n_trials)
        q->trials[q->n_trials - 1].answer = q->search.answer;
    if (q->n_trials)
        q->trials[q->n_trials - 1].took_us = clock_us() - q->begun_us;
    if (q->last)
        return false;
    q->begun_us = clock_us();
    /* a source that is silent takes no time from the others */
    q->until_ms = clock_ms() + DIRECTORY_TEST_MS;
    if (q->n_trials < TRIALS_MAX &&
        search_begin_one(&q->search, desk->directory, address, STR_EMPTY, q->n_trials)) {
        q->trials[q->n_trials++].source = q->search.sources.items[0];
        return true;
    }
    q->last = true;
    q->until_ms = clock_ms() + DESK_PATIENCE;
    search_begin(&q->search, desk->directory, address, STR_EMPTY);
    return true;
}

/* True: the question has its answer. */
static bool proceed(struct desk *desk, struct question *q)
{
    for (;;) {
        while (search_step(&q->search) == SEARCH_ASK) {
            ask_or_use_cache(desk, q);
            if (q->asking)
                return false;
        }
        if (q->wish == WISH_TEST && !q->last)
            next_trial(desk, q);
        else if (!redirect_step(&q->redirect, &q->search))
            return true;
    }
}

/* --- questions --- */

static void question_free(struct question *q)
{
    if (q->asking)
        askers_leave(q->asking, false);
    free(q->trials);
    free(q);
}

static void keep(struct desk *desk, const struct question *q)
{
    struct question *kept = malloc(sizeof *kept);
    if (kept == NULL || desk->n_open >= DESK_OPEN_MAX) {
        struct question late = *q;
        free(kept);
        askers_leave(late.asking, false);
        late.search.answer.result = DIRECTORY_UNAVAILABLE;
        send_reply(desk, &late);
        free(late.trials);
        return;
    }
    *kept = *q;
    /* what points into the question points into the one that is kept */
    kept->search.key = str_of(kept->asking->key);
    kept->asking->owner = kept;
    kept->next = desk->open;
    desk->open = kept;
    desk->n_open++;
}

static void take_question(struct desk *desk, struct question *q, const struct directory_request *r)
{
    str_copy(r->address, q->address, sizeof q->address);
    if (r->wish == WISH_TEST) {
        q->trials = calloc(TRIALS_MAX, sizeof *q->trials);
        if (q->trials == NULL)
            return;
        next_trial(desk, q);
    } else {
        search_begin(&q->search, desk->directory, r->address, r->sender);
    }
    if (proceed(desk, q)) {
        send_reply(desk, q);
        free(q->trials);
    } else {
        keep(desk, q);
    }
}

static void reply_json(struct desk *desk, struct client *client, uint32_t number, struct buf *json)
{
    buf_clear(&desk->reply);
    wire_u32(&desk->reply, number);
    wire_str(&desk->reply, buf_ok(json) ? buf_str(json) : STR("{}"));
    buf_release(json);
    if (buf_ok(&desk->reply))
        clients_send(client, buf_str(&desk->reply));
    else
        clients_cut_off(client, "no memory for its reply");
}

static void forget(struct desk *desk, struct client *client, const struct directory_request *r)
{
    struct address normal;
    struct buf json = BUF_INIT(4096);
    size_t n = 0;
    if (r->address.n == 0)
        n = cache_forget(desk->cache, STR_EMPTY);
    else if (address_normal(r->address, false, &normal))
        n = cache_forget(desk->cache, str_of(normal.text));
    inspect_forgotten(n, &json);
    reply_json(desk, client, r->number, &json);
}

static void accept_loss(struct desk *desk, struct client *client, const struct directory_request *r)
{
    struct buf json = BUF_INIT(4096);
    size_t n;
    bool held = snapshots_accept(desk->snapshots, r->address, &n);
    inspect_accepted(held, n, &json);
    reply_json(desk, client, r->number, &json);
}

/* The password stands nowhere here any more then, but with who checks it. */
static void take_login(struct desk *desk, struct client *client, struct str message,
                       const struct directory_request *request)
{
    logins_take(desk->logins, client, request);
    explicit_bzero((void *)(uintptr_t)message.s, message.n);
}

void desk_take(struct desk *desk, struct client *client, struct str message)
{
    struct directory_request request;
    if (!directory_request_get(message, &request)) {
        clients_cut_off(client, "malformed request");
        return;
    }
    if (client->mark == 0)
        client->mark = ++desk->marks;
    struct question q = {.client = client,
                         .mark = client->mark,
                         .number = request.number,
                         .wish = request.wish,
                         .begun_us = clock_us(),
                         .until_ms = clock_ms() + DESK_PATIENCE};
    if (request.wish == WISH_LOGIN || request.wish == WISH_USER)
        take_login(desk, client, message, &request);
    else if (request.wish == WISH_FORGET)
        forget(desk, client, &request);
    else if (request.wish == WISH_ACCEPT)
        accept_loss(desk, client, &request);
    else if (request.wish == WISH_STATUS)
        send_reply(desk, &q);
    else
        take_question(desk, &q, &request);
}

/* --- later --- */

static void collect(struct desk *desk, struct askers *askers)
{
    const struct source *source = askers_source(askers);
    struct asking *a;
    time_t now = time(NULL);
    while ((a = askers_collect(askers)) != NULL) {
        struct question *q = a->owner;
        struct cache_key key = {source->identity, str_of(a->key)};
        if (is_cached(source))
            cache_put(desk->cache, &key, &a->finding, now);
        if (q) {
            q->asking = NULL;
            q->search.key = str_of(a->key);
            tell(q, &a->finding);
            q->done = proceed(desk, q);
        }
        free(a);
    }
}

static void look_after(struct desk *desk, struct question *q, int64_t now)
{
    if (!q->done && q->asking && now >= q->asking_until_ms) {
        tell_away(q, "no answer in time");
        q->done = proceed(desk, q);
    }
}

void desk_tend(struct desk *desk)
{
    int64_t now = clock_ms();
    struct question **link = &desk->open;
    snapshots_collect(desk->snapshots);
    logins_tend(desk->logins);
    for (size_t i = 0; i < desk->directory->n_sources; i++)
        if (desk->askers[i])
            collect(desk, desk->askers[i]);
    while (*link) {
        struct question *q = *link;
        look_after(desk, q, now);
        bool gone = !is_there(q);
        bool room = gone || q->client->unsent.n == 0;
        if ((q->done && room) || gone) {
            *link = q->next;
            desk->n_open--;
            send_reply(desk, q);
            question_free(q);
        } else {
            link = &q->next;
        }
    }
}

int desk_pause(const struct desk *desk)
{
    int64_t now = clock_ms();
    int64_t first = -1;
    for (const struct question *q = desk->open; q; q = q->next)
        if (q->asking && !q->done && (first < 0 || q->asking_until_ms < first))
            first = q->asking_until_ms;
    int login = logins_pause(desk->logins);
    if (first < 0)
        return login;
    int pause = first <= now ? 0 : (int)(first - now);
    return login >= 0 && login < pause ? login : pause;
}

void desk_release(struct desk *desk)
{
    while (desk->open) {
        struct question *q = desk->open;
        desk->open = q->next;
        question_free(q);
    }
    buf_release(&desk->reply);
}
