/* rules_fit: `poterne rules fit RULES… INDEX|LOG…`, for the dispatch of `poterne rules`. */
#ifndef POTERNE_TOOLS_RULES_FIT_H
#define POTERNE_TOOLS_RULES_FIT_H

#include "tools/tool.h"

#define RULES_FIT_ARGUMENTS "fit RULES… INDEX|LOG…"
#define RULES_FIT_HELP                                                                               \
    "rules fit: scores for the rules of *.cf files or folders, fitted to labelled mail: an "         \
    "index\n"                                                                                        \
    "of lines \"spam PATH\" and \"ham PATH\", or SpamAssassin's mass-check logs, named "             \
    "spam….log\n"                                                                                  \
    "and ham….log. Each keeps its sign and stays near what is written. A rule file of scores is\n" \
    "written to standard output, with what cross-validation says it is worth; ham that is still\n"   \
    "taken for spam is listed on standard error: look whether its label is right. Rules of "         \
    "--rules\n"                                                                                      \
    "count with the scores that they have: so a site fits its own beside a published set.\n"

/* An exit status. args->rest: the words behind "fit". */
int rules_fit(const struct tool_args *args);

#endif
