/* dkim_keys: the files of private keys. */
#include "tools/dkim_tool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/role_user.h"

#define FOLDER_MODE 0700
#define FILE_MODE   0600

/* --- which there are --- */

static int add(struct dkim_selectors *found, struct str name, bool signs, struct err *err)
{
    char normal[DOMAIN_SIZE];
    if (!domain_normal(name, normal))
        return 0; /* no selector: it is no key of ours */
    for (size_t i = 0; i < found->n; i++)
        if (strcmp(found->list[i].name, normal) == 0) {
            found->list[i].signs |= signs;
            return 0;
        }
    if (found->n == DKIM_SELECTORS_MAX)
        return err_set(err, "more than %d keys of one domain", DKIM_SELECTORS_MAX);
    memcpy(found->list[found->n].name, normal, sizeof normal);
    found->list[found->n++].signs = signs;
    return 0;
}

static int folder_of(const struct conf *conf, const struct conf_domain *domain, char path[PATH_MAX],
                     struct err *err)
{
    char folder[PATH_MAX];
    return sign_folder(conf, folder, err) < 0
               ? -1
               : fsio_join(path, PATH_MAX, folder, domain->name, err);
}

static int add_files(const char *path, struct dkim_selectors *found, struct err *err)
{
    const struct dirent *entry;
    int result = 0;
    DIR *dir = opendir(path);
    if (dir == NULL)
        return errno == ENOENT ? 0 : err_sys(err, "cannot read %s", path);
    while (result == 0 && (entry = readdir(dir)) != NULL) {
        struct str name = str_of(entry->d_name);
        if (str_ends(name, STR(SIGN_KEY_END)))
            result = add(found, str_sub(name, 0, name.n - strlen(SIGN_KEY_END)), false, err);
    }
    closedir(dir);
    return result;
}

static int by_name(const void *a, const void *b)
{
    const struct dkim_selector *x = a;
    const struct dkim_selector *y = b;
    return strcmp(x->name, y->name);
}

int dkim_selectors_find(const struct conf *conf, const struct conf_domain *domain,
                        struct dkim_selectors *found, struct err *err)
{
    char path[PATH_MAX];
    found->n = 0;
    if (folder_of(conf, domain, path, err) < 0 || add_files(path, found, err) < 0)
        return -1;
    for (size_t i = 0; i < domain->dkim.n; i++)
        if (add(found, str_of(domain->dkim.items[i]), true, err) < 0)
            return -1;
    qsort(found->list, found->n, sizeof found->list[0], by_name);
    return 0;
}

struct sign_private *dkim_key_of(const struct conf *conf, const struct conf_domain *domain,
                                 const char *selector, struct err *err)
{
    char path[PATH_MAX];
    return sign_key_path(conf, domain->name, selector, path, err) < 0
               ? NULL
               : sign_private_read(path, err);
}

/* --- a new one --- */

/* Started by root, delivery runs as a user of its own. */
static int give_away(const struct conf *conf, int fd, const char *path, struct err *err)
{
    uid_t uid;
    gid_t gid;
    if (geteuid() != 0)
        return 0;
    if (role_user_find(conf, "delivery", &uid, &gid, err) < 0)
        return -1;
    return fchown(fd, uid, gid) == 0 ? 0 : err_sys(err, "cannot give %s to its user", path);
}

/* One that is there keeps its owner and mode: somebody may have meant them. */
static int make_folder(const struct conf *conf, const char *path, struct err *err)
{
    if (mkdir(path, FOLDER_MODE) < 0)
        return errno == EEXIST ? 0 : err_sys(err, "cannot make %s", path);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, "cannot open %s", path);
    int result = give_away(conf, fd, path, err);
    fsio_close_quiet(&fd);
    return result < 0 ? -1 : fsio_sync_parent(path, err);
}

static int write_beside(const struct conf *conf, const char *beside, const struct sign_private *key,
                        struct err *err)
{
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    if (fd < 0)
        return err_sys(err, "cannot create %s", beside);
    int result = fsio_write(fd, str_n(key->pem.p, key->pem.n), beside, err);
    if (result == 0)
        result = give_away(conf, fd, beside, err);
    if (result == 0 && (fchmod(fd, FILE_MODE) < 0 || fsync(fd) < 0))
        result = err_sys(err, "cannot write %s", beside);
    if (fsio_close(&fd, beside, result < 0 ? NULL : err) < 0)
        result = -1;
    return result;
}

int dkim_key_store(const struct conf *conf, const struct conf_domain *domain, const char *selector,
                   const struct sign_private *key, struct err *err)
{
    char top[PATH_MAX], folder[PATH_MAX], path[PATH_MAX], beside[PATH_MAX];
    if (sign_folder(conf, top, err) < 0 || folder_of(conf, domain, folder, err) < 0 ||
        sign_key_path(conf, domain->name, selector, path, err) < 0)
        return -1;
    int n = snprintf(beside, sizeof beside, "%s.%ld", path, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof beside)
        return err_set(err, "%s: the path is too long", path);
    if (make_folder(conf, top, err) < 0 || make_folder(conf, folder, err) < 0)
        return -1;
    if (write_beside(conf, beside, key, err) < 0) {
        unlink(beside);
        return -1;
    }
    /* not rename: a key is never lost to another */
    int result = link(beside, path);
    if (result < 0)
        err_sys(err,
                errno == EEXIST ? "%s stays as it is, choose another selector"
                                : "cannot name the new key %s",
                path);
    unlink(beside);
    return result < 0 ? -1 : fsio_sync_dir(folder, err) < 0 ? -1 : fsio_sync_dir(top, err);
}
