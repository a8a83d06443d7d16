#include "rules/facts/mime_counts.h"

#include "base/ascii.h"
#include "rules/facts/locales.h"

#define QP_LINE_MAX 78 /* RFC 5322 2.1.1; RFC 2045 would have 76 */

/* What the header of one part says, in lower case. */
struct head {
    struct str type, encoding, disposition, charset;
};

/* Sums over all parts, until all are known. */
struct sums {
    struct mime_counts *counts;
    size_t qp_needless;
    size_t unicode, plain; /* bytes and references of text/plain */
    size_t *alternative;   /* by leaf: bytes; STR_NONE: an attachment */
    const struct fact_part **leaves;
    size_t n_leaves;
};

static bool has(struct str text, struct str what)
{
    return str_find(text, what) != STR_NONE;
}

bool charset_looks_like_capitals(struct str charset)
{
    static const char *const words[] = {"koi",  "jp",           "jis",    "euc",        "gb",
                                        "big5", "isoir",        "cp1251", "georgianps", "pt154",
                                        "tis",  "windows-1251", NULL};
    for (size_t i = 0; i < charset.n; i++) {
        if (!ascii_is_word(charset.s[i]) && charset.s[i] != '-')
            return false;
    }
    for (size_t i = 0; words[i]; i++) {
        if (str_ifind(charset, str_of(words[i])) != STR_NONE)
            return true;
    }
    return false;
}

static bool is_ascii_or_none(struct str charset)
{
    static const char *const names[] = {"us",       "ascii",  "ansi_x3.4-1968", "ansi_x3.4-1986",
                                        "iso-ir-6", "ibm367", "cp367",          "iso_646.irv:1991",
                                        NULL};
    if (charset.n == 0)
        return true;
    for (size_t i = 0; names[i]; i++) {
        if (has(charset, str_of(names[i])))
            return true;
    }
    return false;
}

/* Behind a digit or letter at `at`-1 the word is over. */
static bool word_ends(struct str x, size_t at)
{
    return at >= x.n || !ascii_is_word(x.s[at]);
}

/* "iso-8859-15", "iso-2022-jp": somewhere in it. */
static bool names_known_iso(struct str charset)
{
    const struct str latin = STR("iso-8859-");
    for (size_t at = 0; at < charset.n; at++) {
        struct str rest = str_from(charset, at);
        if ((str_starts(rest, STR("iso-2022-jp")) || str_starts(rest, STR("iso-2022-kr"))) &&
            word_ends(rest, 11))
            return true;
        if (!str_starts(rest, latin))
            continue;
        size_t digits = 0;
        while (latin.n + digits < rest.n && rest.s[latin.n + digits] >= '0' &&
               rest.s[latin.n + digits] <= '9')
            digits++;
        if (digits >= 1 && digits <= 2 && word_ends(rest, latin.n + digits))
            return true;
    }
    return false;
}

/* "iso-", something, "-", then a letter or digit, all in one word without blanks. */
static bool names_some_iso(struct str charset)
{
    size_t at = str_find(charset, STR("iso-"));
    if (at == STR_NONE)
        return false;
    struct str rest = str_from(charset, at + 4);
    bool hyphen = false;
    for (size_t i = 0; i < rest.n && !strchr(" \t\r\n", rest.s[i]); i++) {
        if (hyphen && ascii_is_word(rest.s[i]))
            return true;
        hyphen |= i > 0 && rest.s[i] == '-';
    }
    return false;
}

static void count_charset(struct facts *facts, struct mime_counts *counts, struct str charset)
{
    struct str locales = settings_text(facts->settings, SETTINGS_OK_LOCALES);
    bool letter = false;
    for (size_t i = 0; i < charset.n; i++)
        letter |= charset.s[i] >= 'a' && charset.s[i] <= 'z';
    counts->bad_iso_charset |= names_some_iso(charset) && !names_known_iso(charset);
    if (!letter)
        return;
    counts->some_charset = true;
    counts->caps_are_usual |= charset_looks_like_capitals(charset);
    counts->faraway_charset |=
        !locales_allow_all(locales) && !locales_allow_charset(locales, charset);
}

