/* Which rules are run: those with a score, and those that they need. */
#include "rules/compile.h"
#include "tools/rules_tool.h"

static void ignore(void *data, const char *file, unsigned line, const char *what)
{
}

int rules_tool_find_live(struct rules_tool *tool, struct err *err)
{
    struct book *book = tool->book;
    rules_report *report = book->report, *notice = book->options.notice;
    void *report_data = book->report_data;
    bool all = book->options.all;
    struct wanted wanted;
    book->report = ignore; /* what is wrong was told when the rules were read */
    book->options.notice = NULL;
    book->options.all = false;
    int result = wanted_find(book, book->pool, &wanted, err);
    book->report = report;
    book->options.notice = notice;
    book->report_data = report_data;
    book->options.all = all;
    tool->live = result < 0 ? NULL : wanted.rules;
    return result;
}
