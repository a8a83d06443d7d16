#include "rules/language/answer.h"

#include "base/ascii.h"
#include "rules/match/regex.h"

#define HEX_MAX 8 /* digits */

static bool hex_number(struct str digits, uint32_t *number)
{
    *number = 0;
    for (size_t i = 0; i < digits.n; i++) {
        char c = str_lower_char(digits.s[i]);
        if (!ascii_is_digit(c) && !(c >= 'a' && c <= 'f'))
            return false;
        *number = *number << 4 | (uint32_t)(ascii_is_digit(c) ? c - '0' : c - 'a' + 10);
    }
    return digits.n > 0 && digits.n <= HEX_MAX;
}

static bool dotted_number(struct str text, uint32_t *number)
{
    struct str part;
    uint64_t value;
    *number = 0;
    for (int i = 0; i < 4; i++) {
        size_t dot = str_chr(text, '.');
        part = str_sub(text, 0, dot);
        if ((i < 3) != (dot != STR_NONE) || part.n > 3 || !str_to_u64(part, 255, &value))
            return false;
        *number = *number << 8 | (uint32_t)value;
        text = str_from(text, part.n + 1);
    }
    return true;
}

/* One value; *address: it stands there as one. */
static bool take_value(struct str text, uint32_t *number, bool *address)
{
    uint64_t value;
    if (str_starts(text, STR("0x")))
        return hex_number(str_from(text, 2), number);
    if (str_to_u64(text, UINT32_MAX, &value)) {
        *number = (uint32_t)value;
        return true;
    }
    *address = dotted_number(text, number);
    return *address;
}

int answer_parse_number(struct str text, struct answer *answer, struct err *err)
{
    bool address = false, mask = false;
    size_t at = 0;
    while (at < text.n && text.s[at] != '-' && text.s[at] != '/')
        at++;
    *answer = (struct answer){.kind = ANSWER_BITS, .text = text};
    bool ok = take_value(str_sub(text, 0, at), &answer->from, &address);
    if (ok && at < text.n) {
        mask = text.s[at] == '/';
        answer->kind = mask ? ANSWER_MASKED : ANSWER_RANGE;
        ok = take_value(str_from(text, at + 1), &answer->to, &address);
    } else if (ok && address) {
        answer->kind = ANSWER_RANGE;
        answer->to = answer->from;
    }
    return ok ? 0
              : err_set(err, "'%.*s' is no answer of a list (127.0.0.2, 8, 0x10-0x20)",
                        STR_ARG(str_sub(text, 0, 40)));
}

/* RFC 6895 2.3; those above 15 stand in no header. */
static const struct {
    const char *name;
    unsigned code;
} codes[] = {
    {"NOERROR", 0},  {"FORMERR", 1},  {"SERVFAIL", 2}, {"NXDOMAIN", 3},  {"NOTIMP", 4},
    {"REFUSED", 5},  {"YXDOMAIN", 6}, {"YXRRSET", 7},  {"NXRRSET", 8},   {"NOTAUTH", 9},
    {"NOTZONE", 10}, {"BADVERS", 16}, {"BADSIG", 16},  {"BADKEY", 17},   {"BADTIME", 18},
    {"BADMODE", 19}, {"BADNAME", 20}, {"BADALG", 21},  {"BADTRUNC", 22},
};

static bool code_of(struct str word, uint64_t *code)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (str_ieq(word, str_of(codes[i].name))) {
            *code = codes[i].code;
            return true;
        }
    }
    return str_to_u64(word, 31, code);
}

static int parse_codes(struct str text, struct answer *answer, struct err *err)
{
    struct str rest = str_sub(text, 1, text.n - 1), word;
    answer->kind = ANSWER_CODES;
    while (str_next(&rest, ',', &word)) {
        uint64_t code;
        if (!code_of(str_trim(word), &code))
            return err_set(err, "'%.*s' is no response code (NXDOMAIN, NOERROR, 3)",
                           STR_ARG(str_sub(str_trim(word), 0, 40)));
        answer->from |= 1u << code;
    }
    return 0;
}

static bool is_quoted(struct str text)
{
    return text.n >= 2 && (text.s[0] == '\'' || text.s[0] == '"') &&
           text.s[text.n - 1] == text.s[0];
}

int answer_parse(struct str text, struct answer *answer, struct err *err)
{
    struct regex_literal literal;
    *answer = (struct answer){.text = text};
    if (str_starts(text, STR("/")) || str_starts(text, STR("m"))) {
        answer->kind = ANSWER_PATTERN;
        return regex_literal_parse(text, &literal, err);
    }
    if (is_quoted(text)) {
        answer->kind = ANSWER_TEXT;
        answer->text = str_sub(text, 1, text.n - 1);
        return 0;
    }
    if (text.n > 2 && str_starts(text, STR("[")) && str_ends(text, STR("]")))
        return parse_codes(text, answer, err);
    return answer_parse_number(text, answer, err);
}

struct answer answer_of_list(struct str text)
{
    uint64_t bits;
    uint32_t address;
    struct answer answer = {.kind = ANSWER_PATTERN, .text = text};
    if (str_to_u64(text, UINT32_MAX, &bits)) {
        answer.kind = ANSWER_BITS;
        answer.from = (uint32_t)bits;
    } else if (dotted_number(text, &address)) {
        answer.kind = ANSWER_TEXT;
    }
    return answer;
}

bool answer_fits_address(const struct answer *answer, uint32_t address)
{
    switch (answer->kind) {
    case ANSWER_BITS:
        return address >> 24 == 127 && (address & answer->from) != 0;
    case ANSWER_RANGE:
        return address >= answer->from && address <= answer->to;
    case ANSWER_MASKED:
        return (address & answer->to) == (answer->from & answer->to);
    default:
        return false;
    }
}
