/* What stands in a file: round trip, and every way in which it can be damaged. */
#include "t/unit/spool_fixture.h"

#include <errno.h>

#include "base/crc32c.h"
#include "base/recipient.h"
#include "base/wire.h"
#include "spool/format.h"
#include "spool/notice.h"

enum { OWED, DEFERRED, DELIVERED, HELD };

static void crc_is_castagnoli(void **state)
{
    char bytes[257];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7);
    assert_int_equal(crc32c(0, STR("123456789")), 0xe3069283u);
    assert_int_equal(crc32c_portable(0, STR("123456789")), 0xe3069283u);
    for (size_t n = 0; n <= sizeof bytes; n++)
        assert_int_equal(crc32c(7, str_n(bytes, n)), crc32c_portable(7, str_n(bytes, n)));
    assert_int_equal(crc32c(crc32c(0, STR("1234")), STR("56789")), 0xe3069283u);
}

static void ids_sort_by_time_and_are_checked(void **state)
{
    char a[SPOOL_ID_LEN + 1], b[SPOOL_ID_LEN + 1];
    spool_id_make(a);
    usleep(2000);
    spool_id_make(b);
    assert_true(spool_id_valid(str_of(a)));
    assert_true(strcmp(a, b) < 0);
    assert_false(spool_id_valid(STR("")));
    assert_false(spool_id_valid(STR("../../../../../../etc/pass")));
    assert_false(spool_id_valid(STR("01ARZ3NDEKTSV4RRFFQ69G5FA")));
    assert_false(spool_id_valid(STR("81ARZ3NDEKTSV4RRFFQ69G5FAV")));
    assert_false(spool_id_valid(STR("01ARZ3NDEKTSV4RRFFQ69G5FAI")));
    assert_true(spool_id_valid(STR("01ARZ3NDEKTSV4RRFFQ69G5FAV")));
}

static void comes_back_as_it_went_in(void **state)
{
    struct fixture *f = *state;
    struct spool_file *file;
    put_sample(f, SPOOL_QUEUE);
    assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 0);
    const struct envelope *e = &file->envelope;
    assert_str(e->id, f->id);
    assert_true(e->time_us == 1790000000123456);
    assert_str(e->client_ip, "192.0.2.1");
    assert_str(e->client_name, "mx.shop.example");
    assert_str(e->helo, "shop");
    assert_str(e->protocol, "ESMTPS");
    assert_str(e->sender, "news@shop.example");
    assert_int_equal(e->n_recipients, 2);
    assert_str(e->recipients[0].address, "jean.toto@univ.example");
    assert_str(e->recipients[0].how, "file staff");
    assert_str(e->recipients[0].orcpt, "rfc822;jean");
    assert_str(e->recipients[1].address, "x@univ.example");
    assert_int_equal(e->recipients[1].state, OWED);
    assert_true(e->smtputf8 && !e->eightbit);
    assert_str(e->subject, "hello");
    assert_str(e->message_id, "<1@shop.example>");
    assert_str(e->verdict, "ham");
    assert_true(e->global == 2.5 && e->heuristics == -0.5 && e->bayes == 3.0);
    assert_str(e->held, "");
    assert_str(e->evidence, "{\"a\":1}");
    assert_int_equal(e->edits.n, 2);
    assert_str(e->edits.list[0].insert, "X-Poterne-Id: 1\r\n");
    assert_int_equal(e->edits.list[1].at, 16);
    assert_int_equal(e->edits.list[1].remove, 17);

    struct buf body = BUF_INIT(1000);
    assert_int_equal(file->size, strlen(sample_body));
    assert_int_equal(fsio_pread(file->fd, &body, file->size, SPOOL_HEADER_SIZE, "message", &f->err),
                     0);
    assert_str(buf_str(&body), sample_body);
    buf_release(&body);
    spool_unload(&file);
    assert_null(file);
}

