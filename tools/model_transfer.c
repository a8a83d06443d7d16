/* model export, model import: what was learned as text, and back; other filters' too. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "bayes/transfer/import.h"
#include "tools/files.h"
#include "tools/json.h"
#include "tools/model_tool.h"

#define COPY_SIZE   65536
#define EXPORT_MODE 0640

#define FILE_SIZE_MAX ((size_t)256 * 1024 * 1024)
#define POOL_MAX      ((size_t)1024 * 1024 * 1024) /* for one message */

/* The learner takes plain files only: what comes by a pipe, or goes there, passes through one
 * without a name. */
static int unnamed_file(struct err *err)
{
    char name[] = "/tmp/poterne-model-XXXXXX";
    int fd = mkostemp(name, O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, "cannot make a file in /tmp");
    unlink(name);
    return fd;
}

static int copy(int from, const char *from_path, int to, const char *to_path, struct err *err)
{
    char block[COPY_SIZE];
    for (;;) {
        ssize_t n = read(from, block, sizeof block);
        if (n < 0)
            return err_sys(err, "cannot read %s", from_path);
        if (n == 0)
            return 0;
        if (fsio_write(to, str_n(block, (size_t)n), to_path, err) < 0)
            return -1;
    }
}

static bool plain(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static int rewind_file(int fd, const char *path, struct err *err)
{
    return lseek(fd, 0, SEEK_SET) < 0 ? err_sys(err, "cannot rewind %s", path) : 0;
}

/* --- export --- */

static int export_to(struct model_tool *tool, int fd, const char *path, struct err *err)
{
    struct learn_summary summary;
    struct learn_client *client = model_client(tool, err);
    int result = client ? order_export(client, fd, path, &summary, err) : -1;
    learn_client_close(&client);
    return result;
}

static int export_stdout(struct model_tool *tool, struct err *err)
{
    int fd = unnamed_file(err);
    if (fd < 0)
        return -1;
    int result = export_to(tool, fd, "standard output", err);
    if (result == 0)
        result = rewind_file(fd, "the export", err);
    if (result == 0)
        result = copy(fd, "the export", STDOUT_FILENO, "standard output", err);
    close(fd);
    return result;
}

/* A file that is there is not written over: it may be the only copy. */
static int export_file(struct model_tool *tool, const char *path, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, EXPORT_MODE);
    if (fd < 0)
        return err_sys(err, "cannot create %s", path);
    int result = export_to(tool, fd, path, err);
    if (result == 0 && fsync(fd) < 0)
        result = err_sys(err, "cannot fsync %s", path);
    close(fd);
    if (result < 0)
        unlink(path);
    return result;
}

int model_export(struct model_tool *tool, struct err *err)
{
    const char *path = tool->rest[0];
    bool standard = strcmp(path, "-") == 0;
    int result = standard ? export_stdout(tool, err) : export_file(tool, path, err);
    if (result < 0)
        return -1;
    if (!standard && tool->json)
        json_line(json_pack("{s:o}", "exported", json_text(str_of(path))));
    else if (!standard)
        printf("what was learned is in %s\n", path);
    return TOOL_YES;
}

/* --- import --- */

static void put_imported(const struct model_tool *tool, const struct import_summary *imported,
                         const struct learn_summary *summary)
{
    const char *format = import_format_text(imported->format);
    if (tool->json)
        json_line(json_pack("{s:s, s:I, s:I, s:I, s:I, s:{s:I, s:I}, s:I, s:s*}", "format", format,
                            "spam", (json_int_t)imported->spam, "ham", (json_int_t)imported->ham,
                            "tokens", (json_int_t)imported->tokens, "dropped",
                            (json_int_t)imported->dropped, "total", "spam",
                            (json_int_t)summary->spam, "ham", (json_int_t)summary->ham, "model",
                            (json_int_t)summary->generation, "refused",
                            summary->refused[0] ? summary->refused : NULL));
    else
        printf("%s: %" PRIu64 " spam and %" PRIu64 " ham, %" PRIu64 " tokens taken over, %" PRIu64
               " without counterpart left out; in all %" PRIu64 " spam and %" PRIu64
               " ham, model %" PRIu64 "\n",
               format, imported->spam, imported->ham, imported->tokens, imported->dropped,
               summary->spam, summary->ham, summary->generation);
    if (!tool->json && summary->refused[0])
        printf("the new model was refused: %s\n", summary->refused);
}

