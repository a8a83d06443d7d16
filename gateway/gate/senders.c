#include "gateway/gate/senders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fsio.h"
#include "base/random.h"
#include "base/sha256.h"
#include "mail/utf8.h"

#define FOLDER_MODE 02770
#define MODE        0660
#define NAME_BYTES  16 /* of the digest */
#define NAME_SIZE   (2 * NAME_BYTES + 1)
#define BESIDE_SIZE (NAME_SIZE + 24)
#define FIRST_LINE  "poterne frozen 1"

struct senders {
    int fd; /* the folder */
};

/* --- open --- */

struct senders *senders_existing(const char *state_dir, struct err *err)
{
    char path[PATH_MAX];
    struct senders *s = malloc(sizeof *s);
    if (s == NULL) {
        errno = ENOMEM;
        err_set(err, "out of memory");
        return NULL;
    }
    s->fd = -1;
    if (fsio_join(path, sizeof path, state_dir, SENDERS_FOLDER, err) == 0) {
        s->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (s->fd >= 0)
            return s;
        err_sys(err, "cannot open %s", path);
    }
    free(s);
    return NULL;
}

struct senders *senders_open(const char *state_dir, struct err *err)
{
    static const char *const folders[] = {"gate", SENDERS_FOLDER};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        if (fsio_join(path, sizeof path, state_dir, folders[i], err) < 0 ||
            fsio_mkdir(path, FOLDER_MODE, err) < 0)
            return NULL;
    return senders_existing(state_dir, err);
}

void senders_close(struct senders **senders)
{
    if (*senders == NULL)
        return;
    fsio_close_quiet(&(*senders)->fd);
    free(*senders);
    *senders = NULL;
}

/* --- one record --- */

static int name_of(struct str account, char name[NAME_SIZE], struct err *err)
{
    char lower[FROZEN_ACCOUNT_MAX + 1];
    unsigned char sum[SHA256_SIZE];
    size_t n = 0;
    for (; n < account.n && n < FROZEN_ACCOUNT_MAX; n++)
        lower[n] = str_lower_char(account.s[n]);
    if (sha256_of(str_n(lower, n), sum, err) < 0)
        return -1;
    for (size_t i = 0; i < NAME_BYTES; i++)
        snprintf(name + 2 * i, 3, "%02x", sum[i]);
    return 0;
}

static void copy_clean(struct str from, char *to, size_t size)
{
    size_t n = 0;
    for (; n < from.n && n + 1 < size; n++)
        to[n] = from.s[n] >= ' ' && from.s[n] <= '~' ? from.s[n] : '?';
    to[n] = '\0';
}

/* Letters of all languages stay as they are: two accounts are never shown as one. */
static void copy_account(struct str from, char *to, size_t size)
{
    size_t n = 0;
    for (size_t at = 0, start = 0; at < from.n; start = at) {
        uint32_t c = utf8_next(from, &at);
        if (n + (at - start) >= size)
            break;
        if (c == UTF8_BAD || c < ' ' || (c >= 0x7f && c < 0xa0))
            to[n++] = '?';
        else
            for (; start < at; start++)
                to[n++] = from.s[start];
    }
    to[n] = '\0';
}

/* False: not what senders_freeze() writes. One of a version before names no note. */
static bool parse(struct str text, struct frozen *frozen)
{
    struct str first, account, since, why, note;
    uint64_t seconds;
    if (!str_next(&text, '\n', &first) || !str_next(&text, '\n', &account) ||
        !str_next(&text, '\n', &since) || !str_next(&text, '\n', &why) ||
        !str_eq(first, STR(FIRST_LINE)) || !str_to_u64(since, INT64_MAX, &seconds))
        return false;
    *frozen = (struct frozen){.since = (int64_t)seconds};
    copy_account(account, frozen->account, sizeof frozen->account);
    copy_clean(why, frozen->why, sizeof frozen->why);
    if (str_next(&text, '\n', &note))
        copy_clean(note, frozen->note, sizeof frozen->note);
    return true;
}

/* 1, 0: not there, -1. */
static int read_record(const struct senders *senders, const char *name, struct frozen *frozen,
                       struct err *err)
{
    char room[FROZEN_FILE_MAX];
    struct buf text = BUF_OVER(room);
    int fd = openat(senders->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0) {
        err_sys(err, "cannot open " SENDERS_FOLDER "/%s", name);
        return -1;
    }
    int result = fsio_read_fd(fd, &text, name, err);
    fsio_close_quiet(&fd);
    if (result == 0 && parse(buf_str(&text), frozen))
        return 1;
    *frozen = (struct frozen){.why = "its record is damaged"};
    return 1;
}

