/* backup: generations of all that must survive, made while the gateway runs. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backup/note.h"
#include "base/log.h"
#include "gateway/backup_alarm.h"
#include "tools/backup_daily.h"
#include "tools/backup_tool.h"
#include "tools/json.h"

#define DAILY_NICE 10 /* mail goes first */
#define DAILY      ((uint64_t)OPT_DAILY | OPT_MISSED)

static void put_sizes(const char *name, const struct taken *taken)
{
    char bytes[TOOL_SIZE_SIZE], written[TOOL_SIZE_SIZE];
    tool_size(taken->bytes, bytes);
    tool_size(taken->written, written);
    printf("%s: %" PRIu64 " files, %s, of which %s are new", name, taken->files, bytes, written);
    if (taken->pruned)
        printf("; %zu older generations removed", taken->pruned);
    if (taken->left_out)
        printf("; %" PRIu64 " left out of what the settings name, see above", taken->left_out);
    putchar('\n');
}

/* --- making one --- */

static void on_progress(void *data, const struct taken *taken)
{
    struct tool_progress *bar = data;
    tool_progress_move(bar, taken->bytes, taken->files);
}

struct job {
    const struct tool_args *args;
    const struct conf *conf;
    const char *folder;
};

static int make(const struct job *job, struct err *err)
{
    const struct tool_args *args = job->args;
    const char *folder = job->folder;
    struct tool_progress bar;
    struct taken taken;
    bool quiet = args->given & (OPT_QUIET | DAILY);
    if (args->given & DAILY)
        setpriority(PRIO_PROCESS, 0, DAILY_NICE);
    tool_progress_begin(&bar, quiet ? NULL : "kept", 0);
    bar.lines = true;
    int result = backup_take(job->conf, folder, on_progress, &bar, &taken, err);
    tool_progress_end(&bar);
    if (result < 0)
        return -1;
    if (args->given & OPT_JSON)
        return json_line(json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "generation",
                                   taken.name.text, "folder", folder, "files",
                                   (json_int_t)taken.files, "bytes", (json_int_t)taken.bytes,
                                   "new_bytes", (json_int_t)taken.written, "left_out",
                                   (json_int_t)taken.left_out, "removed",
                                   (json_int_t)taken.pruned)) < 0
                   ? -1
                   : TOOL_YES;
    if (!quiet)
        put_sizes(taken.name.text, &taken);
    return TOOL_YES;
}

