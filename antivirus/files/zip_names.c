#include "antivirus/files/zip_names.h"

#include "base/bytes.h"

/* APPNOTE.TXT 4.3.7, 4.3.12 */
#define VERSION_MAX     100 /* that is needed to extract; 63 is the highest there is */
#define METHOD_MAX      100
#define NAME_MAX_BYTES  4096
#define FLAG_SIZE_LATER 8 /* the size stands behind the file */

/* A header at a mark; places of its fields. */
struct header {
    struct str mark;
    size_t version, flags, packed_size, name_size, size;
};

/* The same four bytes may stand in packed data by chance: the fields behind them must be sane. */
static struct str name_at(struct str archive, const struct header *header, size_t at)
{
    size_t n = get_le16(archive, at + header->name_size);
    bool sane = n > 0 && n <= NAME_MAX_BYTES &&
                get_byte(archive, at + header->version) <= VERSION_MAX &&
                get_le16(archive, at + header->flags + 2) < METHOD_MAX &&
                bytes_hold(archive, at + header->size, n);
    if (!sane)
        return STR_EMPTY;
    struct str name = str_sub(archive, at + header->size, at + header->size + n);
    bool folder = str_ends(name, STR("/")) && get_le32(archive, at + header->packed_size) == 0 &&
                  !(get_le16(archive, at + header->flags) & FLAG_SIZE_LATER);
    return folder ? STR_EMPTY : name;
}

/* The next place from *at on; false at the end. */
static bool next_mark(struct str archive, struct str mark, size_t *at)
{
    size_t found = str_find(str_from(archive, *at), mark);
    if (found == STR_NONE)
        return false;
    *at += found;
    return true;
}

void zip_names(struct str archive, zip_on_name *on_name, void *data)
{
    static const struct header headers[] = {
        {STR("PK\3\4"), .version = 4, .flags = 6, .packed_size = 18, .name_size = 26, .size = 30},
        {STR("PK\1\2"), .version = 6, .flags = 8, .packed_size = 20, .name_size = 28, .size = 46},
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        for (size_t at = 0; next_mark(archive, headers[i].mark, &at); at += 4) {
            struct str name = name_at(archive, &headers[i], at);
            if (name.n > 0 && !on_name(data, name))
                return;
        }
}
