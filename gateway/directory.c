/*
 * poterne-directory: says who is a recipient, over lasting connections (directory/directory.h).
 * The sources are looked at twice a second and loaded again when they have changed.
 */
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "directory/directory.h"
#include "gateway/clients.h"

#define REFRESH_MS       500
#define ROUND_CLIENT_MAX 256 /* requests of one client before the others have their turn */
#define FILES_MAX        256
#define MEMORY_MAX       (4096ull * 1024 * 1024)

struct server {
    struct directory *directory;
    struct clients clients;
    struct buf reply;
    int64_t refresh_at; /* monotonic milliseconds */
};

static void directory_unload(void *data)
{
    struct server *server = data;
    if (server == NULL)
        return;
    directory_close(&server->directory);
    clients_release(&server->clients);
    buf_release(&server->reply);
    free(server);
}

static int directory_load(const struct role_env *env, void **data, struct err *err)
{
    struct server *server = calloc(1, sizeof *server);
    if (server == NULL)
        return err_set(err, "out of memory");
    clients_init(&server->clients);
    server->reply = BUF_INIT(IPC_MSG_MAX);
    server->directory = directory_open(env->conf, err);
    if (server->directory == NULL) {
        directory_unload(server);
        return -1;
    }
    *data = server;
    return 0;
}

static void answer(struct server *server, struct client *client)
{
    struct directory_answer found;
    struct str address;
    uint32_t number;
    if (!directory_request_get(buf_str(&server->clients.message), &number, &address)) {
        clients_cut_off(client, "malformed request");
        return;
    }
    directory_find(server->directory, address, &found);
    buf_clear(&server->reply);
    directory_reply_put(&server->reply, number, &found);
    if (buf_ok(&server->reply))
        clients_send(client, buf_str(&server->reply));
    else
        clients_cut_off(client, "no memory for its reply");
}

/* A client that does not take its replies is not asked for more. */
static void answer_all(struct server *server)
{
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        struct client *client = &server->clients.list[i];
        for (unsigned n = 0; client->readable && n < ROUND_CLIENT_MAX; n++) {
            if (client->unsent.n || clients_receive(&server->clients, client) != 1)
                break;
            answer(server, client);
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
}

static int directory_serve(const struct role_env *env, void *data, struct err *err)
{
    struct server *server = data;
    int more;
    if (directory_readable(server->directory, err) < 0)
        log_warning("%s", err->text);
    do {
        more = clients_wait(&server->clients, env, true, REFRESH_MS, err);
        if (more >= 0)
            answer_all(server);
        refresh(server);
    } while (more > 0);
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

static void directory_sandbox(const struct role_env *env, struct sandbox *box)
{
    box->allow = SANDBOX_FILES | SANDBOX_ACCEPT;
    box->memory_limit = MEMORY_MAX;
    box->files_limit = FILES_MAX;
    directory_each_path(env->conf, allow_folder, box);
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
