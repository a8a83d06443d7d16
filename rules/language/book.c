#include "rules/language/book.h"

#include "base/ascii.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "rules/language/settings_make.h"

struct book *book_new(rules_report *report, void *data, struct err *err)
{
    struct book *book = calloc(1, sizeof *book);
    if (book)
        book->pool = pool_new(BOOK_MEMORY_MAX);
    if (book == NULL || book->pool == NULL) {
        err_set(err, "rules: out of memory");
        book_free(&book);
        return NULL;
    }
    plugins_init(&book->plugins);
    book->options = RULESET_OPTIONS_DEFAULT;
    book->settings = settings_new(err);
    if (book->settings == NULL) {
        book_free(&book);
        return NULL;
    }
    book->report = report;
    book->report_data = data;
    return book;
}

void book_free(struct book **book)
{
    if (*book == NULL)
        return;
    settings_free(&(*book)->settings);
    pool_free(&(*book)->pool);
    free(*book);
    *book = NULL;
}

static struct definition *add(struct book *book, struct str name)
{
    if (book->n >= BOOK_RULES_MAX)
        return NULL;
    struct str copy = pool_str(book->pool, name);
    struct definition *list = pool_grow(book->pool, book->list, book->n, &book->cap, sizeof *list);
    if (copy.s == NULL || list == NULL)
        return NULL;
    book->list = list;
    if (!names_add(&book->names, book->pool, copy, (uint32_t)book->n))
        return NULL;
    struct definition *definition = &list[book->n++];
    *definition = (struct definition){.name = copy};
    return definition;
}

struct definition *book_entry(struct book *book, struct str name)
{
    uint32_t number = names_find(&book->names, name);
    return number == NAMES_NONE ? add(book, name) : &book->list[number];
}

const struct definition *book_find(const struct book *book, struct str name)
{
    uint32_t number = names_find(&book->names, name);
    return number == NAMES_NONE ? NULL : &book->list[number];
}

bool book_is_rule_name(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.s[i];
        if (!ascii_is_word(c) || (i == 0 && ascii_is_digit(c)))
            return false;
    }
    return name.n > 0 && name.n <= BOOK_NAME_MAX;
}

static void tell(const struct book *book, rules_report *report, const char *file, unsigned line,
                 const char *format, va_list ap)
{
    char what[ERR_TEXT_MAX];
    if (report == NULL)
        return;
    vsnprintf(what, sizeof what, format, ap);
    report(book->report_data, file, line, what);
}

void book_report(const struct book *book, const char *file, unsigned line, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    tell(book, book->report, file, line, format, ap);
    va_end(ap);
}

void book_notice(const struct book *book, const char *file, unsigned line, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    tell(book, book->options.notice, file, line, format, ap);
    va_end(ap);
}
