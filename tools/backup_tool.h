/* backup_tool: what the commands `poterne backup` and `poterne restore` share. */
#ifndef POTERNE_TOOLS_BACKUP_TOOL_H
#define POTERNE_TOOLS_BACKUP_TOOL_H

#include "backup/verify.h"
#include "tools/tool.h"

/* The folder of generations: `given`, else that of the settings. */
int backup_tool_folder(const struct conf *conf, const char *given, char *out, size_t size,
                       struct err *err);

/* A generation, its manifest. wanted NULL: the newest. */
struct backup_view {
    struct shelf shelf;
    struct shelf_name name;
    int fd;
    struct manifest *m;
};
int backup_view_open(struct backup_view *view, const char *folder, const char *wanted,
                     struct err *err);
void backup_view_close(struct backup_view *view);

/* Looks at all pieces of these parts, complains about each bad one; TOOL_YES, TOOL_NO (some are
 * bad) or -1. */
int backup_view_verify(const struct backup_view *view, unsigned parts, bool quiet,
                       struct verified *verified, struct err *err);

#endif
