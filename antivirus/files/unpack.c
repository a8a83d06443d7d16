#include "antivirus/files/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>

#include "antivirus/engine.h"
#include "base/buf.h"

struct unpacking {
    const struct unpack_job *job;
    struct archive *archive;
    struct buf bytes; /* of the member at hand */
    char *why;
    size_t why_size;
    bool any;    /* a member was met: from then on each says for itself whether it is encrypted */
    bool broken; /* a member was damaged */
    bool stopped;
};

/* --- formats --- */

typedef int support(struct archive *archive);

/* A stream (gzip …) is a filter before the "raw" format: one member. */
static const struct {
    enum file_kind kind;
    support *format;
    support *second; /* a format of the same name, or the filter */
} formats[] = {
    {KIND_ZIP, archive_read_support_format_zip_seekable, NULL},
    {KIND_7Z, archive_read_support_format_7zip, NULL},
    {KIND_RAR, archive_read_support_format_rar, archive_read_support_format_rar5},
    {KIND_CAB, archive_read_support_format_cab, NULL},
    {KIND_TAR, archive_read_support_format_tar, NULL},
    {KIND_CPIO, archive_read_support_format_cpio, NULL},
    {KIND_AR, archive_read_support_format_ar, NULL},
    {KIND_LHA, archive_read_support_format_lha, NULL},
    {KIND_ISO, archive_read_support_format_iso9660, NULL},
    {KIND_GZIP, archive_read_support_format_raw, archive_read_support_filter_gzip},
    {KIND_BZIP2, archive_read_support_format_raw, archive_read_support_filter_bzip2},
    {KIND_XZ, archive_read_support_format_raw, archive_read_support_filter_xz},
    {KIND_LZIP, archive_read_support_format_raw, archive_read_support_filter_lzip},
    {KIND_LZ4, archive_read_support_format_raw, archive_read_support_filter_lz4},
    {KIND_ZSTD, archive_read_support_format_raw, archive_read_support_filter_zstd},
    {KIND_COMPRESS, archive_read_support_format_raw, archive_read_support_filter_compress},
};

/* A filter that libarchive has no library for answers ARCHIVE_WARN and would run a program. */
static bool enable(struct archive *archive, enum file_kind kind)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (formats[i].kind == kind)
            return formats[i].format(archive) == ARCHIVE_OK &&
                   (!formats[i].second || formats[i].second(archive) == ARCHIVE_OK);
    return false;
}

/* --- results --- */

static enum unpack_result say(struct unpacking *u, enum unpack_result result, const char *why)
{
    snprintf(u->why, u->why_size, "%s", why ? why : "damaged");
    return result;
}

/* libarchive 3.6 asks a format that it never chose when none fitted: the question is only allowed
 * once there is one. */
static bool is_encrypted(const struct unpacking *u)
{
    const char *text = archive_error_string(u->archive);
    return (!u->any && archive_format(u->archive) != 0 &&
            archive_read_has_encrypted_entries(u->archive) == 1) ||
           (text && strcasestr(text, "encrypt"));
}

static enum unpack_result failed(struct unpacking *u)
{
    if (is_encrypted(u))
        return UNPACK_ENCRYPTED;
    return say(u, UNPACK_BROKEN, archive_error_string(u->archive));
}

/* --- members --- */

/* Takes what is there of the member, within the limits: all of it, since what begins as a picture
 * may end as an archive. */
static enum unpack_result read_member(struct unpacking *u, struct unpack_member *member)
{
    struct unpack_limits *left = u->job->left;
    for (;;) {
        const void *p = NULL;
        size_t n = 0;
        la_int64_t at = (la_int64_t)u->bytes.n;
        int got = archive_read_data_block(u->archive, &p, &n, &at);
        if (got == ARCHIVE_EOF)
            return UNPACK_DONE;
        if (got < ARCHIVE_WARN) {
            member->cut = true;
            return failed(u);
        }
        if (av_left(left->deadline) == 0)
            return say(u, UNPACK_LIMIT, "time limit");
        if (n > left->size)
            return say(u, UNPACK_LIMIT, "more than scan_size_limit when unpacked");
        left->size -= n;
        if (n > 0 && at != (la_int64_t)u->bytes.n) {
            member->cut = true;
            return say(u, UNPACK_BROKEN, "a sparse file");
        }
        buf_addn(&u->bytes, p, n);
        if (!buf_ok(&u->bytes))
            return say(u, UNPACK_LIMIT, "out of memory");
    }
}

