#include "tools/files.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"

#define PATHS_FIRST 64
#define READ_STEP   ((size_t)64 * 1024)

static int add_path(struct file_list *list, const char *path, struct err *err)
{
    if (list->n >= FILES_MAX)
        return err_set(err, "more than %d files", FILES_MAX);
    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : PATHS_FIRST;
        char **paths = reallocarray(list->paths, cap, sizeof *paths);
        if (paths == NULL)
            return err_set(err, "out of memory");
        list->paths = paths;
        list->cap = cap;
    }
    list->paths[list->n] = strdup(path);
    if (list->paths[list->n] == NULL)
        return err_set(err, "out of memory");
    list->n++;
    return 0;
}

static bool is_folder(const char *path, const char *name)
{
    char inside[PATH_MAX];
    struct stat st;
    int n = snprintf(inside, sizeof inside, "%s/%s", path, name);
    return n > 0 && (size_t)n < sizeof inside && stat(inside, &st) == 0 && S_ISDIR(st.st_mode);
}

static int add_folder(struct file_list *list, const char *path, unsigned depth, struct err *err);

/* One name in a folder; links to folders are not followed, so that no loop can arise. */
static int add_entry(struct file_list *list, const char *folder, const char *name, unsigned depth,
                     struct err *err)
{
    char path[PATH_MAX];
    struct stat st;
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= sizeof path)
        return err_set(err, "%s/%s: path too long", folder, name);
    if (lstat(path, &st) < 0)
        return err_sys(err, "cannot look at %s", path);
    if (S_ISDIR(st.st_mode))
        return add_folder(list, path, depth + 1, err);
    if (S_ISLNK(st.st_mode) && (stat(path, &st) < 0 || S_ISDIR(st.st_mode)))
        return 0;
    return S_ISREG(st.st_mode) ? add_path(list, path, err) : 0;
}

static int add_folder(struct file_list *list, const char *path, unsigned depth, struct err *err)
{
    struct dirent **names = NULL;
    int result = 0;
    if (depth > FILES_DEPTH)
        return err_set(err, "%s: folders deeper than %d", path, FILES_DEPTH);
    bool maildir = is_folder(path, "cur") && is_folder(path, "new");
    int n = scandir(path, &names, NULL, alphasort);
    if (n < 0)
        return err_sys(err, "cannot read folder %s", path);
    for (int i = 0; i < n; i++) {
        const char *name = names[i]->d_name;
        bool wanted =
            maildir ? strcmp(name, "cur") == 0 || strcmp(name, "new") == 0 : name[0] != '.';
        if (result == 0 && wanted)
            result = add_entry(list, path, name, depth, err);
        free(names[i]);
    }
    free(names);
    return result;
}

int file_list_add(struct file_list *list, const char *path, struct err *err)
{
    struct stat st;
    if (strcmp(path, "-") == 0)
        return add_path(list, path, err);
    if (stat(path, &st) < 0)
        return err_sys(err, "cannot read %s", path);
    return S_ISDIR(st.st_mode) ? add_folder(list, path, 0, err) : add_path(list, path, err);
}

void file_list_free(struct file_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->paths[i]);
    free(list->paths);
    *list = (struct file_list){0};
}

static int read_stream(int fd, struct buf *out, struct err *err)
{
    for (;;) {
        char *to = buf_room(out, READ_STEP);
        if (to == NULL)
            return err_set(err, "standard input is larger than %zu bytes", out->max - READ_STEP);
        ssize_t n = read(fd, to, READ_STEP);
        if (n == 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return err_sys(err, "cannot read standard input");
        if (n > 0)
            buf_filled(out, (size_t)n);
    }
}

int file_read(const char *path, struct buf *out, struct err *err)
{
    if (strcmp(path, "-") == 0)
        return read_stream(STDIN_FILENO, out, err);
    return fsio_read_file(path, out, err);
}
