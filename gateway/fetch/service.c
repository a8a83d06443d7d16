#include "gateway/fetch/service.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"
#include "gateway/fetch/askers.h"
#include "gateway/loop.h"
#include "gateway/resolver/desk.h"

#define ADDRESSES_TEXT (WEB_ADDRESSES_MAX * (INET6_ADDRSTRLEN + 4))
#define SECRET_MAX     1024
#define WHY            300

static const enum dns_type questions[] = {DNS_A, DNS_AAAA};
#define N_QUESTIONS (sizeof questions / sizeof questions[0])

/* One request. */
struct job {
    struct job *prev, *next;
    struct service *service;
    struct asker *asker;
    struct fetch_request request; /* its texts are in `bytes` */
    struct place place;
    struct buf bytes;
    char type[FETCH_TYPE_MAX + 1];
    int64_t until_ms;
    struct event deadline;
    unsigned asked; /* questions to the DNS that are open */
    bool unknown;   /* one of them has no answer now */
    bool refused;   /* an address was left out for outside.never_to */
    size_t n_addresses;
    char addresses[ADDRESSES_TEXT];
    struct transfer *transfer;
};

struct service {
    const struct conf *conf;
    struct event_base *base;
    struct web *web;
    struct networks never_to;
    struct place introspection;
    char *user, *password; /* there, in the form of RFC 6749 2.3.1; NULL: nobody */
    struct askers *askers;
    struct dns_desk *dns; /* NULL: it is not asked */
    struct event tick;
    struct job *first;
    size_t n_open, n_strangers;
    struct buf reply;
};

/* --- a request's end --- */

static void job_free(struct job *job)
{
    struct service *s = job->service;
    if (s->dns && job->asked)
        dns_desk_cancel(s->dns, job);
    event_del(&job->deadline);
    web_end(&job->transfer);
    if (job->bytes.p)
        explicit_bzero(job->bytes.p, job->bytes.n);
    buf_release(&job->bytes);
    if (job->prev)
        job->prev->next = job->next;
    else
        s->first = job->next;
    if (job->next)
        job->next->prev = job->prev;
    s->n_open--;
    s->n_strangers -= job->request.target == FETCH_STRANGER;
    --*asker_open(job->asker);
    free(job);
}

static void send_answer(struct service *s, struct asker *asker, const struct fetch_answer *answer)
{
    buf_clear(&s->reply);
    fetch_answer_put(&s->reply, answer);
    if (buf_ok(&s->reply))
        asker_send(asker, buf_str(&s->reply));
    else
        asker_cut_off(asker, "no memory for its answer");
    if (s->reply.p)
        explicit_bzero(s->reply.p, s->reply.n);
}

static void refuse(struct service *s, struct asker *asker, uint32_t number,
                   enum fetch_result result, const char *why)
{
    send_answer(s, asker,
                &(struct fetch_answer){.number = number, .result = result, .note = str_of(why)});
}

/* The job is gone afterwards; its asker may be, too. */
static void job_answer(struct job *job, const struct fetch_answer *found)
{
    struct fetch_answer answer = *found;
    struct asker *asker = job->asker;
    answer.number = job->request.number;
    log_debug("fetch %s: %s%s%.*s", job->place.host, fetch_result_name(answer.result),
              answer.note.n ? ": " : "", STR_ARG(answer.note));
    send_answer(job->service, asker, &answer);
}

static void job_end(struct job *job, const struct fetch_answer *answer)
{
    struct service *s = job->service;
    struct job *still = NULL;
    job_answer(job, answer);
    for (still = s->first; still && still != job; still = still->next)
        ;
    if (still) /* his asker has not gone meanwhile, which ends his jobs */
        job_free(job);
}

static void job_fail(struct job *job, enum fetch_result result, const char *why)
{
    job_end(job, &(struct fetch_answer){.result = result, .note = str_of(why)});
}

static void on_deadline(evutil_socket_t fd, short what, void *data)
{
    struct job *job = data;
    job_fail(job, FETCH_TIMEOUT,
             job->asked ? "the DNS has not answered in time" : "no answer in time");
}

/* --- the transfer --- */

static void on_done(void *data, const struct fetch_answer *answer)
{
    job_end(data, answer);
}

static void begin_transfer(struct job *job)
{
    struct service *s = job->service;
    bool stranger = job->request.target == FETCH_STRANGER;
    const struct web_request request = {
        .place = &job->place,
        .never_to = stranger ? &s->never_to : NULL,
        .addresses = job->addresses,
        .method = job->request.method,
        .type = job->request.type,
        .body = job->request.body,
        .user = stranger ? NULL : s->user,
        .password = stranger ? NULL : s->password,
        .answer_max = job->request.answer_max,
        .milliseconds = FETCH_TIME_MAX, /* our own deadline is the earlier one */
    };
    job->transfer = web_start(s->web, &request, on_done, job);
    if (job->transfer == NULL)
        job_fail(job, FETCH_BUSY, "out of memory");
}

