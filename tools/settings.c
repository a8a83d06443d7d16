/*
 * settings: which ones a command works with. The first of
 *   --config FILE
 *   $POTERNE_CONFIG
 *   the installed /etc/poterne/poterne.conf
 *   built but not installed: build/demo/poterne.conf, which ./demo writes; or, when it never ran,
 * the defaults with the tree's own rules and signatures, state below build/demo/
 */
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "tools/tool.h"

#define INSTALLED    POTERNE_SYSCONFDIR "/poterne.conf"
#define TREE_DEPTH   3 /* the program lies that many folders below the tree's top at most */
#define SETTINGS_MAX ((size_t)16 * 1024)
#define FOLDER_MODE  0700

static bool join(char *out, size_t size, const char *folder, const char *name)
{
    int n = snprintf(out, size, "%s/%s", folder, name);
    return n > 0 && (size_t)n < size;
}

/* The top of the source tree that this program was built in: where rules/stock is. */
static bool find_tree(char *tree, size_t size)
{
    char probe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", tree, size - 1);
    if (n <= 0)
        return false;
    tree[n] = '\0';
    for (unsigned up = 0; up <= TREE_DEPTH; up++) {
        char *slash = strrchr(tree, '/');
        if (slash == NULL || slash == tree)
            return false;
        *slash = '\0';
        if (up && join(probe, sizeof probe, tree, "rules/stock") && access(probe, R_OK) == 0)
            return true;
    }
    return false;
}

/* So that `poterne learn` works before the gateway ever ran. */
static int make_state(const char *tree, struct err *err)
{
    static const char *const folders[] = {"build", "build/demo", "build/demo/state",
                                          "build/demo/state/bayes"};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        if (!join(path, sizeof path, tree, folders[i]))
            return err_set(err, "%s: path too long", tree);
        struct stat st;
        if (stat(path, &st) < 0 && fsio_mkdir(path, FOLDER_MODE, err) < 0)
            return -1;
    }
    return 0;
}

static struct conf *tree_defaults(const char *tree, struct err *err)
{
    struct buf text = BUF_INIT(SETTINGS_MAX);
    struct conf *conf = NULL;
    buf_addf(&text,
             "state_dir = \"%s/build/demo/state\"\nrun_dir = \"%s/build/demo/run\"\n"
             "spam { rules = { \"%s/rules/stock\" } }\n"
             "antivirus {\n    clamav_databases = \"%s/antivirus/demo/clamav\"\n"
             "    yara_rules = \"%s/antivirus/demo/yara\"\n"
             "    file_policy = \"%s/antivirus/files/file-policy\"\n}\n"
             "domain poterne.example { next_hop = \"maildir://%s/build/demo/mail/%%d/%%u\" }\n",
             tree, tree, tree, tree, tree, tree, tree);
    if (make_state(tree, err) == 0)
        conf = conf_parse(buf_str(&text), "settings of the source tree", err);
    buf_release(&text);
    return conf;
}

static struct conf *tree_conf(conf_mistake *mistake, void *data, struct err *err)
{
    char tree[PATH_MAX], demo[PATH_MAX];
    if (!find_tree(tree, sizeof tree)) {
        err_set(err, "there are no settings at %s; name the file with --config", INSTALLED);
        return NULL;
    }
    if (join(demo, sizeof demo, tree, "build/demo/poterne.conf") && access(demo, F_OK) == 0)
        return conf_read(demo, mistake, data, err);
    return tree_defaults(tree, err);
}

struct conf *tool_conf_checked(const struct tool_args *args, conf_mistake *mistake, void *data,
                               struct err *err)
{
    const char *named = getenv("POTERNE_CONFIG");
    if (args->config)
        return conf_read(args->config, mistake, data, err);
    if (named && *named)
        return conf_read(named, mistake, data, err);
    if (access(INSTALLED, F_OK) == 0)
        return conf_read(INSTALLED, mistake, data, err);
    return tree_conf(mistake, data, err);
}

struct conf *tool_conf(const struct tool_args *args, struct err *err)
{
    return tool_conf_checked(args, NULL, NULL, err);
}
