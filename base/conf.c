#include "base/conf.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/conf_loaded.h"
#include "base/conf_place.h"
#include "base/conf_suggest.h"
#include "base/conf_value.h"
#include "base/domain.h"

#define MACHINE_NAME_MAX 256

static struct conf_origin origin_of(const struct conf_entry *entry)
{
    return (struct conf_origin){entry->value, entry->file, entry->line};
}

static int no_memory(struct err *err)
{
    return err_set(err, "out of memory, or the settings are larger than the limit");
}

/* --- values into fields --- */

static int store(struct conf_loaded *loaded, const struct conf_setting *setting,
                 const struct conf_origin *origin, void *base, struct err *err)
{
    char *field = (char *)base + setting->offset;
    if (conf_value_store(setting, &origin->value, loaded->pool, field, err) == 0)
        return 0;
    if (origin->value.list || setting->type == CONF_TEXT)
        err_prefix(err, "%s", setting->name);
    else
        err_prefix(err, "%s = %.*s", setting->name, STR_ARG(origin->value.items[0]));
    return origin->file ? conf_at(err, origin) : err_prefix(err, "default");
}

/* The default, as if it had been written. */
static int store_default(struct conf_loaded *loaded, const struct conf_setting *setting,
                         struct conf_origin *origin, void *base, struct err *err)
{
    if (setting->fallback == NULL)
        return 0;
    if (conf_syntax_value(str_of(setting->fallback), loaded->pool, &origin->value, err) < 0)
        return err_prefix(err, "default of %s", setting->name);
    return store(loaded, setting, origin, base, err);
}

/* Every row of a table into the struct at `base`: what was written, else the default. */
static void store_all(struct conf_loaded *loaded, const struct conf_setting *rows, size_t n,
                      struct conf_origin *origins, void *base)
{
    struct err err;
    for (size_t i = 0; i < n; i++) {
        int result = origins[i].file ? store(loaded, &rows[i], &origins[i], base, &err)
                                     : store_default(loaded, &rows[i], &origins[i], base, &err);
        if (result < 0)
            conf_mistake_add(loaded->mistakes, &err);
    }
}

/* --- entries to settings --- */

static int check_section(const struct conf_entry *entry, struct err *err)
{
    bool titled = conf_titled_find(entry->section) != NULL;
    if (*entry->section == '\0' || !conf_section_known(entry->section))
        return conf_suggest_section(entry->section, err);
    if (titled && entry->title == NULL)
        return err_set(err, "section %s without a name; expected %s NAME { … }", entry->section,
                       entry->section);
    if (!titled && entry->title)
        return err_set(err, "section %s takes no name; expected %s { … }", entry->section,
                       entry->section);
    return 0;
}

static size_t *count_of(struct conf_loaded *loaded, const struct conf_titled *kind)
{
    return (size_t *)((char *)&loaded->conf + kind->count);
}

static struct conf_titled_origin *origins_of(struct conf_loaded *loaded,
                                             const struct conf_titled *kind)
{
    return loaded->titled[kind - conf_titled];
}

#define TITLE_SIZE (DOMAIN_SIZE + 1) /* with a dot before it */

/* A domain, or a dot and the domain that others lie below. */
static int read_route(const char *title, char name[TITLE_SIZE], struct err *err)
{
    size_t dot = *title == '.';
    name[0] = '.';
    if (domain_normal(str_of(title + dot), name + dot))
        return 0;
    return err_set(err,
                   "route %s: expected a domain such as example.org, or .example.org for what "
                   "lies below it",
                   title);
}

