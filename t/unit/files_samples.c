#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <zip.h>

#include "t/unit/files_samples.h"

static void put(struct buf *out, unsigned bytes, uint32_t value)
{
    for (unsigned i = 0; i < bytes; i++)
        buf_addc(out, (char)(value >> (8 * i)));
}

static void pad(struct buf *out, size_t block)
{
    while (out->n % block)
        buf_addc(out, 0);
}

void sample_pe(struct buf *out)
{
    size_t from = out->n;
    buf_add(out, STR("MZ"));
    while (out->n - from < 60)
        buf_addc(out, 0);
    put(out, 4, 128);
    while (out->n - from < 128)
        buf_addc(out, '.');
    buf_add(out, STR("PE\0\0\x4c\1"));
    /* not compressible, so that an archive of it can be cut somewhere */
    uint32_t x = 1;
    for (int i = 0; i < 3000; i++) {
        x = x * 1103515245U + 12345U;
        buf_addc(out, (char)(x >> 16));
    }
}

const struct sample_format sample_formats[] = {
    [SAMPLE_TAR] = {"tar", archive_write_set_format_pax_restricted, archive_write_add_filter_none},
    [SAMPLE_TAR_GZ] = {"tar.gz", archive_write_set_format_ustar, archive_write_add_filter_gzip},
    {"tar.bz2", archive_write_set_format_gnutar, archive_write_add_filter_bzip2},
    {"tar.xz", archive_write_set_format_v7tar, archive_write_add_filter_xz},
    {"tar.zst", archive_write_set_format_ustar, archive_write_add_filter_zstd},
    {"tar.lz4", archive_write_set_format_ustar, archive_write_add_filter_lz4},
    {"zip", archive_write_set_format_zip, archive_write_add_filter_none},
    {"7z", archive_write_set_format_7zip, archive_write_add_filter_none},
    {"cpio", archive_write_set_format_cpio_newc, archive_write_add_filter_none},
    {"cpio.gz", archive_write_set_format_cpio_odc, archive_write_add_filter_gzip},
};
const size_t n_sample_formats = sizeof sample_formats / sizeof sample_formats[0];

static la_ssize_t on_write(struct archive *archive, void *data, const void *bytes, size_t n)
{
    buf_addn(data, bytes, n);
    return (la_ssize_t)n;
}

static void check(bool fine)
{
    if (!fine)
        abort();
}

static struct archive *begin(struct buf *out, const struct sample_format *format, const char *name,
                             size_t size)
{
    struct archive *archive = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    check(archive && entry);
    check(format->format(archive) == ARCHIVE_OK && format->filter(archive) == ARCHIVE_OK);
    archive_write_set_bytes_in_last_block(archive, 1);
    check(archive_write_open2(archive, out, NULL, on_write, NULL, NULL) == ARCHIVE_OK);
    archive_entry_set_pathname(entry, name);
    archive_entry_set_size(entry, (la_int64_t)size);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    check(archive_write_header(archive, entry) == ARCHIVE_OK);
    archive_entry_free(entry);
    return archive;
}

void sample_archive(struct buf *out, const struct sample_format *format, const char *name,
                    struct str bytes)
{
    struct archive *archive = begin(out, format, name, bytes.n);
    check(archive_write_data(archive, bytes.s, bytes.n) == (la_ssize_t)bytes.n);
    check(archive_write_close(archive) == ARCHIVE_OK);
    archive_write_free(archive);
    check(buf_ok(out));
}

void sample_zeros(struct buf *out, const struct sample_format *format, size_t size)
{
    static const char zeros[64 * 1024];
    struct archive *archive = begin(out, format, "zeros", size);
    for (size_t n = 0; n < size; n += sizeof zeros)
        check(archive_write_data(archive, zeros, sizeof zeros) == (la_ssize_t)sizeof zeros);
    check(archive_write_close(archive) == ARCHIVE_OK);
    archive_write_free(archive);
    check(buf_ok(out));
}

void sample_sparse_tar(struct buf *out, const char *name, struct str bytes, size_t hole)
{
    struct archive *archive = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    check(archive && entry && archive_write_set_format_pax(archive) == ARCHIVE_OK);
    check(archive_write_open2(archive, out, NULL, on_write, NULL, NULL) == ARCHIVE_OK);
    archive_entry_set_pathname(entry, name);
    archive_entry_set_size(entry, (la_int64_t)(hole + bytes.n));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_sparse_add_entry(entry, (la_int64_t)hole, (la_int64_t)bytes.n);
    check(archive_write_header(archive, entry) == ARCHIVE_OK);
    archive_entry_free(entry);
    for (size_t i = 0; i < hole; i++)
        check(archive_write_data(archive, "", 1) == 1);
    check(archive_write_data(archive, bytes.s, bytes.n) == (la_ssize_t)bytes.n);
    check(archive_write_close(archive) == ARCHIVE_OK);
    archive_write_free(archive);
    check(buf_ok(out));
}

/* --- compound files --- */

