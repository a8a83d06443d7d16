#include "antivirus/signature_files.h"

#include <errno.h>
#include <fts.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"

#define CLAMAV_LEVELS 1
#define YARA_LEVELS   9 /* YARA_DEPTH_MAX folders inside the first (antivirus/yara_rules.h) */

/* libclamav's names for signatures (clamav 1.4, libclamav/readdb.h); it passes over all others. */
static const char *const clamav_endings[] = {".db",   ".hdb",  ".hdu",  ".fp",   ".mdb", ".msb",
                                             ".msu",  ".mdu",  ".hsb",  ".hsu",  ".sfp", ".ndb",
                                             ".ndu",  ".ldb",  ".ldu",  ".sdb",  ".zmd", ".rmd",
                                             ".pdb",  ".gdb",  ".wdb",  ".cbc",  ".ftm", ".cfg",
                                             ".cvd",  ".cld",  ".cud",  ".cdb",  ".cat", ".crb",
                                             ".idb",  ".ioc",  ".yar",  ".ign",  ".imp", ".crt",
                                             ".pcre", ".ign2", ".yara", ".pwdb", ".info"};

struct look {
    unsigned levels;
    bool (*counts)(struct str name);
    time_t *newest;
    signature_folder *folder;
    void *data;
    struct signature_files *found;
};

static bool is_signature(struct str name)
{
    for (size_t i = 0; i < sizeof clamav_endings / sizeof *clamav_endings; i++)
        if (str_iends(name, str_of(clamav_endings[i])))
            return true;
    return false;
}

static bool is_finished(struct str name)
{
    return name.s[0] != '.' && !str_iends(name, STR(".tmp")) && !str_iends(name, STR(".part")) &&
           !str_iends(name, STR("~"));
}

/* A sum, so that the order in which a folder names its files does not matter. */
static void add_file(const struct look *look, const FTSENT *entry)
{
    const struct stat *st = entry->fts_statp;
    struct {
        uint64_t name, size, device, inode, seconds, nanoseconds;
    } facts = {
        str_hash(str_of(entry->fts_path)), (uint64_t)st->st_size,        st->st_dev, st->st_ino,
        (uint64_t)st->st_mtim.tv_sec,      (uint64_t)st->st_mtim.tv_nsec};
    look->found->fingerprint += str_hash(str_n((const char *)&facts, sizeof facts));
    if (st->st_mtim.tv_sec > *look->newest)
        *look->newest = st->st_mtim.tv_sec;
}

static int take_entry(const struct look *look, FTS *tree, FTSENT *entry, struct err *err)
{
    struct str name = str_n(entry->fts_name, entry->fts_namelen);
    switch (entry->fts_info) {
    case FTS_D:
        if (entry->fts_level >= (int)look->levels)
            fts_set(tree, entry, FTS_SKIP);
        else if (look->folder)
            look->folder(look->data, entry->fts_accpath);
        return 0;
    case FTS_F:
        if (entry->fts_level != FTS_ROOTLEVEL && !(is_finished(name) && look->counts(name)))
            return 0;
        if (++look->found->n > SIGNATURE_FILES_MAX)
            return err_set(err, "more than %d signature files", SIGNATURE_FILES_MAX);
        add_file(look, entry);
        return 0;
    case FTS_NS:
    case FTS_DNR:
    case FTS_ERR:
        /* what goes away while it is looked at is simply gone */
        if (entry->fts_errno == ENOENT && entry->fts_level != FTS_ROOTLEVEL)
            return 0;
        errno = entry->fts_errno;
        return err_sys(err, "cannot look at %s", entry->fts_path);
    default:
        return 0;
    }
}

static int look_at(const struct look *look, const char *path, struct err *err)
{
    char *const roots[] = {(char *)path, NULL};
    FTS *tree = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, NULL);
    if (!tree)
        return err_sys(err, "cannot look at %s", path);
    int result = 0;
    FTSENT *entry;
    while (result == 0 && (errno = 0, entry = fts_read(tree)) != NULL)
        result = take_entry(look, tree, entry, err);
    if (result == 0 && errno != 0)
        result = err_sys(err, "cannot look at %s", path);
    fts_close(tree);
    return result;
}

bool signature_files_used(const struct conf_antivirus *conf, const char *engine)
{
    for (size_t i = 0; i < conf->engines.n; i++)
        if (strcmp(conf->engines.items[i], engine) == 0)
            return true;
    return false;
}

int signature_files_look(const struct conf_antivirus *conf, signature_folder *folder, void *data,
                         struct signature_files *found, struct err *err)
{
    const struct {
        const char *engine, *path;
        struct look look;
    } places[] = {{"clamav",
                   conf->clamav_databases,
                   {CLAMAV_LEVELS, is_signature, &found->clamav_newest, folder, data, found}},
                  {"yara",
                   conf->yara_rules,
                   {YARA_LEVELS, is_finished, &found->yara_newest, folder, data, found}},
                  {"files",
                   conf->file_policy,
                   {1, is_finished, &found->policy_newest, folder, data, found}}};
    *found = (struct signature_files){.n = 0};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (signature_files_used(conf, places[i].engine) &&
            look_at(&places[i].look, places[i].path, err) < 0)
            return -1;
    found->fingerprint += found->fingerprint == 0;
    return 0;
}
