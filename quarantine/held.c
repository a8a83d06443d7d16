#include "quarantine/held.h"

#include <jansson.h>

#include "quarantine/quarantine.h"

static const char *const class_names[HELD_CLASSES] = {
    [HELD_VIRUS] = "virus",
    [HELD_BANNED] = "banned",
    [HELD_UNSCANNABLE] = "unscannable",
    [HELD_POLICY] = "policy",
    [HELD_UNDELIVERABLE] = "undeliverable",
};

const char *held_class_name(enum held_class class)
{
    return class_names[class];
}

bool held_class_find(struct str name, enum held_class *class)
{
    for (size_t i = 0; i < HELD_CLASSES; i++)
        if (str_ieq(name, str_of(class_names[i]))) {
            *class = (enum held_class)i;
            return true;
        }
    return false;
}

unsigned held_keep(const struct conf *conf, enum held_class class)
{
    const struct conf_quarantine *q = &conf->quarantine;
    const unsigned keep[HELD_CLASSES] = {[HELD_VIRUS] = q->keep_virus,
                                         [HELD_BANNED] = q->keep_banned,
                                         [HELD_UNSCANNABLE] = q->keep_unscannable,
                                         [HELD_POLICY] = q->keep_policy,
                                         [HELD_UNDELIVERABLE] = q->keep_undeliverable};
    return keep[class];
}

/* --- why --- */

static enum held_class class_of_verdict(struct str verdict)
{
    if (str_eq(verdict, STR("infected")))
        return HELD_VIRUS;
    if (str_eq(verdict, STR("banned")))
        return HELD_BANNED;
    if (str_eq(verdict, STR("unscannable")))
        return HELD_UNSCANNABLE;
    return HELD_POLICY;
}

/* A released copy that the next hop refused is held for another reason than the others. */
static enum held_class class_for(const struct envelope *envelope,
                                 const struct spool_recipient *recipient)
{
    struct str held = str_sub(envelope->held, 0, SPOOL_DETAIL_MAX);
    struct str reason = str_sub(quarantine_reason(envelope, recipient), 0, SPOOL_DETAIL_MAX);
    bool later = envelope->held_later || !str_eq(reason, held);
    return later ? HELD_UNDELIVERABLE : class_of_verdict(envelope->verdict);
}

/* The gravest reason among the recipients is the message's. */
static void take_reason(const struct envelope *envelope, struct held *held)
{
    held->class = HELD_UNDELIVERABLE;
    held->reason = envelope->held;
    held->since_us = envelope->time_us;
    bool first = true;
    for (size_t i = 0; i < envelope->n_recipients; i++) {
        const struct spool_recipient *r = &envelope->recipients[i];
        if (!quarantine_holds(r))
            continue;
        enum held_class class = class_for(envelope, r);
        if (first || class < held->class) {
            held->class = class;
            held->reason = quarantine_reason(envelope, r);
        }
        /* what edge held and somebody marks now is not held from now on */
        if (class == HELD_UNDELIVERABLE && r->state_time_us > held->since_us)
            held->since_us = r->state_time_us;
        first = false;
    }
}

static int take_recipients(const struct envelope *envelope, struct pool *pool, struct held *held)
{
    held->recipients = POOL_ARRAY(pool, envelope->n_recipients, struct held_recipient);
    if (held->recipients == NULL)
        return -1;
    held->n_recipients = envelope->n_recipients;
    for (size_t i = 0; i < envelope->n_recipients; i++) {
        const struct spool_recipient *r = &envelope->recipients[i];
        held->recipients[i] =
            (struct held_recipient){r->address,
                                    quarantine_holds(r) ? (unsigned)RCPT_HELD : r->state};
    }
    return 0;
}

/* --- what the engines said --- */

static struct str text_of(json_t *object, const char *name, struct pool *pool)
{
    json_t *text = json_object_get(object, name);
    struct str copy = json_is_string(text)
                          ? pool_str(pool, str_n(json_string_value(text), json_string_length(text)))
                          : STR_EMPTY;
    return copy.s ? copy : STR_EMPTY;
}

static int take_answers(struct str evidence, struct pool *pool, struct held *held)
{
    json_error_t error;
    held->answers = POOL_ARRAY(pool, HELD_ANSWERS_MAX, struct held_answer);
    if (held->answers == NULL)
        return -1;
    json_t *object = json_loadb(evidence.n ? evidence.s : "", evidence.n, 0, &error);
    json_t *list = json_object_get(object, "antivirus");
    json_t *answer;
    size_t i;
    json_array_foreach(list, i, answer)
    {
        const struct held_answer said = {.engine = text_of(answer, "engine", pool),
                                         .result = text_of(answer, "result", pool),
                                         .name = text_of(answer, "name", pool)};
        if (said.engine.n && !str_eq(said.result, STR("clean")) &&
            held->n_answers < HELD_ANSWERS_MAX)
            held->answers[held->n_answers++] = said;
    }
    json_decref(object);
    return 0;
}

int held_read(const struct spool_file *file, struct pool *pool, struct held *held, struct err *err)
{
    const struct envelope *e = &file->envelope;
    *held = (struct held){.id = e->id,
                          .time_us = e->time_us,
                          .sender = e->sender,
                          .client_ip = e->client_ip,
                          .client_name = e->client_name,
                          .helo = e->helo,
                          .subject = e->subject,
                          .message_id = e->message_id,
                          .verdict = e->verdict,
                          .size = file->size,
                          .file_size = file->records_end,
                          .journaled = file->journaled};
    if (take_recipients(e, pool, held) < 0 || take_answers(e->evidence, pool, held) < 0)
        return err_set(err, "%.*s: out of memory", STR_ARG(e->id));
    take_reason(e, held);
    return 0;
}

const struct held_answer *held_finding(const struct held *held)
{
    static const char *const order[] = {"infected", "banned", "unscannable", "failed"};
    for (size_t k = 0; k < sizeof order / sizeof order[0]; k++)
        for (size_t i = 0; i < held->n_answers; i++)
            if (str_eq(held->answers[i].result, str_of(order[k])))
                return &held->answers[i];
    return NULL;
}
