/* Header text as Message/Node.pm of SpamAssassin 4.0.1 decodes it. */
#include "base/ascii.h"
#include "mail/charset.h"
#include "mail/transfer.h"
#include "mail/utf8.h"
#include "rules/facts/header.h"

#define CHARSET_MAX 64 /* bytes of a charset's name */

/* "=?charset?B?text?=" at the beginning of a text. */
struct encoded_word {
    struct str charset;
    char encoding; /* 'b' or 'q' */
    struct str text;
    size_t n; /* bytes of the whole */
};

static bool is_charset_char(char c)
{
    return ascii_is_word(c) || c == '*' || c == '-';
}

static bool word_at(struct str x, size_t at, struct encoded_word *word)
{
    size_t i = at + 2;
    if (!str_starts(str_from(x, at), STR("=?")))
        return false;
    while (i < x.n && is_charset_char(x.s[i]))
        i++;
    word->charset = str_sub(x, at + 2, i);
    if (word->charset.n == 0 || i + 3 > x.n || x.s[i] != '?' || x.s[i + 2] != '?')
        return false;
    word->encoding = str_lower_char(x.s[i + 1]);
    if (word->encoding != 'b' && word->encoding != 'q')
        return false;
    size_t from = i + 3, end = str_chr(str_from(x, from), '?');
    if (end == STR_NONE || from + end + 1 >= x.n || x.s[from + end + 1] != '=')
        return false;
    word->text = str_sub(x, from, from + end);
    word->n = from + end + 2 - at;
    return true;
}

static void add_char(struct buf *out, uint32_t c)
{
    char bytes[4];
    buf_addn(out, bytes, utf8_put(bytes, c));
}

/* windows-1252, in which five codes mean nothing. */
static void add_1252(struct buf *out, struct str x)
{
    for (size_t i = 0; i < x.n; i++) {
        unsigned char c = (unsigned char)x.s[i];
        uint32_t code = windows_1252_char(c);
        add_char(out, c >= 0x80 && c < 0xa0 && code == c ? UTF8_REPLACE : code);
    }
}

static void add_utf8(struct buf *out, struct str x)
{
    size_t at = 0;
    while (at < x.n)
        add_char(out, utf8_next(x, &at)); /* what is no character becomes U+FFFD */
}

/* Text of a field that names no charset: UTF-8 when it is, else windows-1252. */
static void add_unnamed(struct buf *out, struct str x)
{
    if (utf8_valid_end(x) == x.n)
        buf_add(out, x);
    else
        add_1252(out, x);
}

static bool is_latin1(struct str charset)
{
    static const char *const names[] = {"iso-8859-1", "iso8859-1", "windows-1252", "cp1252"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_ieq(charset, str_of(names[i])))
            return true;
    }
    return false;
}

/* Escapes of 7 bits that are other letters all the same. */
static bool is_shifted(struct str charset)
{
    return str_istarts(charset, STR("iso-2022")) || str_istarts(charset, STR("utf-7")) ||
           str_istarts(charset, STR("utf-16")) || str_istarts(charset, STR("utf16")) ||
           str_istarts(charset, STR("utf-32")) || str_istarts(charset, STR("hz"));
}

static void add_decoded(struct buf *out, struct str charset, struct str x)
{
    charset = str_sub(charset, 0, str_chr(charset, '*')); /* RFC 2231 5: a language */
    if (str_is_ascii(x) && !is_shifted(charset))
        buf_add(out, x);
    else if (str_ieq(charset, STR("utf-8")) || str_ieq(charset, STR("utf8")))
        add_utf8(out, x);
    else if (is_latin1(charset) || !charset_known(charset))
        add_1252(out, x);
    else
        charset_to_utf8(charset, x, out);
}

/* Encoded words of one charset that follow each other, put together before they are converted. */
struct section {
    char charset[CHARSET_MAX + 1];
    struct buf bytes;
    bool open;
};

static void close_section(struct section *section, struct buf *out)
{
    if (section->open)
        add_decoded(out, str_of(section->charset), buf_str(&section->bytes));
    buf_clear(&section->bytes);
    section->open = false;
}

