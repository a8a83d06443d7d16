#include "rules/facts/html_notes.h"

#include "base/ascii.h"
#include "mail/utf8.h"
#include "rules/facts/text_class.h"

#define GUESSED_SIZE 200 /* pixels of an image's side that is not a number */

/* A letter or digit, or any character above ASCII that is no blank; its bytes, or 0. */
static size_t word_char(struct str x, size_t at, bool wide)
{
    unsigned char c = (unsigned char)x.s[at];
    if (c < 0x80) {
        bool alnum = ascii_is_word((char)c) && c != '_';
        return alnum || c < '\t' || (c > '\r' && c < ' ') || c == 0x7f;
    }
    if (wide && text_wide_blank(x, at))
        return 0;
    size_t n = 1;
    while (at + n < x.n && ((unsigned char)x.s[at + n] & 0xc0) == 0x80)
        n++;
    return n;
}

/* Characters above ASCII that are no part of words: signs and punctuation of what mail has. */
static const struct {
    uint32_t from, to;
} signs[] = {
    {0x80, 0xa9},     {0xab, 0xb4},     {0xb6, 0xb9},       {0xbb, 0xbf},     {0xd7, 0xd7},
    {0xf7, 0xf7},     {0x2c2, 0x2c5},   {0x2010, 0x203e},   {0x2041, 0x2053}, {0x2055, 0x2070},
    {0x2072, 0x207e}, {0x2080, 0x208e}, {0x20a0, 0x20cf},   {0x2190, 0x24b5}, {0x2500, 0x2bff},
    {0x2e00, 0x2e2e}, {0x3001, 0x3004}, {0x3008, 0x3020},   {0x3030, 0x3030}, {0xfe10, 0xfe1f},
    {0xfe30, 0xfe32}, {0xff01, 0xff0f}, {0xff1a, 0xff20},   {0xff3b, 0xff3e}, {0xff40, 0xff40},
    {0xff5b, 0xff65}, {0xffe0, 0xffff}, {0x1f000, 0x1faff},
};

/* \w, Unicode's where the text is `wide` */
static bool is_word(struct str x, size_t at, bool wide)
{
    uint32_t c = (unsigned char)x.s[at];
    if (c < 0x80)
        return ascii_is_word((char)c);
    if (!wide || text_wide_blank(x, at))
        return false;
    c = utf8_next(x, &at);
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        if (c >= signs[i].from && c <= signs[i].to)
            return false;
    }
    return true;
}

static size_t char_before(struct str x, size_t at)
{
    at--;
    while (at && ((unsigned char)x.s[at] & 0xc0) == 0x80)
        at--;
    return at;
}

/* Word characters at the end that begin at a word's edge, at most 7; 0: none. */
static unsigned count_last(struct str x, bool wide)
{
    size_t at = x.n;
    unsigned n = 0, best = 0;
    while (at > 0 && n < HTML_NOTES_PART_MAX) {
        size_t start = char_before(x, at);
        if (word_char(x, start, wide) == 0)
            break;
        at = start;
        n++;
        bool before = at > 0 && is_word(x, char_before(x, at), wide);
        if (before != is_word(x, at, wide))
            best = n;
    }
    return best;
}

/* Word characters at the start that end at a word's edge; as many as can be. */
static unsigned count_first(struct str x, bool wide)
{
    size_t at = 0;
    unsigned n = 0, best = 0;
    while (at < x.n && n < HTML_NOTES_PART_MAX) {
        size_t bytes = word_char(x, at, wide);
        if (bytes == 0)
            break;
        bool inside = is_word(x, at, wide);
        at += bytes;
        n++;
        if (inside != (at < x.n && is_word(x, at, wide)))
            best = n;
    }
    return best;
}

void html_notes_join(struct html_notes *notes, struct str before, bool before_wide,
                     struct str after, bool after_wide)
{
    if (before.n == 0 || after.n == 0 ||
        word_char(before, char_before(before, before.n), before_wide) == 0 ||
        word_char(after, 0, after_wide) == 0)
        return;
    notes->cuts++;
    unsigned last = count_last(before, before_wide);
    unsigned first = last ? count_first(after, after_wide) : 0;
    if (first)
        notes->parts[last][first] = true;
}

void html_notes_finish(const struct html_notes *notes, size_t tags, struct html_doc *doc)
{
    unsigned kinds = 0;
    for (size_t i = 0; i <= HTML_NOTES_PART_MAX; i++) {
        for (size_t j = 0; j <= HTML_NOTES_PART_MAX; j++)
            kinds += notes->parts[i][j];
    }
    doc->numbers[HTML_BACKHAIR_COUNT] = kinds;
    doc->defined[HTML_BACKHAIR_COUNT] = kinds > 0;
    if (tags && notes->cuts) {
        doc->numbers[HTML_OBFUSCATION_RATIO] = (double)notes->cuts / (double)tags;
        doc->defined[HTML_OBFUSCATION_RATIO] = true;
    }
}

static double side(struct str text, double percent)
{
    double value = 0;
    size_t n = 0;
    for (; n < text.n && text.s[n] >= '0' && text.s[n] <= '9'; n++)
        value = value * 10 + (text.s[n] - '0');
    struct str rest = str_from(text, n);
    if (rest.n && rest.s[rest.n - 1] == '\n')
        rest.n--;
    if (n == 0 || (rest.n && !str_eq(rest, STR("%"))))
        value = 0;
    else if (rest.n)
        value *= percent;
    return value > 0 ? value : GUESSED_SIZE;
}

double html_notes_area(struct str width, struct str height)
{
    return width.s && height.s ? side(width, 8) * side(height, 6) : 0;
}

/* One name, perhaps in quotes. The first may begin with a blank or a dot. */
static bool is_one_face(struct str x, bool first)
{
    size_t at = 0;
    while (at < x.n && ascii_is_space(x.s[at]))
        at++;
    bool blank = first && at > 0 && x.s[at - 1] == ' ';
    if (at < x.n && (x.s[at] == '"' || x.s[at] == '\'' || (first && x.s[at] == '.'))) {
        at++;
        blank = first && at < x.n && x.s[at] == ' ';
        at += blank;
    }
    size_t end = x.n;
    if (end > at && (x.s[end - 1] == '"' || x.s[end - 1] == '\''))
        end--;
    if (end > at && x.s[end - 1] >= '0' && x.s[end - 1] <= '9')
        end--;
    if (end <= at || end - at + blank < 2 || !ascii_is_letter(x.s[end - 1]))
        return false;
    if (!blank && !ascii_is_letter(x.s[at]))
        return false;
    for (; at < end; at++) {
        if (!ascii_is_letter(x.s[at]) && x.s[at] != ' ' && x.s[at] != '-')
            return false;
    }
    return true;
}

bool html_notes_is_face(struct str face)
{
    struct str one;
    bool first = true;
    if (str_ends(face, STR("\n")))
        face.n--;
    if (str_ends(face, STR(";")))
        face.n--;
    if (face.n == 0 || str_ends(face, STR(",")))
        return false;
    while (str_next(&face, ',', &one)) {
        if (!is_one_face(one, first))
            return false;
        first = false;
    }
    return true;
}