/* The title in the one form in which it is compared and shown. */
static int read_title(const struct conf_entry *entry, const struct conf_titled *kind,
                      char name[TITLE_SIZE], struct err *err)
{
    struct str title = str_of(entry->title);
    if (kind == &conf_titled[TITLED_ROUTE])
        return read_route(entry->title, name, err);
    if (kind == &conf_titled[TITLED_DOMAIN])
        return domain_normal(title, name)
                   ? 0
                   : err_set(err, "domain %s: expected a domain name such as example.org",
                             entry->title);
    bool good = conf_value_is_name(title) && str_copy(title, name, DOMAIN_SIZE);
    if (kind == &conf_titled[TITLED_SCANNER] && (!good || conf_engine_ours(entry->title)))
        return err_set(err,
                       "scanner %s: expected a name of letters, digits, - and _ (at most 24) that "
                       "is no engine of ours",
                       entry->title);
    return good ? 0
                : err_set(err, "%s %s: expected a name of letters, digits, - and _ (at most 24)",
                          kind->section, entry->title);
}

/* There is room: take_entries() has counted them. */
static int open_section(struct conf_loaded *loaded, const struct conf_entry *entry, struct err *err)
{
    char name[TITLE_SIZE];
    const struct conf_titled *kind = conf_titled_find(entry->section);
    if (kind == NULL)
        return 0;
    size_t *n = count_of(loaded, kind);
    struct conf_titled_origin *titled = &origins_of(loaded, kind)[*n];
    if (read_title(entry, kind, name, err) < 0)
        return -1;
    titled->name = pool_cstr(loaded->pool, str_of(name));
    titled->settings = POOL_ARRAY(loaded->pool, kind->n_rows, struct conf_origin);
    if (titled->name == NULL || titled->settings == NULL)
        return no_memory(err);
    titled->section = origin_of(entry);
    ++*n;
    return 0;
}

/* What the settings of a section go to: its own rows if it has a name. */
static struct conf_origin *open_settings(struct conf_loaded *loaded, const char *section)
{
    const struct conf_titled *kind = conf_titled_find(section);
    /* A setting belongs to the section that was opened last. */
    return kind ? origins_of(loaded, kind)[*count_of(loaded, kind) - 1].settings : loaded->origins;
}

/* Twice in one file is a mistake; in a later file it takes the place of the first. */
static int take_setting(struct conf_origin *slot, const struct conf_entry *entry, struct err *err)
{
    if (slot->file && strcmp(slot->file, entry->file) == 0)
        return err_set(err, "%s is set already in line %u", entry->name, slot->line);
    *slot = origin_of(entry);
    return 0;
}

static int take_entry(struct conf_loaded *loaded, const struct conf_entry *entry, struct err *err)
{
    size_t n;
    if (entry->name == NULL)
        return check_section(entry, err) < 0 ? -1 : open_section(loaded, entry, err);
    const struct conf_setting *setting = conf_setting_find(entry->section, entry->name);
    if (setting == NULL)
        return conf_suggest_setting(entry->section, entry->name, err);
    struct conf_origin *settings = open_settings(loaded, entry->section);
    return take_setting(&settings[setting - conf_rows(entry->section, &n)], entry, err);
}

static size_t count_sections(const struct conf_entries *entries, const char *section)
{
    size_t n = 0;
    for (size_t i = 0; i < entries->n; i++)
        n += entries->items[i].name == NULL && strcmp(entries->items[i].section, section) == 0;
    return n;
}

/* Where a section is not understood, what stands in it is not looked at. */
static void take_all(struct conf_loaded *loaded)
{
    struct err err;
    bool skipping = false;
    for (size_t i = 0; i < loaded->entries.n; i++) {
        const struct conf_entry *entry = &loaded->entries.items[i];
        struct conf_origin origin = origin_of(entry);
        bool opens = entry->name == NULL;
        if (!opens && skipping && *entry->section)
            continue;
        bool taken = take_entry(loaded, entry, &err) == 0;
        if (opens)
            skipping = !taken;
        if (taken)
            continue;
        conf_at(&err, &origin);
        conf_mistake_add(loaded->mistakes, &err);
    }
}

