#include "bayes/ledger/record.h"

static void head_of_1(struct str bytes, struct message_record *head)
{
    struct message_record_1 old;
    memcpy(&old, bytes.s, sizeof old);
    *head = (struct message_record){.mark = RECORD_MARK,
                                    .class = (uint8_t)old.class,
                                    .kind = LEARN_BY_BULK,
                                    .n = old.n,
                                    .when = old.learned};
}

/* Bytes before the tokens, by the mark; 0: none of ours. */
static size_t head_size(uint32_t mark)
{
    switch (mark) {
    case LEARN_HAM:
    case LEARN_SPAM:
        return sizeof(struct message_record_1);
    case RECORD_MARK_2:
        return MESSAGE_RECORD_2_SIZE;
    case RECORD_MARK:
        return sizeof(struct message_record);
    default:
        return 0;
    }
}

/* Bytes before the tokens; 0: malformed. */
static size_t head_read(struct str bytes, struct message_record *head)
{
    *head = (struct message_record){.mark = 0};
    if (bytes.n < sizeof head->mark)
        return 0;
    memcpy(&head->mark, bytes.s, sizeof head->mark);
    size_t size = head_size(head->mark);
    if (size == 0 || bytes.n < size)
        return 0;
    if (head->mark <= LEARN_SPAM)
        head_of_1(bytes, head);
    else
        memcpy(head, bytes.s, size);
    if (head->class > LEARN_SPAM || head->kind > LEARN_BY_SENT || head->n > FEATURES_MAX ||
        head->packed > GRAMS_PACKED_BYTES || head->reporter > LEARN_REPORTER_MAX)
        return 0;
    return size;
}

bool ledger_record_head(struct str bytes, struct message_record *head)
{
    return head_read(bytes, head) != 0;
}

bool ledger_record_decode(struct str bytes, struct record *record)
{
    *record = (struct record){.tokens = NULL};
    size_t at = head_read(bytes, &record->head);
    const struct message_record *head = &record->head;
    struct str rest = str_from(bytes, at);
    size_t tokens = head->n * sizeof(uint64_t);
    if (at == 0 || rest.n != tokens + head->packed + head->reporter)
        return false;
    record->tokens = (const void *)rest.s;
    record->packed = str_sub(rest, tokens, tokens + head->packed);
    record->reporter = str_from(rest, tokens + head->packed);
    return true;
}

void ledger_record_encode(const struct record *record, struct buf *out)
{
    struct message_record head = record->head;
    head.mark = RECORD_MARK;
    head.packed = (uint32_t)record->packed.n;
    head.reporter = (uint32_t)record->reporter.n;
    buf_clear(out);
    buf_addn(out, &head, sizeof head);
    buf_addn(out, record->tokens, head.n * sizeof(uint64_t));
    buf_add(out, record->packed);
    buf_add(out, record->reporter);
}

int ledger_record_get(struct ledger *ledger, DB_TXN *txn, uint64_t digest, struct buf *room,
                      struct record *record, struct err *err)
{
    uint64_t wire = htobe64(digest);
    buf_clear(room);
    char *into = buf_room(room, RECORD_MAX);
    if (into == NULL)
        return err_set(err, "ledger %s/ledger: out of memory", ledger->folder);
    DBT key = dbt_of(&wire, sizeof wire), value = dbt_into(into, RECORD_MAX);
    int code = ledger->messages->get(ledger->messages, txn, &key, &value, 0);
    if (code == DB_NOTFOUND)
        return 0;
    if (code != 0 && code != DB_BUFFER_SMALL)
        return ledger_db_err(ledger, code, "reading a message", err);
    if (code == DB_BUFFER_SMALL || !ledger_record_decode(str_n(into, value.size), record))
        return ledger_contradiction(ledger, "a message's record is malformed", err);
    return 1;
}

int ledger_record_put(struct ledger *ledger, DB_TXN *txn, uint64_t digest,
                      const struct record *record, struct buf *room, struct err *err)
{
    uint64_t wire = htobe64(digest);
    ledger_record_encode(record, room);
    if (!buf_ok(room))
        return err_set(err, "ledger %s/ledger: out of memory", ledger->folder);
    DBT key = dbt_of(&wire, sizeof wire), value = dbt_of(room->p, room->n);
    int code = ledger->messages->put(ledger->messages, txn, &key, &value, 0);
    return code ? ledger_db_err(ledger, code, "writing a message", err) : 0;
}

int ledger_record_del(struct ledger *ledger, DB_TXN *txn, uint64_t digest, struct err *err)
{
    uint64_t wire = htobe64(digest);
    DBT key = dbt_of(&wire, sizeof wire);
    int code = ledger->messages->del(ledger->messages, txn, &key, 0);
    return code ? ledger_db_err(ledger, code, "removing a message", err) : 0;
}