static void count_head(struct facts *facts, struct mime_counts *counts, const struct head *head)
{
    bool text = str_starts(head->type, STR("text")), base64 = has(head->encoding, STR("base64"));
    bool html = str_eq(head->type, STR("text/html"));
    counts->alternative |= str_eq(head->type, STR("multipart/alternative"));
    counts->html += html;
    counts->text += text && !html;
    counts->base64 += base64;
    counts->qp += !base64 && has(head->encoding, STR("quoted-printable"));
    counts->attachments += has(head->disposition, STR("attachment"));
    counts->base64_text |= text && base64 && is_ascii_or_none(head->charset) &&
                           !str_starts(head->disposition, STR("attachment")) &&
                           !str_starts(head->disposition, STR("inline"));
    count_charset(facts, counts, head->charset);
}

/* Is "=XX" at the place a printable character (or tab) that needs no encoding? */
static bool is_needless(struct str line, size_t at)
{
    if (line.s[at] != '=' || line.n - at < 3)
        return false;
    char high = line.s[at + 1], low = line.s[at + 2];
    if (high == '0')
        return low == '9';
    bool any = (low >= '0' && low <= '9') || (low >= 'A' && low <= 'F');
    if (high == '3')
        return (low >= '0' && low <= '9') || (low >= 'A' && low <= 'F' && low != 'D');
    return any && (strchr("2456", high) || (high == '7' && low != 'F'));
}

/* How many "=09" and "=20" stand together at the line's end. */
static size_t trailing_blanks(struct str line)
{
    line = str_trim(line);
    size_t n = 0;
    while (line.n >= 3 && (str_ends(line, STR("=09")) || str_ends(line, STR("=20")))) {
        line.n -= 3;
        n++;
    }
    return n;
}

static void count_qp_line(struct sums *sums, struct str line)
{
    if (str_starts(line, STR("SPAM: ")))
        return;
    size_t needless = 0;
    sums->counts->qp_long_line |= line.n > QP_LINE_MAX + 1;
    sums->counts->qp_bytes += line.n;
    for (size_t at = str_chr(line, '='); at < line.n; at++) {
        if (is_needless(line, at)) {
            needless++;
            at += 2;
        }
    }
    if (needless)
        sums->qp_needless += needless - trailing_blanks(line);
}

/* "&#x12AB;", four capital hexadecimal digits. */
static bool is_reference(struct str line, size_t at)
{
    if (line.n - at < 8 || memcmp(line.s + at, "&#x", 3) != 0 || line.s[at + 7] != ';')
        return false;
    for (size_t i = at + 3; i < at + 7; i++) {
        char c = line.s[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'F'))
            return false;
    }
    return true;
}

static void count_references(struct sums *sums, struct str raw)
{
    size_t found = 0;
    for (const char *p = raw.n ? memchr(raw.s, '&', raw.n) : NULL; p;) {
        size_t at = (size_t)(p - raw.s);
        size_t step = is_reference(raw, at) ? 8 : 1;
        found += step == 8;
        p = at + step < raw.n ? memchr(p + step, '&', raw.n - at - step) : NULL;
    }
    sums->unicode += found;
    sums->plain += raw.n - 8 * found;
}

static bool is_illegal_ascii(struct str raw)
{
    for (size_t i = 0; i < raw.n; i++) {
        if (raw.s[i] == 0 || raw.s[i] == '\r' || (unsigned char)raw.s[i] >= 0x80)
            return true;
    }
    return false;
}

/* The line with its line end. */
static bool next_line(struct str *rest, struct str *line)
{
    if (rest->n == 0)
        return false;
    size_t end = str_chr(*rest, '\n');
    *line = str_sub(*rest, 0, end == STR_NONE ? rest->n : end + 1);
    *rest = str_from(*rest, line->n);
    return true;
}

static size_t longest_line(struct str raw)
{
    size_t longest = 0;
    struct str line;
    while (next_line(&raw, &line))
        longest = line.n > longest ? line.n : longest;
    return longest;
}

