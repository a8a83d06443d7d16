/* The folders: what each state promises, after a crash at any step and with a full disk. */
#include "t/unit/spool_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "spool/names.h"

static struct spool_writer *begin(struct fixture *f)
{
    spool_id_make(f->id);
    struct spool_writer *w = spool_receive(f->spool, f->id, &f->err);
    assert_non_null(w);
    assert_int_equal(spool_write(w, str_of(sample_body), &f->err), 0);
    return w;
}

static void a_committed_message_is_in_one_folder(void **state)
{
    struct fixture *f = *state;
    put_sample(f, SPOOL_QUEUE);
    assert_true(is_in(f, "queue") && !is_in(f, "incoming") && !is_in(f, "quarantine"));
    put_sample(f, SPOOL_QUARANTINE);
    assert_true(is_in(f, "quarantine") && !is_in(f, "incoming") && !is_in(f, "queue"));
}

static void an_aborted_one_is_in_none(void **state)
{
    struct fixture *f = *state;
    struct spool_writer *w = begin(f);
    assert_true(is_in(f, "incoming"));
    spool_abort(&w);
    assert_null(w);
    assert_false(is_in(f, "incoming") || is_in(f, "queue"));
    spool_abort(&w);
}

static void an_id_is_used_once(void **state)
{
    struct fixture *f = *state;
    struct spool_writer *w = begin(f);
    assert_null(spool_receive(f->spool, f->id, &f->err));
    assert_null(spool_receive(f->spool, "../../etc/passwd", &f->err));
    spool_abort(&w);
}

/* Delivery runs as another user of the group, whatever the umask of the process was. */
static void files_are_for_the_group_only(void **state)
{
    struct fixture *f = *state;
    char path[256];
    struct stat st;
    mode_t before = umask(077);
    put_sample(f, SPOOL_QUEUE);
    umask(before);
    path_of(f, "queue", path, sizeof path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0660);
    snprintf(path, sizeof path, "%s/queue", f->root);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 02770);
}

