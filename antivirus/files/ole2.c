#include "antivirus/files/ole2.h"

#include "base/bytes.h"

/* [MS-CFB] 2.2, 2.6.1 */
#define HEADER_SIZE     512
#define HEADER_DIFAT    76
#define DIFAT_IN_HEADER 109
#define ENTRY_SIZE      128
#define ENTRY_NAME_SIZE 64 /* UTF-16, with its final NUL */
#define END_OF_CHAIN    0xfffffffeU
#define MINI_CUTOFF     4096

enum entry_type { ENTRY_STORAGE = 1, ENTRY_STREAM = 2, ENTRY_ROOT = 5 };

struct ole2 {
    struct str bytes;
    unsigned sector_shift; /* 9 or 12 */
    size_t sectors;        /* that the file can hold */
    size_t left;           /* bytes of streams to read, of OLE2_READ_MAX */
    bool damaged;
};

struct entry {
    char name[ENTRY_NAME_SIZE / 2]; /* ASCII; any other character is '?' */
    enum entry_type type;
    uint32_t start;
    uint32_t size;
    struct str class_id;
};

static const char msi_class[] = "\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0F"; /* 000C10xx-…-46 */

static bool ole2_open(struct ole2 *ole, struct str bytes)
{
    unsigned shift = get_le16(bytes, 30);
    *ole = (struct ole2){.bytes = bytes, .sector_shift = shift, .left = OLE2_READ_MAX};
    if (bytes.n < HEADER_SIZE || (shift != 9 && shift != 12))
        return false;
    ole->sectors = bytes.n >> shift;
    return true;
}

static size_t sector_at(const struct ole2 *ole, uint32_t sector)
{
    return ((size_t)sector + 1) << ole->sector_shift;
}

static struct str sector(const struct ole2 *ole, uint32_t number)
{
    size_t at = sector_at(ole, number);
    return str_sub(ole->bytes, at, at + ((size_t)1 << ole->sector_shift));
}

/* The sector that holds the n-th piece of the FAT (2.5): 109 are named in the header, the others in
 * a chain of sectors, each of which names the next in its last place. */
static uint32_t fat_sector(struct ole2 *ole, size_t n)
{
    if (n < DIFAT_IN_HEADER)
        return get_le32(ole->bytes, HEADER_DIFAT + 4 * n);
    size_t in_one = ((size_t)1 << ole->sector_shift) / 4 - 1;
    uint32_t at = get_le32(ole->bytes, 68);
    n -= DIFAT_IN_HEADER;
    for (size_t steps = n / in_one; steps > 0 && at < ole->sectors; steps--)
        at = get_le32(sector(ole, at), in_one * 4);
    return at < ole->sectors ? get_le32(sector(ole, at), n % in_one * 4) : END_OF_CHAIN;
}

static uint32_t next_sector(struct ole2 *ole, uint32_t number)
{
    size_t in_one = ((size_t)1 << ole->sector_shift) / 4;
    uint32_t fat = fat_sector(ole, number / in_one);
    if (number >= ole->sectors || fat >= ole->sectors) {
        ole->damaged = true;
        return END_OF_CHAIN;
    }
    return get_le32(sector(ole, fat), number % in_one * 4);
}

/* Appends a chain of sectors, at most `size` bytes and what out holds. A chain that runs in a
 * circle ends there, too. */
static void read_chain(struct ole2 *ole, uint32_t start, size_t size, struct buf *out)
{
    for (uint32_t at = start; size > 0 && at < END_OF_CHAIN - 3; at = next_sector(ole, at)) {
        struct str piece = str_sub(sector(ole, at), 0, size);
        ole->left -= piece.n < ole->left ? piece.n : ole->left;
        if (piece.n == 0 || ole->left == 0) {
            ole->damaged = true;
            return;
        }
        buf_add(out, str_sub(piece, 0, out->max - out->n));
        if (out->n == out->max)
            return;
        size -= piece.n;
    }
}

/* Streams below the cut-off stand in pieces of 64 bytes in the root's own stream (2.4). */
static void read_mini(struct ole2 *ole, const struct entry *root, const struct entry *stream,
                      struct buf *out)
{
    struct buf mini = BUF_INIT(OLE2_STREAM_MAX), fat = BUF_INIT(OLE2_STREAM_MAX);
    size_t left = stream->size;
    read_chain(ole, root->start, root->size, &mini);
    read_chain(ole, get_le32(ole->bytes, 60), OLE2_STREAM_MAX, &fat);
    for (uint32_t at = stream->start; left > 0 && at < END_OF_CHAIN - 3;
         at = get_le32(buf_str(&fat), (size_t)at * 4)) {
        struct str piece = str_sub(buf_str(&mini), (size_t)at * 64, (size_t)at * 64 + 64);
        piece = str_sub(piece, 0, left);
        if (piece.n == 0 || (size_t)at * 4 >= fat.n) {
            ole->damaged = true;
            break;
        }
        buf_add(out, piece);
        left -= piece.n;
    }
    buf_release(&mini);
    buf_release(&fat);
}

