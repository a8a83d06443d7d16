#include "antivirus/yara_rules.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/str.h"

struct compile {
    YR_COMPILER *compiler;
    const char *path; /* the file at hand */
    unsigned files;
    unsigned warnings;
    struct err *err;
};

static void on_compiler(int level, const char *file, int line, const YR_RULE *rule,
                        const char *message, void *data)
{
    struct compile *compile = data;
    const char *path = file ? file : compile->path;
    if (level == YARA_ERROR_LEVEL_ERROR) {
        err_set(compile->err, "yara: %s:%d: %s", path, line, message);
        return;
    }
    compile->warnings++;
    log_debug("yara: %s:%d: %s", path, line, message);
}

/* Rules made for file scanners use these; a scan fills in what it knows (yara.c). */
static int define_variables(struct compile *compile)
{
    static const char *const names[] = {"filename", "filepath", "extension", "filetype", "owner"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (yr_compiler_define_string_variable(compile->compiler, names[i], "") != ERROR_SUCCESS)
            return err_set(compile->err, "yara: out of memory");
    return 0;
}

static int add_file(struct compile *compile, const char *path, off_t size)
{
    if (++compile->files > YARA_FILES_MAX)
        return err_set(compile->err, "yara: more than %d rule files", YARA_FILES_MAX);
    if ((unsigned long)size > YARA_FILE_MAX)
        return err_set(compile->err, "yara: %s is larger than %lu bytes", path, YARA_FILE_MAX);
    FILE *file = fopen(path, "re");
    if (!file)
        return err_sys(compile->err, "yara: cannot read %s", path);
    compile->path = path;
    int errors = yr_compiler_add_file(compile->compiler, file, path, path);
    fclose(file);
    if (errors > 0 && !compile->err->text[0])
        err_set(compile->err, "yara: %s: cannot be compiled", path);
    return errors > 0 ? -1 : 0;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool is_rule_file(const FTSENT *entry)
{
    struct str name = str_n(entry->fts_name, entry->fts_namelen);
    return entry->fts_info == FTS_F &&
           (entry->fts_level == FTS_ROOTLEVEL || str_iends(name, STR(".yar")) ||
            str_iends(name, STR(".yara")));
}

static int add_entry(struct compile *compile, FTSENT *entry)
{
    if (entry->fts_info == FTS_ERR || entry->fts_info == FTS_DNR || entry->fts_info == FTS_NS) {
        errno = entry->fts_errno;
        return err_sys(compile->err, "yara: cannot read %s", entry->fts_path);
    }
    if (entry->fts_info == FTS_D && entry->fts_level > YARA_DEPTH_MAX)
        return err_set(compile->err, "yara: %s: more than %d folders inside one another",
                       entry->fts_path, YARA_DEPTH_MAX);
    return is_rule_file(entry) ? add_file(compile, entry->fts_path, entry->fts_statp->st_size) : 0;
}

static int add_tree(struct compile *compile, const char *path)
{
    char *const roots[] = {(char *)path, NULL};
    FTS *tree = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_name);
    if (!tree)
        return err_sys(compile->err, "yara: cannot read %s", path);
    int result = 0;
    FTSENT *entry;
    errno = 0;
    while (result == 0 && (entry = fts_read(tree)) != NULL)
        result = add_entry(compile, entry);
    fts_close(tree);
    if (result == 0 && compile->files == 0)
        return err_set(compile->err,
                       "yara: no rules (*.yar, *.yara) in %s: put some there, or set "
                       "antivirus.yara_rules, or leave yara out of antivirus.engines",
                       path);
    return result;
}

static int count_rules(YR_RULES *rules)
{
    int n = 0;
    YR_RULE *rule;
    yr_rules_foreach(rules, rule) n++;
    return n;
}

int yara_rules_load(const char *path, YR_RULES **rules, struct err *err)
{
    struct compile compile = {.err = err};
    err->text[0] = 0;
    if (yr_compiler_create(&compile.compiler) != ERROR_SUCCESS)
        return err_set(err, "yara: out of memory");
    yr_compiler_set_callback(compile.compiler, on_compiler, &compile);
    int result = define_variables(&compile);
    if (result == 0)
        result = add_tree(&compile, path);
    if (result == 0 && yr_compiler_get_rules(compile.compiler, rules) != ERROR_SUCCESS)
        result = err_set(err, "yara: out of memory for the rules of %s", path);
    yr_compiler_destroy(compile.compiler);
    if (result < 0)
        return -1;
    if (compile.warnings > 0)
        log_info("yara: %u warnings about slow rules in %s; log_level = debug shows them",
                 compile.warnings, path);
    return count_rules(*rules);
}
