/*
 * command: a scanner that is a program to be run. The message and its parts are written into a
 * folder of the worker's, named "message", "part1", …; the program looks at all of them in one run.
 * Exit code and output say what it found, as the settings or a preset interpret them; a code that
 * nobody explained, a signal, too much output are failures.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "antivirus/outside/child.h"
#include "antivirus/outside/preset.h"
#include "antivirus/outside/task.h"
#include "base/fsio.h"

#define OUTPUT_MAX     ((size_t)256 * 1024)
#define ARGUMENTS_MAX  100
#define CODES          256
#define MATCH_LIMIT    200000 /* steps over all of the output */
#define DEPTH_LIMIT    1000
#define MATCH_HEAP_KIB 4096
#define FOLDER_MARK    "%f"
#define CPU_GRACE      1 /* seconds above antivirus.timeout, so that the clock comes first */
#define LAST_WORDS_MAX 100

enum meaning { MEANS_FAILURE, MEANS_CLEAN, MEANS_INFECTED, MEANS_UNSCANNABLE };

struct command {
    const struct conf_scanner *scanner;
    const char *argv[ARGUMENTS_MAX + 1];
    enum meaning codes[CODES];
    pcre2_code *found, *not_scanned; /* NULL: none */
    pcre2_match_data *match;
    pcre2_match_context *limits;
    int null_fd;
    char folder[PATH_MAX]; /* the scanner's own; empty: not given yet */
    char files[PATH_MAX], work[PATH_MAX];
    struct child child;
    struct buf output;
};

/* --- what the settings say --- */

static void take_codes(struct command *c, const struct conf_list *list, const int *preset,
                       enum meaning meaning)
{
    uint64_t code;
    for (size_t i = 0; i < list->n; i++)
        if (str_to_u64(str_of(list->items[i]), CODES - 1, &code))
            c->codes[code] = meaning;
    for (size_t i = 0; list->n == 0 && preset[i] != CODES_END; i++)
        c->codes[preset[i]] = meaning;
}

static int compile(const char *own, const char *preset, pcre2_code **out, struct err *err)
{
    const char *pattern = *own ? own : preset;
    int code;
    size_t at;
    if (*pattern == '\0')
        return 0;
    *out = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_MULTILINE, &code, &at,
                         NULL);
    if (*out)
        return 0;
    char why[128] = "";
    pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof why);
    return err_set(err, "pattern %s: %s at byte %zu", pattern, why, at);
}

static int take_arguments(struct command *c, const struct preset *preset, struct err *err)
{
    const struct conf_list *own = &c->scanner->command;
    size_t n = 0;
    c->argv[n++] = preset_program(c->scanner);
    if (own->n > 1)
        for (size_t i = 1; i < own->n && n < ARGUMENTS_MAX; i++)
            c->argv[n++] = own->items[i];
    else
        for (size_t i = 1; preset->command[i]; i++)
            c->argv[n++] = preset->command[i];
    for (size_t i = 1; i < n; i++)
        if (strcmp(c->argv[i], FOLDER_MARK) == 0)
            c->argv[i] = c->files;
    if (access(c->argv[0], X_OK) == 0)
        return 0;
    return err_sys(err, "cannot run %s", c->argv[0]);
}

static int prepare(struct command *c, struct err *err)
{
    const struct conf_scanner *scanner = c->scanner;
    const struct preset *preset = preset_find(scanner->preset);
    if (preset == NULL)
        return err_set(err, "there is no preset %s", scanner->preset);
    take_codes(c, &scanner->clean, preset->clean, MEANS_CLEAN);
    take_codes(c, &scanner->unscannable, preset->unscannable, MEANS_UNSCANNABLE);
    take_codes(c, &scanner->infected, preset->infected, MEANS_INFECTED);
    if (take_arguments(c, preset, err) < 0 ||
        compile(scanner->found, preset->found, &c->found, err) < 0 ||
        compile(scanner->not_scanned, preset->not_scanned, &c->not_scanned, err) < 0)
        return -1;
    c->match = pcre2_match_data_create(2, NULL);
    c->limits = pcre2_match_context_create(NULL);
    if (c->match == NULL || c->limits == NULL)
        return err_set(err, "out of memory");
    pcre2_set_match_limit(c->limits, MATCH_LIMIT);
    pcre2_set_depth_limit(c->limits, DEPTH_LIMIT);
    pcre2_set_heap_limit(c->limits, MATCH_HEAP_KIB);
    c->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    return c->null_fd >= 0 ? 0 : err_sys(err, "cannot open /dev/null");
}

