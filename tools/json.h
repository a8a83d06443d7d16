/* json: what the tools print for programs: one object a line on standard output. */
#ifndef POTERNE_TOOLS_JSON_H
#define POTERNE_TOOLS_JSON_H

#include <jansson.h>

#include "base/str.h"

#define JSON_TEXT_MAX 4096 /* bytes shown of a text that is no UTF-8 */

/* Takes the reference. -1: no memory, which was said on standard error. */
int json_line(json_t *object);
/* What is no UTF-8 becomes U+FFFD. */
json_t *json_text(struct str text);
/* "2026-11-21T22:04:31.123Z" */
json_t *json_time(int64_t time_us);
/* The object in a text; an empty object when it is none. */
json_t *json_parse(struct str text);

#endif