/* "a.exe.gz" without its end; a .tgz is a .tar. */
static struct str name_of_stream(struct str name)
{
    size_t dot = str_rchr(name, '.');
    struct str extension = dot == STR_NONE ? STR_EMPTY : str_from(name, dot + 1);
    bool tar = str_ieq(extension, STR("tgz")) || str_ieq(extension, STR("txz")) ||
               str_ieq(extension, STR("tbz"));
    return tar ? STR("tar") : str_sub(name, 0, dot == STR_NONE ? name.n : dot);
}

static struct str entry_name(struct archive_entry *entry)
{
    const char *name = archive_entry_pathname_utf8(entry);
    return str_of(name ? name : archive_entry_pathname(entry));
}

static void name_member(const struct unpack_job *job, struct archive_entry *entry,
                        struct unpack_member *member)
{
    member->name = entry_name(entry);
    if (!(KIND(job->kind) & KINDS_STREAM))
        return;
    if (!str_eq(member->name, STR("data")))
        member->other = member->name;
    member->name = name_of_stream(job->name);
}

static enum unpack_result take_member(struct unpacking *u, struct archive_entry *entry)
{
    struct unpack_limits *left = u->job->left;
    struct unpack_member member = {.encrypted = archive_entry_is_data_encrypted(entry) > 0 ||
                                                archive_entry_is_metadata_encrypted(entry) > 0};
    enum unpack_result result = UNPACK_DONE;
    u->any = true;
    if (left->files == 0)
        return say(u, UNPACK_LIMIT, "more files than files_limit");
    left->files--;
    buf_clear(&u->bytes);
    if (!member.encrypted)
        result = read_member(u, &member);
    if (result == UNPACK_LIMIT)
        return result;
    if (result == UNPACK_ENCRYPTED)
        member.encrypted = true;
    u->broken |= result == UNPACK_BROKEN;
    name_member(u->job, entry, &member);
    member.bytes = buf_str(&u->bytes);
    bool folder = archive_entry_filetype(entry) == AE_IFDIR && member.bytes.n == 0;
    if (!folder && !u->job->member(u->job->data, &member))
        u->stopped = true;
    return UNPACK_DONE;
}

static enum unpack_result take_members(struct unpacking *u)
{
    struct archive_entry *entry;
    int got;
    while ((got = archive_read_next_header(u->archive, &entry)) >= ARCHIVE_WARN &&
           got != ARCHIVE_EOF) {
        enum unpack_result result = take_member(u, entry);
        if (result != UNPACK_DONE || u->stopped)
            return result;
        if (av_left(u->job->left->deadline) == 0)
            return say(u, UNPACK_LIMIT, "time limit");
    }
    if (got != ARCHIVE_EOF)
        return failed(u);
    return u->broken ? UNPACK_BROKEN : UNPACK_DONE;
}

static enum unpack_result unpack_with(struct unpacking *u, bool enabled)
{
    enum unpack_result result;
    if (!u->archive || !enabled)
        result = say(u, UNPACK_BROKEN, u->archive ? "nothing here opens it" : "out of memory");
    else if (archive_read_open_memory(u->archive, u->job->bytes.s, u->job->bytes.n) != ARCHIVE_OK)
        result = failed(u);
    else
        result = take_members(u);
    archive_read_free(u->archive);
    buf_release(&u->bytes);
    return result;
}

/* A zip archive without its directory (cut off, or hidden) is still read by some, from the start.
 */
static enum unpack_result unpack_headless_zip(struct unpacking *u)
{
    u->any = u->broken = false;
    u->archive = archive_read_new();
    return unpack_with(u, u->archive &&
                              archive_read_support_format_zip_streamable(u->archive) == ARCHIVE_OK);
}

enum unpack_result unpack(const struct unpack_job *job, char *why, size_t size)
{
    struct unpacking u = {.job = job, .archive = archive_read_new(), .why = why, .why_size = size};
    size_t files = job->left->files;
    buf_init(&u.bytes, job->left->size + 1);
    enum unpack_result result = unpack_with(&u, u.archive && enable(u.archive, job->kind));
    if (job->kind == KIND_ZIP && result == UNPACK_BROKEN && job->left->files == files)
        result = unpack_headless_zip(&u);
    return result;
}
