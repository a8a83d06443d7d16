#include "antivirus/files/zip_names.h"

#include <stdlib.h>

#include "antivirus/files/bytes.h"

/* APPNOTE.TXT 4.3.7, 4.3.12 */
#define LOCAL_SIZE     30
#define DIRECTORY_SIZE 46
#define VERSION_MAX    100 /* that is needed to extract; 63 is the highest there is */
#define METHOD_MAX     100
#define NAME_MAX_BYTES 4096

struct hashes {
    uint64_t *items;
    size_t n;
};

/* At a directory's entry (or "" when it can't be one). */
static struct str directory_name(struct str archive, size_t at)
{
    size_t n = get_le16(archive, at + 28);
    return bytes_hold(archive, at + DIRECTORY_SIZE, n)
               ? str_sub(archive, at + DIRECTORY_SIZE, at + DIRECTORY_SIZE + n)
               : STR_EMPTY;
}

/* The same four bytes may stand in packed data by chance: the fields behind them must be sane. */
static struct str local_name(struct str archive, size_t at)
{
    size_t n = get_le16(archive, at + 26);
    bool sane = n > 0 && n <= NAME_MAX_BYTES && get_byte(archive, at + 4) <= VERSION_MAX &&
                get_le16(archive, at + 8) < METHOD_MAX && bytes_hold(archive, at + LOCAL_SIZE, n);
    return sane ? str_sub(archive, at + LOCAL_SIZE, at + LOCAL_SIZE + n) : STR_EMPTY;
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

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void collect(struct str archive, struct hashes *hashes)
{
    hashes->items = malloc(ZIP_NAMES_MAX * sizeof *hashes->items);
    if (!hashes->items)
        return;
    for (size_t at = 0; hashes->n < ZIP_NAMES_MAX && next_mark(archive, STR("PK\1\2"), &at);
         at += 4)
        hashes->items[hashes->n++] = str_hash(directory_name(archive, at));
    qsort(hashes->items, hashes->n, sizeof *hashes->items, by_value);
}

void zip_local_names(struct str archive, zip_on_name *on_name, void *data)
{
    struct hashes hashes = {0};
    bool go_on = true;
    collect(archive, &hashes);
    for (size_t at = 0; go_on && next_mark(archive, STR("PK\3\4"), &at); at += 4) {
        struct str name = local_name(archive, at);
        uint64_t hash = str_hash(name);
        if (name.n > 0 &&
            !(hashes.n > 0 && bsearch(&hash, hashes.items, hashes.n, sizeof hash, by_value)))
            go_on = on_name(data, name);
    }
    free(hashes.items);
}