int senders_look(const struct senders *senders, struct str account, struct frozen *frozen,
                 struct err *err)
{
    char name[NAME_SIZE];
    if (name_of(account, name, err) < 0)
        return -1;
    int result = read_record(senders, name, frozen, err);
    if (result == 1 && frozen->account[0] == '\0')
        copy_account(account, frozen->account, sizeof frozen->account);
    return result;
}

/* --- freeze and thaw --- */

/* Written, and on the disk, under a name that nobody looks for. -1: err. */
static int write_beside(const struct senders *senders, const char *beside, struct str text,
                        struct err *err)
{
    int fd =
        openat(senders->fd, beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, MODE);
    if (fd < 0)
        return err_sys(err, "cannot make " SENDERS_FOLDER "/%s", beside);
    int result = fsio_write(fd, text, beside, err);
    if (result == 0 && (fchmod(fd, MODE) < 0 || fsync(fd) < 0))
        result = err_sys(err, "cannot write " SENDERS_FOLDER "/%s", beside);
    if (fsio_close(&fd, beside, err) < 0)
        result = -1;
    return result;
}

int senders_freeze(const struct senders *senders, struct str account, struct str why,
                   struct str note, int64_t now, struct err *err)
{
    char name[NAME_SIZE], beside[BESIDE_SIZE], room[FROZEN_FILE_MAX];
    struct frozen frozen;
    struct buf text = BUF_OVER(room);
    uint64_t number;
    random_fill(&number, sizeof number);
    if (name_of(account, name, err) < 0)
        return -1;
    snprintf(beside, sizeof beside, "%s.%016llx", name, (unsigned long long)number);
    copy_account(account, frozen.account, sizeof frozen.account);
    copy_clean(why, frozen.why, sizeof frozen.why);
    copy_clean(note, frozen.note, sizeof frozen.note);
    buf_addf(&text, FIRST_LINE "\n%s\n%lld\n%s\n%s\n", frozen.account, (long long)now, frozen.why,
             frozen.note);
    int result = buf_ok(&text) ? write_beside(senders, beside, buf_str(&text), err)
                               : err_set(err, "the account's name is too long");
    int made = 0;
    if (result == 0 && linkat(senders->fd, beside, senders->fd, name, 0) == 0)
        made = 1;
    else if (result == 0 && errno != EEXIST)
        result = err_sys(err, "cannot make " SENDERS_FOLDER "/%s", name);
    unlinkat(senders->fd, beside, 0);
    if (result == 0 && fsync(senders->fd) < 0)
        result = err_sys(err, "cannot write " SENDERS_FOLDER);
    return result == 0 ? made : -1;
}

int senders_thaw(const struct senders *senders, struct str account, struct err *err)
{
    char name[NAME_SIZE];
    if (name_of(account, name, err) < 0)
        return -1;
    if (unlinkat(senders->fd, name, 0) < 0) {
        if (errno == ENOENT)
            return 0;
        err_sys(err, "cannot remove " SENDERS_FOLDER "/%s", name);
        return -1;
    }
    if (fsync(senders->fd) == 0)
        return 1;
    err_sys(err, "cannot write " SENDERS_FOLDER);
    return -1;
}

/* What is being written has another name. */
static bool is_record(const char *name)
{
    return strlen(name) == NAME_SIZE - 1 && strspn(name, "0123456789abcdef") == NAME_SIZE - 1;
}

int senders_each(const struct senders *senders, void (*each)(void *data, const struct frozen *),
                 void *data, struct err *err)
{
    int fd = openat(senders->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    size_t n = 0;
    if (dir == NULL) {
        err_sys(err, "cannot read " SENDERS_FOLDER);
        fsio_close_quiet(&fd);
        return -1;
    }
    while (n < FROZEN_MAX && (entry = readdir(dir)) != NULL) {
        struct frozen frozen;
        if (!is_record(entry->d_name) || read_record(senders, entry->d_name, &frozen, err) != 1)
            continue;
        each(data, &frozen);
        n++;
    }
    closedir(dir);
    return 0;
}
