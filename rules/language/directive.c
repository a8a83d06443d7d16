/* directive: one line of a rule file to the handler of its first word. */
#include "rules/language/directive.h"

#include <stdlib.h>

#define NAME_MAX_BYTES 64 /* of a directive */

enum directive_result directive_take_name(struct parser *parser, struct str *rest,
                                          struct definition **definition, struct err *err)
{
    struct str name = parse_word(rest);
    if (!book_is_rule_name(name))
        return BAD(err, "'%.*s' is no rule name (letters, digits and _, at most %d)",
                   STR_ARG(str_sub(name, 0, 40)), BOOK_NAME_MAX);
    *definition = book_entry(parser->book, name);
    if (*definition == NULL) {
        err_set(err, "%s:%u: more than %d rules, or out of memory", parser->file, parser->line,
                BOOK_RULES_MAX);
        return DIRECTIVE_FATAL;
    }
    if ((*definition)->file == NULL) { /* where it was named first, until it is defined */
        (*definition)->file = parser->file;
        (*definition)->line = parser->line;
    }
    return DIRECTIVE_DONE;
}

enum directive_result directive_memory(struct parser *parser, bool ok, struct err *err)
{
    if (ok)
        return DIRECTIVE_DONE;
    err_set(err, "%s:%u: out of memory for rules, or a list is too long", parser->file,
            parser->line);
    return DIRECTIVE_FATAL;
}

bool directive_take_bracket(struct str *rest, struct str *name)
{
    size_t close = str_chr(*rest, ')');
    if (!str_starts(*rest, STR("(")) || close == STR_NONE || close == 1)
        return false;
    *name = str_sub(*rest, 1, close);
    *rest = str_trim(str_from(*rest, close + 1));
    return true;
}

static bool leaves_folder(struct str path)
{
    struct str part;
    if (str_starts(path, STR("/")))
        return true;
    while (str_next(&path, '/', &part)) {
        if (str_eq(part, STR("..")))
            return true;
    }
    return false;
}

/*
 * A rule file may name only files below its own folder: files come from other people too, and
 * mistakes in a file are reported with words out of it.
 */
static enum directive_result on_include(struct parser *parser, const struct directive *self,
                                        struct str rest, struct err *err)
{
    if (rest.n == 0 || leaves_folder(rest))
        return BAD(err, "include takes the name of a file in the same folder or below it");
    if (parser->includes == PARSE_INCLUDE_MAX)
        return BAD(err, "more than %d files include one another", PARSE_INCLUDE_MAX);
    struct str folder = str_of(parser->file);
    size_t slash = str_rchr(folder, '/');
    folder = str_sub(folder, 0, slash == STR_NONE ? 0 : slash + 1);
    struct str path = pool_strf(parser->book->pool, "%.*s%.*s", STR_ARG(folder), STR_ARG(rest));
    if (path.s == NULL)
        return BAD(err, "out of memory for rules");
    parser->includes++;
    int result = parse_file(parser, path.s, err);
    parser->includes--;
    return result < 0 ? DIRECTIVE_BAD : DIRECTIVE_DONE;
}

/* Code is never loaded; what a known plugin does is switched on. */
static enum directive_result on_loadplugin(struct parser *parser, const struct directive *self,
                                           struct str rest, struct err *err)
{
    struct str name = parse_word(&rest);
    if (name.n == 0)
        return BAD(err, "expected the name of a plugin");
    const char *why = plugins_load(&parser->book->plugins, name);
    if (why == NULL)
        return DIRECTIVE_DONE;
    err_set(err, "%.*s is not there: %s", STR_ARG(str_sub(name, 0, 60)), why);
    return DIRECTIVE_QUIET;
}

/* The rest of a file that was made for another version is left out. */
static enum directive_result on_require_version(struct parser *parser, const struct directive *self,
                                                struct str rest, struct err *err)
{
    if (str_eq(rest, STR("@@VERSION@@")) || str_eq(rest, STR(PLUGINS_VERSION_TEXT)))
        return DIRECTIVE_DONE;
    if (rest.n == 0)
        return BAD(err, "expected a version, as in: require_version " PLUGINS_VERSION_TEXT);
    parser->skip_file = true;
    return BAD(err,
               "the file is for SpamAssassin %.*s, and this is the language of %s; the rest "
               "of the file is left out",
               STR_ARG(str_sub(rest, 0, 40)), PLUGINS_VERSION_TEXT);
}

static const struct directive files[] = {
    {.name = "include", .handle = on_include},
    {.name = "loadplugin", .handle = on_loadplugin},
    {.name = "require_version", .handle = on_require_version},
    {.name = "tryplugin", .handle = on_loadplugin},
};

static const struct directive_family directive_files = DIRECTIVE_FAMILY(files);

static const struct directive_family *const families[] = {
    &directive_scores, &directive_tests, &directive_lists, &directive_quiet,
    &directive_values, &directive_dns,   &directive_files,
};

static int compare(const void *key, const void *entry)
{
    return strcmp(key, ((const struct directive *)entry)->name);
}

static const struct directive *find_name(const char *name)
{
    const struct directive *found = NULL;
    for (size_t i = 0; found == NULL && i < sizeof families / sizeof families[0]; i++)
        found = bsearch(name, families[i]->list, families[i]->n, sizeof *found, compare);
    return found;
}

/* Case and '-' for '_' don't matter in a directive's name; a row that ends in "_*" takes any last
 * word, which somebody has made up ("hashbl_acl_NAME"). */
static const struct directive *find(struct str word)
{
    char name[NAME_MAX_BYTES];
    if (!str_copy(word, name, sizeof name - 1)) /* room for a '*' */
        return NULL;
    for (char *p = name; *p; p++)
        *p = *p == '-' ? '_' : str_lower_char(*p);
    const struct directive *found = find_name(name);
    char *last = strrchr(name, '_');
    if (found || last == NULL)
        return found;
    memcpy(last + 1, "*", sizeof "*");
    return find_name(name);
}

int parse_directive(struct parser *parser, struct str line, struct err *err)
{
    struct str rest = line;
    struct str word = parse_word(&rest);
    struct err problem = {""};
    const struct directive *directive = find(word);
    if (directive == NULL) {
        parse_report(parser, "'%.*s' is no directive that is known here; the line is skipped",
                     STR_ARG(str_sub(word, 0, 40)));
        return 0;
    }
    switch (directive->handle(parser, directive, rest, &problem)) {
    case DIRECTIVE_DONE:
        break;
    case DIRECTIVE_BAD:
        parse_report(parser, "%s: %s", directive->name, problem.text);
        break;
    case DIRECTIVE_QUIET:
        parse_notice(parser, "%s: %s", directive->name, problem.text);
        break;
    case DIRECTIVE_FATAL:
        return err_set(err, "%s", problem.text);
    }
    return 0;
}

bool directive_families_sorted(void)
{
    for (size_t f = 0; f < sizeof families / sizeof families[0]; f++) {
        for (size_t i = 1; i < families[f]->n; i++) {
            if (strcmp(families[f]->list[i - 1].name, families[f]->list[i].name) >= 0)
                return false;
        }
    }
    return true;
}
