#include "base/conf_value.h"

#include <netinet/in.h>

#include "base/ascii.h"
#include "base/buf.h"
#include "base/conf_number.h"
#include "base/conf_place.h"
#include "base/domain.h"
#include "base/network.h"

#define LOCAL_PART_MAX 64 /* RFC 5321 4.5.3.1.1 */

struct job {
    const struct conf_setting *setting;
    struct pool *pool;
    struct err *err;
};

static int no_memory(struct job *job)
{
    return err_set(job->err, "out of memory, or the settings are larger than the limit");
}

static int copy_text(struct job *job, struct str text, const char **out)
{
    *out = pool_cstr(job->pool, text);
    return *out ? 0 : no_memory(job);
}

/* --- numbers, yes and no --- */

static int read_number(struct job *job, struct str text, const struct conf_unit *units,
                       const char *what, uint64_t *n)
{
    return conf_number(text, units, what, job->setting->min, job->setting->max, n, job->err);
}

static int store_unsigned(struct job *job, struct str text, const struct conf_unit *units,
                          const char *what, unsigned *field)
{
    uint64_t n;
    if (read_number(job, text, units, what, &n) < 0)
        return -1;
    *field = (unsigned)n;
    return 0;
}

static int store_size(struct job *job, struct str text, size_t *field)
{
    uint64_t n;
    if (read_number(job, text, conf_size_units, "a size such as 20M (units k, M, G)", &n) < 0)
        return -1;
    *field = (size_t)n;
    return 0;
}

static int store_score(struct job *job, struct str text, double *field)
{
    double d;
    double max = (double)job->setting->max;
    if (!str_to_double(text, &d) || d < (double)job->setting->min || d > max)
        return err_set(job->err, "expected a number such as 5.0, from %d to %d",
                       (int)job->setting->min, (int)job->setting->max);
    *field = d;
    return 0;
}

static int store_bool(struct job *job, struct str text, bool *field)
{
    *field = str_eq(text, STR("yes"));
    if (*field || str_eq(text, STR("no")))
        return 0;
    return err_set(job->err, "expected yes or no");
}

/* --- choices --- */

static bool is_choice(const struct conf_setting *setting, struct str text)
{
    for (size_t i = 0; i < CONF_CHOICES_MAX && setting->words[i]; i++)
        if (str_eq(text, str_of(setting->words[i])))
            return true;
    return false;
}

static int expected_choice(struct job *job)
{
    struct buf words = BUF_INIT(200);
    for (size_t i = 0; i < CONF_CHOICES_MAX && job->setting->words[i]; i++)
        buf_addf(&words, "%s%s", i ? ", " : "", job->setting->words[i]);
    err_set(job->err, "expected one of %s", buf_cstr(&words));
    buf_release(&words);
    return -1;
}

static int store_word(struct job *job, struct str text, const char **field)
{
    return is_choice(job->setting, text) ? copy_text(job, text, field) : expected_choice(job);
}

static int store_action(struct job *job, struct str text, enum conf_action *field)
{
    static const char *const names[] = {[ACT_DELIVER_MARKED] = "deliver-marked",
                                        [ACT_QUARANTINE] = "quarantine",
                                        [ACT_DEFER] = "defer",
                                        [ACT_REJECT] = "reject",
                                        [ACT_PASS] = "pass"};
    if (!is_choice(job->setting, text))
        return expected_choice(job);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_eq(text, str_of(names[i])))
            *field = (enum conf_action)i;
    return 0;
}

static int store_choice(struct job *job, struct str text, unsigned *field)
{
    for (unsigned i = 0; i < CONF_CHOICES_MAX && job->setting->words[i]; i++)
        if (str_eq(text, str_of(job->setting->words[i]))) {
            *field = i;
            return 0;
        }
    return expected_choice(job);
}

/* --- names, paths, addresses --- */

/* One line of SMTP or of a header: no line break may get in. */
static int store_text(struct job *job, struct str text, const char **field)
{
    if (text.n > job->setting->max)
        return err_set(job->err, "expected a text of at most %d bytes", (int)job->setting->max);
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.s[i] < 32)
            return err_set(job->err, "expected a text on one line, without tabs");
    return copy_text(job, text, field);
}

bool conf_value_is_name(struct str text)
{
    bool good = text.n > 0 && text.n <= 24;
    for (size_t i = 0; i < text.n && good; i++) {
        char c = str_lower_char(text.s[i]);
        good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9' && i > 0) || c == '_' ||
               (c == '-' && i > 0);
    }
    return good;
}

static int store_name(struct job *job, struct str text, const char **field)
{
    if (!conf_value_is_name(text))
        return err_set(job->err, "expected a name of letters, digits, - and _ (at most 24)");
    return copy_text(job, text, field);
}

static int store_host(struct job *job, struct str text, const char **field)
{
    char name[DOMAIN_SIZE];
    if (!domain_normal(text, name))
        return err_set(job->err, "expected a host name such as mx.example.org");
    return copy_text(job, str_of(name), field);
}

