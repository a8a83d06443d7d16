#include "spool/format.h"

#include <endian.h>

#include "base/crc32c.h"
#include "base/recipient.h"
#include "base/wire.h"
#include "mail/edit_wire.h"

#define HEADER_CRC_AT    60
#define RECORD_CRC_BYTES 16
#define SECTOR           512 /* what a disk writes whole, or not at all */

static const char file_magic[8] = "poterne\n";
static const char record_magic[4] = {'\x01', '\xff', 'R', '\0'};

static void put_u32(char *to, uint32_t v)
{
    v = htole32(v);
    memcpy(to, &v, sizeof v);
}

static uint32_t get_u32(const char *from)
{
    uint32_t v;
    memcpy(&v, from, sizeof v);
    return le32toh(v);
}

void header_put(char bytes[SPOOL_HEADER_SIZE], const struct spool_header *header)
{
    uint64_t length = htole64(header->length);
    memset(bytes, 0, SPOOL_HEADER_SIZE);
    memcpy(bytes, file_magic, sizeof file_magic);
    put_u32(bytes + 8, header->version);
    memcpy(bytes + 16, &length, sizeof length);
    put_u32(bytes + 24, header->crc);
    put_u32(bytes + HEADER_CRC_AT, crc32c(0, str_n(bytes, HEADER_CRC_AT)));
}

bool header_get(struct str bytes, struct spool_header *header)
{
    uint64_t length;
    if (bytes.n < SPOOL_HEADER_SIZE || memcmp(bytes.s, file_magic, sizeof file_magic) != 0 ||
        get_u32(bytes.s + HEADER_CRC_AT) != crc32c(0, str_n(bytes.s, HEADER_CRC_AT)))
        return false;
    header->version = get_u32(bytes.s + 8);
    memcpy(&length, bytes.s + 16, sizeof length);
    header->length = le64toh(length);
    header->crc = get_u32(bytes.s + 24);
    return header->version >= SPOOL_VERSION_PLAIN;
}

static uint32_t record_head_crc(const char *head, uint64_t at)
{
    uint64_t place = htole64(at);
    uint32_t crc = crc32c(0, str_n(head, RECORD_CRC_BYTES));
    return crc32c(crc, str_n((const char *)&place, sizeof place));
}

void record_put(struct buf *out, uint64_t at, enum record_kind kind, struct str payload)
{
    char head[RECORD_HEAD_SIZE];
    memcpy(head, record_magic, sizeof record_magic);
    put_u32(head + 4, kind);
    put_u32(head + 8, (uint32_t)payload.n);
    put_u32(head + 12, crc32c(0, payload));
    put_u32(head + 16, record_head_crc(head, at));
    buf_addn(out, head, sizeof head);
    buf_add(out, payload);
}

static bool record_is_good(struct str bytes, uint64_t at, struct record *record)
{
    if (bytes.n < RECORD_HEAD_SIZE || memcmp(bytes.s, record_magic, sizeof record_magic) != 0 ||
        get_u32(bytes.s + 16) != record_head_crc(bytes.s, at))
        return false;
    record->kind = get_u32(bytes.s + 4);
    record->payload = str_sub(str_from(bytes, RECORD_HEAD_SIZE), 0, get_u32(bytes.s + 8));
    return record->payload.n == get_u32(bytes.s + 8) &&
           crc32c(0, record->payload) == get_u32(bytes.s + 12);
}

/* A payload is read only behind a head that passed its own CRC: no quadratic work. */
static bool good_record_follows(struct str rest, uint64_t at)
{
    const struct str magic = str_n(record_magic, sizeof record_magic);
    struct record record;
    for (;;) {
        size_t next = str_find(str_from(rest, 1), magic);
        if (next == STR_NONE)
            return false;
        rest = str_from(rest, 1 + next);
        at += 1 + next;
        if (record_is_good(rest, at, &record))
            return true;
    }
}

static bool is_zero(struct str bytes)
{
    return bytes.n > 0 && bytes.s[0] == '\0' && memcmp(bytes.s, bytes.s + 1, bytes.n - 1) == 0;
}

/* A cut of power may keep a later append and not all of an earlier one, since nothing orders them:
 * of the earlier one a sector is missing then, which reads as zeros to its end. No record of ours
 * has so many. */