static bool get_entry(struct str bytes, size_t at, struct entry *entry)
{
    unsigned length = get_le16(bytes, at + ENTRY_NAME_SIZE);
    unsigned type = get_byte(bytes, at + 66);
    if (length < 4 || length > ENTRY_NAME_SIZE || length % 2 != 0 ||
        get_le16(bytes, at + length - 2) != 0 ||
        (type != ENTRY_STORAGE && type != ENTRY_STREAM && type != ENTRY_ROOT))
        return false;
    size_t n = length / 2 - 1;
    for (size_t i = 0; i < n; i++) {
        unsigned c = get_le16(bytes, at + 2 * i);
        entry->name[i] = c > 0 && c < 128 ? (char)c : '?';
    }
    entry->name[n] = 0;
    entry->type = (enum entry_type)type;
    entry->class_id = str_sub(bytes, at + 80, at + 96);
    entry->start = get_le32(bytes, at + 116);
    entry->size = get_le32(bytes, at + 120);
    return true;
}

static kind_set kinds_by_name(const struct entry *entry)
{
    static const struct {
        const char *name;
        enum file_kind kind;
    } rows[] = {
        {"_VBA_PROJECT", KIND_MACRO},
        {"_VBA_PROJECT_CUR", KIND_MACRO},
        {"VBA", KIND_MACRO},
        {"Macros", KIND_MACRO},
        {"WordDocument", KIND_OFFICE},
        {"Workbook", KIND_OFFICE},
        {"Book", KIND_OFFICE},
        {"PowerPoint Document", KIND_OFFICE},
        {"EncryptedPackage", KIND_OFFICE_ENCRYPTED},
        {"\1Ole10Native", KIND_OBJECT},
        {"Package", KIND_OBJECT},
        {"__properties_version1.0", KIND_OUTLOOK},
    };
    struct str name = str_of(entry->name);
    kind_set kinds = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (str_ieq(name, str_of(rows[i].name)))
            kinds |= KIND(rows[i].kind);
    if (entry->type == ENTRY_ROOT &&
        str_ends(entry->class_id, str_n(msi_class, sizeof msi_class - 1)))
        kinds |= KIND(KIND_MSI);
    return kinds;
}

/* [MS-XLS] 2.4.28 BoundSheet8, 2.4.117 FilePass */
#define RECORD_BOUNDSHEET 0x85
#define RECORD_FILEPASS   0x2f
#define SHEET_MACRO       1

static kind_set workbook_kinds(struct str stream)
{
    kind_set kinds = 0;
    for (size_t at = 0; at + 4 <= stream.n; at += 4 + (size_t)get_le16(stream, at + 2)) {
        unsigned record = get_le16(stream, at);
        if (record == RECORD_FILEPASS)
            kinds |= KIND(KIND_OFFICE_ENCRYPTED);
        if (record == RECORD_BOUNDSHEET && get_byte(stream, at + 4 + 5) == SHEET_MACRO)
            kinds |= KIND(KIND_XLM);
    }
    return kinds;
}

static kind_set look_into_workbook(struct ole2 *ole, const struct entry *root,
                                   const struct entry *stream)
{
    struct buf out = BUF_INIT(OLE2_STREAM_MAX);
    if (stream->size == 0)
        return 0;
    if (stream->size < MINI_CUTOFF)
        read_mini(ole, root, stream, &out);
    else
        read_chain(ole, stream->start, stream->size, &out);
    kind_set kinds = workbook_kinds(buf_str(&out));
    ole->damaged |= !buf_ok(&out);
    buf_release(&out);
    return kinds;
}

static bool is_workbook(const struct entry *entry)
{
    return entry->type == ENTRY_STREAM && (str_ieq(str_of(entry->name), STR("Workbook")) ||
                                           str_ieq(str_of(entry->name), STR("Book")));
}

/* A file has one, or a "Book" beside it, and one for each table within it. */
static kind_set workbooks_kinds(struct ole2 *ole, const struct entry *root)
{
    struct entry entry;
    kind_set kinds = 0;
    for (size_t at = HEADER_SIZE; at + ENTRY_SIZE <= ole->bytes.n; at += ENTRY_SIZE)
        if (get_entry(ole->bytes, at, &entry) && is_workbook(&entry))
            kinds |= look_into_workbook(ole, root, &entry);
    /* made so that its sheets are not found */
    return ole->left == 0 ? kinds | KIND(KIND_XLM) : kinds;
}

kind_set ole2_kinds(struct str bytes, bool *damaged)
{
    struct ole2 ole;
    struct entry root = {.start = END_OF_CHAIN}, entry;
    bool open = ole2_open(&ole, bytes), rooted = false;
    kind_set kinds = 0;
    for (size_t at = HEADER_SIZE; at + ENTRY_SIZE <= bytes.n; at += ENTRY_SIZE) {
        if (!get_entry(bytes, at, &entry))
            continue;
        kinds |= kinds_by_name(&entry);
        if (entry.type == ENTRY_ROOT && !rooted) {
            root = entry;
            rooted = true;
        }
    }
    if (open)
        kinds |= workbooks_kinds(&ole, &root);
    if (damaged)
        *damaged = !open || ole.damaged || kinds == 0;
    return kinds;
}