/* S0: a process that ends at any step before the commit leaves nothing that is delivered. */
static void s0_is_removed_at_start(void **state)
{
    struct fixture *f = *state;
    spool_id_make(f->id);
    pid_t child = fork();
    if (child == 0) {
        struct spool_writer *w = spool_receive(f->spool, f->id, &f->err);
        int fd = w && spool_write(w, str_of(sample_body), &f->err) == 0
                     ? spool_reader_fd(w, &f->err)
                     : -1;
        _exit(fd >= 0 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(is_in(f, "incoming"));
    spool_close(&f->spool);
    f->spool = spool_open(f->root, &f->err);
    assert_int_equal(spool_recover(f->spool, &f->err), 1);
    assert_false(is_in(f, "incoming"));
    assert_int_equal(spool_recover(f->spool, &f->err), 0);
}

/* S1, S2: what was committed is there after a restart, whole, in its state. */
static void s1_and_s2_survive_a_kill(void **state)
{
    struct fixture *f = *state;
    for (enum spool_state s = SPOOL_QUEUE; s <= SPOOL_QUARANTINE; s++) {
        struct spool_file *file;
        spool_id_make(f->id);
        pid_t child = fork();
        if (child == 0) {
            struct spool_writer *w = spool_receive(f->spool, f->id, &f->err);
            struct envelope e = sample_envelope(f->id);
            if (w && spool_write(w, str_of(sample_body), &f->err) == 0 &&
                spool_commit(&w, &e, s, &f->err) == 0)
                kill(getpid(), SIGKILL);
            _exit(1);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(spool_recover(f->spool, &f->err), 0);
        assert_int_equal(try_load(f, s, &file), 0);
        spool_unload(&file);
    }
}

/* S3: settled; the journal alone knows of it. */
static void s3_is_gone(void **state)
{
    struct fixture *f = *state;
    struct spool_file *file;
    put_sample(f, SPOOL_QUEUE);
    assert_int_equal(spool_remove(f->spool, SPOOL_QUEUE, f->id, &f->err), 0);
    assert_int_equal(spool_sync_folder(f->spool, SPOOL_QUEUE, &f->err), 0);
    assert_int_equal(try_load(f, SPOOL_QUEUE, &file), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(spool_remove(f->spool, SPOOL_QUEUE, f->id, &f->err), -1);
}

static void moves_keep_the_marks(void **state)
{
    struct fixture *f = *state;
    struct spool_file *file;
    const uint32_t first = 0;
    const struct spool_mark m = {.state = 3, .detail = STR("550 no such user")};
    put_sample(f, SPOOL_QUEUE);
    assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 0);
    assert_int_equal(spool_mark(file, &first, 1, &m, &f->err), 0);
    spool_unload(&file);
    assert_int_equal(spool_move(f->spool, f->id, SPOOL_QUEUE, SPOOL_QUARANTINE, &f->err), 0);
    assert_false(is_in(f, "queue"));
    assert_int_equal(try_load(f, SPOOL_QUARANTINE, &file), 0);
    assert_str(file->envelope.recipients[0].detail, "550 no such user");
    spool_unload(&file);
    assert_int_equal(spool_move(f->spool, f->id, SPOOL_QUEUE, SPOOL_QUARANTINE, &f->err), -1);
}

static void damaged_files_are_kept_aside(void **state)
{
    struct fixture *f = *state;
    struct spool_file *file;
    struct buf bytes = BUF_INIT(100000);
    put_sample(f, SPOOL_QUEUE);
    write_sample(f, "queue", STR("rubbish"));
    assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 1);
    assert_int_equal(spool_set_aside(f->spool, SPOOL_QUEUE, f->id, &f->err), 0);
    assert_false(is_in(f, "queue"));
    read_sample(f, "corrupt", &bytes);
    assert_str(buf_str(&bytes), "rubbish");
    buf_release(&bytes);
}

/* One that was put back by hand and is still damaged does not push out the first. */
static void what_is_aside_is_never_overwritten(void **state)
{
    struct fixture *f = *state;
    char path[256];
    for (int i = 0; i < 3; i++) {
        path_of(f, "queue", path, sizeof path);
        if (i == 0)
            put_sample(f, SPOOL_QUEUE);
        else
            close(open(path, O_CREAT | O_WRONLY, 0600));
        path_of(f, "queue", path, sizeof path);
        write_sample(f, "queue", STR("bad"));
        assert_int_equal(spool_set_aside(f->spool, SPOOL_QUEUE, f->id, &f->err), 0);
    }
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, i ? "%s/corrupt/%s.%d" : "%s/corrupt/%s", f->root, f->id, i);
        assert_int_equal(access(path, F_OK), 0);
    }
}

struct seen {
    char last[SPOOL_ID_LEN + 1];
    int n;
    int stop_at;
};

static int see(void *data, const char *id)
{
    struct seen *seen = data;
    assert_true(strcmp(seen->last, id) < 0);
    memcpy(seen->last, id, sizeof seen->last);
    return ++seen->n == seen->stop_at ? 5 : 0;
}

static void each_is_in_order_and_skips_strangers(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    char path[256];
    for (int i = 0; i < 300; i++)
        put_sample(f, SPOOL_QUEUE);
    snprintf(path, sizeof path, "%s/queue/README", f->root);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    assert_int_equal(spool_each(f->spool, SPOOL_QUEUE, see, &seen, &f->err), 0);
    assert_int_equal(seen.n, 300);
    seen = (struct seen){.stop_at = 10};
    assert_int_equal(spool_each(f->spool, SPOOL_QUEUE, see, &seen, &f->err), 5);
    assert_int_equal(seen.n, 10);
    seen = (struct seen){0};
    assert_int_equal(spool_each(f->spool, SPOOL_QUARANTINE, see, &seen, &f->err), 0);
    assert_int_equal(seen.n, 0);
}

static int count(void *data, struct str id)
{
    size_t *n = data;
    assert_int_equal(id.n, SPOOL_ID_LEN);
    return ++*n == 3 ? 7 : 0;
}

static size_t names_of(struct fixture *f, int fd, enum spool_suffix suffix, const char *from,
                       const char *before, size_t max, struct spool_names *names)
{
    spool_names_free(names);
    int got =
        spool_names_read(names, fd, "corrupt", suffix, str_of(from), str_of(before), max, &f->err);
    assert_int_equal(got, names->n == max ? 1 : 0);
    for (size_t i = 1; i < names->n; i++)
        assert_true(memcmp(names->ids[i - 1], names->ids[i], SPOOL_ID_LEN) <= 0);
    return names->n;
}