/* Only a file that needs it is of the newer version. */
static void senders_and_fields_of_their_own_come_back(void **state)
{
    struct fixture *f = *state;
    for (uint32_t version = 1; version <= SPOOL_VERSION; version++) {
        spool_id_make(f->id);
        struct spool_writer *w = spool_receive(f->spool, f->id, &f->err);
        struct envelope e = sample_envelope(f->id);
        struct spool_file *file;
        char path[256], head[12];
        bool corrupt;
        e.recipients[0].state = RCPT_REDIRECTED;
        if (version >= 2) {
            e.recipients[1].sender = STR("SRS0=x@univ.example");
            e.recipients[1].fields = STR("Delivered-To: jean.toto@univ.example\r\n");
        }
        e.proved = version == 3;
        if (version == 4) {
            e.envid = STR("QQ+2B1");
            e.ret = DSN_RET_HDRS;
            e.requiretls = true;
            e.tls_waived = true;
            e.recipients[1].notify = DSN_SUCCESS | DSN_DELAY;
        }
        if (version == 5)
            e.account = STR("m\xc3\xbcller@univ.example");
        assert_int_equal(spool_write(w, str_of(sample_body), &f->err), 0);
        assert_int_equal(spool_commit(&w, &e, SPOOL_QUEUE, &f->err), 0);
        assert_int_equal(spool_load(f->spool, SPOOL_QUEUE, f->id, f->pool, &file, &corrupt,
                                    &f->err),
                         0);
        const struct spool_recipient *r = file->envelope.recipients;
        assert_int_equal(r[0].state, RCPT_REDIRECTED);
        assert_true(r[0].state_time_us == e.time_us);
        assert_int_equal(r[0].sender.n + r[0].fields.n, 0);
        assert_str(spool_sender(&file->envelope, &r[0]), "news@shop.example");
        assert_str(spool_sender(&file->envelope, &r[1]),
                   version >= 2 ? "SRS0=x@univ.example" : "news@shop.example");
        assert_int_equal(file->envelope.proved, version == 3);
        assert_int_equal(r[1].fields.n, e.recipients[1].fields.n);
        assert_str(file->envelope.envid, version == 4 ? "QQ+2B1" : "");
        assert_int_equal(file->envelope.ret, e.ret);
        assert_int_equal(file->envelope.requiretls, version == 4);
        assert_int_equal(file->envelope.tls_waived, version == 4);
        assert_int_equal(r[0].notify, 0);
        assert_int_equal(r[1].notify, e.recipients[1].notify);
        assert_str(file->envelope.account, version == 5 ? "m\xc3\xbcller@univ.example" : "");
        spool_unload(&file);
        path_of(f, "queue", path, sizeof path);
        int fd = open(path, O_RDONLY);
        assert_int_equal(read(fd, head, sizeof head), sizeof head);
        close(fd);
        assert_int_equal(head[8], version);
    }
}

/* Its CRC is good: somebody wrote it so. */
static void write_version(struct fixture *f, uint32_t version)
{
    struct buf bytes = BUF_INIT(1 << 20);
    struct spool_header header;
    char head[SPOOL_HEADER_SIZE];
    read_sample(f, "queue", &bytes);
    assert_true(header_get(buf_str(&bytes), &header));
    header.version = version;
    header_put(head, &header);
    memcpy(bytes.p, head, sizeof head);
    write_sample(f, "queue", buf_str(&bytes));
    buf_release(&bytes);
}

/* A state has no record of its own: who does not know it must not take it for the end. */
static void write_state(struct fixture *f, unsigned kind, uint8_t state)
{
    struct buf bytes = BUF_INIT(1 << 20), payload = BUF_INIT(1000);
    wire_i64(&payload, 1);
    wire_u8(&payload, state);
    wire_str(&payload, STR("relay or detail"));
    wire_str(&payload, STR("detail or address"));
    if (kind == RECORD_MARK) {
        wire_u32(&payload, 1);
        wire_u32(&payload, 0);
    } else {
        wire_str(&payload, STR("how"));
    }
    read_sample(f, "queue", &bytes);
    record_put(&bytes, bytes.n, (enum record_kind)kind, buf_str(&payload));
    write_sample(f, "queue", buf_str(&bytes));
    buf_release(&bytes);
    buf_release(&payload);
}

