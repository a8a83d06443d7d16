#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fsio.h"
#include "rules/compile.h"
#include "rules/language/languages.h"
#include "rules/language/parse.h"
#include "rules/language/plugins.h"
#include "rules/language/settings_make.h"
#include "rules/load.h"

static int is_rule_file(const struct dirent *entry)
{
    struct str name = str_of(entry->d_name);
    return !str_starts(name, STR(".")) && str_ends(name, STR(".cf"));
}

/* Say which plugins are wanted, before all rules. */
static int is_pre_file(const struct dirent *entry)
{
    struct str name = str_of(entry->d_name);
    return !str_starts(name, STR(".")) && str_ends(name, STR(".pre"));
}

/* sa-update's folder of one SpamAssassin: "4.000001", of the major version that is known here. */
static int is_channel_folder(const struct dirent *entry)
{
    struct str name = str_of(entry->d_name), known = STR(PLUGINS_VERSION_TEXT);
    size_t major = str_chr(known, '.') + 1;
    return name.n == known.n && str_eq(str_sub(name, 0, major), str_sub(known, 0, major)) &&
           strspn(name.s + major, "0123456789") == name.n - major;
}

/* By bytes, whatever the locale: the order of rule files decides what holds. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void file_problem(struct parser *parser, const char *path, const struct err *err)
{
    book_report(parser->book, path, 0, "%s", err->text);
}

static int load_file(struct parser *parser, const char *path, size_t *read)
{
    struct err err = {""};
    if (parse_file(parser, path, &err) < 0) {
        file_problem(parser, path, &err);
        return -1;
    }
    (*read)++;
    return 0;
}

/* One unreadable file does not keep the others from being read. */
static int load_folder(struct parser *parser, const char *path,
                       int (*wanted)(const struct dirent *), size_t *read)
{
    struct dirent **entries = NULL;
    struct err err = {""};
    int n = scandir(path, &entries, wanted, by_name);
    int result = 0;
    if (n < 0) {
        err_sys(&err, "cannot read the folder of rules");
        file_problem(parser, path, &err);
        return -1;
    }
    for (int i = 0; i < n; i++) {
        struct str file = pool_strf(parser->book->pool, "%s/%s", path, entries[i]->d_name);
        if (file.s == NULL || load_file(parser, file.s, read) < 0)
            result = -1;
        free(entries[i]);
    }
    free(entries);
    return result;
}

/*
 * A folder without rule files that sa-update keeps (/var/lib/spamassassin) has one folder for each
 * version of SpamAssassin that was ever there: the newest holds the rules. Any other folder stands
 * for itself. .s NULL: out of memory.
 */
static struct str folder_of_rules(struct parser *parser, const char *path)
{
    struct dirent **channels = NULL, **files = NULL;
    int n_channels = scandir(path, &channels, is_channel_folder, by_name);
    int n_files = n_channels > 0 ? scandir(path, &files, is_rule_file, by_name) : 0;
    struct str found = str_of(path);
    if (n_channels > 0 && n_files == 0)
        found = pool_strf(parser->book->pool, "%s/%s", path, channels[n_channels - 1]->d_name);
    for (int i = 0; i < n_channels; i++)
        free(channels[i]);
    for (int i = 0; i < n_files; i++)
        free(files[i]);
    free(channels);
    free(files);
    return found;
}

/* One of the paths that rules are read from. */
struct source {
    const char *path; /* of a folder: where in it the rules are (folder_of_rules) */
    bool is_folder;
};

static void load_languages_file(struct parser *parser, const char *path)
{
    struct rules_settings *settings = parser->book->settings;
    struct buf text = BUF_INIT(LANGUAGES_FILE_MAX);
    struct err err = {""};
    unsigned line = 0;
    int result = fsio_read_file(path, &text, &err);
    if (result == 0)
        result = languages_parse(settings->pool, buf_str(&text), &settings->languages, &line, &err);
    if (result < 0)
        book_report(parser->book, path, line, "%s", err.text);
    parse_digest(parser, buf_str(&text));
    buf_release(&text);
}

/* False: neither the folder nor sa-update's channel in it has such a file. */
static bool load_languages_of(struct parser *parser, const char *path)
{
    static const char *const places[] = {LANGUAGES_FILE,
                                         "updates_spamassassin_org/" LANGUAGES_FILE};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct str file = pool_strf(parser->book->pool, "%s/%s", path, places[i]);
        struct stat st;
        if (file.s && stat(file.s, &st) == 0) {
            load_languages_file(parser, file.s);
            return true;
        }
    }
    return false;
}

