#include "base/conf.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/conf_loaded.h"
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
    bool domain = strcmp(entry->section, "domain") == 0;
    if (*entry->section == '\0' || !conf_section_known(entry->section))
        return conf_suggest_section(entry->section, err);
    if (domain && entry->title == NULL)
        return err_set(err, "section domain without a name; expected domain NAME { … }");
    if (!domain && entry->title)
        return err_set(err, "section %s takes no name; expected %s { … }", entry->section,
                       entry->section);
    return 0;
}

static int open_domain(struct conf_loaded *loaded, const struct conf_entry *entry, struct err *err)
{
    char name[DOMAIN_SIZE];
    struct conf_domain_origin *domain = &loaded->domains[loaded->conf.n_domains];
    if (!domain_normal(str_of(entry->title), name))
        return err_set(err, "domain %s: expected a domain name such as example.org", entry->title);
    domain->name = pool_cstr(loaded->pool, str_of(name));
    domain->settings = POOL_ARRAY(loaded->pool, conf_n_domain_settings, struct conf_origin);
    if (domain->name == NULL || domain->settings == NULL)
        return no_memory(err);
    domain->section = origin_of(entry);
    loaded->conf.n_domains++;
    return 0;
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
    bool domain = strcmp(entry->section, "domain") == 0;
    if (entry->name == NULL) {
        if (check_section(entry, err) < 0)
            return -1;
        return domain ? open_domain(loaded, entry, err) : 0;
    }
    const struct conf_setting *setting = conf_setting_find(entry->section, entry->name);
    if (setting == NULL)
        return conf_suggest_setting(entry->section, entry->name, err);
    if (!domain)
        return take_setting(&loaded->origins[setting - conf_settings], entry, err);
    /* A setting belongs to the section that was opened last. */
    struct conf_domain_origin *last = &loaded->domains[loaded->conf.n_domains - 1];
    return take_setting(&last->settings[setting - conf_domain_settings], entry, err);
}

static size_t count_domains(const struct conf_entries *entries)
{
    size_t n = 0;
    for (size_t i = 0; i < entries->n; i++)
        n += entries->items[i].name == NULL && strcmp(entries->items[i].section, "domain") == 0;
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

static int take_entries(struct conf_loaded *loaded, struct err *err)
{
    size_t n_domains = count_domains(&loaded->entries);
    if (n_domains > CONF_DOMAINS_MAX)
        return err_set(err, "%s: %zu domains; at most %d can be served", loaded->conf.path,
                       n_domains, CONF_DOMAINS_MAX);
    loaded->origins = POOL_ARRAY(loaded->pool, conf_n_settings, struct conf_origin);
    loaded->domains = POOL_ARRAY(loaded->pool, n_domains, struct conf_domain_origin);
    loaded->conf.domains = POOL_ARRAY(loaded->pool, n_domains, struct conf_domain);
    if (!loaded->origins || !loaded->domains || !loaded->conf.domains)
        return no_memory(err);
    take_all(loaded);
    return 0;
}

/* --- domains --- */

static int by_name(const void *a, const void *b)
{
    const struct conf_domain_origin *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    if (order == 0)
        order = strcmp(x->section.file, y->section.file);
    return order ? order
                 : (x->section.line > y->section.line) - (x->section.line < y->section.line);
}

static int store_domain(struct conf_loaded *loaded, size_t i, struct err *err)
{
    struct conf_domain_origin *from = &loaded->domains[i];
    struct conf_domain *domain = &loaded->conf.domains[i];
    const struct conf_domain_origin *before = i ? from - 1 : NULL;
    if (before && strcmp(before->name, from->name) == 0) {
        err_set(err, "domain %s is there already in %s:%u", from->name, before->section.file,
                before->section.line);
        return conf_at(err, &from->section);
    }
    domain->name = from->name;
    size_t before_it = loaded->mistakes->n;
    store_all(loaded, conf_domain_settings, conf_n_domain_settings, from->settings, domain);
    if (loaded->mistakes->n > before_it)
        return 0;
    if (domain->next_hop.text == NULL)
        err_set(err,
                "domain %s has no next_hop; expected next_hop = lmtp://192.0.2.10:24 or another",
                from->name);
    else if (domain->directory.n == 0 && loaded->conf.directory_files.n == 0)
        err_set(err,
                "domain %s has no recipients; expected directory = file /path here, or files "
                "in section directory",
                from->name);
    else
        return 0;
    return conf_at(err, &from->section);
}

static void store_domains(struct conf_loaded *loaded)
{
    struct err err;
    size_t n = loaded->conf.n_domains;
    if (n)
        qsort(loaded->domains, n, sizeof loaded->domains[0], by_name);
    for (size_t i = 0; i < n; i++)
        if (store_domain(loaded, i, &err) < 0)
            conf_mistake_add(loaded->mistakes, &err);
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

static int load(struct conf_loaded *loaded, struct err *err)
{
    if (take_entries(loaded, err) < 0)
        return -1;
    store_all(loaded, conf_settings, conf_n_settings, loaded->origins, &loaded->conf);
    if (machine_name(loaded, err) < 0)
        return -1;
    store_domains(loaded);
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
