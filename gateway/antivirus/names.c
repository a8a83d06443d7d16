#include "gateway/antivirus/names.h"

#include "base/ascii.h"
#include "base/buf.h"
#include "gateway/antivirus/loose.h"
#include "mail/charset.h"
#include "mail/transfer.h"
#include "mail/word.h"

#define HEAD_MAX     ((size_t)256 * 1024) /* of a header; nobody names a file behind that */
#define SECTIONS_MAX 64
#define DECODED_MAX  ((size_t)64 * 1024)
/* Bytes of values that are read of a header: without a semicolon, each value holds all that follow.
 */
#define WORK_RATIO 16
#define WORK_LEAST ((size_t)16 * 1024)

/* "name*2*=value" or "name=value" */
struct section {
    struct str value;
    uint64_t number;
    bool sectioned;
    bool extended;
    bool of_filename; /* "filename", not "name" */
};

struct reader {
    struct av_names *names;
    struct pool *pool;
    struct section sections[SECTIONS_MAX];
    size_t n;
    size_t work_left; /* bytes of values that may still be read */
};

void av_names_add(struct av_names *names, struct pool *pool, struct str name)
{
    name = str_trim(name);
    if (name.n == 0)
        return;
    for (size_t i = 0; i < names->n; i++)
        if (str_eq(names->list[i], name))
            return;
    if (names->n == AV_NAMES_MAX || name.n > AV_NAME_BYTES_MAX) {
        names->left_out = true;
        return;
    }
    struct str copy = pool_str(pool, name);
    if (copy.s)
        names->list[names->n++] = copy;
    else
        names->left_out = true;
}

static bool is_blank(char c)
{
    return c == '\0' || ascii_is_space(c);
}

/* --- one value, decoded in all ways --- */

/* "charset'language'" in front, as RFC 2231 has it */
static struct str take_charset(struct str *value)
{
    size_t first = str_chr(*value, '\'');
    size_t second = first == STR_NONE ? STR_NONE : str_chr(str_from(*value, first + 1), '\'');
    if (second == STR_NONE)
        return STR_EMPTY;
    struct str charset = str_sub(*value, 0, first);
    *value = str_from(*value, first + second + 2);
    return charset;
}

static void add_text(struct reader *r, const struct buf *text)
{
    if (buf_ok(text))
        av_names_add(r->names, r->pool, buf_str(text));
    else
        r->names->left_out = true;
}

/* What is left of UTF-16 where the charset is not believed: the letters of ASCII. */
static void drop_nul(struct buf *bytes)
{
    size_t n = 0;
    for (size_t i = 0; i < bytes->n; i++)
        if (bytes->p[i] != 0)
            bytes->p[n++] = bytes->p[i];
    buf_cut(bytes, n);
}

static void add_extended(struct reader *r, struct str value)
{
    struct buf bytes = BUF_INIT(DECODED_MAX), text = BUF_INIT(4 * DECODED_MAX);
    struct str charset = take_charset(&value);
    transfer_percent(value, &bytes);
    charset_to_utf8(charset, buf_str(&bytes), &text);
    add_text(r, &text);
    if (str_chr(buf_str(&bytes), '\0') != STR_NONE) {
        drop_nul(&bytes);
        buf_clear(&text);
        charset_to_utf8(STR("utf-8"), buf_str(&bytes), &text);
        add_text(r, &text);
    }
    r->names->left_out |= !buf_ok(&bytes);
    buf_release(&bytes);
    buf_release(&text);
}

/* UTF-16 without a mark in front: some take it for little-endian. */
static void add_little_endian(struct reader *r, struct str value)
{
    static const struct str big = {"=?utf-16?", 9};
    struct buf other = BUF_INIT(DECODED_MAX), text = BUF_INIT(4 * DECODED_MAX);
    for (size_t at; (at = str_ifind(value, big)) != STR_NONE;) {
        buf_add(&other, str_sub(value, 0, at));
        buf_add(&other, STR("=?utf-16le?"));
        value = str_from(value, at + big.n);
    }
    buf_add(&other, value);
    words_decode(buf_str(&other), &text);
    add_text(r, &text);
    buf_release(&other);
    buf_release(&text);
}

static void add_value(struct reader *r, struct str value)
{
    struct buf text = BUF_INIT(4 * DECODED_MAX);
    words_decode(value, &text);
    add_text(r, &text);
    buf_release(&text);
    if (str_ifind(value, STR("=?utf-16?")) != STR_NONE)
        add_little_endian(r, value);
    if (str_chr(value, '%') != STR_NONE || str_chr(value, '\'') != STR_NONE)
        add_extended(r, value);
}