/* TextCat's models, of the last path that has some: a site's own folder comes last. */
static void load_languages(struct parser *parser, const struct source *sources, size_t n)
{
    struct book *book = parser->book;
    if (!plugins_has(&book->plugins, STR("Mail::SpamAssassin::Plugin::TextCat")))
        return;
    while (n-- > 0) {
        if (sources[n].is_folder && load_languages_of(parser, sources[n].path))
            return;
    }
    book_notice(book, LANGUAGES_FILE, 0,
                "TextCat is loaded but no folder of rules has this file: "
                "eval:check_language() never hits, and there is no X-Languages");
}

/* What the paths stand for; what is not there is reported and left out. */
static struct source *find_sources(struct parser *parser, const char *const *paths, size_t n_paths,
                                   size_t *n)
{
    struct source *sources = POOL_ARRAY(parser->book->pool, n_paths, struct source);
    struct err err = {""};
    struct stat st;
    for (size_t i = 0; sources && i < n_paths; i++) {
        struct source *source = &sources[*n];
        if (stat(paths[i], &st) < 0) {
            err_sys(&err, "cannot read rules");
            file_problem(parser, paths[i], &err);
            continue;
        }
        source->is_folder = S_ISDIR(st.st_mode);
        source->path = source->is_folder ? folder_of_rules(parser, paths[i]).s : paths[i];
        if (source->path == NULL)
            return NULL;
        (*n)++;
    }
    return sources;
}

static void load_sources(struct parser *parser, const struct source *sources, size_t n,
                         size_t *read)
{
    size_t read_before = 0;
    for (size_t i = 0; i < n; i++)
        if (sources[i].is_folder)
            load_folder(parser, sources[i].path, is_pre_file, &read_before);
    for (size_t i = 0; i < n; i++) {
        if (sources[i].is_folder)
            load_folder(parser, sources[i].path, is_rule_file, read);
        else
            load_file(parser, sources[i].path, read);
    }
    load_languages(parser, sources, n);
}

struct ruleset *ruleset_load(const char *const *paths, size_t n_paths, rules_report *report,
                             void *data, struct err *err)
{
    return ruleset_load_with(&RULESET_OPTIONS_DEFAULT, paths, n_paths, report, data, err);
}

struct ruleset *ruleset_load_with(const struct ruleset_options *options, const char *const *paths,
                                  size_t n_paths, rules_report *report, void *data, struct err *err)
{
    uint64_t digest;
    struct book *book = load_book(options, paths, n_paths, report, data, &digest, err);
    struct ruleset *set = book ? compile(book, digest, err) : NULL;
    book_free(&book);
    return set;
}

struct book *load_book(const struct ruleset_options *options, const char *const *paths,
                       size_t n_paths, rules_report *report, void *data, uint64_t *digest,
                       struct err *err)
{
    struct parser parser = {.book = book_new(report, data, err)};
    size_t read = 0, n = 0;
    if (parser.book == NULL)
        return NULL;
    if (options->score_set >= RULES_SCORE_SETS) {
        book_free(&parser.book);
        err_set(err, "there are %d score sets, from 0 on; %u is none", RULES_SCORE_SETS,
                options->score_set);
        return NULL;
    }
    parser.book->options = *options;
    const struct source *sources = find_sources(&parser, paths, n_paths, &n);
    if (sources == NULL) {
        book_free(&parser.book);
        err_set(err, "rules: out of memory");
        return NULL;
    }
    load_sources(&parser, sources, n, &read);
    parser.book->settings->reads_pdf =
        plugins_has(&parser.book->plugins, STR("Mail::SpamAssassin::Plugin::PDFInfo"));
    *digest = parser.digest;
    if (read == 0) {
        err_set(err,
                "no rule file could be read, beginning with %s; check the setting "
                "spam { rules = … }",
                n_paths ? paths[0] : "none at all");
        book_free(&parser.book);
    }
    return parser.book;
}

size_t ruleset_count(const struct ruleset *set)
{
    return set->n;
}

const char *ruleset_generation(const struct ruleset *set)
{
    return set->generation;
}

const char *ruleset_describe(const struct ruleset *set, const char *name)
{
    uint32_t number = names_find(&set->names, str_of(name));
    return number == NAMES_NONE ? NULL : set->rules[number].describe.s;
}