static void names_are_taken_by_range_and_suffix(void **state)
{
    static const char *const files[] = {"01JZZZZZZZZZZZZZZZZZZZZZZ3",
                                        "01JZZZZZZZZZZZZZZZZZZZZZZ1.1",
                                        "01JZZZZZZZZZZZZZZZZZZZZZZ1.12",
                                        "01JZZZZZZZZZZZZZZZZZZZZZZ2.unsaid",
                                        "01JZZZZZZZZZZZZZZZZZZZZZZ4.x",
                                        "01JZZZZZZZZZZZZZZZZZZZZZZ5.",
                                        "01JZZZZZZZZZZZZZZZZZZZZZZ6",
                                        "01JZZZ",
                                        "README"};
    struct fixture *f = *state;
    struct spool_names names = {0};
    size_t n = 0;
    char path[256];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/corrupt/%s", f->root, files[i]);
        close(open(path, O_CREAT | O_WRONLY, 0600));
    }
    snprintf(path, sizeof path, "%s/corrupt", f->root);
    int fd = open(path, O_RDONLY | O_DIRECTORY);
    assert_int_equal(names_of(f, fd, SPOOL_SUFFIX_NONE, "", "", 100, &names), 2);
    assert_string_equal(names.ids[0], files[0]);
    assert_int_equal(names_of(f, fd, SPOOL_SUFFIX_NUMBER, "", "", 100, &names), 4);
    assert_int_equal(names_of(f, fd, SPOOL_SUFFIX_UNSAID, "", "", 100, &names), 1);
    assert_int_equal(names_of(f, fd, SPOOL_SUFFIX_ANY, "", "", 100, &names), 7);
    assert_int_equal(names_of(f, fd, SPOOL_SUFFIX_ANY, "", "", 5, &names), 5);
    assert_int_equal(names_of(f, fd, SPOOL_SUFFIX_NUMBER, files[0], files[6], 100, &names), 1);
    assert_int_equal(names_of(f, fd, SPOOL_SUFFIX_NUMBER, "01J", "01J", 100, &names), 0);
    assert_int_equal(spool_names_each(fd, "corrupt", SPOOL_SUFFIX_ANY, count, &n, &f->err), 7);
    assert_int_equal(n, 3);
    close(fd);
    assert_int_equal(spool_names_each(fd, "corrupt", SPOOL_SUFFIX_ANY, count, &n, &f->err), -1);
    assert_non_null(strstr(f->err.text, "cannot read folder corrupt"));
    spool_names_free(&names);
}

static void ignore_size_signal(void)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGXFSZ, &ignore, NULL);
}

/* A limit on file size stands in for a full disk: the write fails part of the way. */
static void limit_file_size(rlim_t n)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = n;
    setrlimit(RLIMIT_FSIZE, &limit);
}

static void a_full_disk_loses_nothing(void **state)
{
    struct fixture *f = *state;
    struct buf whole = BUF_INIT(100000);
    struct spool_file *file;
    ignore_size_signal();
    put_sample(f, SPOOL_QUEUE);
    read_sample(f, "queue", &whole);
    for (size_t n = 0; n < whole.n; n++) {
        struct spool_writer *w = begin(f);
        struct envelope e = sample_envelope(f->id);
        limit_file_size(n);
        int committed = spool_commit(&w, &e, SPOOL_QUEUE, &f->err);
        limit_file_size(RLIM_INFINITY);
        assert_int_equal(committed, -1);
        assert_non_null(strstr(f->err.text, "File too large"));
        assert_false(is_in(f, "queue") || is_in(f, "incoming"));
    }
    /* a mark that does not fit is no mark, and the file stays good */
    put_sample(f, SPOOL_QUEUE);
    assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 0);
    const uint32_t both[] = {0, 1};
    const struct spool_mark m = {.state = 2, .detail = STR("250 ok")};
    for (size_t more = 0; more < 30; more++) {
        limit_file_size(file->records_end + more);
        assert_int_equal(spool_mark(file, both, 2, &m, &f->err), -1);
        limit_file_size(RLIM_INFINITY);
        assert_int_equal(file->envelope.recipients[0].state, 0);
    }
    assert_int_equal(spool_mark(file, both, 2, &m, &f->err), 0);
    spool_unload(&file);
    assert_int_equal(try_load(f, SPOOL_QUEUE, &file), 0);
    assert_int_equal(file->envelope.recipients[1].state, 2);
    spool_unload(&file);
    buf_release(&whole);
}

