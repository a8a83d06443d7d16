#include "gateway/resolver/desk.h"

#include <stdlib.h>

#include "base/log.h"
#include "gateway/link.h"

#define WAITING_MAX ((size_t)4 * 1024 * 1024)
#define ANSWER_POOL ((size_t)1024 * 1024)
#define NUMBER_STEP 4096 /* above DNS_DESK_OPEN_MAX: a number tells its place */

/* A place for a question; its number is its place plus a multiple of NUMBER_STEP, so that a late
 * answer to what stood here before finds nobody. */
struct place {
    dns_answered *answered; /* NULL: free, or cancelled */
    void *asker;
    uint32_t ticket, number;
    bool open;
};

struct dns_desk {
    struct link *link;
    struct place places[DNS_DESK_OPEN_MAX];
    uint32_t free[DNS_DESK_OPEN_MAX];
    size_t n_free;
    struct pool *pool;
    struct buf message;
};

static void release(struct dns_desk *d, struct place *p)
{
    p->open = false;
    p->answered = NULL;
    d->free[d->n_free++] = (uint32_t)(p - d->places);
}

static void tell(struct dns_desk *d, struct place *p, const struct resolver_answer *answer)
{
    dns_answered *answered = p->answered;
    void *asker = p->asker;
    uint32_t ticket = p->ticket;
    release(d, p); /* the answer may bring new questions */
    if (answered)
        answered(asker, ticket, answer);
}

static void tell_failed(struct dns_desk *d, struct place *p)
{
    tell(d, p, &(struct resolver_answer){.number = p->number, .status = DNS_TEMP_FAILED});
}

/* NULL: nobody waits for the answer of that number. */
static struct place *place_of(struct dns_desk *d, uint32_t number)
{
    size_t at = number % NUMBER_STEP;
    bool open = at < DNS_DESK_OPEN_MAX && d->places[at].open && d->places[at].number == number;
    return open ? &d->places[at] : NULL;
}

static void on_message(void *data, struct str message)
{
    struct dns_desk *d = data;
    struct resolver_answer answer;
    uint32_t number;
    struct place *p = resolver_answer_number(message, &number) ? place_of(d, number) : NULL;
    pool_reset(d->pool);
    if (!resolver_answer_get(message, d->pool, &answer)) {
        log_warning("resolver: malformed answer, or no memory for it");
        if (p)
            tell_failed(d, p);
    } else if (p) {
        tell(d, p, &answer);
    }
}

/* What is open is lost with the connection. What is asked meanwhile goes over the next one, or not.
 */
static void on_lost(void *data)
{
    struct dns_desk *d = data;
    bool open[DNS_DESK_OPEN_MAX];
    for (size_t i = 0; i < DNS_DESK_OPEN_MAX; i++)
        open[i] = d->places[i].open;
    for (size_t i = 0; i < DNS_DESK_OPEN_MAX; i++)
        if (open[i] && d->places[i].open)
            tell_failed(d, &d->places[i]);
}

struct dns_desk *dns_desk_open(struct event_base *base, const char *run_dir, struct err *err)
{
    static const struct resolver_budget lasting = {.kind = RESOLVER_LASTING};
    char room[16];
    struct buf hello = BUF_OVER(room);
    struct dns_desk *d = calloc(1, sizeof *d);
    if (d)
        d->pool = pool_new(ANSWER_POOL);
    if (d == NULL || d->pool == NULL) {
        err_set(err, "out of memory");
        free(d);
        return NULL;
    }
    resolver_budget_put(&hello, &lasting);
    const struct link_hooks hooks = {.message = on_message,
                                     .again = on_lost,
                                     .gone = on_lost,
                                     .data = d,
                                     .hello = buf_str(&hello)};
    buf_init(&d->message, IPC_MSG_MAX);
    for (uint32_t i = DNS_DESK_OPEN_MAX; i-- > 0;)
        d->free[d->n_free++] = i;
    d->link = link_new(base, run_dir, "resolver", WAITING_MAX, &hooks, err);
    if (d->link == NULL)
        dns_desk_close(&d);
    return d;
}

void dns_desk_close(struct dns_desk **desk)
{
    struct dns_desk *d = *desk;
    *desk = NULL;
    if (d == NULL)
        return;
    link_free(&d->link);
    pool_free(&d->pool);
    buf_release(&d->message);
    free(d);
}

bool dns_desk_ask(struct dns_desk *d, enum dns_type type, struct str name, dns_answered *answered,
                  void *asker, uint32_t ticket)
{
    if (d->n_free == 0)
        return false;
    struct place *p = &d->places[d->free[d->n_free - 1]];
    uint32_t number = p->number + NUMBER_STEP;
    number = number - number % NUMBER_STEP + (uint32_t)(p - d->places);
    buf_clear(&d->message);
    resolver_question_put(&d->message, number, type, name);
    if (!buf_ok(&d->message) || link_send(d->link, buf_str(&d->message)) != LINK_SENT)
        return false;
    d->n_free--;
    *p = (struct place){answered, asker, ticket, number, true};
    return true;
}

void dns_desk_cancel(struct dns_desk *d, const void *asker)
{
    for (size_t i = 0; i < DNS_DESK_OPEN_MAX; i++)
        if (d->places[i].open && d->places[i].asker == asker)
            d->places[i].answered = NULL;
}

void dns_desk_tick(struct dns_desk *d)
{
    link_tick(d->link);
}
