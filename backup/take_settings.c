/* The settings, and what they name. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/paths.h"
#include "backup/take_work.h"
#include "base/fsio.h"

#define DEPTH 8 /* folders in a folder that the settings name */

static bool is_wanted(const char *name)
{
    return !str_ends(str_of(name), STR("~"));
}

/* Where a path of this machine stands in the generation. */
static int path_as(const struct take *take, const char *path, char *out, size_t size,
                   struct err *err)
{
    const char *state = take->conf->state_dir;
    size_t n = strlen(state);
    bool below = strncmp(path, state, n) == 0 && path[n] == '/';
    int length =
        below ? snprintf(out, size, "state%s", path + n) : snprintf(out, size, "settings%s", path);
    return length > 0 && (size_t)length < size ? 0 : err_set(err, "%s: path too long", path);
}

/* Under the name that the settings say, whatever links make of it. */
static int take_path(void *data, const char *path, struct err *err)
{
    struct take *take = data;
    char plain[PATH_MAX], as[MANIFEST_PATH_MAX + 1];
    struct stat st;
    if (!str_copy(str_of(path), plain, sizeof plain))
        return err_set(err, "%s: path too long", path);
    for (size_t n = strlen(plain); n > 1 && plain[n - 1] == '/';)
        plain[--n] = '\0';
    if (stat(plain, &st) < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : err_sys(err, "cannot look at %s", plain);
    if (path_as(take, plain, as, sizeof as, err) < 0)
        return -1;
    if (S_ISDIR(st.st_mode))
        return taking_folder(&take->t, plain, str_of(as), is_wanted, DEPTH, err);
    return taking_file(&take->t, AT_FDCWD, plain, str_of(as), true, err) < 0 ? -1 : 0;
}

static int take_beside(struct take *take, const char *folder, const char *name, struct err *err)
{
    char path[PATH_MAX];
    return fsio_join(path, sizeof path, folder, name, err) < 0 ? -1 : take_path(take, path, err);
}

/* All folders above a file, as a restore has to make them where they are missing. */
static int note_above(struct take *take, struct str path, struct err *err)
{
    char folder[PATH_MAX];
    struct str prefix = str_starts(path, STR("state/")) ? STR("state") : STR("settings");
    const char *above = prefix.n == strlen("state") ? take->conf->state_dir : "";
    for (size_t slash = str_rchr(path, '/'); slash != STR_NONE && slash > prefix.n;
         slash = str_rchr(path, '/')) {
        path = str_sub(path, 0, slash);
        struct str behind = str_from(path, prefix.n);
        int n = snprintf(folder, sizeof folder, "%s%.*s", above, STR_ARG(behind));
        if (n < 0 || (size_t)n >= sizeof folder)
            return err_set(err, "%.*s: path too long", STR_ARG(path));
        if (taking_note_folder(&take->t, folder, path, err) < 0)
            return -1;
    }
    return 0;
}

/* The folder of the settings ("" is /), and the name of the file there. That may be a link:
 * conf.d is beside the name, not beside what it leads to. */
static const char *folder_and_name(const char *path, char folder[PATH_MAX], struct err *err)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char given[PATH_MAX];
    if (!str_copy(str_n(path, (size_t)(name - path)), given, sizeof given)) {
        err_set(err, "%s: path too long", path);
        return NULL;
    }
    if (realpath(slash ? given : ".", folder) == NULL) {
        err_sys(err, "cannot find the settings %s", path);
        return NULL;
    }
    if (strcmp(folder, "/") == 0)
        *folder = '\0';
    return name;
}

int take_settings(struct take *take, struct err *err)
{
    char folder[PATH_MAX], config[PATH_MAX];
    struct manifest *made = take->t.made;
    const char *name = folder_and_name(take->conf->path, folder, err);
    if (name == NULL || fsio_join(config, sizeof config, folder, name, err) < 0)
        return -1;
    if (access(config, F_OK) < 0)
        return err_sys(err, "cannot find the settings %s", config);
    made->config = pool_str(made->pool, str_of(config));
    take->t.once = true; /* several settings may name a file, and a folder that it is in */
    take->t.follow = true;
    int result = take_path(take, config, err);
    if (result == 0)
        result = take_beside(take, folder, "conf.d", err);
    if (result == 0)
        result = take_beside(take, take->conf->state_dir, "signature.key", err);
    if (result == 0)
        result = take_beside(take, take->conf->state_dir, "dkim", err);
    if (result == 0)
        result = paths_each(take->conf, take_path, take, err);
    take->t.once = take->t.follow = false;
    for (size_t i = 0; result == 0 && i < made->n; i++)
        result = note_above(take, made->pieces[i].path, err);
    return result;
}
