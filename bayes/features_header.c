#include "bayes/features.h"

#define FIELDS_MAX      300  /* fields of one header that are read */
#define VALUE_MAX       4096 /* bytes of one value */
#define RECEIVED_MAX    15
#define PLACE_MAX       24 /* bytes of a field's name in a token */
#define FIELD_WORDS_MAX 60

enum field_kind {
    FIELD_WORDS,    /* its words (what is not in the table) */
    FIELD_SKIP,     /* nothing at all */
    FIELD_ADDRESS,  /* addresses with names */
    FIELD_RECEIVED, /* hosts and addresses of a hop */
    FIELD_ID,       /* message ids: their domain and shape */
    FIELD_DATE,     /* time zone and shape */
    FIELD_SIGNATURE /* DKIM: who signs, not what */
};

struct field {
    const char *name; /* ends in * : whatever begins like this */
    enum field_kind kind;
};

/* Skipped are: what mailboxes and mail servers note when they deliver, what other filters thought
 * (it would teach us their opinion, and be missing in mail that no filter has seen), and what is
 * read elsewhere. */
static const struct field fields[] = {
    {"arc-*", FIELD_SKIP},
    {"authentication-results*", FIELD_SKIP},
    {"bcc", FIELD_ADDRESS},
    {"cc", FIELD_ADDRESS},
    {"content-length", FIELD_SKIP},
    {"content-type", FIELD_SKIP},
    {"date", FIELD_DATE},
    {"delivered-to", FIELD_SKIP},
    {"delivery-date", FIELD_SKIP},
    {"dkim-signature", FIELD_SIGNATURE},
    {"domainkey-signature", FIELD_SIGNATURE},
    {"envelope-to", FIELD_SKIP},
    {"errors-to", FIELD_SKIP},
    {"from", FIELD_ADDRESS},
    {"in-reply-to", FIELD_ID},
    {"lines", FIELD_SKIP},
    {"list-id", FIELD_WORDS},
    {"list-*", FIELD_SKIP},
    {"message-id", FIELD_ID},
    {"received", FIELD_RECEIVED},
    {"received-spf", FIELD_SKIP},
    {"references", FIELD_ID},
    {"reply-to", FIELD_ADDRESS},
    {"resent-*", FIELD_SKIP},
    {"return-path", FIELD_ADDRESS},
    {"sender", FIELD_ADDRESS},
    {"status", FIELD_SKIP},
    {"subject", FIELD_SKIP},
    {"to", FIELD_ADDRESS},
    {"x-amavis*", FIELD_SKIP},
    {"x-beenthere", FIELD_SKIP},
    {"x-original-date", FIELD_SKIP},
    {"x-antispam*", FIELD_SKIP},
    {"x-antivirus*", FIELD_SKIP},
    {"x-barracuda*", FIELD_SKIP},
    {"x-bogosity", FIELD_SKIP},
    {"x-clamav*", FIELD_SKIP},
    {"x-cmae*", FIELD_SKIP},
    {"x-crm114*", FIELD_SKIP},
    {"x-dspam*", FIELD_SKIP},
    {"x-envelope-*", FIELD_SKIP},
    {"x-eop*", FIELD_SKIP},
    {"x-evolution*", FIELD_SKIP},
    {"x-forefront*", FIELD_SKIP},
    {"x-gm-message-state", FIELD_SKIP},
    {"x-gm-spam", FIELD_SKIP},
    {"x-gm-phishy", FIELD_SKIP},
    {"x-gmail-labels", FIELD_SKIP},
    {"x-google-dkim-signature", FIELD_SKIP},
    {"x-greylist*", FIELD_SKIP},
    {"x-hmailserver*", FIELD_SKIP},
    {"x-imap*", FIELD_SKIP},
    {"x-incoming*", FIELD_SKIP},
    {"x-ironport*", FIELD_SKIP},
    {"x-kaspersky*", FIELD_SKIP},
    {"x-kse*", FIELD_SKIP},
    {"x-keywords", FIELD_SKIP},
    {"x-mailscanner*", FIELD_SKIP},
    {"x-mdaemon*", FIELD_SKIP},
    {"x-message-delivery", FIELD_SKIP},
    {"x-message-info", FIELD_SKIP},
    {"x-microsoft-antispam*", FIELD_SKIP},
    {"x-mozilla*", FIELD_SKIP},
    {"x-ms-exchange-*", FIELD_SKIP},
    {"x-ms-office365-*", FIELD_SKIP},
    {"x-ms-publictraffictype", FIELD_SKIP},
    {"x-ms-traffictype*", FIELD_SKIP},
    {"x-ms-userlastlogontime", FIELD_SKIP},
    {"x-original-to", FIELD_SKIP},
    {"x-ovh-*", FIELD_SKIP},
    {"x-policyd*", FIELD_SKIP},
    {"x-poterne-*", FIELD_SKIP},
    {"x-proofpoint*", FIELD_SKIP},
    {"x-provags*", FIELD_SKIP},
    {"x-received", FIELD_RECEIVED},
    {"x-rspam*", FIELD_SKIP},
    {"x-sender-ip", FIELD_SKIP},
    {"x-sid-*", FIELD_SKIP},
    {"x-sieve*", FIELD_SKIP},
    {"x-sonic-*", FIELD_SKIP},
    {"x-sophos*", FIELD_SKIP},
    {"x-spam*", FIELD_SKIP},
    {"x-status", FIELD_SKIP},
    {"x-symantec*", FIELD_SKIP},
    {"x-tm-*", FIELD_SKIP},
    {"x-uid*", FIELD_SKIP},
    {"x-vade*", FIELD_SKIP},
    {"x-virus*", FIELD_SKIP},
    {"x-ymail*", FIELD_SKIP},
    {"x-zoho-virus*", FIELD_SKIP},
};

