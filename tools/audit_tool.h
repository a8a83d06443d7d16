/*
 * audit_tool: what the files of `poterne audit` share.
 */
#ifndef POTERNE_TOOLS_AUDIT_TOOL_H
#define POTERNE_TOOLS_AUDIT_TOOL_H

#include "audit/audit.h"
#include "tools/tool.h"

int64_t audit_now_us(void);

/*
 * `poterne audit close ID … --why TEXT`: what an audit of each of them finds now counts as a
 * finding no more; `reopen`: it does again. args->rest has the word first. An exit status.
 */
int audit_decide(const struct tool_args *args, const struct conf *conf);

#endif
