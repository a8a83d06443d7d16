#include "audit/finding.h"

static const struct {
    const char *name, *expected, *next;
} kinds[FINDING_KINDS] = {
    [FINDING_LOST] = {"lost", "an outcome, or the message in queue/ or quarantine/",
                      "look for the file (backup, lost+found), tell the sender and the recipient, "
                      "and find out who or what removed it"},
    [FINDING_HELD_GONE] = {"held_gone", "the message in quarantine/, or who deleted it",
                           "restore the file from a backup into quarantine/, and find out who or "
                           "what removed it"},
    [FINDING_CONTRADICTION] = {"contradiction", "one outcome",
                               "read `poterne trace`; the sender may have been told wrongly"},
    [FINDING_TWICE] = {"twice", "one delivery",
                       "nothing was lost: look in the log for a crash, a power cut or a full disk "
                       "between the two"},
    [FINDING_TOLD_TWICE] = {"told_twice", "one bounce",
                            "nothing was lost: look in the log for a full disk between the two"},
    [FINDING_NO_ANSWER] = {"no_answer", "the next hop and what it answered",
                           "ask the next hop whether it has the message; report this as a fault "
                           "of poterne"},
    [FINDING_NO_RECORD] = {"no_record", "a record of when and how it came about",
                           "find out who wrote to the journal beside poterne-journal; compare it "
                           "with a backup"},
    [FINDING_UNTOLD] = {"untold", "a bounce, or that the sender wants none (NOTIFY)",
                        "tell the sender, and report this as a fault of poterne"},
    [FINDING_BOUNCE_GONE] = {"bounce_gone", "the bounce in queue/ or in the journal",
                             "tell the sender, and look for the bounce as for a lost message"},
    [FINDING_BY_NOBODY] = {"by_nobody", "who deleted it, or that it expired",
                           "find out who asked delivery to delete it without a name"},
    [FINDING_NO_COPY] = {"no_copy", "others to whom it was redirected",
                         "tell the recipient, and report this as a fault of poterne"},
    [FINDING_OWES_AGAIN] = {"owes_again", "the same outcome in the file",
                            "it will be delivered again: hold it (poterne queue hold ID) if it "
                            "must not be; a mark was lost by a full disk or a power cut"},
    [FINDING_DIFFERS] = {"differs", "the recipients that were accepted",
                         "compare `poterne queue show ID` with `poterne trace ID`: the file was "
                         "changed, or another has its name"},
    [FINDING_TWO_FILES] = {"two_files", "one file",
                           "compare both, and move one of them away: it may go out twice"},
    [FINDING_UNREADABLE] = {"unreadable", "a file that can be read",
                            "look at its rights and at the disk; a later poterne's file needs that "
                            "one"},
    [FINDING_SET_ASIDE] = {"set_aside", "a whole file",
                           "see what can be saved of it, tell its recipients, then move it away"},
    [FINDING_UNSAID] = {"unsaid", "nothing that could not be stored",
                        "no 250 was said for it: look at the disk, then remove it"},
    [FINDING_LEFT_OVER] = {"left_over", "no file: it is settled",
                           "is poterne-journal running, and the disk writable? It goes by itself "
                           "then"},
    [FINDING_STALE] = {"stale", "nothing older than a day in incoming/",
                       "no 250 was said for it: restart the gateway, which removes it, or remove "
                       "it"},
    [FINDING_JOURNAL] = {"journal", "one journal of all mail",
                         "look at the disk; compare it with a backup of before (`sqlite3 FILE "
                         ".recover` reads what is left), then move it away"},
};

const char *finding_name(enum finding_kind kind)
{
    return kinds[kind].name;
}

const char *finding_expected(enum finding_kind kind)
{
    return kinds[kind].expected;
}

const char *finding_next(enum finding_kind kind)
{
    return kinds[kind].next;
}
