#include "antivirus/outside/clamd_reply.h"

#include "antivirus/clamav_common.h"

/* "stream" or "fd[7]": what we have clamd scan has no other name. */
static bool is_ours(struct str name)
{
    uint64_t number;
    if (str_eq(name, STR("stream")))
        return true;
    return str_starts(name, STR("fd[")) && str_ends(name, STR("]")) &&
           str_to_u64(str_sub(name, 3, name.n - 1), INT32_MAX, &number);
}

/* libclamav's words for what hostile bytes can bring about, and clamd's own for its stream limit.
 */
static bool means_limit(struct str error)
{
    static const char *const texts[] = {CLAMD_OVER_LIMIT,
                                        "Exceeded time limit",
                                        "Exceeded max recursion depth",
                                        "Exceeded max scan size",
                                        "Exceeded max scan files",
                                        "Can't unpack some data",
                                        "Bad format or broken data",
                                        "Can't parse data"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (str_eq(error, str_of(texts[i])))
            return true;
    return false;
}

static struct str without(struct str text, size_t tail)
{
    return str_trim(str_sub(text, 0, text.n - tail));
}

static void read_result(struct str text, struct clamd_reply *reply)
{
    size_t colon = str_find(text, STR(": "));
    bool named = colon != STR_NONE && is_ours(str_sub(text, 0, colon));
    struct str rest = named ? str_from(text, colon + 2) : text;
    if (named && str_eq(rest, STR("OK"))) {
        reply->says = CLAMD_OK;
    } else if (named && str_ends(rest, STR(" FOUND"))) {
        reply->text = without(rest, strlen(" FOUND"));
        reply->says = clamav_means_unscannable(reply->text) ? CLAMD_UNSCANNABLE : CLAMD_FOUND;
    } else if (str_ends(rest, STR(" ERROR"))) {
        reply->text = without(rest, strlen(" ERROR"));
        reply->says = means_limit(reply->text) ? CLAMD_UNSCANNABLE : CLAMD_ERROR;
    } else if (!named) {
        reply->text = rest;
        reply->says = CLAMD_OTHER;
    }
}

void clamd_reply_read(struct str line, struct clamd_reply *reply)
{
    size_t colon = str_find(line, STR(": "));
    *reply = (struct clamd_reply){.text = line};
    if (colon == STR_NONE || !str_to_u64(str_sub(line, 0, colon), CLAMD_ID_MAX, &reply->id))
        return;
    read_result(str_from(line, colon + 2), reply);
}
