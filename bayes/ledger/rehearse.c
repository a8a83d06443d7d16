/*
 * Who is rehearsed (model/rehearsal.h), as the ledger keeps it: rehearsal.db has class, slot →
 * { uint64_t digest; packed grams } and is read at opening. In memory it is as in the database
 * once the transaction is over: ledger_rehearsal_keep() or rehearsal_undo() follows each.
 *
 * A step that a message takes again goes into the sum in its own record, and the message that had
 * it taken notes whose it was, and how much. So forgetting either takes it back, once.
 */
#include <errno.h>

#include "bayes/ledger/record.h"

struct slot_key {
    uint8_t bytes[1 + sizeof(uint64_t)];
};

#define MEMBER_MAX (sizeof(uint64_t) + GRAMS_PACKED_BYTES)

static struct slot_key slot_key_of(enum learn_class class, size_t slot)
{
    struct slot_key key = {{(uint8_t) class}};
    uint64_t wire = htobe64((uint64_t)slot);
    memcpy(key.bytes + 1, &wire, sizeof wire);
    return key;
}

bool ledger_member_decode(struct str bytes, uint32_t *grams, struct rehearsal_member *member)
{
    *member = (struct rehearsal_member){.grams = grams};
    if (bytes.n < sizeof member->digest)
        return false;
    memcpy(&member->digest, bytes.s, sizeof member->digest);
    return grams_unpack(str_from(bytes, sizeof member->digest), grams, GRAMS_MAX, &member->n);
}

/* --- reading --- */

/* 0, or a database error. Slots come in their order, without a gap. */
static int member_load(struct ledger *ledger, const struct slot_key *key, struct str bytes)
{
    uint32_t grams[GRAMS_MAX];
    struct rehearsal_member member;
    enum learn_class class = key->bytes[0];
    if (class > LEARN_SPAM)
        return DB_VERIFY_BAD;
    size_t slot = rehearsal_size(ledger->rehearsal, class);
    struct slot_key next = slot_key_of(class, slot);
    if (slot == REHEARSAL_MAX || memcmp(key, &next, sizeof next) != 0 ||
        !ledger_member_decode(bytes, grams, &member))
        return DB_VERIFY_BAD;
    return rehearsal_put(ledger->rehearsal, class, slot, &member, NULL) < 0 ? ENOMEM : 0;
}

int ledger_rehearsal_load(struct ledger *ledger)
{
    DBC *cursor;
    struct slot_key at;
    char bytes[MEMBER_MAX];
    DBT key = dbt_into(&at, sizeof at), value = dbt_into(bytes, sizeof bytes);
    rehearsal_free(&ledger->rehearsal);
    ledger->rehearsal = rehearsal_new(NULL);
    if (ledger->rehearsal == NULL)
        return ENOMEM;
    int code = ledger->rehearsal_db->cursor(ledger->rehearsal_db, NULL, &cursor, 0);
    if (code != 0)
        return code;
    while ((code = cursor->get(cursor, &key, &value, DB_NEXT)) == 0) {
        code = key.size == sizeof at ? member_load(ledger, &at, str_n(bytes, value.size))
                                     : DB_VERIFY_BAD;
        if (code != 0)
            break;
    }
    cursor->close(cursor);
    rehearsal_keep(ledger->rehearsal);
    return code == DB_NOTFOUND ? 0 : code;
}

/* --- who --- */

static int slot_write(struct ledger *ledger, DB_TXN *txn, enum learn_class class, size_t slot,
                      struct err *err)
{
    char array[MEMBER_MAX + 1];
    struct buf bytes = BUF_OVER(array);
    struct slot_key at = slot_key_of(class, slot);
    const struct rehearsal_member *member = rehearsal_at(ledger->rehearsal, class, slot);
    buf_addn(&bytes, &member->digest, sizeof member->digest);
    grams_pack(&bytes, member->grams, member->n);
    DBT key = dbt_of(&at, sizeof at), value = dbt_of(bytes.p, bytes.n);
    int code = ledger->rehearsal_db->put(ledger->rehearsal_db, txn, &key, &value, 0);
    return code ? ledger_db_err(ledger, code, "writing whom to rehearse", err) : 0;
}

int ledger_rehearsal_put(struct ledger *ledger, DB_TXN *txn, enum learn_class class, size_t slot,
                         const struct rehearsal_member *member, struct err *err)
{
    if (rehearsal_put(ledger->rehearsal, class, slot, member, err) < 0)
        return -1;
    return slot_write(ledger, txn, class, slot, err);
}

int ledger_rehearsal_leave(struct ledger *ledger, DB_TXN *txn, enum learn_class class,
                           uint64_t digest, struct err *err)
{
    size_t slot = rehearsal_find(ledger->rehearsal, class, digest);
    if (slot == REHEARSAL_NONE)
        return 0;
    if (rehearsal_remove(ledger->rehearsal, class, slot, err) < 0)
        return -1;
    size_t last = rehearsal_size(ledger->rehearsal, class);
    if (slot < last && slot_write(ledger, txn, class, slot, err) < 0)
        return -1;
    struct slot_key at = slot_key_of(class, last);
    DBT key = dbt_of(&at, sizeof at);
    int code = ledger->rehearsal_db->del(ledger->rehearsal_db, txn, &key, 0);
    return code ? ledger_db_err(ledger, code, "removing whom to rehearse", err) : 0;
}