static bool has_hole(struct str rest, uint64_t at)
{
    bool head_is_good = rest.n >= RECORD_HEAD_SIZE &&
                        memcmp(rest.s, record_magic, sizeof record_magic) == 0 &&
                        get_u32(rest.s + 16) == record_head_crc(rest.s, at);
    size_t n = RECORD_HEAD_SIZE + (head_is_good ? (size_t)get_u32(rest.s + 8) : 0);
    size_t step = SECTOR - (size_t)(at % SECTOR);
    for (size_t from = 0; from < n && from < rest.n; from += step, step = SECTOR)
        if (is_zero(str_sub(rest, from, from + step)))
            return true;
    return false;
}

enum record_result record_get(struct str *rest, uint64_t *at, struct record *record)
{
    if (rest->n == 0)
        return RECORD_END;
    if (!record_is_good(*rest, *at, record))
        return !good_record_follows(*rest, *at) ? RECORD_TORN
               : has_hole(*rest, *at)           ? RECORD_LOST
                                                : RECORD_DAMAGED;
    size_t whole = RECORD_HEAD_SIZE + record->payload.n;
    *rest = str_from(*rest, whole);
    *at += whole;
    return RECORD_GOOD;
}

static bool edits_fit(const struct edits *edits, uint64_t message_size)
{
    uint64_t from = 0;
    for (size_t i = 0; i < edits->n; i++) {
        const struct edit *e = &edits->list[i];
        if (e->at < from || e->at > message_size || e->remove > message_size - e->at)
            return false;
        from = e->at + e->remove;
    }
    return edits->n <= EDITS_MAX;
}

static bool asks_for_more(const struct envelope *e)
{
    bool asks = e->envid.n || e->ret || e->requiretls || e->tls_waived;
    for (size_t i = 0; i < e->n_recipients && !asks; i++)
        asks = e->recipients[i].notify != 0;
    return asks;
}

uint32_t envelope_version(const struct envelope *e)
{
    if (e->account.n)
        return SPOOL_VERSION;
    if (asks_for_more(e))
        return SPOOL_VERSION_ASKED;
    if (e->proved)
        return SPOOL_VERSION_PROVED;
    for (size_t i = 0; i < e->n_recipients; i++)
        if (e->recipients[i].sender.n || e->recipients[i].fields.n)
            return SPOOL_VERSION_REDIRECTED;
    return SPOOL_VERSION_PLAIN;
}

static void recipients_put(struct buf *out, const struct envelope *e)
{
    uint32_t version = envelope_version(e);
    wire_u32(out, (uint32_t)e->n_recipients);
    for (size_t i = 0; i < e->n_recipients; i++) {
        const struct spool_recipient *r = &e->recipients[i];
        wire_str(out, r->address);
        wire_str(out, r->how);
        wire_str(out, r->orcpt);
        wire_u32(out, r->state);
        if (version >= SPOOL_VERSION_REDIRECTED) {
            wire_str(out, r->sender);
            wire_str(out, r->fields);
        }
        if (version >= SPOOL_VERSION_ASKED)
            wire_u32(out, r->notify);
    }
}

int envelope_put(struct buf *out, const struct envelope *e, uint64_t message_size, struct err *err)
{
    if (!spool_id_valid(e->id))
        return err_set(err, "an envelope without a valid id");
    if (e->n_recipients == 0 || e->n_recipients > SPOOL_RECIPIENTS_MAX)
        return err_set(err, "%.*s: %zu recipients; 1 to %d can be kept", STR_ARG(e->id),
                       e->n_recipients, SPOOL_RECIPIENTS_MAX);
    if (e->account.n > SPOOL_ACCOUNT_MAX)
        return err_set(err, "%.*s: an account's name of %zu bytes", STR_ARG(e->id), e->account.n);
    if (!edits_fit(&e->edits, message_size))
        return err_set(err, "%.*s: header edits overlap or lie outside the message",
                       STR_ARG(e->id));
    wire_str(out, e->id);
    wire_i64(out, e->time_us);
    wire_str(out, e->client_ip);
    wire_str(out, e->client_name);
    wire_str(out, e->helo);
    wire_str(out, e->protocol);
    wire_str(out, e->sender);
    recipients_put(out, e);
    wire_u8(out, e->smtputf8);
    wire_u8(out, e->eightbit);
    wire_str(out, e->subject);
    wire_str(out, e->message_id);
    wire_str(out, e->verdict);
    wire_f64(out, e->global);
    wire_f64(out, e->heuristics);
    wire_f64(out, e->bayes);
    wire_str(out, e->held);
    wire_str(out, e->evidence);
    edits_put(out, &e->edits);
    if (envelope_version(e) >= SPOOL_VERSION_PROVED)
        wire_u8(out, e->proved);
    if (envelope_version(e) >= SPOOL_VERSION_ASKED) {
        wire_str(out, e->envid);
        wire_u8(out, (uint8_t)e->ret);
        wire_u8(out, e->requiretls);
        wire_u8(out, e->tls_waived);
    }
    if (envelope_version(e) >= SPOOL_VERSION)
        wire_str(out, e->account);
    if (!buf_ok(out))
        return err_set(err, "%.*s: the envelope is larger than %d bytes, or out of memory",
                       STR_ARG(e->id), SPOOL_ENVELOPE_MAX);
    return 0;
}

