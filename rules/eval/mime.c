/* mime: SpamAssassin's MIMEEval.pm: encodings, charsets and the structure of parts. */
#include "base/ascii.h"
#include "rules/eval/eval.h"
#include "rules/facts/body.h"
#include "rules/facts/header.h"
#include "rules/facts/locales.h"
#include "rules/facts/mime_counts.h"

/* (RATIO): "&#x0123;" in text/plain parts by their other bytes is at least so */
static double check_abundant_unicode_ratio(struct eval_context *c)
{
    const struct mime_counts *counts = facts_mime_counts(c->facts);
    return counts ? counts->unicode_ratio >= c->a[0].number : EVAL_NO_MEMORY;
}

/* (MIN, MAX): of the longest line of parts in base64 */
static double check_base64_length(struct eval_context *c)
{
    const struct mime_counts *counts = facts_mime_counts(c->facts);
    return counts ? eval_in_bounds((double)counts->base64_longest, c->a, c->n, 0) : EVAL_NO_MEMORY;
}

/* a text/plain part in ASCII has NUL, CR or 8-bit bytes */
static double check_for_ascii_text_illegal(struct eval_context *c)
{
    const struct mime_counts *counts = facts_mime_counts(c->facts);
    return counts ? counts->illegal_ascii > 0 : EVAL_NO_MEMORY;
}

/* The charset of the Content-Type field, as MIMEEval.pm's own small pattern finds it. */
static struct str header_charset(struct str type)
{
    size_t at = str_ifind(type, STR("charset="));
    if (at == STR_NONE)
        return STR_EMPTY;
    struct str rest = str_from(type, at + 8);
    if (rest.n && (rest.s[0] == '"' || rest.s[0] == '\'')) {
        size_t end = str_chr(str_from(rest, 1), rest.s[0]);
        if (end != STR_NONE && end > 0)
            return str_sub(rest, 1, end + 1);
    }
    size_t n = 0;
    while (n < rest.n && !strchr(" \t\r\n", rest.s[n]))
        n++;
    return str_sub(rest, 0, n);
}

/* At least half of the bytes, and more than 3. */
static bool is_mostly_8bit(const struct fact_texts *body)
{
    size_t high = 0, all = body->n ? body->n - 1 : 0;
    for (size_t i = 0; i < body->n; i++) {
        all += body->list[i].n;
        for (size_t k = 0; k < body->list[i].n; k++)
            high += (unsigned char)body->list[i].s[k] >= 0x80;
    }
    return all - high <= high && high > 3;
}

/* Content-Type names a charset that ok_locales does not, and the text is mostly 8-bit */
static double check_for_faraway_charset(struct eval_context *c)
{
    struct str locales = settings_text(c->settings, SETTINGS_OK_LOCALES);
    struct str charset = header_charset(facts_get(c->facts, "Content-Type"));
    if (charset.n == 0 || locales_allow_all(locales) || locales_allow_charset(locales, charset))
        return 0;
    const struct fact_texts *body = facts_body(c->facts, BODY_RENDERED);
    return body ? is_mostly_8bit(body) : EVAL_NO_MEMORY;
}

/* ('mime_qp_count'): one of the plugin's counts is not 0 */
static double check_for_mime(struct eval_context *c)
{
    const struct mime_counts *counts = facts_mime_counts(c->facts);
    const struct fact_parts *parts = facts_parts(c->facts);
    if (counts == NULL || parts == NULL)
        return EVAL_NO_MEMORY;
    const struct {
        const char *name;
        bool holds;
    } tests[] = {
        {"mime_ascii_text_illegal", counts->illegal_ascii > 0},
        {"mime_attachment", counts->attachments > 0},
        {"mime_bad_iso_charset", counts->bad_iso_charset},
        {"mime_base64_count", counts->base64 > 0},
        {"mime_base64_encoded_text", counts->base64_text},
        {"mime_body_html_count", counts->html > 0},
        {"mime_body_text_count", counts->text > 0},
        {"mime_checked_attachments", true},
        {"mime_faraway_charset", counts->faraway_charset},
        {"mime_html_charsets", counts->some_charset},
        {"mime_missing_boundary", parts->unclosed},
        {"mime_multipart_alternative", counts->alternative},
        {"mime_multipart_ratio", counts->text_to_html > 0},
        {"mime_qp_bytes", counts->qp_bytes > 0},
        {"mime_qp_count", counts->qp > 0},
        {"mime_qp_long_line", counts->qp_long_line},
        {"mime_qp_ratio", counts->qp_ratio > 0},
        {"mime_text_unicode_ratio", counts->unicode_ratio > 0},
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        if (str_eq(c->a[0].text, str_of(tests[i].name)))
            return tests[i].holds;
    }
    return 0;
}

