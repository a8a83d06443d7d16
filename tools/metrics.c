/* metrics: what monitoring asks for, as OpenMetrics text: how the last audit ended, and what waits.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "audit/judge.h"
#include "base/fsio.h"
#include "journal/query.h"
#include "spool/names.h"
#include "tools/json.h"
#include "tools/tool.h"

#define POOL_MAX ((size_t)1024 * 1024)

struct view {
    const struct conf *conf;
    struct journal *journal; /* NULL: it can't be read */
    struct event_audit last;
    json_t *summary; /* of it; an empty object: there was none */
};

static void head(const char *name, const char *help)
{
    printf("# TYPE poterne_%s gauge\n# HELP poterne_%s %s\n", name, name, help);
}

static void one(const char *name, const char *help, uint64_t value)
{
    head(name, help);
    printf("poterne_%s %" PRIu64 "\n", name, value);
}

/* --- the audit --- */

static uint64_t number_in(const json_t *object, const char *of, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(json_object_get(object, of), name));
}

static void put_audit(const struct view *view)
{
    const struct event_audit *last = &view->last;
    head("audit_time_seconds", "When the last daily audit began, since 1970; 0: there was none.");
    printf("poterne_audit_time_seconds %.3f\n", (double)last->time_us / 1e6);
    head("audit_duration_seconds", "How long it took.");
    printf("poterne_audit_duration_seconds %.3f\n", (double)last->duration_ms / 1e3);
    one("audit_done", "1: it could be done.", last->time_us && last->failure.n == 0);
    one("audit_messages", "Messages that it looked at.", last->messages);
    /* half an audit proves nothing: no count of it is a zero */
    if (last->failure.n)
        return;
    one("audit_closed", "Findings that people have closed.",
        (uint64_t)json_integer_value(json_object_get(view->summary, "closed")));
    head("audit_recipients", "Their recipients, each in one class.");
    for (int i = 0; i < AUDIT_CLASSES; i++) {
        const char *name = audit_class_name((enum audit_class)i);
        printf("poterne_audit_recipients{class=\"%s\"} %" PRIu64 "\n", name,
               number_in(view->summary, "classes", name));
    }
    head("audit_findings", "What did not add up.");
    for (int i = 0; i < FINDING_KINDS; i++) {
        const char *name = finding_name((enum finding_kind)i);
        printf("poterne_audit_findings{kind=\"%s\"} %" PRIu64 "\n", name,
               number_in(view->summary, "findings", name));
    }
}

/* --- what waits --- */

static int count_one(void *data, struct str id)
{
    uint64_t *n = data;
    (void)id;
    ++*n;
    return 0;
}

/* Files in a folder of the spool; 0 where there is none. */
static int count_files(const struct conf *conf, const char *name, uint64_t *n, struct err *err)
{
    char path[PATH_MAX];
    *n = 0;
    if (fsio_join(path, sizeof path, conf->state_dir, name, err) < 0)
        return -1;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_sys(err, "cannot read %s", path);
    int result = spool_names_each(fd, path, SPOOL_SUFFIX_ANY, count_one, n, err);
    fsio_close_quiet(&fd);
    return result;
}

static int put_folders(const struct conf *conf, struct err *err)
{
    static const char *const names[] = {"incoming", "queue", "quarantine", "kept", "corrupt"};
    head("spool_messages", "Files in each folder of the spool.");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        uint64_t n;
        if (count_files(conf, names[i], &n, err) < 0)
            return -1;
        printf("poterne_spool_messages{folder=\"%s\"} %" PRIu64 "\n", names[i], n);
    }
    return 0;
}

static int put_space(const struct conf *conf, struct err *err)
{
    struct statvfs fs;
    if (statvfs(conf->state_dir, &fs) < 0)
        return err_sys(err, "cannot ask for the free space of %s", conf->state_dir);
    one("spool_free_bytes", "Free bytes where the spool lies.",
        (uint64_t)fs.f_bavail * fs.f_frsize);
    one("spool_free_inodes", "Free inodes there.", (uint64_t)fs.f_favail);
    return 0;
}

static int put_recipients(const struct view *view, struct err *err)
{
    static const enum recipient_state states[] = {RCPT_OWED, RCPT_DEFERRED, RCPT_RELEASED,
                                                  RCPT_HELD};
    uint64_t in[RECIPIENT_STATES];
    if (journal_open_recipients(view->journal, in, err) < 0)
        return -1;
    head("open_recipients", "Recipients without an outcome, as far as the journal has heard.");
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        printf("poterne_open_recipients{state=\"%s\"} %" PRIu64 "\n",
               recipient_state_name(states[i]), in[states[i]]);
    return 0;
}

/* --- the command --- */

static int look(struct view *view, struct pool *pool, struct err *err)
{
    view->journal = journal_open_state(view->conf->state_dir, err);
    if (view->journal == NULL || journal_last_audit(view->journal, pool, &view->last, err) < 0)
        return -1;
    view->summary = json_parse(view->last.summary);
    put_audit(view);
    if (put_recipients(view, err) < 0 || put_folders(view->conf, err) < 0 ||
        put_space(view->conf, err) < 0)
        return -1;
    puts("# EOF");
    return 0;
}

static int run(const struct tool_args *args)
{
    struct view view = {.summary = NULL};
    struct err err = {"out of memory"};
    if (args->n_rest)
        return tool_misused("metrics", "\"%s\": metrics takes no argument", args->rest[0]);
    struct conf *conf = tool_conf(args, &err);
    struct pool *pool = conf ? pool_new(POOL_MAX) : NULL;
    view.conf = conf;
    int status = pool && look(&view, pool, &err) == 0 ? TOOL_YES : tool_fail("metrics", &err);
    json_decref(view.summary);
    journal_close(&view.journal);
    pool_free(&pool);
    conf_free(&conf);
    return status;
}

const struct tool_command tool_metrics = {
    .name = "metrics",
    .summary = "how the last audit ended and what waits, for monitoring",
    .arguments = "",
    .help =
        "OpenMetrics text on standard output, for a collector of text files, say:\n"
        "  poterne metrics > FILE.new && mv FILE.new FILE.prom\n"
        "Exit status: 0 done, 2 could not be done; without its last line, # EOF, it is cut off.\n",
    .options = OPT_CONFIG,
    .run = run,
};