/* --- one value, taken out of its quotes in all ways --- */

static void add_unescaped(struct reader *r, struct str value)
{
    struct buf plain = BUF_INIT(DECODED_MAX);
    for (size_t i = 0; i < value.n; i++) {
        if (value.s[i] == '\\' && i + 1 < value.n)
            i++;
        buf_addc(&plain, value.s[i]);
    }
    add_value(r, buf_str(&plain));
    buf_release(&plain);
}

static void add_without_quotes(struct reader *r, struct str value)
{
    struct buf plain = BUF_INIT(DECODED_MAX);
    for (size_t i = 0; i < value.n; i++)
        if (!strchr("\"'\\", value.s[i]) || value.s[i] == 0)
            buf_addc(&plain, value.s[i]);
    add_value(r, buf_str(&plain));
    buf_release(&plain);
}

static size_t find_any(struct str x, size_t from, const char *chars)
{
    while (from < x.n && (x.s[from] == 0 || !strchr(chars, x.s[from])))
        from++;
    return from;
}

static size_t closing_quote(struct str x, char quote)
{
    size_t at = 1;
    while (at < x.n && x.s[at] != quote)
        at += x.s[at] == '\\' ? 2 : 1;
    return at < x.n ? at : x.n;
}

static void count_work(struct reader *r, size_t n)
{
    r->work_left -= n < r->work_left ? n : r->work_left;
}

/* What `x`, that a value begins, is up to its end, where some programs see the end. */
static void add_readings(struct reader *r, struct str x)
{
    if (x.n > 0 && (x.s[0] == '"' || x.s[0] == '\'')) {
        size_t end = closing_quote(x, x.s[0]);
        struct str inside = str_sub(x, 1, end);
        add_value(r, inside);
        if (str_chr(inside, '\\') != STR_NONE)
            add_unescaped(r, inside);
        size_t after = find_any(x, end, "; \t");
        count_work(r, after);
        if (after > end + 1)
            add_without_quotes(r, str_sub(x, 0, after));
        return;
    }
    x = str_sub(x, 0, find_any(x, 0, ";"));
    count_work(r, x.n);
    size_t blank = find_any(x, 0, " \t");
    add_value(r, x);
    if (blank < x.n)
        add_value(r, str_sub(x, 0, blank));
    if (find_any(x, 0, "\"\\") < x.n)
        add_without_quotes(r, x);
}

/* --- sections --- */

/* The value that a section has, without quotes. */
static struct str section_value(struct str x)
{
    if (x.n > 0 && (x.s[0] == '"' || x.s[0] == '\''))
        return x.s[0] == '"' || closing_quote(x, '\'') + 1 == find_any(x, 0, "; \t")
                   ? str_sub(x, 1, closing_quote(x, x.s[0]))
                   : str_sub(x, 0, find_any(x, 0, ";"));
    return str_trim(str_sub(x, 0, find_any(x, 0, ";")));
}

static void add_joined(struct reader *r, const struct section *const *order, size_t n)
{
    struct buf joined = BUF_INIT(DECODED_MAX);
    bool extended = false;
    for (size_t i = 0; i < n; i++) {
        buf_add(&joined, order[i]->value);
        extended |= order[i]->extended;
    }
    if (!buf_ok(&joined))
        r->names->left_out = true;
    else if (extended)
        add_extended(r, buf_str(&joined));
    else
        add_value(r, buf_str(&joined));
    buf_release(&joined);
}

/* Stable, by number; few. */
static void sort(const struct section **list, size_t n)
{
    for (size_t i = 1; i < n; i++)
        for (size_t k = i; k > 0 && list[k - 1]->number > list[k]->number; k--) {
            const struct section *swap = list[k];
            list[k] = list[k - 1];
            list[k - 1] = swap;
        }
}

/* Of sections with one number the first or the last is kept. */
static size_t without_repeats(const struct section **list, size_t n, bool last)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && list[kept - 1]->number == list[i]->number) {
            if (last)
                list[kept - 1] = list[i];
            continue;
        }
        list[kept++] = list[i];
    }
    return kept;
}

static size_t before_gap(const struct section *const *list, size_t n)
{
    size_t i = 1;
    while (i < n && list[i]->number == list[i - 1]->number + 1)
        i++;
    return i < n ? i : n;
}