/* --- its addresses --- */

static void take_address(struct job *job, const struct dns_record *record)
{
    char text[INET6_ADDRSTRLEN];
    bool four = record->data.n == sizeof(struct in_addr);
    size_t used = strlen(job->addresses);
    if (!four && record->data.n != sizeof(struct in6_addr))
        return;
    if (inet_ntop(four ? AF_INET : AF_INET6, record->data.s, text, sizeof text) == NULL)
        return;
    if (job->request.target == FETCH_STRANGER &&
        networks_hold(&job->service->never_to, str_of(text))) {
        job->refused = true;
        return;
    }
    if (job->n_addresses == WEB_ADDRESSES_MAX)
        return;
    snprintf(job->addresses + used, sizeof job->addresses - used, "%s%s%s%s", used ? "," : "",
             four ? "" : "[", text, four ? "" : "]");
    job->n_addresses++;
}

static void addresses_known(struct job *job)
{
    if (job->n_addresses > 0)
        begin_transfer(job);
    else if (job->refused)
        job_fail(job, FETCH_FORBIDDEN, "its addresses are in outside.never_to");
    else if (job->unknown)
        job_fail(job, FETCH_DNS_FAILED, "the DNS does not say its address now");
    else
        job_fail(job, FETCH_NO_HOST, "the DNS has no address for it");
}

static void on_address(void *asker, uint32_t ticket, const struct resolver_answer *answer)
{
    struct job *job = asker;
    for (size_t i = 0; i < answer->n; i++)
        take_address(job, &answer->records[i]);
    job->unknown |= answer->status == DNS_TEMP_FAILED || answer->status == DNS_BOGUS;
    if (--job->asked == 0)
        addresses_known(job);
}

static void ask_addresses(struct job *job)
{
    struct dns_desk *dns = job->service->dns;
    struct str name = str_of(job->place.host);
    for (uint32_t i = 0; i < N_QUESTIONS; i++) {
        bool asked = dns && dns_desk_ask(dns, questions[i], name, on_address, job, i);
        job->asked += asked;
        job->unknown |= !asked;
    }
    if (job->asked == 0)
        job_fail(job, FETCH_DNS_FAILED,
                 dns ? "the resolver can't be asked" : "resolver.enabled is no");
}

/* --- a request's beginning --- */

static bool has_room(const struct service *s, const struct place *place, bool stranger)
{
    size_t same = 0;
    for (const struct job *job = s->first; job && stranger; job = job->next)
        same += job->request.target == FETCH_STRANGER && strcmp(job->place.host, place->host) == 0;
    if (s->n_open >= SERVICE_OPEN_MAX)
        return false;
    return stranger ? s->n_strangers < SERVICE_STRANGERS_MAX && same < SERVICE_HOST_MAX
                    : s->n_open - s->n_strangers < SERVICE_OWN_MAX;
}

/* The body outlives the message that brought it. NULL: no memory. */
static struct job *job_new(struct service *s, struct asker *asker,
                           const struct fetch_request *request, const struct place *place)
{
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return NULL;
    *job = (struct job){.service = s, .asker = asker, .request = *request, .place = *place};
    buf_init(&job->bytes, FETCH_BODY_MAX);
    char *room = request->body.n ? buf_room(&job->bytes, request->body.n) : NULL;
    if (request->body.n && room == NULL) {
        free(job);
        return NULL;
    }
    buf_add(&job->bytes, request->body);
    str_copy(request->type, job->type, sizeof job->type);
    job->request.body = buf_str(&job->bytes);
    job->request.type = str_of(job->type);
    job->request.url = STR_EMPTY;
    job->next = s->first;
    if (s->first)
        s->first->prev = job;
    s->first = job;
    s->n_open++;
    s->n_strangers += request->target == FETCH_STRANGER;
    ++*asker_open(asker);
    evtimer_assign(&job->deadline, s->base, on_deadline, job);
    return job;
}

static void job_begin(struct job *job)
{
    uint32_t ms = job->request.milliseconds;
    struct timeval wait = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
    loop_wait(&job->deadline, &wait);
    if (job->place.is_address)
        begin_transfer(job);
    else
        ask_addresses(job);
}