static void states_of_a_later_version(void **state)
{
    static const unsigned kinds[] = {RECORD_MARK, RECORD_ADDED};
    struct fixture *f = *state;
    struct spool_file *file;
    for (size_t i = 0; i < 2; i++) {
        put_sample(f, SPOOL_QUEUE);
        write_state(f, kinds[i], RECIPIENT_STATES - 1);
        assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 0);
        spool_unload(&file);
        write_state(f, kinds[i], RECIPIENT_STATES);
        assert_int_equal(try_load(f, SPOOL_QUEUE, &file), -1);
        assert_int_equal(errno, ENOTSUP);
        assert_non_null(strstr(f->err.text, "later poterne (recipient state"));
    }
    spool_id_make(f->id);
    struct spool_writer *w = spool_receive(f->spool, f->id, &f->err);
    struct envelope e = sample_envelope(f->id);
    e.recipients[1].state = RECIPIENT_STATES;
    assert_int_equal(spool_write(w, str_of(sample_body), &f->err), 0);
    assert_int_equal(spool_commit(&w, &e, SPOOL_QUEUE, &f->err), 0);
    assert_int_equal(try_load(f, SPOOL_QUEUE, &file), -1);
    assert_int_equal(errno, ENOTSUP);
}

/* The later of what is said of its way holds; all else adds up. */
static void notes_come_back(void **state)
{
    struct fixture *f = *state;
    struct spool_file *file;
    const uint32_t both[] = {0, 1};
    put_sample(f, SPOOL_QUEUE);
    assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 0);
    assert_int_equal(spool_add_note(file, both, 2, SPOOL_NOTE_DELAY, 1, &f->err), 0);
    assert_int_equal(spool_add_note(file, both, 2, SPOOL_NOTE_PASSED, 2, &f->err), 0);
    assert_int_equal(spool_add_note(file, both, 1, SPOOL_NOTE_RELAYED, 3, &f->err), 0);
    assert_int_equal(spool_add_note(file, both + 1, 1, SPOOL_NOTE_FINAL, 4, &f->err), 0);
    assert_int_equal(spool_add_note(file, both + 1, 1, SPOOL_NOTE_SUCCESS, 5, &f->err), 0);
    for (int again = 0; again < 2; again++) {
        const struct spool_recipient *r = file->envelope.recipients;
        assert_int_equal(r[0].notes, SPOOL_NOTE_DELAY | SPOOL_NOTE_RELAYED);
        assert_int_equal(r[1].notes, SPOOL_NOTE_DELAY | SPOOL_NOTE_SUCCESS);
        assert_int_equal(r[0].state, RCPT_OWED);
        spool_unload(&file);
        assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 0);
    }
    assert_int_equal(spool_add_note(file, both, 1, (enum spool_note)(SPOOL_NOTES + 1), 6, &f->err),
                     0);
    spool_unload(&file);
    assert_int_equal(try_load(f, SPOOL_QUEUE, &file), -1);
    assert_int_equal(errno, ENOTSUP);
}

/* The last one of each recipient. */
static void begun_notices_come_back(void **state)
{
    struct fixture *f = *state;
    struct spool_file *file;
    const uint32_t both[] = {0, 1};
    const struct str first = STR("01ARZ3NDEKTSV4RRFFQ69G5FAV"),
                     second = STR("01ARZ3NDEKTSV4RRFFQ69G5FAW");
    put_sample(f, SPOOL_QUEUE);
    assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 0);
    assert_int_equal(file->envelope.recipients[0].begun.n, 0);
    assert_int_equal(spool_begin_notice(file, both, 2, 1, first, 1, &f->err), 0);
    assert_int_equal(spool_begin_notice(file, both + 1, 1, 255, second, 2, &f->err), 0);
    for (int again = 0; again < 2; again++) {
        const struct spool_recipient *r = file->envelope.recipients;
        assert_true(str_eq(r[0].begun, first) && r[0].begun_about == 1);
        assert_true(str_eq(r[1].begun, second) && r[1].begun_about == 255);
        assert_int_equal(r[1].state, RCPT_OWED);
        spool_unload(&file);
        assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 0);
    }
    spool_unload(&file);
}

