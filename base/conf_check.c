/* What must fit together. */
#include "base/buf.h"
#include "base/conf_loaded.h"
#include "base/conf_place.h"

static const struct conf_origin *origin_at(const struct conf_loaded *loaded, const char *section,
                                           const char *name)
{
    return &loaded->origins[conf_setting_find(section, name) - conf_settings];
}

/* Two settings that do not go together, or one that does not fit (both names are the same). */
struct clash {
    bool there;
    const char *section, *name;
    const char *other_section, *other;
    const char *text;
};

/* It is told where one of the two was written; they can't both be defaults. */
static void tell_clash(const struct conf_loaded *loaded, const struct clash *clash)
{
    struct err err;
    const struct conf_origin *origin = origin_at(loaded, clash->section, clash->name);
    if (origin->file == NULL)
        origin = origin_at(loaded, clash->other_section, clash->other);
    err_set(&err, "%s", clash->text);
    if (origin->file)
        conf_at(&err, origin);
    else
        err_prefix(&err, "%s", loaded->conf.path);
    conf_mistake_add(loaded->mistakes, &err);
}

/* --- report addresses --- */

#define REPORT_ADDRESSES 5

static bool is_ours(const struct conf *conf, const char *address)
{
    return conf_domain_of(conf, str_of(address)) != NULL;
}

/* Mail to them must come to us, and what is meant must be clear. */
static void check_report_addresses(const struct conf_loaded *loaded)
{
    const struct conf *conf = &loaded->conf;
    const struct {
        const char *section, *name, *address;
    } list[REPORT_ADDRESSES] = {{"spam", "reports", conf->spam.reports},
                                {"reports", "spam", conf->reports.spam},
                                {"reports", "ham", conf->reports.ham},
                                {"reports", "dmarc", conf->reports.dmarc},
                                {"reports", "tls", conf->reports.tls}};
    for (size_t i = 0; i < REPORT_ADDRESSES; i++) {
        struct clash clash = {true, list[i].section, list[i].name, NULL, NULL, NULL};
        if (list[i].address == NULL)
            continue;
        clash.other_section = clash.section;
        clash.other = clash.name;
        clash.text = "report address in none of our domains; expected one such as "
                     "spam@ and a domain that has a section here";
        if (!is_ours(conf, list[i].address))
            tell_clash(loaded, &clash);
        clash.text = "this report address has another meaning too; expected each address once";
        for (size_t k = 0; k < i; k++)
            if (list[k].address && str_ieq(str_of(list[k].address), str_of(list[i].address)))
                tell_clash(loaded, &clash);
    }
}

/* --- engines --- */

/* A name that is no engine of ours must be an outside scanner's. */
static void check_engines(const struct conf_loaded *loaded)
{
    const struct conf_antivirus *conf = &loaded->conf.antivirus;
    const struct conf_setting *setting = conf_setting_find("antivirus", "engines");
    for (size_t i = 0; i < conf->engines.n; i++) {
        const char *name = conf->engines.items[i];
        struct err err;
        if (conf_engine_ours(name) || conf_scanner_find(conf, name))
            continue;
        struct buf ours = BUF_INIT(200);
        for (size_t k = 0; k < CONF_CHOICES_MAX && setting->words[k]; k++)
            buf_addf(&ours, "%s, ", setting->words[k]);
        err_set(&err, "engines: item `%s`: expected one of %sor the name of a section scanner",
                name, buf_cstr(&ours));
        buf_release(&ours);
        conf_at(&err, &loaded->origins[setting - conf_settings]);
        conf_mistake_add(loaded->mistakes, &err);
    }
}

/* --- next hops --- */

static void check_outside(const struct conf_loaded *loaded)
{
    const struct conf *conf = &loaded->conf;
    const struct conf_outside *outside = &conf->outside;
    const struct conf_way_mistake *mistake = conf_way_check(&outside->next_hop, &outside->way);
    const struct clash clashes[] = {
        {!conf_hops_mail_servers(&outside->next_hop), "outside", "next_hop", "outside", "next_hop",
         "next_hop of outside is no mail server; expected smtp://address:port"},
        {conf_hops_name_twice(&outside->next_hop), "outside", "next_hop", "outside", "next_hop",
         "next_hop of outside has one name twice"},
        {conf_hops_named(&outside->next_hop) && !conf->resolver.enabled, "outside", "next_hop",
         "resolver", "enabled",
         "next_hop of outside is looked up by its name; expected resolver { enabled = yes }"},
        {mistake != NULL, "outside", mistake ? mistake->name : "tls", "outside",
         mistake ? mistake->other : "tls", mistake ? mistake->text : ""},
    };
    for (size_t i = 0; i < sizeof clashes / sizeof clashes[0]; i++)
        if (clashes[i].there)
            tell_clash(loaded, &clashes[i]);
}

