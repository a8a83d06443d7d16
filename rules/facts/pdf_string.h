/*
 * pdf_string: texts in a PDF file as SpamAssassin's PDFInfo.pm reads them: "(Foo \(bar\) \376)" or
 * "<466f6f>", UTF-16 without its zeros. Streams are not inflated, so that links in them are not
 * found, there or here.
 */
#ifndef POTERNE_RULES_FACTS_PDF_STRING_H
#define POTERNE_RULES_FACTS_PDF_STRING_H

#include "base/str.h"

/* Bytes of a string that are looked at: four can stand for one, and two for a letter of the 256
 * that are kept. */
#define PDF_STRING_MAX (8 * 256)
#define PDF_LINK_MAX   256 /* bytes of a link that are kept; SpamAssassin's */

/* Where the string that the text begins with ends (its bracket), or STR_NONE. */
size_t pdf_string_end(struct str x);
/* A string with its brackets, or without; bytes put into out, which has PDF_STRING_MAX. */
size_t pdf_string_read(struct str x, char *out);

/*
 * The first link in a line ("/URI (…)", or "(https://…)>>"), decoded into out, which has
 * PDF_STRING_MAX. 0: there is none, or what is there can't be one. Linear in the line.
 */
size_t pdf_link_read(struct str line, char *out);

#endif
