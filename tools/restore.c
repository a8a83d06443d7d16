/* restore: a generation of the backup, back to where it was. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backup/restore.h"
#include "base/fsio.h"
#include "gateway/places.h"
#include "tools/backup_tool.h"
#include "tools/json.h"
#include "tools/restore_tool.h"

#define INSTALLED     POTERNE_SYSCONFDIR "/poterne.conf"
#define PID_FILE      "poterned.pid"
#define RUN_MODE      0770 /* poterned sets its own when it starts */
#define PARTS_DEFAULT (PARTS_ALL & ~PART_BIT(PART_QUEUE))

/* One restore. */
struct job {
    const struct tool_args *args;
    struct backup_view view;
    struct restore r;
    struct conf *conf; /* where the state is, and whose */
    char config[PATH_MAX];
    int lock_fd;       /* of poterned, as the settings that come back say */
    int older_lock_fd; /* … as those say that are here; -1: the same, or none are */
    int state_fd;      /* lock on the state folder (gateway/owner.h); -1: there is none yet */
    struct tool_progress bar;
    uint64_t done;
    uint64_t closed; /* messages that the journal knows and no folder has, as it was told */
};

/* --- which parts --- */

static int part_named(struct str word, unsigned *parts, struct err *err)
{
    for (size_t i = 0; i < BACKUP_PARTS; i++)
        if (str_eq(word, str_of(backup_part_name((enum backup_part)i)))) {
            *parts |= PART_BIT(i);
            return 0;
        }
    return err_set(err,
                   "there is no part %.*s; there are settings, ledger, journal, quarantine, "
                   "queue, reports, gate",
                   STR_ARG(word));
}

static int read_parts(const char *only, unsigned *parts, struct err *err)
{
    struct str rest = str_of(only), word;
    *parts = only ? 0 : PARTS_DEFAULT;
    while (only && str_next(&rest, ',', &word))
        if (part_named(word, parts, err) < 0)
            return -1;
    return 0;
}

/* --- where --- */

static int text_path(struct str text, char *out, size_t size, struct err *err)
{
    if (text.n && text.s[0] == '/' && str_copy(text, out, size))
        return 0;
    return err_set(err, "the manifest has no path of the settings that could be one");
}

/* The settings that come back say where the state is; without them those that are here. */
static int find_conf(struct job *job, struct err *err)
{
    char stored[PATH_MAX], was[PATH_MAX];
    bool named = job->args->given & OPT_CONFIG;
    if (text_path(job->view.m->config, was, sizeof was, err) < 0)
        return -1;
    snprintf(job->config, sizeof job->config, "%s", named ? job->args->config : was);
    if (job->config[0] != '/')
        return err_set(err, "%s: name the settings by a path that begins with /", job->config);
    job->r.config = job->config;
    if (!(job->r.parts & PART_BIT(PART_SETTINGS))) {
        job->conf = tool_conf(job->args, err);
    } else {
        int n = snprintf(stored, sizeof stored, "%s/%s/files/settings%s", job->view.shelf.folder,
                         job->view.name.text, was);
        if (n < 0 || (size_t)n >= sizeof stored)
            return err_set(err, "%s: path too long", job->view.shelf.folder);
        job->conf = conf_read(stored, NULL, NULL, err);
    }
    if (job->conf == NULL)
        return -1;
    job->r.state_dir = job->conf->state_dir;
    return 0;
}

/* A gateway of that run_dir does not run, and none starts until the lock is given back. */
static int lock_gateway(const char *run_dir, int *lock_fd, struct err *err)
{
    char path[PATH_MAX];
    if (fsio_join(path, sizeof path, run_dir, PID_FILE, err) < 0)
        return -1;
    *lock_fd = fsio_lock(path, err);
    if (*lock_fd >= 0)
        return 0;
    return errno == EWOULDBLOCK ? err_prefix(err, "the gateway runs: stop poterned first") : -1;
}

