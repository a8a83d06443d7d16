/* fsio, err and log */
#include "t/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"
#include "base/random.h"

struct fixture {
    char folder[64];
    char path[96];
    char beside[104];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    snprintf(f->folder, sizeof f->folder, "/tmp/poterne-files.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/file", f->folder);
    snprintf(f->beside, sizeof f->beside, "%s/file.new", f->folder);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    unlink(f->path);
    unlink(f->beside);
    assert_int_equal(rmdir(f->folder), 0);
    free(f);
    return 0;
}

static void file_is_replaced_whole(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    struct buf out = BUF_INIT(100);
    struct stat st;
    umask(0007);
    assert_int_equal(fsio_replace(f->path, STR("one"), 0640, &err), 0);
    assert_int_equal(fsio_replace(f->path, STR("two!"), 0640, &err), 0);
    assert_int_equal(fsio_read_file(f->path, &out, &err), 0);
    assert_str(buf_str(&out), "two!");
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(access(f->beside, F_OK), -1);
    buf_release(&out);
}

static void failed_replacement_leaves_the_old(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    struct buf out = BUF_INIT(100);
    assert_int_equal(fsio_replace(f->path, STR("one"), 0600, &err), 0);
    assert_int_equal(mkdir(f->beside, 0700), 0);
    assert_int_equal(fsio_replace(f->path, STR("two"), 0600, &err), -1);
    assert_non_null(strstr(err.text, "file.new: Is a directory"));
    assert_int_equal(rmdir(f->beside), 0);
    assert_int_equal(fsio_read_file(f->path, &out, &err), 0);
    assert_str(buf_str(&out), "one");
    assert_int_equal(fsio_replace("/nonexistent/x", STR("two"), 0600, &err), -1);
    buf_release(&out);
}

static void reading_is_bounded(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    struct buf big = BUF_INIT(200000), exact = BUF_INIT(150000), small = BUF_INIT(149999);
    for (size_t i = 0; i < 150000; i++)
        buf_addc(&big, (char)(i % 251));
    assert_int_equal(fsio_replace(f->path, buf_str(&big), 0600, &err), 0);
    assert_int_equal(fsio_read_file(f->path, &exact, &err), 0);
    assert_true(str_eq(buf_str(&big), buf_str(&exact)));
    assert_int_equal(fsio_read_file(f->path, &small, &err), -1);
    assert_non_null(strstr(err.text, "larger than the limit of 149999 bytes"));
    assert_int_equal(fsio_read_file(f->folder, &big, &err), -1);
    assert_int_equal(fsio_read_file("/nonexistent", &big, &err), -1);
    assert_string_equal(err.text, "cannot open /nonexistent: No such file or directory");
    buf_release(&big);
    buf_release(&exact);
    buf_release(&small);
}

static void short_file_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    struct buf out = BUF_INIT(100);
    int fd = open(f->path, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fsio_pwrite(fd, STR("0123456789"), 5, f->path, &err), 0);
    assert_int_equal(fsio_pread(fd, &out, 5, 7, f->path, &err), 0);
    assert_str(buf_str(&out), "23456");
    assert_int_equal(fsio_pread(fd, &out, 6, 10, f->path, &err), -1);
    assert_non_null(strstr(err.text, "cut short: 6 bytes wanted at 10, 5 there"));
    assert_int_equal(out.n, 5);
    assert_int_equal(fsio_pread(fd, &out, 96, 0, f->path, &err), -1);
    assert_int_equal(fsio_close(&fd, f->path, &err), 0);
    assert_int_equal(fd, -1);
    fsio_close_quiet(&fd);
    buf_release(&out);
}

static void lock_is_had_once(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    int one = fsio_lock(f->path, &err);
    assert_true(one >= 0);
    assert_int_equal(fsio_lock(f->path, &err), -1);
    assert_non_null(strstr(err.text, "is locked by another process"));
    fsio_close_quiet(&one);
    int two = fsio_lock(f->path, &err);
    assert_true(two >= 0);
    fsio_close_quiet(&two);
}

static void folders_are_made_once(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    struct stat st;
    assert_int_equal(fsio_mkdir(f->path, 02750, &err), 0);
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 02750);
    assert_int_equal(fsio_mkdir(f->path, 0700, &err), 0);
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 02750);
    assert_int_equal(rmdir(f->path), 0);
    assert_int_equal(fsio_replace(f->path, STR("x"), 0600, &err), 0);
    assert_int_equal(fsio_mkdir(f->path, 0700, &err), -1);
    assert_non_null(strstr(err.text, "is there but is not a folder"));
    assert_int_equal(fsio_mkdir("/nonexistent/a", 0700, &err), -1);
}

