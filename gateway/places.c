#include "gateway/places.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"
#include "base/network.h"
#include "base/role.h"
#include "base/role_user.h"
#include "reports/key.h"

#define LISTEN_BACKLOG 1024
#define FOLDER_MODE    02770 /* what one role makes there, the group can read */

static void adopt(int folder, const char *name, uid_t uid, gid_t gid)
{
    struct stat st;
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    /* a second name may be somebody else's file: it stays as it is */
    bool plain =
        fstat(fd, &st) == 0 && ((S_ISREG(st.st_mode) && st.st_nlink == 1) || S_ISDIR(st.st_mode));
    if (plain && st.st_uid != uid && fchown(fd, uid, gid) < 0)
        log_warning("cannot give %s to its user: %s", name, strerror(errno));
    close(fd);
}

/* What `poterne learn`, run by root while nothing else ran, has made there becomes the role's. */
static void adopt_all(const char *path, uid_t uid, gid_t gid, unsigned depth)
{
    const struct dirent *entry;
    DIR *dir = opendir(path);
    if (dir == NULL)
        return;
    while ((entry = readdir(dir)) != NULL) {
        char inside[PATH_MAX];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        adopt(dirfd(dir), entry->d_name, uid, gid);
        int n = snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
        if (depth && entry->d_type == DT_DIR && n > 0 && (size_t)n < sizeof inside)
            adopt_all(inside, uid, gid, depth - 1);
    }
    closedir(dir);
}

static int make_folder(const struct conf *conf, const char *root, const char *name,
                       const char *role, struct err *err)
{
    char path[PATH_MAX];
    uid_t uid;
    gid_t gid;
    int n = snprintf(path, sizeof path, "%s%s%s", root, *name ? "/" : "", name);
    if (n < 0 || (size_t)n >= sizeof path)
        return err_set(err, "%s is too long", root);
    if (fsio_mkdir(path, FOLDER_MODE, err) < 0)
        return -1;
    if (geteuid() != 0)
        return 0;
    if (role_user_find(conf, role, &uid, &gid, err) < 0)
        return -1;
    if (chown(path, uid, gid) < 0 || chmod(path, FOLDER_MODE) < 0)
        return err_sys(err, "cannot give %s to its user", path);
    if (strcmp(name, "bayes") == 0)
        adopt_all(path, uid, gid, 1);
    return 0;
}

int places_make(const struct conf *conf, struct err *err)
{
    static const struct {
        const char *name;
        const char *role;
    } state[] = {{"", "poterned"},        {"incoming", "edge"},       {"queue", "edge"},
                 {"quarantine", "edge"},  {"corrupt", "delivery"},    {"bayes", "learner"},
                 {"journal", "journal"},  {"reports", "reports"},     {"gate", "edge"},
                 {"gate/frozen", "edge"}, {"directory", "directory"}, {"sts", "delivery"}},
      run[] = {{"", "poterned"}, {"antivirus", "antivirus"}, {"avlink", "avlink"}};
    for (size_t i = 0; i < sizeof state / sizeof state[0]; i++)
        if (make_folder(conf, conf->state_dir, state[i].name, state[i].role, err) < 0)
            return -1;
    for (size_t i = 0; i < sizeof run / sizeof run[0]; i++)
        if (make_folder(conf, conf->run_dir, run[i].name, run[i].role, err) < 0)
            return -1;
    return keys_make(conf->state_dir, err);
}

/* "192.0.2.1:25", "[2001:db8::1]:25" */
static bool read_address(const char *text, struct sockaddr_storage *address, unsigned *length)
{
    uint64_t port;
    struct str whole = str_of(text);
    size_t colon = str_rchr(whole, ':');
    if (colon == STR_NONE || !str_to_u64(str_from(whole, colon + 1), 65535, &port) || port == 0)
        return false;
    struct str host = str_sub(whole, 0, colon);
    bool six = str_starts(host, STR("["));
    if (six && !str_ends(host, STR("]")))
        return false;
    host = six ? str_sub(host, 1, host.n - 1) : host;
    *length = network_sockaddr(host, (uint16_t)port, address);
    return *length > 0 && six == (address->ss_family == AF_INET6);
}

