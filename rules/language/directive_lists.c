/* directive_lists: lists of addresses, pairs, subjects, hosts, names and networks. */
#include "base/domain.h"
#include "rules/language/directive.h"
#include "rules/language/settings_make.h"

#define NOTHING(err) BAD(err, "nothing stands behind it")

/* Words into (or out of) a set: .what is the set, .value the number, REMOVE takes them off. */
#define REMOVE (-1)

static enum directive_result on_set(struct parser *parser, const struct directive *self,
                                    struct str rest, struct err *err)
{
    struct rules_settings *settings = parser->book->settings;
    enum settings_set set = (enum settings_set)self->what;
    bool ok = true;
    if (rest.n == 0)
        return NOTHING(err);
    for (struct str word = parse_word(&rest); ok && word.n; word = parse_word(&rest)) {
        if (self->value == REMOVE)
            settings_remove(settings, set, word);
        else
            ok = settings_put(settings, set, word, (uint32_t)self->value);
    }
    return directive_memory(parser, ok, err);
}

/* All of a set without words behind it, else these words. */
static enum directive_result on_clear_set(struct parser *parser, const struct directive *self,
                                          struct str rest, struct err *err)
{
    struct rules_settings *settings = parser->book->settings;
    enum settings_set set = (enum settings_set)self->what;
    if (rest.n == 0)
        settings_clear(settings, set);
    for (struct str word = parse_word(&rest); word.n; word = parse_word(&rest))
        settings_remove(settings, set, word);
    return DIRECTIVE_DONE;
}

static size_t count_dots(struct str word)
{
    size_t n = 0;
    for (size_t i = 0; i < word.n; i++)
        n += word.s[i] == '.';
    return n;
}

/* util_rb_tld and so on: .value dots in each name; one in letters of another script is stored as
 * the DNS has it. */
static enum directive_result on_registry(struct parser *parser, const struct directive *self,
                                         struct str rest, struct err *err)
{
    bool ok = true;
    if (rest.n == 0)
        return NOTHING(err);
    for (struct str word = parse_word(&rest); ok && word.n; word = parse_word(&rest)) {
        char ascii[DOMAIN_SIZE];
        if (count_dots(word) != (size_t)self->value)
            return BAD(err, "'%.*s' is not made of %d names with dots between them",
                       STR_ARG(str_sub(word, 0, 60)), self->value + 1);
        if (domain_normal(word, ascii))
            word = str_of(ascii);
        ok = settings_put(parser->book->settings, (enum settings_set)self->what, word, 1);
    }
    return directive_memory(parser, ok, err);
}

static enum directive_result on_clear_registry(struct parser *parser, const struct directive *self,
                                               struct str rest, struct err *err)
{
    settings_clear(parser->book->settings, SETTINGS_TLD);
    settings_clear(parser->book->settings, SETTINGS_TLD_2);
    settings_clear(parser->book->settings, SETTINGS_TLD_3);
    return DIRECTIVE_DONE;
}