static void write_record(struct fixture *f, unsigned kind)
{
    struct buf bytes = BUF_INIT(1 << 20);
    read_sample(f, "queue", &bytes);
    record_put(&bytes, bytes.n, (enum record_kind)kind, STR("from the future"));
    write_sample(f, "queue", buf_str(&bytes));
    buf_release(&bytes);
}

static void what_a_later_version_wrote_is_not_damaged(void **state)
{
    struct fixture *f = *state;
    struct spool_file *file;
    put_sample(f, SPOOL_QUEUE);
    write_version(f, SPOOL_VERSION + 1);
    assert_int_equal(try_load(f, SPOOL_QUEUE, &file), -1);
    assert_int_equal(errno, ENOTSUP);
    assert_non_null(strstr(f->err.text, "later poterne (version 6"));
    write_version(f, SPOOL_VERSION_PLAIN);
    assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 0);
    spool_unload(&file);
    write_record(f, RECORD_KIND_LAST + 1);
    assert_int_equal(try_load(f, SPOOL_QUEUE, &file), -1);
    assert_int_equal(errno, ENOTSUP);
    put_sample(f, SPOOL_QUEUE);
    write_record(f, 0);
    assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 1);
    put_sample(f, SPOOL_QUEUE);
    write_version(f, 0);
    assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 1);
}

/* Sizes around the writer's buffer, in pieces that do not fit it evenly. */
static void any_size_comes_back(void **state)
{
    static const size_t sizes[] = {0, 1, 32703, 32704, 32705, 65536, 1000003};
    struct fixture *f = *state;
    char piece[5003];
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        struct spool_file *file;
        spool_id_make(f->id);
        struct spool_writer *w = spool_receive(f->spool, f->id, &f->err);
        for (size_t left = sizes[s]; left;) {
            size_t n = left < sizeof piece ? left : sizeof piece;
            memset(piece, 'a' + (int)(left % 26), n);
            assert_int_equal(spool_write(w, str_n(piece, n), &f->err), 0);
            left -= n;
        }
        assert_int_equal(spool_size(w), sizes[s]);
        struct envelope e = sample_envelope(f->id);
        e.edits.n = 0;
        assert_int_equal(spool_commit(&w, &e, SPOOL_QUEUE, &f->err), 0);
        assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 0);
        assert_int_equal(file->size, sizes[s]);
        spool_unload(&file);
    }
}

static void scanners_read_before_the_commit(void **state)
{
    struct fixture *f = *state;
    struct buf body = BUF_INIT(1000);
    spool_id_make(f->id);
    struct spool_writer *w = spool_receive(f->spool, f->id, &f->err);
    assert_int_equal(spool_write(w, str_of(sample_body), &f->err), 0);
    int fd = spool_reader_fd(w, &f->err);
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
    assert_int_equal(fsio_pread(fd, &body, spool_size(w), SPOOL_HEADER_SIZE, "message", &f->err),
                     0);
    assert_str(buf_str(&body), sample_body);
    close(fd);
    buf_release(&body);
    struct envelope e = sample_envelope(f->id);
    struct spool_file *file;
    assert_int_equal(spool_commit(&w, &e, SPOOL_QUEUE, &f->err), 0);
    assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 0);
    spool_unload(&file);
}

static void envelopes_that_cannot_be_kept_are_refused(void **state)
{
    struct fixture *f = *state;
    static struct edit overlap[] = {{.at = 5, .remove = 5}, {.at = 9}};
    static struct edit outside[] = {{.at = 1, .remove = 100000}};
    for (int i = 0; i < 4; i++) {
        spool_id_make(f->id);
        struct spool_writer *w = spool_receive(f->spool, f->id, &f->err);
        struct envelope e = sample_envelope(f->id);
        assert_int_equal(spool_write(w, str_of(sample_body), &f->err), 0);
        if (i == 0)
            e.n_recipients = 0;
        else if (i == 1)
            e.edits = (struct edits){.list = overlap, .n = 2};
        else if (i == 2)
            e.edits = (struct edits){.list = outside, .n = 1};
        else
            e.id = STR("01ARZ3NDEKTSV4RRFFQ69G5FAV");
        assert_int_equal(spool_commit(&w, &e, SPOOL_QUEUE, &f->err), -1);
        assert_null(w);
        assert_false(is_in(f, "queue"));
        assert_false(is_in(f, "incoming"));
    }
}

