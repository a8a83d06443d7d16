#include "base/recipient.h"

#include <stddef.h>

static const char *const state_names[] = {
    [RCPT_OWED] = "owed",     [RCPT_DEFERRED] = "deferred",     [RCPT_DELIVERED] = "delivered",
    [RCPT_HELD] = "held",     [RCPT_RELEASED] = "released",     [RCPT_DELETED] = "deleted",
    [RCPT_FAILED] = "failed", [RCPT_REDIRECTED] = "redirected", [RCPT_RETURNING] = "returning",
};
_Static_assert(sizeof state_names / sizeof state_names[0] == RECIPIENT_STATES, "a name for each");

const char *recipient_state_name(enum recipient_state state)
{
    return (size_t)state < RECIPIENT_STATES ? state_names[state] : "unknown";
}

bool recipient_state_owed(enum recipient_state state)
{
    return state == RCPT_OWED || state == RCPT_DEFERRED || state == RCPT_RELEASED;
}

struct str recipient_told_by(struct str detail)
{
    if (!str_starts(detail, STR(RECIPIENT_TOLD_BY)))
        return STR_EMPTY;
    struct str rest = str_from(detail, sizeof RECIPIENT_TOLD_BY - 1);
    size_t n = 0;
    while (n < rest.n && rest.s[n] != ' ' && rest.s[n] != ':')
        n++;
    return str_sub(rest, 0, n);
}