static void on_message(void *data, struct asker *asker, struct str message)
{
    struct service *s = data;
    struct fetch_request request;
    struct place place = s->introspection;
    struct err err = {""};
    if (!fetch_request_get(message, &request)) {
        asker_cut_off(asker, "malformed request");
        return;
    }
    bool stranger = request.target == FETCH_STRANGER;
    if (!stranger && place.host[0] == '\0') {
        refuse(s, asker, request.number, FETCH_BAD_URL, "oauth.introspection is not set");
        return;
    }
    if (stranger &&
        url_read_stranger(request.url, (uint16_t)s->conf->fetch.port, &place, &err) < 0) {
        refuse(s, asker, request.number, FETCH_BAD_URL, err.text);
        return;
    }
    struct job *job = has_room(s, &place, stranger) ? job_new(s, asker, &request, &place) : NULL;
    if (job)
        job_begin(job);
    else
        refuse(s, asker, request.number, FETCH_BUSY, "too many requests are open");
}

static void on_gone(void *data, struct asker *asker)
{
    struct service *s = data;
    struct job *next;
    for (struct job *job = s->first; job; job = next) {
        next = job->next;
        if (job->asker == asker)
            job_free(job);
    }
}

/* --- beginning and end --- */

/* "id:secret" of RFC 6749 2.3.1 are form-urlencoded each, before Basic is made of them. */
static int load_client(struct service *s, struct err *err)
{
    const struct conf_oauth *conf = &s->conf->oauth;
    struct buf file = BUF_INIT(SECRET_MAX);
    if (*conf->client_id == '\0')
        return 0;
    int result =
        conf->client_secret_file ? fsio_read_file(conf->client_secret_file, &file, err) : 0;
    if (result == 0) {
        struct str secret = str_trim(buf_str(&file));
        s->user = curl_easy_escape(NULL, conf->client_id, 0);
        s->password = secret.n ? curl_easy_escape(NULL, secret.s, (int)secret.n)
                               : curl_easy_escape(NULL, "", 0);
        if (s->user == NULL || s->password == NULL)
            result = err_set(err, "out of memory");
    } else {
        err_prefix(err, "oauth.client_secret_file");
    }
    if (file.p)
        explicit_bzero(file.p, file.n);
    buf_release(&file);
    return result;
}

static int load_introspection(struct service *s, struct err *err)
{
    struct str url = str_of(s->conf->oauth.introspection);
    if (url.n == 0)
        return 0;
    if (url_read_own(url, &s->introspection, err) < 0)
        return err_prefix(err, "oauth.introspection");
    return load_client(s, err);
}

struct service *service_new(const struct conf *conf, struct event_base *base, struct err *err)
{
    struct service *s = calloc(1, sizeof *s);
    if (s == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    *s = (struct service){.conf = conf, .base = base};
    buf_init(&s->reply, IPC_MSG_MAX);
    s->web = web_open(conf, base, err);
    if (s->web == NULL || networks_load(&conf->outside.never_to, &s->never_to, err) < 0 ||
        load_introspection(s, err) < 0)
        service_free(&s);
    return s;
}

static void on_tick(evutil_socket_t fd, short what, void *data)
{
    struct service *s = data;
    askers_tick(s->askers);
    if (s->dns)
        dns_desk_tick(s->dns);
}

int service_start(struct service *s, int listen_fd, struct err *err)
{
    const struct timeval second = {.tv_sec = 1};
    const struct askers_hooks hooks = {.message = on_message, .gone = on_gone, .data = s};
    s->dns = s->conf->resolver.enabled ? dns_desk_open(s->base, s->conf->run_dir, err) : NULL;
    if (s->conf->resolver.enabled && s->dns == NULL)
        return -1;
    s->askers = askers_open(s->base, listen_fd, &hooks, err);
    if (s->askers == NULL)
        return -1;
    event_assign(&s->tick, s->base, -1, EV_PERSIST, on_tick, s);
    return loop_add(&s->tick, &second, err);
}

void service_drain(struct service *s)
{
    askers_drain(s->askers);
}

bool service_busy(struct service *s)
{
    askers_end_idle(s->askers);
    return askers_count(s->askers) > 0;
}

static void wipe(char **secret)
{
    if (*secret)
        explicit_bzero(*secret, strlen(*secret));
    curl_free(*secret);
    *secret = NULL;
}

void service_free(struct service **service)
{
    struct service *s = *service;
    *service = NULL;
    if (s == NULL)
        return;
    if (s->askers) {
        event_del(&s->tick);
        askers_close(&s->askers);
    }
    dns_desk_close(&s->dns);
    web_close(&s->web);
    networks_free(&s->never_to);
    wipe(&s->user);
    wipe(&s->password);
    buf_release(&s->reply);
    free(s);
}