static void mark(struct fixture *f, struct spool_file *file, uint32_t index, unsigned to,
                 const char *detail)
{
    const struct spool_mark m = {.state = to,
                                 .time_us = 77,
                                 .relay = STR("lmtp://[::1]:24"),
                                 .detail = str_of(detail)};
    assert_int_equal(spool_mark(file, &index, 1, &m, &f->err), 0);
}

static void marks_last(void **state)
{
    struct fixture *f = *state;
    struct spool_file *file;
    put_sample(f, SPOOL_QUEUE);
    assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 0);
    mark(f, file, 0, DEFERRED, "451 later");
    mark(f, file, 1, DELIVERED, "250 saved");
    mark(f, file, 0, DELIVERED, "250 saved at last");
    assert_int_equal(spool_sync(file, &f->err), 0);
    assert_int_equal(spool_note_journaled(file, &f->err), 0);
    spool_unload(&file);
    assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 0);
    assert_int_equal(file->envelope.recipients[0].state, DELIVERED);
    assert_int_equal(file->envelope.recipients[0].marks, 2);
    assert_true(file->envelope.recipients[0].state_time_us == 77);
    assert_str(file->envelope.recipients[0].detail, "250 saved at last");
    assert_str(file->envelope.recipients[0].relay, "lmtp://[::1]:24");
    assert_int_equal(file->envelope.recipients[1].state, DELIVERED);
    assert_true(file->journaled);
    assert_int_equal(spool_mark_held(file, STR("undeliverable: 550 no"), &f->err), 0);
    assert_false(file->journaled);
    spool_unload(&file);
    assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 0);
    assert_str(file->envelope.held, "undeliverable: 550 no");
    assert_false(file->journaled);
    spool_unload(&file);
}

/* Power is cut before any of many marks was synced, and the disk has all of their sectors but one:
 * those before it hold, and the next one takes its place. */
static void a_missing_sector_ends_the_marks(void **state)
{
    struct fixture *f = *state;
    struct spool_file *file;
    struct buf whole = BUF_INIT(100000);
    char detail[400];
    const size_t marks = 20, sector = 512;
    size_t last = 0; /* where the last of them begins */
    put_sample(f, SPOOL_QUEUE);
    assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 0);
    size_t before = (size_t)file->records_end;
    memset(detail, 'x', sizeof detail - 1);
    for (size_t i = 0; i < marks; i++) {
        detail[sizeof detail - 1 - i * 7] = '\0'; /* ends anywhere in a sector */
        last = (size_t)file->records_end;
        mark(f, file, 0, DEFERRED, detail);
    }
    spool_unload(&file);
    read_sample(f, "queue", &whole);
    for (size_t at = before; at < whole.n; at += sector - at % sector) {
        size_t end = at + sector - at % sector;
        struct buf holed = BUF_INIT(100000);
        buf_add(&holed, buf_str(&whole));
        memset(holed.p + at, 0, (end < whole.n ? end : whole.n) - at);
        write_sample(f, "queue", buf_str(&holed));
        assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 0);
        assert_true(file->envelope.recipients[0].tries < marks);
        assert_true(file->records_end <= at);
        assert_int_equal(file->records_lost, last >= end);
        mark(f, file, 0, DELIVERED, "250 saved");
        spool_unload(&file);
        assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 0);
        assert_false(file->records_lost);
        assert_int_equal(file->envelope.recipients[0].state, DELIVERED);
        spool_unload(&file);
        buf_release(&holed);
    }
    buf_release(&whole);
}

/* Whatever part of a mark reached the disk: before its last byte it is no mark, and the next one
 * takes its place. */