static bool is_same_folder(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Settings that come back may say another run_dir than those that they take the place of. */
static int keep_older_stopped(struct job *job, struct err *err)
{
    struct err why;
    struct conf *here = job->r.parts & PART_BIT(PART_SETTINGS) && access(job->config, F_OK) == 0
                            ? conf_read(job->config, NULL, NULL, &why)
                            : NULL;
    int result = 0;
    if (here && access(here->run_dir, F_OK) == 0 &&
        !is_same_folder(here->run_dir, job->conf->run_dir))
        result = lock_gateway(here->run_dir, &job->older_lock_fd, err);
    conf_free(&here);
    return result;
}

/* Where poterned was killed its processes still finish what they have begun. */
static int lock_state(struct job *job, struct err *err)
{
    if (access(job->conf->state_dir, F_OK) < 0 && errno == ENOENT)
        return 0;
    job->state_fd = places_own(job->conf->state_dir, err);
    if (job->state_fd >= 0)
        return 0;
    return errno == EWOULDBLOCK ? err_prefix(err, "the gateway runs, or ends: stop poterned first")
                                : -1;
}

/* On an empty machine there is no run_dir yet, and no state. */
static int keep_stopped(struct job *job, struct err *err)
{
    if (fsio_mkdir(job->conf->run_dir, RUN_MODE, err) < 0 ||
        lock_gateway(job->conf->run_dir, &job->lock_fd, err) < 0 || lock_state(job, err) < 0)
        return -1;
    return keep_older_stopped(job, err);
}

/* What comes back, and of when, before it does: it may be older than was thought. */
static void put_which(const struct job *job)
{
    char when[TOOL_TIME_SIZE];
    time_t begun = shelf_name_time(str_of(job->view.name.text)), now = time(NULL);
    long long hours = (long long)(now - begun) / 3600;
    if (job->args->given & (OPT_QUIET | OPT_JSON))
        return;
    tool_time((int64_t)begun * 1000000, when);
    printf("%s, begun at %s, ", job->view.name.text, when);
    if (shelf_time_ahead(begun, now))
        puts("which is in the future: the clock was wrong, then or now");
    else if (hours < 2 * 24)
        printf("%lld hours ago\n", hours < 0 ? 0 : hours);
    else
        printf("%lld days ago\n", hours / 24);
    fflush(stdout);
}

/* --- doing it --- */

static void on_step(void *data, uint64_t bytes)
{
    struct job *job = data;
    job->done += bytes;
    tool_progress_move(&job->bar, job->done, job->r.files);
}

static void on_way(void *data, const char *path)
{
    const struct job *job = data;
    if (job->r.force)
        return;
    fputs("in the way: ", stderr);
    tool_put_text(stderr, str_of(path));
    fputc('\n', stderr);
}

static int check(struct job *job, struct err *err)
{
    struct verified verified;
    bool quiet = job->args->given & (OPT_QUIET | OPT_JSON);
    int sound = backup_view_verify(&job->view, job->r.parts, quiet, &verified, err);
    if (sound < 0)
        return -1;
    if (sound != TOOL_YES)
        return err_set(err,
                       "%" PRIu64 " of %" PRIu64 " pieces are damaged, nothing is restored; with "
                       "--only another part may do, or take another generation",
                       verified.bad, verified.pieces);
    if (verified.pieces == 0)
        return err_set(err, "the generation has nothing of that");
    if (restore_look(&job->r, err) < 0)
        return -1;
    if (job->r.ways_blocked && !job->r.force)
        return err_set(err,
                       "%" PRIu64 " files or folders are there already and are not overwritten; "
                       "--force moves them aside, to NAME.before-TIME",
                       job->r.ways_blocked);
    return 0;
}

static int put_back(struct job *job, struct err *err)
{
    uint64_t total = 0;
    for (size_t i = 0; i < job->view.m->n; i++)
        total += job->view.m->pieces[i].size;
    tool_progress_begin(&job->bar, job->args->given & (OPT_QUIET | OPT_JSON) ? NULL : "restored",
                        total);
    job->bar.lines = true;
    int result = restore_files(&job->r, err);
    if (result == 0 && job->r.root[0] == '\0')
        result = places_make(job->conf, err);
    if (result == 0)
        result = restore_state(&job->r, err);
    tool_progress_end(&job->bar);
    if (result == 0)
        result =
            restore_tell_journal(&job->r, job->view.name.text,
                                 (int64_t)shelf_name_time(str_of(job->view.name.text)) * 1000000,
                                 &job->closed, err);
    return result;
}

static uint64_t queued(const struct manifest *m)
{
    uint64_t n = 0;
    for (size_t i = 0; i < m->n; i++)
        n += backup_part_of(m->pieces[i].path) == PART_QUEUE &&
             (m->pieces[i].number == PIECE_WHOLE || m->pieces[i].number == 0);
    return n;
}

static void put_result(const struct job *job)
{
    const struct restore *r = &job->r;
    bool with_queue = r->parts & PART_BIT(PART_QUEUE);
    uint64_t n = queued(job->view.m);
    char size[TOOL_SIZE_SIZE];
    if (job->args->given & OPT_JSON) {
        json_line(json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "generation", job->view.name.text,
                            "files", (json_int_t)r->files, "bytes", (json_int_t)r->bytes,
                            "left_out", (json_int_t)r->left_out, "queue_left_out",
                            (json_int_t)(with_queue ? 0 : n), "closed", (json_int_t)job->closed));
        return;
    }
    tool_size(r->bytes, size);
    printf("%s is restored: %" PRIu64 " files, %s\n", job->view.name.text, r->files, size);
    if (r->ways_blocked)
        printf("what was there is at NAME%s\n", r->stamp);
    if (r->left_out)
        printf("%" PRIu64 " files that the settings name elsewhere are not restored: --elsewhere\n",
               r->left_out);
    if (!with_queue && n)
        printf("%" PRIu64 " messages that were queued then are not restored, since most were "
               "delivered since: `poterne restore %s --only queue` if not\n",
               n, job->view.name.text);
    puts("next: `poterned --check`, start poterned, and `poterne trace` a message of that day");
}

