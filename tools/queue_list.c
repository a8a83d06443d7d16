/* queue_list: what is in the queue, oldest first. */
#include "tools/queue_tool.h"

struct listing {
    struct spool_view *view;
    size_t limit; /* 0: none */
    bool more;
};

static int put(void *data, struct spool_file *file)
{
    struct listing *listing = data;
    listing->more = listing->limit && listing->view->listed == listing->limit;
    if (!listing->more)
        spool_view_put(listing->view, file);
    return listing->more;
}

void queue_list(struct spool_view *view)
{
    const struct tool_args *args = view->args;
    struct listing listing = {.view = view, .limit = args->given & OPT_LIMIT ? args->limit : 0};
    struct queue_filter filter;
    if (args->n_rest > 1) {
        spool_view_worse(view, tool_misused(view->command, "list takes no ids: see `queue show`"));
        return;
    }
    if (!queue_filter_read(view, &filter) || !queue_each(view, &filter, put, &listing) ||
        args->given & OPT_JSON)
        return;
    if (listing.more)
        printf("%zu shown, there are more%s: see --limit\n", view->listed,
               args->given & QUEUE_FILTERS ? " that match" : "");
    else if (args->given & QUEUE_FILTERS)
        printf("%zu match\n", view->listed);
    else
        printf("%zu message%s in the queue\n", view->listed, view->listed == 1 ? "" : "s");
}