static void a_torn_mark_is_no_mark(void **state)
{
    struct fixture *f = *state;
    struct spool_file *file;
    struct buf whole = BUF_INIT(10000);
    put_sample(f, SPOOL_QUEUE);
    assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 0);
    size_t before = (size_t)file->records_end;
    mark(f, file, 0, DELIVERED, "250 saved");
    spool_unload(&file);
    read_sample(f, "queue", &whole);
    for (size_t n = before; n < whole.n; n++) {
        write_sample(f, "queue", str_sub(buf_str(&whole), 0, n));
        assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 0);
        assert_int_equal(file->envelope.recipients[0].state, OWED);
        assert_int_equal(file->records_end, before);
        assert_false(file->records_lost);
        mark(f, file, 1, DELIVERED, "ok");
        spool_unload(&file);
        assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 0);
        assert_int_equal(file->envelope.recipients[0].state, OWED);
        assert_int_equal(file->envelope.recipients[1].state, DELIVERED);
        spool_unload(&file);
    }
    buf_release(&whole);
}

/* A hole where the disk had room but not yet the bytes. */
static void a_mark_of_zeros_is_no_mark(void **state)
{
    struct fixture *f = *state;
    struct spool_file *file;
    char path[256];
    struct stat st;
    put_sample(f, SPOOL_QUEUE);
    path_of(f, "queue", path, sizeof path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size + 5000), 0);
    assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 0);
    assert_int_equal(file->records_end, st.st_size);
    mark(f, file, 0, DELIVERED, "ok");
    spool_unload(&file);
    assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 0);
    assert_int_equal(file->envelope.recipients[0].state, DELIVERED);
    spool_unload(&file);
}

/* Any flipped byte of header, message or envelope is found; one in a mark that another follows
 * too; one in the last mark makes that mark void, never another. */
static void a_flipped_byte_is_found(void **state)
{
    struct fixture *f = *state;
    struct spool_file *file;
    struct buf whole = BUF_INIT(10000);
    put_sample(f, SPOOL_QUEUE);
    assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 0);
    mark(f, file, 0, DELIVERED, "250 saved");
    size_t last = (size_t)file->records_end;
    mark(f, file, 1, DELIVERED, "250 saved");
    spool_unload(&file);
    read_sample(f, "queue", &whole);
    for (size_t i = 0; i < whole.n; i++) {
        whole.p[i] = (char)(whole.p[i] ^ (1 << (i % 8)));
        write_sample(f, "queue", buf_str(&whole));
        whole.p[i] = (char)(whole.p[i] ^ (1 << (i % 8)));
        int got = try_load(f, SPOOL_QUEUE, &file);
        if (i < last) {
            assert_int_equal(got, 1);
        } else {
            assert_int_equal(got, 0);
            assert_int_equal(file->envelope.recipients[0].state, DELIVERED);
            assert_int_equal(file->envelope.recipients[1].state, OWED);
            spool_unload(&file);
        }
    }
    buf_release(&whole);
}

static void a_short_file_is_found(void **state)
{
    struct fixture *f = *state;
    struct spool_file *file;
    struct buf whole = BUF_INIT(10000);
    put_sample(f, SPOOL_QUEUE);
    read_sample(f, "queue", &whole);
    for (size_t n = 0; n < whole.n; n++) {
        write_sample(f, "queue", str_sub(buf_str(&whole), 0, n));
        assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 1);
    }
    buf_release(&whole);
}

static void a_file_under_another_name_is_found(void **state)
{
    struct fixture *f = *state;
    struct spool_file *file;
    char from[256], to[256];
    put_sample(f, SPOOL_QUEUE);
    path_of(f, "queue", from, sizeof from);
    spool_id_make(f->id);
    path_of(f, "queue", to, sizeof to);
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 1);
}

static void a_missing_file_is_not_a_damaged_one(void **state)
{
    struct fixture *f = *state;
    struct spool_file *file;
    spool_id_make(f->id);
    assert_int_equal(try_load(f, SPOOL_QUEUE, &file), -1);
    assert_int_equal(errno, ENOENT);
    put_sample(f, SPOOL_QUEUE);
    pool_free(&f->pool);
    f->pool = pool_new(200);
    assert_int_equal(try_load(f, SPOOL_QUEUE, &file), -1);
}

