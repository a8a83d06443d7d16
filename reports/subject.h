/*
 * subject: our tag taken out of a Subject again (mail/edit.h puts it in).
 */
#ifndef POTERNE_REPORTS_SUBJECT_H
#define POTERNE_REPORTS_SUBJECT_H

#include "base/pool.h"

/* tag: edits_tag(). text: the decoded Subject. Without the tag in front of it, however often it
 * stands there, and without blanks at its ends. An empty tag takes nothing away. */
struct str subject_untagged(struct str text, struct str tag);

/*
 * The same with a field's raw value (struct header): a tag that we wrote is cut out and all else
 * stays as it is; where somebody has encoded the Subject anew, the rest is too. The result has a
 * blank in front and no line end behind. *tagged: was there a tag? .s NULL: out of memory.
 */
struct str subject_restored(struct pool *pool, struct str value, struct str tag, bool *tagged);

#endif
