#include "bayes/features/features.h"

#include "bayes/features/field.h"

#define FIELDS_MAX      300  /* fields of one header that are read */
#define VALUE_MAX       4096 /* bytes of one value */
#define RECEIVED_MAX    15
#define PLACE_MAX       24 /* bytes of a field's name in a token */
#define FIELD_WORDS_MAX 60

/* Lower case, cut; an odd byte in it is no reason to lose the field. */
struct place {
    char text[PLACE_MAX];
    size_t n;
};

static struct place place_of(struct str name)
{
    struct place place = {.n = name.n < PLACE_MAX ? name.n : PLACE_MAX};
    for (size_t i = 0; i < place.n; i++)
        place.text[i] = str_lower_char(name.s[i]);
    return place;
}

/* Blanks, and what stands between addresses, hosts and ids. */
static bool is_separator(char c)
{
    static const bool separators[256] = {
        [' '] = true, ['\t'] = true, ['\r'] = true, ['\n'] = true, ['<'] = true,
        ['>'] = true, ['('] = true,  [')'] = true,  ['['] = true,  [']'] = true,
        [','] = true, [';'] = true,  ['"'] = true,  ['='] = true,
    };
    return separators[(unsigned char)c];
}

/* Takes the next piece between separators off *rest. */
static bool next_piece(struct str *rest, struct str *piece)
{
    size_t from = 0, to;
    while (from < rest->n && is_separator(rest->s[from]))
        from++;
    for (to = from; to < rest->n && !is_separator(rest->s[to]); to++)
        ;
    *piece = str_sub(*rest, from, to);
    *rest = str_from(*rest, to);
    return piece->n > 0;
}

/* A host name and the domains that it lies in, two labels at least. */
static void domain_add(struct tokens *tokens, struct str place, struct str host)
{
    char lower[TOKEN_TEXT_MAX];
    if (host.n == 0)
        return;
    if (host.n > sizeof lower)
        host = str_from(host, host.n - sizeof lower);
    for (size_t i = 0; i < host.n; i++)
        lower[i] = str_lower_char(host.s[i]);
    host.s = lower;
    for (unsigned labels = 0; host.n && labels < 6; labels++) {
        size_t dot = str_chr(host, '.');
        if (dot == STR_NONE && labels)
            break;
        tokens_add(tokens, place, host);
        host = dot == STR_NONE ? STR_EMPTY : str_from(host, dot + 1);
    }
}

static bool is_ipv4(struct str x)
{
    unsigned dots = 0;
    for (size_t i = 0; i < x.n; i++) {
        if (x.s[i] == '.')
            dots++;
        else if (x.s[i] < '0' || x.s[i] > '9')
            return false;
    }
    return dots == 3 && x.n >= 7;
}

/* An address and the networks that it lies in. */
static void ipv4_add(struct tokens *tokens, struct str place, struct str address)
{
    for (unsigned i = 0; i < 3; i++) {
        tokens_add(tokens, place, address);
        address = str_sub(address, 0, str_rchr(address, '.'));
    }
}

static void address_add(struct tokens *tokens, struct str place, struct str address)
{
    size_t at = str_rchr(address, '@');
    if (at == STR_NONE)
        return;
    char lower[TOKEN_TEXT_MAX];
    struct str cut = str_sub(address, 0, sizeof lower);
    for (size_t i = 0; i < cut.n; i++)
        lower[i] = str_lower_char(cut.s[i]);
    tokens_add(tokens, place, str_n(lower, cut.n));
    domain_add(tokens, place, str_from(address, at + 1));
}

/* Lists in To and Cc: how many, beside who. */
static void addresses_add(struct tokens *tokens, struct str place, struct str value)
{
    struct str rest = value, piece;
    unsigned addresses = 0;
    tokens_words(tokens, place, value);
    while (next_piece(&rest, &piece) && addresses < FIELD_WORDS_MAX) {
        if (str_chr(piece, '@') == STR_NONE)
            continue;
        addresses++;
        address_add(tokens, place, piece);
    }
    tokens_addf(tokens, place, "addresses %u", addresses < 4 ? addresses : addresses < 10 ? 4 : 10);
}

/* What a hop says of hosts; not its ids, dates and recipients. */
static void received_add(struct tokens *tokens, struct str place, struct str value)
{
    struct str rest = str_sub(value, 0, str_rchr(value, ';')), piece;
    bool skip = false;
    for (unsigned n = 0; n < FIELD_WORDS_MAX && next_piece(&rest, &piece); n++) {
        bool id = str_ieq(piece, STR("id")) || str_ieq(piece, STR("for"));
        if (id || skip) {
            skip = id;
            continue;
        }
        if (is_ipv4(piece))
            ipv4_add(tokens, place, piece);
        else if (str_chr(piece, '.') != STR_NONE)
            domain_add(tokens, place, piece);
        else if (piece.n <= 20)
            tokens_add(tokens, place, piece);
    }
}

static void ids_add(struct tokens *tokens, struct str place, struct str value)
{
    struct str rest = value, piece;
    for (unsigned n = 0; n < 8 && next_piece(&rest, &piece); n++) {
        size_t at = str_rchr(piece, '@');
        if (at != STR_NONE)
            domain_add(tokens, place, str_from(piece, at + 1));
        if (n == 0)
            tokens_shape(tokens, place, str_sub(piece, 0, at == STR_NONE ? piece.n : at));
    }
}

static void date_add(struct tokens *tokens, struct str value)
{
    struct str rest = value, piece;
    while (next_piece(&rest, &piece))
        if (piece.s[0] == '+' || piece.s[0] == '-')
            tokens_add(tokens, STR("date"), piece);
    tokens_shape(tokens, STR("date"), value);
}

static void signature_add(struct tokens *tokens, struct str place, struct str value)
{
    struct str rest = value, tag;
    while (str_next(&rest, ';', &tag)) {
        tag = str_trim(tag);
        if (str_starts(tag, STR("d=")))
            domain_add(tokens, place, str_from(tag, 2));
        else if (str_starts(tag, STR("s=")) || str_starts(tag, STR("c=")) ||
                 str_starts(tag, STR("a=")))
            tokens_add(tokens, place, tag);
    }
}

static void value_add(struct tokens *tokens, enum field_kind kind, struct str place,
                      const struct header *header)
{
    switch (kind) {
    case FIELD_WORDS:
        tokens_words(tokens, place, header_text(tokens->pool, header));
        return;
    case FIELD_ADDRESS:
        addresses_add(tokens, place, header_text(tokens->pool, header));
        return;
    case FIELD_RECEIVED:
        received_add(tokens, place, header->value);
        return;
    case FIELD_ID:
        ids_add(tokens, place, header->value);
        return;
    case FIELD_DATE:
        date_add(tokens, str_trim(header->value));
        return;
    case FIELD_SIGNATURE:
        signature_add(tokens, place, header->value);
        return;
    case FIELD_SKIP:
    case FIELD_OTHERS:
        return;
    }
}

void features_header(struct tokens *tokens, const struct part *root)
{
    unsigned received = 0;
    for (size_t i = 0; i < root->n_headers && i < FIELDS_MAX && !tokens_full(tokens); i++) {
        struct header header = root->headers[i];
        struct place place = place_of(header.name);
        enum field_kind kind = field_kind(str_n(place.text, place.n));
        if (kind == FIELD_RECEIVED && received++ >= RECEIVED_MAX)
            continue;
        header.value = str_sub(header.value, 0, VALUE_MAX);
        value_add(tokens, kind, str_n(place.text, place.n), &header);
    }
}
