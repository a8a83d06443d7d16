/*
 * poterne-directory: says who is a recipient, over lasting connections (directory/directory.h).
 * One loop answers from memory and from the cache; threads ask the sources that must be asked
 * (askers.h) and read the snapshots (snapshots.h). Files are looked at twice a second and loaded
 * again when they have changed.
 */
#include <dirent.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/algorithms.h"
#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"
#include "directory/ldap/lookup.h"
#include "directory/ldap/session.h"
#include "directory/quota.h"
#include "directory/sqlite.h"
#include "gateway/directory/call_ahead.h"
#include "gateway/directory/desk.h"

#define REFRESH_MS       500
#define FLUSH_PAUSE_MS   60000
#define ROUND_CLIENT_MAX 256 /* requests of one client before the others have their turn */
#define FILES_MAX        1024
#define LEFT_OVER_AGE    3600                     /* seconds: longer than any is written */
#define MEMORY_MAX       (16384ull * 1024 * 1024) /* threads reserve much that they do not use */

struct server {
    struct directory *directory;
    struct clients clients;
    struct desk desk;
    char cache_path[PATH_MAX];
    int wake_fd;
    int64_t refresh_at; /* monotonic milliseconds */
    int64_t flush_at;   /* likewise: not before it, after one that failed */
};

static const struct source_ops *const kinds[CONF_SOURCE_KINDS] = {
    [SOURCE_LDAP] = &ldap_ops,
    [SOURCE_SQLITE] = &sqlite_ops,
    [SOURCE_CALL_AHEAD] = &call_ahead_ops,
    [SOURCE_QUOTA] = &quota_ops,
};

/* Threads that are still within a question keep what they use: the process ends anyway. */
static void directory_unload(void *data)
{
    struct server *server = data;
    bool ended = true;
    if (server == NULL)
        return;
    struct desk *desk = &server->desk;
    desk_release(desk);
    clients_release(&server->clients);
    cache_free(&desk->cache);
    for (size_t i = 0; desk->askers && i < server->directory->n_sources; i++)
        ended &= askers_stop(&desk->askers[i]);
    ended &= snapshots_stop(&desk->snapshots);
    ended &= logins_stop(&desk->logins);
    if (!ended)
        _exit(0);
    free(desk->askers);
    directory_close(&server->directory);
    fsio_close_quiet(&server->wake_fd);
    free(server);
}

static int open_askers(struct server *server, struct err *err)
{
    const struct directory *directory = server->directory;
    server->desk.askers = calloc(directory->n_sources + 1, sizeof(void *));
    if (server->desk.askers == NULL)
        return err_set(err, "out of memory");
    for (size_t i = 0; i < directory->n_sources; i++) {
        if (directory->sources[i].ops == NULL)
            continue;
        server->desk.askers[i] = askers_new(&directory->sources[i], err);
        if (server->desk.askers[i] == NULL)
            return -1;
    }
    return 0;
}

/* What a process that was killed was writing: state files are made beside the old and renamed. */
static void sweep(const char *folder)
{
    char path[PATH_MAX];
    struct dirent *entry;
    struct stat st;
    struct err err;
    DIR *dir = opendir(folder);
    while (dir && (entry = readdir(dir)) != NULL) {
        struct str name = str_of(entry->d_name);
        if (str_ends(name, STR(".new")) &&
            fsio_join(path, sizeof path, folder, entry->d_name, &err) == 0 &&
            stat(path, &st) == 0 && time(NULL) - st.st_mtime > LEFT_OVER_AGE && unlink(path) < 0)
            log_warning("cannot remove %s: %m", path);
    }
    if (dir)
        closedir(dir);
}

static int open_desk(struct server *server, const struct conf *conf, struct err *err)
{
    struct desk *desk = &server->desk;
    char folder[PATH_MAX];
    if (fsio_join(folder, sizeof folder, conf->state_dir, "directory", err) < 0 ||
        fsio_join(server->cache_path, sizeof server->cache_path, folder, "cache", err) < 0)
        return -1;
    sweep(folder);
    server->directory = directory_open(conf, kinds, err);
    if (server->directory == NULL)
        return -1;
    desk->directory = server->directory;
    desk->clients = &server->clients;
    desk->reply = BUF_INIT(IPC_MSG_MAX);
    desk->cache = cache_new(&conf->cache, err);
    if (desk->cache == NULL || cache_read(desk->cache, server->cache_path, err) < 0)
        return -1;
    desk->snapshots = snapshots_new(server->directory, folder, err);
    desk->logins = logins_new(conf, server->directory, err);
    return desk->snapshots && desk->logins ? open_askers(server, err) : -1;
}

static int directory_load(const struct role_env *env, void **data, struct err *err)
{
    if (algorithms_load(err) < 0)
        return -1;
    struct server *server = calloc(1, sizeof *server);
    if (server == NULL)
        return err_set(err, "out of memory");
    ldap_prepare();
    clients_init(&server->clients);
    server->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    server->clients.wake_fd = server->wake_fd;
    if (server->wake_fd < 0 || open_desk(server, env->conf, err) < 0) {
        if (server->wake_fd < 0)
            err_sys(err, "cannot make an eventfd");
        directory_unload(server);
        return -1;
    }
    *data = server;
    return 0;
}