void conf_check(const struct conf_loaded *loaded)
{
    struct err err;
    const struct conf *conf = &loaded->conf;
    const struct conf_smtp *smtp = &conf->smtp;
    size_t socket_path = strlen(conf->run_dir) + strlen("/") + CONF_SOCKET_NAME_MAX;
    const struct clash clashes[] = {
        {(smtp->tls_certificate == NULL) != (smtp->tls_key == NULL), "smtp", "tls_certificate",
         "smtp", "tls_key", "tls_certificate and tls_key go together; expected both or none"},
        {conf->submission.listen.n > 0 && smtp->tls_certificate == NULL, "submission", "listen",
         "smtp", "tls_certificate",
         "listen of submission without tls_certificate of smtp; passwords are taken over TLS only"},
        {conf->submission.listen_tls.n > 0 && smtp->tls_certificate == NULL, "submission",
         "listen_tls", "smtp", "tls_certificate",
         "listen_tls of submission without tls_certificate of smtp; passwords are taken over TLS "
         "only"},
        {conf->submission.domain && conf_domain_find(conf, str_of(conf->submission.domain)) == NULL,
         "submission", "domain", "submission", "domain",
         "domain of submission is none of ours; expected one that has a section here"},
        {(conf->reports.dmarc_send || conf->reports.tls_send) && conf->reports.sender == NULL,
         "reports", conf->reports.dmarc_send ? "dmarc_send" : "tls_send", "reports", "sender",
         "reports are to be sent without a sender; expected an address of one of our domains"},
        {conf->reports.sender && !is_ours(conf, conf->reports.sender), "reports", "sender",
         "reports", "sender",
         "sender of reports in none of our domains; expected an address whose mail we sign"},
        {conf->oauth.introspection[0] &&
             !str_starts(str_of(conf->oauth.introspection), STR("https://")),
         "oauth", "introspection", "oauth", "introspection",
         "introspection of oauth is not https://; expected a URL such as "
         "https://login.example/introspect"},
        {smtp->client_sessions_limit > smtp->sessions_limit, "smtp", "client_sessions_limit",
         "smtp", "sessions_limit",
         "client_sessions_limit is above sessions_limit; expected it below"},
        {conf->backup.at[0] && !conf_time_of_day(conf->backup.at, NULL), "backup", "at", "backup",
         "at", "at is no time of day; expected one such as 02:30, or nothing"},
        {conf->queue.retry_first > conf->queue.retry_max, "queue", "retry_first", "queue",
         "retry_max", "retry_first is longer than retry_max; expected it shorter"},
        {conf->antivirus.timeout > smtp->scan_timeout, "antivirus", "timeout", "smtp",
         "scan_timeout",
         "timeout of antivirus is longer than scan_timeout of smtp; expected it shorter"},
        {conf->content.timeout > smtp->scan_timeout, "content", "timeout", "smtp", "scan_timeout",
         "timeout of content is longer than scan_timeout of smtp; expected it shorter"},
        {socket_path > CONF_SOCKET_PATH_MAX, "", "run_dir", "", "run_dir",
         "run_dir is too long for the names of sockets in it; expected at most 82 bytes"},
    };
    _Static_assert(CONF_SOCKET_PATH_MAX - CONF_SOCKET_NAME_MAX - 1 == 82, "as the text says");
    for (size_t i = 0; i < sizeof clashes / sizeof clashes[0]; i++)
        if (clashes[i].there)
            tell_clash(loaded, &clashes[i]);
    check_outside(loaded);
    check_engines(loaded);
    conf_check_sources(loaded);
    if (conf->n_domains > 0) {
        check_report_addresses(loaded);
        return;
    }
    err_set(&err, "%s: no domain; expected domain NAME { next_hop = … }", conf->path);
    conf_mistake_add(loaded->mistakes, &err);
}
