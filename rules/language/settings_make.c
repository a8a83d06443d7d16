#include "rules/language/settings_make.h"

#include <stdlib.h>

#include "rules/match/regex.h"

/* What eval:check_from_in_list() may name: the directives' own lists, in the enum's order. */
static const char *const list_names[SETTINGS_ADDRESSES] = {
    [SETTINGS_WELCOMELIST_FROM] = "welcomelist_from",
    [SETTINGS_BLOCKLIST_FROM] = "blocklist_from",
    [SETTINGS_WELCOMELIST_TO] = "welcomelist_to",
    [SETTINGS_MORE_SPAM_TO] = "more_spam_to",
    [SETTINGS_ALL_SPAM_TO] = "all_spam_to",
    [SETTINGS_BLOCKLIST_TO] = "blocklist_to",
    [SETTINGS_WELCOMELIST_AUTH] = "welcomelist_auth",
    [SETTINGS_DEF_WELCOMELIST_AUTH] = "def_welcomelist_auth",
    [SETTINGS_WELCOMELIST_FROM_SPF] = "welcomelist_from_spf",
    [SETTINGS_DEF_WELCOMELIST_FROM_SPF] = "def_welcomelist_from_spf",
    [SETTINGS_WELCOMELIST_ALLOWS_RELAYS] = "welcomelist_allows_relays",
    [SETTINGS_WELCOMELIST_BOUNCE_RELAYS] = "welcomelist_bounce_relays",
    [SETTINGS_BAYES_IGNORE_FROM] = "bayes_ignore_from",
    [SETTINGS_BAYES_IGNORE_TO] = "bayes_ignore_to",
};

/* SpamAssassin's defaults; what is not named here begins as 0. */
static const double numbers[SETTINGS_NUMBERS] = {
    [SETTINGS_REQUIRED_SCORE] = 5,
    [SETTINGS_PARSE_DKIM_URIS] = 1,
    [SETTINGS_URIDNSBL_MAX_DOMAINS] = 20,
    [SETTINGS_URIDNSBL_SKIP_MAILTO] = 1,
    [SETTINGS_BODY_PART_SCAN_SIZE] = 50000,
    [SETTINGS_RAWBODY_PART_SCAN_SIZE] = 500000,
    [SETTINGS_FREEMAIL_MAX_BODY_EMAILS] = 5,
    [SETTINGS_FREEMAIL_MAX_BODY_FREEMAILS] = 3,
    [SETTINGS_FREEMAIL_SKIP_WHEN_OVER_MAX] = 1,
    [SETTINGS_FREEMAIL_SKIP_BULK_ENVFROM] = 1,
    [SETTINGS_FNS_CHECK] = 1,
    [SETTINGS_FNS_EXTRACHARS] = 50,
    [SETTINGS_MAX_SHORT_URLS] = 10,
    [SETTINGS_TEXTCAT_MAX_LANGUAGES] = 3,
    [SETTINGS_TEXTCAT_OPTIMAL_NGRAMS] = 0,
    [SETTINGS_TEXTCAT_MAX_NGRAMS] = 400,
    [SETTINGS_TEXTCAT_ACCEPTABLE_SCORE] = 1.02,
    [SETTINGS_DKIM_MINIMUM_KEY_BITS] = 1024,
};

static const char *const texts[SETTINGS_TEXTS] = {
    [SETTINGS_OK_LOCALES] = "all",
    [SETTINGS_OK_LANGUAGES] = "all",
    [SETTINGS_INACTIVE_LANGUAGES] = "bs cy eo et eu fy ga gd is la lt lv rm sa sco sl yi",
    [SETTINGS_ENVELOPE_SENDER_HEADER] = "",
    [SETTINGS_RBL_HEADERS] =
        "EnvelopeFrom,Reply-To,Disposition-Notification-To,X-WebmailclientIP,X-Source-IP",
    [SETTINGS_HASHBL_EMAIL_REGEX] = "",
    [SETTINGS_HASHBL_EMAIL_WELCOMELIST] = "",
};