static enum field_kind field_kind(struct str name)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        struct str known = str_of(fields[i].name);
        bool open = known.s[known.n - 1] == '*';
        if (open ? str_starts(name, str_sub(known, 0, known.n - 1)) : str_eq(name, known))
            return fields[i].kind;
    }
    return FIELD_WORDS;
}

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

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Takes the next piece between blanks and any of `also` off *rest. */
static bool next_piece(struct str *rest, const char *also, struct str *piece)
{
    size_t from = 0, to;
    while (from < rest->n && (is_space(rest->s[from]) || strchr(also, rest->s[from])))
        from++;
    for (to = from; to < rest->n && !is_space(rest->s[to]) && !strchr(also, rest->s[to]); to++)
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
    while (next_piece(&rest, "<>,;\"()", &piece) && addresses < FIELD_WORDS_MAX) {
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
    for (unsigned n = 0; n < FIELD_WORDS_MAX && next_piece(&rest, "()[]<>;=,\"", &piece); n++) {
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

static void shape_add(struct tokens *tokens, struct str place, struct str text)
{
    char shape[TOKEN_TEXT_MAX];
    size_t n = 0;
    for (size_t i = 0; i < text.n && n < sizeof shape; i++) {
        char c = text.s[i];
        char kind = c >= '0' && c <= '9'   ? '0'
                    : c >= 'a' && c <= 'z' ? 'a'
                    : c >= 'A' && c <= 'Z' ? 'A'
                                           : c;
        if (n == 0 || shape[n - 1] != kind)
            shape[n++] = kind;
    }
    tokens_add(tokens, place, str_n(shape, n));
}

static void ids_add(struct tokens *tokens, struct str place, struct str value)
{
    struct str rest = value, piece;
    for (unsigned n = 0; n < 8 && next_piece(&rest, "<>,;\"()", &piece); n++) {
        size_t at = str_rchr(piece, '@');
        if (at != STR_NONE)
            domain_add(tokens, place, str_from(piece, at + 1));
        if (n == 0)
            shape_add(tokens, place, str_sub(piece, 0, at == STR_NONE ? piece.n : at));
    }
}

static void date_add(struct tokens *tokens, struct str value)
{
    struct str rest = value, piece;
    while (next_piece(&rest, "", &piece))
        if (piece.s[0] == '+' || piece.s[0] == '-')
            tokens_add(tokens, STR("date"), piece);
    shape_add(tokens, STR("date"), value);
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
                      struct str value)
{
    switch (kind) {
    case FIELD_WORDS:
        tokens_words(tokens, place, value);
        return;
    case FIELD_ADDRESS:
        addresses_add(tokens, place, value);
        return;
    case FIELD_RECEIVED:
        received_add(tokens, place, value);
        return;
    case FIELD_ID:
        ids_add(tokens, place, value);
        return;
    case FIELD_DATE:
        date_add(tokens, value);
        return;
    case FIELD_SIGNATURE:
        signature_add(tokens, place, value);
        return;
    case FIELD_SKIP:
        return;
    }
}

void features_header(struct tokens *tokens, const struct part *root)
{
    unsigned received = 0;
    for (size_t i = 0; i < root->n_headers && i < FIELDS_MAX && !tokens_full(tokens); i++) {
        const struct header *header = &root->headers[i];
        struct place place = place_of(header->name);
        struct str name = str_n(place.text, place.n);
        enum field_kind kind = field_kind(name);
        if (kind == FIELD_SKIP || (kind == FIELD_RECEIVED && received++ >= RECEIVED_MAX))
            continue;
        struct header cut = *header;
        cut.value = str_sub(cut.value, 0, VALUE_MAX);
        value_add(tokens, kind, name, header_text(tokens->pool, &cut));
    }
}
