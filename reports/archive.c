#include "reports/archive.h"

#include <zip.h>

#define PIECE (64 * 1024)

/* Unpacks what the file holds, up to the budget. */
static enum archive_result unpack(zip_t *archive, zip_uint64_t index, size_t *budget,
                                  struct buf *out)
{
    zip_file_t *file = zip_fopen_index(archive, index, 0);
    zip_int64_t got = 0;
    bool fits = true;
    if (file == NULL)
        return ARCHIVE_DAMAGED;
    while (fits) {
        /* one byte more than may come shows that there is more */
        size_t want = *budget < PIECE ? *budget + 1 : PIECE;
        char *room = buf_room(out, want);
        if (room == NULL)
            break;
        got = zip_fread(file, room, want);
        if (got <= 0)
            break;
        fits = (size_t)got <= *budget;
        *budget -= fits ? (size_t)got : *budget;
        if (fits)
            buf_filled(out, (size_t)got);
    }
    zip_fclose(file);
    return !fits ? ARCHIVE_TOO_LARGE : got < 0 ? ARCHIVE_DAMAGED : ARCHIVE_READ;
}

static int visit(zip_t *archive, zip_uint64_t index, size_t *budget,
                 const struct archive_visitor *visitor, struct err *err)
{
    zip_stat_t stat;
    if (zip_stat_index(archive, index, 0, &stat) < 0 || !(stat.valid & ZIP_STAT_NAME))
        return visitor->file(visitor->data, STR_EMPTY, ARCHIVE_DAMAGED, STR_EMPTY, err);
    struct str name = str_of(stat.name);
    int wanted = str_ends(name, STR("/")) ? 0 : visitor->look(visitor->data, name, err);
    if (wanted <= 0)
        return wanted;
    if ((stat.valid & ZIP_STAT_ENCRYPTION_METHOD) && stat.encryption_method != ZIP_EM_NONE)
        return visitor->file(visitor->data, name, ARCHIVE_ENCRYPTED, STR_EMPTY, err);
    struct buf bytes = BUF_INIT(*budget + PIECE);
    enum archive_result result = unpack(archive, index, budget, &bytes);
    int told = buf_ok(&bytes)
                   ? visitor->file(visitor->data, name, result,
                                   result == ARCHIVE_READ ? buf_str(&bytes) : STR_EMPTY, err)
                   : err_set(err, "out of memory for a file in a zip file");
    buf_release(&bytes);
    return told;
}

static zip_t *open_archive(struct str zip, zip_error_t *error)
{
    zip_source_t *source = zip_source_buffer_create(zip.n ? zip.s : "", zip.n, 0, error);
    if (source == NULL)
        return NULL;
    zip_t *archive = zip_open_from_source(source, ZIP_RDONLY, error);
    if (archive == NULL)
        zip_source_free(source);
    return archive;
}

int archive_each(struct str zip, size_t max_entries, size_t *budget,
                 const struct archive_visitor *visitor, struct archive_seen *seen, struct err *err)
{
    zip_error_t error;
    int result = 0;
    *seen = (struct archive_seen){.result = ARCHIVE_DAMAGED};
    if (zip.n == 0) /* which libzip takes for an archive without files */
        return 0;
    zip_error_init(&error);
    zip_t *archive = open_archive(zip, &error);
    if (archive == NULL) {
        if (zip_error_code_zip(&error) == ZIP_ER_MEMORY)
            result = err_set(err, "out of memory for a zip file");
        zip_error_fini(&error);
        return result;
    }
    zip_error_fini(&error);
    seen->result = ARCHIVE_READ;
    zip_int64_t n = zip_get_num_entries(archive, 0);
    seen->entries = n > 0 ? (size_t)n : 0;
    seen->more = seen->entries > max_entries;
    for (size_t i = 0; result == 0 && i < seen->entries && i < max_entries; i++)
        result = visit(archive, i, budget, visitor, err);
    zip_discard(archive);
    return result;
}