/* 1, or 0: none was ever made, or one of the last day is there. */
static int is_missed(const char *folder, struct err *err)
{
    struct shelf shelf;
    struct shelf_name *names;
    size_t n;
    if (access(folder, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (shelf_open(folder, &shelf, err) < 0)
        return -1;
    int result = shelf_list(&shelf, &names, &n, err);
    if (result == 0) {
        result = shelf_missed(names, n, time(NULL));
        free(names);
    }
    shelf_close(&shelf);
    return result;
}

/* That none was made, by mail, where that can be. The exit status says who is to tell it then. */
static int fail_loudly(const struct conf *conf, const char *folder, const struct err *err)
{
    struct post post;
    struct err untold = {"there is no manager whom mail can be sent to"};
    int told = post_open(&post, conf, &untold);
    if (told == 0) {
        umask(0007); /* delivery takes it over, by the folder's group */
        told = backup_alarm(&post, folder, err->text, &untold);
        post_close(&post);
    }
    if (told <= 0)
        log_error("the managers can't be told that no backup was made: %s", untold.text);
    tool_fail("backup", err);
    return told > 0 ? BACKUP_TOLD : TOOL_FAILED;
}

static int make_and_tell(void *data)
{
    const struct job *job = data;
    struct err err = {""};
    int result = job->args->given & OPT_MISSED ? is_missed(job->folder, &err) : 1;
    if (result == 0)
        return TOOL_NO;
    if (result > 0)
        result = make(job, &err);
    return result >= 0 ? result : fail_loudly(job->conf, job->folder, &err);
}

static int make_daily(struct job *job)
{
    struct err err = {""};
    int result = backup_daily(BACKUP_DAILY_LONGEST, make_and_tell, job, &err);
    return result >= 0 ? result : fail_loudly(job->conf, job->folder, &err);
}

/* The gateway still serves with settings that it read before they had a mistake. */
static int fail_by_settings(const struct tool_args *args, const struct err *why)
{
    char folder[PATH_MAX];
    struct err err = {""};
    int status = TOOL_FAILED;
    struct conf *conf = conf_read(args->serving, NULL, NULL, &err);
    if (conf && backup_tool_folder(conf, args->folder, folder, sizeof folder, &err) == 0) {
        status = fail_loudly(conf, folder, why);
    } else {
        log_error("the managers can't be told that no backup was made: %s", err.text);
        tool_fail("backup", why);
    }
    conf_free(&conf);
    return status;
}

/* --- looking --- */

struct listed {
    uint64_t files[BACKUP_PARTS];
    uint64_t bytes;
    uint64_t n;
};

static struct listed count(const struct manifest *m)
{
    struct listed all = {.n = 0};
    for (size_t i = 0; i < m->n; i++) {
        bool first = m->pieces[i].number == PIECE_WHOLE || m->pieces[i].number == 0;
        all.n += first;
        all.files[backup_part_of(m->pieces[i].path)] += first;
        all.bytes += m->pieces[i].size;
    }
    return all;
}

static bool is_ahead(const struct shelf_name *name)
{
    return shelf_time_ahead(shelf_name_time(str_of(name->text)), time(NULL));
}

static void put_json(const struct shelf_name *name, const struct manifest *m, const char *why)
{
    json_t *line = json_pack("{s:s, s:b}", "generation", name->text, "whole", m != NULL);
    if (m) {
        struct listed all = count(m);
        json_object_set_new(line, "made", json_text(m->made));
        json_object_set_new(line, "hostname", json_text(m->hostname));
        json_object_set_new(line, "files", json_integer((json_int_t)all.n));
        json_object_set_new(line, "bytes", json_integer((json_int_t)all.bytes));
        for (size_t i = 0; i < BACKUP_PARTS; i++)
            json_object_set_new(line, backup_part_name((enum backup_part)i),
                                json_integer((json_int_t)all.files[i]));
    } else {
        json_object_set_new(line, "error", json_text(str_of(why)));
    }
    json_object_set_new(line, "in_the_future", json_boolean(is_ahead(name)));
    json_line(line);
}

static void put_one(const struct shelf_name *name, const struct manifest *m, const char *why)
{
    char when[TOOL_TIME_SIZE], size[TOOL_SIZE_SIZE];
    tool_time((int64_t)shelf_name_time(str_of(name->text)) * 1000000, when);
    printf("%s  %s  ", name->text, when);
    if (m) {
        struct listed all = count(m);
        tool_size(all.bytes, size);
        printf("%" PRIu64 " files, %s; %" PRIu64 " held, %" PRIu64 " queued, model %.*s", all.n,
               size, all.files[PART_QUARANTINE], all.files[PART_QUEUE],
               m->model.n ? (int)m->model.n : 4, m->model.n ? m->model.s : "none");
    } else {
        fputs("can't be used: ", stdout);
        tool_put_text(stdout, str_of(why));
    }
    puts(is_ahead(name) ? "; in the future: the clock was wrong" : "");
}

static int list(const struct tool_args *args, const char *folder, struct err *err)
{
    struct shelf shelf;
    struct shelf_name *names;
    size_t n;
    int status = TOOL_YES;
    if (shelf_open(folder, &shelf, err) < 0)
        return -1;
    if (shelf_list(&shelf, &names, &n, err) < 0) {
        shelf_close(&shelf);
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        struct err why = {""};
        int fd = shelf_enter(&shelf, &names[i], &why);
        struct manifest *m = fd >= 0 ? shelf_manifest(fd, names[i].text, &why) : NULL;
        (args->given & OPT_JSON ? put_json : put_one)(&names[i], m, why.text);
        status = m ? status : TOOL_NO;
        manifest_free(&m);
        if (fd >= 0)
            close(fd);
    }
    free(names);
    shelf_close(&shelf);
    return n ? status : TOOL_NO;
}

static int verify(const struct tool_args *args, const char *folder, struct err *err)
{
    struct backup_view view;
    struct verified verified;
    char size[TOOL_SIZE_SIZE];
    if (backup_view_open(&view, folder, args->n_rest > 1 ? args->rest[1] : NULL, err) < 0)
        return -1;
    int status =
        backup_view_verify(&view, PARTS_ALL, args->given & (OPT_QUIET | OPT_JSON), &verified, err);
    tool_size(verified.bytes, size);
    if (status >= 0 && args->given & OPT_JSON)
        json_line(json_pack("{s:s, s:b, s:I, s:I, s:I}", "generation", view.name.text, "whole",
                            status == TOOL_YES, "pieces", (json_int_t)verified.pieces, "bytes",
                            (json_int_t)verified.bytes, "damaged", (json_int_t)verified.bad));
    else if (status == TOOL_YES)
        printf("%s is whole: %" PRIu64 " pieces, %s\n", view.name.text, verified.pieces, size);
    else if (status == TOOL_NO)
        printf("%s is damaged: %" PRIu64 " of %" PRIu64 " pieces; `poterne backup` makes another, "
               "and shares none of these with it\n",
               view.name.text, verified.bad, verified.pieces);
    backup_view_close(&view);
    return status;
}

/* --- the command --- */

static int run(const struct tool_args *args)
{
    const char *what = args->n_rest ? args->rest[0] : "";
    char folder[PATH_MAX];
    struct err err = {""};
    int result = -1;
    if (args->n_rest && strcmp(what, "list") != 0 && strcmp(what, "verify") != 0)
        return tool_misused("backup", "there is no `backup %s`; say nothing, list or verify", what);
    if (args->n_rest > (strcmp(what, "verify") == 0 ? 2 : 1))
        return tool_misused("backup", "too many words");
    struct conf *conf = tool_conf(args, &err);
    if (conf == NULL && args->n_rest == 0 && args->given & DAILY && args->serving)
        return fail_by_settings(args, &err);
    if (conf && backup_tool_folder(conf, args->folder, folder, sizeof folder, &err) == 0) {
        struct job job = {.args = args, .conf = conf, .folder = folder};
        if (args->n_rest == 0)
            result = args->given & DAILY ? make_daily(&job) : make(&job, &err);
        else
            result =
                strcmp(what, "list") == 0 ? list(args, folder, &err) : verify(args, folder, &err);
    }
    conf_free(&conf);
    return result < 0 ? tool_fail("backup", &err) : result;
}

const struct tool_command tool_backup = {
    .name = "backup",
    .summary = "keep a generation of settings, ledger, journal, quarantine; list and verify them",
    .arguments = "[--to FOLDER] [--daily | --missed [--serving FILE]] | list | verify [GENERATION]",
    .help =
        "Makes one generation, while mail goes on: settings with all that they name (rules,\n"
        "recipients, accounts, keys, passwords), what was learned and its models, the journal,\n"
        "quarantine, queue, what waits for a manager, frozen accounts. Not in it: counts and\n"
        "caches, ClamAV's databases, kept originals.\n"
        "It is for root alone, since keys and passwords are in it. What did not change since the\n"
        "generation before is shared with it. One that failed, or was killed, leaves nothing.\n"
        "The last one of each of backup.keep days is kept, and all of the newest day. poterned\n"
        "makes one each day at backup.at.\n"
        "list shows what there is; verify reads one (the newest) and compares all sums.\n"
        "`poterne restore` brings one back.\n"
        "Exit status: 0 done, 1 list: none, or one that can't be used; verify: damaged; --missed:\n"
        "none was missed; 2 it could not be done; 3 --daily, --missed: likewise, and the managers\n"
        "were told.\n",
    .options =
        OPT_CONFIG | OPT_JSON | OPT_QUIET | OPT_FOLDER | OPT_DAILY | OPT_MISSED | OPT_SERVING,
    .run = run,
};
