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

/* A walk through folders. */
struct walk {
    struct file_list *list;
    enum files_wanted wanted;
};

static int add_folder(const struct walk *walk, const char *path, unsigned depth, struct err *err);

/* One name in a folder; links to folders are not followed, so that no loop can arise. */
static int add_entry(const struct walk *walk, const char *folder, const char *name, unsigned depth,
                     struct err *err)
{
    char path[PATH_MAX];
    struct stat st;
    if (fsio_join(path, sizeof path, folder, name, err) < 0)
        return -1;
    if (lstat(path, &st) < 0)
        return err_sys(err, "cannot look at %s", path);
    if (S_ISDIR(st.st_mode))
        return add_folder(walk, path, depth + 1, err);
    if (S_ISLNK(st.st_mode) && (stat(path, &st) < 0 || S_ISDIR(st.st_mode)))
        return 0;
    return S_ISREG(st.st_mode) ? add_path(walk->list, path, err) : 0;
}

/* ---- Maildirs */

static bool is_meant(enum files_wanted wanted, enum folder_kind kind)
{
    switch (wanted) {
    case FILES_HAM:
        return kind == FOLDER_MAIL;
    case FILES_SPAM:
        return kind != FOLDER_SENT && kind != FOLDER_DRAFTS;
    case FILES_SENT:
        return kind == FOLDER_SENT;
    case FILES_ALL:
        break;
    }
    return true;
}

static bool is_maildir(const char *path)
{
    return is_folder(path, "cur") && is_folder(path, "new");
}

static int leave_out(struct file_list *list, const char *path, struct err *err)
{
    list->n_left_out++;
    if (list->left_out == NULL)
        list->left_out = strdup(path);
    return list->left_out ? 0 : err_set(err, "out of memory");
}

/* A name in a Maildir: the messages are in cur/ and new/, and folders of it are Maildirs. */
static int add_in_maildir(const struct walk *walk, const char *maildir, const char *name,
                          unsigned depth, struct err *err)
{
    char path[PATH_MAX];
    struct stat st;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return 0;
    if (fsio_join(path, sizeof path, maildir, name, err) < 0)
        return -1;
    if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode) || !is_maildir(path))
        return 0;
    if (is_meant(walk->wanted, folder_kind(name)))
        return add_folder(walk, path, depth + 1, err);
    return walk->wanted == FILES_SENT ? 0 : leave_out(walk->list, path, err);
}

static int add_messages(const struct walk *walk, const char *maildir, unsigned depth,
                        struct err *err)
{
    if (add_entry(walk, maildir, "cur", depth, err) < 0)
        return -1;
    return add_entry(walk, maildir, "new", depth, err);
}

/* ---- folders */

static int add_names(const struct walk *walk, const char *path, bool maildir, unsigned depth,
                     struct err *err)
{
    struct dirent **names = NULL;
    int result = 0, n = scandir(path, &names, NULL, alphasort);
    if (n < 0)
        return err_sys(err, "cannot read folder %s", path);
    for (int i = 0; i < n; i++) {
        const char *name = names[i]->d_name;
        if (result == 0 && maildir)
            result = add_in_maildir(walk, path, name, depth, err);
        else if (result == 0 && name[0] != '.')
            result = add_entry(walk, path, name, depth, err);
        free(names[i]);
    }
    free(names);
    return result;
}

static int add_folder(const struct walk *walk, const char *path, unsigned depth, struct err *err)
{
    bool maildir = is_maildir(path);
    size_t before = walk->list->n;
    const char *name = strrchr(path, '/');
    bool sent = folder_kind(name ? name + 1 : path) == FOLDER_SENT;
    if (depth > FILES_DEPTH)
        return err_set(err, "%s: folders deeper than %d", path, FILES_DEPTH);
    if (maildir && (walk->wanted != FILES_SENT || sent) && add_messages(walk, path, depth, err) < 0)
        return -1;
    if (add_names(walk, path, maildir, depth, err) < 0)
        return -1;
    if (maildir && walk->list->n == before && walk->wanted == FILES_SENT && depth == 0)
        return add_messages(walk, path, depth, err);
    return 0;
}

int file_list_add(struct file_list *list, const char *path, enum files_wanted wanted,
                  struct err *err)
{
    const struct walk walk = {list, wanted};
    struct stat st;
    if (strcmp(path, "-") == 0)
        return add_path(list, path, err);
    if (stat(path, &st) < 0)
        return err_sys(err, "cannot read %s", path);
    return S_ISDIR(st.st_mode) ? add_folder(&walk, path, 0, err) : add_path(list, path, err);
}

void file_list_free(struct file_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->paths[i]);
    free(list->paths);
    free(list->left_out);
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
