/*
 * poterne-delivery: carries what is owed to the next hops (gateway/delivery/delivery.h).
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/algorithms.h"
#include "base/fsio.h"
#include "base/log.h"
#include "base/role_user.h"
#include "gateway/client/maildir.h"
#include "gateway/client/proof.h"
#include "gateway/delivery/delivery.h"
#include "gateway/delivery/sign.h"

#define FILES_OWN                                                                                  \
    256 /* open files beside those of lanes, each of which has a socket and a message */
#define FILES_MAX   65536
#define MEMORY_MAX  (4096ull * 1024 * 1024)
#define FOLDER_MODE 0700

/* The fixed folder above the Maildirs, made for our user if it is not there. */
static int make_maildir_root(const struct conf *conf, const struct conf_hop *hop, struct err *err)
{
    char path[MAILDIR_PATH_MAX];
    struct stat st;
    uid_t uid;
    gid_t gid;
    if (maildir_root(hop->path, path, err) < 0)
        return -1;
    if (stat(path, &st) == 0)
        return 0;
    if (fsio_mkdir(path, FOLDER_MODE, err) < 0)
        return -1;
    if (geteuid() != 0)
        return 0;
    if (role_user_find(conf, "delivery", &uid, &gid, err) < 0)
        return -1;
    return chown(path, uid, gid) == 0 ? 0 : err_sys(err, "cannot give %s to its user", path);
}

static int delivery_load(const struct role_env *env, void **data, struct err *err)
{
    const struct conf *conf = env->conf;
    if (algorithms_load(err) < 0)
        return -1;
    for (size_t i = 0; i < conf->n_domains; i++)
        if (conf->domains[i].next_hop.items[0].kind == HOP_MAILDIR &&
            make_maildir_root(conf, &conf->domains[i].next_hop.items[0], err) < 0)
            return -1;
    struct delivery_loaded *loaded = calloc(1, sizeof *loaded);
    if (loaded == NULL)
        return err_set(err, "out of memory");
    loaded->post.incoming_fd = -1;
    *data = loaded;
    if (conf_asks_for_servers(conf))
        loaded->n_own = outside_own_addresses(conf, loaded->own);
    loaded->routes = routes_load(conf, err);
    if (loaded->routes == NULL)
        return -1;
    if (routes_use_tls(loaded->routes) &&
        (tls_load_client(conf->outside.trusted, &loaded->tls, err) < 0 ||
         proof_enable(loaded->tls, err) < 0))
        return -1;
    if (signer_load(conf, &loaded->signer, err) < 0 ||
        networks_load(&conf->gate.inside, &loaded->inside, err) < 0)
        return -1;
    loaded->spool = spool_open(conf->state_dir, err);
    if (loaded->spool == NULL || post_open(&loaded->post, conf, err) < 0)
        return -1;
    loaded->senders = senders_open(conf->state_dir, err);
    if (loaded->senders == NULL || freeze_recover(loaded->senders, loaded->spool, err) < 0)
        return -1;
    return bounces_open(&loaded->bounces, conf, err);
}

static void allow_maildirs(const struct conf *conf, struct sandbox *box)
{
    for (size_t i = 0; i < conf->n_domains; i++) {
        const struct conf_hop *hop = &conf->domains[i].next_hop.items[0];
        char path[MAILDIR_PATH_MAX];
        struct err err;
        bool seen = false;
        if (hop->kind != HOP_MAILDIR || maildir_root(hop->path, path, &err) < 0)
            continue;
        for (size_t j = 0; j < i && !seen; j++)
            seen = strcmp(hop->text, conf->domains[j].next_hop.items[0].text) == 0;
        if (!seen)
            sandbox_path_in(box, path, ".", SANDBOX_WRITE);
    }
}

static unsigned files_limit(const struct conf *conf)
{
    size_t lanes = (conf->n_domains + conf->n_routes + 1) * conf->queue.connections_limit +
                   conf->outside.connections_limit;
    return lanes < (FILES_MAX - FILES_OWN) / 2 ? (unsigned)(FILES_OWN + 2 * lanes) : FILES_MAX;
}

static void delivery_sandbox(const struct role_env *env, struct sandbox *box)
{
    static const char *const folders[] = {"incoming", "queue", "quarantine",  "kept",
                                          "corrupt",  "sts",   SENDERS_FOLDER};
    box->allow = SANDBOX_FILES | SANDBOX_THREADS | SANDBOX_ACCEPT | SANDBOX_UNIX_CONNECT |
                 SANDBOX_INET_CONNECT;
    if (routes_use_source(env->conf))
        box->allow |= SANDBOX_INET_BIND;
    box->files_limit = files_limit(env->conf);
    box->memory_limit = MEMORY_MAX;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        sandbox_path_in(box, env->conf->state_dir, folders[i], SANDBOX_WRITE);
    allow_maildirs(env->conf, box);
}

static int delivery_serve(const struct role_env *env, void *data, struct err *err)
{
    struct delivery *delivery = delivery_start(env, data, err);
    if (delivery == NULL)
        return -1;
    int result = delivery_run(delivery, err);
    delivery_stop(&delivery);
    return result;
}

static void delivery_unload(void *data)
{
    struct delivery_loaded *loaded = data;
    if (loaded) {
        routes_free(&loaded->routes);
        SSL_CTX_free(loaded->tls);
        signer_free(&loaded->signer);
        networks_free(&loaded->inside);
        senders_close(&loaded->senders);
        bounces_close(&loaded->bounces);
        spool_close(&loaded->spool);
        post_close(&loaded->post);
    }
    free(loaded);
}

int main(int argc, char **argv)
{
    static const struct role role = {.name = "delivery",
                                     .load = delivery_load,
                                     .sandbox = delivery_sandbox,
                                     .serve = delivery_serve,
                                     .unload = delivery_unload};
    return role_main(argc, argv, &role);
}
