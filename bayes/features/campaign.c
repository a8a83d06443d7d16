#include "bayes/features/campaign.h"

#include "bayes/features/tokens.h"

#define WORD_MIN   4 /* letters of a word that is not likely to vary */
#define WORD_MAX   14
#define STEADY_MIN 8 /* such words that are enough to tell a campaign by */
#define CONSONANTS 4 /* in a row: more make no word */
#define BODY_MAX   65536
#define TEXT_MAX   (1024 * 1024) /* bytes whose words are looked at */

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

/* What of a word's look says that a sender of many would not vary it: no digits, no punctuation,
 * and no row of consonants that can't be spoken, which is what making up letters comes to. */
struct look {
    bool letters; /* and bytes of other scripts, nothing else */
    bool spoken;
};

static struct look look_of(struct str lower)
{
    enum { OTHER, CONSONANT, VOWEL };
    static const unsigned char kinds[256] = {
        ['a'] = VOWEL,           ['b' ... 'd'] = CONSONANT,
        ['e'] = VOWEL,           ['f' ... 'h'] = CONSONANT,
        ['i'] = VOWEL,           ['j' ... 'n'] = CONSONANT,
        ['o'] = VOWEL,           ['p' ... 't'] = CONSONANT,
        ['u'] = VOWEL,           ['v' ... 'x'] = CONSONANT,
        ['y'] = VOWEL,           ['z'] = CONSONANT,
        [0x80 ... 0xff] = VOWEL,
    };
    unsigned consonants = 0, most = 0, vowels = 0;
    for (size_t i = 0; i < lower.n; i++) {
        unsigned kind = kinds[(unsigned char)lower.s[i]];
        if (kind == OTHER)
            return (struct look){false, false};
        consonants = kind == VOWEL ? 0 : consonants + 1;
        vowels += kind == VOWEL;
        most = consonants > most ? consonants : most;
    }
    return (struct look){true, vowels && most <= CONSONANTS};
}

/* Is it certain that the word changes nothing any more? */
static bool is_settled(const struct campaign *campaign, uint64_t hash)
{
    const struct campaign_least *steady = &campaign->steady, *words = &campaign->words;
    return steady->seen >= STEADY_MIN && steady->n == CAMPAIGN_WORDS &&
           words->n == CAMPAIGN_WORDS && hash >= steady->hashes[CAMPAIGN_WORDS - 1] &&
           hash >= words->hashes[CAMPAIGN_WORDS - 1];
}

void campaign_word(struct campaign *campaign, struct str written, struct str lower)
{
    uint64_t hash = tokens_hash(lower);
    if (is_settled(campaign, hash))
        return;
    struct look look = look_of(lower);
    if (!look.letters)
        return;
    least_add(&campaign->words, hash);
    if (lower.n >= WORD_MIN && lower.n <= WORD_MAX && look.spoken && str_eq(written, lower))
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

uint64_t campaign_of(const struct message *message, const struct mail_text *text)
{
    struct campaign campaign = {0};
    /* the first paragraph is the subject */
    for (size_t i = 1, left = TEXT_MAX; i < text->n_paragraphs && left; i++) {
        struct str paragraph = str_sub(text->paragraphs[i], 0, left);
        left -= paragraph.n;
        campaign_words(&campaign, paragraph);
    }
    const struct campaign_least *least =
        campaign.steady.seen >= STEADY_MIN ? &campaign.steady : &campaign.words;
    uint64_t sum = least->n;
    if (least->n < CAMPAIGN_WORDS)
        sum = contents(message);
    for (size_t i = 0; i < least->n; i++)
        sum = add(sum, least->hashes[i]);
    return sum;
}