/* For all the sections of a kind. */
static int make_room(struct conf_loaded *loaded, const struct conf_titled *kind, struct err *err)
{
    size_t n = count_sections(&loaded->entries, kind->section);
    if (n > kind->max)
        return err_set(err, "%s: %zu sections %s; at most %zu can be used", loaded->conf.path, n,
                       kind->section, kind->max);
    struct conf_titled_origin *origins = POOL_ARRAY(loaded->pool, n, struct conf_titled_origin);
    void *all = pool_array(loaded->pool, n, kind->size);
    if (origins == NULL || all == NULL)
        return no_memory(err);
    loaded->titled[kind - conf_titled] = origins;
    memcpy((char *)&loaded->conf + kind->array, &all, sizeof all);
    return 0;
}

static int take_entries(struct conf_loaded *loaded, struct err *err)
{
    loaded->origins = POOL_ARRAY(loaded->pool, conf_n_settings, struct conf_origin);
    if (loaded->origins == NULL)
        return no_memory(err);
    for (unsigned kind = 0; kind < TITLED_KINDS; kind++)
        if (make_room(loaded, &conf_titled[kind], err) < 0)
            return -1;
    take_all(loaded);
    return 0;
}

/* --- sections with a name --- */

static int by_name(const void *a, const void *b)
{
    const struct conf_titled_origin *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    if (order == 0)
        order = strcmp(x->section.file, y->section.file);
    return order ? order
                 : (x->section.line > y->section.line) - (x->section.line < y->section.line);
}

/* list is ordered by name */
static int refuse_second(const char *section, const struct conf_titled_origin *list, size_t i,
                         struct err *err)
{
    if (i == 0 || strcmp(list[i - 1].name, list[i].name) != 0)
        return 0;
    err_set(err, "%s %s is there already in %s:%u", section, list[i].name, list[i - 1].section.file,
            list[i - 1].section.line);
    return conf_at(err, &list[i].section);
}

static int check_domain(struct conf_loaded *loaded, size_t i, struct err *err)
{
    const struct conf_domain *domain = &loaded->conf.domains[i];
    if (domain->next_hop.n == 0)
        return err_set(
            err, "domain %s has no next_hop; expected next_hop = lmtp://192.0.2.10:24 or another",
            domain->name);
    for (size_t k = 0; domain->next_hop.n > 1 && k < domain->next_hop.n; k++)
        if (domain->next_hop.items[k].kind == HOP_MAILDIR)
            return err_set(err,
                           "domain %s has a Maildir among several next hops; expected servers, or "
                           "the Maildir alone",
                           domain->name);
    if (domain->directory.n == 0 && loaded->conf.directory_files.n == 0)
        return err_set(
            err,
            "domain %s has no recipients; expected directory = file /path here, or files "
            "in section directory",
            domain->name);
    return conf_check_domain_way(domain, err);
}

/* A preset has everything; without one there is no guessing what an exit code means. */
static int check_command(const struct conf_scanner *scanner, struct err *err)
{
    const struct conf_list *command = &scanner->command;
    bool preset = strcmp(scanner->preset, "none") != 0;
    bool folder = false;
    for (size_t i = 1; i < command->n; i++)
        folder |= strcmp(command->items[i], "%f") == 0;
    if (command->n > 0 && !conf_place_path(str_of(command->items[0])))
        return err_set(err, "scanner %s: expected the program's absolute path in command",
                       scanner->name);
    if (!preset && (command->n == 0 || scanner->clean.n == 0 || scanner->infected.n == 0))
        return err_set(err, "scanner %s: expected a preset, or command, clean and infected",
                       scanner->name);
    if (!folder && (!preset || command->n > 1))
        return err_set(err, "scanner %s: expected %%f among the arguments of command",
                       scanner->name);
    return 0;
}

