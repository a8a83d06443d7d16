/*
 * Who taught most of late: each record says who, when and as what. Read from the first to the last,
 * as seldom as a model is refused.
 */
#include <stdlib.h>

#include "bayes/ledger/record.h"

struct teachers {
    struct ledger_teacher list[LEDGER_TEACHERS_MAX];
    size_t n;
};

/* Those beyond the first LEDGER_TEACHERS_MAX are nobody. */
static void count(struct teachers *teachers, struct str name, bool spam)
{
    size_t i = 0;
    while (i < teachers->n && !str_eq(str_of(teachers->list[i].name), name))
        i++;
    if (i == LEDGER_TEACHERS_MAX)
        return;
    struct ledger_teacher *teacher = &teachers->list[i];
    if (i == teachers->n && !str_copy(name, teacher->name, sizeof teacher->name))
        return;
    teachers->n += i == teachers->n;
    ++*(spam ? &teacher->spam : &teacher->ham);
}

/* 0, or a database error. */
static int walk(struct ledger *ledger, int64_t since, struct teachers *teachers, char *room)
{
    DBC *cursor;
    DBT key = {0}, value = dbt_into(room, RECORD_MAX);
    int code = ledger->messages->cursor(ledger->messages, NULL, &cursor, 0);
    if (code != 0)
        return code;
    while ((code = cursor->get(cursor, &key, &value, DB_NEXT)) == 0) {
        struct record record;
        if (ledger_record_decode(str_n(room, value.size), &record) && record.head.when >= since &&
            !(record.head.flags & RECORD_SETTLED))
            count(teachers, record.reporter, record.head.class == LEARN_SPAM);
    }
    cursor->close(cursor);
    return code == DB_NOTFOUND ? 0 : code;
}

int ledger_teacher(struct ledger *ledger, int64_t since, struct ledger_teacher *most,
                   struct err *err)
{
    struct teachers *teachers = calloc(1, sizeof *teachers);
    char *room = malloc(RECORD_MAX);
    int result = -1;
    *most = (struct ledger_teacher){.name = ""};
    if (teachers == NULL || room == NULL) {
        err_set(err, "ledger %s/ledger: out of memory", ledger->folder);
    } else {
        int code = walk(ledger, since, teachers, room);
        result = code ? ledger_db_err(ledger, code, "looking for who taught", err) : 0;
    }
    for (size_t i = 0; result == 0 && i < teachers->n; i++)
        if (teachers->list[i].spam + teachers->list[i].ham > most->spam + most->ham)
            *most = teachers->list[i];
    free(teachers);
    free(room);
    return result;
}