static int work(struct job *job, const char *folder, struct err *err)
{
    const char *wanted = job->args->n_rest ? job->args->rest[0] : NULL;
    if (read_parts(job->args->only, &job->r.parts, err) < 0 ||
        backup_view_open(&job->view, folder, wanted, err) < 0)
        return -1;
    put_which(job);
    job->r.fd = job->view.fd;
    job->r.m = job->view.m;
    if (find_conf(job, err) < 0 || restore_begin(&job->r, err) < 0)
        return -1;
    if (job->r.root[0] == '\0' && keep_stopped(job, err) < 0)
        return -1;
    if (check(job, err) < 0 || put_back(job, err) < 0)
        return -1;
    put_result(job);
    return TOOL_YES;
}

/* On an empty machine no settings say where the generations are. */
static int find_folder(const struct tool_args *args, char *folder, size_t size, struct err *err)
{
    if (args->from)
        return str_copy(str_of(args->from), folder, size)
                   ? 0
                   : err_set(err, "%s: path too long", args->from);
    struct conf *conf = tool_conf(args, err);
    int result = conf ? backup_folder(conf, folder, size, err) : -1;
    conf_free(&conf);
    return result < 0 ? err_prefix(err, "name the folder of the generations with --from") : 0;
}

/* What stands in front of all paths; whatever leads to / is this machine, on which no gateway may
 * run meanwhile. */
static const char *root_of(const struct tool_args *args)
{
    return args->folder && !is_same_folder(args->folder, "/") ? args->folder : "";
}

static int run(const struct tool_args *args)
{
    char folder[PATH_MAX];
    struct err err = {""};
    struct job job = {.args = args,
                      .lock_fd = -1,
                      .older_lock_fd = -1,
                      .state_fd = -1,
                      .view = {.shelf = {.fd = -1, .lock_fd = -1}, .fd = -1},
                      .r = {.root = root_of(args),
                            .force = args->given & OPT_FORCE,
                            .elsewhere = args->given & OPT_ELSEWHERE,
                            .step = on_step,
                            .in_the_way = on_way,
                            .data = &job}};
    if (args->n_rest > 1)
        return tool_misused("restore", "name one generation");
    int result = find_folder(args, folder, sizeof folder, &err);
    if (result == 0)
        result = work(&job, folder, &err);
    restore_end(&job.r);
    conf_free(&job.conf);
    backup_view_close(&job.view);
    fsio_close_quiet(&job.lock_fd);
    fsio_close_quiet(&job.older_lock_fd);
    fsio_close_quiet(&job.state_fd);
    return result < 0 ? tool_fail("restore", &err) : result;
}

const struct tool_command tool_restore = {
    .name = "restore",
    .summary = "bring back what `poterne backup` kept, all of it or parts",
    .arguments =
        "[GENERATION] [--from FOLDER] [--to FOLDER] [--only PARTS] [--force] [--elsewhere]",
    .help =
        "Reads the generation (the newest) and compares all sums, then brings it back; poterned\n"
        "must not run. On an empty machine name the folder of the generations with --from.\n"
        "What is there already is not overwritten: it is an error, or, with --force, moved\n"
        "aside to NAME.before-TIME. Nothing is deleted.\n"
        "PARTS: settings, ledger, journal, quarantine, queue, reports, gate. All but the queue\n"
        "are restored unless --only says otherwise: what was queued then was most likely\n"
        "delivered since, and would be twice.\n"
        "Settings come back beside the file of settings; what they name elsewhere only with\n"
        "--elsewhere. A generation is trusted as root is: do not restore a stranger's.\n"
        "--to puts all of it below a folder instead of /, to look at; no gateway starts of it.\n"
        "Exit status: 0 done, 2 it could not be done.\n",
    .options = OPT_CONFIG | OPT_JSON | OPT_QUIET | OPT_FORCE | OPT_FOLDER | OPT_FROM | OPT_ONLY |
               OPT_ELSEWHERE,
    .run = run,
};
