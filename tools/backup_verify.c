/* A generation, opened and looked at. */
#include <unistd.h>

#include "base/fsio.h"
#include "tools/backup_tool.h"

int backup_tool_folder(const struct conf *conf, const char *given, char *out, size_t size,
                       struct err *err)
{
    if (given == NULL)
        return backup_folder(conf, out, size, err);
    return str_copy(str_of(given), out, size) ? 0 : err_set(err, "%s: path too long", given);
}

int backup_view_open(struct backup_view *view, const char *folder, const char *wanted,
                     struct err *err)
{
    *view = (struct backup_view){.shelf = {.fd = -1, .lock_fd = -1}, .fd = -1};
    if (shelf_open(folder, &view->shelf, err) == 0 &&
        shelf_find(&view->shelf, wanted, &view->name, err) == 0)
        view->fd = shelf_enter(&view->shelf, &view->name, err);
    if (view->fd >= 0)
        view->m = shelf_manifest(view->fd, view->name.text, err);
    if (view->m)
        return 0;
    backup_view_close(view);
    return -1;
}

void backup_view_close(struct backup_view *view)
{
    manifest_free(&view->m);
    fsio_close_quiet(&view->fd);
    shelf_close(&view->shelf);
}

static void on_piece(void *data, const struct verified *so_far, const char *bad)
{
    struct tool_progress *bar = data;
    if (bad) {
        fputs(bar->terminal ? "\n" : "", stderr);
        tool_put_text(stderr, str_of(bad));
        fputc('\n', stderr);
    }
    tool_progress_move(bar, so_far->bytes, so_far->pieces);
}

int backup_view_verify(const struct backup_view *view, unsigned parts, bool quiet,
                       struct verified *verified, struct err *err)
{
    struct tool_progress bar;
    uint64_t total = 0;
    for (size_t i = 0; i < view->m->n; i++)
        if (parts & PART_BIT(backup_part_of(view->m->pieces[i].path)))
            total += view->m->pieces[i].size;
    tool_progress_begin(&bar, quiet ? NULL : "looked at", total);
    bar.lines = true;
    int result = backup_verify(view->fd, view->m, parts, on_piece, &bar, verified, err);
    tool_progress_end(&bar);
    if (result < 0)
        return -1;
    return verified->bad ? TOOL_NO : TOOL_YES;
}
