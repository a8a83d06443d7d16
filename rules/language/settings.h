/*
 * settings: what rule files say beside rules: lists of domains and addresses, networks, patterns,
 * texts and numbers. Made while files are read, never changed afterwards, owned by the ruleset.
 * Both spellings of a directive (whitelist_from, welcomelist_from) fill one list, named here by the
 * newer one. Names and domains are compared in lower case (ASCII). No lookup allocates.
 */
#ifndef POTERNE_RULES_LANGUAGE_SETTINGS_H
#define POTERNE_RULES_LANGUAGE_SETTINGS_H

#include "base/err.h"
#include "base/pool.h"
#include "rules/language/networks.h"

#define SETTINGS_WORD_MAX 512 /* bytes of an address, domain or host that is looked up */

/* Sets of hosts, domains or names; each with a number (1 unless said otherwise). */
enum settings_set {
    SETTINGS_TLD,                    /* util_rb_tld: all that may stand behind the last dot */
    SETTINGS_TLD_2,                  /* util_rb_2tld: "co.uk" */
    SETTINGS_TLD_3,                  /* util_rb_3tld */
    SETTINGS_FREEMAIL_DOMAINS,       /* without the globs: ask settings_is_freemail_domain() */
    SETTINGS_FREEMAIL_WELCOME,       /* freemail_welcomelist: addresses and domains */
    SETTINGS_URL_SHORTENERS,         /* 1: url_shortener, 2: url_shortener_get; ".x" as written */
    SETTINGS_URIDNSBL_SKIP,          /* uridnsbl_skip_domain */
    SETTINGS_ADSP_OVERRIDES,         /* the number is the letter: 'N' 'U' 'A' 'D' '1' '2' '3' */
    SETTINGS_BAYES_IGNORED_HEADERS,  /* bayes_ignore_header */
    SETTINGS_DNS_QUERY_RESTRICTIONS, /* 1: allow, 2: deny */
    SETTINGS_HASHBL_IGNORED,         /* hashbl_ignore */
    SETTINGS_FNS_IGNORED_HEADERS,    /* fns_ignore_headers (FromNameSpoof) */
    SETTINGS_FNS_IGNORED_DKIM,       /* fns_ignore_dkim */
    SETTINGS_SETS,
};

/* Lists of addresses with '*' and '?'. */
enum settings_addresses {
    SETTINGS_WELCOMELIST_FROM,
    SETTINGS_BLOCKLIST_FROM,
    SETTINGS_WELCOMELIST_TO,
    SETTINGS_MORE_SPAM_TO,
    SETTINGS_ALL_SPAM_TO,
    SETTINGS_BLOCKLIST_TO,
    SETTINGS_WELCOMELIST_AUTH,
    SETTINGS_DEF_WELCOMELIST_AUTH,
    SETTINGS_WELCOMELIST_FROM_SPF,
    SETTINGS_DEF_WELCOMELIST_FROM_SPF,
    SETTINGS_WELCOMELIST_ALLOWS_RELAYS,
    SETTINGS_WELCOMELIST_BOUNCE_RELAYS,
    SETTINGS_BAYES_IGNORE_FROM,
    SETTINGS_BAYES_IGNORE_TO,
    SETTINGS_ADDRESSES,
};

/* Globs that need not fit all of a subject, only some place in it. */
enum settings_subjects {
    SETTINGS_WELCOMELIST_SUBJECT,
    SETTINGS_BLOCKLIST_SUBJECT,
    SETTINGS_SUBJECTS
};

/* An address glob, and what must be true beside: a relay's name or [network], a signing domain. */
enum settings_pairs {
    SETTINGS_WELCOMELIST_FROM_RCVD,
    SETTINGS_DEF_WELCOMELIST_FROM_RCVD,
    SETTINGS_WELCOMELIST_FROM_DKIM, /* value "": the author's own domain */
    SETTINGS_DEF_WELCOMELIST_FROM_DKIM,
    SETTINGS_PAIRS,
};

struct settings_pair {
    struct str address; /* glob, lower case */
    struct str value;   /* lower case */
};

enum settings_networks {
    SETTINGS_TRUSTED_NETWORKS,
    SETTINGS_INTERNAL_NETWORKS,
    SETTINGS_MSA_NETWORKS,
    SETTINGS_NETWORKS,
};