static void add_sections(struct reader *r, bool of_filename)
{
    const struct section *order[SECTIONS_MAX], *sorted[SECTIONS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++)
        if (r->sections[i].sectioned && r->sections[i].of_filename == of_filename)
            order[n++] = &r->sections[i];
    if (n == 0)
        return;
    add_joined(r, order, n);
    for (int last = 0; last < 2; last++) {
        for (size_t i = 0; i < n; i++)
            sorted[i] = order[i];
        sort(sorted, n);
        size_t kept = without_repeats(sorted, n, last);
        add_joined(r, sorted, kept);
        add_joined(r, sorted, before_gap(sorted, kept));
    }
}

/* --- the header --- */

/* Reads what follows "name" or "filename" at `at` of a line; false: it is no parameter. */
static bool read_section(struct str text, size_t at, struct section *section, struct str *value)
{
    uint64_t number = 0;
    bool digits = false;
    while (at < text.n && is_blank(text.s[at]))
        at++;
    if (at < text.n && text.s[at] == '*') {
        size_t from = ++at;
        while (at < text.n && ascii_is_digit(text.s[at]))
            at++;
        digits = at > from && str_to_u64(str_sub(text, from, at), UINT32_MAX, &number);
        section->extended = at == from;
        if (at > from && at < text.n && text.s[at] == '*') {
            section->extended = true;
            at++;
        }
    }
    while (at < text.n && is_blank(text.s[at]))
        at++;
    if (at >= text.n || text.s[at] != '=')
        return false;
    at++;
    while (at < text.n && is_blank(text.s[at]))
        at++;
    section->sectioned = digits;
    section->number = number;
    *value = str_from(text, at);
    return true;
}

static void read_line(struct reader *r, struct str line)
{
    size_t at = 0, found;
    while (r->work_left > 0 && (found = str_ifind(str_from(line, at), STR("name"))) != STR_NONE) {
        struct section section = {0};
        struct str value;
        size_t start = at + found;
        at = start + strlen("name");
        section.of_filename = start >= 4 && str_ieq(str_sub(line, start - 4, start), STR("file"));
        if (!read_section(line, at, &section, &value))
            continue;
        if (!section.sectioned) {
            add_readings(r, value);
            continue;
        }
        if (r->n == SECTIONS_MAX) {
            r->names->left_out = true;
            continue;
        }
        section.value = section_value(value);
        r->sections[r->n++] = section;
    }
}

static bool is_fold(struct str head, size_t at)
{
    return at + 1 < head.n && (head.s[at + 1] == ' ' || head.s[at + 1] == '\t');
}

enum { WITHOUT_COMMENTS = 1, WITHOUT_FOLDS = 2 };

/* Appends the header, one field a line; what stands in (), and the blanks that a fold is made of,
 * are left out if so wished. */
static void unfold(struct str head, unsigned how, struct buf *out)
{
    unsigned depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < head.n; i++) {
        char c = head.s[i];
        if (c == '\r' || c == '\0')
            continue;
        if (c == '\n' && is_fold(head, i)) {
            while ((how & WITHOUT_FOLDS) && is_fold(head, i))
                i++;
            continue;
        }
        if (c == '\n') {
            depth = 0;
            quoted = false;
        }
        quoted ^= c == '"' && depth == 0;
        if ((how & WITHOUT_COMMENTS) && c == '(' && !quoted)
            depth++;
        else if (c == ')' && depth > 0)
            depth--;
        else if (depth == 0)
            buf_addc(out, c);
    }
}

static void read_head(struct reader *r, struct str head, unsigned how)
{
    struct buf text = BUF_INIT(HEAD_MAX);
    unfold(head, how, &text);
    struct str rest = buf_str(&text), line;
    r->n = 0;
    r->work_left = WORK_RATIO * head.n + WORK_LEAST;
    while (str_next_line(&rest, &line))
        read_line(r, line);
    add_sections(r, true);
    add_sections(r, false);
    r->names->left_out |= !buf_ok(&text) || r->work_left == 0;
    buf_release(&text);
}

void av_names_read(struct av_names *names, struct pool *pool, struct str head)
{
    struct reader reader = {.names = names, .pool = pool};
    struct buf fields = BUF_INIT(HEAD_MAX);
    av_loose_fields(head, &fields);
    struct str text = buf_str(&fields);
    bool comments = str_chr(text, '(') != STR_NONE;
    bool folds = str_find(text, STR("\n ")) != STR_NONE || str_find(text, STR("\n\t")) != STR_NONE;
    bool any = comments || folds || str_ifind(text, STR("name")) != STR_NONE ||
               str_chr(text, '\0') != STR_NONE;
    if (any)
        read_head(&reader, text, 0);
    if (comments)
        read_head(&reader, text, WITHOUT_COMMENTS);
    if (folds)
        read_head(&reader, text, WITHOUT_FOLDS);
    names->left_out |= !buf_ok(&fields);
    buf_release(&fields);
}