static bool says_html(struct eval_context *c)
{
    return str_istarts(facts_get(c->facts, "Content-Type"), STR("text/html"));
}

/* some part is HTML */
static double check_for_mime_html(struct eval_context *c)
{
    const struct mime_counts *counts = facts_mime_counts(c->facts);
    return counts ? says_html(c) || counts->html > 0 : EVAL_NO_MEMORY;
}

/* some text part is HTML, and none is not */
static double check_for_mime_html_only(struct eval_context *c)
{
    const struct mime_counts *counts = facts_mime_counts(c->facts);
    return counts ? says_html(c) || (counts->html > 0 && counts->text == 0) : EVAL_NO_MEMORY;
}

/* Is there white space between two other characters? */
static bool has_words(struct str line)
{
    size_t at = 0, end = line.n;
    while (at < end && ascii_is_space(line.s[at]))
        at++;
    while (end > at && ascii_is_space(line.s[end - 1]))
        end--;
    for (; at < end; at++) {
        if (ascii_is_space(line.s[at]))
            return true;
    }
    return false;
}

/* Two times 60 to 76 characters of base64 and a blank, at the beginning. */
static bool is_base64(struct str line)
{
    for (size_t times = 0; times < 2; times++) {
        size_t n = 0;
        while (
            n < line.n && n <= 76 &&
            (ascii_is_alnum(line.s[n]) || line.s[n] == '+' || line.s[n] == '/' || line.s[n] == '='))
            n++;
        if (n < 60 || n > 76 || n == line.n || line.s[n] != ' ')
            return false;
        line = str_from(line, n + 1);
    }
    return true;
}

struct letters {
    size_t all, upper, lower;
};

static void count_letters(struct letters *letters, struct str text)
{
    size_t upper = 0, lower = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.s[i];
        upper += c >= 'A' && c <= 'Z';
        lower += (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    }
    letters->all += text.n;
    letters->upper += upper;
    letters->lower += lower;
}

/* What stands between the first ESC $ B and the last ESC ( B is Japanese. */
static void count_line(struct letters *letters, struct str line)
{
    const struct str on = STR("\x1b$B"), off = STR("\x1b(B");
    size_t from = str_find(line, on), to = STR_NONE;
    for (size_t at = line.n; from != STR_NONE && to == STR_NONE && at >= from + on.n + off.n;
         at--) {
        if (str_eq(str_sub(line, at - off.n, at), off))
            to = at;
    }
    if (to == STR_NONE) {
        count_letters(letters, line);
    } else {
        count_letters(letters, str_sub(line, 0, from));
        count_letters(letters, str_from(line, to));
    }
}

/* Of the body's lines that are words; made once. NULL: no memory. */
static const struct letters *letters_of(struct facts *facts)
{
    struct letters *letters = facts->made[FACT_LETTERS];
    const struct fact_texts *body = facts_body(facts, BODY_RENDERED);
    if (letters || body == NULL)
        return letters;
    letters = POOL_NEW(facts->pool, struct letters);
    facts->made[FACT_LETTERS] = letters;
    for (size_t i = 0; letters && i < body->n; i++) {
        if (has_words(body->list[i]) && !is_base64(body->list[i]))
            count_line(letters, body->list[i]);
    }
    return letters;
}

