/*
 * txt: where the answers to DNS questions for TXT records come from. Nothing in this folder speaks
 * DNS: a source is a function, so that the resolver process, a file or nothing can stand behind.
 */
#ifndef POTERNE_SENDER_TXT_H
#define POTERNE_SENDER_TXT_H

#include "base/buf.h"
#include "base/err.h"

enum txt_answer {
    TXT_FAILED = -1, /* a temporary failure: nobody knows */
    TXT_NONE = 0,    /* no such name, or no TXT record there */
    TXT_ONE = 1,     /* the record, its strings joined (RFC 7208 3.3), appended to out */
    TXT_SEVERAL = 2, /* more than one record; out has the first */
};

struct txt_source {
    enum txt_answer (*txt)(void *data, struct str name, struct buf *out);
    void *data;
};

/* No DNS here: every question is a temporary failure. */
extern const struct txt_source txt_source_none;

/*
 * A source for tests and trials: a text file with one record a line.
 *   NAME TXT the text to the end of the line
 *   NAME TEMPFAIL
 * Empty lines and lines that begin with # are left out; a name that is not there has no record.
 * Names are compared without case.
 */
struct txt_file;

#define TXT_FILE_MAX (4 * 1024 * 1024)

struct txt_file *txt_file_parse(struct str text, const char *path, struct err *err);
struct txt_file *txt_file_read(const char *path, struct err *err);
void txt_file_free(struct txt_file **file);
struct txt_source txt_file_source(struct txt_file *file);

#endif
