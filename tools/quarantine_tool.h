/* quarantine_tool: what the files of `poterne quarantine` share. */
#ifndef POTERNE_TOOLS_QUARANTINE_TOOL_H
#define POTERNE_TOOLS_QUARANTINE_TOOL_H

#include "quarantine/find.h"
#include "tools/spool_view.h"

#define FILTER_OPTIONS                                                                             \
    (OPT_SINCE | OPT_UNTIL | OPT_SENDER | OPT_RECIPIENT | OPT_REASON | OPT_VIRUS | OPT_ENGINE)

/* The filter that the options ask for; its texts are theirs. False: they can't be meant, which was
 * said. */
bool quarantine_filter(struct spool_view *view, struct held_filter *filter);
/* NULL: the quarantine can't be searched, which was said. */
struct held_finder *quarantine_finder(struct spool_view *view);

void quarantine_list(struct spool_view *view);
/* How many are held, by class. */
void quarantine_count(struct spool_view *view);
/* One message in a few lines, or one of JSON. */
void quarantine_put(struct spool_view *view, const struct held *held);
/* What `expire` would remove. */
void quarantine_list_expired(struct spool_view *view);

/* The id that is meant: a whole one, or the beginning of one where only one message has it. False:
 * there is none, which was said. */
bool quarantine_find_id(struct spool_view *view, const char *word, char id[SPOOL_ID_LEN + 1]);

void quarantine_export(struct spool_view *view);
void quarantine_release_one(struct spool_view *view, const char *id);
void quarantine_delete_one(struct spool_view *view, const char *id);
void quarantine_expire_all(struct spool_view *view);
/* What is held, and what was delivered and kept (tools/rescan.c). */
void quarantine_rescan(struct spool_view *view);

#endif