/* However little there is, a sound file is not taken for damaged or for gone. */
static void too_little_memory_is_no_damage(void **state)
{
    struct fixture *f = *state;
    struct spool_file *file;
    const struct spool_mark mark = {.state = DELIVERED, .time_us = 1};
    char address[32];
    put_sample(f, SPOOL_QUEUE);
    assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 0);
    for (int i = 0; i < 500; i++) {
        snprintf(address, sizeof address, "user%d@b.example", i);
        assert_int_equal(spool_add_recipient(file, str_of(address), STR_EMPTY, &mark, &f->err), 0);
    }
    spool_unload(&file);
    int got = -1;
    for (size_t size = 0; got != 0; size += 500) {
        assert_true(size < POOL_MAX);
        pool_free(&f->pool);
        f->pool = pool_new(size);
        errno = ENOENT;
        got = f->pool ? try_load(f, SPOOL_QUEUE, &file) : -1;
        assert_int_not_equal(got, 1);
        assert_true(got == 0 || f->pool == NULL || errno != ENOENT);
    }
    assert_true(file->envelope.n_recipients > 500);
    spool_unload(&file);
}

static void notices_are_checked(void **state)
{
    struct buf b = BUF_INIT(1000);
    struct notice n = {.kind = NOTICE_RELEASE,
                       .id = STR("01ARZ3NDEKTSV4RRFFQ69G5FAV"),
                       .recipient = 3};
    struct notice got;
    notice_put(&b, &n);
    assert_true(notice_get(buf_str(&b), &got));
    assert_int_equal(got.kind, NOTICE_RELEASE);
    assert_int_equal(got.recipient, 3);
    for (size_t i = 0; i < b.n; i++)
        assert_false(notice_get(str_sub(buf_str(&b), 0, i), &got));
    b.p[0] = 99;
    assert_false(notice_get(buf_str(&b), &got));
    buf_clear(&b);
    n = (struct notice){.kind = NOTICE_QUEUED, .id = STR("../../etc/passwd")};
    notice_put(&b, &n);
    assert_false(notice_get(buf_str(&b), &got));
    buf_clear(&b);
    n = (struct notice){.kind = NOTICE_FLUSH, .recipient = NOTICE_EVERYONE};
    notice_put(&b, &n);
    assert_true(notice_get(buf_str(&b), &got));
    buf_release(&b);
}

#define WITH_SPOOL(test) cmocka_unit_test_setup_teardown(test, fixture_up, fixture_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc_is_castagnoli),
        cmocka_unit_test(ids_sort_by_time_and_are_checked),
        cmocka_unit_test(notices_are_checked),
        WITH_SPOOL(comes_back_as_it_went_in),
        WITH_SPOOL(senders_and_fields_of_their_own_come_back),
        WITH_SPOOL(what_a_later_version_wrote_is_not_damaged),
        WITH_SPOOL(states_of_a_later_version),
        WITH_SPOOL(notes_come_back),
        WITH_SPOOL(begun_notices_come_back),
        WITH_SPOOL(any_size_comes_back),
        WITH_SPOOL(scanners_read_before_the_commit),
        WITH_SPOOL(envelopes_that_cannot_be_kept_are_refused),
        WITH_SPOOL(marks_last),
        WITH_SPOOL(a_torn_mark_is_no_mark),
        WITH_SPOOL(a_missing_sector_ends_the_marks),
        WITH_SPOOL(a_mark_of_zeros_is_no_mark),
        WITH_SPOOL(a_flipped_byte_is_found),
        WITH_SPOOL(a_short_file_is_found),
        WITH_SPOOL(a_file_under_another_name_is_found),
        WITH_SPOOL(too_little_memory_is_no_damage),
        WITH_SPOOL(a_missing_file_is_not_a_damaged_one),
    };
    return tap_run(tests, NULL, NULL);
}