static void command_close(void *data)
{
    struct command *c = data;
    child_stop(&c->child);
    fsio_close_quiet(&c->null_fd);
    pcre2_code_free(c->found);
    pcre2_code_free(c->not_scanned);
    pcre2_match_data_free(c->match);
    pcre2_match_context_free(c->limits);
    buf_release(&c->output);
    free(c);
}

static void *command_open(const struct conf_scanner *scanner, const struct conf_antivirus *conf,
                          struct err *err)
{
    struct command *c = calloc(1, sizeof *c);
    if (c == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    c->scanner = scanner;
    c->null_fd = -1;
    c->child = CHILD_NONE_RUNS;
    c->output = BUF_INIT(OUTPUT_MAX);
    if (prepare(c, err) == 0)
        return c;
    command_close(c);
    return NULL;
}

static int command_use_tmp(void *data, const char *folder, struct err *err)
{
    struct command *c = data;
    if (fsio_join(c->folder, sizeof c->folder, folder, c->scanner->name, err) < 0 ||
        fsio_join(c->files, sizeof c->files, c->folder, "files", err) < 0 ||
        fsio_join(c->work, sizeof c->work, c->folder, "work", err) < 0)
        return -1;
    return fsio_mkdir_passing(c->folder, 0700, err);
}

/* --- the run --- */

static int write_item(const struct command *c, size_t i, struct str bytes, struct err *err)
{
    char name[32], path[PATH_MAX];
    snprintf(name, sizeof name, i ? "part%zu" : "message", i);
    if (fsio_join(path, sizeof path, c->files, name, err) < 0)
        return -1;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_sys(err, "cannot make %s", path);
    int result = fsio_write(fd, bytes, path, err);
    if (fsio_close(&fd, path, result == 0 ? err : NULL) < 0)
        result = -1;
    return result;
}

/* A program may have closed the folder to its owner, us. */
static int empty_folder(const struct command *c, struct err *err)
{
    if (chmod(c->folder, 0700) < 0)
        return err_sys(err, "cannot open the folder %s", c->folder);
    return fsio_empty_dir(c->folder, err);
}

static int lay_out(const struct outside_task *task, struct err *err)
{
    const struct command *c = task->data;
    if (c->folder[0] == '\0')
        return err_set(err, "it has no temporary folder");
    if (empty_folder(c, err) < 0 || fsio_mkdir_passing(c->files, 0700, err) < 0 ||
        fsio_mkdir_passing(c->work, 0700, err) < 0)
        return -1;
    for (size_t i = task_next_item(task, 0); i < task_items(task); i = task_next_item(task, i + 1))
        if (write_item(c, i, task_item(task, i), err) < 0)
            return -1;
    return 0;
}

static void command_start(struct outside_task *task)
{
    struct command *c = task->data;
    struct err err;
    const struct child_plan plan = {.scanner = c->scanner,
                                    .argv = c->argv,
                                    .folder = c->folder,
                                    .work = c->work,
                                    .null_fd = c->null_fd,
                                    .seconds = task->conf->timeout + CPU_GRACE,
                                    .file_limit = task->conf->scan_size_limit,
                                    .sandbox_required = task->sandbox_required};
    const char *slash = strrchr(c->argv[0], '/');
    snprintf(task->answer->version, sizeof task->answer->version, "%s", slash ? slash + 1 : "");
    buf_clear(&c->output);
    if (lay_out(task, &err) < 0 || child_start(&c->child, &plan, &err) < 0)
        task_fail(task, "%s", err.text);
}

static void command_stop(struct outside_task *task)
{
    struct command *c = task->data;
    struct err err;
    child_stop(&c->child);
    buf_release(&c->output);
    if (c->folder[0] != '\0' && empty_folder(c, &err) < 0)
        av_found(task->answer, AV_FAILED, "%s", err.text);
}

/* --- what it says --- */

/* 1 the pattern matches, *name is its first group (or all of it); 0 no; -1 a limit was hit */
static int matches(const struct command *c, const pcre2_code *pattern, struct str *name)
{
    if (pattern == NULL)
        return 0;
    struct str text = buf_str(&c->output);
    int n =
        pcre2_match(pattern, (PCRE2_SPTR)(text.n ? text.s : ""), text.n, 0, 0, c->match, c->limits);
    if (n == PCRE2_ERROR_NOMATCH)
        return 0;
    if (n < 0)
        return -1;
    const size_t *at = pcre2_get_ovector_pointer(c->match);
    size_t group = n != 1 && at[2] != PCRE2_UNSET ? 1 : 0;
    *name = str_trim(str_sub(text, at[2 * group], at[2 * group + 1]));
    return 1;
}

static struct str last_line(struct str text)
{
    text = str_trim(text);
    return str_from(text, str_rchr(text, '\n') + 1);
}

static void judge_exit(struct outside_task *task, int code)
{
    const struct command *c = task->data;
    enum meaning meaning = c->codes[code];
    char name[AV_NAME_MAX], words[LAST_WORDS_MAX] = "";
    struct str text = STR_EMPTY, ignored;
    int found = matches(c, c->found, &text);
    int left_out = matches(c, c->not_scanned, &ignored);
    task_text(text, name, sizeof name);
    if (name[0] == '\0')
        snprintf(name, sizeof name, "exit code %d", code);
    if (found == 1 || meaning == MEANS_INFECTED)
        av_found(task->answer, AV_INFECTED, "%s", name);
    if (left_out == 1 || meaning == MEANS_UNSCANNABLE)
        av_found(task->answer, AV_UNSCANNABLE, "exit code %d", code);
    if (found < 0 || left_out < 0)
        av_found(task->answer, AV_FAILED, "its output is too hard to match with the pattern");
    if (meaning != MEANS_FAILURE)
        return;
    task_text(last_line(buf_str(&c->output)), words, sizeof words);
    av_found(task->answer, AV_FAILED, "exit code %d: %s", code, words);
}

/* -1: it says too much, or more than there is memory for. */
static int listen_to(struct command *c, struct err *err)
{
    while (c->child.says >= 0 && c->output.n < OUTPUT_MAX) {
        size_t room = OUTPUT_MAX - c->output.n < 4096 ? OUTPUT_MAX - c->output.n : 4096;
        char *to = buf_room(&c->output, room);
        if (to == NULL)
            return err_set(err, "out of memory for its output");
        ssize_t n = read(c->child.says, to, room);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return 0;
        if (n == 0)
            fsio_close_quiet(&c->child.says);
        buf_filled(&c->output, (size_t)n);
    }
    return c->output.n < OUTPUT_MAX ? 0 : err_set(err, "output of more than %zu bytes", OUTPUT_MAX);
}

static size_t command_waits(const struct outside_task *task, struct pollfd *fds)
{
    const struct command *c = task->data;
    size_t n = 0;
    if (c->child.says >= 0)
        fds[n++] = (struct pollfd){.fd = c->child.says, .events = POLLIN};
    fds[n++] = (struct pollfd){.fd = c->child.alive, .events = POLLIN};
    return n;
}

static void command_step(struct outside_task *task)
{
    struct command *c = task->data;
    struct err err;
    int status = 0;
    bool ended = child_ended(&c->child, &status);
    if (listen_to(c, &err) < 0) {
        task_fail(task, "%s", err.text);
        child_stop(&c->child);
        return;
    }
    if (!ended)
        return;
    if (WIFSIGNALED(status))
        task_fail(task, "the program died: %s", sigdescr_np(WTERMSIG(status)));
    else
        judge_exit(task, WEXITSTATUS(status));
    task_finish(task);
}

const struct outside_kind outside_command = {.open = command_open,
                                             .close = command_close,
                                             .use_tmp = command_use_tmp,
                                             .start = command_start,
                                             .waits = command_waits,
                                             .step = command_step,
                                             .stop = command_stop};
