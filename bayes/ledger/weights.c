/*
 * The weights of the grams: 4 MB of which each message changes some thousand, all over. They live
 * in memory; ledger/weights-N holds them as they once were, and the totals record names N. What
 * was changed since is found again from steps.db, which holds an entry for each message that was
 * learned, rehearsed or taken back since:
 *
 *   digest → { int32_t taken_back, missing; packed grams }
 *
 * missing: so much of the sum of its steps, whose grams messages.db has, is not in weights-N.
 * taken_back: this step of these grams is in weights-N and is no longer wanted. So a message costs
 * some 20 bytes here and not its grams once more, and the sum is the same in whatever order it is
 * taken. In version 2 `missing` was 1 when all of its step was.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"
#include "bayes/ledger/record.h"
#include "bayes/model/model_format.h"

#define STEPS_MAX     4096 /* entries until the weights are written anew: replayed in 0.1 s */
#define WEIGHTS_MAGIC 0x7374686769657770u /* "pweights" */
#define WEIGHTS_SIZE  (GRAM_WEIGHTS * sizeof(int32_t))
#define WEIGHTS_MODE  0640
#define NAME_MAX_HERE 64

struct weights_header {
    uint64_t magic;
    uint64_t number;
    uint64_t sum; /* model_sum of the weights, begun with the number */
};

struct step_record {
    int32_t taken_back; /* 0: none */
    int32_t missing;
};

#define STEP_MAX (sizeof(struct step_record) + GRAMS_PACKED_BYTES)

static int weights_path(const struct ledger *ledger, uint64_t number, char *out, size_t size,
                        struct err *err)
{
    char name[NAME_MAX_HERE];
    snprintf(name, sizeof name, "ledger/weights-%" PRIu64, number);
    return fsio_join(out, size, ledger->folder, name, err);
}

/* What can't be removed costs only space. */
static void weights_remove(const struct ledger *ledger, uint64_t number)
{
    char path[PATH_MAX];
    if (number && number != UINT64_MAX &&
        weights_path(ledger, number, path, sizeof path, NULL) == 0)
        unlink(path);
}

/* --- reading --- */

static bool weights_valid(const struct weights_header *header, struct str bytes, uint64_t number)
{
    return header->magic == WEIGHTS_MAGIC && header->number == number &&
           header->sum == model_sum(number, bytes.s, bytes.n);
}

/* 0, or a database error. */
static int weights_read(struct ledger *ledger)
{
    char path[PATH_MAX];
    struct err err;
    struct weights_header header;
    struct buf bytes = BUF_INIT(sizeof header + WEIGHTS_SIZE);
    memset(ledger->weights, 0, WEIGHTS_SIZE);
    if (ledger->weights_file == 0)
        return 0;
    errno = 0;
    bool good = weights_path(ledger, ledger->weights_file, path, sizeof path, &err) == 0 &&
                fsio_read_file(path, &bytes, &err) == 0;
    /* A right that is missing is no damage; a file that is missing, or too large, is. */
    int code = good || errno == 0 || errno == ENOENT ? DB_VERIFY_BAD : errno;
    if (good && bytes.n != sizeof header + WEIGHTS_SIZE) {
        err_set(&err, "%s is cut short", path);
        good = false;
    }
    if (good) {
        memcpy(&header, bytes.p, sizeof header);
        good =
            weights_valid(&header, str_from(buf_str(&bytes), sizeof header), ledger->weights_file);
        if (good)
            memcpy(ledger->weights, bytes.p + sizeof header, WEIGHTS_SIZE);
        else
            err_set(&err, "%s is damaged (its checksum does not match)", path);
    }
    buf_release(&bytes);
    if (!good)
        log_error("%s", err.text);
    return good ? 0 : code;
}

/* Steps wrap around as weights do (regression.h). */
static int32_t step_sum(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

static int32_t step_less(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a - (uint32_t)b);
}

static bool packed_apply(int32_t *weights, struct str packed, int32_t step)
{
    uint32_t grams[GRAMS_MAX];
    size_t n;
    if (!grams_unpack(packed, grams, GRAMS_MAX, &n))
        return false;
    regression_apply(weights, grams, n, step);
    return true;
}