static bool fill(struct rules_settings *settings)
{
    for (size_t i = 0; i < SETTINGS_ADDRESSES; i++) {
        if (settings_list(settings, str_of(list_names[i])) == NULL)
            return false;
    }
    memcpy(settings->numbers, numbers, sizeof numbers);
    for (size_t i = 0; i < SETTINGS_TEXTS; i++)
        settings->texts[i] = str_of(texts[i]);
    for (int i = 0; i < SETTINGS_NETWORKS; i++)
        settings_clear_networks(settings, (enum settings_networks)i);
    return true;
}

struct rules_settings *settings_new(struct err *err)
{
    struct rules_settings *settings = calloc(1, sizeof *settings);
    if (settings)
        settings->pool = pool_new(SETTINGS_MEMORY_MAX);
    if (settings == NULL || settings->pool == NULL || !fill(settings)) {
        err_set(err, "rules: out of memory");
        settings_free(&settings);
    }
    return settings;
}

void settings_free(struct rules_settings **settings)
{
    struct rules_settings *s = *settings;
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n_redirectors; i++)
        regex_free(&s->redirectors[i]);
    pool_free(&s->pool);
    free(s);
    *settings = NULL;
}

bool settings_put(struct rules_settings *settings, enum settings_set set, struct str word,
                  uint32_t number)
{
    struct str lower = pool_lower(settings->pool, word);
    return lower.s && names_put(&settings->sets[set], settings->pool, lower, number);
}

void settings_remove(struct rules_settings *settings, enum settings_set set, struct str word)
{
    struct str lower = pool_lower(settings->pool, word);
    if (lower.s)
        names_remove(&settings->sets[set], lower);
}

void settings_clear(struct rules_settings *settings, enum settings_set set)
{
    settings->sets[set] = (struct names){.n = 0};
}

struct globs *settings_list(struct rules_settings *settings, struct str name)
{
    uint32_t number = names_find(&settings->list_names, name);
    if (number != NAMES_NONE)
        return &settings->lists[number];
    if (settings->n_lists == SETTINGS_LISTS_MAX)
        return NULL;
    struct str copy = pool_str(settings->pool, name);
    struct globs *lists = pool_grow(settings->pool, settings->lists, settings->n_lists,
                                    &settings->lists_cap, sizeof *lists);
    if (copy.s == NULL || lists == NULL)
        return NULL;
    settings->lists = lists;
    if (!names_add(&settings->list_names, settings->pool, copy, (uint32_t)settings->n_lists))
        return NULL;
    lists[settings->n_lists] = (struct globs){.n = 0};
    return &lists[settings->n_lists++];
}

bool settings_add_address(struct rules_settings *settings, struct globs *list, struct str glob)
{
    struct str lower = pool_lower(settings->pool, glob);
    return lower.s && globs_add(list, settings->pool, lower);
}

void settings_remove_address(struct rules_settings *settings, struct globs *list, struct str glob)
{
    struct str lower = pool_lower(settings->pool, glob);
    if (lower.s)
        globs_remove(list, lower);
}

bool settings_add_pair(struct rules_settings *settings, enum settings_pairs list,
                       struct str address, struct str value)
{
    struct settings_pair_list *pairs = &settings->pairs[list];
    struct settings_pair pair = {pool_lower(settings->pool, address),
                                 pool_lower(settings->pool, value)};
    struct settings_pair *grown =
        pool_grow(settings->pool, pairs->list, pairs->n, &pairs->cap, sizeof *grown);
    if (grown == NULL || pair.address.s == NULL || pair.value.s == NULL || pairs->n == GLOBS_MAX)
        return false;
    pairs->list = grown;
    grown[pairs->n++] = pair;
    return true;
}