static bool is_domain_glob(struct str word)
{
    for (size_t i = 0; i < word.n; i++) {
        char c = str_lower_char(word.s[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && (!c || !strchr(".*?-", c)))
            return false;
    }
    return true;
}

static bool add_freemail(struct rules_settings *settings, struct str word)
{
    struct str lower = pool_lower(settings->pool, word);
    if (str_chr(word, '*') == STR_NONE && str_chr(word, '?') == STR_NONE)
        return settings_put(settings, SETTINGS_FREEMAIL_DOMAINS, word, 1);
    return lower.s && globs_add(&settings->freemail_globs, settings->pool, lower);
}

static enum directive_result on_freemail(struct parser *parser, const struct directive *self,
                                         struct str rest, struct err *err)
{
    bool ok = true;
    if (rest.n == 0)
        return NOTHING(err);
    for (struct str word = parse_word(&rest); ok && word.n; word = parse_word(&rest)) {
        if (is_domain_glob(word))
            ok = add_freemail(parser->book->settings, word);
        else
            parse_report(parser, "%s: '%.*s' is no domain", self->name,
                         STR_ARG(str_sub(word, 0, 60)));
    }
    return directive_memory(parser, ok, err);
}

/* Globs into the list .what. */
static enum directive_result on_addresses(struct parser *parser, const struct directive *self,
                                          struct str rest, struct err *err)
{
    struct rules_settings *settings = parser->book->settings;
    bool ok = true;
    if (rest.n == 0)
        return NOTHING(err);
    for (struct str word = parse_word(&rest); ok && word.n; word = parse_word(&rest))
        ok = settings_add_address(settings, &settings->lists[self->what], word);
    return directive_memory(parser, ok, err);
}

/* Globs out of the list .what, and of the list .value. */
static enum directive_result on_no_addresses(struct parser *parser, const struct directive *self,
                                             struct str rest, struct err *err)
{
    struct rules_settings *settings = parser->book->settings;
    if (rest.n == 0)
        return NOTHING(err);
    for (struct str word = parse_word(&rest); word.n; word = parse_word(&rest)) {
        settings_remove_address(settings, &settings->lists[self->what], word);
        settings_remove_address(settings, &settings->lists[self->value], word);
    }
    return DIRECTIVE_DONE;
}

/* enlist_addrlist (NAME) GLOB… */
static enum directive_result on_enlist_addresses(struct parser *parser,
                                                 const struct directive *self, struct str rest,
                                                 struct err *err)
{
    struct rules_settings *settings = parser->book->settings;
    struct str name;
    if (!directive_take_bracket(&rest, &name) || rest.n == 0)
        return BAD(err, "expected (LIST) and addresses behind it");
    struct globs *globs = settings_list(settings, name);
    bool ok = globs != NULL;
    for (struct str word = parse_word(&rest); ok && word.n; word = parse_word(&rest))
        ok = settings_add_address(settings, globs, word);
    return directive_memory(parser, ok, err);
}

/* A glob for a subject: all of the line, and it may stand anywhere. */
static enum directive_result on_subject(struct parser *parser, const struct directive *self,
                                        struct str rest, struct err *err)
{
    struct rules_settings *settings = parser->book->settings;
    struct str glob = pool_strf(settings->pool, "*%.*s*", STR_ARG(rest));
    return directive_memory(parser,
                            glob.s && settings_add_address(settings,
                                                           &settings->subjects[self->what], glob),
                            err);
}

/* ADDRESS VALUE; the value may be missing where .value says so. */
#define VALUE_OPTIONAL 1

static enum directive_result on_pair(struct parser *parser, const struct directive *self,
                                     struct str rest, struct err *err)
{
    struct str address = parse_word(&rest);
    struct str value = parse_word(&rest);
    if (address.n == 0 || rest.n || (value.n == 0 && self->value != VALUE_OPTIONAL))
        return BAD(err, "expected an address and what must be true beside");
    return directive_memory(parser,
                            settings_add_pair(parser->book->settings,
                                              (enum settings_pairs)self->what, address, value),
                            err);
}

/* ADDRESS…: all of their pairs, out of the lists .what and .value. */
static enum directive_result on_no_pairs(struct parser *parser, const struct directive *self,
                                         struct str rest, struct err *err)
{
    struct rules_settings *settings = parser->book->settings;
    if (rest.n == 0)
        return NOTHING(err);
    for (struct str word = parse_word(&rest); word.n; word = parse_word(&rest)) {
        settings_remove_pair(settings, (enum settings_pairs)self->what, word, NULL);
        settings_remove_pair(settings, (enum settings_pairs)self->value, word, NULL);
    }
    return DIRECTIVE_DONE;
}

/* ADDRESS [VALUE]: that one pair. */
static enum directive_result on_no_pair(struct parser *parser, const struct directive *self,
                                        struct str rest, struct err *err)
{
    struct rules_settings *settings = parser->book->settings;
    struct str address = parse_word(&rest);
    struct str value = parse_word(&rest);
    if (address.n == 0)
        return NOTHING(err);
    settings_remove_pair(settings, (enum settings_pairs)self->what, address, &value);
    settings_remove_pair(settings, (enum settings_pairs)self->value, address, &value);
    return DIRECTIVE_DONE;
}

static bool put_hosts(struct rules_settings *settings, struct str list, struct str rest)
{
    bool ok = true;
    for (struct str word = parse_word(&rest); ok && word.n; word = parse_word(&rest)) {
        bool out = str_starts(word, STR("!"));
        ok = settings_put_host(settings, list, str_from(word, out ? 1 : 0), !out);
    }
    return ok;
}

/* enlist_uri_host (LIST) HOST…, or a directive that names its list in .why. */
static enum directive_result on_hosts(struct parser *parser, const struct directive *self,
                                      struct str rest, struct err *err)
{
    struct str list = str_of(self->why);
    if (self->why == NULL && !directive_take_bracket(&rest, &list))
        return BAD(err, "expected (LIST) and hosts behind it");
    if (rest.n == 0)
        return NOTHING(err);
    return directive_memory(parser, put_hosts(parser->book->settings, list, rest), err);
}

/* delist_uri_host [(LIST)] HOST… */
static enum directive_result on_no_hosts(struct parser *parser, const struct directive *self,
                                         struct str rest, struct err *err)
{
    struct str list = STR_EMPTY;
    directive_take_bracket(&rest, &list);
    if (rest.n == 0)
        return NOTHING(err);
    for (struct str word = parse_word(&rest); word.n; word = parse_word(&rest))
        settings_remove_host(parser->book->settings, list,
                             str_from(word, str_starts(word, STR("!")) ? 1 : 0));
    return DIRECTIVE_DONE;
}

/* A word that is no network is reported, the others count. */
static enum directive_result on_networks(struct parser *parser, const struct directive *self,
                                         struct str rest, struct err *err)
{
    struct rules_settings *settings = parser->book->settings;
    if (rest.n == 0)
        return NOTHING(err);
    for (struct str word = parse_word(&rest); word.n; word = parse_word(&rest)) {
        if (networks_add(&settings->networks[self->what], settings->pool, word, err) < 0)
            parse_report(parser, "%s: %s", self->name, err->text);
    }
    settings->networks_configured[self->what] = true;
    return DIRECTIVE_DONE;
}

static enum directive_result on_clear_networks(struct parser *parser, const struct directive *self,
                                               struct str rest, struct err *err)
{
    settings_clear_networks(parser->book->settings, (enum settings_networks)self->what);
    return DIRECTIVE_DONE;
}

static enum directive_result on_words(struct parser *parser, const struct directive *self,
                                      struct str rest, struct err *err)
{
    bool ok = true;
    if (rest.n == 0)
        return NOTHING(err);
    for (struct str word = parse_word(&rest); ok && word.n; word = parse_word(&rest))
        ok = settings_add_word(parser->book->settings, (enum settings_words)self->what, word);
    return directive_memory(parser, ok, err);
}

static enum directive_result on_clear_words(struct parser *parser, const struct directive *self,
                                            struct str rest, struct err *err)
{
    parser->book->settings->words[self->what] = (struct settings_word_list){.n = 0};
    return DIRECTIVE_DONE;
}

/* adsp_override DOMAIN [PRACTICE]: kept as the letter that eval:check_dkim_adsp() asks for. */
static enum directive_result on_adsp(struct parser *parser, const struct directive *self,
                                     struct str rest, struct err *err)
{
    static const struct {
        const char *name;
        char letter;
    } practices[] = {
        {"nxdomain", 'N'},   {"unknown", 'U'},    {"all", 'A'},         {"discardable", 'D'},
        {"custom_low", '1'}, {"custom_med", '2'}, {"custom_high", '3'},
    };
    struct str domain = parse_word(&rest);
    if (str_starts(domain, STR("@")))
        domain = str_from(domain, 1);
    if (rest.n == 0)
        rest = STR("discardable");
    for (size_t i = 0; domain.n && i < sizeof practices / sizeof *practices; i++) {
        if (str_ieq(rest, str_of(practices[i].name)))
            return directive_memory(parser,
                                    settings_put(parser->book->settings, SETTINGS_ADSP_OVERRIDES,
                                                 domain, (uint32_t)practices[i].letter),
                                    err);
    }
    return BAD(err, "expected a domain and nxdomain, unknown, all, discardable or custom_…");
}

#define ADDRESSES(n, list)                                                                         \
    {                                                                                              \
        .name = (n), .handle = on_addresses, .what = (list)                                        \
    }
#define NO_ADDRESSES(n, list, other)                                                               \
    {                                                                                              \
        .name = (n), .handle = on_no_addresses, .what = (list), .value = (other)                   \
    }
#define PAIR(n, list, v)                                                                           \
    {                                                                                              \
        .name = (n), .handle = on_pair, .what = (list), .value = (v)                               \
    }
#define NO_PAIRS(n, h, list, other)                                                                \
    {                                                                                              \
        .name = (n), .handle = (h), .what = (list), .value = (other)                               \
    }
#define SET(n, set, v)                                                                             \
    {                                                                                              \
        .name = (n), .handle = on_set, .what = (set), .value = (v)                                 \
    }
#define RCVD     SETTINGS_WELCOMELIST_FROM_RCVD
#define DEF_RCVD SETTINGS_DEF_WELCOMELIST_FROM_RCVD
#define DKIM     SETTINGS_WELCOMELIST_FROM_DKIM
#define DEF_DKIM SETTINGS_DEF_WELCOMELIST_FROM_DKIM
#define AUTH     SETTINGS_WELCOMELIST_AUTH
#define DEF_AUTH SETTINGS_DEF_WELCOMELIST_AUTH
#define SPF      SETTINGS_WELCOMELIST_FROM_SPF
#define DEF_SPF  SETTINGS_DEF_WELCOMELIST_FROM_SPF

static const struct directive list[] = {
    {.name = "adsp_override", .handle = on_adsp},
    ADDRESSES("all_spam_to", SETTINGS_ALL_SPAM_TO),
    ADDRESSES("bayes_ignore_from", SETTINGS_BAYES_IGNORE_FROM),
    SET("bayes_ignore_header", SETTINGS_BAYES_IGNORED_HEADERS, 1),
    ADDRESSES("bayes_ignore_to", SETTINGS_BAYES_IGNORE_TO),
    ADDRESSES("blacklist_from", SETTINGS_BLOCKLIST_FROM),
    {.name = "blacklist_subject", .handle = on_subject, .what = SETTINGS_BLOCKLIST_SUBJECT},
    ADDRESSES("blacklist_to", SETTINGS_BLOCKLIST_TO),
    {.name = "blacklist_uri_host", .handle = on_hosts, .why = "BLOCK"},
    ADDRESSES("blocklist_from", SETTINGS_BLOCKLIST_FROM),
    {.name = "blocklist_subject", .handle = on_subject, .what = SETTINGS_BLOCKLIST_SUBJECT},
    ADDRESSES("blocklist_to", SETTINGS_BLOCKLIST_TO),
    {.name = "blocklist_uri_host", .handle = on_hosts, .why = "BLOCK"},
    {.name = "clear_internal_networks",
     .handle = on_clear_networks,
     .what = SETTINGS_INTERNAL_NETWORKS},
    {.name = "clear_msa_networks", .handle = on_clear_networks, .what = SETTINGS_MSA_NETWORKS},
    {.name = "clear_originating_ip_headers",
     .handle = on_clear_words,
     .what = SETTINGS_ORIGINATING_IP_HEADERS},
    {.name = "clear_trusted_networks",
     .handle = on_clear_networks,
     .what = SETTINGS_TRUSTED_NETWORKS},
    {.name = "clear_uridnsbl_skip_domain", .handle = on_clear_set, .what = SETTINGS_URIDNSBL_SKIP},
    {.name = "clear_url_shortener", .handle = on_clear_set, .what = SETTINGS_URL_SHORTENERS},
    {.name = "clear_util_rb", .handle = on_clear_registry},
    ADDRESSES("def_welcomelist_auth", DEF_AUTH),
    PAIR("def_welcomelist_from_dkim", DEF_DKIM, VALUE_OPTIONAL),
    PAIR("def_welcomelist_from_rcvd", DEF_RCVD, 0),
    ADDRESSES("def_welcomelist_from_spf", DEF_SPF),
    ADDRESSES("def_whitelist_auth", DEF_AUTH),
    PAIR("def_whitelist_from_dkim", DEF_DKIM, VALUE_OPTIONAL),
    PAIR("def_whitelist_from_rcvd", DEF_RCVD, 0),
    ADDRESSES("def_whitelist_from_spf", DEF_SPF),
    {.name = "delist_uri_host", .handle = on_no_hosts},
    {.name = "enlist_addrlist", .handle = on_enlist_addresses},
    {.name = "enlist_uri_host", .handle = on_hosts},
    SET("fns_ignore_dkim", SETTINGS_FNS_IGNORED_DKIM, 1),
    SET("fns_ignore_headers", SETTINGS_FNS_IGNORED_HEADERS, 1),
    {.name = "freemail_domains", .handle = on_freemail},
    SET("freemail_welcomelist", SETTINGS_FREEMAIL_WELCOME, 1),
    SET("freemail_whitelist", SETTINGS_FREEMAIL_WELCOME, 1),
    SET("hashbl_ignore", SETTINGS_HASHBL_IGNORED, 1),
    {.name = "internal_networks", .handle = on_networks, .what = SETTINGS_INTERNAL_NETWORKS},
    ADDRESSES("more_spam_to", SETTINGS_MORE_SPAM_TO),
    {.name = "msa_networks", .handle = on_networks, .what = SETTINGS_MSA_NETWORKS},
    {.name = "originating_ip_headers", .handle = on_words, .what = SETTINGS_ORIGINATING_IP_HEADERS},
    {.name = "trusted_networks", .handle = on_networks, .what = SETTINGS_TRUSTED_NETWORKS},
    NO_ADDRESSES("unblacklist_from", SETTINGS_BLOCKLIST_FROM, SETTINGS_BLOCKLIST_FROM),
    NO_ADDRESSES("unblocklist_from", SETTINGS_BLOCKLIST_FROM, SETTINGS_BLOCKLIST_FROM),
    NO_ADDRESSES("unwelcomelist_auth", AUTH, DEF_AUTH),
    NO_ADDRESSES("unwelcomelist_from", SETTINGS_WELCOMELIST_FROM, SETTINGS_WELCOMELIST_FROM),
    NO_PAIRS("unwelcomelist_from_dkim", on_no_pair, DKIM, DEF_DKIM),
    NO_PAIRS("unwelcomelist_from_rcvd", on_no_pairs, RCVD, DEF_RCVD),
    NO_ADDRESSES("unwelcomelist_from_spf", SPF, DEF_SPF),
    NO_ADDRESSES("unwhitelist_auth", AUTH, DEF_AUTH),
    NO_ADDRESSES("unwhitelist_from", SETTINGS_WELCOMELIST_FROM, SETTINGS_WELCOMELIST_FROM),
    NO_PAIRS("unwhitelist_from_dkim", on_no_pair, DKIM, DEF_DKIM),
    NO_PAIRS("unwhitelist_from_rcvd", on_no_pairs, RCVD, DEF_RCVD),
    NO_ADDRESSES("unwhitelist_from_spf", SPF, DEF_SPF),
    SET("uridnsbl_skip_domain", SETTINGS_URIDNSBL_SKIP, 1),
    SET("url_shortener", SETTINGS_URL_SHORTENERS, 1),
    SET("url_shortener_get", SETTINGS_URL_SHORTENERS, 2),
    {.name = "util_rb_2tld", .handle = on_registry, .what = SETTINGS_TLD_2, .value = 1},
    {.name = "util_rb_3tld", .handle = on_registry, .what = SETTINGS_TLD_3, .value = 2},
    {.name = "util_rb_tld", .handle = on_registry, .what = SETTINGS_TLD, .value = 0},
    ADDRESSES("welcomelist_allows_relays", SETTINGS_WELCOMELIST_ALLOWS_RELAYS),
    ADDRESSES("welcomelist_auth", AUTH),
    ADDRESSES("welcomelist_bounce_relays", SETTINGS_WELCOMELIST_BOUNCE_RELAYS),
    ADDRESSES("welcomelist_from", SETTINGS_WELCOMELIST_FROM),
    PAIR("welcomelist_from_dkim", DKIM, VALUE_OPTIONAL),
    PAIR("welcomelist_from_rcvd", RCVD, 0),
    ADDRESSES("welcomelist_from_spf", SPF),
    {.name = "welcomelist_subject", .handle = on_subject, .what = SETTINGS_WELCOMELIST_SUBJECT},
    ADDRESSES("welcomelist_to", SETTINGS_WELCOMELIST_TO),
    {.name = "welcomelist_uri_host", .handle = on_hosts, .why = "WELCOME"},
    ADDRESSES("whitelist_allows_relays", SETTINGS_WELCOMELIST_ALLOWS_RELAYS),
    ADDRESSES("whitelist_auth", AUTH),
    ADDRESSES("whitelist_bounce_relays", SETTINGS_WELCOMELIST_BOUNCE_RELAYS),
    ADDRESSES("whitelist_from", SETTINGS_WELCOMELIST_FROM),
    PAIR("whitelist_from_dkim", DKIM, VALUE_OPTIONAL),
    PAIR("whitelist_from_rcvd", RCVD, 0),
    ADDRESSES("whitelist_from_spf", SPF),
    {.name = "whitelist_subject", .handle = on_subject, .what = SETTINGS_WELCOMELIST_SUBJECT},
    ADDRESSES("whitelist_to", SETTINGS_WELCOMELIST_TO),
    {.name = "whitelist_uri_host", .handle = on_hosts, .why = "WELCOME"},
};

const struct directive_family directive_lists = DIRECTIVE_FAMILY(list);