#define SECTOR       512
#define FREE         0xffffffffU
#define END_OF_CHAIN 0xfffffffeU
#define FAT_SECTOR   0xfffffffdU
#define MINI_CUTOFF  4096

static void put_entry(struct buf *out, const char *name, unsigned type, uint32_t start, size_t size)
{
    size_t from = out->n, n = strlen(name);
    for (size_t i = 0; i < 32; i++)
        put(out, 2, i < n ? (unsigned char)name[i] : 0);
    put(out, 2, (uint32_t)(n + 1) * 2);
    put(out, 1, type);
    while (out->n - from < 116)
        buf_addc(out, 0);
    put(out, 4, start);
    put(out, 4, (uint32_t)size);
    put(out, 4, 0);
}

/* Sectors: 0 the FAT, 1 the MiniFAT, 2… the directory, then the stream (or the mini stream). */
void sample_ole2(struct buf *out, const char *const *names, struct str stream)
{
    size_t n = 0;
    while (names[n])
        n++;
    uint32_t directory = (uint32_t)((n + 1 + 3) / 4), data = 2 + directory;
    uint32_t sectors = (uint32_t)((stream.n + SECTOR - 1) / SECTOR);
    bool mini = stream.n < MINI_CUTOFF;
    buf_add(out, STR("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"));
    while (out->n < 24)
        buf_addc(out, 0);
    put(out, 2, 0x3e), put(out, 2, 3), put(out, 2, 0xfffe), put(out, 2, 9), put(out, 2, 6);
    while (out->n < 44)
        buf_addc(out, 0);
    put(out, 4, 1), put(out, 4, 2), put(out, 4, 0), put(out, 4, MINI_CUTOFF);
    put(out, 4, 1), put(out, 4, 1), put(out, 4, END_OF_CHAIN), put(out, 4, 0);
    for (int i = 0; i < 109; i++)
        put(out, 4, i == 0 ? 0 : FREE);
    put(out, 4, FAT_SECTOR), put(out, 4, END_OF_CHAIN);
    for (uint32_t i = 2; i < SECTOR / 4; i++)
        put(out, 4, i + 1 == data || i + 1 >= data + sectors ? END_OF_CHAIN : i + 1);
    for (uint32_t i = 0; i < SECTOR / 4; i++)
        put(out, 4, (i + 1) * 64 < stream.n ? i + 1 : END_OF_CHAIN);
    put_entry(out, "Root Entry", 5, mini ? data : END_OF_CHAIN, mini ? stream.n : 0);
    for (size_t i = 0; i < n; i++)
        put_entry(out, names[i], i == 0 ? 2 : 1, mini ? 0 : data, i == 0 ? stream.n : 0);
    pad(out, SECTOR);
    buf_add(out, stream);
    pad(out, SECTOR);
    check(buf_ok(out) && data + sectors < SECTOR / 4);
}

/* --- zip archives with a password --- */

static zip_uint64_t add_file(zip_t *zip, const char *name, struct str bytes)
{
    zip_source_t *file = zip ? zip_source_buffer(zip, bytes.s, bytes.n, 0) : NULL;
    check(file);
    zip_int64_t at = zip_file_add(zip, name, file, ZIP_FL_OVERWRITE);
    check(at >= 0);
    return (zip_uint64_t)at;
}

static zip_t *begin_zip(zip_source_t *made)
{
    check(made);
    zip_source_keep(made);
    return zip_open_from_source(made, ZIP_CREATE | ZIP_TRUNCATE, NULL);
}

static void end_zip(zip_t *zip, zip_source_t *made, struct buf *out)
{
    check(zip_close(zip) == 0 && zip_source_open(made) == 0);
    char block[4096];
    zip_int64_t n;
    while ((n = zip_source_read(made, block, sizeof block)) > 0)
        buf_addn(out, block, (size_t)n);
    zip_source_close(made);
    zip_source_free(made);
    check(n == 0 && buf_ok(out));
}

void sample_zip_with_password(struct buf *out, const char *name, struct str bytes,
                              const char *password, bool aes)
{
    zip_source_t *made = zip_source_buffer_create(NULL, 0, 0, NULL);
    zip_t *zip = begin_zip(made);
    zip_uint64_t at = add_file(zip, name, bytes);
    check(zip_file_set_encryption(zip, at, aes ? ZIP_EM_AES_256 : ZIP_EM_TRAD_PKWARE, password) ==
          0);
    end_zip(zip, made, out);
}

void sample_zip_half_locked(struct buf *out, const char *name, const char *password,
                            const char *second_name, struct str second)
{
    zip_source_t *made = zip_source_buffer_create(NULL, 0, 0, NULL);
    zip_t *zip = begin_zip(made);
    zip_uint64_t at = add_file(zip, name, STR("harmless"));
    check(zip_file_set_encryption(zip, at, ZIP_EM_AES_256, password) == 0);
    add_file(zip, second_name, second);
    end_zip(zip, made, out);
}
