/* body: SpamAssassin's BodyEval.pm. Where not said otherwise (MIN, MAX) are both included. */
#include "rules/facts/body.h"
#include "base/ascii.h"
#include "rules/eval/eval.h"
#include "rules/facts/parts.h"
#include "rules/facts/stock_info.h"
#include "rules/facts/words_differ.h"

struct lines {
    size_t all, blank;
};

static void count_lines(struct lines *lines, struct str text)
{
    bool blank = true;
    for (size_t i = 0; i < text.n; i++) {
        blank &= ascii_is_space(text.s[i]);
        if (text.s[i] == '\n' || i + 1 == text.n) {
            lines->all++;
            lines->blank += blank;
            blank = true;
        }
    }
}

/* (MIN, MAX, LINES): percent of empty lines, MIN itself left out unless 0, of at least LINES */
static double check_blank_line_ratio(struct eval_context *c)
{
    const struct fact_texts *raw = facts_rawbody(c->facts);
    double least = c->n > 2 && c->a[2].number >= 1 ? c->a[2].number : 1;
    double min = c->a[0].number, max = c->a[1].number, percent = -1;
    struct lines lines = {0};
    if (raw == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < raw->n; i++)
        count_lines(&lines, raw->list[i]);
    if ((double)lines.all >= least)
        percent = 100 * (double)lines.blank / (double)lines.all;
    return (min == 0 || percent > min) && percent <= max;
}

/* (MAX): bytes behind the header, as received: parts have LF line ends */
static double check_body_length(struct eval_context *c)
{
    const struct fact_parts *parts = facts_parts(c->facts);
    if (parts == NULL)
        return EVAL_NO_MEMORY;
    size_t length = parts->body.n;
    for (size_t i = 0; parts->crlf && i < parts->body.n; i++)
        length += parts->body.s[i] == '\n';
    return (double)length <= c->a[0].number;
}

/* (MIN): different "Symbol: …" lines of share spam in the first plain text */
static double check_stock_info(struct eval_context *c)
{
    const struct stock_info *info = facts_stock_info(c->facts);
    return info ? info->kinds >= c->a[0].number : EVAL_NO_MEMORY;
}

/* (MIN, MAX): percent of the HTML's words that the plain text beside it lacks, MIN itself left out
 * unless 0; MAX may be "undef" */
static double multipart_alternative_difference(struct eval_context *c)
{
    const struct words_differ *differ = facts_words_differ(c->facts);
    if (differ == NULL)
        return EVAL_NO_MEMORY;
    bool open = str_eq(c->a[1].text, STR("undef"));
    return (c->a[0].number == 0 || differ->percent > c->a[0].number) &&
           (open || differ->percent <= c->a[1].number);
}

/* (RATIO, WORDS): more than WORDS different words in the HTML, and RATIO times as many in the
 * plain text */
static double multipart_alternative_difference_count(struct eval_context *c)
{
    const struct words_differ *differ = facts_words_differ(c->facts);
    if (differ == NULL)
        return EVAL_NO_MEMORY;
    double html = (double)differ->html, text = (double)differ->text;
    return html > c->a[1].number && text / html > c->a[0].number;
}

/* The first plain text, and the bytes before and behind its last "-- " line. */
struct signature {
    bool found; /* there is a plain text */
    size_t before, behind;
};

/* "--" or "-- ", a CR perhaps; not near the end, where it would part nothing. */
static void find_delimiter(struct str text, struct signature *signature)
{
    const size_t tail_min = 4;
    *signature = (struct signature){true, text.n, 0};
    for (size_t at = 0; at < text.n;) {
        size_t end = str_chr(str_from(text, at), '\n');
        end = end == STR_NONE ? text.n : at + end;
        struct str line = str_sub(text, at, end);
        if (line.n && line.s[line.n - 1] == '\r')
            line.n--;
        bool is_delimiter = str_eq(line, STR("--")) || str_eq(line, STR("-- "));
        if (is_delimiter && text.n - end > tail_min) {
            signature->before = at;
            signature->behind = text.n - end;
        }
        at = end + 1;
    }
}

static int find_signature(struct eval_context *c, struct signature *signature)
{
    const struct fact_parts *parts = facts_parts(c->facts);
    *signature = (struct signature){.found = false};
    for (size_t i = 0; parts && i < parts->n; i++) {
        if (!str_starts(parts->list[i]->type, STR("text/plain")))
            continue;
        struct str text = fact_part_decoded(c->facts, parts->list[i]);
        if (text.s == NULL)
            return -1;
        find_delimiter(text, signature);
        return 0;
    }
    return parts ? 0 : -1;
}

/* (MIN, MAX): bytes of the first plain text before its "-- " line */
static double plaintext_body_length(struct eval_context *c)
{
    struct signature signature;
    if (find_signature(c, &signature) < 0)
        return EVAL_NO_MEMORY;
    return signature.found && eval_in_bounds((double)signature.before, c->a, c->n, 0);
}

/* (MIN, MAX): those before by those behind */
static double plaintext_body_sig_ratio(struct eval_context *c)
{
    const double highest = 1e6; /* also where there is no signature */
    struct signature signature;
    if (find_signature(c, &signature) < 0)
        return EVAL_NO_MEMORY;
    double ratio = signature.behind ? (double)signature.before / (double)signature.behind : highest;
    return signature.found && ratio >= c->a[0].number &&
           ratio <= (c->n > 1 ? c->a[1].number : highest);
}

/* (MIN, MAX): those behind it */
static double plaintext_sig_length(struct eval_context *c)
{
    struct signature signature;
    if (find_signature(c, &signature) < 0)
        return EVAL_NO_MEMORY;
    return signature.found && eval_in_bounds((double)signature.behind, c->a, c->n, 0);
}

/* Spaces by other bytes, in whole percent; 100 where there are more spaces. */
static int space_percent(struct str line)
{
    size_t spaces = 0;
    for (size_t i = 0; i < line.n; i++)
        spaces += line.s[i] == ' ';
    size_t others = line.n - spaces;
    return spaces > others || others == 0 ? 100 : (int)(100 * spaces / others);
}

/* (MIN, MAX): percent of spaces in a paragraph by its other bytes, the highest; MAX left out */
static double tvd_vertical_words(struct eval_context *c)
{
    const size_t short_line = 5; /* bytes; such a line is not looked at */
    const struct fact_texts *texts =
        c->raw ? facts_rawbody(c->facts) : facts_body(c->facts, BODY_RENDERED);
    int highest = -1;
    if (texts == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < texts->n; i++) {
        int percent = texts->list[i].n > short_line ? space_percent(texts->list[i]) : -1;
        highest = percent > highest ? percent : highest;
    }
    return highest >= c->a[0].number && (c->a[1].number >= 100 || highest < c->a[1].number);
}

const struct eval_entry eval_body[] = {
    {"check_blank_line_ratio", check_blank_line_ratio, 2, 3},
    {"check_body_length", check_body_length, 1, 1},
    {"check_stock_info", check_stock_info, 1, 1},
    {"multipart_alternative_difference", multipart_alternative_difference, 2, 2},
    {"multipart_alternative_difference_count", multipart_alternative_difference_count, 2, 2},
    {"plaintext_body_length", plaintext_body_length, 1, 2},
    {"plaintext_body_sig_ratio", plaintext_body_sig_ratio, 1, 2},
    {"plaintext_sig_length", plaintext_sig_length, 1, 2},
    {"tvd_vertical_words", tvd_vertical_words, 2, 2},
    {0},
};