/* False: no memory. A malformed count leaves w->bad. */
static bool recipients_get(struct wire *w, uint32_t version, struct pool *pool, struct envelope *e)
{
    e->n_recipients = wire_get_u32(w);
    if (e->n_recipients == 0 || e->n_recipients > SPOOL_RECIPIENTS_MAX) {
        w->bad = true;
        return true;
    }
    e->recipients = POOL_ARRAY(pool, e->n_recipients, struct spool_recipient);
    if (e->recipients == NULL)
        return false;
    for (size_t i = 0; i < e->n_recipients; i++) {
        struct spool_recipient *r = &e->recipients[i];
        r->address = wire_get_str(w);
        r->how = wire_get_str(w);
        r->orcpt = wire_get_str(w);
        r->state = wire_get_u32(w);
        if (r->state != RCPT_OWED)
            r->state_time_us = e->time_us;
        if (version >= SPOOL_VERSION_REDIRECTED) {
            r->sender = wire_get_str(w);
            r->fields = wire_get_str(w);
        }
        if (version >= SPOOL_VERSION_ASKED)
            r->notify = wire_get_u32(w);
        w->bad |= (r->notify & ~DSN_NOTIFY) != 0;
    }
    return true;
}

int envelope_get(struct str payload, uint32_t version, uint64_t message_size, struct pool *pool,
                 struct envelope *e, bool *corrupt, struct err *err)
{
    struct wire w = wire_of(payload);
    bool memory = true;
    e->id = wire_get_str(&w);
    e->time_us = wire_get_i64(&w);
    e->client_ip = wire_get_str(&w);
    e->client_name = wire_get_str(&w);
    e->helo = wire_get_str(&w);
    e->protocol = wire_get_str(&w);
    e->sender = wire_get_str(&w);
    memory = recipients_get(&w, version, pool, e);
    e->smtputf8 = wire_get_u8(&w) != 0;
    e->eightbit = wire_get_u8(&w) != 0;
    e->subject = wire_get_str(&w);
    e->message_id = wire_get_str(&w);
    e->verdict = wire_get_str(&w);
    e->global = wire_get_f64(&w);
    e->heuristics = wire_get_f64(&w);
    e->bayes = wire_get_f64(&w);
    e->held = wire_get_str(&w);
    e->evidence = wire_get_str(&w);
    memory = memory && edits_get(&w, pool, &e->edits);
    if (version >= SPOOL_VERSION_PROVED)
        e->proved = wire_get_u8(&w) != 0;
    if (version >= SPOOL_VERSION_ASKED) {
        e->envid = wire_get_str(&w);
        e->ret = wire_get_u8(&w);
        e->requiretls = wire_get_u8(&w) != 0;
        e->tls_waived = wire_get_u8(&w) != 0;
        w.bad |= e->ret >= DSN_RETS;
    }
    if (version >= SPOOL_VERSION) {
        e->account = wire_get_str(&w);
        w.bad |= e->account.n > SPOOL_ACCOUNT_MAX;
    }
    if (!memory)
        return err_set(err, "out of memory for the envelope");
    *corrupt = !wire_done(&w) || !edits_fit(&e->edits, message_size);
    return *corrupt ? err_set(err, "its envelope is malformed") : 0;
}
