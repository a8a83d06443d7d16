/* pdfs: the PDF files that are attached to a message. */
#ifndef POTERNE_RULES_FACTS_PDFS_H
#define POTERNE_RULES_FACTS_PDFS_H

#include "rules/facts/facts.h"
#include "rules/facts/pdf.h"

#define PDFS_MAX 100 /* more are counted, not looked into */

struct pdf_file {
    struct str name; /* may be empty */
    struct str bytes;
    const struct pdf *pdf;
    char md5[MD5_HEX + 1]; /* "": ask pdfs_md5() */
};

struct pdfs {
    struct pdf_file *list; /* those that really are PDF */
    size_t n;
    size_t named; /* those that are called so */
    bool limited;
};

struct pdfs *facts_pdfs(struct facts *facts);
/* Made when it is first asked for, since a file can be long and few rules want to know. */
const char *pdf_file_md5(struct pdf_file *file);

#endif
