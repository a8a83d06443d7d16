/* What became of a report in one line: the journal's word, which `poterne trace` shows. */
#include "gateway/reports/act.h"

#define NUMBERS_TOLD 5 /* of what waits */

static void say_numbers(const struct acting *a, enum fate fate, struct buf *text)
{
    size_t told = 0;
    for (size_t i = 0; i < a->findings->n_originals && told < NUMBERS_TOLD; i++)
        if (a->fates[i] == fate)
            buf_addf(text, "%s%llu", told++ ? ", " : " as ", (unsigned long long)a->numbers[i]);
}

void act_say(const struct acting *a, struct buf *text)
{
    static const struct {
        enum fate fate;
        bool by_class, numbers;
        const char *words;
    } lines[] = {
        {FATE_LEARNED, true, false, "learned"},
        {FATE_KNOWN, true, false, "learned before"},
        {FATE_CAPPED, true, false, "accepted, and learned when its source's share allows"},
        {FATE_WAITS, true, true, "waiting for a manager"},
        {FATE_JOINED, true, true, "known already, from others or before"},
        {FATE_NO_ROOM, false, false, "not kept: too many wait"},
        {FATE_FORGED, false, false, "refused: forged"},
        {FATE_UNCLEAR, false, false, "not learned: what we said of it is not known"},
    };
    for (size_t k = 0; k < sizeof lines / sizeof lines[0]; k++) {
        size_t spam = 0, ham = 0;
        for (size_t i = 0; i < a->findings->n_originals; i++) {
            bool counts = a->fates[i] == lines[k].fate;
            spam += counts && a->classes[i] == LEARN_SPAM;
            ham += counts && a->classes[i] != LEARN_SPAM;
        }
        if (spam + ham == 0)
            continue;
        buf_addf(text, "%s%zu %s", text->n ? "; " : "", spam + ham, lines[k].words);
        if (lines[k].by_class)
            buf_addf(text,
                     spam && ham ? " (spam %zu, ham %zu)"
                     : spam      ? " (spam)"
                                 : " (ham)",
                     spam, ham);
        if (lines[k].numbers)
            say_numbers(a, lines[k].fate, text);
    }
    if (a->findings->left_out.n)
        buf_addf(text, "%snot taken: %.*s", text->n ? "; " : "", STR_ARG(a->findings->left_out));
}
