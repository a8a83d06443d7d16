/* poterned: opens the ports, starts, watches and reloads the rest. It never touches mail. */
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"
#include "config.h"
#include "gateway/certificates.h"
#include "gateway/daily_backup.h"
#include "gateway/owner.h"
#include "gateway/places.h"
#include "gateway/supervise.h"

#define TICK_MS 1000

struct options {
    const char *conf_path;
    const char *programs;
    bool check_only;
};

static const char usage[] =
    "usage: poterned [-c FILE] [--programs FOLDER] [--check]\n"
    "\n"
    "The gateway's supervisor. It stays in the foreground and logs to standard error.\n"
    "  -c, --config FILE      settings (default " POTERNE_SYSCONFDIR "/poterne.conf)\n"
    "      --programs FOLDER  where poterne-edge and the others are\n"
    "      --check            read the settings, say what is wrong, start nothing\n"
    "  -V, --version\n"
    "  -h, --help\n"
    "Signals: HUP reads the settings again (wrong ones change nothing), TERM and INT stop.\n"
    "See poterned(8), poterne.conf(5), poterne(1).\n";

/* Built but not installed, the programs lie beside this one. */
static const char *find_programs(char *out, size_t size)
{
    char probe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", out, size - 1);
    if (n > 0) {
        out[n] = '\0';
        char *slash = strrchr(out, '/');
        if (slash)
            *slash = '\0';
        int length = snprintf(probe, sizeof probe, "%s/poterne-content", out);
        if (length > 0 && (size_t)length < sizeof probe && access(probe, X_OK) == 0)
            return out;
    }
    return POTERNE_LIBEXECDIR;
}

/* 0 go on; otherwise the exit status + 1 */
static int read_options(int argc, char **argv, struct options *o)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"programs", required_argument, NULL, 'p'},
                                            {"check", no_argument, NULL, 'k'},
                                            {"version", no_argument, NULL, 'V'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int c;
    while ((c = getopt_long(argc, argv, "c:Vh", options, NULL)) != -1) {
        if (c == 'c')
            o->conf_path = optarg;
        else if (c == 'p')
            o->programs = optarg;
        else if (c == 'k')
            o->check_only = true;
        else if (c == 'V')
            return puts("poterned " PACKAGE_VERSION), 1;
        else if (c == 'h')
            return fputs(usage, stdout), 1;
        else
            return fputs(usage, stderr), 65;
    }
    return optind == argc ? 0 : (fputs(usage, stderr), 65);
}

/* The settings with their drop-ins, and `text` to say all of them in one piece: that is what every
 * child reads, whatever becomes of the files meanwhile. On -1 *text is empty. */
static struct conf *read_settings(const char *path, struct buf *text, struct err *err)
{
    struct conf *conf = conf_read(path, NULL, NULL, err);
    if (conf)
        conf_show(conf, text);
    if (conf && !buf_ok(text)) {
        err_set(err, "%s: the settings take more than %d bytes", path, CONF_TEXT_MAX);
        conf_free(&conf);
    }
    if (conf == NULL)
        buf_release(text);
    return conf;
}

/* New settings take effect whole or not at all. */
static int reload(struct supervisor *s, const char *path, struct err *err)
{
    struct buf text = BUF_INIT(CONF_TEXT_MAX);
    int fds[ROLE_LISTENERS_MAX];
    size_t n_fds;
    struct conf *conf = read_settings(path, &text, err);
    if (conf == NULL)
        return -1;
    bool moved = strcmp(conf->run_dir, s->conf->run_dir) != 0 ||
                 strcmp(conf->state_dir, s->conf->state_dir) != 0;
    if (moved)
        err_set(err, "%s: run_dir and state_dir can't change while running: restart instead", path);
    if (moved || places_make(conf, err) < 0 ||
        places_listen(conf, s->listen_fds, s->n_listen, fds, &n_fds, err) < 0) {
        buf_release(&text);
        conf_free(&conf);
        return -1;
    }
    for (size_t i = 0; i < s->n_listen; i++) {
        bool kept = false;
        for (size_t j = 0; j < n_fds; j++)
            kept |= fds[j] == s->listen_fds[i];
        if (!kept)
            close(s->listen_fds[i]);
    }
    memcpy(s->listen_fds, fds, n_fds * sizeof fds[0]);
    s->n_listen = n_fds;
    buf_release(&s->conf_text);
    conf_free(&s->conf);
    s->conf_text = text;
    s->conf = conf;
    certificates_loaded(&s->certificates, &s->conf->smtp, clock_seconds());
    supervisor_renew(s, NULL);
    return 0;
}

static void on_signal(struct supervisor *s, const char *conf_path, int number)
{
    struct err err = {""};
    if (number == SIGCHLD) {
        supervisor_reap(s);
    } else if (number == SIGHUP && !s->stopping) {
        if (reload(s, conf_path, &err) < 0)
            log_error("reload refused, the old settings serve on: %s", err.text);
        else
            log_info("reload: new settings from %s", conf_path);
    } else if (number == SIGTERM || number == SIGINT) {
        log_info("stopping: sessions are finished, then the rest");
        if (s->stopping)
            supervisor_kill(s);
        s->stopping = true;
    }
}

