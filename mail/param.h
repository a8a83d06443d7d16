/* param: the parameters of Content-Type and Content-Disposition (RFC 2045 5.1, RFC 2231). */
#ifndef POTERNE_MAIL_PARAM_H
#define POTERNE_MAIL_PARAM_H

#include "base/err.h"
#include "mail/message.h"

#define PARAMS_MAX 100 /* of one field, sections of RFC 2231 counted; more are left out */

/*
 * text: an unfolded field body from the first ';' on. Values are unquoted, sections joined,
 * RFC 2231 values converted to UTF-8; encoded words are left alone. A name that comes twice
 * stands twice; of a plain and an extended form only the extended one stands, but for
 * "boundary". -1: the pool is used up.
 */
int params_parse(struct pool *pool, struct str text, struct param **list, size_t *n,
                 struct err *err);

/* Without the blanks, comments, commas and semicolons in front of a field's first word. */
struct str params_skip(struct str value);

/* The first value of that name, or an empty text. */
struct str params_find(const struct param *list, size_t n, struct str name);

#endif
