/* The words of a text: see tokens_words() in tokens.h. */
#include "base/ascii.h"
#include "bayes/features/campaign.h"
#include "bayes/features/tokens.h"
#include "mail/utf8.h"

#define WORD_MAX  256 /* bytes of a word that are looked at */
#define LONG_HEAD 8   /* bytes that stand for a word longer than TOKEN_TEXT_MAX */

enum kind {
    BREAK,  /* between words */
    LETTER, /* part of a word */
    JOINER, /* part of a word when letters stand at both sides */
    TAIL,   /* part of a word that it follows, which it ends */
    WIDE,   /* a word of its own: scripts without blanks */
    HIDDEN, /* has no width: left out, noted */
};

static enum kind ascii_kind(unsigned char c)
{
    static const unsigned char kinds[128] = {
        ['$'] = LETTER,  ['0' ... '9'] = LETTER, ['A' ... 'Z'] = LETTER, ['a' ... 'z'] = LETTER,
        ['\''] = JOINER, ['-'] = JOINER,         ['.'] = JOINER,         ['_'] = JOINER,
        [','] = JOINER,  ['@'] = JOINER,         ['!'] = TAIL,           ['%'] = TAIL,
    };
    return (enum kind)kinds[c];
}

struct range {
    uint32_t from;
    uint32_t to;
    enum kind kind;
};

/* Unicode blocks; what is not named is part of a word. */
static enum kind wide_kind(uint32_t c)
{
    static const struct range ranges[] = {
        {0x0080, 0x00a1, BREAK},  {0x00a6, 0x00a9, BREAK},    {0x00ab, 0x00ac, BREAK},
        {0x00ad, 0x00ad, HIDDEN}, {0x00ae, 0x00b1, BREAK},    {0x00b4, 0x00b4, BREAK},
        {0x00b6, 0x00b8, BREAK},  {0x00bb, 0x00bf, BREAK},    {0x034f, 0x034f, HIDDEN},
        {0x0e00, 0x0eff, WIDE},   {0x1000, 0x109f, WIDE},     {0x115f, 0x1160, HIDDEN},
        {0x1680, 0x1680, BREAK},  {0x1780, 0x17ff, WIDE},     {0x180b, 0x180e, HIDDEN},
        {0x2000, 0x200a, BREAK},  {0x200b, 0x200f, HIDDEN},   {0x2010, 0x2029, BREAK},
        {0x202a, 0x202e, HIDDEN}, {0x202f, 0x205f, BREAK},    {0x2060, 0x2064, HIDDEN},
        {0x2065, 0x206f, BREAK},  {0x2190, 0x2bff, WIDE},     {0x3000, 0x303f, BREAK},
        {0x3040, 0x30ff, WIDE},   {0x3400, 0x9fff, WIDE},     {0xf900, 0xfaff, WIDE},
        {0xfe00, 0xfe0f, HIDDEN}, {0xfeff, 0xfeff, HIDDEN},   {0xff00, 0xff0f, BREAK},
        {0xff1a, 0xff20, BREAK},  {0xfffd, 0xfffd, BREAK},    {0x1f000, 0x1faff, WIDE},
        {0x20000, 0x3ffff, WIDE}, {0xe0000, 0xe01ef, HIDDEN},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0] && c >= ranges[i].from; i++)
        if (c <= ranges[i].to)
            return ranges[i].kind;
    return LETTER;
}

/* Lower case where it is a matter of adding a number: Latin, Greek, Cyrillic. */
static uint32_t lower(uint32_t c)
{
    if (c < 0x80)
        return (unsigned char)str_lower_char((char)c);
    if ((c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3a9) ||
        (c >= 0x410 && c <= 0x42f))
        return c + 32;
    if (c >= 0x400 && c <= 0x40f)
        return c + 80;
    if (c >= 0x100 && c <= 0x17e && c != 0x130 && c != 0x131 && c != 0x178 && c != 0x138)
        return (c >= 0x139 && c <= 0x148) || c >= 0x179 ? c + (c & 1) : c | 1;
    return c;
}

