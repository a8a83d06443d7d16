#include "rules/language/settings.h"

#include "base/ascii.h"
#include "rules/language/settings_make.h"

#define HOST_NAMES_MAX 11 /* of one host, itself and the domains above it */

/* A copy in lower case; longer words are in no list. .s NULL: too long. */
static struct str lower(struct str word, char copy[SETTINGS_WORD_MAX])
{
    if (word.n > SETTINGS_WORD_MAX)
        return STR_EMPTY;
    for (size_t i = 0; i < word.n; i++)
        copy[i] = str_lower_char(word.s[i]);
    return str_n(copy, word.n);
}

static bool names_have(const struct names *names, struct str word, uint32_t *number)
{
    char copy[SETTINGS_WORD_MAX];
    struct str low = lower(word, copy);
    uint32_t found = low.s ? names_find(names, low) : NAMES_NONE;
    if (found != NAMES_NONE && number)
        *number = found;
    return found != NAMES_NONE;
}

static bool list_has(const struct globs *list, struct str word)
{
    char copy[SETTINGS_WORD_MAX];
    struct str low = lower(word, copy);
    return low.s && globs_have(list, low);
}

bool settings_in(const struct rules_settings *settings, enum settings_set set, struct str word,
                 uint32_t *number)
{
    return names_have(&settings->sets[set], word, number);
}

bool settings_address_in(const struct rules_settings *settings, enum settings_addresses list,
                         struct str address)
{
    return list_has(&settings->lists[list], address);
}

bool settings_has_addresses(const struct rules_settings *settings, enum settings_addresses list)
{
    return settings->lists[list].whole.n || settings->lists[list].n;
}

bool settings_address_in_named(const struct rules_settings *settings, struct str list,
                               struct str address, bool *known)
{
    uint32_t number = names_find(&settings->list_names, list);
    *known = number != NAMES_NONE;
    return *known && list_has(&settings->lists[number], address);
}

bool settings_subject_in(const struct rules_settings *settings, enum settings_subjects list,
                         struct str subject)
{
    return list_has(&settings->subjects[list], str_sub(subject, 0, SETTINGS_WORD_MAX));
}

const struct settings_pair *settings_pair_next(const struct rules_settings *settings,
                                               enum settings_pairs list, struct str address,
                                               size_t *at)
{
    const struct settings_pair_list *pairs = &settings->pairs[list];
    char copy[SETTINGS_WORD_MAX];
    struct str low = lower(address, copy);
    while (low.s && *at < pairs->n) {
        const struct settings_pair *pair = &pairs->list[(*at)++];
        if (pair->address.s && glob_fits(pair->address, low))
            return pair;
    }
    return NULL;
}

bool settings_is_freemail_domain(const struct rules_settings *settings, struct str domain)
{
    const struct globs *globs = &settings->freemail_globs;
    char copy[SETTINGS_WORD_MAX];
    struct str low = lower(domain, copy);
    if (settings_in(settings, SETTINGS_FREEMAIL_DOMAINS, domain, NULL))
        return true;
    for (size_t i = 0; low.s && i < globs->n; i++) {
        if (glob_fits_domain(globs->with_star[i], low))
            return true;
    }
    return false;
}

/* What the list says of exactly this host. */
static enum settings_host host_in(const struct rules_settings *settings, struct str list,
                                  struct str host)
{
    uint32_t number = names_find(&settings->host_names, list);
    uint32_t in;
    if (number == NAMES_NONE || !names_have(&settings->hosts[number], host, &in))
        return HOST_UNKNOWN;
    return in ? HOST_IN : HOST_OUT;
}

static bool is_dotted_ipv4(struct str host)
{
    unsigned char address[16];
    return str_chr(host, ':') == STR_NONE && networks_parse_address(host, address);
}

enum settings_host settings_host_listed(const struct rules_settings *settings, struct str list,
                                        struct str host)
{
    size_t skip = 0;
    if (str_starts(host, STR("[")) && str_ends(host, STR("]")))
        return host_in(settings, list, str_sub(host, 1, host.n - 1));
    if (is_dotted_ipv4(host))
        return host_in(settings, list, host);
    /* Of a very deep name only the last parts are asked for. */
    for (size_t i = 0; i < host.n; i++)
        skip += host.s[i] == '.';
    skip = skip >= HOST_NAMES_MAX ? skip - HOST_NAMES_MAX + 1 : 0;
    for (;;) {
        enum settings_host found = HOST_UNKNOWN;
        if (skip > 0)
            skip--;
        else
            found = host_in(settings, list, host);
        size_t dot = str_chr(host, '.');
        if (found != HOST_UNKNOWN || dot == STR_NONE)
            return found;
        host = str_from(host, dot + 1);
    }
}

const struct networks *settings_networks(const struct rules_settings *settings,
                                         enum settings_networks which, bool *configured)
{
    *configured = settings->networks_configured[which];
    return &settings->networks[which];
}

double settings_number(const struct rules_settings *settings, enum settings_number which)
{
    return settings->numbers[which];
}

struct str settings_text(const struct rules_settings *settings, enum settings_text which)
{
    return settings->texts[which];
}

bool settings_text_has(const struct rules_settings *settings, enum settings_text which,
                       struct str word)
{
    struct str rest = settings->texts[which];
    for (size_t n = 0; rest.n; rest = str_from(rest, n + 1)) {
        for (n = 0; n < rest.n && !ascii_is_space(rest.s[n]);)
            n++;
        if (str_eq(str_sub(rest, 0, n), word))
            return true;
    }
    return false;
}

const struct str *settings_words(const struct rules_settings *settings, enum settings_words which,
                                 size_t *n)
{
    *n = settings->words[which].n;
    return settings->words[which].list;
}

bool settings_reads_pdf(const struct rules_settings *settings)
{
    return settings->reads_pdf;
}

const struct languages *settings_languages(const struct rules_settings *settings)
{
    return settings->languages;
}

struct regex *const *settings_redirectors(const struct rules_settings *settings, size_t *n)
{
    *n = settings->n_redirectors;
    return settings->redirectors;
}