enum settings_number {
    SETTINGS_REQUIRED_SCORE, /* for those who show it; poterne.conf decides */
    SETTINGS_ALWAYS_TRUST_ENVELOPE_SENDER,
    SETTINGS_PARSE_DKIM_URIS,
    SETTINGS_POTERNE_BAYES_SCORES, /* rules that look at pass 2 score, too */
    SETTINGS_SKIP_RBL_CHECKS,
    SETTINGS_SKIP_URIBL_CHECKS,
    SETTINGS_URIDNSBL_MAX_DOMAINS,
    SETTINGS_URIDNSBL_SKIP_MAILTO,
    SETTINGS_BODY_PART_SCAN_SIZE,
    SETTINGS_RAWBODY_PART_SCAN_SIZE,
    SETTINGS_FREEMAIL_MAX_BODY_EMAILS,
    SETTINGS_FREEMAIL_MAX_BODY_FREEMAILS,
    SETTINGS_FREEMAIL_SKIP_WHEN_OVER_MAX,
    SETTINGS_FREEMAIL_SKIP_BULK_ENVFROM,
    SETTINGS_FREEMAIL_IMPORT_WELCOMELIST_AUTH,
    SETTINGS_FREEMAIL_IMPORT_DEF_WELCOMELIST_AUTH,
    SETTINGS_FNS_CHECK,
    SETTINGS_FNS_EXTRACHARS,
    SETTINGS_MAX_SHORT_URLS,
    SETTINGS_TEXTCAT_MAX_LANGUAGES,
    SETTINGS_TEXTCAT_OPTIMAL_NGRAMS,
    SETTINGS_TEXTCAT_MAX_NGRAMS,
    SETTINGS_TEXTCAT_ACCEPTABLE_SCORE,
    SETTINGS_DKIM_MINIMUM_KEY_BITS,
    SETTINGS_NUMBERS,
};

/* SpamAssassin's default when no file says anything. */
enum settings_text {
    SETTINGS_OK_LOCALES,   /* "all" */
    SETTINGS_OK_LANGUAGES, /* "all" */
    SETTINGS_INACTIVE_LANGUAGES,
    SETTINGS_ENVELOPE_SENDER_HEADER, /* "": not set */
    SETTINGS_RBL_HEADERS,
    SETTINGS_HASHBL_EMAIL_REGEX, /* "": not set */
    SETTINGS_HASHBL_EMAIL_WELCOMELIST,
    SETTINGS_TEXTS,
};

/* Words in the order in which they were said. */
enum settings_words {
    SETTINGS_ORIGINATING_IP_HEADERS,
    SETTINGS_WORDS,
};

struct rules_settings;
struct languages; /* rules/language/languages.h */
struct regex;

/* Does the set hold the word? *number is set when it does; NULL when nobody asks. */
bool settings_in(const struct rules_settings *settings, enum settings_set set, struct str word,
                 uint32_t *number);

/* Is the address one of the list, or does it fit one of its globs? */
bool settings_address_in(const struct rules_settings *settings, enum settings_addresses list,
                         struct str address);
/* Does any line of the files fill the list? */
bool settings_has_addresses(const struct rules_settings *settings, enum settings_addresses list);
/*
 * As above for a list by its name: one made by enlist_addrlist, or a directive's own list, as in
 * eval:check_from_in_list('welcomelist_from'). *known is false when there is no such list.
 */
bool settings_address_in_named(const struct rules_settings *settings, struct str list,
                               struct str address, bool *known);
bool settings_subject_in(const struct rules_settings *settings, enum settings_subjects list,
                         struct str subject);

/* The next pair, at or behind *at (0 to begin with), whose glob fits the address; NULL: no more. */
const struct settings_pair *settings_pair_next(const struct rules_settings *settings,
                                               enum settings_pairs list, struct str address,
                                               size_t *at);

/* freemail_domains, globs ('*' is never a dot) included. Nothing is looked up in the welcomelist.
 */
bool settings_is_freemail_domain(const struct rules_settings *settings, struct str domain);

/* What a list of enlist_uri_host says; HOST_OUT is "!host". */
enum settings_host { HOST_UNKNOWN, HOST_IN, HOST_OUT };
/*
 * What eval:check_uri_host_listed(LIST) finds for a host: itself, then each domain above it, at
 * most 11 names; an address literal ("[…]", dotted) itself only.
 */
enum settings_host settings_host_listed(const struct rules_settings *settings, struct str list,
                                        struct str host);

/* Networks of the file; `configured` is false when no line named one (127/8 and ::1 are there). */
const struct networks *settings_networks(const struct rules_settings *settings,
                                         enum settings_networks which, bool *configured);

double settings_number(const struct rules_settings *settings, enum settings_number which);
struct str settings_text(const struct rules_settings *settings, enum settings_text which);
/* Is the word one of a text's, between blanks? */
bool settings_text_has(const struct rules_settings *settings, enum settings_text which,
                       struct str word);
const struct str *settings_words(const struct rules_settings *settings, enum settings_words which,
                                 size_t *n);

/* Is PDFInfo on, so that links of PDF files are links of the message? */
bool settings_reads_pdf(const struct rules_settings *settings);
/* TextCat's models; NULL where it is not on, or has none. */
const struct languages *settings_languages(const struct rules_settings *settings);

/* redirector_pattern: the first group is where the link leads. */
struct regex *const *settings_redirectors(const struct rules_settings *settings, size_t *n);

/* Does the name end in a dot and a known top-level domain? */
bool settings_is_domain_valid(const struct rules_settings *settings, struct str host);
/*
 * Cuts a host name where what somebody registered begins ("a.b.example.co.uk" → "example.co.uk").
 * Both are parts of `host`, which must be in lower case; either may be empty.
 */
void settings_split_domain(const struct rules_settings *settings, struct str host,
                           struct str *hostname, struct str *domain);

#endif
