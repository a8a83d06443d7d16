/*
 * parse: rule files → book. A file is lines; '#' begins a comment unless it is "\#"; `if`,
 * `ifplugin`, `else` and `endif` choose lines; `include` reads another file. Every line that is not
 * understood is reported with file and line, then skipped.
 */
#ifndef POTERNE_RULES_PARSE_H
#define POTERNE_RULES_PARSE_H

#include "rules/language/book.h"

#define PARSE_FILE_MAX    (16 * 1024 * 1024)
#define PARSE_LINE_MAX    (1024 * 1024)
#define PARSE_IF_MAX      50 /* `if` inside one another in one file */
#define PARSE_INCLUDE_MAX 10 /* files including one another */
#define PARSE_FILES_MAX   2000

struct parser {
    struct book *book;
    const char *file; /* being read; lives in the book */
    unsigned line;
    unsigned includes; /* depth */
    unsigned files;
    uint64_t digest; /* of all bytes read */
    bool skip_file;  /* require_version: the rest of this file is for another version */
};

/* -1 only when the file can't be read or memory ran out. */
int parse_file(struct parser *parser, const char *path, struct err *err);
/* As if the text stood in a file of that name. */
int parse_text(struct parser *parser, struct str text, const char *name, struct err *err);

/* Takes what was read into the digest. */
void parse_digest(struct parser *parser, struct str text);

/* One line (comment gone, trimmed, not a conditional): directive.c. -1: out of memory. */
int parse_directive(struct parser *parser, struct str line, struct err *err);
/* Does what stands behind `if` hold? condition.c. -1 with err: not understood. */
int parse_condition(struct book *book, struct str text, bool *holds, struct err *err);

void parse_report(const struct parser *parser, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Known, and without effect here. */
void parse_notice(const struct parser *parser, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Takes a word up to white space off the front of *rest; .n is 0 when there is none. */
struct str parse_word(struct str *rest);

#endif