static int store_path(struct job *job, struct str text, const char **field)
{
    *field = NULL;
    if (text.n == 0 && job->setting->min == 0)
        return 0;
    if (!conf_place_path(text))
        return err_set(job->err, "expected an absolute path without ..");
    *field = conf_place_fold(text, job->pool);
    return *field ? 0 : no_memory(job);
}

static bool is_address(struct str text)
{
    char domain[DOMAIN_SIZE];
    size_t at = str_rchr(text, '@');
    if (at == STR_NONE || at == 0 || at > LOCAL_PART_MAX)
        return false;
    for (size_t i = 0; i < at; i++)
        if ((unsigned char)text.s[i] <= ' ' || strchr("<>()\",;:\\@", text.s[i]))
            return false;
    return domain_normal(str_from(text, at + 1), domain);
}

static int store_address(struct job *job, struct str text, const char **field)
{
    *field = NULL;
    if (text.n == 0)
        return 0;
    if (!is_address(text))
        return err_set(job->err, "expected a mail address such as postmaster@example.org");
    return copy_text(job, text, field);
}

/* It goes into SMTP commands, to servers that may know nothing of SMTPUTF8. */
static int store_sender(struct job *job, struct str text, const char **field)
{
    char domain[DOMAIN_SIZE];
    struct str local = str_sub(text, 0, str_rchr(text, '@'));
    bool below = str_starts(text, STR("@")) && domain_normal(str_from(text, 1), domain);
    if (str_eq(text, STR("srs")))
        return copy_text(job, text, field);
    if (!below && (!is_address(text) || !str_is_ascii(local) ||
                   !domain_normal(domain_of_address(text), domain)))
        return err_set(job->err, "expected srs, a domain such as @srs.example.org, or a mail "
                                 "address with ASCII before its @");
    struct str sender = pool_strf(job->pool, "%.*s@%s", STR_ARG(local), domain);
    *field = sender.s;
    return sender.s ? 0 : err_set(job->err, "out of memory");
}

/* --- lists --- */

/* example.org, or .example.org for what lies below it */
static bool is_domain(struct str text)
{
    char name[DOMAIN_SIZE];
    return domain_normal(str_from(text, str_starts(text, STR("."))), name);
}

/* Scheme, host and port only: the rest of an LDAP URL (RFC 4516) is in other settings. */
static bool is_ldap_uri(struct str text)
{
    size_t scheme = str_istarts(text, STR("ldaps://"))  ? strlen("ldaps://")
                    : str_istarts(text, STR("ldap://")) ? strlen("ldap://")
                                                        : 0;
    struct str host = str_from(text, scheme);
    for (size_t i = 0; i < host.n; i++)
        if (!ascii_is_alnum(host.s[i]) && !strchr(".-:[]", host.s[i]))
            return false;
    return scheme && host.n && host.s[0] != ':';
}

static int check_item(struct job *job, struct str text)
{
    struct network network;
    char host[INET6_ADDRSTRLEN], name[DOMAIN_SIZE];
    uint16_t port = 0;
    struct conf_source source;
    uint64_t code;
    switch (job->setting->type) {
    case CONF_WORDS:
        return is_choice(job->setting, text) ? 0 : expected_choice(job);
    case CONF_ENGINES:
        return conf_value_is_name(text) ? 0 : expected_choice(job);
    case CONF_TEXTS:
        return 0;
    case CONF_CODES:
        return str_to_u64(text, UINT8_MAX, &code)
                   ? 0
                   : err_set(job->err, "expected a number from 0 to 255");
    case CONF_PATHS:
        return conf_place_path(text) ? 0
                                     : err_set(job->err, "expected an absolute path without ..");
    case CONF_ADDRESSES:
        return is_address(text) ? 0
                                : err_set(job->err, "expected a mail address such as "
                                                    "postmaster@example.org");
    case CONF_LISTENS:
        return conf_place_listen(text, job->err);
    case CONF_SERVERS:
        return conf_place_server(text, host, &port)
                   ? 0
                   : err_set(job->err, "expected an address such as 192.0.2.53, 2001:db8::53, "
                                       "127.0.0.1:5353 or [::1]:5353");
    case CONF_NETWORKS:
        return network_parse(text, &network)
                   ? 0
                   : err_set(job->err, "expected a network such as 10.0.0.0/8, 2001:db8::/32 or "
                                       "192.0.2.1");
    case CONF_HOSTS:
        return domain_normal(text, name) ? 0 : err_set(job->err, "expected a domain name");
    case CONF_DOMAINS:
        return is_domain(text) ? 0
                               : err_set(job->err, "expected a domain such as example.org, or "
                                                   ".example.org for what lies below it");
    case CONF_SOURCES:
        return conf_source_of(text.s, &source)
                   ? 0
                   : err_set(
                         job->err,
                         "expected a source such as file \"/etc/poterne/recipients\", "
                         "accounts \"/path\", ldap NAME, sqlite NAME, call_ahead or quota NAME");
    case CONF_URIS:
        return is_ldap_uri(text) ? 0
                                 : err_set(job->err, "expected a server such as "
                                                     "ldaps://ldap.example.org or "
                                                     "ldap://192.0.2.1:389");
    default:
        return err_set(job->err, "not a list");
    }
}

