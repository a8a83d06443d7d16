/* Apart from the engines, so that who only gathers answers need not link them. */
#include <stdarg.h>
#include <stdio.h>

#include "antivirus/engine.h"

static const int result_weights[] = {
    [AV_CLEAN] = 0, [AV_UNSCANNABLE] = 1, [AV_BANNED] = 2, [AV_FAILED] = 3, [AV_INFECTED] = 4,
};

void av_found(struct av_answer *answer, enum av_result result, const char *format, ...)
{
    if (result == AV_UNSCANNABLE || (result == AV_BANNED && answer->result == AV_UNSCANNABLE))
        answer->left_unlooked_at = true;
    if (result_weights[result] <= result_weights[answer->result])
        return;
    answer->result = result;
    va_list ap;
    va_start(ap, format);
    vsnprintf(answer->name, sizeof answer->name, format, ap);
    va_end(ap);
}