static int step_replay(struct ledger *ledger, uint32_t version, uint64_t digest, struct str bytes,
                       struct buf *room)
{
    struct step_record step;
    struct record record;
    struct err err;
    if (bytes.n < sizeof step)
        return DB_VERIFY_BAD;
    memcpy(&step, bytes.s, sizeof step);
    if (!packed_apply(ledger->weights, str_from(bytes, sizeof step), step_less(0, step.taken_back)))
        return DB_VERIFY_BAD;
    if (step.missing == 0)
        return 0;
    if (ledger_record_get(ledger, NULL, digest, room, &record, &err) != 1)
        return DB_VERIFY_BAD;
    int32_t missing = version == 2 ? record.head.gram_step : step.missing;
    return packed_apply(ledger->weights, record.packed, missing) ? 0 : DB_VERIFY_BAD;
}

static int steps_replay(struct ledger *ledger, uint32_t version)
{
    DBC *cursor;
    char bytes[STEP_MAX];
    uint64_t wire;
    struct buf room = BUF_INIT(RECORD_MAX);
    DBT key = dbt_into(&wire, sizeof wire), value = dbt_into(bytes, sizeof bytes);
    ledger->steps_pending = 0;
    int code = ledger->steps->cursor(ledger->steps, NULL, &cursor, 0);
    if (code != 0)
        return code;
    while ((code = cursor->get(cursor, &key, &value, DB_NEXT)) == 0) {
        code = key.size == sizeof wire
                   ? step_replay(ledger, version, be64toh(wire), str_n(bytes, value.size), &room)
                   : DB_VERIFY_BAD;
        if (code != 0)
            break;
        ledger->steps_pending++;
    }
    cursor->close(cursor);
    buf_release(&room);
    return code == DB_NOTFOUND ? 0 : code;
}

int ledger_weights_room(struct ledger *ledger, struct err *err)
{
    if (ledger->weights == NULL)
        ledger->weights = calloc(GRAM_WEIGHTS, sizeof ledger->weights[0]);
    return ledger->weights ? 0 : err_set(err, "ledger %s: out of memory", ledger->folder);
}

int ledger_weights_load(struct ledger *ledger, uint32_t version)
{
    if (ledger_weights_room(ledger, NULL) < 0)
        return ENOMEM;
    int code = weights_read(ledger);
    if (code == 0)
        weights_remove(ledger, ledger->weights_file - 1);
    return code ? code : steps_replay(ledger, version);
}

/* --- noting a step --- */

/* The message's entry, or an empty one. bytes has the grams behind it, and room for them. 1 when
 * there is one, 0, or -1. */
static int step_get(struct ledger *ledger, DB_TXN *txn, uint64_t digest, struct step_record *step,
                    struct buf *bytes, struct err *err)
{
    uint64_t wire = htobe64(digest);
    DBT key = dbt_of(&wire, sizeof wire), value = dbt_into(bytes->p, STEP_MAX);
    *step = (struct step_record){.missing = 0};
    int code = ledger->steps->get(ledger->steps, txn, &key, &value, 0);
    if (code == DB_NOTFOUND)
        buf_addn(bytes, step, sizeof *step);
    if (code != 0)
        return code == DB_NOTFOUND ? 0 : ledger_db_err(ledger, code, "reading a step", err);
    if (value.size < sizeof *step)
        return ledger_contradiction(ledger, "a step's record is malformed", err);
    memcpy(step, bytes->p, sizeof *step);
    bytes->n = value.size;
    return 1;
}

/* known: there is an entry. One that says nothing goes. */
static int step_put(struct ledger *ledger, DB_TXN *txn, uint64_t digest, bool known,
                    const struct step_record *step, const struct buf *bytes, struct err *err)
{
    int code = 0;
    uint64_t wire = htobe64(digest);
    DBT key = dbt_of(&wire, sizeof wire), value = dbt_of(bytes->p, bytes->n);
    memcpy(bytes->p, step, sizeof *step);
    if (step->missing || step->taken_back)
        code = ledger->steps->put(ledger->steps, txn, &key, &value, 0);
    else if (known)
        code = ledger->steps->del(ledger->steps, txn, &key, 0);
    return code ? ledger_db_err(ledger, code, "writing a step", err) : 0;
}

