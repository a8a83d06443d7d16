/*
 * settings_make: how directives fill the settings; for this folder and compile.c only. A function
 * that adds returns false when memory, or a list's limit, is used up. Words are copied, in lower
 * case unless said otherwise.
 */
#ifndef POTERNE_RULES_LANGUAGE_SETTINGS_MAKE_H
#define POTERNE_RULES_LANGUAGE_SETTINGS_MAKE_H

#include "rules/language/globs.h"
#include "rules/language/settings.h"

#define SETTINGS_MEMORY_MAX (256 * 1024 * 1024)
#define SETTINGS_LISTS_MAX  10000 /* enlist_addrlist and enlist_uri_host, each */

struct settings_pair_list {
    struct settings_pair *list; /* address.s NULL: taken off again */
    size_t n, cap;
};

struct settings_word_list {
    struct str *list;
    size_t n, cap;
};

struct rules_settings {
    struct pool *pool;
    struct names sets[SETTINGS_SETS];
    struct globs freemail_globs;
    struct globs *lists; /* those of enum settings_addresses, then those of enlist_addrlist */
    size_t n_lists, lists_cap;
    struct names list_names;
    struct globs subjects[SETTINGS_SUBJECTS];
    struct settings_pair_list pairs[SETTINGS_PAIRS];
    struct names *hosts; /* enlist_uri_host: 1 in, 0 out */
    size_t n_hosts, hosts_cap;
    struct names host_names;
    struct networks networks[SETTINGS_NETWORKS];
    bool networks_configured[SETTINGS_NETWORKS];
    double numbers[SETTINGS_NUMBERS];
    struct str texts[SETTINGS_TEXTS];
    struct settings_word_list words[SETTINGS_WORDS];
    struct languages *languages; /* in the pool */
    bool reads_pdf;
    struct regex **redirectors;
    size_t n_redirectors, redirectors_cap;
};

struct rules_settings *settings_new(struct err *err);
void settings_free(struct rules_settings **settings);

bool settings_put(struct rules_settings *settings, enum settings_set set, struct str word,
                  uint32_t number);
void settings_remove(struct rules_settings *settings, enum settings_set set, struct str word);
void settings_clear(struct rules_settings *settings, enum settings_set set);

/* The list of that name, made if need be; NULL: memory or SETTINGS_LISTS_MAX is used up. */
struct globs *settings_list(struct rules_settings *settings, struct str name);
bool settings_add_address(struct rules_settings *settings, struct globs *list, struct str glob);
void settings_remove_address(struct rules_settings *settings, struct globs *list, struct str glob);

bool settings_add_pair(struct rules_settings *settings, enum settings_pairs list,
                       struct str address, struct str value);
/* All pairs of the address, or when `value` is given the one with that value. */
void settings_remove_pair(struct rules_settings *settings, enum settings_pairs list,
                          struct str address, const struct str *value);

bool settings_put_host(struct rules_settings *settings, struct str list, struct str host, bool in);
/* From one list, or when list.s is NULL from all. */
void settings_remove_host(struct rules_settings *settings, struct str list, struct str host);

void settings_clear_networks(struct rules_settings *settings, enum settings_networks which);
/* As written; a word that is there in whatever case is not added again. */
bool settings_add_word(struct rules_settings *settings, enum settings_words which, struct str word);
/* The texts are copied; a later line for the same rule takes the place of an earlier one. */
bool settings_put_text(struct rules_settings *settings, enum settings_text which, struct str text);
/* The regex is the settings' from here on, in any case. */
bool settings_add_redirector(struct rules_settings *settings, struct regex *regex);

#endif
