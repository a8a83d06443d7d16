/* spool_view: messages that lie in the queue or in quarantine, opened and shown by the tools. */
#ifndef POTERNE_TOOLS_SPOOL_VIEW_H
#define POTERNE_TOOLS_SPOOL_VIEW_H

#include "gateway/gate/senders.h"
#include "spool/notice.h"
#include "spool/spool.h"
#include "tools/tool.h"

/* Why a message of the queue is still there: the first of these that holds. */
enum queue_state {
    QUEUE_HELD,     /* by a person */
    QUEUE_FROZEN,   /* the account that sent it is */
    QUEUE_ENDING,   /* nobody is owed: its sender is being told, or the journal not yet */
    QUEUE_ACTIVE,   /* somebody was not tried yet */
    QUEUE_DEFERRED, /* it was tried, and is tried again */
    QUEUE_STATES
};
const char *queue_state_name(enum queue_state state);

/* What one run of `poterne queue` or `poterne quarantine` works with. */
struct spool_view {
    const char *command; /* for complaints */
    const struct tool_args *args;
    struct conf *conf;
    struct spool *spool;
    struct senders *senders; /* who is frozen; NULL: nobody ever was, or it can't be read */
    struct pool *pool;       /* of one message */
    enum spool_state state;
    size_t seen; /* files of the folder */
    size_t listed;
    int status; /* enum tool_exit: the worst so far */
};

/* Complains and returns -1 when the state can't be read. */
int spool_view_open(struct spool_view *view, const char *command, enum spool_state state,
                    const struct tool_args *args);
void spool_view_close(struct spool_view *view);

enum queue_state spool_view_state(const struct spool_view *view, const struct envelope *envelope);
void spool_view_worse(struct spool_view *view, int status);
/* A message in a list: a few lines, or one of JSON. */
void spool_view_put(struct spool_view *view, const struct spool_file *file);

/* The message with that id; false when it is not there or can't be read, which was said. */
bool spool_view_load(struct spool_view *view, const char *id, struct spool_file **file);
/* The bytes as they were received, on standard output. */
void spool_view_put_message(struct spool_view *view, const struct spool_file *file);
/* All that is known of it: `text` (may be empty) and what the verdict came from; or JSON. */
void spool_view_put_whole(struct spool_view *view, const struct spool_file *file, struct str text);

/* What delivery answered, or why it could not be asked: on standard output or error. */
void spool_view_put_answer(struct spool_view *view, const char *id, int result,
                           const struct buf *answer, const struct err *err);

#endif
