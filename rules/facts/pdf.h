/*
 * pdf: what SpamAssassin's PDFInfo.pm reads out of a PDF file: it knows nothing of the format but
 * looks at each line for a few words (images, links, who made it with what, encryption). One pass,
 * linear in the file; what is found is bounded.
 */
#ifndef POTERNE_RULES_FACTS_PDF_H
#define POTERNE_RULES_FACTS_PDF_H

#include "base/pool.h"
#include "rules/facts/md5.h"

#define PDF_DETAILS_MAX 60  /* properties of one file that are kept */
#define PDF_LINKS_MAX   20  /* links; SpamAssassin's */
#define PDF_SIZES_MAX   100 /* different sizes of images that are kept */
#define PDF_DETAIL_MAX  256 /* bytes of a property; SpamAssassin's */
#define PDF_FUZZY_LINES 70  /* the lines before that one make the fuzzy name */

struct pdf_detail {
    const char *key; /* "author", "creator", "created", "modified", "producer", "title" */
    struct str value;
};

struct pdf_size {
    double height, width;
};

struct pdf {
    struct pdf_detail *details;
    size_t n_details;
    struct pdf_size *sizes; /* of images, then all heights and widths summed up */
    size_t n_sizes;
    struct str *links; /* each once */
    size_t n_links;
    size_t images;
    double area;
    bool encrypted;
    bool limited;            /* some detail or size was left out */
    char fuzzy[MD5_HEX + 1]; /* of the first lines; "" when there are none */
    char tags[MD5_HEX + 1];  /* of the names with which lines begin; "" */
};

/* The file without a byte order mark; false: it is no PDF. */
bool pdf_begins(struct str *file);
/* NULL: the pool is used up. */
struct pdf *pdf_read(struct pool *pool, struct str file);

#endif
