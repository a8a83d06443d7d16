#include "rules/language/parse.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/fsio.h"

/* The `if`s that stand open in one file. */
struct ifs {
    struct {
        bool skip; /* lines here are not for us */
        bool had_else;
        unsigned line;
    } open[PARSE_IF_MAX];
    size_t n;
    size_t beyond; /* opened past PARSE_IF_MAX: skipped, but their endif must be found */
};

void parse_report(const struct parser *parser, const char *format, ...)
{
    char what[ERR_TEXT_MAX];
    va_list ap;
    va_start(ap, format);
    vsnprintf(what, sizeof what, format, ap);
    va_end(ap);
    book_report(parser->book, parser->file, parser->line, "%s", what);
}

void parse_notice(const struct parser *parser, const char *format, ...)
{
    char what[ERR_TEXT_MAX];
    va_list ap;
    if (parser->book->options.notice == NULL)
        return;
    va_start(ap, format);
    vsnprintf(what, sizeof what, format, ap);
    va_end(ap);
    book_notice(parser->book, parser->file, parser->line, "%s", what);
}

struct str parse_word(struct str *rest)
{
    size_t i = 0;
    *rest = str_trim(*rest);
    while (i < rest->n && rest->s[i] != ' ' && rest->s[i] != '\t')
        i++;
    struct str word = str_sub(*rest, 0, i);
    *rest = str_trim(str_from(*rest, i));
    return word;
}

static bool skipping(const struct ifs *ifs)
{
    for (size_t i = 0; i < ifs->n; i++) {
        if (ifs->open[i].skip)
            return true;
    }
    return ifs->beyond > 0;
}

static void open_if(struct parser *parser, struct ifs *ifs, struct str condition)
{
    struct err err = {""};
    bool holds = false;
    if (ifs->n == PARSE_IF_MAX) {
        if (ifs->beyond++ == 0)
            parse_report(parser, "more than %d if inside one another; the inner one is skipped",
                         PARSE_IF_MAX);
        return;
    }
    /* Inside of a skipped part a condition needs no answer, and may be of a kind unknown here. */
    if (!skipping(ifs) && parse_condition(parser->book, condition, &holds, &err) < 0)
        parse_report(parser, "if: %s; the lines up to endif are skipped", err.text);
    ifs->open[ifs->n].skip = !holds;
    ifs->open[ifs->n].had_else = false;
    ifs->open[ifs->n].line = parser->line;
    ifs->n++;
}

static void turn_else(struct parser *parser, struct ifs *ifs)
{
    if (ifs->beyond)
        return;
    if (ifs->n == 0 || ifs->open[ifs->n - 1].had_else) {
        parse_report(parser, "else without an if before it");
        return;
    }
    ifs->open[ifs->n - 1].skip = !ifs->open[ifs->n - 1].skip;
    ifs->open[ifs->n - 1].had_else = true;
}

static void close_if(struct parser *parser, struct ifs *ifs)
{
    if (ifs->beyond)
        ifs->beyond--;
    else if (ifs->n)
        ifs->n--;
    else
        parse_report(parser, "endif without an if before it");
}

/* Handles if, ifplugin, else and endif; false when the line is none of them. */
static bool conditional(struct parser *parser, struct ifs *ifs, struct str line)
{
    struct str rest = line;
    struct str word = parse_word(&rest);
    if (str_ieq(word, STR("if"))) {
        open_if(parser, ifs, rest);
    } else if (str_ieq(word, STR("ifplugin"))) {
        struct str condition = pool_strf(parser->book->pool, "plugin(%.*s)", STR_ARG(rest));
        open_if(parser, ifs, condition);
    } else if (str_ieq(word, STR("else"))) {
        turn_else(parser, ifs);
    } else if (str_ieq(word, STR("endif"))) {
        close_if(parser, ifs);
    } else {
        return false;
    }
    return true;
}

/* Cuts the comment off and makes "\#" to "#", in place of a copy. */
static struct str without_comment(char *line, size_t n)
{
    size_t out = 0;
    for (size_t i = 0; i < n; i++) {
        if (line[i] == '\\' && i + 1 < n && line[i + 1] == '#')
            i++;
        else if (line[i] == '#')
            break;
        line[out++] = line[i];
    }
    return str_trim(str_n(line, out));
}

/*
 * Takes "lang xx" off a line: what follows is for readers of that language. False when that is not
 * the one that is wanted.
 */
static bool take_language(const struct parser *parser, struct str *line)
{
    struct str rest = *line;
    const char *wanted = parser->book->options.language;
    if (!str_eq(parse_word(&rest), STR("lang")))
        return true;
    struct str language = parse_word(&rest);
    *line = rest;
    return language.n && rest.n && str_istarts(str_of(wanted ? wanted : "en"), language);
}

static int parse_line(struct parser *parser, struct ifs *ifs, struct str raw, struct err *err)
{
    if (raw.n > PARSE_LINE_MAX) {
        parse_report(parser, "the line is longer than %d bytes; skipped", PARSE_LINE_MAX);
        return 0;
    }
    /* Names and texts of the book point into this copy. */
    char *copy = pool_cstr(parser->book->pool, raw);
    if (copy == NULL)
        return err_set(err, "%s:%u: out of memory for rules", parser->file, parser->line);
    struct str line = without_comment(copy, raw.n);
    if (line.n == 0 || conditional(parser, ifs, line) || skipping(ifs))
        return 0;
    if (!take_language(parser, &line))
        return 0;
    return parse_directive(parser, line, err);
}

void parse_digest(struct parser *parser, struct str text)
{
    parser->digest = (parser->digest ^ str_hash(text)) * 0x9e3779b97f4a7c15u;
}

int parse_text(struct parser *parser, struct str text, const char *name, struct err *err)
{
    const char *outer_file = parser->file;
    unsigned outer_line = parser->line;
    struct ifs ifs = {.n = 0};
    struct str line;
    int result = 0;
    parser->file = pool_cstr(parser->book->pool, str_of(name));
    if (parser->file == NULL)
        return err_set(err, "%s: out of memory for rules", name);
    parse_digest(parser, text);
    parser->line = 0;
    parser->skip_file = false;
    while (result == 0 && !parser->skip_file && str_next_line(&text, &line)) {
        parser->line++;
        result = parse_line(parser, &ifs, line, err);
    }
    while (result == 0 && ifs.n > 0 && !parser->skip_file) {
        parser->line = ifs.open[--ifs.n].line;
        parse_report(parser, "this if has no endif in the file");
    }
    parser->skip_file = false;
    parser->file = outer_file;
    parser->line = outer_line;
    return result;
}

int parse_file(struct parser *parser, const char *path, struct err *err)
{
    if (++parser->files > PARSE_FILES_MAX)
        return err_set(err, "%s: more than %d rule files", path, PARSE_FILES_MAX);
    struct buf text = BUF_INIT(PARSE_FILE_MAX);
    int result = fsio_read_file(path, &text, err);
    if (result == 0)
        result = parse_text(parser, buf_str(&text), path, err);
    buf_release(&text);
    return result;
}
