#include "bayes/campaign.h"

#include "bayes/tokens.h"

#define WORD_MIN   4 /* letters of a word that is not likely to vary */
#define WORD_MAX   14
#define STEADY_MIN 8 /* such words that are enough to tell a campaign by */
#define CONSONANTS 4 /* in a row: more make no word */
#define BODY_MAX   65536

static void least_add(struct campaign_least *least, uint64_t hash)
{
    size_t at = least->n;
    least->seen++;
    if (at == CAMPAIGN_WORDS && least->hashes[at - 1] <= hash)
        return;
    while (at > 0 && least->hashes[at - 1] >= hash)
        at--;
    if (at < least->n && least->hashes[at] == hash)
        return;
    if (least->n < CAMPAIGN_WORDS)
        least->n++;
    memmove(&least->hashes[at + 1], &least->hashes[at],
            (least->n - at - 1) * sizeof least->hashes[0]);
    least->hashes[at] = hash;
}

static bool is_vowel(char c)
{
    return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y';
}

/* No digits, no punctuation: letters, or bytes of other scripts. */
static bool is_letters(struct str lower)
{
    for (size_t i = 0; i < lower.n; i++)
        if (!(lower.s[i] >= 'a' && lower.s[i] <= 'z') && !(lower.s[i] & '\x80'))
            return false;
    return true;
}

/* Whoever makes up letters makes up what can't be spoken. */
static bool is_spoken(struct str lower)
{
    size_t consonants = 0, vowels = 0;
    for (size_t i = 0; i < lower.n; i++) {
        bool vowel = is_vowel(lower.s[i]) || (lower.s[i] & '\x80');
        vowels += vowel;
        consonants = vowel ? 0 : consonants + 1;
        if (consonants > CONSONANTS)
            return false;
    }
    return vowels > 0;
}

void campaign_word(struct campaign *campaign, struct str written, struct str lower)
{
    if (!is_letters(lower))
        return;
    uint64_t hash = tokens_hash(lower);
    least_add(&campaign->words, hash);
    if (lower.n >= WORD_MIN && lower.n <= WORD_MAX && str_eq(written, lower) && is_spoken(lower))
        least_add(&campaign->steady, hash);
}

static uint64_t add(uint64_t sum, uint64_t hash)
{
    sum = (sum ^ hash) * 0x9e3779b97f4a7c15u;
    return sum ^ (sum >> 29);
}

static uint64_t contents(const struct message *message)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < message->n_parts; i++) {
        const struct part *part = message->parts[i];
        sum = add(sum, tokens_hash(part->type));
        if (part->child == NULL)
            sum = add(sum, tokens_hash(str_trim(str_sub(part->body, 0, BODY_MAX))));
    }
    return sum;
}

uint64_t campaign_finish(const struct campaign *campaign, const struct message *message)
{
    const struct campaign_least *least =
        campaign->steady.seen >= STEADY_MIN ? &campaign->steady : &campaign->words;
    uint64_t sum = least->n;
    if (least->n < CAMPAIGN_WORDS)
        sum = contents(message);
    for (size_t i = 0; i < least->n; i++)
        sum = add(sum, least->hashes[i]);
    return sum;
}