/* A client that does not take its replies is not asked for more. */
static void answer_all(struct server *server)
{
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        struct client *client = &server->clients.list[i];
        for (unsigned n = 0; client->readable && n < ROUND_CLIENT_MAX; n++) {
            if (client->unsent.n || clients_receive(&server->clients, client) != 1)
                break;
            desk_take(&server->desk, client, buf_str(&server->clients.message));
        }
    }
}

static void refresh(struct server *server)
{
    struct err err = {""};
    if (clock_ms() < server->refresh_at)
        return;
    server->refresh_at = clock_ms() + REFRESH_MS;
    if (directory_refresh(server->directory, &err) < 0)
        log_error("%s; what was read before stays in service", err.text);
    logins_refresh(server->desk.logins);
    if (clock_ms() >= server->flush_at && cache_flush(server->desk.cache, &err) < 0) {
        log_error("%s; what sources say is not remembered over a restart", err.text);
        server->flush_at = clock_ms() + FLUSH_PAUSE_MS;
    }
}

static int start_threads(struct server *server, struct err *err)
{
    struct desk *desk = &server->desk;
    for (size_t i = 0; i < server->directory->n_sources; i++)
        if (desk->askers[i] && askers_start(desk->askers[i], server->wake_fd, err) < 0)
            return -1;
    if (logins_start(desk->logins, server->wake_fd, err) < 0)
        return -1;
    return snapshots_start(desk->snapshots, server->wake_fd, err);
}

static bool asks_sources(const struct conf *conf)
{
    return conf->n_ldap || conf->n_sqlite || conf->n_quota || conf_calls_ahead(conf);
}

static int wait_time(const struct server *server)
{
    int pause = desk_pause(&server->desk);
    return pause < 0 || pause > REFRESH_MS ? REFRESH_MS : pause;
}

static void drain_wake(int fd)
{
    uint64_t n;
    if (read(fd, &n, sizeof n) < 0)
        return; /* nobody woke us */
}

static int directory_serve(const struct role_env *env, void *data, struct err *err)
{
    struct server *server = data;
    int more;
    if (directory_readable(server->directory, err) < 0)
        log_warning("%s", err->text);
    if (asks_sources(env->conf) && cache_keep(server->desk.cache, server->cache_path, err) < 0)
        log_error("%s; what sources say is not remembered over a restart", err->text);
    if (start_threads(server, err) < 0)
        return -1;
    do {
        more = clients_wait(&server->clients, env, true, wait_time(server), err);
        drain_wake(server->wake_fd);
        if (more >= 0)
            answer_all(server);
        desk_tend(&server->desk);
        refresh(server);
    } while (more > 0);
    if (cache_flush(server->desk.cache, err) < 0)
        log_error("%s", err->text);
    return more;
}

/* The folder and not the file: a new file is renamed over the old one. */
static void allow_folder(void *data, const char *path)
{
    struct sandbox *box = data;
    char folder[PATH_MAX];
    if (!str_copy(str_of(path), folder, sizeof folder))
        return;
    const char *parent = dirname(folder);
    if (access(parent, F_OK) < 0) {
        log_error("folder %s is not there: its sources can't be read until a restart", parent);
        return;
    }
    for (size_t i = 0; i < box->n_paths && i < SANDBOX_PATHS_MAX; i++)
        if (str_eq(str_sub(str_of(box->paths[i].path), 0, strlen(parent)), str_of(parent)) &&
            strcmp(box->paths[i].path + strlen(parent), "/.") == 0)
            return;
    sandbox_path_in(box, parent, ".", SANDBOX_READ);
}

static void allow_if_there(struct sandbox *box, const char *path)
{
    if (path && access(path, F_OK) == 0)
        sandbox_path(box, path, SANDBOX_READ);
}

/* What finds a server by its name, and checks its certificate. */
static void allow_network(const struct conf *conf, struct sandbox *box)
{
    static const char *const names[] = {"/etc/hosts",     "/etc/resolv.conf", "/etc/nsswitch.conf",
                                        "/etc/host.conf", "/etc/gai.conf",    "/etc/services",
                                        "/etc/ssl/certs"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        allow_if_there(box, names[i]);
    for (size_t i = 0; i < conf->n_sqlite; i++)
        allow_folder(box, conf->sqlite[i].file);
    for (size_t i = 0; i < conf->n_ldap; i++)
        allow_if_there(box, conf->ldap[i].ca_file);
    box->allow |= SANDBOX_THREADS | SANDBOX_INET_CONNECT | SANDBOX_UNIX_CONNECT;
}

static void directory_sandbox(const struct role_env *env, struct sandbox *box)
{
    box->allow = SANDBOX_FILES | SANDBOX_ACCEPT;
    box->memory_limit = MEMORY_MAX;
    box->files_limit = FILES_MAX;
    directory_each_path(env->conf, allow_folder, box);
    if (conf_takes_logins(env->conf) && env->conf->submission.second_factor_file)
        allow_folder(box, env->conf->submission.second_factor_file);
    if (conf_has_source(env->conf, SOURCE_ACCOUNTS))
        box->allow |= SANDBOX_THREADS;
    if (!asks_sources(env->conf))
        return;
    sandbox_path_in(box, env->conf->state_dir, "directory", SANDBOX_WRITE);
    allow_network(env->conf, box);
}

int main(int argc, char **argv)
{
    static const struct role role = {.name = "directory",
                                     .load = directory_load,
                                     .sandbox = directory_sandbox,
                                     .serve = directory_serve,
                                     .unload = directory_unload};
    return role_main(argc, argv, &role);
}