static int check_scanner(struct conf_loaded *loaded, size_t i, struct err *err)
{
    const struct conf_scanner *scanner = &loaded->conf.antivirus.scanners[i];
    const struct conf_titled_origin *from = &loaded->titled[TITLED_SCANNER][i];
    const struct conf_setting *type = conf_setting_find("scanner", "type");
    if (from->settings[type - conf_titled[TITLED_SCANNER].rows].file == NULL)
        return err_set(err, "scanner %s has no type; expected type = clamd or another", from->name);
    if ((scanner->type == SCANNER_COMMAND) == (scanner->address.text != NULL))
        return err_set(err, "scanner %s: expected %s", from->name,
                       scanner->type == SCANNER_COMMAND
                           ? "no address, which a command does not have"
                           : "an address, such as address = /run/clamav/clamd.ctl");
    if ((scanner->type == SCANNER_ICAP) != (scanner->address.authority.n > 0))
        return err_set(
            err,
            "scanner %s: type and address do not go together; expected icap://... for icap "
            "only",
            from->name);
    return scanner->type == SCANNER_COMMAND ? check_command(scanner, err) : 0;
}

static int check_list(struct conf_loaded *loaded, size_t i, struct err *err)
{
    const struct conf_dns_list *list = &loaded->conf.lists[i];
    if (list->zone)
        return 0;
    return err_set(err, "list %s has no zone; expected zone = dnsbl.example.org or another",
                   list->name);
}

/* Looks at what one of them says, once all of it is understood; -1: err, without its place. */
typedef int check_titled(struct conf_loaded *loaded, size_t i, struct err *err);

static check_titled *const checks[TITLED_KINDS] = {
    [TITLED_DOMAIN] = check_domain,      [TITLED_SCANNER] = check_scanner,
    [TITLED_LIST] = check_list,          [TITLED_LDAP] = conf_check_ldap,
    [TITLED_SQLITE] = conf_check_sqlite, [TITLED_QUOTA] = conf_check_quota,
    [TITLED_ROUTE] = conf_check_route,
};

static int store_titled(struct conf_loaded *loaded, enum conf_titled_kind kind, size_t i,
                        struct err *err)
{
    const struct conf_titled *titled = &conf_titled[kind];
    const struct conf_titled_origin *from = &loaded->titled[kind][i];
    char *all;
    memcpy(&all, (const char *)&loaded->conf + titled->array, sizeof all);
    char *one = all + i * titled->size;
    memcpy(one, &from->name, sizeof from->name); /* of a second one, too: all are searched */
    if (refuse_second(titled->section, loaded->titled[kind], i, err) < 0)
        return -1;
    size_t before_it = loaded->mistakes->n;
    store_all(loaded, titled->rows, titled->n_rows, from->settings, one);
    if (loaded->mistakes->n > before_it || checks[kind](loaded, i, err) == 0)
        return 0;
    return conf_at(err, &from->section);
}

static void store_kind(struct conf_loaded *loaded, enum conf_titled_kind kind)
{
    struct err err;
    size_t n = conf_titled_count(&loaded->conf, kind);
    if (n)
        qsort(loaded->titled[kind], n, sizeof loaded->titled[kind][0], by_name);
    for (size_t i = 0; i < n; i++)
        if (store_titled(loaded, kind, i, &err) < 0)
            conf_mistake_add(loaded->mistakes, &err);
}

const struct conf_scanner *conf_scanner_find(const struct conf_antivirus *conf, const char *name)
{
    for (size_t i = 0; i < conf->n_scanners; i++)
        if (strcmp(conf->scanners[i].name, name) == 0)
            return &conf->scanners[i];
    return NULL;
}

static int match_name(const void *key, const void *element)
{
    const struct conf_domain *domain = element;
    return strcmp(key, domain->name);
}

const struct conf_domain *conf_domain_find(const struct conf *conf, struct str name)
{
    char normal[DOMAIN_SIZE];
    if (conf->n_domains == 0 || !domain_normal(name, normal))
        return NULL;
    return bsearch(normal, conf->domains, conf->n_domains, sizeof conf->domains[0], match_name);
}

const struct conf_domain *conf_domain_of(const struct conf *conf, struct str address)
{
    return conf_domain_find(conf, domain_of_address(address));
}

