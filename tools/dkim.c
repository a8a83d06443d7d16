/* dkim: the keys that sign our own mail, and the records that publish them. */
#include <time.h>

#include "tools/dkim_tool.h"
#include "tools/json.h"

#define RECORD_TTL 3600 /* seconds, in the lines to publish */

/* --- keygen --- */

/* A date tells which is the newer one. */
static int choose_selector(const struct tool_args *args, enum sign_kind kind,
                           char selector[DOMAIN_SIZE], struct err *err)
{
    time_t now = time(NULL);
    struct tm tm;
    if (args->selector)
        return domain_normal(str_of(args->selector), selector)
                   ? 0
                   : err_set(err, "\"%s\" is no selector: letters, digits and hyphens",
                             args->selector);
    if (localtime_r(&now, &tm) == NULL ||
        strftime(selector, DOMAIN_SIZE, kind == SIGN_RSA ? "%Y%m%dr" : "%Y%m%de", &tm) == 0)
        return err_set(err, "what day is it? Name a selector");
    return 0;
}

static int put_record(struct str record, const char *selector, const char *domain)
{
    printf("%s._domainkey.%s. %d IN TXT (", selector, domain, RECORD_TTL);
    for (size_t at = 0; at < record.n; at += SIGN_STRING_MAX)
        printf(" \"%.*s\"", STR_ARG(str_sub(record, at, at + SIGN_STRING_MAX)));
    puts(" )");
    return 0;
}

static int put_record_json(const struct sign_private *key, struct str record, bool signs,
                           const char *selector, const char *domain)
{
    char name[2 * DOMAIN_SIZE];
    snprintf(name, sizeof name, "%s._domainkey.%s", selector, domain);
    return json_line(json_pack("{s:s, s:s, s:s, s:s, s:I, s:b, s:o}", "domain", domain, "selector",
                               selector, "name", name, "algorithm", sign_kind_name(key->kind),
                               "bits", (json_int_t)key->bits, "signs", signs, "record",
                               json_text(record)));
}

static int show_key(const struct tool_args *args, const struct conf_domain *domain,
                    const struct dkim_selector *selector, const struct sign_private *key,
                    struct err *err)
{
    struct buf record = BUF_INIT(SIGN_RECORD_MAX);
    int result = sign_private_record(key, &record, err);
    if (result == 0 && (args->given & OPT_JSON))
        result =
            put_record_json(key, buf_str(&record), selector->signs, selector->name, domain->name);
    else if (result == 0) {
        printf("; %s, %u bits, %s\n", sign_kind_name(key->kind), key->bits,
               selector->signs ? "signs" : "signs nothing: domain.dkim does not name it");
        result = put_record(buf_str(&record), selector->name, domain->name);
    }
    buf_release(&record);
    return result;
}

static int keygen(const struct tool_args *args, const struct conf *conf,
                  const struct conf_domain *domain)
{
    struct err err = {""};
    enum sign_kind kind = SIGN_RSA;
    struct dkim_selector selector = {.signs = false};
    if (args->algorithm && strcmp(args->algorithm, sign_kind_name(SIGN_ED25519)) == 0)
        kind = SIGN_ED25519;
    else if (args->algorithm && strcmp(args->algorithm, sign_kind_name(SIGN_RSA)) != 0)
        return tool_misused("dkim", "there is no algorithm \"%s\": rsa, ed25519", args->algorithm);
    if (choose_selector(args, kind, selector.name, &err) < 0)
        return tool_fail("dkim", &err);
    for (size_t i = 0; i < domain->dkim.n; i++)
        selector.signs |= str_ieq(str_of(domain->dkim.items[i]), str_of(selector.name));
    struct sign_private *key = sign_private_make(kind, &err);
    int result = key ? dkim_key_store(conf, domain, selector.name, key, &err) : -1;
    if (result == 0)
        result = show_key(args, domain, &selector, key, &err);
    if (result == 0 && !(args->given & OPT_JSON))
        printf("; publish it, `poterne dkim check %s`, then set dkim = { %s } in domain %s\n",
               domain->name, selector.name, domain->name);
    sign_private_free(&key);
    return result == 0 ? TOOL_YES : tool_fail("dkim", &err);
}

/* --- dns --- */

static int show_records(const struct tool_args *args, const struct conf *conf,
                        const struct conf_domain *domain)
{
    struct err err = {""};
    struct dkim_selectors found;
    int status = TOOL_YES;
    if (dkim_selectors_find(conf, domain, &found, &err) < 0)
        return tool_fail("dkim", &err);
    for (size_t i = 0; i < found.n; i++) {
        struct sign_private *key = dkim_key_of(conf, domain, found.list[i].name, &err);
        if (key == NULL || show_key(args, domain, &found.list[i], key, &err) < 0)
            status = tool_fail("dkim", &err);
        sign_private_free(&key);
    }
    if (found.n == 0) {
        fprintf(stderr, "poterne dkim: %s has no key; `poterne dkim keygen %s` makes one\n",
                domain->name, domain->name);
        return TOOL_NO;
    }
    return status;
}

/* --- the command --- */

static int run_on(const struct tool_args *args, const struct conf *conf)
{
    const char *what = args->rest[0];
    const struct conf_domain *domain = NULL;
    if (args->n_rest > 1) {
        domain = conf_domain_find(conf, str_of(args->rest[1]));
        if (domain == NULL)
            return tool_misused("dkim", "\"%s\" is no domain of the settings", args->rest[1]);
    }
    if (strcmp(what, "check") == 0)
        return dkim_check_domains(args, conf, domain);
    if (domain == NULL)
        return tool_misused("dkim", "%s of which domain?", what);
    return strcmp(what, "keygen") == 0 ? keygen(args, conf, domain)
                                       : show_records(args, conf, domain);
}

static int run(const struct tool_args *args)
{
    struct err err = {""};
    const char *what = args->n_rest ? args->rest[0] : "";
    if (strcmp(what, "keygen") != 0 && strcmp(what, "dns") != 0 && strcmp(what, "check") != 0)
        return tool_misused("dkim", "it takes keygen, dns or check, and no \"%s\"", what);
    if (args->n_rest > 2)
        return tool_misused("dkim", "one domain at a time, and no \"%s\"", args->rest[2]);
    if ((args->selector || args->algorithm) && strcmp(what, "keygen") != 0)
        return tool_misused("dkim", "--selector and --algorithm are for keygen");
    struct conf *conf = tool_conf(args, &err);
    if (conf == NULL)
        return tool_fail("dkim", &err);
    int status = run_on(args, conf);
    conf_free(&conf);
    return status;
}

const struct tool_command tool_dkim = {
    .name = "dkim",
    .summary = "the keys that sign our own mail, and their records in the DNS",
    .arguments = "keygen DOMAIN | dns DOMAIN | check [DOMAIN]",
    .help =
        "keygen makes a key, never in the place of another, and prints its record. It signs once\n"
        "domain.dkim names it and poterned got SIGHUP: publish it first.\n"
        "dns prints the records of all keys of the domain, as lines of a zone file.\n"
        "check asks the running resolver whether they are published (without DOMAIN: of all).\n"
        "Another key: keygen, publish, check, name it in domain.dkim, SIGHUP; leave the old "
        "record\n"
        "where it is until nothing that it signed is under way (a week), then remove both.\n"
        "Exit status: 0 done (check: all are published), 1 no (check: one is missing, wrong, or\n"
        "says that it is a test; dns: there is no key), 2 could not be done, or nobody knows.\n",
    .options = OPT_CONFIG | OPT_JSON | OPT_SELECTOR | OPT_ALGORITHM,
    .run = run,
};
