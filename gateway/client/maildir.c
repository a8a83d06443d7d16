#include "gateway/client/maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/domain.h"
#include "base/fsio.h"
#include "gateway/client/body.h"

#define FOLDER_MODE    0700
#define FILE_MODE      0600
#define NAME_MAX_BYTES 255
#define HEADER_MAX     2048 /* Return-Path and Delivered-To */

/* --- where to --- */

static bool must_escape(char c, bool first)
{
    return c == '/' || c == '=' || (unsigned char)c < ' ' || c == 0x7f || (c == '.' && first);
}

/* False when what comes out is no name of a folder. */
static bool add_name(struct buf *out, struct str name)
{
    size_t start = out->n;
    for (size_t i = 0; i < name.n; i++) {
        char c = str_lower_char(name.s[i]);
        if (must_escape(c, i == 0))
            buf_addf(out, "=%02X", (unsigned char)c);
        else
            buf_addc(out, c);
    }
    return out->n > start && out->n - start <= NAME_MAX_BYTES;
}

static bool add_domain(struct buf *out, struct str domain)
{
    char normal[DOMAIN_SIZE];
    return add_name(out, domain_normal(domain, normal) ? str_of(normal) : domain);
}

int maildir_path(const char *pattern, struct str address, char path[MAILDIR_PATH_MAX],
                 struct err *err)
{
    struct buf out = BUF_INIT(MAILDIR_PATH_MAX - 1);
    size_t at = str_rchr(address, '@');
    struct str local = str_sub(address, 0, at);
    struct str domain = domain_of_address(address);
    bool good = true;
    for (const char *p = pattern; *p && good; p++) {
        if (*p != '%') {
            buf_addc(&out, *p);
            continue;
        }
        p++;
        if (*p == 'u')
            good = add_name(&out, local);
        else if (*p == 'd')
            good = add_domain(&out, domain);
        else if (*p == '%')
            buf_addc(&out, '%');
        else
            good = false;
        if (*p == '\0')
            break;
    }
    good = good && buf_ok(&out) && str_copy(buf_str(&out), path, MAILDIR_PATH_MAX);
    buf_release(&out);
    return good ? 0
                : err_set(err, "maildir://%s: no folder can be named for <%.*s>", pattern,
                          STR_ARG(address));
}

int maildir_root(const char *pattern, char path[MAILDIR_PATH_MAX], struct err *err)
{
    struct str root = str_sub(str_of(pattern), 0, str_chr(str_of(pattern), '%'));
    if (root.n < strlen(pattern))
        root = str_sub(root, 0, str_rchr(root, '/'));
    if (root.n == 0 || root.s[0] != '/')
        return err_set(err, "maildir://%s: the first folder of the path must be a fixed one",
                       pattern);
    return str_copy(root, path, MAILDIR_PATH_MAX)
               ? 0
               : err_set(err, "maildir://%s: the path is too long", pattern);
}

/* --- folders --- */

/* Each folder of the path that is missing, from the top. */
static int make_folders(char *path, struct err *err)
{
    struct stat st;
    for (char *p = path + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        int result = stat(path, &st) == 0 ? 0 : fsio_mkdir(path, FOLDER_MODE, err);
        *p = '/';
        if (result < 0)
            return -1;
    }
    return stat(path, &st) == 0 ? 0 : fsio_mkdir(path, FOLDER_MODE, err);
}

/* tmp/ comes last: another thread that can create a file there finds new/ too. */
static int make_maildir(char *folder, struct err *err)
{
    static const char *const parts[] = {"cur", "new", "tmp"};
    char path[MAILDIR_PATH_MAX + 8];
    if (make_folders(folder, err) < 0)
        return -1;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, parts[i]);
        if (strlen(path) >= MAILDIR_PATH_MAX)
            return err_set(err, "%s: the path is too long", folder);
        if (fsio_mkdir(path, FOLDER_MODE, err) < 0)
            return -1;
    }
    return 0;
}

/* --- the message --- */

static int write_message(int fd, const char *path, const struct spool_file *file,
                         uint32_t recipient, struct err *err)
{
    const struct envelope *e = &file->envelope;
    struct buf piece = BUF_INIT(BODY_FILL_MAX + HEADER_MAX);
    struct body body;
    int more = 1;
    buf_addf(&piece, "Return-Path: <%.*s>\nDelivered-To: %.*s\n",
             STR_ARG(spool_sender(e, &e->recipients[recipient])),
             STR_ARG(e->recipients[recipient].address));
    body_begin(&body, file, recipient, BODY_FILE);
    while (more > 0) {
        more = body_fill(&body, &piece, err);
        if (more >= 0 && !buf_ok(&piece))
            more = err_set(err, "out of memory for %s", path);
        if (more >= 0 && fsio_write(fd, buf_str(&piece), path, err) < 0)
            more = -1;
        buf_clear(&piece);
    }
    buf_release(&piece);
    return more;
}

static int write_file(int fd, const char *path, const struct spool_file *file, uint32_t recipient,
                      struct err *err)
{
    int result = write_message(fd, path, file, recipient, err);
    if (result == 0 && fsync(fd) < 0)
        result = err_sys(err, "cannot fsync %s", path);
    if (result == 0)
        return fsio_close(&fd, path, err);
    close(fd);
    return result;
}

static int open_tmp(const char *path, char *folder, struct err *err)
{
    const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
    int fd = open(path, flags, FILE_MODE);
    if (fd < 0 && errno == ENOENT) {
        if (make_maildir(folder, err) < 0)
            return -1;
        fd = open(path, flags, FILE_MODE);
    }
    return fd >= 0 ? fd : err_sys(err, "cannot create %s", path);
}

/* Seconds . id R recipient . host, with what a Maildir's names must not hold written as \ooo. */
static void make_name(struct buf *out, const struct spool_file *file, uint32_t recipient,
                      const char *hostname)
{
    const struct envelope *e = &file->envelope;
    buf_addf(out, "%lld.%.*sR%u.", (long long)(e->time_us / 1000000), STR_ARG(e->id), recipient);
    for (const char *p = hostname; *p; p++) {
        if (*p == '/' || *p == ':' || *p == '\\')
            buf_addf(out, "\\%03o", (unsigned char)*p);
        else
            buf_addc(out, *p);
    }
}

int maildir_deliver(const char *pattern, const char *hostname, const struct spool_file *file,
                    uint32_t recipient, struct err *err)
{
    char folder[MAILDIR_PATH_MAX];
    char tmp[2 * MAILDIR_PATH_MAX];
    char new[2 * MAILDIR_PATH_MAX];
    struct buf name = BUF_INIT(NAME_MAX_BYTES);
    struct str address = file->envelope.recipients[recipient].address;
    if (maildir_path(pattern, address, folder, err) < 0)
        return -1;
    make_name(&name, file, recipient, hostname);
    int n = snprintf(tmp, sizeof tmp, "%s/tmp/%s", folder, buf_cstr(&name));
    snprintf(new, sizeof new, "%s/new/%s", folder, buf_cstr(&name));
    bool fits = buf_ok(&name) && n > 0 && n < MAILDIR_PATH_MAX;
    buf_release(&name);
    if (!fits)
        return err_set(err, "%s: the path is too long", folder);
    int fd = open_tmp(tmp, folder, err);
    if (fd < 0)
        return -1;
    if (write_file(fd, tmp, file, recipient, err) == 0 && fsio_rename_durable(tmp, new, err) == 0)
        return 0;
    unlink(tmp);
    return -1;
}
