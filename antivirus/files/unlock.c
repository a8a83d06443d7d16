#include "antivirus/files/unlock.h"

#include <stdlib.h>

#include "antivirus/files/candidates.h"
#include "antivirus/files/unlock_zip.h"
#include "antivirus/files/walk.h"

#define POOL_SLACK ((size_t)8 * 1024 * 1024) /* names, candidates and the list of parts */

struct unlock {
    size_t size_max;
    struct pool *pool;
    locale_t utf8;
    struct av_part *parts; /* AV_PARTS_MAX */
    size_t n;
    /* of the message at hand */
    struct unlock_zip_limits left;
    struct av_message *message;
    unlock_text *text;
    void *text_data;
    const struct str *texts;
    size_t n_texts;
    bool asked; /* for the texts */
    unsigned archives;
    bool all_opened; /* of the part at hand */
    bool any_opened;
    size_t
        closed[WALK_DEPTH_MAX + 2]; /* encrypted files met at each depth, of the archive at hand */
};

struct unlock *unlock_new(size_t size_max)
{
    struct unlock *unlock = calloc(1, sizeof *unlock);
    if (!unlock)
        return NULL;
    unlock->size_max = size_max;
    unlock->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    unlock->pool = pool_new(size_max + POOL_SLACK);
    if (!unlock->pool)
        unlock_free(&unlock);
    return unlock;
}

void unlock_free(struct unlock **unlock)
{
    if (!*unlock)
        return;
    if ((*unlock)->utf8)
        freelocale((*unlock)->utf8);
    pool_free(&(*unlock)->pool);
    free(*unlock);
    *unlock = NULL;
}

static void leave_out(struct unlock *unlock, const char *what, struct str path)
{
    if (unlock->message->left_out.n > 0)
        return;
    struct str reason = pool_strf(unlock->pool, "%s %.*s", what, STR_ARG(path));
    unlock->message->left_out = reason.s ? reason : STR("an encrypted archive");
}

/* A decrypted file becomes a part. */
static bool on_decrypted(void *data, struct str path, struct str bytes)
{
    struct unlock *unlock = data;
    struct str name = pool_str(unlock->pool, path), copy = pool_str(unlock->pool, bytes);
    if (unlock->n == AV_PARTS_MAX || !name.s || !copy.s)
        return false;
    unlock->parts[unlock->n++] =
        (struct av_part){.bytes = copy, .filename = name, .unpacked = true};
    return true;
}

static void open_zip(struct unlock *unlock, const struct walk_file *file, size_t closed)
{
    struct candidates candidates;
    if (!unlock->asked && unlock->text)
        unlock->n_texts = unlock->text(unlock->text_data, unlock->message->raw, &unlock->texts);
    unlock->asked = true;
    candidates_make(&candidates, unlock->pool, unlock->texts, unlock->n_texts, file->name);
    const struct unlock_zip_job job = {.bytes = file->bytes,
                                       .path = file->path,
                                       .closed = closed,
                                       .candidates = &candidates,
                                       .left = &unlock->left,
                                       .decrypted = on_decrypted,
                                       .data = unlock};
    switch (unlock_zip(&job)) {
    case UNLOCK_OPENED:
        unlock->any_opened = true;
        return;
    case UNLOCK_CLOSED:
        leave_out(unlock, "encrypted archive", file->path);
        break;
    case UNLOCK_LIMIT:
        leave_out(unlock, "too much to try for the encrypted archive", file->path);
        break;
    }
    unlock->all_opened = false;
}

/* Of an archive that is of another kind as well, libzip sees only the zip. */
static bool only_zip(kind_set kinds)
{
    return (kinds & KIND(KIND_ZIP)) &&
           !(kinds & (KINDS_ARCHIVE | KIND(KIND_ISO)) & ~KIND(KIND_ZIP));
}

/* An archive's own turn comes after those in it, whose kinds it does not take over. */
static void on_file(void *data, const struct walk_file *file)
{
    struct unlock *unlock = data;
    size_t closed = unlock->closed[file->depth + 1];
    unlock->closed[file->depth + 1] = 0;
    if (file->encrypted)
        unlock->closed[file->depth]++;
    if (!(file->kinds & KIND(KIND_ENCRYPTED)) || file->encrypted)
        return;
    if (only_zip(file->kinds) && unlock->archives < UNLOCK_ARCHIVES_MAX) {
        unlock->archives++;
        open_zip(unlock, file, closed);
        return;
    }
    leave_out(unlock, "encrypted archive", file->path);
    unlock->all_opened = false;
}

/* Most messages have no part that is any kind of archive, and go no further. */
static bool any_archive(const struct av_message *message)
{
    for (size_t i = 0; i < message->n_parts; i++)
        if (kinds_of(message->parts[i].bytes) & (KINDS_ARCHIVE | KIND(KIND_ISO)))
            return true;
    return false;
}

static bool take_parts(struct unlock *unlock, const struct av_message *message)
{
    unlock->parts = POOL_ARRAY(unlock->pool, AV_PARTS_MAX, struct av_part);
    unlock->n = message->n_parts;
    if (!unlock->parts)
        return false;
    memcpy(unlock->parts, message->parts, message->n_parts * sizeof *message->parts);
    return true;
}

/* Parts that were just decrypted are walked as well: an archive in an archive. What is left unread
 * at a limit is not marked as unlocked, and the engines that open archives meet it themselves. */
static void unlock_parts(struct unlock *unlock)
{
    struct walk walk;
    const struct unpack_limits limits = {.size = unlock->size_max,
                                         .files = UNLOCK_FILES_MAX,
                                         .deadline = unlock->left.deadline};
    walk_start(&walk, &limits, UNLOCK_DEPTH_MAX, on_file, unlock);
    walk.utf8 = unlock->utf8;
    for (size_t i = 0; i < unlock->n && !walk.limited; i++) {
        struct av_part *part = &unlock->parts[i];
        unlock->all_opened = true;
        unlock->any_opened = false;
        memset(unlock->closed, 0, sizeof unlock->closed);
        walk_file(&walk, part->filename, part->bytes);
        part->unlocked = unlock->any_opened && unlock->all_opened && !walk.limited;
    }
}

void unlock_message(struct unlock *unlock, struct av_message *message, unlock_text *text,
                    void *data)
{
    pool_reset(unlock->pool);
    if (!any_archive(message))
        return;
    unlock->message = message;
    unlock->text = text;
    unlock->text_data = data;
    unlock->texts = NULL;
    unlock->n_texts = unlock->archives = 0;
    unlock->asked = false;
    unlock->left = (struct unlock_zip_limits){.size = unlock->size_max,
                                              .files = UNLOCK_FILES_MAX,
                                              .deadline = (uint64_t)clock_ms() + UNLOCK_MS};
    if (!take_parts(unlock, message)) {
        leave_out(unlock, "no memory to look for encrypted archives", STR_EMPTY);
        return;
    }
    unlock_parts(unlock);
    message->parts = unlock->parts;
    message->n_parts = unlock->n;
}