void settings_remove_pair(struct rules_settings *settings, enum settings_pairs list,
                          struct str address, const struct str *value)
{
    struct settings_pair_list *pairs = &settings->pairs[list];
    for (size_t i = 0; i < pairs->n; i++) {
        struct settings_pair *pair = &pairs->list[i];
        if (pair->address.s && str_ieq(pair->address, address) &&
            (value == NULL || str_ieq(pair->value, *value)))
            pair->address = STR_EMPTY;
    }
}

static struct names *host_list(struct rules_settings *settings, struct str name)
{
    uint32_t number = names_find(&settings->host_names, name);
    if (number != NAMES_NONE)
        return &settings->hosts[number];
    if (settings->n_hosts == SETTINGS_LISTS_MAX)
        return NULL;
    struct str copy = pool_str(settings->pool, name);
    struct names *hosts = pool_grow(settings->pool, settings->hosts, settings->n_hosts,
                                    &settings->hosts_cap, sizeof *hosts);
    if (copy.s == NULL || hosts == NULL)
        return NULL;
    settings->hosts = hosts;
    if (!names_add(&settings->host_names, settings->pool, copy, (uint32_t)settings->n_hosts))
        return NULL;
    hosts[settings->n_hosts] = (struct names){.n = 0};
    return &hosts[settings->n_hosts++];
}

bool settings_put_host(struct rules_settings *settings, struct str list, struct str host, bool in)
{
    struct names *hosts = host_list(settings, list);
    struct str lower = pool_lower(settings->pool, host);
    return hosts && lower.s && names_put(hosts, settings->pool, lower, in);
}

void settings_remove_host(struct rules_settings *settings, struct str list, struct str host)
{
    struct str lower = pool_lower(settings->pool, host);
    uint32_t only = list.s ? names_find(&settings->host_names, list) : NAMES_NONE;
    for (size_t i = 0; lower.s && i < settings->n_hosts; i++) {
        if (list.s == NULL || i == only)
            names_remove(&settings->hosts[i], lower);
    }
}

/* The machine itself is always trusted and internal, but sends no user's mail. */
void settings_clear_networks(struct rules_settings *settings, enum settings_networks which)
{
    struct err err;
    settings->networks[which] = (struct networks){.n = 0};
    settings->networks_configured[which] = false;
    if (which == SETTINGS_MSA_NETWORKS)
        return;
    networks_add(&settings->networks[which], settings->pool, STR("127.0.0.0/8"), &err);
    networks_add(&settings->networks[which], settings->pool, STR("::1"), &err);
}

bool settings_add_word(struct rules_settings *settings, enum settings_words which, struct str word)
{
    struct settings_word_list *words = &settings->words[which];
    for (size_t i = 0; i < words->n; i++) {
        if (str_ieq(words->list[i], word))
            return true;
    }
    struct str copy = pool_str(settings->pool, word);
    struct str *list = pool_grow(settings->pool, words->list, words->n, &words->cap, sizeof *list);
    if (copy.s == NULL || list == NULL)
        return false;
    words->list = list;
    list[words->n++] = copy;
    return true;
}

bool settings_add_redirector(struct rules_settings *settings, struct regex *regex)
{
    struct regex **list = pool_grow(settings->pool, settings->redirectors, settings->n_redirectors,
                                    &settings->redirectors_cap, sizeof(struct regex *));
    if (list == NULL) {
        regex_free(&regex);
        return false;
    }
    settings->redirectors = list;
    list[settings->n_redirectors++] = regex;
    return true;
}

/* A copy that says whether there was a text at all. */
static bool copy(struct rules_settings *settings, struct str *text)
{
    if (text->s == NULL)
        return true;
    *text = pool_str(settings->pool, *text);
    return text->s != NULL;
}

bool settings_put_text(struct rules_settings *settings, enum settings_text which, struct str text)
{
    if (!copy(settings, &text))
        return false;
    settings->texts[which] = text;
    return true;
}
