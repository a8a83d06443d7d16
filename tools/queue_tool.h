/* queue_tool: what the files of `poterne queue` share: which messages are meant, and what is done
 * with them. */
#ifndef POTERNE_TOOLS_QUEUE_TOOL_H
#define POTERNE_TOOLS_QUEUE_TOOL_H

#include "tools/spool_view.h"

#define QUEUE_FILTERS                                                                              \
    (OPT_SENDER | OPT_RECIPIENT | OPT_RCPT_DOMAIN | OPT_NEXT_HOP | OPT_OLDER | OPT_NEWER |         \
     OPT_LARGER | OPT_LAST_WORD | OPT_ACCOUNT | OPT_QUEUE_STATE)

#define QUEUE_HOP_SIZE 256 /* of the name of a next hop */

/* All that is given must hold. Empty texts and numbers that are 0 are not given. */
struct queue_filter {
    /* An address wholly, @domain for all in a domain; where the text has a *, that is anything. */
    struct str sender, recipient;
    struct str account; /* likewise */
    struct str domain;  /* of a recipient who is owed */
    struct str hop;     /* where one of them goes, as queue_hop_fits() */
    struct str reason;  /* part of what the last try of one of them said */
    int64_t before_us;  /* it came before … */
    int64_t from_us;    /* … and not before this */
    uint64_t larger;    /* bytes: the message has at least as many */
    bool by_state;
    enum queue_state state;
};

/* False: the options can't be meant, which was said. */
bool queue_filter_read(struct spool_view *view, struct queue_filter *filter);
bool queue_filter_fits(const struct queue_filter *filter, const struct conf *conf,
                       const struct spool_file *file, enum queue_state state);
/* Does the text fit a pattern of a filter? Case does not count (of ASCII letters). */
bool queue_fits(struct str pattern, struct str text);
/* Is it that next hop: all of it as queue_hop_of() says, its host:port (path), or its host?
 * Likewise, but for @. */
bool queue_hop_fits(struct str pattern, struct str hop);
/* Where the settings send that address: a next hop as it is written there, "reports", or the domain
 * itself where the DNS is asked. */
struct str queue_hop_of(const struct conf *conf, struct str address, char room[QUEUE_HOP_SIZE]);
/* Is he owed? For who counts by recipients. */
bool queue_owes(const struct spool_recipient *recipient);

/* Calls back for each message that the filter fits, oldest first, until it returns non-zero; its
 * file is read without the message. False: not all could be looked at, which was said. */
bool queue_each(struct spool_view *view, const struct queue_filter *filter,
                int (*each)(void *data, struct spool_file *file), void *data);

void queue_list(struct spool_view *view);
void queue_stats(struct spool_view *view);

/* flush, hold, release, delete, requeue; -1: none of these. */
int queue_verb_find(const char *name);
/* Of the messages that are named, or that the filter fits, or of all. */
void queue_do(struct spool_view *view, int verb);

#endif