static void wait_for_events(struct supervisor *s, int signal_fd, const char *conf_path)
{
    struct pollfd p[1 + KINDS_MAX * CHILDREN_MAX] = {{.fd = signal_fd, .events = POLLIN}};
    struct child *who[1 + KINDS_MAX * CHILDREN_MAX] = {NULL};
    size_t kind[1 + KINDS_MAX * CHILDREN_MAX] = {0};
    struct signalfd_siginfo info;
    nfds_t n = 1;
    for (size_t k = 0; k < n_kinds; k++) {
        for (size_t i = 0; i < CHILDREN_MAX; i++) {
            struct child *child = &s->families[k].children[i];
            if (child->state == CHILD_NONE || child->ctl_fd < 0)
                continue;
            p[n] = (struct pollfd){.fd = child->ctl_fd, .events = POLLIN};
            who[n] = child;
            kind[n++] = k;
        }
    }
    if (poll(p, n, TICK_MS) <= 0)
        return;
    for (nfds_t i = 1; i < n; i++)
        if (p[i].revents)
            supervisor_hear(s, kind[i], who[i]);
    while (read(signal_fd, &info, sizeof info) == sizeof info)
        on_signal(s, conf_path, (int)info.ssi_signo);
}

static int watch_signals(struct err *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd >= 0 ? fd : err_sys(err, "cannot watch signals");
}

static void tend_certificates(struct supervisor *s)
{
    if (s->stopping || !certificates_changed(&s->certificates, &s->conf->smtp, clock_seconds()))
        return;
    log_info("%s or its key has changed: edge takes it up", s->conf->smtp.tls_certificate);
    supervisor_renew(s, "edge");
}

static bool on_stranger(void *data, pid_t pid, int status)
{
    return daily_backup_ended(data, pid, status, time(NULL));
}

/* New settings may say another hour. */
static void tend_backup(struct daily_backup *daily, const struct supervisor *s)
{
    if (s->stopping) {
        if (daily->pid)
            kill(daily->pid, SIGTERM); /* it leaves nothing */
        return;
    }
    daily_backup_tend(daily, s->conf, time(NULL));
}

static void supervise(struct supervisor *s, int signal_fd, const char *conf_path)
{
    struct daily_backup daily = {.programs = s->programs,
                                 .commands = POTERNE_BINDIR,
                                 .settings = &s->conf_text};
    bool told = false;
    certificates_loaded(&s->certificates, &s->conf->smtp, clock_seconds());
    s->stranger = on_stranger;
    s->stranger_data = &daily;
    while (!(s->stopping && supervisor_empty(s))) {
        supervisor_tend(s);
        tend_backup(&daily, s);
        tend_certificates(s);
        bool complete = supervisor_complete(s);
        if (complete && !told)
            log_info("ready: every process serves");
        told = complete;
        wait_for_events(s, signal_fd, conf_path);
    }
}

/* The locks end with the process; the listeners are the supervisor's, from here on. */
static int run(struct supervisor *s, const char *conf_path, struct err *err)
{
    struct owner owner;
    umask(0007);
    int signal_fd = watch_signals(err);
    if (signal_fd < 0 || places_make(s->conf, err) < 0)
        return -1;
    enum owner_taken taken = owner_take(&owner, s->conf, signal_fd, err);
    if (taken == OWNER_STOPPED)
        log_info("stopped before it began");
    if (taken != OWNER_TAKEN)
        return taken == OWNER_STOPPED ? 0 : -1;
    s->owner_fd = owner.state_fd;
    s->n_listen = owner.n_listen;
    memcpy(s->listen_fds, owner.listen_fds, sizeof s->listen_fds);
    int result = supervisor_open(s, err);
    if (result == 0)
        result = sandbox_enter_supervisor(s->conf->sandbox_required, err);
    if (result == 0)
        supervise(s, signal_fd, conf_path);
    supervisor_close(s);
    if (result == 0)
        log_info("stopped");
    return result;
}

int main(int argc, char **argv)
{
    char programs[PATH_MAX];
    struct options o = {.conf_path = POTERNE_SYSCONFDIR "/poterne.conf"};
    struct supervisor s = {.conf_text = BUF_INIT(CONF_TEXT_MAX), .owner_fd = -1};
    struct err err = {""};
    int given = read_options(argc, argv, &o);
    if (given)
        return given - 1;
    log_open("poterned", LOG_INFO_LEVEL);
    s.programs = o.programs ? o.programs : find_programs(programs, sizeof programs);
    s.conf = read_settings(o.conf_path, &s.conf_text, &err);
    if (s.conf == NULL) {
        fprintf(stderr, "poterned: %s\n", err.text);
        return 78;
    }
    int result = o.check_only ? 0 : run(&s, o.conf_path, &err);
    if (o.check_only)
        printf("%s: settings are right\n", o.conf_path);
    if (result < 0)
        fprintf(stderr, "poterned: %s\n", err.text);
    conf_free(&s.conf);
    buf_release(&s.conf_text);
    return result < 0 ? 1 : 0;
}