static void count_leaf(struct sums *sums, const struct fact_part *part, const struct head *head)
{
    struct mime_counts *counts = sums->counts;
    bool attached = has(head->disposition, STR("attachment"));
    bool plain = str_eq(head->type, STR("text/plain"));
    size_t shown = counts->alternative && (plain || str_eq(head->type, STR("text/html")));
    struct str raw = part->raw, line;
    sums->leaves[sums->n_leaves] = part;
    sums->alternative[sums->n_leaves++] = attached ? STR_NONE : shown ? raw.n : 0;
    if (str_eq(head->encoding, STR("quoted-printable"))) {
        while (next_line(&raw, &line))
            count_qp_line(sums, line);
    }
    if (plain && (head->charset.s == NULL || str_eq(head->charset, STR("us-ascii"))))
        counts->illegal_ascii += is_illegal_ascii(part->raw);
    if (plain && (head->encoding.n == 0 || str_eq(head->encoding, STR("7bit")) ||
                  str_eq(head->encoding, STR("8bit"))))
        count_references(sums, part->raw);
    if (str_eq(head->encoding, STR("base64")) && !str_eq(head->type, STR("application/ics"))) {
        size_t longest = longest_line(part->raw);
        if (longest > counts->base64_longest)
            counts->base64_longest = longest;
    }
}

static int read_head(struct facts *facts, const struct fact_part *part, struct head *head)
{
    struct str encoding = fact_field(facts, part, STR("content-transfer-encoding"));
    struct str disposition = fact_field(facts, part, STR("content-disposition"));
    head->type = part->type;
    head->encoding = pool_lower(facts->pool, encoding);
    head->disposition = pool_lower(facts->pool, disposition);
    head->charset = part->charset.s ? pool_lower(facts->pool, part->charset) : STR_EMPTY;
    bool ok = head->encoding.s && head->disposition.s && (!part->charset.s || head->charset.s);
    return ok ? 0 : -1;
}

static void finish(struct sums *sums)
{
    struct mime_counts *counts = sums->counts;
    size_t text = STR_NONE, html = STR_NONE;
    if (counts->qp_bytes) {
        counts->qp = sums->qp_needless;
        counts->qp_ratio = (double)sums->qp_needless / (double)counts->qp_bytes;
    }
    if (sums->plain)
        counts->unicode_ratio = (double)sums->unicode / (double)sums->plain;
    counts->text_to_html = 1;
    for (size_t i = sums->n_leaves; counts->alternative && i-- > 0;) {
        struct str type = sums->leaves[i]->type;
        if (sums->alternative[i] == STR_NONE)
            continue;
        if (html == STR_NONE && str_eq(type, STR("text/html")))
            html = sums->alternative[i];
        else if (text == STR_NONE && str_eq(type, STR("text/plain")))
            text = sums->alternative[i];
    }
    if (text != STR_NONE && html != STR_NONE && html > 0)
        counts->text_to_html = (double)text / (double)html;
}

const struct mime_counts *facts_mime_counts(struct facts *facts)
{
    const struct fact_parts *parts;
    struct sums sums = {.counts = facts->made[FACT_MIME_COUNTS]};
    if (sums.counts)
        return sums.counts;
    if ((parts = facts_parts(facts)) == NULL ||
        (sums.counts = POOL_NEW(facts->pool, struct mime_counts)) == NULL ||
        (sums.leaves = POOL_ARRAY(facts->pool, parts->n, const struct fact_part *)) == NULL ||
        (sums.alternative = POOL_ARRAY(facts->pool, parts->n, size_t)) == NULL)
        return NULL;
    for (size_t i = 0; i < parts->n; i++) {
        struct head head;
        if (parts->list[i]->type.n == 0)
            continue;
        if (read_head(facts, parts->list[i], &head) < 0)
            return NULL;
        count_head(facts, sums.counts, &head);
        if (parts->list[i]->leaf)
            count_leaf(&sums, parts->list[i], &head);
    }
    finish(&sums);
    return facts->made[FACT_MIME_COUNTS] = sums.counts;
}
