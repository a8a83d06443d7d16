#include "antivirus/files/kind.h"

#include "base/bytes.h"

/* --- names --- */

static const char *const kind_names[KINDS] = {
    [KIND_PE] = "pe",
    [KIND_DOS] = "dos",
    [KIND_ELF] = "elf",
    [KIND_MACHO] = "mach-o",
    [KIND_CLASS] = "java-class",
    [KIND_JAR] = "jar",
    [KIND_APK] = "apk",
    [KIND_APPX] = "appx",
    [KIND_MSI] = "msi",
    [KIND_PACKAGE] = "package",
    [KIND_SCRIPT] = "unix-script",
    [KIND_BATCH] = "batch",
    [KIND_WSF] = "wsf",
    [KIND_HTA] = "hta",
    [KIND_LNK] = "lnk",
    [KIND_URL] = "url",
    [KIND_REGISTRY] = "registry",
    [KIND_CHM] = "chm",
    [KIND_ONENOTE] = "onenote",
    [KIND_ACCESS] = "access",
    [KIND_ISO] = "iso",
    [KIND_DISK] = "disk",
    [KIND_ZIP] = "zip",
    [KIND_7Z] = "7z",
    [KIND_RAR] = "rar",
    [KIND_CAB] = "cab",
    [KIND_TAR] = "tar",
    [KIND_CPIO] = "cpio",
    [KIND_AR] = "ar",
    [KIND_LHA] = "lha",
    [KIND_ARJ] = "arj",
    [KIND_ACE] = "ace",
    [KIND_GZIP] = "gzip",
    [KIND_BZIP2] = "bzip2",
    [KIND_XZ] = "xz",
    [KIND_LZIP] = "lzip",
    [KIND_LZ4] = "lz4",
    [KIND_ZSTD] = "zstd",
    [KIND_COMPRESS] = "compress",
    [KIND_ENCRYPTED] = "encrypted-archive",
    [KIND_OLE2] = "ole2",
    [KIND_OFFICE] = "office",
    [KIND_OOXML] = "ooxml",
    [KIND_ODF] = "odf",
    [KIND_RTF] = "rtf",
    [KIND_OUTLOOK] = "outlook",
    [KIND_MACRO] = "office-macro",
    [KIND_XLM] = "xlm-macro",
    [KIND_OBJECT] = "office-object",
    [KIND_OFFICE_ENCRYPTED] = "office-encrypted",
    [KIND_PDF] = "pdf",
    [KIND_POSTSCRIPT] = "postscript",
    [KIND_HTML] = "html",
    [KIND_XML] = "xml",
    [KIND_IMAGE] = "image",
    [KIND_MEDIA] = "media",
    [KIND_FONT] = "font",
};

static const struct {
    const char *name;
    kind_set kinds;
} groups[] = {
    {"executable", KIND(KIND_PE) | KIND(KIND_DOS) | KIND(KIND_ELF) | KIND(KIND_MACHO)},
    {"script", KIND(KIND_SCRIPT) | KIND(KIND_BATCH) | KIND(KIND_WSF) | KIND(KIND_HTA)},
    {"disk-image", KIND(KIND_ISO) | KIND(KIND_DISK)},
    {"archive", KINDS_ARCHIVE},
    {"macro", KIND(KIND_MACRO) | KIND(KIND_XLM)},
};
#define GROUPS (sizeof groups / sizeof groups[0])

const char *kind_name(enum file_kind kind)
{
    return kind < KINDS ? kind_names[kind] : "?";
}

const char *kind_word(size_t i)
{
    if (i < KINDS)
        return kind_names[i];
    return i - KINDS < GROUPS ? groups[i - KINDS].name : NULL;
}

kind_set kinds_named(struct str name)
{
    for (size_t i = 0; i < KINDS; i++)
        if (str_ieq(name, str_of(kind_names[i])))
            return KIND(i);
    for (size_t i = 0; i < GROUPS; i++)
        if (str_ieq(name, str_of(groups[i].name)))
            return groups[i].kinds;
    return 0;
}

/* --- fixed bytes at a fixed place --- */

struct magic {
    size_t at;
    struct str bytes;
    enum file_kind kind;
};
#define M(at, literal, kind)                                                                       \
    {                                                                                              \
        at, {literal, sizeof(literal) - 1}, kind                                                   \
    }

