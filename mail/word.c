#include "mail/word.h"

#include "base/ascii.h"
#include "mail/charset.h"
#include "mail/message.h"
#include "mail/transfer.h"
#include "mail/utf8.h"

struct word {
    struct str charset;
    struct str text; /* still encoded */
    char encoding;   /* 'b' or 'q' */
    size_t start;
    size_t end;
};

/* Bytes of adjacent words in one charset, which may cut a character in two (as many senders do,
 * against RFC 2047 5 (3)), are converted together. */
struct run {
    struct str charset;
    struct buf bytes;
};

static bool charset_name(struct str x)
{
    for (size_t i = 0; i < x.n; i++)
        if (x.s[i] <= 32 || x.s[i] >= 127 || x.s[i] == '=')
            return false;
    return x.n > 0 && x.n <= 64;
}

/*
 * The word that starts with the "=?" at `at`. *closable is cleared when no "?=" is left at all,
 * so that a long text of "=?" is looked through once.
 */
static bool word_at(struct str text, size_t at, struct word *word, bool *closable)
{
    struct str rest = str_from(text, at + 2);
    struct str head = str_sub(rest, 0, 80);
    size_t mark = str_chr(head, '?');
    if (mark == STR_NONE || mark + 2 >= rest.n || rest.s[mark + 2] != '?')
        return false;
    word->encoding = str_lower_char(rest.s[mark + 1]);
    word->charset = str_sub(rest, 0, mark);
    size_t language = str_chr(word->charset, '*'); /* RFC 2231 5 */
    if (language != STR_NONE)
        word->charset.n = language;
    if ((word->encoding != 'b' && word->encoding != 'q') || !charset_name(word->charset))
        return false;
    size_t from = mark + 3;
    size_t close = str_find(str_from(rest, from), STR("?="));
    if (close == STR_NONE) {
        *closable = false;
        return false;
    }
    word->text = str_sub(rest, from, from + close);
    word->start = at;
    word->end = at + 2 + from + close + 2;
    return true;
}

static bool next_word(struct str text, size_t from, struct word *word)
{
    bool closable = true;
    while (closable && from < text.n) {
        size_t at = str_find(str_from(text, from), STR("=?"));
        if (at == STR_NONE)
            return false;
        if (word_at(text, from + at, word, &closable))
            return true;
        from += at + 2;
    }
    return false;
}

static void run_flush(struct run *run, struct buf *out)
{
    charset_to_utf8(run->charset, buf_str(&run->bytes), out);
    buf_clear(&run->bytes);
}

static void run_add(struct run *run, const struct word *word, struct buf *out)
{
    if (run->bytes.n && !str_ieq(run->charset, word->charset))
        run_flush(run, out);
    run->charset = word->charset;
    if (word->encoding == 'b')
        transfer_base64(word->text, &run->bytes);
    else
        transfer_q(word->text, &run->bytes);
}

static bool only_blanks(struct str x)
{
    return str_trim(x).n == 0;
}

void words_decode(struct str text, struct buf *out)
{
    struct run run = {.bytes = BUF_INIT(text.n)};
    struct word word;
    size_t at = 0;
    while (next_word(text, at, &word)) {
        struct str between = str_sub(text, at, word.start);
        if (at == 0 || !only_blanks(between)) {
            run_flush(&run, out);
            charset_to_utf8(STR_EMPTY, between, out);
        }
        run_add(&run, &word, out);
        at = word.end;
    }
    run_flush(&run, out);
    charset_to_utf8(STR_EMPTY, str_from(text, at), out);
    if (run.bytes.failed)
        out->failed = true;
    buf_release(&run.bytes);
}

void words_bytes(struct str text, struct buf *out)
{
    struct word word;
    size_t at = 0;
    while (next_word(text, at, &word)) {
        struct str between = str_sub(text, at, word.start);
        if (at == 0 || !only_blanks(between))
            buf_add(out, between);
        if (word.encoding == 'b')
            transfer_base64(word.text, out);
        else
            transfer_q(word.text, out);
        at = word.end;
    }
    buf_add(out, str_from(text, at));
}

/* RFC 2047 2: a word has at most 75 characters; 5 (3): no character is parted. */
#define WORD_MAX 75
/* The first stands behind the field's name. */
#define FIRST_WORD_MAX 55

static void put_q(char c, struct buf *out)
{
    if (ascii_is_alnum(c))
        buf_addc(out, c);
    else if (c == ' ' || (unsigned char)c < ' ' || c == 127)
        buf_addc(out, '_');
    else
        buf_addf(out, "=%02X", (unsigned char)c);
}

static void put_words(struct str text, struct buf *out)
{
    size_t start = out->n, room = FIRST_WORD_MAX;
    buf_add(out, STR("=?UTF-8?Q?"));
    for (size_t at = 0; at < text.n;) {
        size_t from = at;
        utf8_next(text, &at);
        /* every byte may need three characters, and the word its end */
        if (out->n - start + 3 * (at - from) + 2 > room) {
            buf_add(out, STR("?=\r\n "));
            start = out->n;
            room = WORD_MAX;
            buf_add(out, STR("=?UTF-8?Q?"));
        }
        for (size_t i = from; i < at; i++)
            put_q(text.s[i], out);
    }
    buf_add(out, STR("?="));
}

void words_encode(struct str text, struct buf *out)
{
    /* what looks like an encoded word, and is none, must not become one */
    if (utf8_ascii_end(text, 0) < text.n || str_find(text, STR("=?")) != STR_NONE) {
        put_words(text, out);
        return;
    }
    for (size_t i = 0; i < text.n; i++)
        buf_addc(out, (unsigned char)text.s[i] < ' ' || text.s[i] == 127 ? ' ' : text.s[i]);
}

/* Printable ASCII without an encoded word, as most fields are: decoding changes nothing. */
static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((text.s[i] < ' ' && text.s[i] != '\t') || text.s[i] > '~' ||
            (text.s[i] == '?' && i && text.s[i - 1] == '='))
            return false;
    return true;
}

struct str header_text(struct pool *pool, const struct header *header)
{
    struct str value = header_unfold(pool, header);
    if (value.n == 0 || is_plain(value))
        return value;
    struct buf out = BUF_INIT(value.n * 4);
    words_decode(value, &out);
    struct str text = out.failed ? STR_EMPTY : pool_str(pool, str_trim(buf_str(&out)));
    buf_release(&out);
    return text;
}
