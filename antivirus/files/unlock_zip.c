#include "antivirus/files/unlock_zip.h"

#include <zip.h>

#include "antivirus/engine.h"
#include "base/buf.h"

#define READ_SIZE ((size_t)64 * 1024)
#define PATH_SIZE 1024

struct zip_job {
    const struct unlock_zip_job *job;
    zip_t *zip;
    struct buf bytes;     /* of the file at hand */
    const char *password; /* the last that was right; NULL: none yet */
};

static bool is_encrypted(zip_t *zip, zip_uint64_t i, zip_stat_t *stat)
{
    return zip_stat_index(zip, i, 0, stat) == 0 && (stat->valid & ZIP_STAT_ENCRYPTION_METHOD) &&
           stat->encryption_method != ZIP_EM_NONE;
}

/* Reads the whole file, since only its checksum (or AES's own) tells a right password from one that
 * passes ZipCrypto's one byte by chance. */
static enum unlock_result read_all(struct zip_job *z, zip_file_t *file)
{
    struct unlock_zip_limits *left = z->job->left;
    for (;;) {
        char *room = buf_room(&z->bytes, READ_SIZE);
        if (!room || left->size < READ_SIZE || av_left(left->deadline) == 0)
            return UNLOCK_LIMIT;
        zip_int64_t got = zip_fread(file, room, READ_SIZE);
        if (got <= 0)
            return got == 0 ? UNLOCK_OPENED : UNLOCK_CLOSED;
        buf_filled(&z->bytes, (size_t)got);
        left->size -= (size_t)got;
    }
}

/* password: NULL when it needs none */
static enum unlock_result try_one(struct zip_job *z, zip_uint64_t i, const char *password)
{
    if (av_left(z->job->left->deadline) == 0)
        return UNLOCK_LIMIT;
    zip_file_t *file = zip_fopen_index_encrypted(z->zip, i, 0, password);
    if (!file)
        return UNLOCK_CLOSED;
    buf_clear(&z->bytes);
    enum unlock_result result = read_all(z, file);
    zip_fclose(file);
    if (result == UNLOCK_OPENED && password)
        z->password = password;
    return result;
}

/* The file's bytes are in z->bytes when it is opened. */
static enum unlock_result try_all(struct zip_job *z, zip_uint64_t i)
{
    const struct candidates *candidates = z->job->candidates;
    enum unlock_result result = UNLOCK_CLOSED;
    if (z->password)
        result = try_one(z, i, z->password);
    for (size_t k = 0; k < candidates->n && result == UNLOCK_CLOSED; k++)
        result = try_one(z, i, candidates->items[k]);
    return result;
}

static bool is_folder(const zip_stat_t *stat)
{
    return (stat->valid & ZIP_STAT_NAME) && str_ends(str_of(stat->name), STR("/")) &&
           (stat->valid & ZIP_STAT_SIZE) && stat->size == 0;
}

/* Wrong passwords are tried on little. */
static zip_int64_t smallest(zip_t *zip, zip_int64_t n)
{
    zip_int64_t at = -1;
    zip_uint64_t size = 0;
    zip_stat_t stat;
    for (zip_int64_t i = 0; i < n; i++)
        if (is_encrypted(zip, (zip_uint64_t)i, &stat) && stat.comp_size > 0 &&
            (at < 0 || stat.comp_size < size)) {
            at = i;
            size = stat.comp_size;
        }
    return at;
}

static bool give(struct zip_job *z, zip_uint64_t i)
{
    char array[PATH_SIZE];
    struct buf path = BUF_OVER(array);
    const char *name = zip_get_name(z->zip, i, ZIP_FL_ENC_GUESS);
    struct str end = name ? str_of(name) : STR("unnamed");
    buf_add(&path, str_sub(z->job->path, 0, PATH_SIZE / 2));
    buf_addc(&path, '/');
    /* its end has the extension */
    size_t room = path.max - path.n;
    buf_add(&path, end.n > room ? str_from(end, end.n - room) : end);
    return z->job->decrypted(z->job->data, buf_str(&path), buf_str(&z->bytes));
}

static enum unlock_result decrypt_all(struct zip_job *z)
{
    struct unlock_zip_limits *left = z->job->left;
    zip_int64_t n = zip_get_num_entries(z->zip, 0);
    if (n < 0 || (zip_uint64_t)n > left->files)
        return UNLOCK_LIMIT;
    left->files -= (size_t)n;
    zip_int64_t first = smallest(z->zip, n);
    size_t opened = 0;
    enum unlock_result result = first < 0 ? UNLOCK_CLOSED : try_all(z, (zip_uint64_t)first);
    for (zip_int64_t i = 0; i < n && result == UNLOCK_OPENED; i++) {
        zip_stat_t stat = {0};
        bool encrypted = is_encrypted(z->zip, (zip_uint64_t)i, &stat);
        if (is_folder(&stat))
            continue;
        opened += encrypted;
        result = encrypted ? try_all(z, (zip_uint64_t)i) : try_one(z, (zip_uint64_t)i, NULL);
        if (result == UNLOCK_OPENED && !give(z, (zip_uint64_t)i))
            result = UNLOCK_LIMIT;
    }
    return result == UNLOCK_OPENED && opened < z->job->closed ? UNLOCK_CLOSED : result;
}

enum unlock_result unlock_zip(const struct unlock_zip_job *job)
{
    struct zip_job z = {.job = job, .bytes = BUF_INIT(job->left->size + READ_SIZE)};
    zip_source_t *source = zip_source_buffer_create(job->bytes.s, job->bytes.n, 0, NULL);
    if (!source)
        return UNLOCK_LIMIT;
    z.zip = zip_open_from_source(source, ZIP_RDONLY, NULL);
    if (!z.zip) {
        zip_source_free(source);
        return UNLOCK_CLOSED;
    }
    enum unlock_result result = decrypt_all(&z);
    zip_discard(z.zip);
    buf_release(&z.bytes);
    return result;
}
