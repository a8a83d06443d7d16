#include "reports/digest_record.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/fsio.h"
#include "base/random.h"
#include "reports/store_open.h"

#define FOLDER       "digests"
#define FOLDER_MODE  02770
#define RECORD_MAGIC "poterne digest 1\n"
#define RECORD_MAX   4096
#define CRC_SIZE     4
#define SECOND_US    ((int64_t)1000000)
#define KEPT_US      ((DIGEST_ANSWER_DAYS + 1) * 86400 * SECOND_US)

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; /* as in ids (spool/id.c) */

/* --- tokens --- */

void digest_token_make(char token[DIGEST_TOKEN_LEN + 1])
{
    unsigned char random[DIGEST_TOKEN_LEN];
    random_fill(random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++)
        token[i] = digits[random[i] & 31];
    token[DIGEST_TOKEN_LEN] = '\0';
}

bool digest_token_read(struct str text, char token[DIGEST_TOKEN_LEN + 1])
{
    token[0] = '\0';
    if (text.n != DIGEST_TOKEN_LEN)
        return false;
    char read[DIGEST_TOKEN_LEN + 1] = "";
    for (size_t i = 0; i < text.n; i++) {
        char c = text.s[i];
        read[i] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
        if (read[i] == '\0' || strchr(digits, read[i]) == NULL)
            return false;
    }
    memcpy(token, read, sizeof read);
    return true;
}

/* --- files --- */

static int path_of(const struct proposals *store, const char *token, char out[PATH_MAX],
                   struct err *err)
{
    char name[sizeof FOLDER + 1 + DIGEST_TOKEN_LEN];
    snprintf(name, sizeof name, FOLDER "%s%s", *token ? "/" : "", token);
    return fsio_join(out, PATH_MAX, store->folder, name, err);
}

int digest_record_write(struct proposals *store, const struct digest_record *record,
                        struct err *err)
{
    char path[PATH_MAX];
    struct buf out = BUF_INIT(RECORD_MAX);
    if (path_of(store, "", path, err) < 0 || fsio_mkdir(path, FOLDER_MODE, err) < 0 ||
        path_of(store, record->token, path, err) < 0)
        return -1;
    buf_add(&out, STR(RECORD_MAGIC));
    wire_i64(&out, record->made_us);
    wire_u64(&out, record->up_to);
    wire_u32(&out, (uint32_t)record->n);
    for (size_t i = 0; i < record->n; i++)
        wire_u64(&out, record->leads[i]);
    wire_u32(&out, crc32c(0, buf_str(&out)));
    int result = buf_ok(&out) ? fsio_replace(path, buf_str(&out), STORE_MODE, err)
                              : err_set(err, "out of memory for a digest");
    buf_release(&out);
    return result;
}

static bool record_get(struct str bytes, struct digest_record *record)
{
    if (!str_starts(bytes, STR(RECORD_MAGIC)) || bytes.n < sizeof RECORD_MAGIC - 1 + CRC_SIZE)
        return false;
    struct str checked = str_sub(bytes, 0, bytes.n - CRC_SIZE);
    struct wire sum = wire_of(str_from(bytes, checked.n));
    struct wire w = wire_of(str_from(checked, sizeof RECORD_MAGIC - 1));
    if (wire_get_u32(&sum) != crc32c(0, checked))
        return false;
    record->made_us = wire_get_i64(&w);
    record->up_to = wire_get_u64(&w);
    record->n = wire_get_u32(&w);
    if (record->n > DIGEST_LINES_MAX)
        return false;
    for (size_t i = 0; i < record->n; i++)
        record->leads[i] = wire_get_u64(&w);
    return wire_done(&w);
}

int digest_record_read(struct proposals *store, const char *token, struct digest_record *record,
                       struct err *err)
{
    char path[PATH_MAX];
    struct buf bytes = BUF_INIT(RECORD_MAX);
    *record = (struct digest_record){.n = 0};
    if (!digest_token_read(str_of(token), record->token))
        return 0;
    if (path_of(store, record->token, path, err) < 0)
        return -1;
    int result = 1;
    if (fsio_read_file(path, &bytes, err) < 0)
        result = errno == ENOENT ? 0 : -1;
    else if (!record_get(buf_str(&bytes), record))
        result = err_set(err, "%s is damaged", path);
    buf_release(&bytes);
    return result;
}

/* --- all of them --- */

/* Removes what can't be answered any more; *newest: when the last was made. */
static int look_through(struct proposals *store, int64_t before_us, int64_t *newest,
                        struct err *err)
{
    char path[PATH_MAX];
    struct digest_record record;
    struct err why;
    *newest = 0;
    if (path_of(store, "", path, err) < 0)
        return -1;
    DIR *dir = opendir(path);
    if (dir == NULL)
        return errno == ENOENT ? 0 : err_sys(err, "cannot read folder %s", path);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (!digest_token_read(str_of(entry->d_name), record.token))
            continue;
        int got = digest_record_read(store, entry->d_name, &record, &why);
        if (got == 1 && record.made_us > *newest)
            *newest = record.made_us;
        bool old = got == 1 ? record.made_us < before_us : got < 0 && before_us;
        if (old && path_of(store, record.token, path, err) == 0)
            unlink(path);
    }
    closedir(dir);
    return 0;
}

int digest_last_us(struct proposals *store, int64_t *made_us, struct err *err)
{
    return look_through(store, 0, made_us, err);
}

int digest_sweep(struct proposals *store, int64_t now_us, struct err *err)
{
    int64_t newest;
    return look_through(store, now_us - KEPT_US, &newest, err);
}