unsigned conf_quarantine_longest(const struct conf *conf)
{
    const struct conf_quarantine *q = &conf->quarantine;
    const unsigned keep[] = {q->keep_virus, q->keep_banned, q->keep_unscannable, q->keep_policy,
                             q->keep_undeliverable};
    unsigned longest = 0;
    for (size_t i = 0; i < sizeof keep / sizeof keep[0]; i++) {
        if (keep[i] == 0)
            return 0;
        longest = keep[i] > longest ? keep[i] : longest;
    }
    return longest;
}

static size_t count_outside(const struct conf_antivirus *conf)
{
    size_t n = 0;
    for (size_t i = 0; i < conf->engines.n; i++)
        n += conf_scanner_find(conf, conf->engines.items[i]) != NULL;
    return n;
}

bool conf_has_outside(const struct conf_antivirus *conf)
{
    return count_outside(conf) > 0;
}

bool conf_has_inside(const struct conf_antivirus *conf)
{
    return count_outside(conf) < conf->engines.n;
}

/* --- the whole --- */

static int machine_name(struct conf_loaded *loaded, struct err *err)
{
    char name[MACHINE_NAME_MAX];
    char normal[DOMAIN_SIZE];
    if (loaded->conf.hostname)
        return 0;
    if (gethostname(name, sizeof name) < 0)
        return err_sys(err, "%s: cannot ask the machine's name; set hostname", loaded->conf.path);
    name[sizeof name - 1] = '\0';
    if (!domain_normal(str_of(name), normal))
        return err_set(err, "%s: the machine's name `%s` is no host name; set hostname",
                       loaded->conf.path, name);
    struct conf_origin *origin =
        &loaded->origins[conf_setting_find("", "hostname") - conf_settings];
    loaded->conf.hostname = pool_cstr(loaded->pool, str_of(normal));
    struct str *item = POOL_NEW(loaded->pool, struct str);
    if (loaded->conf.hostname == NULL || item == NULL)
        return no_memory(err);
    *item = str_of(loaded->conf.hostname);
    origin->value = (struct conf_value){item, 1, false};
    return 0;
}

void conf_mistake_add(struct conf_mistakes *mistakes, const struct err *err)
{
    if (mistakes->n++ == 0)
        mistakes->first = *err;
    if (mistakes->tell)
        mistakes->tell(mistakes->data, err->text);
}

/* A scan must outlive its questions to the DNS. */
static void shorten_dns_time(struct conf *conf)
{
    unsigned half = conf->smtp.scan_timeout / 2 ? conf->smtp.scan_timeout / 2 : 1;
    if (conf->resolver.time_per_message > half)
        conf->resolver.time_per_message = half;
}

static int load(struct conf_loaded *loaded, struct err *err)
{
    if (take_entries(loaded, err) < 0)
        return -1;
    store_all(loaded, conf_settings, conf_n_settings, loaded->origins, &loaded->conf);
    if (machine_name(loaded, err) < 0)
        return -1;
    for (unsigned kind = 0; kind < TITLED_KINDS; kind++)
        store_kind(loaded, kind);
    shorten_dns_time(&loaded->conf);
    if (loaded->mistakes->n == 0) /* values that could not be read go with nothing */
        conf_check(loaded);
    return 0;
}

struct conf *conf_load(struct pool *pool, const struct conf_entries *entries, const char *path,
                       struct conf_mistakes *mistakes)
{
    struct err err;
    struct conf_loaded *loaded = POOL_NEW(pool, struct conf_loaded);
    int result = -1;
    if (loaded) {
        loaded->pool = pool;
        loaded->entries = *entries;
        loaded->mistakes = mistakes;
        loaded->conf.path = pool_cstr(pool, str_of(path));
    }
    if (loaded && loaded->conf.path)
        result = load(loaded, &err);
    else
        no_memory(&err);
    if (result < 0)
        conf_mistake_add(mistakes, &err);
    if (mistakes->n == 0) {
        loaded->mistakes = NULL;
        return &loaded->conf;
    }
    pool_free(&pool);
    return NULL;
}

void conf_free(struct conf **conf)
{
    if (*conf == NULL)
        return;
    struct pool *pool = conf_loaded(*conf)->pool;
    *conf = NULL;
    pool_free(&pool);
}
