/* A manager's answer to a digest: the first line of the input is the subject. Whatever is read as a
 * decision is one of the digest's numbers, and nothing is decided without a word for it. */
#include <stdlib.h>

#include "reports/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_n((const char *)data, size), subject = STR_EMPTY;
    struct digest_answer answer;
    bool word = str_ifind(text, STR("accept")) != STR_NONE ||
                str_ifind(text, STR("re")) != STR_NONE; /* reject, refuser, rejeter … */
    str_next_line(&text, &subject);
    digest_answer_parse(subject, text, &answer);
    bool any = answer.others != DIGEST_NOTHING;
    for (size_t i = 0; i <= DIGEST_LINES_MAX; i++)
        any |= answer.words[i] == DIGEST_ACCEPT || answer.words[i] == DIGEST_REJECT;
    if (any != answer.any || (any && !word) || answer.words[0] != DIGEST_NOTHING)
        abort();
    if (answer.n_mistakes > DIGEST_MISTAKES_MAX)
        abort();
    for (size_t i = 0; i < answer.n_mistakes; i++)
        if (strlen(answer.mistakes[i]) >= DIGEST_MISTAKE_SIZE)
            abort();
    if (answer.token[0] && strlen(answer.token) != DIGEST_TOKEN_LEN)
        abort();
    return 0;
}