/* (MIN, MAX): percent of capitals among the body's letters and digits, MIN itself left out */
static double check_for_uppercase(struct eval_context *c)
{
    const size_t least = 200; /* bytes; of less a word or two would decide */
    const struct mime_counts *counts = facts_mime_counts(c->facts);
    if (counts == NULL)
        return EVAL_NO_MEMORY;
    if (counts->caps_are_usual ||
        charset_looks_like_capitals(header_charset(facts_get(c->facts, "Content-Type"))))
        return 0;
    const struct letters *letters = letters_of(c->facts);
    if (letters == NULL)
        return EVAL_NO_MEMORY;
    size_t known = letters->upper + letters->lower;
    if (letters->all < least || known == 0)
        return 0;
    double percent = (double)letters->upper / (double)known * 100;
    return percent > c->a[0].number && percent <= c->a[1].number;
}

/* a multipart/alternative holds what is no text */
static double check_ma_non_text(struct eval_context *c)
{
    const struct fact_parts *parts = facts_parts(c->facts);
    if (parts == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < parts->n; i++) {
        if (!str_eq(parts->list[i]->type, STR("multipart/alternative")))
            continue;
        for (const struct fact_part *p = parts->list[i]->child; p; p = p->next) {
            if (p->leaf && !str_eq(p->type, STR("multipart/related")) &&
                !str_eq(p->type, STR("application/rtf")) && !str_starts(p->type, STR("text/")))
                return 1;
        }
    }
    return 0;
}

/* (MIN, MAX): text/plain by text/html bytes, MAX itself left out */
static double check_mime_multipart_ratio(struct eval_context *c)
{
    const struct mime_counts *counts = facts_mime_counts(c->facts);
    if (counts == NULL)
        return EVAL_NO_MEMORY;
    return counts->text_to_html >= c->a[0].number && counts->text_to_html < c->a[1].number;
}

/* Of a field, or of all of them: what is cut there sets "truncated_header". */
static bool has_long_header(const struct fact_parts *parts)
{
    size_t all = 0;
    for (size_t i = 0; i < parts->root->n_fields; i++) {
        const struct fact_field *field = &parts->root->fields[i];
        if (field->value.n >= HEADER_VALUE_MAX)
            return true;
        all += field->name.n + field->value.n + 2;
    }
    return all > HEADER_ALL_MAX;
}

/* ('missing_mime_headers'): something odd was met while the message was parsed */
static double check_msg_parse_flags(struct eval_context *c)
{
    const struct fact_parts *parts = facts_parts(c->facts);
    if (parts == NULL)
        return EVAL_NO_MEMORY;
    const struct {
        const char *name;
        bool holds;
    } flags[] = {
        {"mime_epilogue_exists", parts->epilogue},
        {"mimepart_limit_exceeded", parts->limited},
        {"missing_head_body_separator", parts->bad_headers},
        {"missing_mime_head_body_separator", parts->missing_mime_separator},
        {"missing_mime_headers", parts->missing_mime_headers},
        {"truncated_header", has_long_header(parts)},
    };
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (str_eq(c->a[0].text, str_of(flags[i].name)))
            return flags[i].holds;
    }
    return 0;
}

/* (MIN): characters encoded in quoted-printable without need by all its bytes */
static double check_qp_ratio(struct eval_context *c)
{
    const struct mime_counts *counts = facts_mime_counts(c->facts);
    return counts ? counts->qp_ratio >= c->a[0].number : EVAL_NO_MEMORY;
}

const struct eval_entry eval_mime[] = {
    {"check_abundant_unicode_ratio", check_abundant_unicode_ratio, 1, 1},
    {"check_base64_length", check_base64_length, 1, 2},
    {"check_for_ascii_text_illegal", check_for_ascii_text_illegal, 0, 0},
    {"check_for_faraway_charset", check_for_faraway_charset, 0, 0},
    {"check_for_mime", check_for_mime, 1, 1},
    {"check_for_mime_html", check_for_mime_html, 0, 0},
    {"check_for_mime_html_only", check_for_mime_html_only, 0, 0},
    {"check_for_uppercase", check_for_uppercase, 2, 2},
    {"check_ma_non_text", check_ma_non_text, 0, 0},
    {"check_mime_multipart_ratio", check_mime_multipart_ratio, 2, 2},
    {"check_msg_parse_flags", check_msg_parse_flags, 1, 1},
    {"check_qp_ratio", check_qp_ratio, 1, 1},
    {0},
};