static int open_listener(const char *text, const struct sockaddr_storage *at, unsigned length,
                         struct err *err)
{
    int one = 1;
    int fd = socket(at->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_sys(err, "cannot make a socket for %s", text);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (at->ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    /* replies are written whole: waiting for more only delays them */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (bind(fd, (const struct sockaddr *)at, length) == 0 && listen(fd, LISTEN_BACKLOG) == 0)
        return fd;
    int why = errno;
    err_sys(err, "cannot listen on %s", text);
    close(fd);
    errno = why;
    return -1;
}

static bool is_same(int fd, const struct sockaddr_storage *at, unsigned length)
{
    struct sockaddr_storage has;
    socklen_t n = sizeof has;
    memset(&has, 0, sizeof has);
    return getsockname(fd, (struct sockaddr *)&has, &n) == 0 && n == length &&
           memcmp(&has, at, length) == 0;
}

static int find_or_open(const char *text, const int *old, size_t n_old, bool *is_new,
                        struct err *err)
{
    struct sockaddr_storage at;
    unsigned length = 0;
    if (!read_address(text, &at, &length))
        return err_set(err, "listen: %s is not ADDRESS:PORT", text);
    for (size_t i = 0; i < n_old; i++)
        if (is_same(old[i], &at, length))
            return old[i];
    *is_new = true;
    return open_listener(text, &at, length, err);
}

/* All addresses in their order; how many there are. */
static size_t all_wanted(const struct conf *conf, const char *wanted[ROLE_LISTENERS_MAX])
{
    const struct conf_list *lists[] = {&conf->smtp.listen, &conf->submission.listen,
                                       &conf->submission.listen_tls};
    size_t n = 0;
    for (size_t k = 0; k < sizeof lists / sizeof lists[0]; k++)
        for (size_t i = 0; i < lists[k]->n; i++, n++)
            if (n < ROLE_LISTENERS_MAX)
                wanted[n] = lists[k]->items[i];
    return n;
}

/* An address in two lists. */
static bool is_twice(const int *fds, size_t n, const char *text, struct err *err)
{
    for (size_t i = 0; i < n; i++)
        if (fds[i] == fds[n])
            return err_set(err, "%s stands twice in the settings", text) < 0;
    return false;
}

int places_listen(const struct conf *conf, const int *old, size_t n_old, int *fds, size_t *n_fds,
                  struct err *err)
{
    const char *wanted[ROLE_LISTENERS_MAX];
    bool is_new[ROLE_LISTENERS_MAX] = {false};
    size_t n_wanted = all_wanted(conf, wanted);
    size_t n = 0;
    if (n_wanted > ROLE_LISTENERS_MAX)
        return err_set(err, "the settings listen on %zu addresses, %d are possible", n_wanted,
                       ROLE_LISTENERS_MAX);
    for (; n < n_wanted; n++) {
        fds[n] = find_or_open(wanted[n], old, n_old, &is_new[n], err);
        if (fds[n] < 0 || is_twice(fds, n, wanted[n], err))
            break;
    }
    *n_fds = n;
    if (n == n_wanted)
        return 0;
    while (n-- > 0)
        if (is_new[n])
            close(fds[n]);
    return -1;
}

int places_own(const char *state_dir, struct err *err)
{
    int fd = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, "cannot open %s", state_dir);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    int why = errno;
    if (why == EWOULDBLOCK)
        err_set(err, "%s belongs to processes of another poterned", state_dir);
    else
        err_sys(err, "cannot lock %s", state_dir);
    close(fd);
    errno = why;
    return -1;
}
