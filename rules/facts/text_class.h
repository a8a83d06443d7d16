/* text_class: white space as Unicode has it; that of ASCII is in base/ascii.h. */
#ifndef POTERNE_RULES_TEXT_CLASS_H
#define POTERNE_RULES_TEXT_CLASS_H

#include "base/str.h"

/* Bytes of the white space (Unicode's) above ASCII at `at` of UTF-8 text; 0: none. */
size_t text_wide_blank(struct str x, size_t at);

/* Characters in UTF-8 text; *blanks: how many are white space. `wide`: Unicode's, too. */
size_t text_count(struct str x, bool wide, size_t *blanks);

#endif
