#include "sender/spf_macro.h"

#include "base/ascii.h"

#define PIECES_MAX 1000 /* of a macro's value; what is behind stays in one piece */
#define DELIMITERS ".-+,/_="

/* One "%…" or one plain byte. */
struct token {
    char letter;           /* of %{…}, or '%', '_' or '-' of the short forms; 0: a plain byte */
    char plain;            /* where letter is 0 */
    bool braces;           /* %{…} */
    unsigned keep;         /* pieces from the right; 0: all */
    bool reverse;          /* r */
    struct str delimiters; /* empty: "." */
};

/* What stands behind "%{", up to "}". */
static bool read_braces(struct str *rest, struct token *token)
{
    size_t i = 0, digits;
    struct str text = *rest;
    uint64_t number = 0;
    if (text.n == 0)
        return false;
    token->braces = true;
    token->letter = text.s[i++];
    for (digits = i; i < text.n && ascii_is_digit(text.s[i]);)
        i++;
    struct str count = str_sub(text, digits, i);
    if (count.n > 0) {
        /* more pieces than there can be are all of them */
        if (!str_to_u64(count, PIECES_MAX, &number))
            number = PIECES_MAX;
        if (number == 0)
            return false;
        token->keep = (unsigned)number;
    }
    if (i < text.n && (text.s[i] == 'r' || text.s[i] == 'R')) {
        token->reverse = true;
        i++;
    }
    size_t from = i;
    while (i < text.n && memchr(DELIMITERS, text.s[i], sizeof DELIMITERS - 1))
        i++;
    token->delimiters = str_sub(text, from, i);
    if (i == text.n || text.s[i] != '}')
        return false;
    *rest = str_from(text, i + 1);
    return true;
}

/* Takes one token off the front; false when it is malformed. */
static bool next_token(struct str *rest, struct token *token)
{
    *token = (struct token){.plain = rest->s[0]};
    *rest = str_from(*rest, 1);
    if (token->plain != '%')
        return true;
    if (rest->n == 0)
        return false;
    char kind = rest->s[0];
    *rest = str_from(*rest, 1);
    if (kind == '{')
        return read_braces(rest, token);
    token->letter = kind;
    return kind == '%' || kind == '_' || kind == '-';
}

static bool is_letter(char letter, const char *letters)
{
    return letter != '\0' && strchr(letters, str_lower_char(letter)) != NULL;
}

#define LETTERS             "slodiphv"
#define LETTERS_EXPLANATION LETTERS "crt"

/* *tail: the plain text behind the last macro. */
static bool is_good(struct str text, const char *letters, bool blanks, struct str *tail)
{
    struct token token;
    struct str rest = text;
    *tail = text;
    while (rest.n > 0) {
        if (!next_token(&rest, &token))
            return false;
        if (token.letter == 0) {
            bool visible = token.plain > ' ' && token.plain < 127;
            if (!visible && !(blanks && token.plain == ' '))
                return false;
            continue;
        }
        *tail = rest;
        if (token.braces && !is_letter(token.letter, letters))
            return false;
    }
    return true;
}

/* RFC 7208 7.1: not only digits, no hyphen at an end. */
static bool is_toplabel(struct str label)
{
    bool only_digits = true;
    for (size_t i = 0; i < label.n; i++) {
        char c = label.s[i];
        if (!ascii_is_alnum(c) && c != '-')
            return false;
        only_digits = only_digits && ascii_is_digit(c);
    }
    return label.n > 0 && !only_digits && label.s[0] != '-' && label.s[label.n - 1] != '-';
}

bool spf_macro_is_domain(struct str text)
{
    struct str tail;
    if (text.n == 0 || !is_good(text, LETTERS, false, &tail))
        return false;
    if (tail.n == 0) /* it ends with a macro */
        return true;
    if (str_ends(tail, STR(".")))
        tail.n--;
    size_t dot = str_rchr(tail, '.');
    return dot != STR_NONE && is_toplabel(str_from(tail, dot + 1));
}

bool spf_macro_is_string(struct str text)
{
    struct str tail;
    return is_good(text, LETTERS, false, &tail);
}

bool spf_macro_is_explanation(struct str text)
{
    struct str tail;
    return is_good(text, LETTERS_EXPLANATION, true, &tail);
}

static bool has_letter(struct str text, const char *letters)
{
    struct token token;
    while (text.n > 0 && next_token(&text, &token))
        if (token.braces && is_letter(token.letter, letters))
            return true;
    return false;
}

bool spf_macro_asks_client(struct str text)
{
    return has_letter(text, "p");
}

bool spf_macro_names_sender(struct str text)
{
    return has_letter(text, "sl");
}

bool spf_macro_varies(struct str text)
{
    return has_letter(text, "islpvhcrt");
}

/* --- expansion --- */

static struct str value_of(char letter, const struct spf_macro_values *values)
{
    switch (str_lower_char(letter)) {
    case 's':
        return values->sender;
    case 'l':
        return values->local;
    case 'o':
        return values->sender_domain;
    case 'd':
        return values->domain;
    case 'i':
        return values->client;
    case 'p':
        return values->client_name;
    case 'v':
        return values->version;
    case 'h':
        return values->helo;
    case 'c':
        return values->client_readable;
    case 'r':
        return values->hostname;
    default:
        return STR_EMPTY;
    }
}

/* RFC 3986 2.3: a capital letter asks for escapes of all that is not unreserved. */
static void put_piece(struct buf *out, struct str piece, bool escape)
{
    if (!escape) {
        buf_add(out, piece);
        return;
    }
    for (size_t i = 0; i < piece.n; i++) {
        char c = piece.s[i];
        if (ascii_is_alnum(c) || memchr("-._~", c, 4))
            buf_addc(out, c);
        else
            buf_addf(out, "%%%02X", (unsigned char)c);
    }
}

static size_t split(struct str value, struct str delimiters, struct str pieces[PIECES_MAX])
{
    size_t n = 0, from = 0;
    for (size_t i = 0; i < value.n && n < PIECES_MAX - 1; i++) {
        if (!memchr(delimiters.s, value.s[i], delimiters.n))
            continue;
        pieces[n++] = str_sub(value, from, i);
        from = i + 1;
    }
    pieces[n++] = str_from(value, from);
    return n;
}

static void put_value(struct buf *out, const struct token *token, struct str value)
{
    struct str pieces[PIECES_MAX];
    bool escape = token->letter < 'a';
    if (token->keep == 0 && !token->reverse && token->delimiters.n == 0) {
        put_piece(out, value, escape);
        return;
    }
    size_t n = split(value, token->delimiters.n > 0 ? token->delimiters : STR("."), pieces);
    size_t kept = token->keep > 0 && token->keep < n ? token->keep : n;
    for (size_t i = n - kept; i < n; i++) {
        if (i > n - kept)
            buf_addc(out, '.');
        put_piece(out, pieces[token->reverse ? n - 1 - i : i], escape);
    }
}

void spf_macro_expand(struct str text, const struct spf_macro_values *values, struct buf *out)
{
    struct token token;
    while (text.n > 0 && next_token(&text, &token)) {
        if (token.letter == 0)
            buf_addc(out, token.plain);
        else if (token.letter == '%')
            buf_addc(out, '%');
        else if (token.letter == '_')
            buf_addc(out, ' ');
        else if (token.letter == '-')
            buf_add(out, STR("%20"));
        else if (str_lower_char(token.letter) == 't')
            buf_addf(out, "%lld", (long long)values->now);
        else
            put_value(out, &token, value_of(token.letter, values));
    }
}
