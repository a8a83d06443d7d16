#include "antivirus/archive_end.h"

#include "base/bytes.h"

#define ZIP_END_MAX   ((size_t)22 + 65535) /* the end record with the longest comment */
#define BLOCKS_MAX    ((size_t)16 * 1024)  /* what may fill the last block behind the end mark */
#define SEVEN_HEADER  32
#define CABINET_FIELD 8  /* where its size stands */
#define BZIP2_END     10 /* mark and checksum; up to seven bits follow */

static struct str last_bytes(struct str x, size_t n)
{
    return str_from(x, x.n > n ? x.n - n : 0);
}

static bool zip_is_cut(struct str x)
{
    return str_find(last_bytes(x, ZIP_END_MAX), STR("PK\5\6")) == STR_NONE;
}

/* The start header says where the header with the names stands. */
static bool seven_zip_is_cut(struct str x)
{
    if (x.n < SEVEN_HEADER)
        return true;
    uint64_t at = get_le64(x, 12), n = get_le64(x, 20);
    uint64_t there = x.n - SEVEN_HEADER;
    return at > there || n > there - at;
}

static bool cabinet_is_cut(struct str x)
{
    return x.n < CABINET_FIELD + 4 || get_le32(x, CABINET_FIELD) > x.n;
}

static bool xz_is_cut(struct str x)
{
    while (x.n > 0 && x.s[x.n - 1] == '\0')
        x.n--;
    return !str_ends(x, STR("YZ"));
}

static bool arj_is_cut(struct str x)
{
    return str_find(last_bytes(x, BLOCKS_MAX), STR("\x60\xea\0\0")) == STR_NONE;
}

/* Its last bytes begin anywhere within a byte. */
static bool bzip2_is_cut(struct str x)
{
    static const uint64_t mark = 0x177245385090;
    if (x.n < BZIP2_END + 1)
        return true;
    uint64_t bits = 0;
    struct str end = str_from(x, x.n - BZIP2_END - 1);
    for (size_t i = 0; i < 7; i++)
        bits = bits << 8 | (unsigned char)end.s[i];
    for (int shift = 0; shift < 8; shift++)
        if ((bits >> shift & 0xffffffffffff) == mark)
            return false;
    return true;
}

static bool cpio_is_cut(struct str x)
{
    return str_find(last_bytes(x, BLOCKS_MAX), STR("TRAILER!!!")) == STR_NONE;
}

bool archive_is_cut(const char *type, struct str bytes)
{
    static const struct {
        const char *type;
        bool (*is_cut)(struct str bytes);
    } kinds[] = {
        {"CL_TYPE_ZIP", zip_is_cut},        {"CL_TYPE_7Z", seven_zip_is_cut},
        {"CL_TYPE_MSCAB", cabinet_is_cut},  {"CL_TYPE_XZ", xz_is_cut},
        {"CL_TYPE_ARJ", arj_is_cut},        {"CL_TYPE_BZ", bzip2_is_cut},
        {"CL_TYPE_CPIO_OLD", cpio_is_cut},  {"CL_TYPE_CPIO_ODC", cpio_is_cut},
        {"CL_TYPE_CPIO_NEWC", cpio_is_cut}, {"CL_TYPE_CPIO_CRC", cpio_is_cut},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(type, kinds[i].type) == 0)
            return kinds[i].is_cut(bytes);
    return false;
}