/* Adds portable text. `imported` says what came of it, or stays what a conversion said. */
static int import_portable(struct model_tool *tool, int fd, const char *path,
                           struct import_summary *imported, struct err *err)
{
    struct import_summary portable;
    struct learn_summary summary = {.refused = ""};
    if (rewind_file(fd, path, err) < 0)
        return -1;
    struct learn_client *client = model_client(tool, err);
    int result = client ? order_import(client, fd, path, &portable, &summary, err) : -1;
    if (result == 0)
        result = order_publish(client, LEARN_PUBLISH_CHANGED, &summary, err);
    learn_client_close(&client);
    if (imported->format == IMPORT_POTERNE)
        *imported = portable;
    if (result == 0)
        put_imported(tool, imported, &summary);
    return result;
}

/* Another filter's dump is made portable first. */
static int import_file(struct model_tool *tool, int fd, const char *path,
                       struct import_words *words, struct err *err)
{
    struct import_summary imported;
    int portable = unnamed_file(err);
    if (portable < 0)
        return -1;
    int result = rewind_file(fd, path, err);
    if (result == 0)
        result = import_convert(fd, path, words, portable, "a file in /tmp", &imported, err);
    if (result == 0)
        result = import_portable(tool, imported.format == IMPORT_POTERNE ? fd : portable, path,
                                 &imported, err);
    close(portable);
    return result;
}

/* What comes by a pipe, first into a file. */
static int import_any(struct model_tool *tool, int fd, const char *path, struct import_words *words,
                      struct err *err)
{
    if (plain(fd))
        return import_file(tool, fd, path, words, err);
    int copied = unnamed_file(err);
    if (copied < 0)
        return -1;
    int result = copy(fd, path, copied, "a file in /tmp", err);
    if (result == 0)
        result = import_file(tool, copied, path, words, err);
    close(copied);
    return result;
}

/* --- words of mail, for SpamAssassin's tokens --- */

static int words_of_message(struct import_words *words, struct str raw, struct pool *pool,
                            struct err *err)
{
    struct features features;
    pool_reset(pool);
    if (features_of_mail(pool, raw, NULL, &features, err) < 0)
        return -1;
    return import_words_add(words, &features, err);
}

static int words_read(struct import_words *words, const struct file_list *files, struct err *err)
{
    struct tool_progress bar;
    struct buf file = BUF_INIT(FILE_SIZE_MAX);
    struct pool *pool = pool_new(POOL_MAX);
    int result = pool ? 0 : err_set(err, "out of memory");
    tool_progress_begin(&bar, "read", files->n);
    for (size_t i = 0; result == 0 && i < files->n; i++) {
        buf_clear(&file);
        result = file_read(files->paths[i], &file, err);
        if (result == 0)
            result = words_of_message(words, mbox_line_dropped(buf_str(&file)), pool, err);
        tool_progress_step(&bar);
    }
    tool_progress_end(&bar);
    pool_free(&pool);
    buf_release(&file);
    return result;
}

/* Of the files and folders behind the dump's name. *words stays NULL when there are none. */
static int words_collect(const struct model_tool *tool, struct import_words **words,
                         struct err *err)
{
    struct file_list files = {0};
    int result = 0;
    for (size_t i = 1; result == 0 && i < tool->n_rest; i++)
        result = file_list_add(&files, tool->rest[i], FILES_ALL, err);
    if (result == 0 && files.n) {
        *words = import_words_new();
        result = *words ? words_read(*words, &files, err) : err_set(err, "out of memory");
    }
    file_list_free(&files);
    return result;
}

int model_import(struct model_tool *tool, struct err *err)
{
    const char *path = tool->rest[0];
    bool standard = strcmp(path, "-") == 0;
    struct import_words *words = NULL;
    int fd = standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, "cannot open %s", path);
    int result = words_collect(tool, &words, err);
    if (result == 0)
        result = import_any(tool, fd, path, words, err);
    import_words_free(&words);
    close(fd);
    return result < 0 ? -1 : TOOL_YES;
}