/* What is stored for it; NULL: out of memory. A source that is a file keeps the word before. */
static const char *item_of(const struct job *job, struct str text)
{
    enum conf_type type = job->setting->type;
    struct conf_source source = {.kind = SOURCE_FILE, .name = text.s};
    bool path = type == CONF_PATHS || (type == CONF_SOURCES && conf_source_of(text.s, &source) &&
                                       conf_source_is_file(source.kind));
    if (!path)
        return text.s;
    const char *place = conf_place_fold(str_of(source.name), job->pool);
    struct str word = str_sub(text, 0, (size_t)(source.name - text.s));
    return place == NULL || word.n == 0 ? place
                                        : pool_strf(job->pool, "%.*s%s", STR_ARG(word), place).s;
}

static bool is_earlier(const struct conf_value *value, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (str_eq(value->items[k], value->items[i]))
            return true;
    return false;
}

/* A single value stands for the list of it. */
static int store_list(struct job *job, const struct conf_value *value, struct conf_list *field)
{
    const struct conf_setting *setting = job->setting;
    if (value->n < setting->min || value->n > setting->max)
        return err_set(job->err, "expected %d to %d items", (int)setting->min, (int)setting->max);
    const char **items = POOL_ARRAY(job->pool, value->n + 1, const char *);
    if (items == NULL)
        return no_memory(job);
    for (size_t i = 0; i < value->n; i++) {
        if (check_item(job, value->items[i]) < 0)
            return err_prefix(job->err, "item `%.*s`", STR_ARG(value->items[i]));
        if (setting->type != CONF_TEXTS && is_earlier(value, i))
            return err_set(job->err, "item `%.*s` stands there twice", STR_ARG(value->items[i]));
        items[i] = item_of(job, value->items[i]);
        if (items[i] == NULL)
            return no_memory(job);
    }
    *field = (struct conf_list){items, value->n};
    return 0;
}

static int store_hop(struct job *job, struct str text, bool alone, struct conf_hop *hop)
{
    if (job->setting->type == CONF_HOPS)
        return conf_place_hop(text, job->pool, hop, job->err);
    return conf_place_relay(text, alone && is_choice(job->setting, text), job->pool, hop, job->err);
}

static int store_hops(struct job *job, const struct conf_value *value, struct conf_hops *field)
{
    const struct conf_setting *setting = job->setting;
    if (value->n < setting->min || value->n > setting->max)
        return err_set(job->err, "expected %d to %d next hops", (int)setting->min,
                       (int)setting->max);
    struct conf_hop *items = POOL_ARRAY(job->pool, value->n + 1, struct conf_hop);
    if (items == NULL)
        return no_memory(job);
    for (size_t i = 0; i < value->n; i++) {
        if (is_earlier(value, i))
            return err_set(job->err, "item `%.*s` stands there twice", STR_ARG(value->items[i]));
        if (store_hop(job, value->items[i], value->n == 1, &items[i]) < 0)
            return value->list ? err_prefix(job->err, "item `%.*s`", STR_ARG(value->items[i])) : -1;
    }
    *field = (struct conf_hops){items, value->n};
    return 0;
}

int conf_value_store(const struct conf_setting *setting, const struct conf_value *value,
                     struct pool *pool, void *field, struct err *err)
{
    struct job job = {setting, pool, err};
    if (setting->type == CONF_HOPS || setting->type == CONF_RELAYS)
        return store_hops(&job, value, field);
    if (setting->type >= CONF_WORDS)
        return store_list(&job, value, field);
    if (value->list)
        return err_set(err, "expected one value, not a list");
    struct str text = value->items[0];
    switch (setting->type) {
    case CONF_TEXT:
        return store_text(&job, text, field);
    case CONF_WORD:
        return store_word(&job, text, field);
    case CONF_NAME:
        return store_name(&job, text, field);
    case CONF_HOST:
        return store_host(&job, text, field);
    case CONF_PATH:
        return store_path(&job, text, field);
    case CONF_ADDRESS:
        return store_address(&job, text, field);
    case CONF_SENDER:
        return store_sender(&job, text, field);
    case CONF_BOOL:
        return store_bool(&job, text, field);
    case CONF_COUNT:
        return store_unsigned(&job, text, conf_no_units, "a number", field);
    case CONF_TIME:
        return store_unsigned(&job, text, conf_time_units,
                              "a time such as 15min (units s, min, h, d)", field);
    case CONF_SIZE:
        return store_size(&job, text, field);
    case CONF_SCORE:
        return store_score(&job, text, field);
    case CONF_ACTION:
        return store_action(&job, text, field);
    case CONF_CHOICE:
        return store_choice(&job, text, field);
    case CONF_HOP:
        return conf_place_hop(text, pool, field, err);
    case CONF_PEER:
        return conf_place_peer(text, pool, field, err);
    default:
        return err_set(err, "setting of an unknown type");
    }
}