static void a_failed_write_stays_failed(void **state)
{
    struct fixture *f = *state;
    char large[40000] = {0};
    ignore_size_signal();
    struct spool_writer *w = begin(f);
    struct envelope e = sample_envelope(f->id);
    limit_file_size(1000);
    assert_int_equal(spool_write(w, str_n(large, sizeof large), &f->err), -1);
    limit_file_size(RLIM_INFINITY);
    assert_int_equal(spool_reader_fd(w, &f->err), -1);
    assert_int_equal(spool_commit(&w, &e, SPOOL_QUEUE, &f->err), -1);
    assert_false(is_in(f, "queue") || is_in(f, "incoming"));
}

static void folders_that_cannot_be_made_are_told(void **state)
{
    struct fixture *f = *state;
    char path[256];
    assert_null(spool_open("/nonexistent/poterne", &f->err));
    assert_non_null(strstr(f->err.text, "/nonexistent/poterne"));
    snprintf(path, sizeof path, "%s/file", f->root);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/file/queue", f->root);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    snprintf(path, sizeof path, "%s/file", f->root);
    assert_null(spool_open(path, &f->err));
}

static void free_space_is_known(void **state)
{
    struct fixture *f = *state;
    struct spool_room room = {.bytes = 0};
    assert_int_equal(spool_room(f->spool, &room, &f->err), 0);
    assert_true(room.bytes > 0);
    assert_true(room.files > 0);
}

#define THREADS   8
#define EACH_PUTS 40

static void *put_many(void *data)
{
    struct fixture *f = data;
    struct err err;
    for (int i = 0; i < EACH_PUTS; i++) {
        char id[SPOOL_ID_LEN + 1];
        spool_id_make(id);
        struct spool_recipient r = {.address = STR("a@b")};
        struct envelope e = {.id = str_of(id), .recipients = &r, .n_recipients = 1};
        struct spool_writer *w = spool_receive(f->spool, id, &err);
        if (w == NULL || spool_write(w, str_of(sample_body), &err) < 0 ||
            spool_commit(&w, &e, SPOOL_QUEUE, &err) < 0)
            return f;
    }
    return NULL;
}

static void threads_share_one_spool(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, put_many, f), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(spool_each(f->spool, SPOOL_QUEUE, see, &seen, &f->err), 0);
    assert_int_equal(seen.n, THREADS * EACH_PUTS);
}

#define WITH_SPOOL(test) cmocka_unit_test_setup_teardown(test, fixture_up, fixture_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SPOOL(a_committed_message_is_in_one_folder),
        WITH_SPOOL(an_aborted_one_is_in_none),
        WITH_SPOOL(an_id_is_used_once),
        WITH_SPOOL(files_are_for_the_group_only),
        WITH_SPOOL(s0_is_removed_at_start),
        WITH_SPOOL(s1_and_s2_survive_a_kill),
        WITH_SPOOL(s3_is_gone),
        WITH_SPOOL(moves_keep_the_marks),
        WITH_SPOOL(damaged_files_are_kept_aside),
        WITH_SPOOL(what_is_aside_is_never_overwritten),
        WITH_SPOOL(each_is_in_order_and_skips_strangers),
        WITH_SPOOL(names_are_taken_by_range_and_suffix),
        WITH_SPOOL(a_full_disk_loses_nothing),
        WITH_SPOOL(a_failed_write_stays_failed),
        WITH_SPOOL(folders_that_cannot_be_made_are_told),
        WITH_SPOOL(free_space_is_known),
        WITH_SPOOL(threads_share_one_spool),
    };
    return tap_run(tests, NULL, NULL);
}
