#include "sender/spf_record.h"

#include <arpa/inet.h>

#include "base/ascii.h"
#include "sender/spf_macro.h"

const char SPF_NO_MEMORY[] = "out of memory";

#define VERSION STR("v=spf1")

bool spf_record_is(struct str text)
{
    return str_istarts(text, VERSION) && (text.n == VERSION.n || text.s[VERSION.n] == ' ');
}

/* A number without leading zeros, up to max. */
static bool read_prefix(struct str digits, unsigned max, unsigned *prefix)
{
    uint64_t number;
    if (digits.n > 1 && digits.s[0] == '0')
        return false;
    if (!str_to_u64(digits, max, &number))
        return false;
    *prefix = (unsigned)number;
    return true;
}

/* Takes "/digits" behind `slashes` off the end of *text; false when it is there and wrong. */
static bool take_prefix(struct str *text, const char *slashes, unsigned max, unsigned *prefix)
{
    struct str mark = str_of(slashes);
    size_t at = text->n;
    while (at > 0 && ascii_is_digit(text->s[at - 1]))
        at--;
    if (!str_ends(str_sub(*text, 0, at), mark))
        return true;
    if (!read_prefix(str_from(*text, at), max, prefix))
        return false;
    text->n = at - mark.n;
    return true;
}

/* [ ":" domain-spec ] [ "/" n ] [ "//" n ] of "a" and "mx" */
static const char *read_domain_and_prefixes(struct str rest, struct spf_term *term)
{
    if (!take_prefix(&rest, "//", 128, &term->prefix6) ||
        !take_prefix(&rest, "/", 32, &term->prefix4))
        return "a prefix length is no such number";
    if (rest.n == 0)
        return NULL;
    term->domain = str_from(rest, 1);
    return rest.s[0] == ':' && spf_macro_is_domain(term->domain) ? NULL : "a name is malformed";
}

static const char *read_domain(struct str rest, bool optional, struct spf_term *term)
{
    if (rest.n == 0 && optional)
        return NULL;
    term->domain = str_from(rest, 1);
    return rest.n > 0 && rest.s[0] == ':' && spf_macro_is_domain(term->domain)
               ? NULL
               : "a name is missing or malformed";
}

static const char *read_network(struct str rest, int family, struct spf_term *term)
{
    char text[INET6_ADDRSTRLEN];
    bool ok = family == AF_INET ? take_prefix(&rest, "/", 32, &term->prefix4)
                                : take_prefix(&rest, "/", 128, &term->prefix6);
    ok = ok && rest.n > 0 && rest.s[0] == ':' && str_copy(str_from(rest, 1), text, sizeof text) &&
         inet_pton(family, text, term->address) == 1;
    return ok ? NULL : "an address is malformed";
}

static const char *read_arguments(struct str rest, struct spf_term *term)
{
    switch (term->mechanism) {
    case SPF_ALL:
        return rest.n == 0 ? NULL : "\"all\" takes nothing";
    case SPF_A:
    case SPF_MX:
        return read_domain_and_prefixes(rest, term);
    case SPF_PTR:
        return read_domain(rest, true, term);
    case SPF_INCLUDE:
    case SPF_EXISTS:
        return read_domain(rest, false, term);
    case SPF_IP4:
        return read_network(rest, AF_INET, term);
    case SPF_IP6:
        return read_network(rest, AF_INET6, term);
    }
    return "unknown mechanism";
}

static bool take_qualifier(struct str *text, enum spf_result *qualifier)
{
    static const char signs[] = "+-~?";
    static const enum spf_result results[] = {SPF_PASS, SPF_FAIL, SPF_SOFTFAIL, SPF_NEUTRAL};
    const char *sign = memchr(signs, text->s[0], sizeof signs - 1);
    *qualifier = sign ? results[sign - signs] : SPF_PASS;
    if (sign)
        *text = str_from(*text, 1);
    return sign != NULL;
}

static const char *read_mechanism(struct str text, struct spf_term *term)
{
    static const struct {
        struct str name;
        enum spf_mechanism mechanism;
    } known[] = {
        {STR("all"), SPF_ALL}, {STR("include"), SPF_INCLUDE}, {STR("a"), SPF_A},
        {STR("mx"), SPF_MX},   {STR("ptr"), SPF_PTR},         {STR("ip4"), SPF_IP4},
        {STR("ip6"), SPF_IP6}, {STR("exists"), SPF_EXISTS},
    };
    *term = (struct spf_term){.text = text, .prefix4 = 32, .prefix6 = 128};
    take_qualifier(&text, &term->qualifier);
    size_t end = 0;
    while (end < text.n && text.s[end] != ':' && text.s[end] != '/')
        end++;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_ieq(str_sub(text, 0, end), known[i].name)) {
            term->mechanism = known[i].mechanism;
            return read_arguments(str_from(text, end), term);
        }
    return "unknown mechanism";
}

/* name "=" …, where name begins with a letter */
static bool is_modifier(struct str text, size_t *equals)
{
    size_t i = 0;
    while (i < text.n && (ascii_is_word(text.s[i]) || text.s[i] == '-' || text.s[i] == '.'))
        i++;
    *equals = i;
    return i > 0 && i < text.n && text.s[i] == '=' && ascii_is_letter(text.s[0]);
}

static const char *read_modifier(struct str name, struct str value, struct spf_record *record)
{
    bool redirect = str_ieq(name, STR("redirect"));
    struct str *place = redirect ? &record->redirect : &record->explanation;
    if (!redirect && !str_ieq(name, STR("exp")))
        return spf_macro_is_string(value) ? NULL : "a modifier is malformed";
    if (place->n > 0)
        return "a modifier stands there twice";
    *place = value;
    return spf_macro_is_domain(value) ? NULL : "a name is missing or malformed";
}

const char *spf_record_parse(struct pool *pool, struct str text, struct spf_record *record)
{
    struct str rest = str_from(text, VERSION.n), word;
    size_t cap = 0, equals;
    const char *why = NULL;
    *record = (struct spf_record){.n = 0};
    if (text.n > SPF_RECORD_MAX)
        return "the record is too long";
    while (!why && str_next(&rest, ' ', &word)) {
        if (word.n == 0)
            continue;
        if (is_modifier(word, &equals)) {
            why = read_modifier(str_sub(word, 0, equals), str_from(word, equals + 1), record);
            continue;
        }
        struct spf_term *terms = pool_grow(pool, record->terms, record->n, &cap, sizeof *terms);
        if (!terms)
            return SPF_NO_MEMORY;
        record->terms = terms;
        why = read_mechanism(word, &terms[record->n++]);
    }
    return why;
}
