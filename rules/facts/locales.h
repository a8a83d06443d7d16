/* locales: which charsets are usual where (SpamAssassin's Locales.pm): what ok_locales means. */
#ifndef POTERNE_RULES_FACTS_LOCALES_H
#define POTERNE_RULES_FACTS_LOCALES_H

#include "base/str.h"

#define LOCALES_CHARSET_MAX 200 /* bytes of a charset's name that are looked at */

/* ok_locales: words such as "en ja zh.big5"; "all" allows every charset. */
bool locales_allow_all(struct str ok_locales);
/* Charsets of the Latin world and all of Unicode are usual everywhere. */
bool locales_allow_charset(struct str ok_locales, struct str charset);

#endif