/* What was fsync'd, in the order of calls: fsio's own calls come here (the linker's --wrap). */
static char synced[4][PATH_MAX];
static size_t n_synced;
static int sync_fails; /* errno */

int __real_fsync(int fd);
int __real_syncfs(int fd);
int __wrap_fsync(int fd);
int __wrap_syncfs(int fd);

static int note_sync(int fd)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, synced[n_synced % 4], PATH_MAX - 1);
    synced[n_synced++ % 4][n < 0 ? 0 : n] = '\0';
    errno = sync_fails;
    return sync_fails ? -1 : 0;
}

int __wrap_fsync(int fd)
{
    return note_sync(fd) < 0 ? -1 : __real_fsync(fd);
}

int __wrap_syncfs(int fd)
{
    return note_sync(fd) < 0 ? -1 : __real_syncfs(fd);
}

static void a_folder_is_on_the_disk(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    n_synced = 0;
    assert_int_equal(fsio_mkdir(f->path, 0700, &err), 0);
    assert_int_equal(n_synced, 1);
    assert_string_equal(synced[0], f->folder);
    assert_int_equal(fsio_mkdir(f->path, 0700, &err), 0); /* who made it may not have come so far */
    assert_int_equal(n_synced, 2);
    assert_string_equal(synced[1], f->folder);
    assert_int_equal(rmdir(f->path), 0);
    assert_int_equal(fsio_mkdir_passing(f->path, 0700, &err), 0);
    assert_int_equal(n_synced, 2);
    assert_int_equal(rmdir(f->path), 0);
}

/* It is not said to be there, and not left for who tries again. */
static void a_folder_that_the_disk_does_not_take(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    sync_fails = EIO;
    assert_int_equal(fsio_mkdir(f->path, 0700, &err), -1);
    sync_fails = 0;
    assert_non_null(strstr(err.text, "cannot fsync folder"));
    assert_int_equal(access(f->path, F_OK), -1);
}

/* As a user who may enter the folder above, and make folders in it, but not read it; 0: all went as
 * it should. */
static int make_in_a_closed_folder(void)
{
    struct err err;
    char top[] = "/tmp/poterne-closed.XXXXXX", inner[64];
    if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
        return 1;
    if (mkdtemp(top) == NULL || chmod(top, 0300) < 0)
        return 2;
    snprintf(inner, sizeof inner, "%s/inner", top);
    n_synced = 0;
    if (fsio_mkdir(inner, 0700, &err) < 0)
        return 3;
    if (n_synced != 1 || strcmp(synced[0], inner) != 0)
        return 4;
    return rmdir(inner) < 0 || rmdir(top) < 0 ? 5 : 0;
}

static void a_folder_in_one_that_cannot_be_read(void **state)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(make_in_a_closed_folder());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* As a user whom modes stop; 0: all went as it should. */
static int empty_closed_folders(void)
{
    struct err err;
    char top[] = "/tmp/poterne-closed.XXXXXX", inner[64], file[80];
    if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
        return 1;
    if (mkdtemp(top) == NULL)
        return 2;
    snprintf(inner, sizeof inner, "%s/inner", top);
    snprintf(file, sizeof file, "%s/file", inner);
    if (mkdir(inner, 0700) < 0 || fsio_replace(file, STR("x"), 0, &err) < 0 || chmod(inner, 0) < 0)
        return 3;
    int closed = fsio_empty_dir(top, &err);
    if (chmod(top, 0) < 0)
        return 4;
    int top_closed = fsio_empty_dir(top, &err);
    int left = rmdir(top);
    return closed < 0 ? 5 : top_closed == 0 ? 6 : left < 0 ? 7 : 0;
}

static void closed_folders_are_emptied_or_told(void **state)
{
    struct err err = {""};
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        _exit(empty_closed_folders());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(fsio_empty_dir("/nonexistent", &err), -1);
}

