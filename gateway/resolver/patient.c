#include "gateway/resolver/patient.h"

#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"
#include "gateway/resolver/client.h"

void patient_open(struct patient *patient, const char *run_dir)
{
    const struct resolver_budget budget = {.kind = RESOLVER_LASTING};
    struct err err;
    *patient = (struct patient){.message = BUF_INIT(IPC_MSG_MAX)};
    patient->fd = resolver_connect(run_dir, &budget, &err);
    if (patient->fd < 0)
        log_warning("the resolver: %s", err.text);
}

void patient_close(struct patient *patient)
{
    fsio_close_quiet(&patient->fd);
    buf_release(&patient->message);
}

/* Those that can be asked; how many. They have the numbers behind patient->number, in order. */
static int send_questions(struct patient *p, struct dns_query *list, size_t n, struct err *err)
{
    int open = 0;
    buf_clear(&p->message);
    for (size_t i = 0; i < n; i++) {
        if (list[i].status != DNS_ASKED_NOT)
            continue;
        if (!dns_name_ok(list[i].name)) {
            list[i].status = DNS_BAD_NAME;
            continue;
        }
        resolver_question_put(&p->message, p->number + 1 + (uint32_t)i, list[i].type, list[i].name);
        open++;
    }
    if (open == 0)
        return 0;
    int sent = buf_ok(&p->message) ? ipc_send(p->fd, buf_str(&p->message), NULL, err)
                                   : err_set(err, "too many questions at once");
    return sent == 1 ? open : sent == 0 ? err_set(err, "it is too busy") : -1;
}

static int take_answer(struct patient *p, struct pool *pool, struct dns_query *list, size_t n,
                       int64_t end, struct err *err)
{
    struct resolver_answer answer;
    int64_t left = end - clock_ms();
    int ready = left > 0 ? ipc_wait(p->fd, false, (int)left, err) : 0;
    if (ready <= 0)
        return ready == 0 ? err_set(err, "no answer within %d s", PATIENT_MS / 1000) : -1;
    int got = ipc_recv(p->fd, &p->message, NULL, err);
    if (got == IPC_EOF)
        return err_set(err, "it has gone");
    if (got < 0)
        return -1;
    if (!resolver_answer_get(buf_str(&p->message), pool, &answer) || answer.number <= p->number ||
        answer.number - p->number > n)
        return err_set(err, "malformed answer, or no memory for it");
    resolver_answer_fill(&answer, &list[answer.number - p->number - 1]);
    return 0;
}

static void ask(void *data, struct pool *pool, struct dns_query *list, size_t n)
{
    struct patient *p = data;
    struct err err = {""};
    size_t now = n < DNS_QUESTIONS_MAX ? n : DNS_QUESTIONS_MAX;
    int open = p->fd >= 0 ? send_questions(p, list, now, &err) : 0;
    int64_t end = clock_ms() + PATIENT_MS;
    int result = open < 0 ? -1 : 0;
    while (result == 0 && open-- > 0)
        result = take_answer(p, pool, list, now, end, &err);
    if (result < 0) {
        log_warning("the resolver: %s", err.text);
        fsio_close_quiet(&p->fd); /* what comes late would answer another question */
    }
    p->number += (uint32_t)now;
    for (size_t i = 0; i < n; i++)
        if (list[i].status == DNS_ASKED_NOT)
            list[i].status = DNS_TEMP_FAILED;
}

struct dns_source patient_source(struct patient *patient)
{
    return (struct dns_source){.ask = ask, .data = patient};
}
