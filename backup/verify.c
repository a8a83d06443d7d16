#include "backup/verify.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"

#define STORED_MAX (MANIFEST_PATH_MAX + 32)

static int check_sum(const struct piece *piece, const char *bytes, const char *stored,
                     struct err *err)
{
    unsigned char sum[SHA256_SIZE];
    if (sha256_of(str_n(bytes, piece->size), sum, err) < 0)
        return -1;
    if (memcmp(sum, piece->sum, SHA256_SIZE) != 0)
        return err_set(err, "%s is damaged: it is not what it was", stored);
    return 0;
}

int backup_piece_read(int generation_fd, const struct piece *piece, char *into, struct err *err)
{
    char stored[STORED_MAX];
    struct stat st;
    if (!manifest_stored(piece, stored, sizeof stored))
        return err_set(err, "%.*s: path too long", STR_ARG(piece->path));
    int fd = openat(generation_fd, stored, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, "%s can't be read", stored);
    int result = 0;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        result = err_set(err, "%s is no plain file", stored);
    else if ((uint64_t)st.st_size != piece->size)
        result = err_set(err, "%s is damaged: it has another size than it had", stored);
    else if (fsio_pread_some(fd, into, piece->size, 0) != (ssize_t)piece->size)
        result = err_sys(err, "%s can't be read", stored);
    else
        result = check_sum(piece, into, stored, err);
    close(fd);
    return result;
}

int backup_verify(int generation_fd, const struct manifest *m, unsigned parts, verify_tell *tell,
                  void *data, struct verified *verified, struct err *err)
{
    *verified = (struct verified){.pieces = 0};
    char *into = malloc(PIECE_SIZE);
    if (into == NULL)
        return err_set(err, "out of memory");
    for (size_t i = 0; i < m->n; i++) {
        const struct piece *piece = &m->pieces[i];
        struct err why;
        if (!(parts & PART_BIT(backup_part_of(piece->path))))
            continue;
        bool bad = backup_piece_read(generation_fd, piece, into, &why) < 0;
        verified->pieces++;
        verified->bytes += piece->size;
        verified->bad += bad;
        tell(data, verified, bad ? why.text : NULL);
    }
    free(into);
    return 0;
}
