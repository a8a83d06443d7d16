#include "reports/key.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/random.h"
#include "mail/transfer.h"

#define KEY_FILE  "signature.key"
#define FILE_MODE 0640
#define FILE_MAX  4096

static int write_key(int fd, const char *path, struct err *err)
{
    unsigned char key[KEY_SIZE];
    char text[512];
    struct buf out = BUF_OVER(text);
    random_fill(key, sizeof key);
    buf_add(&out,
            STR("# Signs X-Poterne-Id. To change it, write a new line of 64 hexadecimal digits\n"
                "# above; the old one is accepted as long as it stands below. Keep it secret.\n"));
    for (size_t i = 0; i < sizeof key; i++)
        buf_addf(&out, "%02x", key[i]);
    buf_addc(&out, '\n');
    int result = buf_ok(&out) ? fsio_write(fd, buf_str(&out), path, err)
                              : err_set(err, "%s: no room for a key", path);
    explicit_bzero(key, sizeof key);
    explicit_bzero(text, sizeof text);
    if (result == 0 && (fchmod(fd, FILE_MODE) < 0 || fsync(fd) < 0))
        result = err_sys(err, "cannot write %s", path);
    return result;
}

int keys_make(const char *state_dir, struct err *err)
{
    char path[PATH_MAX], beside[PATH_MAX];
    if (fsio_join(path, sizeof path, state_dir, KEY_FILE, err) < 0)
        return -1;
    if (access(path, F_OK) == 0)
        return 0;
    int n = snprintf(beside, sizeof beside, "%s.%ld", path, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof beside)
        return err_set(err, "state_dir %s is too long", state_dir);
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    if (fd < 0)
        return err_sys(err, "cannot create %s", beside);
    int result = write_key(fd, beside, err);
    if (fsio_close(&fd, beside, result < 0 ? NULL : err) < 0)
        result = -1;
    /* not rename: a key that somebody made in the meantime must stay */
    if (result == 0 && link(beside, path) < 0 && errno != EEXIST)
        result = err_sys(err, "cannot name the new key %s", path);
    unlink(beside);
    return result == 0 ? fsio_sync_dir(state_dir, err) : -1;
}

static bool read_hex(struct str line, unsigned char key[KEY_SIZE])
{
    if (line.n != 2 * KEY_SIZE)
        return false;
    for (size_t i = 0; i < KEY_SIZE; i++) {
        int byte = hex_byte(line, 2 * i);
        if (byte < 0)
            return false;
        key[i] = (unsigned char)byte;
    }
    return true;
}

static int read_lines(struct str text, const char *path, struct keys *keys, struct err *err)
{
    struct str line;
    for (unsigned number = 1; str_next_line(&text, &line); number++) {
        line = str_trim(str_sub(line, 0, str_chr(line, '#')));
        if (line.n == 0)
            continue;
        if (keys->n == KEYS_MAX)
            return err_set(err, "%s:%u: more than %d keys: remove the oldest", path, number,
                           KEYS_MAX);
        if (!read_hex(line, keys->bytes[keys->n]))
            return err_set(err, "%s:%u: not a key: expected %d hexadecimal digits", path, number,
                           2 * KEY_SIZE);
        keys->n++;
    }
    return keys->n ? 0 : err_set(err, "%s holds no key: remove it, and a new one is made", path);
}

int keys_read(const char *state_dir, struct keys *keys, struct err *err)
{
    char path[PATH_MAX], text[FILE_MAX];
    struct buf file = BUF_OVER(text);
    *keys = (struct keys){0};
    if (fsio_join(path, sizeof path, state_dir, KEY_FILE, err) < 0)
        return -1;
    int result = fsio_read_file(path, &file, err);
    if (result == 0)
        result = read_lines(buf_str(&file), path, keys, err);
    if (result < 0)
        keys_wipe(keys);
    explicit_bzero(text, sizeof text);
    return result;
}

void keys_wipe(struct keys *keys)
{
    explicit_bzero(keys, sizeof *keys);
}
