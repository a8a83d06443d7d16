/*
 * conf_table: every setting there is, in the order in which it is shown: name, type, default,
 * bounds, explanation, and the field of struct conf.
 * A new setting is a field in conf.h, a row in conf_table.c and a paragraph in poterne.conf(5).
 */
#ifndef POTERNE_BASE_CONF_TABLE_H
#define POTERNE_BASE_CONF_TABLE_H

#include "base/conf.h"

enum conf_type {
    CONF_TEXT,      /* const char *: any text */
    CONF_WORD,      /* const char *: one of `words` */
    CONF_NAME,      /* const char *: of a user or group, or a prefix of one */
    CONF_HOST,      /* const char *: domain name */
    CONF_PATH,      /* const char *: absolute; "" is NULL */
    CONF_BOOL,      /* bool: yes, no */
    CONF_COUNT,     /* unsigned */
    CONF_SIZE,      /* size_t: bytes, k M G */
    CONF_TIME,      /* unsigned: seconds, s min h d */
    CONF_SCORE,     /* double */
    CONF_ACTION,    /* enum conf_action: one of `words` */
    CONF_CHOICE,    /* unsigned: the place of one of `words` */
    CONF_HOP,       /* struct conf_hop */
    CONF_PEER,      /* struct conf_peer */
    CONF_ADDRESS,   /* const char *: mail address; "" is NULL */
    CONF_SENDER,    /* const char *: the word srs, @domain, or a mail address */
    CONF_WORDS,     /* struct conf_list: each one of `words`, none twice */
    CONF_ENGINES,   /* struct conf_list: each one of `words` or the name of a scanner */
    CONF_TEXTS,     /* struct conf_list: texts, the same one as often as one likes */
    CONF_CODES,     /* struct conf_list: numbers from 0 to 255 */
    CONF_PATHS,     /* struct conf_list: absolute paths */
    CONF_ADDRESSES, /* struct conf_list: mail addresses */
    CONF_LISTENS,   /* struct conf_list: address:port */
    CONF_SERVERS,   /* struct conf_list: address, or address:port */
    CONF_NETWORKS,  /* struct conf_list: networks of IP addresses */
    CONF_URIS,      /* struct conf_list: ldap:// and ldaps:// */
    CONF_HOSTS,     /* struct conf_list: domain names */
    CONF_DOMAINS,   /* struct conf_list: domain names, or .domain for what lies below one */
    CONF_SOURCES,   /* struct conf_list: conf_source_of() */
    CONF_RELAYS, /* struct conf_hops: mail servers of others, by address or name; `words` alone */
    CONF_HOPS    /* struct conf_hops */
};

#define CONF_CHOICES_MAX  6
#define CONF_DOMAINS_MAX  10000
#define CONF_ROUTES_MAX   1000
#define CONF_SCANNERS_MAX 32
#define CONF_LISTS_MAX    32
#define CONF_REMOTES_MAX  32 /* sections of a kind of source */
#define CONF_HOPS_MAX     16 /* servers of one next hop */

struct conf_setting {
    const char *section; /* "" outside of all sections */
    const char *name;
    enum conf_type type;
    size_t offset;
    const char *fallback; /* default, in the file's syntax; NULL: must be given or is worked out */
    uint64_t min, max;    /* of numbers; of the number of items in a list */
    const char *words[CONF_CHOICES_MAX];
    const char *help;
};

extern const struct conf_setting conf_settings[];
extern const size_t conf_n_settings;

/* The sections that have a name, of which there may be several. */
enum conf_titled_kind {
    TITLED_DOMAIN,
    TITLED_SCANNER,
    TITLED_LIST,
    TITLED_LDAP,
    TITLED_SQLITE,
    TITLED_QUOTA,
    TITLED_ROUTE,
    TITLED_KINDS
};

struct conf_titled {
    const char *section;
    const struct conf_setting *rows; /* offsets are in the struct that one of them fills … */
    size_t n_rows;
    size_t size;  /* … of this size, which begins with its name: const char * */
    size_t array; /* offset in struct conf of the pointer to all of them, ordered by name … */
    size_t count; /* … and of how many there are: size_t */
    size_t max;
};
/* By enum conf_titled_kind. */
extern const struct conf_titled conf_titled[TITLED_KINDS];

/* NULL: the section has no name. */
const struct conf_titled *conf_titled_find(const char *section);
/* The rows among which a section's settings are. */
const struct conf_setting *conf_rows(const char *section, size_t *n);

/* NULL when there is none of that name. */
const struct conf_setting *conf_setting_find(const char *section, const char *name);
bool conf_section_known(const char *section);
/* One of the engines that antivirus.engines knows by itself. */
bool conf_engine_ours(const char *name);

#endif