static void rename_to_nowhere_is_told(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    assert_int_equal(fsio_rename_durable(f->path, f->beside, &err), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(fsio_replace(f->path, STR("x"), 0600, &err), 0);
    assert_int_equal(fsio_rename_durable(f->path, f->beside, &err), 0);
    assert_int_equal(access(f->beside, F_OK), 0);
}

/* --- err --- */

static void errors_tell_why_and_where(void **state)
{
    struct err err = {""};
    errno = EACCES;
    assert_int_equal(err_sys(&err, "cannot open %s", "x"), -1);
    assert_int_equal(errno, EACCES);
    assert_string_equal(err.text, "cannot open x: Permission denied");
    assert_int_equal(err_prefix(&err, "%s:%d", "file", 3), -1);
    assert_string_equal(err.text, "file:3: cannot open x: Permission denied");
    assert_int_equal(err_set(NULL, "x"), -1);
    assert_int_equal(err_sys(NULL, "x"), -1);
    assert_int_equal(err_prefix(NULL, "x"), -1);
}

static void overlong_errors_are_cut(void **state)
{
    struct err err = {""};
    err_set(&err, "%05000d", 1);
    assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
    errno = ENOENT;
    err_sys(&err, "%05000d", 1);
    assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
    err_prefix(&err, "%05000d", 1);
    assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
}

/* --- log --- */

/* What a call writes to standard error. */
static size_t logged(struct fixture *f, enum log_level level, const char *text, char *out,
                     size_t size)
{
    int saved = dup(STDERR_FILENO);
    int fd = open(f->path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(saved >= 0 && fd >= 0);
    dup2(fd, STDERR_FILENO);
    errno = EDOM;
    log_write(level, "%s", text);
    assert_int_equal(errno, EDOM);
    dup2(saved, STDERR_FILENO);
    close(saved);
    ssize_t n = pread(fd, out, size - 1, 0);
    close(fd);
    assert_true(n >= 0);
    out[n] = '\0';
    return (size_t)n;
}

static void mail_cannot_forge_a_log_line(void **state)
{
    struct fixture *f = *state;
    char line[4096], expected[200];
    log_open("content", LOG_INFO_LEVEL);
    size_t n = logged(f, LOG_WARNING_LEVEL, "a\nb\r\x1b[31m\x7f\tc", line, sizeof line);
    snprintf(expected, sizeof expected, " content[%d] warning: a\\x0ab\\x0d\\x1b[31m\\x7f\\x09c\n",
             (int)getpid());
    assert_true(str_ends(str_n(line, n), str_of(expected)));
    assert_int_equal(str_chr(str_n(line, n), '\n'), n - 1);
    assert_int_equal(logged(f, LOG_DEBUG_LEVEL, "unseen", line, sizeof line), 0);
}

static void long_log_lines_end(void **state)
{
    struct fixture *f = *state;
    char text[5000], line[8192];
    memset(text, '\x01', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    log_open("content", LOG_INFO_LEVEL);
    size_t n = logged(f, LOG_ERROR_LEVEL, text, line, sizeof line);
    assert_true(n > LOG_LINE_MAX / 2 && n <= LOG_LINE_MAX + 128);
    assert_int_equal(line[n - 1], '\n');
}

static void joins_folder_and_name_or_says_why_not(void **state)
{
    char out[12];
    struct err err = {""};
    (void)state;
    assert_int_equal(fsio_join(out, sizeof out, "/folder", "abc", &err), 0);
    assert_string_equal(out, "/folder/abc");
    assert_int_equal(fsio_join(out, sizeof out, "/folder", "abcd", &err), -1);
    assert_string_equal(err.text, "/folder/abcd: the path is too long");
}

/* Two fills of 32 bytes agree by chance once in 2^256 runs; bytes behind the end stay. */
static void random_bytes_differ_and_keep_to_their_place(void **state)
{
    unsigned char a[34] = {0}, b[34] = {0};
    (void)state;
    random_fill(a + 1, 32);
    random_fill(b + 1, 32);
    assert_memory_not_equal(a + 1, b + 1, 32);
    assert_true(a[0] == 0 && a[33] == 0 && b[0] == 0 && b[33] == 0);
    random_fill(a, 0);
    assert_int_equal(a[0], 0);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(file_is_replaced_whole),
        WITH_FOLDER(failed_replacement_leaves_the_old),
        WITH_FOLDER(reading_is_bounded),
        WITH_FOLDER(short_file_is_an_error),
        WITH_FOLDER(lock_is_had_once),
        WITH_FOLDER(folders_are_made_once),
        WITH_FOLDER(a_folder_is_on_the_disk),
        WITH_FOLDER(a_folder_that_the_disk_does_not_take),
        cmocka_unit_test(a_folder_in_one_that_cannot_be_read),
        cmocka_unit_test(closed_folders_are_emptied_or_told),
        WITH_FOLDER(rename_to_nowhere_is_told),
        cmocka_unit_test(joins_folder_and_name_or_says_why_not),
        cmocka_unit_test(random_bytes_differ_and_keep_to_their_place),
        cmocka_unit_test(errors_tell_why_and_where),
        cmocka_unit_test(overlong_errors_are_cut),
        WITH_FOLDER(mail_cannot_forge_a_log_line),
        WITH_FOLDER(long_log_lines_end),
    };
    return tap_run(tests, NULL, NULL);
}
