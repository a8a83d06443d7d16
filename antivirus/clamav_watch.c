#include "antivirus/clamav_watch.h"

#include <stdio.h>

static const char *const archive_types[] = {
    "CL_TYPE_ZIP", "CL_TYPE_RAR", "CL_TYPE_7Z",  "CL_TYPE_ARJ",     "CL_TYPE_MSCAB", "CL_TYPE_GZ",
    "CL_TYPE_BZ",  "CL_TYPE_XZ",  "CL_TYPE_EGG", "CL_TYPE_ISO9660", "CL_TYPE_MSCHM",
};

static const char *archive_type(const char *type)
{
    for (size_t i = 0; i < sizeof archive_types / sizeof *archive_types; i++)
        if (strcmp(type, archive_types[i]) == 0)
            return archive_types[i];
    return NULL;
}

void clamav_watch_start(struct clamav_watch *watch, uint64_t file_limit)
{
    watch->file_limit = file_limit;
    watch->unlocked = false;
    watch->depth = 0;
    watch->note[0] = 0;
}

static void close_down_to(struct clamav_watch *watch, uint32_t depth)
{
    while (watch->depth > depth) {
        watch->depth--;
        const char *archive = watch->level[watch->depth].archive;
        bool ours = watch->unlocked && archive && strcmp(archive, "CL_TYPE_ZIP") == 0;
        if (archive && !ours && !watch->level[watch->depth].opened && !watch->note[0])
            snprintf(watch->note, sizeof watch->note, "an archive (%s) that could not be opened",
                     archive + strlen("CL_TYPE_"));
    }
}

void clamav_watch_file(struct clamav_watch *watch, uint32_t depth, const char *type, size_t size)
{
    if (size >= watch->file_limit && !watch->note[0])
        snprintf(watch->note, sizeof watch->note, "an unpacked file larger than %llu bytes",
                 (unsigned long long)watch->file_limit);
    close_down_to(watch, depth);
    if (depth >= CLAMAV_DEPTH_MAX)
        return;
    while (watch->depth < depth)
        watch->level[watch->depth++].archive = NULL;
    if (depth > 0)
        watch->level[depth - 1].opened = true;
    watch->level[depth].archive = size >= CLAMAV_ARCHIVE_MIN ? archive_type(type) : NULL;
    watch->level[depth].opened = false;
    watch->depth = depth + 1;
}

void clamav_watch_cut(struct clamav_watch *watch, const char *type)
{
    if (!watch->note[0])
        snprintf(watch->note, sizeof watch->note, "an archive (%s) that is cut short",
                 type + strlen("CL_TYPE_"));
}

void clamav_watch_end(struct clamav_watch *watch)
{
    close_down_to(watch, 0);
}
