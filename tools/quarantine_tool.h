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
/* One message in a few lines, or one of JSON. */
void quarantine_put(struct spool_view *view, const struct held *held);

#endif