static void open_section(struct section *section, struct str charset, struct buf *out)
{
    charset = str_sub(charset, 0, CHARSET_MAX);
    if (section->open && !str_ieq(charset, str_of(section->charset)))
        close_section(section, out);
    if (!section->open)
        str_copy(charset, section->charset, sizeof section->charset);
    section->open = true;
}

static void add_word(struct section *section, const struct encoded_word *word)
{
    if (word->encoding == 'b')
        transfer_base64(word->text, &section->bytes);
    else
        transfer_q(word->text, &section->bytes);
}

/* Blanks between two encoded words mean nothing. */
static size_t behind_blanks(struct str x, size_t at)
{
    struct encoded_word next;
    size_t i = at;
    while (i < x.n && ascii_is_space(x.s[i]))
        i++;
    return i > at && word_at(x, i, &next) ? i : at;
}

static void add_words(struct buf *out, struct str x)
{
    struct section section = {.bytes = BUF_INIT(HEADER_VALUE_MAX * 4)};
    struct encoded_word word;
    for (size_t at = 0; at < x.n;) {
        if (word_at(x, at, &word)) {
            open_section(&section, word.charset, out);
            add_word(&section, &word);
            at = behind_blanks(x, at + word.n);
            continue;
        }
        close_section(&section, out);
        size_t equals = str_chr(str_from(x, at + 1), '=');
        size_t end = equals == STR_NONE ? x.n : at + 1 + equals;
        buf_add(out, str_sub(x, at, end));
        at = end;
    }
    close_section(&section, out);
    out->failed |= section.bytes.failed;
    buf_release(&section.bytes);
}

/* Fields whose syntax has no place for encoded words. */
static bool has_no_words(struct str name)
{
    static const char *const names[] = {"Received",          "Message-ID",  "Date",
                                        "Resent-Message-ID", "Resent-Date", "MIME-Version",
                                        "References",        "In-Reply-To"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_ieq(name, str_of(names[i])))
            return true;
    }
    return str_istarts(name, STR("List-"));
}

/* A fold becomes one blank, other line ends go; no blanks at the ends. */
static struct str unfold(struct pool *pool, struct str raw)
{
    while (raw.n && ascii_is_space(raw.s[0]))
        raw = str_from(raw, 1);
    while (raw.n && ascii_is_space(raw.s[raw.n - 1]))
        raw.n--;
    if (raw.n == 0)
        return STR("");
    if (memchr(raw.s, '\n', raw.n) == NULL)
        return raw;
    char *to = pool_alloc(pool, raw.n + 1);
    size_t n = 0;
    if (to == NULL)
        return STR_EMPTY;
    for (size_t i = 0; i < raw.n; i++) {
        if (raw.s[i] != '\n') {
            to[n++] = raw.s[i];
            continue;
        }
        if (n && to[n - 1] == '\r')
            n--;
        if (i + 1 < raw.n && (raw.s[i + 1] == ' ' || raw.s[i + 1] == '\t'))
            to[n++] = ' ';
        while (i + 1 < raw.n && (raw.s[i + 1] == ' ' || raw.s[i + 1] == '\t'))
            i++;
    }
    return str_n(to, n);
}

struct str header_decode(struct pool *pool, struct str name, struct str raw)
{
    struct str text = unfold(pool, str_sub(raw, 0, HEADER_VALUE_MAX));
    bool words = str_find(text, STR("=?")) != STR_NONE && !has_no_words(name);
    if (text.s == NULL || (!words && str_is_ascii(text)))
        return text;
    struct buf clean = BUF_INIT(HEADER_VALUE_MAX * 4), decoded = BUF_INIT(HEADER_VALUE_MAX * 8);
    add_unnamed(&clean, text);
    if (words)
        add_words(&decoded, buf_str(&clean));
    bool ok = buf_ok(&clean) && buf_ok(&decoded);
    struct str copy = ok ? pool_str(pool, buf_str(words ? &decoded : &clean)) : STR_EMPTY;
    buf_release(&clean);
    buf_release(&decoded);
    return copy;
}