static const struct magic magics[] = {
    M(0, "\177ELF", KIND_ELF),
    M(0, "\xfe\xed\xfa\xce", KIND_MACHO),
    M(0, "\xfe\xed\xfa\xcf", KIND_MACHO),
    M(0, "\xce\xfa\xed\xfe", KIND_MACHO),
    M(0, "\xcf\xfa\xed\xfe", KIND_MACHO),
    M(0, "!<arch>\ndebian", KIND_PACKAGE),
    M(0, "\xed\xab\xee\xdb", KIND_PACKAGE),
    M(0, "#!", KIND_SCRIPT),
    M(0, "\xef\xbb\xbf#!", KIND_SCRIPT),
    M(0, "L\0\0\0\1\x14\2\0\0\0\0\0\xc0\0\0\0\0\0\0F", KIND_LNK),
    M(0, "REGEDIT4", KIND_REGISTRY),
    M(0, "Windows Registry Editor", KIND_REGISTRY),
    M(0, "\xff\xfeW\0i\0n\0d\0o\0w\0s\0 \0R\0e\0g\0i\0s\0t\0r\0y\0", KIND_REGISTRY),
    M(0, "ITSF\3\0\0\0", KIND_CHM),
    M(0, "\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", KIND_ONENOTE),
    M(0, "\xa1\x2f\xff\x43\xd9\xef\x76\x4c\x9e\xe2\x10\xea\x57\x22\x76\x5f", KIND_ONENOTE),
    M(0, "\0\1\0\0Standard Jet DB", KIND_ACCESS),
    M(0, "\0\1\0\0Standard ACE DB", KIND_ACCESS),
    M(0x8001, "CD001", KIND_ISO),
    M(0x8801, "CD001", KIND_ISO),
    M(0x8001, "BEA01", KIND_ISO),
    M(0x8801, "NSR0", KIND_ISO),
    M(0x9001, "NSR0", KIND_ISO),
    M(0, "vhdxfile", KIND_DISK),
    M(0, "conectix", KIND_DISK),
    M(0, "KDMV\1\0\0\0", KIND_DISK),
    M(0, "QFI\xfb", KIND_DISK),
    M(0, "MSWIM\0\0\0", KIND_DISK),
    M(54, "FAT12   ", KIND_DISK),
    M(54, "FAT16   ", KIND_DISK),
    M(82, "FAT32   ", KIND_DISK),
    M(3, "NTFS    ", KIND_DISK),
    M(0, "PK\3\4", KIND_ZIP),
    M(0, "PK00PK\3\4", KIND_ZIP),
    M(0, "PK\7\10PK\3\4", KIND_ZIP),
    M(0, "PK\5\6", KIND_ZIP),
    M(0, "7z\xbc\xaf\x27\x1c", KIND_7Z),
    M(0, "Rar!\x1a\7", KIND_RAR),
    M(0, "RE~^", KIND_RAR),
    M(0, "MSCF\0\0\0\0", KIND_CAB),
    M(257, "ustar", KIND_TAR),
    M(0, "070701", KIND_CPIO),
    M(0, "070702", KIND_CPIO),
    M(0, "070707", KIND_CPIO),
    M(0, "\xc7\x71", KIND_CPIO),
    M(0, "!<arch>\n", KIND_AR),
    M(7, "**ACE**", KIND_ACE),
    M(0, "BZh", KIND_BZIP2),
    M(0,
      "\xfd"
      "7zXZ\0",
      KIND_XZ),
    M(0, "LZIP\1", KIND_LZIP),
    M(0, "\4\x22\x4d\x18", KIND_LZ4),
    M(0, "\x28\xb5\x2f\xfd", KIND_ZSTD),
    M(0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", KIND_OLE2),
    M(0, "{\\rt", KIND_RTF),
    M(0, "%!PS", KIND_POSTSCRIPT),
    M(0, "\xff\xd8\xff", KIND_IMAGE),
    M(0, "\x89PNG\r\n\x1a\n", KIND_IMAGE),
    M(0, "GIF87a", KIND_IMAGE),
    M(0, "GIF89a", KIND_IMAGE),
    M(0, "II*\0", KIND_IMAGE),
    M(0, "MM\0*", KIND_IMAGE),
    M(8, "WEBPVP8", KIND_IMAGE),
    M(4, "ftypheic", KIND_IMAGE),
    M(4, "ftypavif", KIND_IMAGE),
    M(4, "ftyp", KIND_MEDIA),
    M(0, "ID3", KIND_MEDIA),
    M(0, "OggS\0", KIND_MEDIA),
    M(0, "fLaC\0", KIND_MEDIA),
    M(8, "WAVEfmt ", KIND_MEDIA),
    M(8, "AVI LIST", KIND_MEDIA),
    M(0, "\x1a\x45\xdf\xa3", KIND_MEDIA),
    M(0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11", KIND_MEDIA),
    M(0, "OTTO\0", KIND_FONT),
    M(0, "wOFF", KIND_FONT),
    M(0, "wOF2", KIND_FONT),
};
#undef M

static kind_set fixed_magics(struct str bytes)
{
    kind_set kinds = 0;
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++) {
        const struct magic *m = &magics[i];
        if (bytes.n >= m->at + m->bytes.n && memcmp(bytes.s + m->at, m->bytes.s, m->bytes.n) == 0)
            kinds |= KIND(m->kind);
    }
    return kinds;
}

/* --- where a few fixed bytes are not enough --- */

/* [PE format]: e_lfanew at 60; "MZ" alone begins many a text */
#define DOS_HEADER 64

/* The header must make sense. */
static kind_set dos_or_windows(struct str bytes)
{
    if (bytes.n < DOS_HEADER || (memcmp(bytes.s, "MZ", 2) != 0 && memcmp(bytes.s, "ZM", 2) != 0))
        return 0;
    size_t new_header = get_le32(bytes, 60);
    struct str mark = str_sub(bytes, new_header, new_header + 4);
    if (str_eq(mark, STR("PE\0\0")) || str_starts(mark, STR("NE")) || str_starts(mark, STR("LE")) ||
        str_starts(mark, STR("LX")))
        return KIND(KIND_PE);
    unsigned in_last_page = get_le16(bytes, 2), pages = get_le16(bytes, 4);
    unsigned header_paragraphs = get_le16(bytes, 8);
    bool sane = in_last_page < 512 && pages > 0 && header_paragraphs >= 2 &&
                (size_t)header_paragraphs * 16 <= (size_t)pages * 512;
    return sane ? KIND(KIND_DOS) : 0;
}

/* CAFEBABE is a Java class or a Mach-O file for several processors: the number that follows is a
 * version (45 and more) there, and a count of processors here. */
static kind_set class_or_macho(struct str bytes)
{
    if (bytes.n < 8 || memcmp(bytes.s, "\xca\xfe\xba\xbe", 4) != 0)
        return 0;
    return get_be32(bytes, 4) < 40 ? KIND(KIND_MACHO) : KIND(KIND_CLASS);
}

static kind_set compressed(struct str bytes)
{
    kind_set kinds = 0;
    if (bytes.n < 3)
        return 0;
    const unsigned char *b = (const unsigned char *)bytes.s;
    if (b[0] == 0x1f && b[1] == 0x8b && b[2] == 8)
        kinds |= KIND(KIND_GZIP);
    if (b[0] == 0x1f && b[1] == 0x9d && (b[2] & 0x1f) >= 9 && (b[2] & 0x1f) <= 16)
        kinds |= KIND(KIND_COMPRESS);
    if (b[0] == 0x60 && b[1] == 0xea && bytes.n > 40 && get_le16(bytes, 2) <= 2600)
        kinds |= KIND(KIND_ARJ);
    if (bytes.n > 21 && bytes.s[2] == '-' && bytes.s[3] == 'l' &&
        (bytes.s[4] == 'h' || bytes.s[4] == 'z') && bytes.s[6] == '-')
        kinds |= KIND(KIND_LHA);
    return kinds;
}

#define TAR_BLOCK    512
#define TAR_SUM      148
#define TAR_SUM_SIZE 8

/* A tar file from before "ustar" has its checksum to be known by. */
static kind_set old_tar(struct str bytes)
{
    unsigned sum = 8 * ' ', stated = 0;
    size_t digits = 0;
    if (bytes.n < TAR_BLOCK || bytes.s[0] == 0)
        return 0;
    for (size_t i = TAR_SUM; i < TAR_SUM + TAR_SUM_SIZE; i++)
        if (bytes.s[i] >= '0' && bytes.s[i] <= '7') {
            stated = stated * 8 + (unsigned)(bytes.s[i] - '0');
            digits++;
        }
    if (digits < 3)
        return 0;
    for (size_t i = 0; i < TAR_BLOCK; i++)
        if (i < TAR_SUM || i >= TAR_SUM + TAR_SUM_SIZE)
            sum += (unsigned char)bytes.s[i];
    return sum == stated ? KIND(KIND_TAR) : 0;
}

/* Where an archiver finds it whatever stands before it: behind a picture or a program. */
static kind_set zip_at_the_end(struct str bytes)
{
    size_t from = bytes.n > KIND_TAIL ? bytes.n - KIND_TAIL : 0;
    struct str tail = str_from(bytes, from);
    for (size_t at; (at = str_find(tail, STR("PK\5\6"))) != STR_NONE; tail = str_from(tail, at + 4))
        if (tail.n - at >= 22 && get_le16(tail, at + 20) <= tail.n - at - 22 &&
            get_le16(tail, at + 8) > 0)
            return KIND(KIND_ZIP);
    return 0;
}

#define TRAILER 512 /* a VHD's or DMG's mark, in the last block */

static kind_set disk_at_the_end(struct str bytes)
{
    struct str last = bytes.n >= TRAILER ? str_from(bytes, bytes.n - TRAILER) : STR_EMPTY;
    return str_starts(last, STR("conectix")) || str_starts(last, STR("koly\0\0\0\4"))
               ? KIND(KIND_DISK)
               : 0;
}

#define MARKUP_HEAD 4096

/* Texts that begin with one of these, after blanks and a mark of their encoding. */
static kind_set text_kinds(struct str bytes)
{
    static const struct {
        struct str head;
        enum file_kind kind;
    } heads[] = {
        {STR("<!doctype html"), KIND_HTML}, {STR("<html"), KIND_HTML},
        {STR("<head"), KIND_HTML},          {STR("<body"), KIND_HTML},
        {STR("<script"), KIND_HTML},        {STR("<?xml"), KIND_XML},
        {STR("@echo off"), KIND_BATCH},     {STR("[internetshortcut]"), KIND_URL},
        {STR("%pdf-"), KIND_PDF},
    };
    kind_set kinds = 0;
    struct str text = str_sub(bytes, 0, MARKUP_HEAD);
    if (str_starts(text, STR("\xef\xbb\xbf")))
        text = str_from(text, 3);
    text = str_trim(text);
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        if (str_istarts(text, heads[i].head))
            kinds |= KIND(heads[i].kind);
    bool markup = text.n > 0 && text.s[0] == '<';
    if (markup && str_ifind(text, STR("<hta:application")) != STR_NONE)
        kinds |= KIND(KIND_HTA);
    if (markup && str_ifind(text, STR("<script")) != STR_NONE &&
        (str_ifind(text, STR("<job")) != STR_NONE ||
         str_ifind(text, STR("<component")) != STR_NONE ||
         str_ifind(text, STR("<scriptlet")) != STR_NONE))
        kinds |= KIND(KIND_WSF);
    return kinds;
}

/* Readers of PDF take one that begins within the first kilobyte. */
static kind_set late_pdf(struct str bytes)
{
    return str_find(str_sub(bytes, 0, 1024), STR("%PDF-")) != STR_NONE ? KIND(KIND_PDF) : 0;
}

static kind_set bitmap(struct str bytes)
{
    bool bmp = bytes.n > 26 && memcmp(bytes.s, "BM", 2) == 0 && get_le32(bytes, 6) == 0 &&
               get_le32(bytes, 14) >= 12 && get_le32(bytes, 14) <= 124;
    return bmp ? KIND(KIND_IMAGE) : 0;
}

/* Two or three bytes are too few to go by; what follows them in these formats is known. */
static kind_set drop_unlikely(struct str bytes, kind_set kinds)
{
    if ((kinds & KIND(KIND_BZIP2)) && !str_eq(str_sub(bytes, 4, 10), STR("1AY&SY")) &&
        !str_eq(str_sub(bytes, 4, 10), STR("\x17\x72\x45\x38\x50\x90")))
        kinds &= ~KIND(KIND_BZIP2);
    if ((kinds & KIND(KIND_CPIO)) && str_starts(bytes, STR("\xc7\x71")) &&
        (bytes.n < 26 || get_le16(bytes, 20) == 0 || get_le16(bytes, 20) > 4096))
        kinds &= ~KIND(KIND_CPIO);
    return kinds;
}

kind_set kinds_of(struct str bytes)
{
    if (bytes.n < 4)
        return 0;
    kind_set kinds = drop_unlikely(bytes, fixed_magics(bytes));
    kinds |= dos_or_windows(bytes) | class_or_macho(bytes) | compressed(bytes) | bitmap(bytes);
    if (!(kinds & KIND(KIND_TAR)))
        kinds |= old_tar(bytes);
    kinds |= text_kinds(bytes) | late_pdf(bytes) | disk_at_the_end(bytes);
    if (!(kinds & KIND(KIND_ZIP)))
        kinds |= zip_at_the_end(bytes);
    return kinds;
}