int ledger_weights_note(struct ledger *ledger, DB_TXN *txn, uint64_t digest, int32_t more,
                        struct err *err)
{
    char array[STEP_MAX + 1];
    struct buf bytes = BUF_OVER(array);
    struct step_record step;
    int known = step_get(ledger, txn, digest, &step, &bytes, err);
    if (known < 0)
        return -1;
    step.missing = step_sum(step.missing, more);
    return step_put(ledger, txn, digest, known, &step, &bytes, err);
}

int ledger_weights_note_gone(struct ledger *ledger, DB_TXN *txn, uint64_t digest, int32_t gram_step,
                             struct str packed, struct err *err)
{
    char array[STEP_MAX + 1];
    struct buf bytes = BUF_OVER(array);
    struct step_record step;
    int known = step_get(ledger, txn, digest, &step, &bytes, err);
    if (known < 0)
        return -1;
    int32_t written = step_less(gram_step, step.missing);
    step.missing = 0;
    /* What weights-N has of an earlier time that it was learned, it has nothing of this time. */
    if (written && step.taken_back)
        return ledger_contradiction(ledger, "a message's step is written twice", err);
    if (written) {
        step.taken_back = written;
        buf_cut(&bytes, sizeof step);
        buf_add(&bytes, packed);
    }
    return step_put(ledger, txn, digest, known, &step, &bytes, err);
}

int ledger_weights_noted(struct ledger *ledger, DB_TXN *txn, uint64_t digest, struct err *err)
{
    uint64_t wire = htobe64(digest);
    DBT key = dbt_of(&wire, sizeof wire);
    int code = ledger->steps->exists(ledger->steps, txn, &key, 0);
    if (code != 0 && code != DB_NOTFOUND)
        return ledger_db_err(ledger, code, "reading a step", err);
    return code == 0;
}

/* --- writing --- */

int ledger_weights_write(struct ledger *ledger, uint64_t number, struct err *err)
{
    char path[PATH_MAX];
    const char *bytes = (const char *)ledger->weights;
    struct weights_header header = {WEIGHTS_MAGIC, number, model_sum(number, bytes, WEIGHTS_SIZE)};
    if (weights_path(ledger, number, path, sizeof path, err) < 0)
        return -1;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, WEIGHTS_MODE);
    if (fd < 0)
        return err_sys(err, "cannot create %s", path);
    int result = fsio_pwrite(fd, str_n((const char *)&header, sizeof header), 0, path, err);
    if (result == 0)
        result = fsio_pwrite(fd, str_n(bytes, WEIGHTS_SIZE), sizeof header, path, err);
    if (result == 0 && fsync(fd) < 0)
        result = err_sys(err, "cannot fsync %s", path);
    if (fsio_close(&fd, path, result == 0 ? err : NULL) < 0)
        result = -1;
    if (result < 0) {
        unlink(path);
        return -1;
    }
    *strrchr(path, '/') = '\0';
    return fsio_sync_dir(path, err);
}

static int steps_clear(struct ledger *ledger, const struct ledger_state *state, struct err *err)
{
    DB_TXN *txn;
    u_int32_t count;
    int code = ledger->env->txn_begin(ledger->env, NULL, &txn, 0);
    if (code != 0)
        return ledger_db_err(ledger, code, "beginning a transaction", err);
    code = ledger->steps->truncate(ledger->steps, txn, &count, 0);
    if (code != 0 || ledger_state_put(ledger, txn, state, err) < 0) {
        txn->abort(txn);
        return code ? ledger_db_err(ledger, code, "clearing the steps", err) : -1;
    }
    code = txn->commit(txn, DB_TXN_SYNC);
    return code ? ledger_db_err(ledger, code, "committing", err) : 0;
}

/* The old file goes once no recovery can ask for it any more. */
int ledger_weights_save(struct ledger *ledger, bool always, struct err *err)
{
    struct ledger_state state = ledger_state(ledger);
    uint64_t before = state.weights_file;
    if (ledger->steps_pending < (always ? 1 : STEPS_MAX))
        return 0;
    state.weights_file++;
    if (ledger_weights_write(ledger, state.weights_file, err) < 0 ||
        steps_clear(ledger, &state, err) < 0)
        return -1;
    ledger_state_set(ledger, &state);
    ledger->steps_pending = 0;
    weights_remove(ledger, before);
    return 0;
}
