/* The words of a text: see tokens_words() in tokens.h, campaign_words() in campaign.h. */
#include "base/ascii.h"
#include "bayes/features/bytes8.h"
#include "bayes/features/campaign.h"
#include "bayes/features/tokens.h"
#include "mail/utf8.h"

#define WORD_MAX      256 /* bytes of a word that are looked at */
#define LONG_HEAD     8   /* bytes that stand for a word longer than TOKEN_TEXT_MAX */
#define CHARACTER_MAX 4   /* bytes of one character */
#define SCAN_MAX      (TOKEN_PLACE_MAX + 1 + WORD_MAX + TOKEN_PAD)

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

/* A word while it is read, in two forms; both stand behind the place, as the token will read. */
struct scan {
    struct tokens *tokens;     /* NULL: the words are looked at for the campaign alone */
    struct campaign *campaign; /* NULL: they are tokens */
    struct str place;
    size_t begin;  /* bytes of the place */
    size_t n;      /* bytes of the word, joiners at its end included */
    size_t solid;  /* bytes up to its last letter */
    size_t length; /* characters of the word, those beyond WORD_MAX included */
    bool capitals;
    uint32_t wide;        /* the wide character before this one; 0: none */
    char lower[SCAN_MAX]; /* in lower case */
    char form[SCAN_MAX];  /* as written */
};

static void scan_begin(struct scan *scan, struct tokens *tokens, struct str place,
                       struct campaign *campaign)
{
    scan->tokens = tokens;
    scan->campaign = campaign;
    scan->place = place;
    scan->begin = token_begin(scan->lower, place);
    token_begin(scan->form, place);
    scan->n = scan->solid = scan->length = 0;
    scan->capitals = false;
    scan->wide = 0;
}

/* A word with capitals counts as itself and as the word that it is: "FREE" as FREE and free. */
static void word_tokens(struct scan *scan, struct str word)
{
    struct tokens *tokens = scan->tokens;
    if (word.n > TOKEN_TEXT_MAX) {
        struct str head = utf8_head(word, LONG_HEAD);
        tokens_addf(tokens, scan->place, "long %.*s %zu", STR_ARG(head), scan->length / 16);
        return;
    }
    tokens_put(tokens, str_n(scan->lower, scan->begin + word.n));
    if (scan->capitals)
        tokens_put(tokens, str_n(scan->form, scan->begin + word.n));
}

static void word_emit(struct scan *scan)
{
    struct str word = str_n(scan->lower + scan->begin, scan->solid);
    if (scan->campaign)
        campaign_word(scan->campaign, str_n(scan->form + scan->begin, scan->solid), word);
    else
        word_tokens(scan, word);
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
    if (scan->n + CHARACTER_MAX > WORD_MAX)
        return;
    utf8_put(scan->form + scan->begin + scan->n, c);
    scan->n += utf8_put(scan->lower + scan->begin + scan->n, low);
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
    if (scan->tokens)
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
        if (scan->tokens)
            tokens_add(scan->tokens, STR("odd"), STR("zero width"));
        return;
    case BREAK:
        word_break(scan);
        return;
    }
}

/* Letters and digits of ASCII at `at`, 8 bytes at a time: most of most texts. Returns where the
 * last 8 of them end that are taken whole, or the first other byte. */
static size_t scan_eights(struct scan *scan, struct str text, size_t at)
{
    char *low = scan->lower + scan->begin, *form = scan->form + scan->begin;
    size_t n = scan->n;
    uint64_t capitals = 0, stop = 0;
    while (stop == 0 && text.n - at >= 8 && n + 8 + CHARACTER_MAX <= WORD_MAX) {
        uint64_t bytes = bytes8_get(text.s + at);
        uint64_t alphas = bytes8_within(bytes | BYTES8_EACH(0x20), 'a', 'z');
        uint64_t fold = (alphas >> 2) & ~bytes; /* 0x20 where a capital is */
        stop = ~(alphas | bytes8_within(bytes, '0', '9')) & BYTES8_EACH(0x80);
        size_t run = stop ? (size_t)__builtin_ctzll(stop) / 8 : 8;
        bytes8_put(form + n, bytes);
        bytes8_put(low + n, bytes | fold);
        capitals |= fold & ((stop & -stop) - 1);
        n += run;
        at += run;
    }
    scan->capitals |= capitals != 0;
    scan->n = n;
    return at;
}

/* A run of ASCII letters at `at`. Returns where it ends. */
static size_t scan_letters(struct scan *scan, struct str text, size_t at)
{
    size_t from = at, n = scan->n;
    at = scan_eights(scan, text, at);
    for (; at < text.n; at++) {
        unsigned char c = (unsigned char)text.s[at];
        if (c >= 0x80 || ascii_kind(c) != LETTER)
            break;
        if (scan->n + CHARACTER_MAX > WORD_MAX)
            continue;
        char low = str_lower_char((char)c);
        scan->capitals |= low != (char)c;
        scan->form[scan->begin + scan->n] = (char)c;
        scan->lower[scan->begin + scan->n++] = low;
    }
    if (at == from)
        return at;
    scan->wide = 0;
    scan->length += at - from;
    if (scan->n > n)
        scan->solid = scan->n;
    return at;
}

static bool scan_full(const struct scan *scan)
{
    return scan->tokens && tokens_full(scan->tokens);
}

static void scan_text(struct scan *scan, struct str text)
{
    for (size_t at = 0; at < text.n && !scan_full(scan);) {
        at = scan_letters(scan, text, at);
        if (at < text.n)
            scan_character(scan, utf8_next(text, &at));
    }
    word_break(scan);
}

void tokens_words(struct tokens *tokens, struct str place, struct str text)
{
    struct scan scan;
    scan_begin(&scan, tokens, place, NULL);
    scan_text(&scan, text);
}

void campaign_words(struct campaign *campaign, struct str text)
{
    struct scan scan;
    scan_begin(&scan, NULL, STR_EMPTY, campaign);
    scan_text(&scan, text);
}