struct scan {
    struct tokens *tokens;
    struct str place;
    size_t n;      /* bytes of the word, joiners at its end included */
    size_t solid;  /* bytes up to its last letter */
    size_t length; /* characters of the word, those beyond WORD_MAX included */
    bool capitals;
    uint32_t wide;       /* the wide character before this one; 0: none */
    char word[WORD_MAX]; /* in lower case */
    char form[WORD_MAX]; /* as written */
};

/* A word with capitals counts as itself and as the word that it is: "FREE" as FREE and free. */
static void word_emit(struct scan *scan)
{
    struct str word = str_n(scan->word, scan->solid);
    if (scan->tokens->campaign)
        campaign_word(scan->tokens->campaign, str_n(scan->form, scan->solid), word);
    if (word.n > TOKEN_TEXT_MAX) {
        struct str head = utf8_head(word, LONG_HEAD);
        tokens_addf(scan->tokens, scan->place, "long %.*s %zu", STR_ARG(head), scan->length / 16);
    } else {
        tokens_add(scan->tokens, scan->place, word);
        if (scan->capitals)
            tokens_add(scan->tokens, scan->place, str_n(scan->form, scan->solid));
    }
    scan->n = scan->solid = scan->length = 0;
    scan->capitals = false;
}

static void word_break(struct scan *scan)
{
    if (scan->n)
        word_emit(scan);
    scan->wide = 0;
}

static void word_grow(struct scan *scan, uint32_t c, bool solid)
{
    uint32_t low = lower(c);
    scan->length++;
    if (scan->n + 4 > sizeof scan->word)
        return;
    utf8_put(scan->form + scan->n, c);
    scan->n += utf8_put(scan->word + scan->n, low);
    scan->capitals |= low != c;
    if (solid)
        scan->solid = scan->n;
}

static void wide_add(struct scan *scan, uint32_t c)
{
    char pair[8];
    size_t n = 0;
    if (scan->n)
        word_emit(scan);
    if (scan->wide)
        n = utf8_put(pair, scan->wide);
    n += utf8_put(pair + n, c);
    tokens_add(scan->tokens, scan->place, str_n(pair, n));
    scan->wide = c;
}

static void scan_character(struct scan *scan, uint32_t c)
{
    enum kind kind = c == UTF8_BAD ? BREAK : c < 0x80 ? ascii_kind((unsigned char)c) : wide_kind(c);
    switch (kind) {
    case LETTER:
        scan->wide = 0;
        word_grow(scan, c, true);
        return;
    case JOINER:
        /* two of them in a row join nothing */
        if (scan->n && scan->n == scan->solid)
            word_grow(scan, c, false);
        else
            word_break(scan);
        return;
    case TAIL:
        if (scan->n && scan->n == scan->solid)
            word_grow(scan, c, true);
        word_break(scan);
        return;
    case WIDE:
        wide_add(scan, c);
        return;
    case HIDDEN:
        tokens_add(scan->tokens, STR("odd"), STR("zero width"));
        return;
    case BREAK:
        word_break(scan);
        return;
    }
}

/* A run of ASCII letters at `at`, taken at once: most of most texts. Returns where it ends. */
static size_t scan_letters(struct scan *scan, struct str text, size_t at)
{
    size_t from = at, n = scan->n;
    unsigned capitals = 0;
    for (; at < text.n; at++) {
        unsigned char c = (unsigned char)text.s[at];
        if (c >= 0x80 || ascii_kind(c) != LETTER)
            break;
        if (n + 4 > sizeof scan->word)
            continue;
        char low = str_lower_char((char)c);
        capitals |= (unsigned)(low ^ (char)c);
        scan->form[n] = (char)c;
        scan->word[n++] = low;
    }
    if (at == from)
        return at;
    scan->wide = 0;
    scan->length += at - from;
    scan->capitals |= capitals != 0;
    if (n > scan->n)
        scan->solid = n;
    scan->n = n;
    return at;
}

void tokens_words(struct tokens *tokens, struct str place, struct str text)
{
    struct scan scan = {.tokens = tokens, .place = place};
    for (size_t at = 0; at < text.n && !tokens_full(tokens);) {
        at = scan_letters(&scan, text, at);
        if (at < text.n)
            scan_character(&scan, utf8_next(text, &at));
    }
    word_break(&scan);
}
