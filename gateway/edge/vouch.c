#include "gateway/edge/vouch.h"

#include <event2/event_struct.h>
#include <stdlib.h>

#include "gateway/loop.h"

#define ANSWERS_POOL ((size_t)512 * 1024)
#define WORK_POOL    ((size_t)1024 * 1024)

struct vouch {
    struct dns_desk *desk;
    struct spf_request request; /* texts in `kept` */
    struct pool *kept;          /* questions and their answers */
    struct pool *work;          /* of one run */
    struct dns_query known[VOUCH_QUESTIONS_MAX];
    size_t n, n_asked;
    bool too_many;         /* something it needs could not be noted */
    struct event deadline; /* also fires at once where all is known */
    unsigned open, rounds;
    void (*done)(void *data, struct str domain);
    void *data;
};

/* --- what the evaluator asks --- */

static struct dns_query *find(struct vouch *v, const struct dns_query *query, struct str name)
{
    for (size_t i = 0; i < v->n; i++)
        if (v->known[i].type == query->type && str_eq(v->known[i].name, name))
            return &v->known[i];
    return NULL;
}

static void answer(struct vouch *v, struct dns_query *query)
{
    struct str name = dns_name_normal(v->work, query->name), own = query->name;
    struct dns_query *known = name.s ? find(v, query, name) : NULL;
    query->status = DNS_TEMP_FAILED;
    if (known && known->status != DNS_ASKED_NOT) {
        *query = *known;
        query->name = own;
    } else if (known == NULL) {
        struct str kept = v->n < VOUCH_QUESTIONS_MAX ? pool_str(v->kept, name) : STR_EMPTY;
        v->too_many |= kept.s == NULL;
        if (kept.s)
            v->known[v->n++] = (struct dns_query){.type = query->type, .name = kept};
    }
}

static void answer_all(void *data, struct pool *pool, struct dns_query *queries, size_t n)
{
    (void)pool; /* answers live as long as all of it */
    for (size_t i = 0; i < n; i++)
        if (queries[i].status == DNS_ASKED_NOT)
            answer(data, &queries[i]);
}

/* --- what the DNS says --- */

static bool copy_records(struct vouch *v, struct dns_query *query,
                         const struct resolver_answer *from)
{
    struct dns_record *records = POOL_ARRAY(v->kept, from->n, struct dns_record);
    if (records == NULL)
        return false;
    for (size_t i = 0; i < from->n; i++) {
        records[i] = from->records[i];
        records[i].data = pool_str(v->kept, from->records[i].data);
        if (records[i].data.s == NULL)
            return false;
    }
    query->records = records;
    query->n = from->n;
    return true;
}

static void finish(struct vouch *v)
{
    event_active(&v->deadline, EV_TIMEOUT, 1);
}

static void run(struct vouch *v);

static void on_answer(void *asker, uint32_t ticket, const struct resolver_answer *from)
{
    struct vouch *v = asker;
    struct dns_query *query = &v->known[ticket];
    query->status = from->n == 0 || copy_records(v, query, from) ? from->status : DNS_TEMP_FAILED;
    if (--v->open == 0)
        run(v);
}

static void ask_what_is_missing(struct vouch *v)
{
    v->open = 1; /* one of our own, so that no answer ends the round before all is asked */
    v->rounds++;
    for (; v->n_asked < v->n; v->n_asked++) {
        struct dns_query *query = &v->known[v->n_asked];
        if (dns_desk_ask(v->desk, query->type, query->name, on_answer, v, (uint32_t)v->n_asked))
            v->open++;
        else
            query->status = DNS_TEMP_FAILED;
    }
    if (--v->open == 0)
        finish(v); /* the resolver is away */
}

/* As far as what is known leads. */
static bool passes(struct vouch *v, struct spf_answer *spf)
{
    const struct dns_source source = {.ask = answer_all, .data = v};
    struct err err = {""};
    pool_reset(v->work);
    return spf_check(&v->request, &source, v->work, spf, &err) == 0 && spf->result == SPF_PASS &&
           spf->narrow;
}

static void run(struct vouch *v)
{
    struct spf_answer spf;
    passes(v, &spf);
    if (v->n_asked < v->n && !v->too_many && v->rounds < VOUCH_ROUNDS_MAX)
        ask_what_is_missing(v);
    else
        finish(v);
}

static void on_deadline(evutil_socket_t fd, short what, void *data)
{
    struct vouch *v = data;
    struct spf_answer spf;
    if (v->open > 0)
        dns_desk_cancel(v->desk, v);
    v->open = 0;
    bool known = v->n_asked == v->n && !v->too_many;
    v->done(v->data, known && passes(v, &spf) ? spf.domain : STR_EMPTY); /* may free it */
}

/* --- from beginning to end --- */

/* False: no memory. */
static bool keep(struct vouch *v, struct str *text)
{
    *text = pool_str(v->kept, *text);
    return text->s != NULL;
}

static bool copy_request(struct vouch *v, const struct spf_request *from)
{
    v->request = *from;
    return keep(v, &v->request.client_ip) && keep(v, &v->request.helo) &&
           keep(v, &v->request.sender) && keep(v, &v->request.hostname);
}

struct vouch *vouch_ask(struct event_base *base, const struct conf *conf, struct dns_desk *desk,
                        const struct spf_request *request,
                        void (*done)(void *data, struct str domain), void *data)
{
    const struct timeval time = {.tv_sec = conf->resolver.time_per_client};
    struct vouch *v = calloc(1, sizeof *v);
    if (v == NULL)
        return NULL;
    *v = (struct vouch){.desk = desk, .done = done, .data = data};
    evtimer_assign(&v->deadline, base, on_deadline, v);
    v->kept = pool_new(ANSWERS_POOL);
    v->work = pool_new(WORK_POOL);
    if (v->kept == NULL || v->work == NULL || !copy_request(v, request)) {
        vouch_free(&v);
        return NULL;
    }
    loop_wait(&v->deadline, &time);
    run(v);
    return v;
}

void vouch_free(struct vouch **vouch)
{
    struct vouch *v = *vouch;
    *vouch = NULL;
    if (v == NULL)
        return;
    if (v->open > 0)
        dns_desk_cancel(v->desk, v);
    event_del(&v->deadline);
    pool_free(&v->kept);
    pool_free(&v->work);
    free(v);
}
